"""How many calls a second one endpoint takes, learned from its rejections.

A hidden limit of so many requests a minute (token bucket, fixed or sliding window) is seen as moments of exhaustion:
between two of them as many calls pass as the limit refills. Knows no clock of its own: every moment (`now`) is given,
in seconds of the event loop.
"""

from __future__ import annotations

import math
from collections import deque

UNDER = 0.97
"""The pace kept, as a share of what was measured."""
FIRST_HOLD_S, LONGEST_HOLD_S = 20.0, 160.0
"""How long a measured pace is kept before more is tried; doubled each time the measure is confirmed."""
CONFIRMED = 0.15
"""A measure that is higher than the pace by less than this share confirms it."""
MOST_LIFT = 1.5
"""A pace that was borne for its hold rises by half of what it had grown then (the root), at most by this factor."""
GROWTH = 0.001
"""After the hold the pace grows by exp(GROWTH * seconds**2): hardly at first, soon by much."""
AGAIN_S, MOST_LOWERED, RELEASED_S = 10.0, 3, 120.0
"""While it is held a pace falls at most once in so many seconds. Where so many falls help nothing the rejections are
drawn by lot, and for so many seconds no pace is kept."""
FREE = 8.0
"""A pace that could grow by this factor without a rejection is no limit any more."""
REMEMBERED_S = 150.0
"""The longest time between two exhaustions that a pace is measured over."""
ENOUGH = 5
"""Calls that must have passed between two exhaustions to measure a pace by them."""
MINUTE_S = 60.0
"""The time that most limits are given for."""
NOTED_S = 0.5
"""How often it is noted how many have passed."""
CATCH_UP_S = 0.01
"""How late a call may be and the next still be sent at its own time."""


class Pace:
    """Calls a second: none known, or what was measured, growing slowly until the endpoint rejects again."""

    def __init__(self) -> None:
        self._rate: float | None = None
        self._last = math.inf
        """The last measure."""
        self._next = 0.0
        self._hold_s = FIRST_HOLD_S
        self._hold_until = 0.0
        self._kept_at = -math.inf
        self._lowered = 0
        self._released_until = -math.inf
        self._passed = 0
        self._filled: tuple[float, int] | None = None
        self._exhausted: deque[tuple[float, int]] = deque()
        self._minute: deque[tuple[float, int]] = deque()
        self._noted = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the next call may be sent."""
        return 0.0 if self._rate is None or now >= self._next else self._next - now

    @property
    def known(self) -> bool:
        """Whether a pace is kept."""
        return self._rate is not None

    def interval(self) -> float:
        """Seconds between two calls; nothing where no pace is known."""
        return 0.0 if self._rate is None else 1.0 / self._rate

    def sent(self, now: float) -> None:
        """A call is sent."""
        self._passed += 1
        if self._filled is None:
            self._filled = (now, 0)
        if now >= self._noted + NOTED_S:
            self._noted = now
            self._minute.append((now, self._passed - 1))
            while len(self._minute) > 1 and self._minute[1][0] <= now - MINUTE_S:
                self._minute.popleft()
        if self._rate is not None:
            rate = self._rate_at(now)
            if rate is not None:
                self._next = max(self._next, now - CATCH_UP_S) + 1.0 / rate

    def rejected(self) -> None:
        """A call that was sent did not pass."""
        self._passed -= 1

    def exhausted(self, moment: float, now: float, *, by_rate: bool) -> None:
        """The endpoint rejected calls, the first at `moment`; all rejections of the burst are in.

        `by_rate` says that it was not because of too many under way: then the pace is measured and kept.
        """
        marks = self._exhausted
        if marks and self._passed <= marks[-1][1] and self._rate is not None:
            return  # the same exhaustion still
        while marks and moment - marks[0][0] > REMEMBERED_S:
            marks.popleft()
        if by_rate and now >= self._released_until:
            measured = self._measured(moment)
            if measured is not None:
                self._keep(measured, now)
            elif self._rate is not None:
                self._keep(0.8 * self._rate, now)
        if not marks or self._passed > marks[-1][1]:
            marks.append((moment, self._passed))

    def refilled(self, moment: float, now: float) -> None:
        """The first call after several rejected ones passed; it was sent at `moment`.

        What passed since the endpoint was last as fresh is what it gives in that time.
        """
        passed = self._passed - 1
        if self._rate is not None:  # a window: what it held is all there is
            self._rate = min(self._rate, UNDER * self._last)
        elif now >= self._released_until and self._filled is not None:
            began, before = self._filled
            if moment > began and passed > before:
                self._keep((passed - before) / (moment - began), now)
        self._filled = (moment, passed)

    def _measured(self, moment: float) -> float | None:
        """Calls a second that passed between two exhaustions, or in the last minute: what is more is the limit."""
        found = []
        if self._exhausted and self._passed - self._exhausted[0][1] >= ENOUGH:
            began, passed = self._exhausted[0]
            found.append((self._passed - passed) / (moment - began))
        minute = self._minute
        while len(minute) > 1 and minute[1][0] <= moment - MINUTE_S:
            minute.popleft()
        if minute and minute[0][0] <= moment - MINUTE_S:
            found.append((self._passed - minute[0][1]) / MINUTE_S)
        return max(found, default=None)

    def _keep(self, measured: float, now: float) -> None:
        wanted = UNDER * measured
        self._last = measured
        rate, beyond = self._rate, now - self._hold_until
        if rate is None:
            self._hold_s = FIRST_HOLD_S
        elif beyond <= 0:  # not even this was borne
            if now < self._kept_at + AGAIN_S:
                return
            self._lowered += 1
            if self._lowered > MOST_LOWERED:
                self.release(now)
                return
            wanted = min(wanted, UNDER * rate)
        else:  # this was borne, and a little of what came on top
            self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S) if wanted < (1 + CONFIRMED) * rate else FIRST_HOLD_S
            wanted = max(wanted, rate * min(growth(beyond) ** 0.5, MOST_LIFT))
        if beyond > 0 or rate is None:
            self._lowered = 0
            self._hold_until = now + self._hold_s
        self._kept_at = now
        self._rate = wanted
        self._next = max(now, min(self._next, now + 1.0 / wanted))

    def release(self, now: float) -> None:
        """Rejections are drawn by lot: no pace would avoid them."""
        self._rate = None
        self._lowered = 0
        self._released_until = now + RELEASED_S
        self._exhausted.clear()

    def _rate_at(self, now: float) -> float | None:
        assert self._rate is not None
        beyond = now - self._hold_until
        if beyond <= 0:
            return self._rate
        factor = growth(beyond)
        if factor >= FREE:
            self._rate = None
            return None
        return self._rate * factor


def growth(seconds: float) -> float:
    """By how much a pace has grown so long after its hold."""
    return math.exp(min(GROWTH * seconds * seconds, 10.0))
