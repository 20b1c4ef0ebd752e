"""What a provider batch answered, brought home: into the journal of its run, and from there down the ordinary road.

Any process may do it, once or again: what is journalled already is not taken twice. Knows nothing of how rows were
made.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from panel.batch_calls import Calls, HomeCaller, Row, dossiers_of, restored, write_fault, write_home
from panel.batch_file import checked, read_batch, settings_of, spoiled
from panel.batch_sending import apis_of, carry_out, check_addresses, finish_sending, keep, sent_whole
from panel.done import Done
from panel.errors import ConfigError, ModelError, ModelRejected, ModelUnavailable
from panel.instrument import Instrument
from panel.journal import Journal, hold, mend_tails
from panel.models.budget import Budget
from panel.models.caller import without_secrets
from panel.models.chat import UnreadableError, chat_body, read_answer
from panel.models.faults import parameter_names
from panel.models.ladder import Ladder
from panel.run import Course, RunResult, Terms, callers, carry_through, check_prices
from panel.schema import Completion, Prompt, Record, Request, Run
from panel.schema.batch import Batch, Part
from panel.schema.review import ASKED_AGAIN
from panel.settings import Caps, Settings, read_settings, secrets
from panel.sitting import Sitting
from panel.work import Watcher

if TYPE_CHECKING:
    from panel.models.batch_api import BatchApi, BatchState

FIRST_LOOK_S = 2.0
LOOK_GROWS = 1.5
LONGEST_LOOK_S = 300.0
"""How long `wait` sleeps between two looks: longer each time."""
Say = Callable[[str], None]


class Collected(Record):
    """How far a run's answers are."""

    run_id: str
    exit_code: int
    """Of the run; 3 while the provider works, 0 when there was nothing left to do."""
    result: RunResult | None = None
    """Null where nothing was read."""
    left: int = 0
    """Assignments without an answer that is final."""


class Way(Record):
    """How answers are brought home."""

    online: bool = False
    """Ask what the batch did not answer, or not readably, over the ordinary endpoint."""
    wait: bool = False
    """Look again and again until the provider is through; `runs/` is not held in between."""
    cap_usd: float | None = None
    """The most the whole run may cost, null: as it was submitted."""


class _Watch(NamedTuple):
    """Who is told how far the reading is, and that it stops."""

    on_progress: Watcher
    on_stop: Callable[[], None]


def collect(runs: Path, run_id: str, way: Way, say: Say, *, on_progress: Watcher = lambda totals: None,
            on_stop: Callable[[], None] = lambda: None) -> Collected:
    """Bring home what run `run_id` has in provider batches, and read it once all of it is there.

    Raises ConfigError when there is no such run, or its personas, prompts or models are not what they were; ModelError
    when the provider cannot be asked; StoreError.
    """
    now = read_settings()
    for pause in _pauses():
        with hold(runs):
            mend_tails(runs)
            batch = _batch_of(runs, run_id)
            if not batch.closed:
                checked(Terms, batch.terms, runs, batch)
                batch = bring_home(runs, batch, now, say)
            if batch.closed:
                say(f"run {run_id}: nothing is left to bring home")
                return Collected(run_id=run_id, exit_code=0)
            if not batch.waiting:
                return _read(runs, batch, reopen(runs, batch, now), way, _Watch(on_progress, on_stop))
        if not way.wait:
            return Collected(run_id=run_id, exit_code=3)
        time.sleep(pause)
    raise AssertionError("pauses never end")


def _pauses() -> Iterator[float]:
    pause = FIRST_LOOK_S
    while True:
        yield pause
        pause = min(pause * LOOK_GROWS, LONGEST_LOOK_S)


def _batch_of(runs: Path, run_id: str) -> Batch:
    found = read_batch(runs, run_id) if run_id == Path(run_id).name else None
    if found is None:
        raise ConfigError(f"run {run_id!r} has no provider batch in {runs}; `ship-panel review --provider-batch` says "
                          "the id of the run it submits")
    return found


