"""A loopback server that behaves like an OpenAI endpoint, faults included. For tests and for timing.

The mode is the first part of the path: `server.url("ok")`, `server.url("truncated")`, ... `ok` answers with
`panel.models.scripted`, so whole runs can go through a real socket. Everything that arrived is in `server.seen`.
`crowded-10`, `metered-600-told`, ... have a hidden limit (tests/hidden_limits.py), counted in `server.meters`;
`ok-100-hang` dies after 100 calls. GET /counts gives every counter as JSON.
`python tests/fault_server.py [PORT [LATENCY]]` serves until killed and prints its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from hidden_limits import Meter, meter_of

from panel.models.scripted import Options, answer_to
from panel.schema import Message, Prompt, Request

STORM = (("rate_limited", 10), ("failing", 5), ("truncated", 5), ("reset", 2), ("hang", 1))
"""Percent of the calls in `storm` that end so; which ones depends on messages and attempt, not on timing."""
STORMS = {"storm": STORM, "storm_refusing": (*STORM, ("policy", 1))}
PROXY_TIMEOUT = 3600


@dataclass
class Seen:
    """One request that arrived."""

    mode: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class FaultServer:
    """`with FaultServer() as server: server.url("ok")`. Runs in a thread with a loop of its own."""

    options: Options = field(default_factory=Options)
    latency: float = 0.0
    port: int = 0
    keep_seen: bool = True
    seen: list[Seen] = field(default_factory=list)
    calls: int = 0
    most_in_flight: int = 0
    late: int = 0
    met_faults: dict[str, int] = field(default_factory=dict)
    """What the calls of a storm met, by mode."""
    meters: dict[str, Meter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._in_flight = 0
        self._attempts: dict[str, int] = {}
        self._met: dict[str, int] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FaultServer:
        self._thread.start()
        assert self._ready.wait(10), "the fault server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def url(self, mode: str = "ok") -> str:
        """The base URL of a mode."""
        return f"http://127.0.0.1:{self.port}/{mode}/v1"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        left = asyncio.all_tasks(self._loop)  # those that hang
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{mode}/v1/chat/completions", self._answer)
        app.router.add_get("/counts", self._counts)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, backlog=2048)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        mode = request.match_info["mode"]
        body = json.loads(await request.read())
        self.calls += 1
        if self.keep_seen:
            self.seen.append(Seen(mode, dict(request.headers), body))
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            meter = self.meters.get(mode) or self._new_meter(mode)
            if meter is not None:
                return await self._metered(meter, request, body)
            if self.latency:
                await asyncio.sleep(self.latency)
            mode = self._after(mode)
            if mode in STORMS:
                mode = self._weather(mode, body)
            if mode not in MODES:
                return web.json_response({"error": {"message": f"no mode {mode}"}}, status=404)
            return await MODES[mode](self, request, body)
        finally:
            self._in_flight -= 1

    def _new_meter(self, mode: str) -> Meter | None:
        meter = meter_of(mode)
        if meter is not None:
            self.meters[mode] = meter
        return meter

    async def _metered(self, meter: Meter, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """A good answer, or at once 429 where the hidden limit is reached."""
        wait = meter.admit(self._loop.time())
        if wait is not None:
            headers = {"Retry-After": wait} if wait else None
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers=headers)
        try:
            await asyncio.sleep(self.latency)
            return await ok(self, request, body)
        finally:
            meter.leave()

    def _after(self, mode: str) -> str:
        """`ok-100-hang`: the first 100 calls meet `ok`, all later ones `hang` and are counted in `late`."""
        first, _, rest = mode.partition("-")
        many, _, later = rest.partition("-")
        if not many.isdigit():
            return mode
        self._met[mode] = self._met.get(mode, 0) + 1
        if self._met[mode] <= int(many):
            return first
        self.late += 1
        return later

    async def _counts(self, _: web.Request) -> web.Response:
        """Every counter, for who runs this server as a process."""
        return web.json_response({
            "calls": self.calls, "late": self.late, "met": self.met_faults, "most_in_flight": self.most_in_flight,
            "meters": {mode: meter.counts(self.latency) for mode, meter in self.meters.items()}})

    def _weather(self, storm: str, body: dict[str, Any]) -> str:
        """What a call in the storm meets: fixed by its messages and by how often they were sent."""
        digest = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()
        attempt = self._attempts[digest] = self._attempts.get(digest, 0) + 1
        lot = int(hashlib.sha256(f"{digest}/{attempt}".encode()).hexdigest()[:8], 16) % 100
        for mode, percent in STORMS[storm]:
            if lot < percent:
                self.met_faults[mode] = self.met_faults.get(mode, 0) + 1
                return mode
            lot -= percent
        return "ok"


def completion(text: str | None, body: dict[str, Any], **message: Any) -> dict[str, Any]:
    """A body as OpenAI writes it."""
    prompt_tokens = sum(len(json.dumps(item["content"])) for item in body["messages"]) // 4
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": f"{body['model']}-2026-01-01",
        "system_fingerprint": "fp_loopback",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": text, **message}}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 50, "total_tokens": prompt_tokens + 50,
                  "prompt_tokens_details": {"cached_tokens": 40},
                  "completion_tokens_details": {"reasoning_tokens": 7}},
    }


def asked_of(body: dict[str, Any]) -> Request:
    """The request a body was made from, as far as scripted answers need it."""
    messages = []
    for item in body["messages"]:
        content = item["content"]
        parts = (content,) if isinstance(content, str) else tuple(part["text"] for part in content)
        messages.append(Message(role=item["role"], parts=parts))
    response_format = body.get("response_format", {})
    schema = response_format.get("json_schema", {}).get("schema")
    if "tools" in body:
        schema = body["tools"][0]["function"]["parameters"]
    return Request(prompt=Prompt(messages=tuple(messages)), answer_schema=schema, seed=body.get("seed"),
                   top_logprobs=body.get("top_logprobs", 0))


def scripted(server: FaultServer, body: dict[str, Any]) -> dict[str, Any]:
    """The body of a good answer, schema, tool and logprobs honoured."""
    text, logprobs = answer_to(asked_of(body), server.options)
    if "tools" in body:
        call = {"id": "call_1", "type": "function", "function": {"name": "answer", "arguments": text}}
        return completion(None, body, tool_calls=[call])
    answer = completion(text, body)
    if body.get("logprobs"):
        answer["choices"][0]["logprobs"] = {"content": [
            {"token": token.token, "logprob": token.logprob, "bytes": list(token.token.encode()),
             "top_logprobs": [{"token": text, "logprob": value, "bytes": None} for text, value in token.top]}
            for token in logprobs
        ]}
    return answer


Mode = Callable[[FaultServer, web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
MODES: dict[str, Mode] = {}


def mode(function: Mode) -> Mode:
    """Serve a function under its name."""
    MODES[function.__name__] = function
    return function


def fixed(name: str, status: int, error: Any, headers: dict[str, str] | None = None) -> None:
    """A mode that always answers with this error."""

    async def answer(*_: Any) -> web.StreamResponse:
        return web.json_response({"error": error}, status=status, headers=headers)

    MODES[name] = answer


def answering(name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """A mode that answers 200 with what `change` makes of the request's body."""

    async def answer(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(change(body))

    MODES[name] = answer


fixed("rate_limited", 429, {"message": "slow down", "code": "rate_limit_exceeded"}, {"Retry-After": "0.05"})
fixed("rate_limited_date", 429, {"message": "slow down"}, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
fixed("rate_limited_ms", 429, {"message": "slow down"}, {"retry-after-ms": "1500", "Retry-After": "2"})
fixed("out_of_money", 429, {"message": "You exceeded your current quota", "code": "insufficient_quota"})
fixed("failing", 500, {"message": "the server had an error"})
fixed("overloaded", 529, {"type": "overloaded_error", "message": "Overloaded"})
fixed("too_long", 400, {"message": "This model's maximum context length is 4096 tokens.", "code":
                        "context_length_exceeded", "param": "messages"})
fixed("policy", 400, {"message": "Your request was rejected as a result of our safety system.", "code":
                      "content_policy_violation"})
fixed("no_schema", 400, {"message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported "
                                    "with this model.", "param": "response_format"})
fixed("no_temperature", 400, {"message": "Unsupported value: 'temperature' does not support 0.2 with this model.",
                              "param": "temperature", "code": "unsupported_value"})
fixed("unknown_model", 404, {"message": "The model `gpt-9` does not exist", "code": "model_not_found"})
fixed("forbidden", 403, {"message": "Project has no access to this model"})
fixed("no_tools_404", 404, {"message": "No endpoints found that support tool use.", "code": 404})
answering("free_text", lambda body: completion("I think this tool is quite good, ship it!", body))
answering("fenced", lambda body: completion('```json\n{"word": "cat"}\n```', body))
answering("any_object", lambda body: completion('{"word": "cat"}', body))
answering("reasoning_only", lambda body: completion(None, body, reasoning_content="Let me think about it. ship"))
answering("refusal", lambda body: completion(None, body, refusal="I cannot help with that."))
answering("object_arguments", lambda body: completion(
    None, body, tool_calls=[{"function": {"name": "answer", "arguments": {"word": "heliotrope-41"}}}]))
answering("error_in_200", lambda body: {"error": {"code": 429, "message": "upstream is busy"}})
answering("vague_error_in_200", lambda body: {"error": "something"})
answering("no_choices", lambda body: {"id": "x", "choices": []})
answering("a_list", lambda body: [1, 2])
answering("odd_types", lambda body: {
    "model": 5, "choices": [{"message": {"content": [{"type": "thinking", "thinking": "hm"},
                                                     {"type": "text", "text": "half \ud83d emoji"}]},
                             "logprobs": {"content": [{"token": "x"}, 5]}, "finish_reason": 3}],
    "usage": {"prompt_tokens": "12", "completion_tokens": True}})
answering("dead_logprobs", lambda body: {**completion("word", body), "choices": [
    {"message": {"content": "word"}, "finish_reason": "stop", "logprobs": {"content": [
        {"token": "word", "logprob": 0.0, "top_logprobs": [{"token": "word", "logprob": 0.0},
                                                           {"token": "cat", "logprob": -9999.0}]}]}}]})
answering("billed", lambda body: {**completion("x", body), "usage": {"prompt_tokens": 9, "completion_tokens": 1,
                                                                     "cost": 0.0123}})


@mode
async def ok(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    return web.json_response(scripted(server, body))


@mode
async def echo_beginning(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """As llama.cpp: the beginning that was given is part of the answer's text, and not of its tokens."""
    answer = scripted(server, body)
    message = answer["choices"][0]["message"]
    message["content"] = body["messages"][-1]["content"] + message["content"]
    return web.json_response(answer)


@mode
async def tools_only(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Honours a forced tool, ignores a schema."""
    if "tools" in body:
        return web.json_response(scripted(server, body))
    return web.json_response(completion("a cat", body))


@mode
async def schema_refused(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Refuses response_format and tools with 400, answers free text."""
    for name in ("response_format", "tools"):
        if name in body:
            return web.json_response({"error": {"message": f"{name} is not supported", "param": name}}, status=400)
    return web.json_response(completion("plain words", body))


@mode
async def echo_key(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """401 that repeats the key in every way servers have been seen to."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    message = f"{'x' * 280} Incorrect API key provided: {key}. Header was Bearer {key}; {json.dumps(request.path)}"
    return web.json_response({"error": {"message": message, "code": "invalid_api_key", "given": key}}, status=401)


@mode
async def echo_headers(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A debugging gateway: 502 and all request headers as text."""
    return web.Response(status=502, text=f"<h1>Bad gateway</h1>{dict(request.headers)}")


@mode
async def echo_in_answer(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """200, not JSON, with the key in it."""
    return web.Response(text=f"not json: {request.headers.get('Authorization')}")


@mode
async def echo_in_fields(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A whole answer, with the key in the model's name, the fingerprint and the reasoning beside it."""
    key = str(request.headers.get("Authorization"))
    answer = scripted(server, body)
    answer["choices"][0]["message"]["reasoning_content"] = f"I was called with {key}"
    return web.json_response({**answer, "model": key, "system_fingerprint": key})


@mode
async def key_finish(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A whole answer, with the key for a reason to finish."""
    answer = scripted(server, body)
    answer["choices"][0]["finish_reason"] = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return web.json_response(answer)


@mode
async def key_escaped(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A whole answer that says the key, in escapes which reading the answer undoes."""
    answer = scripted(server, body)
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    said = json.loads(answer["choices"][0]["message"]["content"])
    if "because" in said:
        said["because"]["text"] = "HIDDEN decides it"
    text = json.dumps(said).replace("HIDDEN", "".join(f"\\u{ord(sign):04x}" for sign in key))
    answer["choices"][0]["message"]["content"] = text
    return web.json_response(answer)


@mode
async def html(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    return web.Response(text="<html><body>Please log in</body></html>", content_type="text/html")


@mode
async def half_json(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """HTTP whole, JSON cut."""
    text = json.dumps(scripted(server, body))
    return web.Response(text=text[: len(text) // 2], content_type="application/json")


@mode
async def empty(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    return web.Response(text="", content_type="application/json")


@mode
async def truncated(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Promises more bytes than it sends."""
    text = json.dumps(scripted(server, body)).encode()
    response = web.StreamResponse(headers={"Content-Length": str(len(text)), "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(text[: len(text) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


@mode
async def reset(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@mode
async def poison(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Breaks off where the messages speak of poison, and is well otherwise."""
    return await (reset if "Poison" in json.dumps(body["messages"]) else ok)(server, request, body)


@mode
async def hang(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Reads and never answers."""
    await asyncio.sleep(PROXY_TIMEOUT)
    return web.Response()


@mode
async def drip(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """One blank every 20 ms, for ever: each read is in time, the whole never is."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)
    return response


@mode
async def endless(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A body without end, as fast as it can."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" " * (1 << 20))
    return response


@mode
async def redirect(server: FaultServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect(f"http://localhost:{server.port}/ok/v1/chat/completions?key=abc")


if __name__ == "__main__":
    given_port, given_latency = (*sys.argv[1:], "0", "0")[:2]
    with FaultServer(port=int(given_port), latency=float(given_latency), keep_seen=False) as running:
        print(running.url("ok"), flush=True)
        threading.Event().wait()
