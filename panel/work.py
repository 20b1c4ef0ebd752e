"""The run while it is under way: what came in, what is taken up, what came out.

Knows nothing of how a run is begun, or of the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime

from panel.engines.feed import Feed
from panel.engines.local import map_bounded
from panel.errors import PanelError, StoreError
from panel.gate import Gate
from panel.journal import stamp, utc_now
from panel.schema import Dossier, Estimate, Outcome, Run, RunEnd
from panel.sitting import Sitting
from panel.takes import Take
from panel.tally import Tally, Totals

TOOLS_NAMED = 200
TELL_S = 0.1
COUNTING_S = 1.0
"""After a stop, how long the rest of the input is read to say how much is left."""
Watcher = Callable[[Totals], None]
Pair = tuple[Dossier, Dossier]
Item = Dossier | Pair
"""A dossier to review, or two to compare in both orders."""


class Work:
    """The run while it is under way: what came in, what came out."""

    def __init__(self, sitting: Sitting, gate: Gate, on_progress: Watcher) -> None:
        self._sitting = sitting
        self._gate = gate
        self._on_progress = on_progress
        self.tally = Tally()
        self.tool_ids: list[str] = []
        """The first TOOLS_NAMED tools, as they were given."""
        self._feed: Feed[Item] | None = None
        self.over = threading.Event()
        """Set when nothing more is asked, paid or journalled, also after a cancellation."""
        self._all_read = False
        self._tell_at = 0.0

    def stop(self, why: PanelError) -> None:
        """Begin nothing more. On the event loop only."""
        self._sitting.stop(why)
        self._gate.budget.stop()
        if self._feed is not None:
            self._feed.wake()

    async def carry_out(self, items: Iterable[Item]) -> None:
        """Take up every item as it is read, a bounded number at once."""
        feed = self._feed = Feed(items)
        try:
            async for _ in map_bounded(self._take_up, self._until_stopped(feed), self._sitting.tools_at_once):
                self._tell()
            await self._count_rest(feed)
        finally:
            feed.close()
            await self._sitting.instrument.close()
            self.over.set()

    async def _until_stopped(self, feed: Feed[Item]) -> AsyncIterator[Item]:
        if self._sitting.stopped is not None:
            return
        async for item in self._read(feed):
            if isinstance(item, Dossier) and len(self.tool_ids) < TOOLS_NAMED:
                self.tool_ids.append(item.id)
            if self._sitting.stopped is not None:
                self._count_unread(item)
                return
            yield item
        self._all_read = feed.ended

    async def _read(self, feed: Feed[Item]) -> AsyncIterator[Item]:
        """The items; a source that cannot be read on stops the run, as an interrupt does: what is paid is kept."""
        try:
            async for item in feed:
                yield item
        except PanelError as error:
            self.stop(error)

    async def _count_rest(self, feed: Feed[Item]) -> None:
        """Read on for a moment to say how many tools are left; a source that is slow is left unread."""
        if self._all_read:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COUNTING_S):
                async for item in self._read(feed):
                    self._count_unread(item)
                    await asyncio.sleep(0)
                self._all_read = feed.ended

    def _count_unread(self, item: Item) -> None:
        done = not self._sitting.left(self._takes(item))
        self.tally.count(given=1, tools=done, left=not done)

    def _takes(self, item: Item) -> Sequence[Take]:
        return self._sitting.takes(item) if isinstance(item, Dossier) else self._sitting.pair(*item)

    async def _take_up(self, item: Item) -> None:
        """Carry out what is left of one item and journal it; a journal that cannot be written stops the run."""
        takes = self._takes(item)
        left = self._sitting.left(takes)
        self.tally.count(given=1, kept=len(takes) - len(left), kept_unscored=self._sitting.kept_unscored(takes))
        missing = len(left)
        try:
            if isinstance(item, Dossier) and not left:
                self._sitting.begin(takes)
            elif left and self._sitting.stopped is None:
                missing -= await self._carry_out(item, takes, left)
        except StoreError as error:
            self.stop(error)
        self.tally.count(tools=missing == 0, left=missing > 0)

    async def _carry_out(self, item: Item, takes: Sequence[Take], left: Sequence[Take]) -> int:
        """How many of these were asked, or read: none when the item does not fit into money and time."""
        purse = await self._gate.admit(lambda: self._sitting.most_usd(left))
        if purse is None:
            return 0
        asked = 0

        def take_in(outcome: Outcome) -> None:
            nonlocal asked
            asked += outcome.done
            self.tally.add(outcome)
            self._tell()

        done = self._gate.timed()
        with purse:
            if isinstance(item, Dossier):
                self._sitting.begin(takes)
            await self._sitting.carry_out(left, purse, take_in)
        done()
        return asked

    def _tell(self) -> None:
        """Tell the watcher how far the run is, a few times a second."""
        now = time.monotonic()
        if now >= self._tell_at:
            self._tell_at = now + TELL_S
            self._on_progress(self.tally.totals())

    def end(self, run: Run, estimate: Estimate | None, cap_usd: float | None) -> RunEnd:
        """What the run came to. Its exit code is that of what stopped it, 3 when the gate left tools, 4 when too much
        is unscored. The cost is the budget's: calls that failed and may have been billed are in it.
        """
        sitting, totals, tally = self._sitting, self.tally.totals(), self.tally
        stopped = sitting.stopped or self._gate.closed_by or sitting.short
        code = stopped.exit_code if stopped else 0
        without = totals.unscored + totals.kept_unscored
        if code == 0 and without > sitting.instrument.settings.max_unscored * (totals.asked + totals.kept):
            code = 4
        now = utc_now()
        return RunEnd(
            run_id=run.id, started_at=run.started_at, ended_at=stamp(now),
            seconds=round((now - datetime.fromisoformat(run.started_at)).total_seconds(), 3), exit_code=code,
            stopped_by=str(stopped) if stopped else None, tools_asked=totals.given, tools_done=totals.tools,
            tools_left=totals.left if self._all_read else None, kept=totals.kept, scored=totals.scored,
            unscored=totals.unscored, unscored_kinds=tally.unscored_kinds, reasked=totals.reasked, calls=totals.calls,
            faults=sum(caller.faults for caller in sitting.callers.values()), tokens_in=totals.tokens_in,
            tokens_cached=totals.tokens_cached, tokens_out=totals.tokens_out,
            cost_usd=self._gate.budget.known_spent, cap_usd=cap_usd, estimate=estimate,
            quarantined=tuple(tally.quarantined))
