"""One line of the leaderboard. Knows nothing of sorting or of how it is shown."""

from __future__ import annotations

from panel.schema.record import Record
from panel.schema.score import PanelScore


class LeaderboardRow(Record):
    """One tool under one panel. `score` carries every denominator; `score.tool_id` is the tool."""

    name: str
    category: str | None = None
    thin: bool = False
    score: PanelScore
    reviewed_at: str | None = None
    """UTC, ISO 8601; null where it is not known."""
    held: bool = False
    """Whether it waits for an editor to clear flags."""
