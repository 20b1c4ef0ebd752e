"""How far a run is: the numbers on its bar, in its last line, and in what it journals at its end.

Knows nothing of how assignments are carried out.
"""

from __future__ import annotations

from typing import Any

from panel.schema import Outcome, Quarantined, Record
from panel.schema.review import ASKED_AGAIN

NAMED = 100
"""Quarantined assignments named in a run's end."""


class Totals(Record):
    """How far a run is. `cost_usd` null: the price of some call is unknown."""

    given: int = 0
    """Tools (and pairs to compare) read from what was given."""
    tools: int = 0
    """Of those, the ones that were taken up and are through, whatever came of them."""
    left: int = 0
    """Of those, the ones of which something is left to ask."""
    asked: int = 0
    kept: int = 0
    """Assignments an earlier run had finished."""
    kept_unscored: int = 0
    """Of those, the ones without an answer."""
    scored: int = 0
    """Answers that could be read: reviews, and the briefs and comparisons counted apart below."""
    briefs: int = 0
    comparisons: int = 0
    unscored: int = 0
    ships: int = 0
    reasked: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0


class Tally:
    """The totals of a run under way."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = dict.fromkeys(Totals.model_fields, 0)
        self._cost: float | None = 0.0
        self.unscored_kinds: dict[str, int] = {}
        self.quarantined: list[Quarantined] = []
        self.first_reason: str | None = None
        """Why the first unscored assignment is unscored."""

    def count(self, **more: int) -> None:
        """Add to the counts of these names."""
        for name, number in more.items():
            self._counts[name] += number

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        spent, scored = outcome.spent, outcome.unscored is None
        self._cost = None if self._cost is None or spent.cost_usd is None else self._cost + spent.cost_usd
        verdict = getattr(outcome, "verdict", None)
        self.count(
            asked=1, scored=scored, briefs=outcome.kind == "brief" and scored,
            comparisons=outcome.kind == "compare" and scored, unscored=not scored,
            ships=verdict is not None and verdict.verdict == "ship", reasked=outcome.reasked, calls=spent.calls,
            tokens_in=spent.tokens_in, tokens_cached=spent.tokens_cached, tokens_out=spent.tokens_out)
        if not scored:
            self._add_unscored(outcome)

    def _add_unscored(self, outcome: Any) -> None:
        kind = str(outcome.unscored_kind)
        self.first_reason = self.first_reason or outcome.unscored
        self.unscored_kinds[kind] = self.unscored_kinds.get(kind, 0) + 1
        if kind in ASKED_AGAIN or len(self.quarantined) >= NAMED:
            return
        tool = outcome.tool_id if hasattr(outcome, "tool_id") else f"{outcome.tool_a}+{outcome.tool_b}"
        self.quarantined.append(Quarantined(
            tool_id=tool, persona_id=getattr(outcome, "persona_id", None), kind=kind, reason=outcome.unscored))

    def totals(self) -> Totals:
        """The numbers so far."""
        return Totals(**{**self._counts, "cost_usd": self._cost})
