"""The progress bar of a run: tools, verdicts, tokens, cost, time left. Knows nothing of the run beyond its totals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from panel.run import Totals


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


@contextmanager
def watching(total: int | None, *, enabled: bool) -> Iterator[Callable[[Totals], None]]:
    """A bar on standard error while a run goes; nothing where there is no terminal."""
    if not enabled or not sys.stderr.isatty():
        yield lambda totals: None
        return
    columns = (SpinnerColumn(), TextColumn("tools"), BarColumn(bar_width=20), MofNCompleteColumn(),
               TextColumn("{task.description}"), TimeRemainingColumn(compact=True, elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting the model", total=total)

        def on_progress(totals: Totals) -> None:
            progress.update(task, completed=totals.tools, description=totals_text(totals))

        yield on_progress
