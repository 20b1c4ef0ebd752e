"""What a run would cost, said before it: for runs under a cap, and for --dry-run, which says it and asks nothing.

A sample of what was given is read, and what earlier runs took. Load this file late: it loads what a run needs.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from panel.cli.progress import count_text
from panel.done import Done
from panel.dossiers import read_dossiers
from panel.editorial.plain import plain
from panel.errors import DossierError
from panel.estimate import Forecast, Item, forecast, within
from panel.instrument import Instrument
from panel.models.budget import Budget, usd_text
from panel.run import Terms
from panel.schema import Estimate
from panel.schema.past import History

SAMPLE = 200
"""Tools that are looked at."""
READ_S = 5.0
"""A list that takes longer to read is judged by what was read of it."""
STDIN = "-"


class Sample(NamedTuple):
    """Some of the dossiers that were given, each as likely as any other, and how many were read."""

    dossiers: list[Item]
    read: int
    whole: bool
    """Whether all that was given was read."""
    left_out: list[str]
    """What could not be read, and why."""


def sample_of(paths: Sequence[str], columns: Mapping[str, str] | None) -> Sample:
    """SAMPLE dossiers of those in the files, by one reading. Raises DossierError as `read_dossiers` does."""
    left_out: list[str] = []
    found = read_dossiers(paths, columns=columns, report=lambda error: left_out.append(plain(str(error))))
    kept: list[Item] = list(itertools.islice(found, SAMPLE))
    read, ends, chance = len(kept), time.monotonic() + READ_S, random.Random(0)
    for read, dossier in enumerate(found, start=SAMPLE + 1):
        place = chance.randrange(read)  # Algorithm R (Waterman; Knuth, TAOCP 2, 3.4.2)
        if place < SAMPLE:
            kept[place] = dossier
        if time.monotonic() > ends:
            return Sample(kept, read, False, left_out)
    return Sample(kept, read, True, left_out)


def estimate_run(
    paths: Sequence[str], columns: Mapping[str, str] | None, count: int | None, instrument: Instrument, terms: Terms,
) -> Estimate | None:
    """What reviewing the dossiers in these files is expected to cost under the caps; null for standard input, which
    can be read only once. `count`: how many there are, where that is known without reading them.
    """
    if any(path == STDIN or not (Path(path).is_file() or Path(path).is_dir()) for path in paths):
        return None  # a pipe: who reads it for an estimate has nothing left to review
    sample = sample_of(paths, columns)
    number = sample.read if sample.whole else max(count or 0, sample.read)
    return estimate_items(sample.dossiers, number, instrument, terms)


def estimate_items(items: Sequence[Item], count: int, instrument: Instrument, terms: Terms) -> Estimate:
    """What asking `count` items, of which these are some, is expected to cost under the caps."""
    found, budget = _look(items, count, instrument, terms)
    room = budget.room()
    return within(found.estimate, None if room is None else room[0], found.dearest_tool)


def estimate_line(estimate: Estimate | None) -> str:
    """One line to be said before a run."""
    if estimate is None:
        return "no estimate: standard input can be read only once"
    return f"it is expected to cost {range_text(estimate)}"


def range_text(estimate: Estimate) -> str:
    """1.63 USD (1.20 USD to 2.10 USD)."""
    if estimate.low is None or estimate.expected is None or estimate.high is None:
        return "an unknown sum: a price is not known"
    return f"{usd_text(estimate.expected)} ({usd_text(estimate.low)} to {usd_text(estimate.high)})"


def dry_run(
    paths: Sequence[str], columns: Mapping[str, str] | None, count: int | None, instrument: Instrument, terms: Terms, *,
    as_json: bool,
) -> None:
    """Print what a run over these dossiers would ask and cost. No call is made and no run begun.

    Raises DossierError when there is no dossier in what was given.
    """
    sample = sample_of(paths, columns)
    if not sample.read:
        raise DossierError("no dossier to review" + (", all were left out" if sample.left_out else ""))
    found, budget = _look(sample.dossiers, sample.read if sample.whole else max(count or 0, sample.read), instrument,
                          terms)
    room = budget.room()
    if as_json:
        print(json.dumps(_facts(found, budget, terms, sample, instrument), ensure_ascii=False, indent=1))
        return
    for label, text in (
        ("tools", f"{found.tools:,}" + (f" ({len(sample.left_out):,} more cannot be read)" if sample.left_out else "")),
        ("to ask", f"{found.left:,} assignments, {found.kept:,} kept from earlier runs"),
        ("calls", f"{found.calls:,}"),
        ("tokens", f"{count_text(found.tokens_in)} in ({count_text(found.tokens_cached)} cached), "
                   f"{count_text(found.tokens_out)} out"),
        ("cost", range_text(found.estimate)),
        *(("cap", text) for text in _cap_texts(budget, terms)),
        *([("room", _room_text(found, room[0]))] if room else []),
        ("time", "not known: no earlier run of these models" if found.seconds is None else
         f"{duration_text(found.seconds)} by the pace of earlier runs"),
        *(("because", text) for text in found.estimate.assumptions),
    ):
        print(f"{label:<8} {text}")
    for text in sample.left_out:
        print(f"left out {text}")
    print("Nothing was asked.")


def duration_text(seconds: float) -> str:
    """40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _look(items: Sequence[Item], count: int, instrument: Instrument, terms: Terms) -> tuple[Forecast, Budget]:
    runs = Path(instrument.settings.runs)
    done = Done.read(runs, terms.asked_again)
    found = forecast(items, count, instrument, done, _history(runs, instrument.models))
    return found, Budget(terms.caps, done.spent_by_day)


def _history(runs: Path, models: Iterable[str]) -> History:
    """DuckDB is loaded only where there is a store."""
    if not (runs / "panel.duckdb").exists():
        return History({})
    from panel.store.history import read_history

    return read_history(runs, models)


def _cap_texts(budget: Budget, terms: Terms) -> list[str]:
    day, month = budget.spent_lately()
    caps = ((terms.caps.run, "run", 0.0), (terms.caps.day, "day", day), (terms.caps.month, "month", month))
    return [f"{usd_text(cap)} a {name}" + (f", {usd_text(spent)} spent" if name != "run" else "")
            for cap, name, spent in caps if cap is not None]


def _room_text(found: Forecast, room: float) -> str:
    """What the tightest cap leaves, and whether it is enough."""
    left = usd_text(max(0.0, room))
    if found.left and found.dearest_tool > room:
        return f"{left}: too little for the dearest tool, which has to fit with {usd_text(found.dearest_tool)}"
    high, low = found.estimate.high, found.estimate.low
    if high is None or low is None:
        return left
    return left + (": enough" if high + found.dearest_tool <= room else ": enough for a part" if low > room
                   else ": it may not be enough for all")


def _facts(found: Forecast, budget: Budget, terms: Terms, sample: Sample, instrument: Instrument) -> dict[str, Any]:
    day, month = budget.spent_lately()
    room = budget.room()
    return {
        "forecast": found.model_dump(mode="json"), "models": list(instrument.seat_models),
        "caps": terms.caps.model_dump(mode="json"), "spent_day": day, "spent_month": month,
        "room": None if room is None else max(0.0, room[0]), "left_out": sample.left_out,
    }
