"""The straight line: assign, skip what the journal has, ask, journal, and load the store at the end.

`panel.review` and the commands come through here. Knows nothing of screens or pages.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from importlib import metadata
from pathlib import Path
from typing import Any

from panel import __version__
from panel.engines.local import map_bounded, submit, tell
from panel.errors import ConfigError, RunStopped, StoreError
from panel.instrument import Instrument
from panel.journal import Done, Journal, hold, mend_tails, new_run_id, stamp, utc_now, write_file
from panel.models.caller import Caller
from panel.models.limits import Budget
from panel.schema import Dossier, Outcome, Record, Run
from panel.schema.review import ASKED_AGAIN
from panel.settings import secrets
from panel.sitting import Sitting, Take

PACKAGES = ("duckdb", "litellm", "pydantic", "jinja2", "aiohttp", "xllamacpp")


class Totals(Record):
    """How far a run is. `cost_usd` null: the price of some call is unknown."""

    tools: int = 0
    asked: int = 0
    kept: int = 0
    """Assignments an earlier run had finished."""
    kept_unscored: int = 0
    """Of those, the ones without an answer."""
    scored: int = 0
    """Answers that could be read: reviews, and the briefs and comparisons counted apart below."""
    briefs: int = 0
    comparisons: int = 0
    unscored: int = 0
    ships: int = 0
    reasked: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0

    def plus(self, outcome: Outcome) -> Totals:
        """These totals and one more outcome."""
        spent = outcome.spent
        cost = None if self.cost_usd is None or spent.cost_usd is None else self.cost_usd + spent.cost_usd
        verdict = getattr(outcome, "verdict", None)
        return self.model_copy(update={
            "asked": self.asked + 1,
            "scored": self.scored + (outcome.unscored is None),
            "briefs": self.briefs + (outcome.kind == "brief" and outcome.unscored is None),
            "comparisons": self.comparisons + (outcome.kind == "compare" and outcome.unscored is None),
            "unscored": self.unscored + (outcome.unscored is not None),
            "ships": self.ships + (verdict is not None and verdict.verdict == "ship"),
            "reasked": self.reasked + outcome.reasked,
            "calls": self.calls + spent.calls,
            "tokens_in": self.tokens_in + spent.tokens_in,
            "tokens_cached": self.tokens_cached + spent.tokens_cached,
            "tokens_out": self.tokens_out + spent.tokens_out,
            "cost_usd": cost,
        })


class RunResult(Record):
    """How a run ended. `stopped_by` is the line that says why it ended early, null when it did not."""

    run_id: str
    folder: str
    totals: Totals
    seconds: float
    tool_ids: tuple[str, ...]
    """The first TOOLS_NAMED tools of the run, as they were given."""
    stopped_by: str | None = None
    exit_code: int = 0
    first_reason: str | None = None
    """Why the first unscored assignment is unscored."""


TOOLS_NAMED = 200
Watcher = Callable[[Totals], None]


def review_dossiers(
    dossiers: Iterable[Dossier], instrument: Instrument, *, budget_usd: float | None = None,
    on_progress: Watcher = lambda totals: None, on_stop: Callable[[], None] = lambda: None, pairs: bool = False,
) -> RunResult:
    """Review every dossier with the instrument and load the store.

    Blocks; an interrupt ends it gracefully with what is done kept. With `pairs` the dossiers (two) are also compared
    in both orders. Raises ConfigError or StoreError before the first call; how it ends later is in the result.
    """
    settings = instrument.settings
    runs = Path(settings.runs)
    if budget_usd is not None:
        _check_prices(instrument)
    with hold(runs):
        mend_tails(runs)
        moment = utc_now()
        run = _describe(new_run_id(runs, moment), instrument)
        write_file(runs / run.id / "run.json", run.model_dump_json(indent=1).encode())
        journal = Journal(runs / run.id)
        budget = Budget(budget_usd)
        sitting = Sitting(instrument, run.id, journal, Done.read(runs, ASKED_AGAIN),
                          _callers(instrument, journal, budget), runs / "checks.json", budget)
        work = _Work(sitting, on_progress, pairs)
        try:
            _wait(work.carry_out(dossiers), sitting, on_stop)
        finally:
            journal.close()
        try:
            with undisturbed():
                _load(runs)
        except StoreError as error:
            sitting.stopped = sitting.stopped or error
    return work.result(runs / run.id, (utc_now() - moment).total_seconds(), settings.max_unscored)


def _check_prices(instrument: Instrument) -> None:
    """A cap on money needs prices; an unknown price is not a price of nothing."""
    for name, info in instrument.infos.items():
        if info.price_in is None or info.price_out is None:
            raise ConfigError(f"a budget was given and the price of {name} is not known; set price_in and price_out "
                              "(US dollars a million tokens) for it under [models.NAME] in panel.toml")


def _wait(work: Coroutine[Any, Any, None], sitting: Sitting, on_stop: Callable[[], None]) -> None:
    """Wait for the run; an interrupt stops it gracefully, a second one at once."""
    under_way = submit(work)
    try:
        under_way.result()
    except (KeyboardInterrupt, RunStopped) as error:
        why = error if isinstance(error, RunStopped) else RunStopped("interrupted")
        tell(sitting.stop, why)
        on_stop()
        with contextlib.suppress(KeyboardInterrupt, RunStopped, CancelledError):
            under_way.result()
        under_way.cancel()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM (in the main thread) until the block is done: DuckDB is not to be cut short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _load(runs: Path) -> None:
    # Imported here: DuckDB takes longer to load than a quick endpoint takes to answer (DESIGN.md section 7).
    from panel.store import load

    load(runs)


def _callers(instrument: Instrument, journal: Journal, budget: Budget) -> dict[str, Caller]:
    hidden = (*secrets(), *instrument.settings.named_secrets())
    return {name: Caller(model, instrument.infos[name], journal, budget, instrument.settings.retry, hidden)
            for name, model in instrument.models.items()}


def _describe(run_id: str, instrument: Instrument) -> Run:
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


class _Work:
    """The run while it is under way: what came in, what came out."""

    def __init__(self, sitting: Sitting, on_progress: Watcher, pairs: bool) -> None:
        self._sitting = sitting
        self._on_progress = on_progress
        self._pairs = pairs
        self._totals = Totals()
        self._tools: list[Dossier] = []
        self._first_reason: str | None = None

    async def carry_out(self, dossiers: Iterable[Dossier]) -> None:
        """Review every dossier, then compare the first two if that is wanted."""
        sitting = self._sitting
        async for _ in map_bounded(self._review, self._until_stopped(dossiers), sitting.tools_at_once):
            self._totals = self._totals.model_copy(update={"tools": self._totals.tools + 1})
            self._on_progress(self._totals)
        if self._pairs and sitting.stopped is None:
            await self._take(lambda: sitting.pair(self._tools[0], self._tools[1]))
        await sitting.instrument.close()

    def _until_stopped(self, dossiers: Iterable[Dossier]) -> Iterator[Dossier]:
        for dossier in dossiers:
            if self._sitting.stopped is not None:
                return
            if len(self._tools) < TOOLS_NAMED:
                self._tools.append(dossier)
            yield dossier

    async def _review(self, dossier: Dossier) -> None:
        await self._take(lambda: self._sitting.assign(dossier))

    async def _take(self, assign: Callable[[], Sequence[Take]]) -> None:
        """Carry out what is left and journal it as it comes; a journal that cannot be written stops the run."""
        try:
            takes = assign()
            left = self._sitting.left(takes)
            self._totals = self._totals.model_copy(update={
                "kept": self._totals.kept + len(takes) - len(left),
                "kept_unscored": self._totals.kept_unscored + self._sitting.kept_unscored(takes),
            })
            async for outcome in self._sitting.outcomes(left):
                self._sitting.write(outcome)
                self._totals = self._totals.plus(outcome)
                self._first_reason = self._first_reason or outcome.unscored
                self._on_progress(self._totals)
        except StoreError as error:
            self._sitting.stop(error)

    def result(self, folder: Path, seconds: float, max_unscored: float) -> RunResult:
        """How it went; the exit code is that of what stopped it, or 4 when too much is unscored.

        The cost is the budget's: calls that failed and may have been billed are in it.
        """
        stopped = self._sitting.stopped
        totals = self._totals.model_copy(update={"cost_usd": self._sitting.budget.known_spent})
        code = stopped.exit_code if stopped else 0
        without = totals.unscored + totals.kept_unscored
        if code == 0 and without > max_unscored * (totals.asked + totals.kept):
            code = 4
        return RunResult(
            run_id=self._sitting.run_id, folder=str(folder), totals=totals, seconds=round(seconds, 2),
            tool_ids=tuple(dossier.id for dossier in self._tools), stopped_by=str(stopped) if stopped else None,
            exit_code=code, first_reason=self._first_reason,
        )
