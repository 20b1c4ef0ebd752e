"""One night: import, triage all, draft the shortlist, compare each draft with its rivals.

What an earlier night left of its shortlist comes first, and every stage is a run of its own: a stage that ends early
(money, time, a dead endpoint, an interrupt) ends the night, one with too many unscored does not. Nothing is asked
twice: the same command the next night goes on. Knows nothing of screens; which tools are drafted is the rule of
`panel.watch.shortlist`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from duckdb import DuckDBPyConnection

from panel.engines.local import submit
from panel.errors import ConfigError, DossierError, PanelError, RunStopped, SourceDown, StoreError
from panel.gate import parse_until
from panel.instrument import Instrument
from panel.journal import hold, read_lines, segments, stamp, utc_now, write_file
from panel.models.budget import usd_text
from panel.pairs import choose_pairs, items_of
from panel.refresh import undisturbed
from panel.run import Terms, check_prices, sit
from panel.schema import RunEnd
from panel.settings import Caps, Settings
from panel.sources.feed import fetch, is_address
from panel.sources.imports import Launches, imports_of, keep, read_files
from panel.store import load, open_store
from panel.store.latest import write_latest
from panel.watch.shortlist import (
    Chosen,
    Past,
    Shortlist,
    choose,
    dossiers_for,
    new_shortlist,
    read_shortlists,
    through,
    write_shortlist,
)
from panel.watch.summary import Night, NightParts, Stage, StageName, known_spent, summarise
from panel.work import Item, Watcher

PanelName = Literal["triage", "editorial"]
_RUN_CAP = re.compile(r"the cap of \S+ USD a run\b")
GOES_ON = (0, 4)
"""Exit codes of a stage after which the night goes on: done, and too many unscored."""


@dataclass(frozen=True)
class Desk:
    """What a night tells and asks of whoever started it."""

    default_model: str
    allow_unknown_price: bool
    say: Callable[[str], None]
    """Shows one line."""
    watching: Callable[[int | None], AbstractContextManager[Watcher]]
    """Given a stage's number of items: shows its progress."""
    on_stop: Callable[[], None]


def run_night(settings: Settings, desk: Desk) -> Night:
    """Carry out one night under `runs/`, which it holds, and write runs/latest/night.json.

    Raises ConfigError or StoreError before anything is asked; how the night ends later is in what it returns.
    """
    if not settings.watch.source:
        raise ConfigError('[watch] source is not set in panel.toml: name a file, a folder or an http(s) address of '
                          'launches, as in source = "launches.jsonl"')
    night = _Night(settings, desk)
    with hold(Path(settings.runs)):
        return night.carry_out()


