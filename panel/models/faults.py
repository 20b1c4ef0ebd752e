"""What an answer that is no completion means: which of our three errors it is, in one plain line.

One table for every HTTP wire. Knows nothing of sockets; a key never gets into a message (`panel.models.redact`).
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from panel.errors import ModelDeclined, ModelError, ModelRejected, ModelUnavailable
from panel.models.redact import plain_line
from panel.schema import Record

LONGEST_WAIT = 3600.0
"""A server that asks for more is taken to mean this many seconds."""

_TOO_LONG = re.compile(
    r"context[_ ]length|context[_ ]window|context[_ ]size|maximum context"
    r"|max(?:imum)? (?:input|prompt) (?:length|tokens)|prompt is too long|input is too long|too many (?:input )?tokens"
    r"|exceeds? the (?:model'?s )?(?:context|maximum)"
    r"|reduce the length|string too long|request too large for model",
    re.I,
)
_POLICY = re.compile(
    r"content[_ ](?:policy|filter|management)|moderation|safety (?:system|policy|filter)|responsible ?ai|usage polic"
    r"|flagged (?:as|for|by)|blocked by|prohibited[_ ]content", re.I,
)
_NO_MONEY = re.compile(
    r"insufficient[_ ](?:quota|balance|credits?|funds)|exceeded your current quota|credit balance|billing|"
    r"payment required|spending limit|out of credits", re.I,
)
_PARAMETERS = (
    "response_format", "json_schema", "tool_choice", "tools", "temperature", "top_p", "seed", "top_logprobs",
    "logprobs", "reasoning_effort", "max_completion_tokens", "max_tokens", "stop", "grammar",
)
_SAME_THING = {"json_schema": "response_format", "max_completion_tokens": "max_tokens", "top_logprobs": "logprobs"}
_SCHEMA_WORDS = re.compile(r"json[ _-]?schema|json[ _-]?mode|json_object|structured output|guided|grammar|schema", re.I)
_TOOL_WORDS = re.compile(r"\btools?\b|function[ -]call", re.I)


class Asked(Record):
    """Who was asked for what: all that an error message may say."""

    name: str
    endpoint: str
    model: str
    key_env: str | None = None
    secrets: tuple[str, ...] = Field(default=(), repr=False)
    sent: tuple[str, ...] = ()
    """The names of the parameters that were sent."""

    def line(self, said: str, detail: str = "") -> str:
        """One line that names the model; `detail` is what the server said, redacted and cut."""
        tail = plain_line(detail, self.secrets) if detail else ""
        return plain_line(f"{self.name}: {said}", self.secrets, 600) + (f": {tail}" if tail else "")


def fault_of(asked: Asked, status: int, body: str, headers: Mapping[str, str] | None = None) -> ModelError:
    """The error that an HTTP status and its body stand for. Never raises; the caller raises what it returns."""
    message, code, parameter = _read_error(body)
    told = f"{code} {message}"
    if status in (401, 403, 404, 402) or 300 <= status < 400:
        return _refusal(asked, status, message, told, headers or {})
    if status == 429 and _NO_MONEY.search(told):
        return ModelRejected(asked.line("the account has no credit left (429)", message), status=status)
    if status in (408, 409, 425, 429) or status >= 500:
        word = "asks us to slow down" if status == 429 else "is in trouble"
        return ModelUnavailable(asked.line(f"{asked.endpoint} {word} ({status})", message), status=status,
                                retry_after=retry_after(headers or {}))
    if status == 413 or _TOO_LONG.search(told):
        return ModelDeclined(asked.line(f"the prompt is too long ({status})", message), status=status)
    if _POLICY.search(told):
        return ModelDeclined(asked.line(f"declined by content policy ({status})", message), status=status)
    culprit = _parameter(asked, parameter, told)
    said = f"the request was refused ({status}{f', parameter {culprit}' if culprit else ''})"
    return ModelRejected(asked.line(said, message), status=status, parameter=culprit)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait as the server asked: `retry-after-ms`, or `Retry-After` as seconds or an HTTP date.

    `now` is Unix time, for the date form. None when it did not ask, or not in a form that can be read.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(lower[name]) / scale
        except (KeyError, ValueError):
            continue
        if seconds >= 0:  # false for NaN too
            return min(seconds, LONGEST_WAIT)
    try:
        when = email.utils.parsedate_to_datetime(lower["retry-after"])
        seconds = when.timestamp() - (time.time() if now is None else now)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_WAIT)


def _refusal(asked: Asked, status: int, message: str, told: str, headers: Mapping[str, str]) -> ModelError:
    if 300 <= status < 400:
        where = next((value for name, value in headers.items() if name.lower() == "location"), "elsewhere")
        said = (f"{asked.endpoint} redirects ({status}) and the key is not taken along; if the new address is right, "
                f"give that one")
        return ModelRejected(asked.line(said, where.partition("?")[0]), status=status)
    if status == 402:
        return ModelRejected(asked.line("the account has no credit left (402)", message), status=status)
    if status == 404:
        culprit = _parameter(asked, None, told)
        if culprit in ("response_format", "tools", "tool_choice"):  # OpenRouter: nobody serves this model with it
            return ModelRejected(asked.line(f"{asked.endpoint} cannot do {culprit} (404)", message), status=status,
                                 parameter=culprit)
        said = f"{asked.endpoint} does not know the model {asked.model!r}, or is not the right address (404)"
        return ModelRejected(asked.line(said, message), status=status, parameter="model")
    if status == 403 and _POLICY.search(told):
        return ModelDeclined(asked.line("declined by content policy (403)", message), status=status)
    remedy = f"set {asked.key_env} to a valid key" if asked.key_env else "it wants a key"
    word = "refuses the key" if status == 401 else "does not allow this"
    return ModelRejected(asked.line(f"{asked.endpoint} {word} ({status}); {remedy}", message), status=status)


def _read_error(body: str) -> tuple[str, str, str | None]:
    """Message, code and culprit out of the shapes servers use; the body itself where it has none of them."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return body, "", None
    error: Any = content
    if isinstance(content, dict):
        error = content.get("error", content)
    if not isinstance(error, dict):
        return str(error), "", None
    message = error.get("message") or error.get("detail") or error
    codes = [str(error[name]) for name in ("code", "type", "status") if isinstance(error.get(name), str | int)]
    # OpenRouter keeps what the provider behind it said in metadata.raw.
    metadata = error.get("metadata")
    raw = f" {metadata['raw']}" if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str) else ""
    parameter = error.get("param")
    return f"{message}{raw}", " ".join(codes), parameter if isinstance(parameter, str) and parameter else None


def _parameter(asked: Asked, named: str | None, told: str) -> str | None:
    """Which parameter that we sent is at fault, by our own name for it; the named one wins over words in the text."""
    sent = {_SAME_THING.get(name, name) for name in asked.sent}
    for text in filter(None, (named, told)):
        hits = [(found.start(), name) for name in _PARAMETERS if (found := re.search(rf"\b{name}\b", text))]
        for _, name in sorted(hits):
            ours = _SAME_THING.get(name, name)
            if ours in sent:
                return ours
    if "tools" in sent and _TOOL_WORDS.search(told):
        return "tools"
    if "response_format" in sent and _SCHEMA_WORDS.search(told):
        return "response_format"
    return named


def spoiled(asked: Asked, problem: str, detail: str = "", status: int | None = None) -> ModelUnavailable:
    """The error of a body that ends early (`status` 200), or of a connection that was broken off."""
    return ModelUnavailable(asked.line(f"{asked.endpoint} {problem}", detail), status=status, cut=status == 200)


def parameter_names(body: Mapping[str, Any], leave_out: Sequence[str] = ("model", "messages")) -> tuple[str, ...]:
    """The parameters of a request's body that an error may name."""
    return tuple(name for name in body if name not in leave_out)
