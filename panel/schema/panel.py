"""The instrument: who sits, with which prompts, models and sampling. Knows nothing of how it is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from panel.schema.record import Record

Depth = Literal["verdict", "full"]


class Sampling(Record):
    """What is asked of the model's sampler. Null leaves the provider's default."""

    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    seed: int | None = None
    max_tokens: int = Field(default=2000, ge=1, le=1_000_000)
    reasoning_effort: str | None = None


class Seat(Record):
    """A persona answered by a model. `model` is the name as asked, or the alias of panel.toml."""

    persona_id: str
    persona_digest: str
    model: str


class Panel(Record):
    """Personas, prompt folder, models, sampling, depth, repeats. Its digest names it."""

    seats: tuple[Seat, ...] = Field(min_length=1)
    prompts: str
    """Name of the prompt folder (review or small)."""
    prompts_digest: str
    depth: Depth = "full"
    sampling: Sampling = Sampling()
    repeats: int = Field(default=1, ge=1)
