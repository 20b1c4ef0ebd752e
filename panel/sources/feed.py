"""One feed fetched over HTTP: JSON lines, JSON or CSV, under a cap of size and time.

The address the owner typed may lie anywhere; a redirect away from it may not lead to a private, loopback or
link-local address (a feed is somebody else's text). Knows nothing of what is done with what it brings.
"""

from __future__ import annotations

import asyncio
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from panel.errors import SourceDown
from panel.models.redact import plain_line
from panel.schema import Record

MOST_BYTES = 64_000_000
SECONDS = 60.0
"""Most time a feed may take, its redirects included."""
REDIRECTS = 5
TYPES = {
    "application/jsonl": ".jsonl", "application/x-jsonl": ".jsonl", "application/jsonlines": ".jsonl",
    "application/x-jsonlines": ".jsonl", "application/x-ndjson": ".jsonl", "application/ndjson": ".jsonl",
    "application/json": ".json", "text/json": ".json", "text/csv": ".csv",
}
"""Content type → suffix."""
VAGUE = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
"""Content types that say nothing: the address's own suffix decides."""
NAT64 = ip_network("64:ff9b::/96")
COMPATIBLE = ip_network("::/96")
"""IPv6 addresses whose last four bytes are an IPv4 address."""
_ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HOST = re.compile(r"(\[[^\[\]@]*\]|[^\[\]@:\s\\]*)(:[0-9]*)?")
SUFFIXES = {".jsonl": ".jsonl", ".ndjson": ".jsonl", ".json": ".json", ".csv": ".csv"}


class Fetched(Record):
    """A feed's bytes as they came, and the suffix a file of them has."""

    body: bytes
    suffix: str


def is_address(source: str) -> bool:
    """Whether a source is an address and not a path; only http and https are fetched."""
    return _ADDRESS.match(source) is not None


async def fetch(address: str, *, most_bytes: int = MOST_BYTES, seconds: float = SECONDS) -> Fetched:
    """The feed at an http(s) address. Raises SourceDown: what is wrong, and with which address, without its secrets."""
    address = address.strip()
    try:
        async with asyncio.timeout(seconds):
            return await _follow(address, most_bytes)
    except SourceDown as error:
        wrong = str(error)
    except TimeoutError:
        wrong = f"not whole after {seconds:.0f} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        wrong = f"cannot be fetched ({_reason(error)})"
    # Raised here, so that the text of the exception, which may hold a key, goes nowhere, not even as a cause.
    raise SourceDown(f"{_shown(address)}: {plain_line(wrong, _secrets(address))}")


async def _follow(typed: str, most_bytes: int) -> Fetched:
    """Fetch, hop by hop. Raises SourceDown: what is wrong, not with which address."""
    address = typed
    for _ in range(REDIRECTS + 1):
        parts = _split(address)
        trusted = _origin(parts) == _origin(_split(typed))
        if not trusted:
            _refuse_private(parts.hostname or "", parts.hostname or "")
        connector = aiohttp.TCPConnector(resolver=DefaultResolver() if trusted else _PublicOnly())
        async with (aiohttp.ClientSession(connector=connector, headers={"User-Agent": "ship-panel"}) as session,
                    session.get(address, allow_redirects=False) as answer):
            if 300 <= answer.status < 400 and "Location" in answer.headers:
                address = urljoin(address, answer.headers["Location"])
                continue
            if answer.status != 200:
                raise SourceDown(f"answers {answer.status}")
            suffix = _suffix(answer.content_type if "Content-Type" in answer.headers else "", parts)
            return Fetched(body=await _read(answer, most_bytes), suffix=suffix)
    raise SourceDown(f"redirects more than {REDIRECTS} times")


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    parts, size = [], 0
    async for chunk in answer.content.iter_chunked(1 << 16):
        size += len(chunk)
        if size > most_bytes:
            raise SourceDown(f"holds more than {most_bytes / 1e6:.0f} MB")
        parts.append(chunk)
    return b"".join(parts)


def _suffix(content_type: str, parts: SplitResult) -> str:
    """The suffix of a file of what was answered. Raises SourceDown where it is no format of launches."""
    found = TYPES.get(content_type)
    if found is None and content_type in VAGUE:
        found = SUFFIXES.get(PurePosixPath(parts.path).suffix.lower())
    if found is None:
        raise SourceDown(f"is {content_type or 'of no content type'}; a feed is JSON lines, JSON or CSV, by its "
                         "content type or by the suffix of its address")
    return found


def _split(address: str) -> SplitResult:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceDown("not an http or https address")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _shown(address: str) -> str:
    """The address without query and user, either of which may hold a key. Takes any text, also one that is none."""
    scheme, _, rest = address.partition("://")
    host, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
    host = host.rpartition("@")[2]
    if _HOST.fullmatch(host) is None:  # a password with a / or ? in it, most likely
        return f"{scheme}://..."
    return f"{scheme}://{host}{slash}{path}"


def _secrets(address: str) -> list[str]:
    """What of an address nobody is shown: who it logs in as, and what its query says."""
    rest = address.partition("://")[2].partition("#")[0]
    user, _, password = rest.partition("/")[0].rpartition("@")[0].partition(":")
    query = rest.partition("?")[2]
    found = [unquote(user), unquote(password), user, password, *(value for _, value in parse_qsl(query))]
    return [*found, *(part.partition("=")[2] or part for part in query.split("&"))]


def _refuse_private(address: str, host: str) -> None:
    """Raises SourceDown when `address` is an IP address that only this network knows."""
    try:
        found = ip_address(address)
    except ValueError:
        return
    if any(not one.is_global or one.is_multicast for one in (found, *_wrapped(found))):
        raise SourceDown(f"it redirects to {host}, an address of this network; not followed")


def _wrapped(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for where a gateway translates it."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64 or address in COMPATIBLE:
        found.append(IPv4Address(address.packed[-4:]))
    return [one for one in found if one is not None]


class _PublicOnly(AbstractResolver):
    """Names → addresses, of which none may be private: checked where the connection takes them from."""

    def __init__(self) -> None:
        self._inner = DefaultResolver()

    async def resolve(self, host: str, port: int = 0,
                      family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            _refuse_private(one["host"], host)
        return found

    async def close(self) -> None:
        await self._inner.close()


def _reason(error: Exception) -> str:
    """Why, without the text of an exception that may quote the address or what the server said."""
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return "it is no valid address"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"no answer in HTTP: {type(error).__name__}, status {error.status}"
    cause = getattr(error, "os_error", error)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(error).__name__
