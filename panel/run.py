"""The straight line: assign, skip what the journal has, ask, journal, and load the store.

`panel.review` and the commands come through here. Knows nothing of screens or pages.
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
import sys
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from panel import __version__
from panel.done import Done
from panel.engines.local import submit, tell
from panel.errors import ConfigError, RunStopped, StoreError
from panel.gate import Gate
from panel.instrument import Instrument
from panel.journal import Journal, hold, mend_tails, new_run_id, stamp, utc_now, write_file
from panel.models.budget import Budget
from panel.models.caller import Caller
from panel.models.endpoint import Endpoint
from panel.refresh import Refresher, undisturbed
from panel.schema import Estimate, Record, Run, RunEnd
from panel.schema.review import ASKED_AGAIN
from panel.settings import Caps, secrets
from panel.sitting import Sitting
from panel.tally import Totals
from panel.work import Item, Watcher, Work

PACKAGES = ("duckdb", "litellm", "pydantic", "jinja2", "aiohttp", "xllamacpp")
TICK_S = 1.0
CANCELLING_S = 2.0
"""Longest time that calls which are cancelled are waited for, to count what they may have cost."""
MadeCaller = TypeVar("MadeCaller", bound=Caller)


class Terms(Record):
    """What a run may cost and how long it may take."""

    caps: Caps = Caps()
    until: datetime | None = None
    """No tool is begun that would not be done by then."""
    allow_unknown_price: bool = False
    asked_again: frozenset[str] = ASKED_AGAIN
    """Kinds of unscored that are asked again."""
    estimate: Estimate | None = None


class RunResult(Record):
    """How a run ended."""

    run_id: str
    folder: str
    totals: Totals
    seconds: float
    tool_ids: tuple[str, ...]
    """The first TOOLS_NAMED tools of the run, as they were given."""
    stopped_by: str | None = None
    """The line that says why it ended early, null when it did not."""
    exit_code: int = 0
    first_reason: str | None = None
    """Why the first unscored assignment is unscored."""
    end: RunEnd
    outcomes: dict[str, int] = {}
    """Of the run's tools, how many came to ship, skip, split, no_quorum."""
    late: int | None = None
    """The exit code of an interrupt that came when all was done: who would begin another run does not."""


def review_dossiers(
    items: Iterable[Item], instrument: Instrument, terms: Terms | None = None, *,
    on_progress: Watcher = lambda totals: None, on_stop: Callable[[], None] = lambda: None,
) -> RunResult:
    """Review every dossier (and compare every pair) with the instrument and load the store.

    Blocks; an interrupt ends it gracefully with what is done kept. Raises ConfigError or StoreError before the first
    call; how it ends later is in the result.
    """
    terms = terms or Terms()
    check_prices(instrument, terms)
    with hold(Path(instrument.settings.runs)):
        return sit(items, instrument, terms, on_progress=on_progress, on_stop=on_stop)


def sit(
    items: Iterable[Item], instrument: Instrument, terms: Terms, *, on_progress: Watcher, on_stop: Callable[[], None],
) -> RunResult:
    """One run under `runs/` that the caller holds: see `review_dossiers`."""
    runs = Path(instrument.settings.runs)
    mend_tails(runs)
    run = begin_run(runs, instrument)
    done = Done.read(runs, terms.asked_again)
    journal = Journal(runs / run.id)
    sitting = Sitting(instrument, run.id, journal, done, callers(instrument, journal))
    budget = Budget(terms.caps, done.spent_by_day)
    return carry_through(items, sitting, Course(run, terms, budget), on_progress=on_progress, on_stop=on_stop)


def begin_run(runs: Path, instrument: Instrument) -> Run:
    """A new run, its run.json written."""
    run = describe(new_run_id(runs, utc_now()), instrument)
    write_file(runs / run.id / "run.json", run.model_dump_json(indent=1).encode())
    return run


class Course(NamedTuple):
    """The run that is carried through, its money, and what it came to when it was last carried through, if it was."""

    run: Run
    terms: Terms
    budget: Budget
    before: RunEnd | None = None


