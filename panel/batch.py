"""A run whose first calls go through the provider's batch API, at its lower price: rows into files, files away.

Knows nothing of how a file gets to the provider (`panel.batch_sending`) nor how answers come home (`panel.collecting`).
"""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from panel.batch_calls import RowCaller
from panel.batch_file import waiting_batches, write_batch
from panel.batch_sending import carry_out, finish_sending, send_parts, sent_whole
from panel.done import Done, KeyTable
from panel.errors import ConfigError
from panel.gate import Gate
from panel.instrument import Instrument
from panel.journal import Journal, disk_error, dump_line, hold, mend_tails
from panel.models.batch_wires import BatchWire, batch_wire
from panel.models.budget import Budget
from panel.models.caller import most_usd
from panel.models.chat import chat_body
from panel.models.ladder import Ladder
from panel.models.prices import at_batch_price
from panel.run import Terms, begin_run, callers, check_prices
from panel.schema import Dossier, ModelInfo, Record, Request, Rung
from panel.schema.batch import Batch, Part
from panel.sitting import Sitting
from panel.takes import Take, first_request

ROWS_A_FILE = 50_000
BYTES_A_FILE = 100_000_000
"""OpenAI's limits of one batch."""
URL = "/v1/chat/completions"
CHECKS = "checks.json"
NOT_NEEDED = {"watch", "panel", "budget", "runs"}
"""Settings that have no part in reading the answers; an address of a feed may hold a key."""
Say = Callable[[str], None]


class Submission(Record):
    """What `submit_batch` did."""

    run_id: str | None
    """Null: nothing was submitted."""
    tools: int = 0
    """Tools given."""
    submitted: int = 0
    """Of those, the ones of which rows were submitted."""
    left: int = 0
    """Of those, the ones the caps left for later."""
    waiting: int = 0
    """Of those, the ones that already wait for another run's batch."""
    waits_for: tuple[str, ...] = ()
    """Which runs these are."""
    rows: int = 0
    most_usd: float | None = 0.0
    """The most the rows can cost; null when a price is not known."""
    batch_ids: tuple[str, ...] = ()
    stopped_by: str | None = None
    exit_code: int = 0


class Lane(NamedTuple):
    """One model on its way into files."""

    wire: BatchWire
    caller: RowCaller
    info: ModelInfo
    rung: Rung


def submit_batch(items: Iterable[Dossier], instrument: Instrument, terms: Terms, say: Say) -> Submission:
    """Put the first call of everything that is left into provider batches, tool by tool as far as the caps go.

    Raises ConfigError before anything is written when a model cannot be batched; ModelRejected or ModelUnavailable
    when the provider does not take it (what it may have taken is kept and found again).
    """
    wires = {name: batch_wire(name, instrument.settings) for name in instrument.seat_models}
    check_batchable(instrument)
    check_prices(instrument, terms)
    runs = Path(instrument.settings.runs)
    with hold(runs):
        mend_tails(runs)
        for earlier in waiting_batches(runs):
            if not sent_whole(earlier):
                say(f"run {earlier.run_id} was cut short while it was submitted; that is put right first")
                finish_sending(runs, earlier, instrument.settings)
        done = Done.read(runs, terms.asked_again)
        filling = _Filling(instrument, terms, wires, done)
        try:
            carry_out(filling.take_up_all(items))
            if not filling.rows:
                filling.discard()
                return filling.result(None)
            batch = filling.close()
            batch = carry_out(send_parts(runs, batch, filling.journal, instrument.settings))
        finally:
            filling.journal.close()
        return filling.result(batch)


def check_batchable(instrument: Instrument) -> None:
    """Raises ConfigError for what asks more than one question at once."""
    for name in instrument.seat_models:
        if instrument.probes(name):
            raise ConfigError(f"--probe asks {name} a second question, which does not go into a provider batch; give "
                              "--no-probe")


class _RowFile:
    """A file of rows that is being written. Raises StoreError when the disk is full."""

    def __init__(self, path: Path, first_seq: int) -> None:
        self.path, self.first_seq, self.last_seq = path, first_seq, first_seq
        self.rows = self.size = 0
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise disk_error(error, path) from error

    def fits(self, line: bytes) -> bool:
        """Whether one more row stays within the provider's limits."""
        return self.rows < ROWS_A_FILE and self.size + len(line) <= BYTES_A_FILE

    def add(self, line: bytes, seq: int) -> None:
        """One more row."""
        try:
            self._file.write(line)
        except OSError as error:
            raise disk_error(error, self.path) from error
        self.rows, self.size, self.last_seq = self.rows + 1, self.size + len(line), seq

    def close(self) -> None:
        """All rows are written."""
        try:
            self._file.close()
        except OSError as error:
            raise disk_error(error, self.path) from error


