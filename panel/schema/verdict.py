"""The validated answer of DESIGN.md section 5. Knows nothing of text, schema on the wire, or personas."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from panel.schema.record import Record

ShipSkip = Literal["ship", "skip"]


class Claim(Record):
    """A sentence and the dossier lines it stands on; no lines means general knowledge, shown as such."""

    text: str
    lines: tuple[int, ...] = ()


class Because(Record):
    """The one thing that decided: which point, and a sentence of up to 25 words."""

    point: str
    text: str


class Prediction(Record):
    """A dated, falsifiable statement. `by` is YYYY-MM, `probability` in percent."""

    statement: str
    by: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    probability: int = Field(ge=0, le=100)


class Verdict(Record):
    """Reasons, then the decision, then (at full depth) the text that argues it."""

    points: dict[str, str]
    claims: tuple[Claim, ...] = Field(min_length=1)
    missing: tuple[str, ...] = ()
    because: Because
    score: int = Field(ge=0, le=100)
    verdict: ShipSkip
    confidence: int = Field(ge=0, le=100)
    quote: str | None = None
    best_for: str | None = None
    change_my_mind: str | None = None
    caveat: str | None = None
    prediction: Prediction | None = None


HOLDING = frozenset({
    "wrong_number", "wrong_price", "wrong_date", "wrong_version", "wrong_licence", "missing_line",
    "invented_experience", "wrong_verdict_word",
})
"""Kinds of flags that hold a panel back from publication until an editor clears them; all others are notes."""


class Flag(Record):
    """Something an editor should look at. `field` and `span` (start, end in characters) say where, if anywhere.

    `about` is what the flag is of, in one form however it is written ("USD:20", "name:qwen"): flags of one kind with
    the same `about` are one item of a panel's list.
    """

    kind: str
    reason: str
    field: str | None = None
    span: tuple[int, int] | None = None
    text: str | None = None
    about: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the panel waits for an editor because of it."""
        return self.kind in HOLDING
