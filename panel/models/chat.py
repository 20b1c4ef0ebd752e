"""OpenAI chat completions on paper: a Request → the body that is sent, a body that came back → its parts.

Servers differ in small things (null content, lists for content, arguments that are already objects, counts under other
names) and some send nonsense; nothing here raises on what it reads but Unreadable. Knows nothing of sockets.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from panel.schema import Prompt, Request, TokenLogprob

TOOL = "answer"
"""The name of the one tool of the tool rung."""
_NEW_LIMIT = re.compile(r"(?:^|/)(?:o[1-9](?:-|$)|gpt-[5-9])")
"""OpenAI's reasoning models know max_completion_tokens only."""
_FINISHED = {"max_tokens": "length", "model_length": "length", "end_turn": "stop", "eos": "stop", "refusal":
             "content_filter"}


_NOT_TOLD = frozenset({"messages", "tools", "grammar", "_skip_mcp_handler"})


class UnreadableError(Exception):
    """A body is not a completion. The message says what is wrong with it; `fault` is an error object found in it."""

    def __init__(self, message: str, fault: Any = None) -> None:
        super().__init__(message)
        self.fault = fault


class Answer(NamedTuple):
    """The parts of a completion's body, as the server gave them; null where it did not."""

    text: str
    finish_reason: str | None
    reasoning: str | None
    tokens_in: int | None
    tokens_cached: int | None
    tokens_out: int | None
    tokens_reasoning: int | None
    model: str | None
    fingerprint: str | None
    billed_usd: float | None
    """What the endpoint says it charged (OpenRouter)."""
    logprobs: tuple[TokenLogprob, ...]


def sampling_fields(request: Request) -> dict[str, Any]:
    """What is asked of the sampler; what the request leaves open is not sent."""
    fields: dict[str, Any] = {}
    for name in ("temperature", "top_p", "seed", "reasoning_effort"):
        value = getattr(request, name)
        if value is not None:
            fields[name] = value
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.top_logprobs:
        fields["logprobs"] = True
        fields["top_logprobs"] = request.top_logprobs
    return fields


