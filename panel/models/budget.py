"""Money, by reservation: what calls could cost at most is set aside before they are sent.

A tool's money is set aside whole before its first call (`Budget.allot`), so that a cap leaves whole panels. Knows
nothing of what is asked, nor of where earlier spending was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from panel.errors import BudgetExceeded
from panel.settings import Caps

ROUNDING = 1e-10
"""US dollars that sums of floats may be off by; no token is so cheap."""


def _utc_today() -> str:
    return datetime.now(UTC).date().isoformat()


class Budget:
    """What this run has spent and set aside, under its caps. To be used on one event loop.

    `spent_by_day` is what earlier runs spent, by UTC day ("2026-11-24"). A call whose answer never came keeps its
    reservation: it may have been paid.
    """

    def __init__(self, caps: Caps | None = None, spent_by_day: Mapping[str, float] | None = None,
                 today: Callable[[], str] = _utc_today) -> None:
        self.caps = caps or Caps()
        self.spent = 0.0
        self.reserved = 0.0
        """Set aside: for calls under way, and for those that tools under way may still make."""
        self.unknown = False
        """Whether some call's cost is not known."""
        month = today()[:7]
        self._by_day = {day: usd for day, usd in (spent_by_day or {}).items() if day[:7] >= month}
        self._today = today
        self._open: dict[Allotment, None] = {}
        self._calls = 0
        self._scale = 1.0
        """The most that a tool of this run came to need, as a multiple of what was set aside for it."""
        self._changed = asyncio.Event()
        self._watched = 0
        self._stopped = False

    def room(self) -> tuple[float, str] | None:
        """How much may still be set aside, and under which cap; None where there is none.

        Below 0 when a call was billed more than it could cost by its counts and prices.
        """
        caps, today = self.caps, self._today()
        found = []
        if caps.run is not None:
            found.append((caps.run - self.spent, f"the cap of {usd_text(caps.run)} a run"))
        if caps.day is not None:
            found.append((caps.day - self._by_day.get(today, 0.0), f"the cap of {usd_text(caps.day)} a day"))
        if caps.month is not None:
            month = sum(spent for day, spent in self._by_day.items() if day[:7] == today[:7])
            found.append((caps.month - month, f"the cap of {usd_text(caps.month)} a month"))
        if not found:
            return None
        room, name = min(found)
        return room - self.reserved, name

    def fits(self, most: float) -> bool:
        """Whether `most` dollars more may be set aside now."""
        room = self.room()
        return room is None or most <= room[0] + ROUNDING

    async def allot(self, most: float) -> Allotment | None:
        """Set aside `most` dollars for a tool, waiting for tools under way to give back what they do not need.

        Tools under way that came to need more go first, and teach how much more the next may need. None when the run
        was stopped. Raises BudgetExceeded when it would not fit even if all under way cost nothing more.
        """
        while not self._stopped:
            needs = most * self._scale
            if self.fits(needs) and not any(tool.waits for tool in self._open):
                return Allotment(self, most, needs)
            if not (self._open or self._calls) or not self.fits(needs - self.reserved):
                raise self.exceeded(needs, "the next tool")
            await self.change()
        return None

    @property
    def stopped(self) -> bool:
        """Whether no more calls are to be begun."""
        return self._stopped

    def stop(self) -> None:
        """Wake whoever waits: no more calls are begun."""
        self._stopped = True
        self.tell()

    def exceeded(self, most: float, what: str = "the next call") -> BudgetExceeded:
        """What to say when `most` dollars do not fit."""
        room, name = self.room() or (0.0, "no cap")
        left = max(0.0, room + self.reserved)
        held = f", {usd_text(self.reserved)} of it set aside for tools under way" if self.reserved > 1e-9 else ""
        return BudgetExceeded(f"{what} could cost {usd_text(most)} and pass {name} ({usd_text(left)} left{held})")

    @property
    def known_spent(self) -> float | None:
        """What was spent, calls without an answer at their most; null when a price is not known."""
        return None if self.unknown else self.spent

    def spent_lately(self) -> tuple[float, float]:
        """US dollars of this UTC day and of this UTC month, this run's included."""
        today = self._today()
        return self._by_day.get(today, 0.0), sum(usd for day, usd in self._by_day.items() if day[:7] == today[:7])

    # What follows is for Allotment.

    def opened(self, tool: Allotment, needs: float) -> None:
        """A tool begins."""
        self._open[tool] = None
        self.reserved += needs

    def closed(self, tool: Allotment, left: float) -> None:
        """A tool is done and gives back what is left."""
        self._open.pop(tool, None)
        self.move(-left)
        self.tell()

    def move(self, reserved: float, calls: int = 0) -> None:
        """Change what is set aside, and how many calls under way it is for."""
        self._calls += calls
        self.reserved += reserved
        if not (self._open or self._calls):
            self.reserved = 0.0  # what rounding left over

    def spend(self, cost: float) -> None:
        """Book a cost, on the day it became known."""
        self.spent += cost
        today = self._today()
        self._by_day[today] = self._by_day.get(today, 0.0) + cost

    def learn(self, multiple: float) -> None:
        """A tool came to need so much more than was set aside for it: the next ones may too."""
        self._scale = max(self._scale, multiple)

    def make_way(self) -> None:
        """Where every tool under way waits for money, none will ever come: the one that has spent least gives way."""
        tools = list(self._open)
        if tools and all(tool.stuck and not tool.gives_way for tool in tools):
            min(tools, key=lambda tool: tool.spent).gives_way = True
            self.tell()

    async def change(self) -> None:
        """Wait for money to come back."""
        self._watched += 1
        try:
            await self._changed.wait()
        finally:
            self._watched -= 1

    def tell(self) -> None:
        """Wake those that wait for a change."""
        if self._watched:
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()


