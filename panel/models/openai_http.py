"""Any endpoint that speaks OpenAI chat completions, over one aiohttp session: one request, one answer, no retry.

Knows nothing of which structure a server honours (`ladder`), of retries or money caps (`caller`), or of what the
answer means.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from panel.errors import ModelError, ModelRejected, ModelUnavailable
from panel.models.chat import Answer, Bodies, UnreadableError, read_answer, read_json
from panel.models.faults import Asked, fault_of, parameter_names, spoiled
from panel.models.prices import cost_of, priced
from panel.models.wires import is_loopback
from panel.schema import Completion, ModelInfo, Request

MAX_BODY = 2 * 1024 * 1024
"""Bytes of an answer's body, after decompression, past which it is given up."""
CONNECT_S = 30.0
KEEPALIVE_S = 4.0
"""uvicorn (vLLM) and llama.cpp drop an idle connection after 5 s; a POST on one they dropped would fail."""
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)


class OpenAiHttp:
    """A model behind `base_url`/chat/completions.

    `timeout_s` caps a whole call on the wall clock, however steadily a server drips. `key_env` is only named in
    messages. Sessions are opened on the first call, one for each event loop that asks.
    """

    def __init__(self, name: str, base_url: str, model: str, *, api_key: str | None = None, key_env: str | None = None,
                 timeout_s: float = 120.0, info: ModelInfo | None = None) -> None:
        self.model = model
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        plain = ModelInfo(name=name, endpoint=self._base_url, local=is_loopback(base_url))
        self._info = info or priced(plain, None, model)
        self._bodies = Bodies(model, mark_shared="openrouter.ai" in base_url and model.startswith("anthropic/"))
        self._asked = Asked(name=name, endpoint=self._base_url, model=model, key_env=key_env,
                            secrets=(api_key,) if api_key else ())
        # identity: an answer is a few KB, and unpacking it would cost more than it saves
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {_ascii_key(api_key, self._asked)}"
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    def info(self) -> ModelInfo:
        """What is known without asking it."""
        return self._info

    async def complete(self, request: Request) -> Completion:
        """One request, one answer. Raises ModelUnavailable, ModelDeclined or ModelRejected."""
        body = self._bodies.body(request)
        started = time.perf_counter()
        status, raw, headers = await self._post(body)
        seconds = time.perf_counter() - started
        if not 200 <= status < 300:
            raise fault_of(self._about(request), status, raw.decode("utf-8", "replace"), headers)
        return self._completion(self._read(raw, request), request, seconds)

    async def close(self) -> None:
        """Close the session of the running loop, and forget those of loops that are gone."""
        here = asyncio.get_running_loop()
        for loop, session in list(self._sessions.items()):
            if loop is here or loop.is_closed():
                del self._sessions[loop]
            if loop is here:
                await session.close()

    async def _post(self, data: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and (of a fault) headers."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                # Following a redirect would carry the key to another host.
                self._session().post(self._url, data=data, headers=self._headers, allow_redirects=False) as response,
            ):
                raw = await _read_capped(response)
                return response.status, raw, {} if response.status == 200 else dict(response.headers)
        except TimeoutError as error:  # aiohttp's own is one of these
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                raise self._no_connection(error) from error
            said = f"no whole answer from {self._base_url} within {self._timeout_s:g} s"
            raise ModelUnavailable(self._asked.line(said)) from error
        except aiohttp.ClientConnectorError as error:
            raise self._no_connection(error) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise ModelRejected(self._asked.line(f"{self._base_url} is not an address")) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            early = isinstance(error, aiohttp.ClientPayloadError)
            said = "sent a body that ends early" if early else "broke off the connection"
            # No cause: its text may hold what the server sent, and that may hold the key.
            raise spoiled(self._asked, said, str(error), 200 if early else None) from None

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=KEEPALIVE_S),
                timeout=_NO_TIMEOUT,
                cookie_jar=aiohttp.DummyCookieJar(), proxy=_proxy_for(self._url),
            )
            self._sessions[loop] = session
        return session

    def _read(self, raw: bytes, request: Request) -> Answer:
        try:
            payload = read_json(raw)
        except (ValueError, RecursionError):
            text = raw[:400].decode("utf-8", "replace")
            problem = "sent a body that is not JSON, or ends early" if text.strip() else "sent an empty body"
            raise spoiled(self._asked, problem, text, 200) from None
        try:
            return read_answer(payload)
        except UnreadableError as error:
            if isinstance(error.fault, dict) and isinstance(error.fault.get("code"), int):
                raise self._hidden_fault(error.fault, request) from error
            raise spoiled(self._asked, str(error), json.dumps(error.fault) if error.fault else "", 200) from error

    def _hidden_fault(self, fault: dict[str, Any], request: Request) -> ModelError:
        """OpenRouter answers 200 and puts what went wrong, with its HTTP status, into the body."""
        code: int = fault["code"]
        if not 400 <= code <= 599:
            return spoiled(self._asked, "sent an error instead of an answer", json.dumps(fault), 200)
        return fault_of(self._about(request), code, json.dumps({"error": fault}))

    def _completion(self, answer: Answer, request: Request, seconds: float) -> Completion:
        info = self._info
        cost, version = cost_of(info, answer.tokens_in, answer.tokens_cached, answer.tokens_out), info.price_version
        if answer.billed_usd is not None and not info.local:
            cost, version = answer.billed_usd, "billed"
        return Completion(
            text=_continuation(request, answer.text), finish_reason=answer.finish_reason, reasoning=answer.reasoning,
            tokens_in=answer.tokens_in, tokens_cached=answer.tokens_cached, tokens_out=answer.tokens_out,
            tokens_reasoning=answer.tokens_reasoning, cost_usd=cost, price_version=version, seconds=seconds,
            model=answer.model, endpoint=info.endpoint, fingerprint=answer.fingerprint, http_status=200,
            logprobs=answer.logprobs, params_sent=self._bodies.told(request),
        )

    def _about(self, request: Request) -> Asked:
        return self._asked.model_copy(update={"sent": parameter_names(self._bodies.fields(request))})

    def _no_connection(self, error: Exception) -> ModelError:
        """Nothing was sent. A certificate that does not hold will not hold the next time either."""
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            said = f"{self._base_url} has a certificate that cannot be trusted"
            return ModelRejected(self._asked.line(said, str(error)))
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            said = f"no host answers to the name in {self._base_url}; is the address right, and the network up?"
        elif isinstance(error, aiohttp.ClientProxyConnectionError):
            said = f"the proxy between here and {self._base_url} does not answer; look at HTTPS_PROXY"
        else:
            said = f"no server answers at {self._base_url}; is it running?"
        return ModelUnavailable(self._asked.line(said), refused=True)


def _continuation(request: Request, text: str) -> str:
    """What was added to a beginning that was given: llama.cpp repeats the beginning in its answer, others do not."""
    last = request.prompt.messages[-1] if request.prompt.messages else None
    return text.removeprefix(last.content) if last is not None and last.role == "assistant" else text


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    """The body, as far as MAX_BODY; a longer one raises ClientPayloadError."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            raise aiohttp.ClientPayloadError(f"more than {MAX_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _ascii_key(key: str, asked: Asked) -> str:
    """A key that can stand in a header; one with a line break or a typographic quote was pasted wrong."""
    if key.isascii() and key.isprintable() and " " not in key:
        return key
    where = asked.key_env or "the key"
    raise ModelRejected(asked.line(f"{where} holds a space, a line break or a sign no key has; copy it again"))


def _proxy_for(url: str) -> str | None:
    """The proxy the system is set to use for `url`, looked up once a session; loopback never goes through one."""
    parts = urlsplit(url)
    if is_loopback(url) or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    return proxy if proxy and proxy.startswith(("http://", "https://")) else None
