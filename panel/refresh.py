"""The store brought up to date while a run is under way, and at its end. Knows nothing of what a run does."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from panel.errors import StoreError
from panel.journal import Journal, segments
from panel.schema import RunEnd
from panel.schema.score import OUTCOMES

EVERY_S = 30.0
AT_MOST = 0.05
"""Share of the time loading may take: the store is copied each time, and it may be large."""


class Refresher:
    """Loads segments that were closed since, at most every EVERY_S seconds; a reader meets whole stores only."""

    def __init__(self, runs: Path, journal: Journal) -> None:
        self._runs = runs
        self._journal = journal
        self._thread: threading.Thread | None = None
        self._next = time.monotonic() + EVERY_S
        self._known = len(segments(runs))
        self.late: int | None = None
        """The exit code of an interrupt that came when all was done, and cut nothing short."""

    def tick(self) -> None:
        """To be called now and then: begins a load in a thread of its own when one is due."""
        if time.monotonic() < self._next or (self._thread is not None and self._thread.is_alive()):
            return
        number = len(segments(self._runs))
        self._next = time.monotonic() + EVERY_S
        if number > self._known:
            self._known = number
            self._thread = threading.Thread(target=self._load_closed, name="ship-panel-load", daemon=True)
            self._thread.start()

    def finish(self, end: RunEnd) -> dict[str, int]:
        """Load what is left, the journal being closed, and write `runs/latest/`. Raises StoreError.

        Returns how many of the run's tools came to each outcome.
        """
        if self._thread is not None:
            self._thread.join()
        with undisturbed() as came:
            _load(self._runs, None)
            from panel.store.latest import write_latest

            summary = write_latest(self._runs, end)
            if came:  # nothing of this run is left to stop
                self.late = 128 + came[0]
                came.clear()
        return {name: summary[name] for name in OUTCOMES}

    def _load_closed(self) -> None:
        began = time.monotonic()
        # What goes wrong here goes wrong again at the end of the run, which says so.
        with contextlib.suppress(StoreError):
            _load(self._runs, self._journal.path)
        took = time.monotonic() - began
        self._next = max(self._next, time.monotonic() + took / AT_MOST)


def _load(runs: Path, leave: Path | None) -> None:
    # Imported here: DuckDB takes longer to load than a quick endpoint takes to answer (DESIGN.md section 7).
    from panel.store import load

    _give_back()
    load(runs, leave=leave)


def _give_back() -> None:
    """Return freed memory to the system where the C library can (glibc): a load comes on top of what is kept."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextlib.contextmanager
def undisturbed() -> Iterator[list[int]]:
    """Hold back SIGINT and SIGTERM (in the main thread) until the block is done: DuckDB is not to be cut short.

    Gives a list of those that came; the first is raised at the end, unless the block has emptied the list.
    """
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    # Not by a mask: a signal to the process would go to a thread that has none, and cut DuckDB's query short.
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: came.append(number))
              for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])