def carry_through(
    items: Iterable[Item], sitting: Sitting, course: Course, *, on_progress: Watcher, on_stop: Callable[[], None],
) -> RunResult:
    """Ask and read what is left of the items, journal how it ended, load the store; the journal is closed then."""
    run, terms, budget, before = course
    journal, room = sitting.journal, budget.room()
    cap_usd = None if room is None else max(0.0, room[0])
    work = Work(sitting, Gate(budget, terms.until), on_progress)
    refresher = Refresher(journal.folder.parent, journal)

    def ended() -> RunEnd:
        end = work.end(run, terms.estimate, cap_usd)
        return end if before is None else end.after(before)

    try:
        _wait(work.carry_out(items), work, on_stop, refresher.tick)
        end = ended()
        with contextlib.suppress(StoreError):  # a full disk, which has stopped the run and is said
            journal.append(run.id, "ended", {"record": end.model_dump(mode="json")})
    finally:
        journal.close()
    outcomes: dict[str, int] = {}
    try:
        outcomes = refresher.finish(end)
    except StoreError as error:
        sitting.stopped = sitting.stopped or error
        end = ended()
    return RunResult(
        run_id=end.run_id, folder=str(journal.folder), seconds=end.seconds, tool_ids=tuple(work.tool_ids),
        totals=work.tally.totals().model_copy(update={"cost_usd": end.cost_usd}), stopped_by=end.stopped_by,
        exit_code=end.exit_code, first_reason=work.tally.first_reason, end=end, outcomes=outcomes,
        late=refresher.late)


def check_prices(instrument: Instrument, terms: Terms) -> None:
    """A cap on money needs prices; an unknown price is not a price of nothing. Raises ConfigError."""
    if not terms.caps.any or terms.allow_unknown_price:
        return
    for name, info in instrument.infos.items():
        if info.price_in is None or info.price_out is None:
            raise ConfigError(f"a budget was given and the price of {name} is not known; set price_in and price_out "
                              "(US dollars a million tokens) for it under [models.NAME] in panel.toml, or give "
                              "--allow-unknown-price: its calls are then not counted")


def _wait(work: Coroutine[Any, Any, None], stopping: Work, on_stop: Callable[[], None],
          tick: Callable[[], None]) -> None:
    """Wait for the run; an interrupt stops it gracefully, a second one at once."""
    under_way = submit(work)
    try:
        while not under_way.done():
            with contextlib.suppress(TimeoutError):
                under_way.result(TICK_S)
            tick()
        under_way.result()
    except (KeyboardInterrupt, RunStopped) as error:
        why = error if isinstance(error, RunStopped) else RunStopped("interrupted")
        tell(stopping.stop, why)
        on_stop()
        with contextlib.suppress(KeyboardInterrupt, RunStopped, CancelledError):
            under_way.result()
        with undisturbed() as came:  # a third one cuts nothing short: what was sent is still to be counted
            under_way.cancel()
            stopping.over.wait(CANCELLING_S)
            came.clear()


def callers(
    instrument: Instrument, journal: Journal, make: Callable[..., MadeCaller] = Caller,  # type: ignore[assignment]
) -> dict[str, MadeCaller]:
    """Who asks each model; models at one endpoint share its limits."""
    hidden = (*secrets(), *instrument.settings.named_secrets())
    most: dict[str, int] = {}
    for info in instrument.infos.values():
        most[info.endpoint] = max(most.get(info.endpoint, 1), info.max_in_flight)
    retry = instrument.settings.retry
    endpoints = {name: Endpoint(name, limit, patience=retry.patience, give_up_s=retry.give_up)
                 for name, limit in most.items()}
    made = {name: make(model, instrument.infos[name], journal, endpoints[instrument.infos[name].endpoint],
                       retry, hidden)
            for name, model in instrument.models.items()}
    numbers = itertools.count(1)
    for caller in made.values():
        caller.numbers = numbers
    return made


def describe(run_id: str, instrument: Instrument) -> Run:
    """What a run is made with, for its run.json."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    command = shlex.join(["ship-panel", *sys.argv[1:]])
    return Run(
        id=run_id, command=command.encode("utf-8", "replace").decode(), started_at=stamp(utc_now()),
        program_version=__version__, package_versions=versions, panel=instrument.panel,
        personas=tuple(instrument.personas.values()),
        models={name: info.endpoint for name, info in instrument.infos.items()}, captions=instrument.captions,
    )
