"""Which tools may start: those whose seats all fit the money and the time that are left.

Knows nothing of what a tool is asked.
"""

from __future__ import annotations

import itertools
import re
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from panel.errors import BudgetExceeded, ConfigError, PanelError, TimeUp
from panel.journal import utc_now
from panel.models.budget import Allotment, Budget

RECENT = 32
"""Tools whose durations are remembered: the longest of them is what the next is taken to need."""
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Gate:
    """Lets tools start while they fit. `closed_by` is why tools were left, null while none was."""

    def __init__(self, budget: Budget, until: datetime | None = None, now: Callable[[], datetime] = utc_now) -> None:
        self.budget = budget
        self.until = until
        self.closed_by: PanelError | None = None
        self._now = now
        self._took: deque[float] = deque(maxlen=RECENT)
        self._began: dict[int, float] = {}
        self._numbers = itertools.count()

    async def admit(self, most_usd: Callable[[], float]) -> Allotment | None:
        """The money of one more tool, set aside whole; None when it does not fit into what is left.

        `most_usd` is asked only where there is a cap.
        """
        try:
            self._check_time()
            allotment = await self.budget.allot(most_usd() if self.budget.caps.any else 0.0)
            if allotment is not None:
                self._check_time(allotment)  # it may have waited for money
        except (BudgetExceeded, TimeUp) as error:
            self.closed_by = self.closed_by or error
            return None
        return allotment

    def timed(self) -> Callable[[], None]:
        """Starts a tool's clock; call what is returned when the tool is done."""
        began = time.monotonic()
        number = next(self._numbers)
        self._began[number] = began

        def done() -> None:
            del self._began[number]
            self._took.append(time.monotonic() - began)

        return done

    def _check_time(self, allotment: Allotment | None = None) -> None:
        if self.until is None:
            return
        left = (self.until - self._now()).total_seconds()
        needs = self._longest()
        if left <= needs:
            if allotment is not None:
                allotment.__exit__()
            told = f"a tool takes {needs:.0f} s and {max(0.0, left):.0f} s are left" if left > 0 else "the time is up"
            raise TimeUp(f"--until {self.until.astimezone():%H:%M}: {told}")

    def _longest(self) -> float:
        """Seconds of the slowest recent tool, one that is still under way included; 0 before any was begun."""
        under_way = time.monotonic() - next(iter(self._began.values())) if self._began else 0.0
        return max(under_way, *self._took, 0.0)


def parse_until(text: str, now: datetime) -> datetime:
    """The moment `--until` means: HH:MM is the next such local time after `now`; an ISO date-time is itself, local
    where it names no zone.

    Raises ConfigError when it is neither, or over.
    """
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        today = now.astimezone().replace(tzinfo=None, hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        # A day is added on the wall clock, before the zone is known: the hours of a day are not always 24.
        return next(moment for days in (0, 1, 2) if (moment := (today + timedelta(days=days)).astimezone()) > now)
    try:
        if ":" not in text:
            raise ValueError("a date alone")
        moment = datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"--until {text!r}: write a time of day (06:00) or a date and a time (2026-11-24T06:00)") \
            from error
    if moment <= now:
        raise ConfigError(f"--until {text!r}: that is over; it is {now.astimezone():%Y-%m-%d %H:%M} now")
    return moment
