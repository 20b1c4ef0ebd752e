"""A very cheap OpenAI-compatible endpoint on loopback, so that what is measured is the client.

`python server.py LATENCY_S [--faults] [--keep FILE]` prints its port and serves until killed. It honours json_schema,
forced tools and streaming; without any of them it answers a verdict as JSON. GET /stats tells what arrived. With
`--keep`, every request's messages are appended to FILE as a line of JSON. Only the standard library.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

FAULTS = (("429", 10), ("500", 5), ("truncated", 5), ("reset", 2), ("hang", 1), ("refusal", 1))
"""Of every hundred calls in a row, so many end so. The n-th call to arrive meets the same fate whoever sends it."""
SPARED = 3
"""Calls at the start that meet no fault: some libraries first ask what the endpoint can do, and that is not the job."""
SEED = 20261124
SENTENCE = "It adds one process that keeps the state of a job in a plain file, and a command that starts it again."
NUMBERS = {"score": 62, "confidence": 70}
ITEMS = {"points": 4, "claims": 2}
TEXT = {"type": "string"}
PLAIN: dict[str, Any] = {"type": "object", "properties": {
    "points": {"type": "array", "items": {"type": "object", "properties": {"point": TEXT, "text": TEXT}}},
    "claims": {"type": "array", "items": {"type": "object", "properties": {
        "text": TEXT, "lines": {"type": "array", "items": {"type": "integer"}}}}},
    "missing": {"type": "array", "items": TEXT},
    "because": {"type": "object", "properties": {"point": TEXT, "text": TEXT}},
    "score": {"type": "integer"}, "verdict": {"type": "string", "enum": ["ship", "skip"]},
    "confidence": {"type": "integer"},
}}


def filled(schema: dict[str, Any], defs: dict[str, Any], name: str = "") -> Any:
    """Something the schema allows; the same sentence wherever text may stand."""
    if "$ref" in schema:
        return filled(defs[schema["$ref"].rsplit("/", 1)[-1]], defs, name)
    for several in ("anyOf", "allOf", "oneOf"):
        if several in schema:
            return filled(schema[several][0], defs, name)
    if "enum" in schema or "const" in schema:
        return schema["enum"][0] if "enum" in schema else schema["const"]
    kind = schema.get("type")
    if kind == "object":
        return {key: filled(value, defs, key) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [filled(schema.get("items", TEXT), defs)] * ITEMS.get(name, 1)
    if kind in ("integer", "number"):
        return NUMBERS.get(name, 1)
    if kind == "boolean":
        return True
    return "primitive" if name == "point" else SENTENCE


class Endpoint:
    """What all connections share: the counts, the dice, the answers already made."""

    def __init__(self, latency: float, faults: bool, keep: Path | None) -> None:
        self.latency = latency
        self.dice = random.Random(SEED) if faults else None
        self.kept = keep.open("a") if keep else None
        self.deck: list[str] = []
        self.fates: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = 0
        self.first = self.last = 0.0
        self._answers: dict[str, str] = {}

    def fate(self) -> str:
        """What the call that has just arrived will meet."""
        if self.dice is None or sum(self.fates.values()) < SPARED:
            return "ok"
        if not self.deck:
            self.deck = [name for name, percent in FAULTS for _ in range(percent)]
            self.deck += ["ok"] * (100 - len(self.deck))
            self.dice.shuffle(self.deck)
        return self.deck.pop()

    def arrived(self, body: dict[str, Any]) -> str:
        """Count a call; returns its fate."""
        fate = self.fate()
        self.fates[fate] += 1
        self.first = self.first or time.monotonic()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.kept:
            self.kept.write(json.dumps({"messages": body["messages"], "format": body.get("response_format")}) + "\n")
            self.kept.flush()
        return fate

    def left(self) -> None:
        """A call was answered, or its connection is gone."""
        self.in_flight -= 1
        self.last = time.monotonic()

    def stats(self) -> dict[str, Any]:
        """Calls by fate, most in flight, seconds between the first call and the last answer."""
        return {"calls": sum(self.fates.values()), "fates": dict(self.fates), "in_flight": self.in_flight,
                "most_in_flight": self.most_in_flight, "span_s": self.last - self.first}

    def answer(self, body: dict[str, Any], fate: str) -> bytes:
        """The body of an answer with status 200."""
        tools = body.get("tools")
        if tools:
            schema = tools[0]["function"]["parameters"]
        else:
            schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema") or PLAIN
        key = repr(schema)
        text = self._answers.get(key)
        if text is None:
            text = self._answers[key] = json.dumps(filled(schema, schema.get("$defs", {})))
        finish = "stop"
        if fate == "truncated":
            text, finish = text[: len(text) // 2], "length"
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if fate == "refusal":
            message |= {"content": None, "refusal": "I cannot help with that."}
        elif tools:
            call = {"id": "call_1", "type": "function",
                    "function": {"name": tools[0]["function"]["name"], "arguments": text}}
            message |= {"content": None, "tool_calls": [call]}
            finish = "tool_calls" if finish == "stop" else finish
        usage = {"prompt_tokens": 1900, "completion_tokens": 260, "total_tokens": 2160}
        whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body.get("model", "m"),
                 "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
                 "usage": usage}
        return _streamed(whole) if body.get("stream") else json.dumps(whole).encode()


def _streamed(whole: dict[str, Any]) -> bytes:
    """The same answer as server-sent events: one piece, then the end, then the usage."""
    choice = whole["choices"][0]
    delta = dict(choice["message"])
    if "tool_calls" in delta:
        delta["tool_calls"] = [{"index": 0, **delta["tool_calls"][0]}]
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": 1, "model": whole["model"]}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
              {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]},
              {**head, "choices": [], "usage": whole["usage"]}]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def _framed(status: str, body: bytes, extra: str = "", kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One keep-alive connection; a request at a time, as HTTP/1.1 clients send them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.buffer = b""
        self.waiting = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiting:
            self.waiting = False
            self.endpoint.left()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            self.asked(head, body)

    def asked(self, head: bytes, raw: bytes) -> None:
        """Answer one whole request, after the latency."""
        if head.startswith(b"get "):
            said = self.endpoint.stats() if head.startswith(b"get /stats") else {
                "object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "bench"}]}
            self.transport.write(_framed("200 OK", json.dumps(said).encode()))
            return
        body = json.loads(raw)
        fate = self.endpoint.arrived(body)
        self.waiting = True
        if fate != "hang":
            asyncio.get_running_loop().call_later(self.endpoint.latency, self.reply, body, fate)

    def reply(self, body: dict[str, Any], fate: str) -> None:
        """Send what the fate says, if somebody is still there."""
        if not self.waiting:
            return
        self.waiting = False
        self.endpoint.left()
        if fate == "reset":
            self.transport.abort()
        elif fate == "429":
            error = b'{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}'
            self.transport.write(_framed("429 Too Many Requests", error, "Retry-After: 1\r\n"))
        elif fate == "500":
            error = b'{"error": {"message": "the server had an error", "type": "server_error", "code": null}}'
            self.transport.write(_framed("500 Internal Server Error", error))
        else:
            kind = "text/event-stream" if body.get("stream") else "application/json"
            self.transport.write(_framed("200 OK", self.endpoint.answer(body, fate), kind=kind))


async def serve(endpoint: Endpoint) -> None:
    """Serve on a free port of 127.0.0.1 until killed; print the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("latency", type=float)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    asyncio.run(serve(Endpoint(given.latency, given.faults, given.keep)))
