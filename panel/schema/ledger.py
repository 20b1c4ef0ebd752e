"""Predictions with how they came out, and what they score. Knows nothing of the store, or how a score is computed."""

from __future__ import annotations

from panel.schema.record import Record
from panel.schema.statement import ResolvedAs

ID_DIGITS = 12
"""How much of a prediction's key is shown as its id."""


class LedgerEntry(Record):
    """One prediction: `by` is YYYY-MM, `probability` in percent, `vague` says why nobody could score it.

    `outcome` is null while it is open. `resolutions` counts how often it was resolved; the last one stands.
    """

    key: str
    tool_id: str
    persona_id: str
    model: str
    run_id: str
    finished_at: str
    statement: str
    by: str
    probability: int
    vague: str | None = None
    persona_digest: str
    outcome: ResolvedAs | None = None
    source: str | None = None
    note: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None
    resolutions: int = 0

    @property
    def id(self) -> str:
        """What is shown of the key, and enough to name the prediction by."""
        return self.key[:ID_DIGITS]


class NullRange(Record):
    """Where the middle 95% of perfectly calibrated forecasters with the same probabilities come out.

    `inside` says whether the observed figure lies in it.
    """

    low: float
    high: float
    inside: bool


class CalibrationBin(Record):
    """The resolved predictions of `low` to `high` percent, both included. Rates are from 0 to 1.

    `observed_low` and `_high` are the Wilson interval of the observed rate, `expected_low` and `_high` the range of the
    rate where the stated probabilities are true; both 95%.
    """

    low: int
    high: int
    resolved: int
    came_true: int
    mean_stated: float
    observed: float
    observed_low: float
    observed_high: float
    expected_low: float
    expected_high: float


class LedgerScore(Record):
    """What some predictions score. `persona_id`, `persona_digest` and `model` say whose; null: everybody's.

    Scored are those resolved yes or no. `open`, `void` are left out; `vague_open` of the open ones are vague.
    A figure that is not defined is null, and `undefined` says why. `few`: too few to say much.
    """

    persona_id: str | None = None
    persona_digest: str | None = None
    model: str | None = None
    predictions: int
    resolved: int
    came_true: int
    open: int
    vague_open: int
    void: int
    few: bool
    base_rate: float | None = None
    mean_stated: float | None = None
    brier: float | None = None
    reliability: float | None = None
    resolution: float | None = None
    uncertainty: float | None = None
    skill: float | None = None
    brier_range: NullRange | None = None
    reliability_range: NullRange | None = None
    bins: tuple[CalibrationBin, ...] = ()
    undefined: dict[str, str] = {}


class LedgerReport(Record):
    """The score of all predictions asked for, and of each persona, model and seat (a persona on a model)."""

    all: LedgerScore
    by_persona: tuple[LedgerScore, ...]
    by_model: tuple[LedgerScore, ...]
    by_seat: tuple[LedgerScore, ...]