def bring_home(runs: Path, batch: Batch, now: Settings, say: Say) -> Batch:
    """Finish sending, look at every part, and journal the answers of those the provider is through with."""
    if not sent_whole(batch):
        if not batch.whole:
            say(f"run {batch.run_id} was cut short before anything was sent; the same review asks it again")
        batch = finish_sending(runs, batch, now)
    away = [part for part in batch.parts if not part.home]
    if not away:
        return batch
    apis = apis_of(runs, batch, now)
    states = carry_out(_look(apis, away, batch.run_id))
    for part, state in zip(away, states, strict=True):
        if not state.finished:
            say(f"run {batch.run_id}: {_progress(part, len(batch.parts), state)}")
    if any(state.finished for state in states):
        journal = Journal(runs / batch.run_id)
        try:
            for part, state in zip(away, states, strict=True):
                if state.finished:
                    batch = _take_home(runs, batch, part, _Home(apis[part.info.name], part, state, journal))
        finally:
            journal.close()
    return batch


async def _look(apis: Mapping[str, BatchApi], parts: list[Part], run_id: str) -> list[BatchState]:
    states = []
    for part in parts:
        assert part.batch_id is not None
        try:
            states.append(await apis[part.info.name].look(part.batch_id))
        except ModelRejected as error:
            if error.status != 404:
                raise
            raise ModelRejected(f"the provider of {part.info.name} knows no batch {part.batch_id}; if it is gone for "
                                f"good, move batch.json out of the folder of run {run_id}: its rows then count as "
                                "spent and are asked again", status=404) from error
    return states


def _progress(part: Part, parts: int, state: BatchState) -> str:
    which = f"batch {part.number} of {parts} " if parts > 1 else ""
    expires = ""
    if state.expires_at is not None:
        expires = f", expires {datetime.fromtimestamp(state.expires_at, UTC):%Y-%m-%d %H:%M} UTC"
    return (f"{which}{part.batch_id} is {state.status}, {state.completed} of {state.total or part.rows} rows answered, "
            f"{state.failed} failed{expires}")


def _take_home(runs: Path, batch: Batch, part: Part, home: _Home) -> Batch:
    """Journal every row of a part that is not yet; the files of the part are then removed."""
    home.journal_all(settings_of(runs, batch))
    if home.refused is not None:
        Ladder(runs / "checks.json").demote(part.info, part.rung, home.refused)
    batch = keep(runs, batch.with_part(part.model_copy(update={"home": True})))
    (runs / batch.run_id / part.file).unlink(missing_ok=True)
    return batch


class _Home:
    """One part that the provider is through with, on its way into the journal."""

    def __init__(self, api: BatchApi, part: Part, state: BatchState, journal: Journal) -> None:
        self.refused: ModelRejected | None = None
        """Why the first of the rows was refused."""
        self._api, self._part, self._state, self._journal = api, part, state, journal
        self._rows = Calls(journal.folder).rows_of(part)

    def journal_all(self, settings: Settings) -> None:
        """What was put out, then what was not: rows that expired, or whose batch failed as a whole."""
        hidden = (*secrets(), *settings.named_secrets())
        path = self._journal.folder / f"{Path(self._part.file).stem}.out.jsonl"
        for file_id in self._state.files:
            carry_out(self._api.download(file_id, path))
            with path.open("rb") as lines:
                for line in lines:
                    self._journal_line(line, hidden)
            path.unlink()
        whole = self._state.status == "completed"
        for row in self._rows.values():
            write_fault(self._journal, row, self._ended_without(), None if whole else 0.0)

    def _journal_line(self, line: bytes, hidden: tuple[str, ...]) -> None:
        try:
            content = json.loads(line)
            row = self._rows.pop(content["custom_id"])
        except (ValueError, KeyError, TypeError):  # not of ours, or journalled before
            return
        try:
            write_home(self._journal, row, without_secrets(self._completion(row, content), hidden))
        except UnreadableError as error:
            # It was answered, so it may have been billed.
            write_fault(self._journal, row, self._api.row_spoiled(str(error)), None)
        except ModelError as error:
            if isinstance(error, ModelRejected):
                self.refused = self.refused or error
            write_fault(self._journal, row, error)

    def _completion(self, row: Row, content: dict[str, Any]) -> Completion:
        """The answer of a row. Raises UnreadableError, or the ModelError its failure stands for."""
        from panel.models.batch_api import completion_of

        request = Request(prompt=Prompt(messages=()), answer_schema={}, rung=self._part.rung, **row.params)
        body = chat_body(request, self._api.model)
        response, error = content.get("response"), content.get("error")
        if not isinstance(response, dict):
            raise self._api.row_spoiled("did not answer the row", json.dumps(error))
        status = response.get("status_code")
        if not isinstance(status, int) or not 200 <= status < 300:
            raise self._api.row_fault(status if isinstance(status, int) else 500, response.get("body"),
                                      parameter_names(body))
        return completion_of(self._part.info, read_answer(response.get("body")), body)

    def _ended_without(self) -> ModelError:
        if self._state.status == "failed":
            return self._api.failed(self._state.problem or "it did not say why")
        return ModelUnavailable(f"{self._part.info.name}: the batch ended ({self._state.status}) without this row")


