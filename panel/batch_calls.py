"""The calls of a run that went through a provider batch: written as rows are sent, and as their answers come home.

Also what its journal says of them: which have no answer, what they cost. Knows nothing of files or providers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from panel.errors import LeftForLater, ModelDeclined, ModelError
from panel.journal import Journal, read_lines
from panel.models.budget import Allotment
from panel.models.caller import Caller, Step, answer_fields
from panel.schema import Assignment, Completion, Dossier, ModelInfo, Request, RunEnd
from panel.schema.batch import Part


class Row(NamedTuple):
    """A call that was put into a file, as its `sent` line has it."""

    key: str
    seq: int
    model: str
    step: str
    kind: str
    params: dict[str, Any]


class RowCaller(Caller):
    """A model that is asked through files."""

    def write_row(self, assignment: Assignment, request: Request, seq: int, most: float | None) -> None:
        """The `sent` line of a row."""
        step = Step(step=assignment.kind, kind=assignment.kind)
        self._write_sent(assignment, step, request, {"seq": seq, "attempt": 1, "reserved_usd": most})


def write_home(journal: Journal, row: Row, completion: Completion) -> None:
    """The `answer` line of a row that was answered."""
    step = Step(step=row.step, kind=row.kind)
    journal.append(row.key, "answer", {"seq": row.seq, "attempt": 1, **answer_fields(step, completion, None)})


def write_fault(journal: Journal, row: Row, failure: ModelError, cost_usd: float | None = 0.0) -> None:
    """The `answer` line of a row that was not; nobody bills for one that expired or failed."""
    step = Step(step=row.step, kind=row.kind)
    journal.append(row.key, "answer", {"seq": row.seq, "attempt": 1, "cost_usd": cost_usd,
                                       **answer_fields(step, None, failure)})


class HomeCaller(Caller):
    """Reads what a batch brought home. What it did not is asked now, or left, as `online` says."""

    online = False
    declined: Mapping[str, str] = {}
    """Key → why the provider's policy declined its row: it would again."""

    def go_on(self, sequence: itertools.count[int], declined: Mapping[str, str], online: bool) -> None:
        """Number calls from `sequence`, which callers of a run share."""
        self.numbers = sequence
        self.declined, self.online = declined, online

    async def send(self, assignment: Assignment, purse: Allotment, step: Step, request: Request,
                   attempt: int) -> Completion:
        """As of any caller; raises LeftForLater where nothing is asked online."""
        declined = self.declined.get(assignment.key)
        if declined is not None:
            raise ModelDeclined(declined)
        if not self.online:
            raise LeftForLater("what the batch did not answer, or not readably, is left")
        return await super().send(assignment, purse, step, request, attempt)


class Calls:
    """What a run's journal says of its calls. Unanswered rows are kept in memory, and nothing else of a call."""

    def __init__(self, folder: Path) -> None:
        self.unanswered: dict[str, Row] = {}
        self.declined: dict[str, str] = {}
        self.last_seq = 0
        self.spent_usd = 0.0
        """Calls without an answer at their most."""
        self.unpriced = False
        self.ended: RunEnd | None = None
        self.faults = 0
        self._reserved: dict[int, float | None] = {}
        for line in _lines(folder):
            if line["t"] == "sent":
                self._send(line)
            elif line["t"] == "answer":
                self._answer(line)
            elif line["t"] == "ended":
                self.ended = RunEnd.model_validate(line["record"])
        for reserved in self._reserved.values():
            self._spend(reserved)

    def rows_of(self, part: Part) -> dict[str, Row]:
        """The rows of a part that have no answer yet, by key."""
        return {key: row for key, row in self.unanswered.items()
                if row.model == part.info.name and part.first_seq <= row.seq <= part.last_seq}

    def _send(self, line: dict[str, Any]) -> None:
        seq = line["seq"]
        self.last_seq = max(self.last_seq, seq)
        self._reserved[seq] = line["reserved_usd"]
        self.unanswered[line["key"]] = Row(line["key"], seq, line["model"], line["step"], line["kind"], line["params"])

    def _answer(self, line: dict[str, Any]) -> None:
        reserved = self._reserved.pop(line["seq"], None)
        completion = line["completion"]
        cost = completion["cost_usd"] if completion else line.get("cost_usd")
        self._spend(reserved if cost is None else cost)
        row = self.unanswered.get(line["key"])
        if row is not None and row.seq == line["seq"]:
            del self.unanswered[line["key"]]
        if line["result"] == "declined":
            self.declined[line["key"]] = line["error"]
        self.faults += completion is None

    def _spend(self, cost: float | None) -> None:
        self.unpriced |= cost is None
        self.spent_usd += cost or 0.0


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("journal-*.jsonl")):
        yield from read_lines(path)


def dossiers_of(segments: Iterable[Path]) -> Iterator[Dossier]:
    """The dossiers in these segments of a run, each once, in the order they were begun."""
    seen = set()
    for path in segments:
        for line in read_lines(path):
            if line["t"] == "dossier" and line["key"] not in seen:
                seen.add(line["key"])
                yield Dossier.model_validate(line["record"])


def restored(infos: Mapping[str, ModelInfo], parts: tuple[Part, ...]) -> dict[str, ModelInfo]:
    """The models as they were known when the run was submitted, with the rung their rows were asked on."""
    rungs = {part.info.name: part.rung for part in parts}
    return {name: info.model_copy(update={"rung": rungs.get(name, info.rung)}) for name, info in infos.items()}