class Allotment:
    """The money set aside for one tool; a context manager that gives back what is left of it.

    Its calls draw on it; a call that finds too little (retries that were billed, a longer answer) asks the budget.
    """

    def __init__(self, budget: Budget, most: float, needs: float) -> None:
        self.spent = 0.0
        self.gives_way = False
        """Set by the budget: this tool gets no more, so that others can be finished."""
        self._budget = budget
        self._most = most
        self._total = self._left = needs
        self._seats = 0
        self._waiting = 0
        self._closed = False
        budget.opened(self, needs)

    @property
    def waits(self) -> bool:
        """Whether a seat of the tool waits for money."""
        return self._waiting > 0

    @property
    def stuck(self) -> bool:
        """Whether every seat that is being asked waits for money, so that nothing comes back from this tool."""
        return 0 < self._waiting >= self._seats

    @contextmanager
    def seat(self) -> Iterator[None]:
        """While one of the tool's assignments is being asked."""
        self._seats += 1
        try:
            yield
        finally:
            self._seats -= 1
            self._budget.tell()

    async def reserve(self, most: float | None, *, wait: bool = True) -> None:
        """Take what one call can cost at most; without `wait` at once or not at all.

        Raises BudgetExceeded when it does not fit into the caps, nor will when other tools are done. `most` null (price
        unknown) takes nothing.
        """
        budget = self._budget
        if most is None or not budget.caps.any:
            return
        if self.gives_way or not self._take(most):
            if not wait:
                raise budget.exceeded(most)
            await self._wait_for(most)
        budget.move(0.0, calls=1)

    async def _wait_for(self, most: float) -> None:
        budget = self._budget
        self._waiting += 1
        try:
            while True:
                budget.make_way()
                if self.gives_way or self._closed or budget.stopped:
                    raise budget.exceeded(most)
                await budget.change()
                if not self.gives_way and self._take(most):
                    return
        finally:
            self._waiting -= 1
            budget.tell()  # tools that want to begin let this one go first

    def _take(self, most: float) -> bool:
        """Take it from what is left, enlarged where the caps allow it. What fits the tool must fit the caps too:
        a server may have billed more than was set aside.
        """
        budget = self._budget
        more = most - self._left
        if more <= ROUNDING:
            more = 0.0
        if not budget.fits(more):
            return False
        if more:
            budget.move(more)
            self._left += more
            self._total += more
            if self._most > 0:
                budget.learn(self._total / self._most)
        self._left -= most
        return True

    def settle(self, most: float | None, cost: float | None) -> None:
        """Replace what a call took by what it cost; an unknown cost is taken to be all of it."""
        budget = self._budget
        paid = (most or 0.0) if cost is None else cost
        budget.unknown |= cost is None and most is None
        budget.spend(paid)
        self.spent += paid
        if budget.caps.any and most is not None:
            # Billed more than its most, the tool's own money pays as far as it goes.
            back = 0.0 if self._closed else max(-self._left, most - paid)
            self._left += back
            budget.move(back - most, calls=-1)
        budget.tell()

    def __enter__(self) -> Allotment:
        return self

    def __exit__(self, *_: object) -> None:
        left, self._left, self._closed = self._left, 0.0, True
        self._budget.closed(self, left if self._budget.caps.any else 0.0)


def usd_text(usd: float) -> str:
    """Dollars with the digits that matter: 5.00 USD, 0.0421 USD, 0.000012 USD."""
    digits = f"{usd:.2f}" if usd >= 1 or usd == 0 else f"{usd:.4f}" if usd >= 0.001 else f"{usd:.2g}"
    return f"{digits} USD"
