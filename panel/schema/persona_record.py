"""What one persona has said over all runs. Knows nothing of how it is counted or shown."""

from __future__ import annotations

from panel.schema.record import Record


class PersonaCount(Record):
    """Reviews of one model at one depth. Means are over scored reviews, 0-100; null when there is none."""

    model: str
    depth: str
    ships: int
    skips: int
    unscored: int
    mean_score: float | None
    mean_confidence: float | None


class PersonaSaid(Record):
    """One review worth reading."""

    tool_id: str
    name: str
    model: str
    score: int
    confidence: int
    because: str
    run_id: str


class PersonaRecord(Record):
    """Counts are of reviews. `against` of `beside` votes were not the outcome of their panel.

    A vote counts where the seat was not split and the panel said ship or skip. `flags` is kind to number of reviews.
    """

    persona_id: str
    ships: int
    skips: int
    unscored: int
    mean_score: float | None
    mean_confidence: float | None
    counts: tuple[PersonaCount, ...]
    strongest_ship: PersonaSaid | None = None
    harshest_skip: PersonaSaid | None = None
    against: int = 0
    beside: int = 0
    flags: dict[str, int] = {}
