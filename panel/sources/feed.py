"""One feed fetched over HTTP: JSON lines, JSON or CSV, under a cap of size and time.

The address the owner typed may lie anywhere; a redirect away from it may not lead to a private, loopback or
link-local address (a feed is somebody else's text). Knows nothing of what is done with what it brings.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from panel.errors import SourceDown
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
SUFFIXES = {".jsonl": ".jsonl", ".ndjson": ".jsonl", ".json": ".json", ".csv": ".csv"}


class Fetched(Record):
    """A feed's bytes as they came, and the suffix a file of them has."""

    body: bytes
    suffix: str


def is_address(source: str) -> bool:
    """Whether a source is an http(s) address and not a path."""
    return source.lower().startswith(("http://", "https://"))


async def fetch(address: str, *, most_bytes: int = MOST_BYTES, seconds: float = SECONDS) -> Fetched:
    """The feed at an http(s) address. Raises SourceDown: what is wrong, and with which address."""
    shown = address.partition("?")[0]
    try:
        async with asyncio.timeout(seconds):
            return await _follow(address, most_bytes)
    except TimeoutError as error:
        raise SourceDown(f"{shown}: not whole after {seconds:.0f} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise SourceDown(f"{shown}: cannot be fetched ({_reason(error)})") from error


async def _follow(typed: str, most_bytes: int) -> Fetched:
    """Fetch, hop by hop."""
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
                raise SourceDown(f"{_shown(typed)}: answers {answer.status} {answer.reason or ''}".rstrip())
            suffix = _suffix(answer.content_type if "Content-Type" in answer.headers else "", parts)
            return Fetched(body=await _read(answer, _shown(typed), most_bytes), suffix=suffix)
    raise SourceDown(f"{_shown(typed)}: redirects more than {REDIRECTS} times")


async def _read(answer: aiohttp.ClientResponse, shown: str, most_bytes: int) -> bytes:
    parts, size = [], 0
    async for chunk in answer.content.iter_chunked(1 << 16):
        size += len(chunk)
        if size > most_bytes:
            raise SourceDown(f"{shown}: holds more than {most_bytes / 1e6:.0f} MB")
        parts.append(chunk)
    return b"".join(parts)


def _suffix(content_type: str, parts: SplitResult) -> str:
    """The suffix of a file of what was answered. Raises SourceDown where it is no format of launches."""
    found = TYPES.get(content_type)
    if found is None and content_type in VAGUE:
        found = SUFFIXES.get(PurePosixPath(parts.path).suffix.lower())
    if found is None:
        raise SourceDown(f"{_shown(parts.geturl())}: is {content_type or 'of no content type'}; a feed is JSON lines, "
                         "JSON or CSV, by its content type or by the suffix of its address")
    return found


def _split(address: str) -> SplitResult:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceDown(f"{_shown(address)}: not an http or https address")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _shown(address: str) -> str:
    """The address without query and user: either may hold a key."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _refuse_private(address: str, host: str) -> None:
    """Raises SourceDown when `address` is an IP address that only this network knows."""
    try:
        found = ip_address(address)
    except ValueError:
        return
    if not found.is_global or found.is_multicast:
        raise SourceDown(f"it redirects to {host}, an address of this network; not followed")


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


def _reason(error: Any) -> str:
    return str(getattr(error, "os_error", None) or error or type(error).__name__)[:200]
