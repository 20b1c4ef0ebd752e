"""A verdict on its page: whose card it is on, and the flags of its review. Knows nothing of how it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from panel.editorial.flags import OnPage, flags_on
from panel.editorial.scorecard import Seated
from panel.schema.scorecard import Scorecard
from panel.schema.verdict import Verdict


@dataclass(frozen=True)
class Said:
    """What one take said, and what is flagged in it."""

    card: Scorecard
    verdict: Verdict
    flags: tuple[OnPage, ...]

    def flags_in(self, field: str) -> list[OnPage]:
        """The flags that point into one of its texts."""
        return [one for one in self.flags if one.flag.field == field]


def said_by(card: Scorecard, seat: Seated) -> Said | None:
    """The verdict of the take that is shown, with its flags; null for a seat without a verdict."""
    if seat.shown is None or seat.shown.verdict is None:
        return None
    key = seat.shown.key
    return Said(card, seat.shown.verdict, tuple(one for one in flags_on(card) if one.review.key == key))