class _Filling:
    """Rows on their way into files and into the journal; a full file becomes a part of batch.json."""

    def __init__(self, instrument: Instrument, terms: Terms, wires: Mapping[str, BatchWire], done: Done) -> None:
        runs = Path(instrument.settings.runs)
        self.rows = 0
        self._runs = runs
        self._gate = Gate(Budget(terms.caps, done.spent_by_day), terms.until)
        run = begin_run(runs, instrument)
        self.journal = Journal(runs / run.id)
        made = callers(instrument, self.journal, RowCaller)
        self._sitting = Sitting(instrument, run.id, self.journal, done, dict(made))
        ladder = Ladder(runs / CHECKS)
        self._lanes = {
            name: Lane(wire, made[name], at_batch_price(instrument.infos[name], wire.provider, wire.model),
                       ladder.known(instrument.infos[name]) or "json_schema")
            for name, wire in wires.items()}
        self._batch = Batch(
            run_id=run.id, settings=instrument.settings.model_dump(mode="json", exclude=NOT_NEEDED),
            terms=terms.model_dump(mode="json"), panel_digest=instrument.panel.digest,
            infos=instrument.infos)
        self._files: dict[str, _RowFile] = {}
        self._sequence = itertools.count(1)
        self._taken = KeyTable()
        self._said: dict[str, Any] = {"tools": 0, "submitted": 0, "left": 0, "waiting": 0}
        self._waits_for: set[str] = set()
        self._most: float | None = 0.0

    async def take_up_all(self, items: Iterable[Dossier]) -> None:
        """Write the rows of every dossier that fits."""
        for dossier in items:
            self._said["tools"] += 1
            await self._take_up(dossier)

    async def _take_up(self, dossier: Dossier) -> None:
        takes = self._sitting.takes(dossier)
        waiting = set(filter(None, map(self._sitting.waits_for, takes)))
        self._waits_for |= waiting
        self._said["waiting"] += bool(waiting)
        asked = [(take, self._request(take)) for take in self._sitting.left(takes) if self._is_free(take)]
        if not asked:
            return
        most = [most_usd(self._lanes[take.assignment.model].info, request) for take, request in asked]
        purse = await self._gate.admit(lambda: sum(usd or 0.0 for usd in most))
        if purse is None:
            self._said["left"] += 1
            return
        self._said["submitted"] += 1
        if not self.rows:
            write_batch(self._runs, self._batch)  # from here on the rows in the journal are known to be a batch's
        with purse:
            self._sitting.begin(takes)
            for (take, request), usd in zip(asked, most, strict=True):
                await purse.reserve(usd)
                self._add(take, request, usd)
                purse.settle(usd, None)  # until its answer is home it counts as spent, at its most

    def _is_free(self, take: Take) -> bool:
        key = bytes.fromhex(take.assignment.key)
        return self._sitting.waits_for(take) is None and self._taken.get(key) is None

    def _request(self, take: Take) -> Request:
        return first_request(self._sitting.instrument, take, self._lanes[take.assignment.model].rung)

    def _add(self, take: Take, request: Request, most: float | None) -> None:
        """One row: into the file, then into the journal."""
        name, key = take.assignment.model, take.assignment.key
        lane, seq = self._lanes[name], next(self._sequence)
        line = dump_line({"custom_id": key, "method": "POST", "url": URL, "body": chat_body(request, lane.wire.model)})
        file = self._files.get(name)
        if file is None or not file.fits(line):
            file = self._next_file(name, seq)
        file.add(line, seq)
        lane.caller.write_row(take.assignment, request, seq, most)
        self._taken.put(bytes.fromhex(key), 1)
        self.rows += 1
        self._most = None if self._most is None or most is None else self._most + most

    def _next_file(self, name: str, seq: int) -> _RowFile:
        self._close_file(name)
        number = len(self._batch.parts) + len(self._files) + 1
        file = self._files[name] = _RowFile(self.journal.folder / f"batch-{number:04d}.jsonl", seq)
        return file

    def _close_file(self, name: str) -> None:
        file = self._files.pop(name, None)
        if file is None:
            return
        file.close()
        lane = self._lanes[name]
        self._batch = self._batch.with_part(Part(
            number=int(file.path.stem.removeprefix("batch-")), file=file.path.name, rows=file.rows,
            first_seq=file.first_seq, last_seq=file.last_seq, rung=lane.rung, info=lane.info, tag=uuid.uuid4().hex))

    def close(self) -> Batch:
        """All rows are written: batch.json says so, and what it lists will be sent."""
        for name in list(self._files):
            self._close_file(name)
        self._batch = self._batch.model_copy(update={"whole": True})
        write_batch(self._runs, self._batch)
        return self._batch

    def discard(self) -> None:
        """Nothing was left to ask: there was no run."""
        self.journal.close()
        shutil.rmtree(self.journal.folder, ignore_errors=True)

    def result(self, batch: Batch | None) -> Submission:
        """What was done."""
        closed_by = self._gate.closed_by
        parts = batch.parts if batch else ()
        return Submission(
            run_id=batch.run_id if batch else None, **self._said, waits_for=tuple(sorted(self._waits_for)),
            rows=self.rows, most_usd=self._most, batch_ids=tuple(part.batch_id or "" for part in parts),
            stopped_by=str(closed_by) if closed_by else None, exit_code=closed_by.exit_code if closed_by else 0)
