"""What is said while a run goes: a bar where there is a terminal, else a line a minute, as text or as JSON.

Knows nothing of the run beyond its totals.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from panel.journal import stamp, utc_now
from panel.tally import Totals

LINE_EVERY_S = 60.0
LogFormat = Literal["text", "json"]
Watcher = Callable[[Totals], None]


def count_text(number: float) -> str:
    """1234 → 1.2k."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{letter}"
    return f"{number:.0f}"


def money_text(cost: float | None) -> str:
    """Dollars, or that the price is unknown; nothing is free that nobody priced."""
    return "cost unknown" if cost is None else f"${cost:.4f}" if cost < 1 else f"${cost:.2f}"


def totals_text(totals: Totals) -> str:
    """What a run came to, in a few words."""
    tokens = f"{count_text(totals.tokens_in)} tokens in ({count_text(totals.tokens_cached)} cached), " \
             f"{count_text(totals.tokens_out)} out"
    counts = [(totals.scored - totals.briefs - totals.comparisons, "review"), (totals.briefs, "brief"),
              (totals.comparisons, "comparison")]
    done = ", ".join(counted(number, noun) for number, noun in counts if number or noun == "review")
    return f"{done}, {totals.unscored} unscored, {tokens}, {money_text(totals.cost_usd)}"


def counted(number: int, noun: str) -> str:
    """1 review, 2 reviews."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def say(text: str, log: LogFormat = "text", **fields: Any) -> None:
    """One line on standard error; with `log` json an object with the time, the text and the fields.

    That nobody listens any more stops no run.
    """
    line = f"ship-panel: {text}"
    if log == "json":
        line = json.dumps({"at": stamp(utc_now()), "text": text, **fields}, ensure_ascii=False)
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


@contextmanager
def watching(total: int | None, *, enabled: bool = True, log: LogFormat = "text") -> Iterator[Watcher]:
    """A bar on standard error while a run goes; a line a minute where that is no terminal, or with `log` json."""
    if not enabled:
        yield lambda totals: None
    elif log == "text" and sys.stderr.isatty():
        with _bar(total) as on_progress:
            yield on_progress
    else:
        yield _lines(total, log)


@contextmanager
def _bar(total: int | None) -> Iterator[Watcher]:
    columns = (SpinnerColumn(), TextColumn("tools"), BarColumn(bar_width=20), MofNCompleteColumn(),
               TextColumn("{task.description}"), TimeRemainingColumn(compact=True, elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting the model", total=total)

        def on_progress(totals: Totals) -> None:
            progress.update(task, completed=totals.tools + totals.left, description=totals_text(totals))

        yield on_progress


def _lines(total: int | None, log: LogFormat) -> Watcher:
    next_at = time.monotonic() + LINE_EVERY_S

    def on_progress(totals: Totals) -> None:
        nonlocal next_at
        if time.monotonic() < next_at:
            return
        next_at = time.monotonic() + LINE_EVERY_S
        of = "" if total is None else f" of about {total}"
        say(f"{totals.tools}{of} tools, {totals_text(totals)}", log, event="progress",
            **totals.model_dump(mode="json"))

    return on_progress
