"""A loopback endpoint that costs next to nothing: what is measured beside it is the client.

`python -m bench.server [PORT [LATENCY]]` serves OpenAI chat completions and prints its address. An answer is a whole
verdict (brief, comparison, check) for the schema that is asked for, made once a schema, with claims that say what
lines 1 and 2 of the dossier in the request say (line 1 twice where line 2 holds words that a persona is asked about
again: the bare loop asks nothing again). It is as long as those of a large hosted model. One process, no framework: a
request costs about 0.1 ms of CPU. It is no test server: it answers everything with 200 and reads no
more than it must (for faults see tests/fault_server.py).
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from panel.checks.experience import EXPERIENCE
from panel.personas import load_personas

TEXTS = (
    "It takes what the lines name as input and gives back what they list; everything else is left to the caller.",
    "The complexity sits behind one entry point, which keeps the first call short and hides what it costs later.",
    "Not stated: no line shows a first command, so the step likeliest to fail would be finding out how to begin.",
    "A script around a library of the same language would do the common case and leave out the rest of the list.",
    "Somebody with the same work every day would pay for the hours it would save, if the claim of the lines holds.",
)
BECAUSE = "The lines name one thing it does that an afternoon's script would not do as well."
MISSING = ["a first command or call", "what it runs on", "who keeps it going", "any evaluation results"]
LINE = re.compile(rb'(?:\\n|")\[(\d+)\] ((?:[^"\\]|\\[^n])*)')
"""A dossier's line as it stands in a JSON body."""
LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
MARKS = (b"@LINE-1@", b"@LINE-2@")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def asked_again() -> re.Pattern[str]:
    """What no persona says, and what speaks of use."""
    phrases = sorted({phrase for persona in load_personas().values() for phrase in persona.never_says})
    never = "|".join(re.escape(phrase).replace(r"\ ", r"[\s-]+") for phrase in phrases)
    return re.compile(f"{never}|{EXPERIENCE.pattern}", re.IGNORECASE)


def filled(schema: dict[str, Any], name: str = "") -> Any:
    """A value of the schema: the first of a choice, texts of ours, a middling number."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], name)
    kind = schema["type"]
    if kind == "object":
        return {key: filled(inner, key) for key, inner in schema["properties"].items()}
    if kind == "array":
        return [filled(schema["items"], name)]
    if kind in ("integer", "number"):
        return {"score": 62, "confidence": 55}.get(name, 1)
    return "not stated" if kind == "string" else None


def verdict(schema: dict[str, Any]) -> dict[str, Any]:
    """A verdict of the schema, with marks where the lines of the dossier go."""
    answer: dict[str, Any] = filled(schema)
    answer["points"] = {name: TEXTS[index % len(TEXTS)] for index, name in enumerate(answer["points"])}
    answer["claims"] = [{"text": mark.decode(), "lines": [number]} for number, mark in enumerate(MARKS, start=1)]
    answer["missing"] = MISSING
    answer["because"]["text"] = BECAUSE
    if "quote" in answer:
        answer["quote"] = " ".join((MARKS[0].decode(), *TEXTS, "I would ship it."))
        answer["prediction"] = {"statement": "Somebody names it in public within the year.", "by": "2027-11",
                                "probability": 40}
    return answer


def template(tail: bytes) -> bytes:
    """The response's body for the end of a request's, from `"response_format"` on (nothing: free text)."""
    text = "not stated"
    if tail:
        asked = json.loads(b"{" + tail)["response_format"]
        schema = asked.get("json_schema", {}).get("schema", {"type": "object", "properties": {}})
        answer = verdict(schema) if "points" in schema["properties"] else filled(schema)
        text = json.dumps(answer, ensure_ascii=False)
    usage = {"prompt_tokens": 1200, "completion_tokens": len(text) // 4, "total_tokens": 1200 + len(text) // 4,
             "prompt_tokens_details": {"cached_tokens": 0}}
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-loopback",
                       "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                       "usage": usage}, ensure_ascii=False).encode()


def twice(text: bytes) -> bytes:
    """The inside of a JSON text as the inside of a JSON text in a JSON text."""
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


class Endpoint(asyncio.Protocol):
    """One kept-alive connection; requests on it come one after another."""

    latency = 0.0
    templates: dict[bytes, list[bytes]] = {}
    never = asked_again()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._loop = asyncio.get_running_loop()
        self._data = b""
        self._whole = 0

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._whole:
            end = self._data.find(b"\r\n\r\n")
            found = LENGTH.search(self._data, 0, end) if end >= 0 else None
            if found is None:
                return
            self._whole = end + 4 + int(found[1])
        if len(self._data) >= self._whole:
            request, self._data, self._whole = self._data[:self._whole], self._data[self._whole:], 0
            self._loop.call_later(self.latency, self._answer, request)

    def _answer(self, request: bytes) -> None:
        if self._transport.is_closing():
            return
        start = request.rfind(b'"response_format"')
        tail = request[start:] if start >= 0 else b""
        pieces = self.templates.get(tail)
        if pieces is None:
            whole = template(tail)
            pieces = self.templates[tail] = re.split(b"|".join(MARKS), whole)
        body = pieces[0]
        if len(pieces) > 1:
            lines = [twice(found[2]) for found, _ in zip(LINE.finditer(request), MARKS, strict=False)]
            kept = [line for line in lines if not self.never.search(line.decode())]
            lines = [*kept, *[lines[0]] * len(pieces)][:len(pieces) - 1]
            body = b"".join(part for pair in zip(pieces, (*lines, b""), strict=False) for part in pair)
        self._transport.write(HEAD % (len(body), body))


async def serve(port: int, latency: float) -> None:
    """Serve on loopback until cancelled; prints the base URL."""
    Endpoint.latency = latency
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", port, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    words = [sys.executable, "-m", "bench.server", "0", str(latency)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


if __name__ == "__main__":
    given_port, given_latency = (*sys.argv[1:], "0", "0")[:2]
    asyncio.run(serve(int(given_port), float(given_latency)))
