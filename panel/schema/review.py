"""An assignment carried out: a review, a brief, a comparison. Knows nothing of how the answers were got."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, model_validator

from panel.schema.completion import Rung
from panel.schema.panel import Depth
from panel.schema.record import Record
from panel.schema.verdict import Flag, Verdict

DecidedBy = Literal["answer", "probe"]
UnscoredKind = Literal["unavailable", "declined", "unreadable", "budget", "quarantined"]
ASKED_AGAIN: frozenset[str] = frozenset({"unavailable", "budget"})
"""Unscored for want of endpoint or money is not done: the next run asks again."""
UNSCORED_KINDS: frozenset[str] = frozenset(get_args(UnscoredKind))


class Spent(Record):
    """What carrying out one assignment took. Null cost: a price was unknown."""

    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0


class Probe(Record):
    """P(ship) from one token's probabilities; `coverage` is the mass that fell on either word."""

    p_ship: float = Field(ge=0, le=1)
    coverage: float = Field(ge=0, le=1.000001)


class Outcome(Record):
    """What every carried-out assignment has, whatever its kind."""

    kind: str
    key: str
    run_id: str
    wave: str = ""
    repeat: int = 0
    model: str
    model_answered: str | None = None
    fallback: str | None = None
    """The model that answered instead, because `model` could not: another instrument, named by who ran it."""
    prompts_digest: str
    rung: Rung | None = None
    messages_digest: str | None = None
    attempts: int = 1
    reasked: bool = False
    unscored: str | None = None
    """Why there is no answer, in words; null when there is one."""
    unscored_kind: UnscoredKind | None = None
    spent: Spent = Spent()
    finished_at: str
    """UTC, ISO 8601, seconds."""

    @property
    def done(self) -> bool:
        """Whether a later run leaves this assignment alone."""
        return self.unscored_kind not in ASKED_AGAIN


class Review(Outcome):
    """One persona's review of one dossier: exactly one of `verdict` and `unscored`."""

    kind: Literal["review"] = "review"
    tool_id: str
    dossier_digest: str
    lines_digest: str
    persona_id: str
    persona_digest: str
    panel_digest: str
    depth: Depth
    thin: bool = False
    lines_left_out: int = 0
    verdict: Verdict | None = None
    decided_by: DecidedBy = "answer"
    probe: Probe | None = None
    flags: tuple[Flag, ...] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> Review:
        if (self.verdict is None) == (self.unscored is None):
            raise ValueError("a review has exactly one of verdict and unscored")
        return self


class BriefPrice(Record):
    """The price a brief read, or nulls."""

    amount: float | None = None
    currency: str | None = None
    unit: str | None = None
    as_of: str | None = None
    lines: tuple[int, ...] = ()


class Cited(Record):
    """A short text and the lines it stands on."""

    text: str
    lines: tuple[int, ...] = ()


class BriefText(Record):
    """The neutral reading of one dossier."""

    description: Cited
    entry: Literal["free", "paid", "freemium", "unknown"]
    price: BriefPrice
    best_for: Cited
    not_for: Cited
    category: str


class Brief(Outcome):
    """One neutral call a dossier, no persona."""

    kind: Literal["brief"] = "brief"
    tool_id: str
    dossier_digest: str
    lines_digest: str
    brief: BriefText | None = None
    flags: tuple[Flag, ...] = ()


class Difference(Record):
    """One axis on which two tools differ, with the lines of each."""

    axis: str
    a_lines: tuple[int, ...] = ()
    b_lines: tuple[int, ...] = ()


Pick = Literal["a", "b", "neither", "not_comparable"]


class ComparisonText(Record):
    """A persona's answer over two dossiers, A and B in the order they were shown."""

    differences: tuple[Difference, ...]
    pick: Pick
    pick_a_if: str
    pick_b_if: str
    quote: str


class Comparison(Outcome):
    """A persona asked about two dossiers in one order. `tool_a` was shown first."""

    kind: Literal["compare"] = "compare"
    tool_a: str
    tool_b: str
    lines_digests: tuple[str, str]
    persona_id: str
    persona_digest: str
    panel_digest: str
    comparison: ComparisonText | None = None
    decided_by: DecidedBy = "answer"
    flags: tuple[Flag, ...] = ()