def structure_fields(request: Request) -> dict[str, Any]:
    """How the request's rung asks for its structure; a grammar goes instead of a schema, never with it."""
    if request.grammar is not None:
        return {"grammar": request.grammar}
    schema = request.answer_schema
    if schema is None or request.rung == "prompt":
        return {}
    if request.rung == "json_object":
        return {"response_format": {"type": "json_object"}}
    if request.rung == "tool":
        function = {"name": TOOL, "description": "Give the answer.", "parameters": schema}
        return {
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": TOOL}},
        }
    named = {"name": TOOL, "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def chat_body(request: Request, model: str, *, mark_shared: bool = False) -> dict[str, Any]:
    """The whole body. `mark_shared` marks the end of the shared prefix for providers that cache by marks."""
    limit = "max_completion_tokens" if _NEW_LIMIT.search(model) else "max_tokens"
    return {
        "model": model,
        "messages": marked_messages(request) if mark_shared else request.prompt.wire(),
        limit: request.max_tokens,
        **sampling_fields(request),
        **structure_fields(request),
    }


MOST_FRAMES = 64
"""More seats and samplings than a run has; past it they are written again."""


class Frame(NamedTuple):
    """A body without its messages: what stands before and after them, and what of it goes on record."""

    before: bytes
    after: bytes
    told: dict[str, Any]


class Bodies:
    """Requests → bodies as bytes, for one model. What a seat's requests share is written once."""

    def __init__(self, model: str, *, mark_shared: bool = False) -> None:
        self._model = model
        self._mark_shared = mark_shared
        self._frames: dict[tuple[Any, ...], list[tuple[dict[str, Any] | None, Frame]]] = {}

    def body(self, request: Request) -> bytes:
        """`chat_body` of the request, written as JSON."""
        frame = self._frame(request)
        marked = self._mark_shared
        messages = json.dumps(marked_messages(request)).encode() if marked else request.prompt.wire_json
        body = b"".join((frame.before, messages, frame.after))
        return body if body.isascii() or _is_utf8(body) else json.dumps(self.fields(request)).encode()

    def fields(self, request: Request) -> dict[str, Any]:
        """`chat_body` of the request."""
        return chat_body(request, self._model, mark_shared=self._mark_shared)

    def told(self, request: Request) -> dict[str, Any]:
        """`told_params` of the body."""
        return self._frame(request).told

    def _frame(self, request: Request) -> Frame:
        asked = (request.rung, request.max_tokens, request.temperature, request.top_p, request.seed, request.stop,
                 request.reasoning_effort, request.top_logprobs, request.grammar)
        alike = self._frames.get(asked, ())
        for schema, frame in alike:
            if schema == request.answer_schema:  # the parts of a seat's schema are the same objects: quick to compare
                return frame
        fields = self.fields(request.model_copy(update={"prompt": Prompt(messages=())}))
        before, after = to_json(fields).split(b'"messages":[]', 1)
        frame = Frame(before + b'"messages":', after, told_params(fields))
        if len(self._frames) >= MOST_FRAMES or len(alike) >= MOST_FRAMES:
            self._frames.clear()
        self._frames.setdefault(asked, []).append((request.answer_schema, frame))
        return frame


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_json(raw: bytes) -> Any:
    """What a body says. Raises ValueError (or RecursionError) where it is not JSON."""
    try:
        return from_json(raw)
    except ValueError:
        return json.loads(raw)  # takes half an emoji (\ud83d alone), other encodings, a byte order mark


def marked_messages(request: Request) -> list[dict[str, Any]]:
    """The messages, with Anthropic's cache mark where the first user message's shared parts end.

    All parts of it but the last are shared by the personas of a tool.
    """
    messages: list[dict[str, Any]] = list(request.prompt.wire())
    for index, message in enumerate(request.prompt.messages):
        if message.role != "user":
            continue
        shared, own = "".join(message.parts[:-1]), message.parts[-1] if message.parts else ""
        if shared.strip() and own.strip():  # an empty text block is refused
            messages[index] = {"role": "user", "content": [
                {"type": "text", "text": shared, "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": own},
            ]}
        break
    return messages


def told_params(body: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a body for the record: without messages, and a structure by its kind only."""
    told = {name: value for name, value in body.items() if name not in _NOT_TOLD}
    if "response_format" in told:
        told["response_format"] = told["response_format"]["type"]
    if "tool_choice" in told:
        told["tool_choice"] = TOOL
    if "grammar" in body:
        told["grammar"] = True
    return told


def read_answer(payload: Any) -> Answer:
    """The parts of a completion's body.

    Raises UnreadableError when there is no choice with a message in it.
    """
    if not isinstance(payload, dict):
        raise UnreadableError("sent something that is no completion")
    choices = payload.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    fault = payload.get("error") or (choice.get("error") if isinstance(choice, dict) else None)
    if fault:
        raise UnreadableError("sent an error instead of an answer", fault)
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise UnreadableError("sent a completion without a message")
    text, reasoning, refused = _message_text(message)
    finish = "content_filter" if refused else _text(choice.get("finish_reason"))
    return Answer(
        text=text, reasoning=reasoning, finish_reason=_FINISHED.get(finish or "", finish),
        model=_text(payload.get("model")), fingerprint=_text(payload.get("system_fingerprint")),
        logprobs=_logprobs(choice.get("logprobs")), **_usage(payload),
    )


def _message_text(message: dict[str, Any]) -> tuple[str, str | None, bool]:
    """The answer, the reasoning beside it, and whether the answer is a refusal. Reasoning is never the answer."""
    reasoning = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls and isinstance(calls[0], dict):
        function = calls[0].get("function")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, dict):
            return clean(json.dumps(arguments, ensure_ascii=False)), reasoning, False
        if isinstance(arguments, str) and arguments.strip():
            return clean(arguments), reasoning, False
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "".join(text for text in texts if isinstance(text, str))
    text = _text(content) or ""
    refusal = _text(message.get("refusal"))
    return (refusal, reasoning, True) if refusal and not text else (text, reasoning, False)


def _usage(payload: dict[str, Any]) -> dict[str, Any]:
    usage = payload.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    inside = _dict(usage.get("prompt_tokens_details"))
    outside = _dict(usage.get("completion_tokens_details"))
    cached = _count(inside.get("cached_tokens"))
    if cached is None:  # DeepSeek, then llama.cpp
        cached = _count(usage.get("prompt_cache_hit_tokens"))
    if cached is None:
        cached = _count(_dict(payload.get("timings")).get("cache_n"))
    billed: Any = usage.get("cost")
    return {
        "tokens_in": _count(usage.get("prompt_tokens")),
        "tokens_cached": cached,
        "tokens_out": _count(usage.get("completion_tokens")),
        "tokens_reasoning": _count(outside.get("reasoning_tokens")),
        "billed_usd": float(billed) if _is_number(billed) and billed >= 0 else None,
    }


def _logprobs(value: Any) -> tuple[TokenLogprob, ...]:
    content = _dict(value).get("content")
    if not isinstance(content, list):
        return ()
    tokens = []
    for entry in content:
        if not isinstance(entry, dict) or not _is_number(entry.get("logprob")):
            continue
        top = entry.get("top_logprobs")
        pairs = tuple(
            (clean(str(other.get("token", ""))), float(other["logprob"]))
            for other in (top if isinstance(top, list) else ())
            if isinstance(other, dict) and _is_number(other.get("logprob"))
        )
        token = clean(str(entry.get("token", "")))
        tokens.append(TokenLogprob(token=token, logprob=float(entry["logprob"]), top=pairs))
    return tuple(tokens)


def clean(text: str) -> str:
    """`text` as UTF-8 can carry it: a lone surrogate (half an emoji, written \\ud83d) becomes a question mark."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _text(value: Any) -> str | None:
    return clean(value) if isinstance(value, str) and value else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 1e300


MOST_TOKENS = 10**9
"""No call has so many tokens: a server that says so does not count. Sums of a million calls stay exact below it."""


def _count(value: Any) -> int | None:
    return int(value) if _is_number(value) and 0 <= value < MOST_TOKENS else None
