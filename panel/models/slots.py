"""How many calls may be under way at one endpoint, learned from its rejections and from how long it takes (AIMD).

Knows no clock of its own: every moment (`now`) is given, in seconds of the event loop.
"""

from __future__ import annotations

import math

FIRST = 8
"""Calls under way until the first answer; the doubling begins there."""
STEP_S, STEP = 0.025, 2.0**0.5
"""While it opens, the number of calls allowed grows by this factor in this time, doubling in 50 ms: a rejection comes
back at once. It grows one step at a time, also where our own event loop is late."""
BACK = 0.95
"""A shrunk limit is this share of what the endpoint held."""
FIRST_HOLD_S, LONGEST_HOLD_S = 5.0, 40.0
"""How long nothing above a level that was rejected is tried; doubled each time the same level is rejected again."""
LOTS_OVER = 64
FEW, MANY, TOO_MANY = 0.03, 0.06, 0.25
"""Shares of rejections in the last calls, about LOTS_OVER: a limit that is obeyed rejects few."""
SLOW = 3.0
"""A call is slow when it takes this many times what calls took while few were under way."""
JUDGED_BY = 32
"""Answers by which it is judged whether asking less gave fewer of them."""
NOTICED_S = 1.0
"""Calls shorter than this are never called slow: waiting so little costs nobody anything."""


class Slots:
    """The limit of one endpoint: `most` until something speaks against it, and opened gently.

    After a rejection it is a little under what the endpoint held, and grows by one a clean round (as many answers as
    the limit, with the limit reached) up to the level that was rejected. That is tried again after a hold that grows.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = most
        self.proved = 0
        """The most calls that were under way when one was sent that was then answered."""
        self.full = False
        """Whether the limit was reached since the round began."""
        self._known: int | None = None
        self._hold_s = FIRST_HOLD_S
        self._hold_until = 0.0
        self._settled = False
        """Whether a clean round with the limit reached came after the last rejection."""
        self._step = 1
        self._opening: tuple[float, float] | None = None
        self._begun = False
        self._clean = True
        self._few_took: float | None = None
        self._before: tuple[int, float] | None = None
        self._new_round(0.0)

    def cap(self, now: float) -> int:
        """How many calls may be under way at this moment."""
        if self._opening is None:
            return self.limit if self._begun else min(FIRST, self.limit)
        stepped, allowed = self._opening
        if now >= stepped + STEP_S:
            allowed *= STEP
            self._opening = (now, allowed)
        if allowed < self.limit:
            return int(allowed)
        self._opening = None
        return self.limit

    def grows_in(self, now: float) -> float:
        """Seconds after which `cap` is worth asking again; infinite where only an ending makes room."""
        return math.inf if self._opening is None else max(self._opening[0] + STEP_S - now, 1e-4)

    def open_from(self, now: float, base: int) -> None:
        """Begin with `base` calls under way and grow by the clock."""
        if self._begun:
            self._opening = (now, float(max(1, base)))

    def answered(self, now: float, seconds: float, held: int, *, sure: bool) -> None:
        """An answer came after `seconds` to a call that was sent as the `held`th under way.

        `sure` says that nothing was rejected since: then so many were really held.
        """
        if not self._begun:
            self._begun = True
            self.open_from(now, FIRST)
        if sure and held > self.proved:
            self.proved = held
        if held <= FIRST:
            self._few_took = seconds if self._few_took is None else 0.8 * self._few_took + 0.2 * seconds
        self._good += 1
        self._seconds += seconds
        if self._good + self._lost >= self._size:
            self._end_round(now)

    def strained(self, now: float, *, silent: bool) -> None:
        """A call failed and not by a rejection: the round is not clean. `silent` says that no answer came at all."""
        self._clean = False
        self._lost += silent
        if self._good + self._lost >= self._size:
            self._end_round(now)

    def shrink(self, now: float, held: int) -> None:
        """The endpoint rejected calls while it held `held` others."""
        held = max(1, held)
        if self._settled and now < self._hold_until:  # this level was fine: drawn by lot, or by somebody else's calls
            return
        same = self._known is not None and abs(held - self._known) <= max(1, self._known // 10)
        self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S) if same else FIRST_HOLD_S
        self._hold_until = now + self._hold_s
        self._known = held
        self._step = 1
        self.proved = min(self.proved, held)
        self.limit = min(self.limit, max(1, round(BACK * held)))
        self._begun = True
        self._before = None
        self._settled = False
        self._new_round(now)

    def keep_some(self) -> None:
        """Rejections are drawn by lot: asking less than at first avoids none of them."""
        self.limit = max(self.limit, min(FIRST, self.most))
        self._settled = True

    def _new_round(self, now: float) -> None:
        self._round_began = now
        self._size = self.limit if self._before is None else max(self.limit, JUDGED_BY)
        self._good = self._lost = 0
        self._seconds = 0.0
        self._clean, self.full = True, False

    def _end_round(self, now: float) -> None:
        good, lost, full, clean = self._good, self._lost, self.full, self._clean
        took = self._seconds / good if good else math.inf
        a_second = good / max(now - self._round_began, 1e-9)
        self._new_round(now)
        if 4 * lost > good and self.limit > 1:
            self._step_back(now, self.limit // 2)
        elif full and self._opening is None and not self._compare(now, took, a_second) and clean:
            self._grow(now)

    def _compare(self, now: float, took: float, a_second: float) -> bool:
        """Step back where calls are slow, and see: with as many answers a second as before they only waited in line.

        Returns whether the limit was changed.
        """
        if self._before is not None:
            limit, before = self._before
            self._before = None
            if a_second < 0.8 * before:  # not a line: that is how long its answers take
                self.limit, self._few_took, self._known = limit, took, None
                return True
        if self._few_took is None or took < max(NOTICED_S, SLOW * self._few_took) or self.limit <= FIRST:
            return False
        self._before = (self.limit, a_second)
        self._step_back(now, max(FIRST, int(0.7 * self.limit)))
        self._new_round(now)
        return True

    def _step_back(self, now: float, limit: int) -> None:
        self.limit = self._known = max(1, limit)
        self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S)
        self._hold_until = now + self._hold_s
        self._step = 1

    def _grow(self, now: float) -> None:
        self._settled = True
        if self.limit >= self.most:
            return
        if self._known is not None and self.limit < self._known:
            self.limit += 1
        elif now >= self._hold_until:  # what was rejected once may be welcome now
            self.limit = min(self.most, self.limit + self._step)
            self._step *= 2


class Lots:
    """Whether rejections are drawn by lot: they come about as often however little is asked.

    An endpoint that rejects much more when it is asked more has a limit, and is never taken for one that draws lots.
    """

    def __init__(self) -> None:
        self._share = 0.0
        self._calls = 0
        self._drawn = False
        self._limited = False

    def answered(self) -> None:
        """A call was answered."""
        self._calls += 1
        self._share -= self._share / LOTS_OVER

    def rejected(self) -> bool:
        """A call was rejected, the first after an answer. Returns whether it was by lot."""
        self._calls += 1
        self._share += (1.0 - self._share) / LOTS_OVER
        if self._calls >= LOTS_OVER:
            self._limited |= self._share > TOO_MANY
            self._drawn = not self._limited and self._share > (FEW if self._drawn else MANY)
        return self._drawn