class _Night:
    """The night while it is under way."""

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk
        self._runs = Path(settings.runs)
        self._began = utc_now()
        self._spent = 0.0
        self._until = parse_until(settings.watch.until, self._began) if settings.watch.until else None
        self._ready: dict[PanelName, Instrument] = {name: self._instrument(name) for name in ("triage", "editorial")}
        self._panels = {name: instrument.panel.digest for name, instrument in self._ready.items()}
        for instrument in self._ready.values():
            check_prices(instrument, self._terms())
        self._stages: list[Stage] = []
        self._stopped: str | None = None
        self._code = 0
        self._faults: list[PanelError] = []
        self._taken_in: list[str] = []
        self._worked: list[Shortlist] = []
        self._launches: Launches | None = None

    def carry_out(self) -> Night:
        """All of it. What stops it is in what it returns."""
        try:
            self._take_in()
            if segments(self._runs):
                with undisturbed():
                    load(self._runs)  # the store may be gone, or older than what it was made from
            self._work()
        except PanelError as error:  # an interrupt between two stages, a full disk
            self._stop(error, error.exit_code)
        finally:
            for instrument in self._ready.values():
                submit(instrument.close()).result()
        return self._closed()

    def _take_in(self) -> None:
        """Keep what every source gives; one that gives nothing is said, and the night goes on without it."""
        for source in self._settings.watch.source:
            try:
                found = [submit(fetch(source)).result()] if is_address(source) else read_files(source)
                for fetched in found:
                    path = keep(self._runs, fetched, utc_now())
                    if path is not None:
                        self._taken_in.append(path.name)
            except (SourceDown, DossierError) as error:
                self._faults.append(error)
                self._desk.say(f"{error}; the night goes on with what earlier ones took in")

    def _work(self) -> None:
        shortlists = read_shortlists(self._runs)
        past = Past(shortlists)
        imports = [path for path in imports_of(self._runs) if path.name not in past.imports]
        self._launches = launches = Launches(
            imports, past.wants, lambda error: self._desk.say(f"left out: {error}"))
        left = [each for each in shortlists if each.finished_at is None]
        self._worked = [*left]
        for number, each in enumerate(left):
            self._worked[number] = self._work_through(each, "left")
            if self._stopped:
                return
        if len(launches) and not self._sit("triage", "triage", launches, len(launches)):
            return
        chosen = self._choose(launches, past) if imports else None
        if chosen is not None:
            self._worked.append(chosen)
            self._worked[-1] = self._work_through(chosen, "drafts")

    def _choose(self, launches: Launches, past: Past) -> Shortlist | None:
        """Consider what was triaged. None when nothing is through, and so nothing is to be remembered."""
        done, tools = set[str](), tuple[Chosen, ...]()
        if len(launches):
            with self._store() as store:
                done = through(store, self._panels["triage"], launches.found)
                tools = choose(store, self._panels["triage"], done, self._settings.watch.top, past)
        finished = launches.through(done)
        if not done and not finished:
            return None
        shortlist = new_shortlist(utc_now(), finished, done | launches.superseded, tools)
        write_shortlist(self._runs, shortlist)
        return shortlist

    def _work_through(self, shortlist: Shortlist, stage: StageName) -> Shortlist:
        """Draft its tools, then compare them; what it has come to is written."""
        if not shortlist.tools:
            return shortlist
        if segments(self._runs):
            with self._store() as store:
                known = dossiers_for(store, self._runs, shortlist)
        else:
            known = dossiers_for(None, self._runs, shortlist)
        drafts = [known[tool.dossier_digest] for tool in shortlist.tools]
        if not self._sit(stage, "editorial", drafts, len(drafts)) or self._something_left():
            return shortlist
        with self._store() as store:
            if shortlist.pairs is None:
                ids = [tool.tool_id for tool in shortlist.tools]
                chosen = choose_pairs(store, ids, self._settings.watch.pairs)
                shortlist = shortlist.model_copy(update={"pairs": chosen})
                write_shortlist(self._runs, shortlist)
            pairs = items_of(store, shortlist.pairs or ())
        if pairs and (not self._sit("pairs", "editorial", pairs, len(pairs)) or self._something_left()):
            return shortlist
        shortlist = shortlist.model_copy(update={"finished_at": stamp(utc_now())})
        write_shortlist(self._runs, shortlist)
        return shortlist

    @contextmanager
    def _store(self) -> Iterator[DuckDBPyConnection]:
        """The store, read to the end: an interrupt in the middle of a query would come out as DuckDB's own error."""
        with undisturbed(), open_store(self._runs) as store:
            yield store

    def _something_left(self) -> bool:
        """Whether the last stage left something: seats whose endpoint did not answer, to be asked again."""
        return self._stages[-1].end.tools_left != 0

    def _sit(self, stage: StageName, panel: PanelName, items: Iterable[Item], total: int) -> bool:
        """One stage as a run of its own; whether the night goes on."""
        instrument = self._ready.pop(panel, None) or self._instrument(panel)
        before = set(segments(self._runs))
        try:
            with self._desk.watching(total) as on_progress:
                result = sit(items, instrument, self._terms(), on_progress=on_progress, on_stop=self._desk.on_stop)
            end, why, late = result.end, result.stopped_by, result.late
        except PanelError as error:
            found = _journalled_end(set(segments(self._runs)) - before)
            self._stop(error, error.exit_code)
            if found is None:
                return False
            end, why, late = found, None, None
        if end.stopped_by is not None:
            end = end.model_copy(update={"stopped_by": self._of_the_night(end.stopped_by)})
        self._stages.append(Stage(name=stage, asked=total, end=end))
        self._spent += known_spent(self._runs, end)
        if end.exit_code not in GOES_ON:
            self._stop(why or "", end.exit_code)
        elif late is not None:
            self._stop("interrupted", late)
        elif end.exit_code:
            self._code = self._code or end.exit_code
        return self._stopped is None

    def _stop(self, why: PanelError | str, code: int) -> None:
        self._stopped = self._stopped or self._of_the_night(str(why))
        self._code = code if self._code in GOES_ON else self._code

    def _of_the_night(self, why: str) -> str:
        """A stage's cap of a run is what the night had left: the cap that was set is named."""
        cap = self._settings.budget.run
        return why if cap is None else _RUN_CAP.sub(f"the cap of {usd_text(cap)} a night, all its runs together", why)

    def _terms(self) -> Terms:
        """What is left of the night's money and time."""
        caps = self._settings.budget
        if caps.run is not None:
            caps = Caps(**{**dict(caps), "run": max(0.0, caps.run - self._spent)})
        return Terms(caps=caps, until=self._until, allow_unknown_price=self._desk.allow_unknown_price)

    def _instrument(self, name: PanelName) -> Instrument:
        entry = self._settings.panel.get(name)
        usual: Literal["verdict", "full"] = "verdict" if name == "triage" else "full"
        return Instrument(self._settings.of_panel(name), self._desk.default_model,
                          depth=(entry.depth if entry else None) or usual)

    def _closed(self) -> Night:
        """The night as it came out, and runs/latest/night.json."""
        try:
            with undisturbed():
                night = self._written()
        except RunStopped as error:  # it came while this was written
            self._stop(error, error.exit_code)
            with undisturbed():
                night = self._written()
        return night

    def _written(self) -> Night:
        launches = self._launches
        if launches is not None and launches.bad and not len(launches) and self._taken_in and not self._faults:
            self._faults.append(DossierError(f"none of the {launches.bad} records taken in can be read"))
        fault = max((fault.exit_code for fault in self._faults), default=0)
        parts = NightParts(
            began=self._began, code=self._code or fault, stopped_by=self._stopped,
            stages=tuple(self._stages), faults=tuple(map(str, self._faults)), taken_in=tuple(self._taken_in),
            bad_records=launches.bad if launches else 0, cap_usd=self._settings.budget.run,
            launches=tuple(launches.found) if launches else (), shortlists=tuple(self._worked),
            panels=self._panels)
        night = summarise(self._runs, parts)
        path = self._runs / "latest" / "night.json"
        if path.exists() and not (self._stages or night.end.exit_code):
            return night  # nothing was left to do: what the last night came to stays
        try:
            if self._stages:  # a dashboard is told of the night, and not of its last stage
                write_latest(self._runs, night.end, night.outcomes)
            write_file(path, night.model_dump_json(indent=1).encode())
        except StoreError as error:
            end = night.end.model_copy(update={"exit_code": error.exit_code, "stopped_by": str(error)})
            night = night.model_copy(update={"end": end})
        return night


def _journalled_end(new: set[Path]) -> RunEnd | None:
    """What a run came to whose result was lost to an interrupt on its way out: the last line of its journal."""
    if not new:
        return None
    ends = [line["record"] for line in read_lines(max(new)) if line["t"] == "ended"]
    return RunEnd.model_validate(ends[-1]) if ends else None
