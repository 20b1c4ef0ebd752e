"""What a panel says of one dossier. Knows nothing of how it is computed: see `panel.scoring`."""

from __future__ import annotations

from typing import Literal, get_args

from panel.schema.record import Record

PanelOutcome = Literal["ship", "skip", "split", "no_quorum"]
OUTCOMES: tuple[PanelOutcome, ...] = get_args(PanelOutcome)


class SeatScore(Record):
    """One seat over its repeats ("takes"): `vote` is 1 ship, 0 skip, 0.5 an even split, null unscored."""

    persona_id: str
    model: str
    takes: int
    ships: int
    skips: int
    unscored: int
    vote: float | None
    mean_score: float | None
    p_ship_probe: float | None


class PanelScore(Record):
    """Counts are of seats. `ship_rate` is over voting seats; `seats` is the denominator of the quorum.

    `p_ship_probe` is the mean over seats of the probe's P(ship); `p_ship_repeats` the mean over seats of the share of
    takes that ship, null with fewer than two takes a seat. They are never merged.
    """

    tool_id: str
    dossier_digest: str
    panel_digest: str
    seats: int
    voting: int
    ships: float
    skips: float
    unscored: int
    withdrawn: int = 0
    ship_rate: float | None
    outcome: PanelOutcome
    mean_score: float | None
    score_range: int | float | None
    p_ship_probe: float | None
    p_ship_repeats: float | None
    by_persona: tuple[SeatScore, ...]