def _read(runs: Path, batch: Batch, instrument: Instrument, way: Way, watch: _Watch) -> Collected:
    """Read what is home; then, if it is wanted, ask what is left."""
    terms = checked(Terms, batch.terms, runs, batch).model_copy(update={"until": None})
    if way.cap_usd is not None:
        terms = terms.model_copy(update={"caps": terms.caps.model_copy(update={"run": way.cap_usd})})
    if way.online:
        check_prices(instrument, terms)
    result = _carry(runs, batch.run_id, instrument, terms, False, watch)
    if way.online and result.exit_code == 3:
        result = _carry(runs, batch.run_id, instrument, terms, True, watch)
    if result.end.tools_left == 0:
        keep(runs, batch.model_copy(update={"closed": True}))
    return Collected(run_id=batch.run_id, exit_code=result.exit_code, result=result, left=_left(instrument, result))


def reopen(runs: Path, batch: Batch, now: Settings) -> Instrument:
    """The instrument the run was submitted with. Raises ConfigError when it is another one now, StoreError."""
    settings = settings_of(runs, batch)
    named = (settings.model, settings.fallback, *(seat.model for seat in settings.seats))
    check_addresses({*batch.infos, *filter(None, named)}, batch, settings, now)
    instrument = Instrument(settings, settings.model or "")
    if instrument.infos.keys() != batch.infos.keys():
        raise spoiled(runs, batch.run_id, "its infos are not of its settings' models")
    if instrument.panel.digest != batch.panel_digest:
        was, here = _run_of(runs, batch.run_id).panel, instrument.panel
        changed = [f"persona {before.persona_id}" for before, after in zip(was.seats, here.seats, strict=False)
                   if before.persona_digest != after.persona_digest]
        changed += [f"the prompts ({was.prompts})"] if was.prompts_digest != here.prompts_digest else []
        raise ConfigError(f"{' and '.join(changed) or 'the panel'} changed since run {batch.run_id} was submitted; its "
                          "answers are in its journal, but they answer the old wording: put that back and collect "
                          "again")
    instrument.infos = restored(batch.infos, batch.parts)
    return instrument


def _run_of(runs: Path, run_id: str) -> Run:
    return Run.model_validate_json((runs / run_id / "run.json").read_bytes())


def _carry(runs: Path, run_id: str, instrument: Instrument, terms: Terms, online: bool, watch: _Watch) -> RunResult:
    """Carry the run through once more: reading alone, or asking what is left."""
    folder = runs / run_id
    calls, segments = Calls(folder), sorted(folder.glob("journal-*.jsonl"))
    done = Done.read(runs, terms.asked_again)
    journal = Journal(folder)
    made = callers(instrument, journal, HomeCaller)
    sequence = itertools.count(calls.last_seq + 1)
    for caller in made.values():
        caller.go_on(sequence, calls.declined, online)
    if calls.ended is None:
        made[instrument.seat_models[0]].faults = calls.faults
    # Reading costs nothing, and must not be held up by a cap that the batch itself has filled.
    budget = Budget(terms.caps if online else Caps(), done.spent_by_day)
    budget.spent, budget.unknown = calls.spent_usd, calls.unpriced
    course = Course(_run_of(runs, run_id), terms, budget, calls.ended)
    sitting = Sitting(instrument, run_id, journal, done, dict(made))
    return carry_through(dossiers_of(segments), sitting, course, on_progress=watch.on_progress, on_stop=watch.on_stop)


def _left(instrument: Instrument, result: RunResult) -> int:
    """How many assignments have no final answer."""
    panel, end = instrument.panel, result.end
    asked = result.totals.given * (len(panel.seats) * panel.repeats + (panel.depth == "full"))
    final = end.scored + sum(count for kind, count in end.unscored_kinds.items() if kind not in ASKED_AGAIN)
    return asked - end.kept - final
