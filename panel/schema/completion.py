"""What a model was asked and what it returned. Knows nothing of verdicts."""

from __future__ import annotations

from typing import Any, Literal

from panel.schema.prompt import Prompt
from panel.schema.record import Record

Rung = Literal["json_schema", "tool", "json_object", "prompt", "fields"]
"""How a structure is got out of a model, best first; `fields` is one small call a field (small local models)."""


class Request(Record):
    """One call to a model."""

    prompt: Prompt
    answer_schema: dict[str, Any] | None = None
    """JSON schema of the answer, or null for free text."""
    rung: Rung = "json_schema"
    grammar: str | None = None
    """GBNF, for llama.cpp only."""
    stop: tuple[str, ...] = ()
    max_tokens: int = 2000
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    top_logprobs: int = 0
    """How many alternatives a token to report; 0 asks for none."""


class TokenLogprob(Record):
    """One output token: its text, natural-log probability, and the alternatives (text, logprob), likeliest first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Completion(Record):
    """What a model returned, before anybody reads it.

    `tokens_in` counts all prompt tokens, the `tokens_cached` ones included; `tokens_out` includes
    `tokens_reasoning`. Null means the endpoint did not say. `cost_usd` null means the price is unknown, never free.
    """

    text: str
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    tokens_reasoning: int | None = None
    cost_usd: float | None = None
    price_version: str | None = None
    seconds: float = 0.0
    first_token_s: float | None = None
    model: str | None = None
    """The model that really answered, as the endpoint names it."""
    endpoint: str | None = None
    fingerprint: str | None = None
    http_status: int | None = None
    reasoning: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    params_sent: dict[str, Any] = {}
    params_dropped: tuple[str, ...] = ()


class ModelInfo(Record):
    """What is known of a model before it is asked. Null means unknown.

    `context` is in tokens, `parameters` in billions, prices in US dollars a token.
    """

    name: str
    endpoint: str
    local: bool = False
    """Runs on this machine: costs nothing."""
    continues: bool = False
    """Goes on with a begun assistant message, so that a probe costs one token."""
    context: int | None = None
    parameters: float | None = None
    max_in_flight: int = 64
    rung: Rung | None = None
    """The rung to use, when it need not be checked."""
    logprobs: bool | None = None
    price_in: float | None = None
    price_cached: float | None = None
    price_out: float | None = None
    price_version: str | None = None
    vendor: str | None = None
    caption: str | None = None
    """A line every page made with this model must carry ("starter model: for trying the software, ...")."""
