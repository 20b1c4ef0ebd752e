"""What earlier runs already have: finished keys, answers paid for but not yet read, money spent by day.

Read from the journals under `runs/`, most of it from the small index beside each closed segment. Knows nothing of
what an answer says.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple, cast

from panel.batch_file import waiting_runs
from panel.errors import StoreError
from panel.journal import broken_line, disk_error, read_index, segments, write_index
from panel.schema.completion import Completion
from panel.schema.review import ASKED_AGAIN
from panel.segment_index import UNREADABLE, Money, SegmentIndex, Sent, outweighs

_BUCKETS = 4096
_ENTRY = 16
_HEAD = re.compile(rb'\{"key":"([0-9a-f]{32})","t":"(sent|answer|review|brief|compare)"')


class Place(NamedTuple):
    """Where a line begins."""

    segment: Path
    offset: int


class KeyTable:
    """Keys of 16 bytes → a number below 256 each. Exact, and 16 bytes a key: a million take about 24 MB.

    A key lies in the bucket of its first 12 bits, as its last 15 bytes and its number, one after another.
    """

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(_BUCKETS)]

    def get(self, key: bytes) -> int | None:
        """The number of a key; None when it is not in the table."""
        bucket, at = self._find(key)
        return None if at < 0 else bucket[at + _ENTRY - 1]

    def put(self, key: bytes, number: int) -> None:
        """Set the number of a key."""
        bucket, at = self._find(key)
        if at < 0:
            bucket += key[1:]
            bucket.append(number)
        else:
            bucket[at + _ENTRY - 1] = number

    def _find(self, key: bytes) -> tuple[bytearray, int]:
        bucket = self._buckets[key[0] << 4 | key[1] >> 4]
        rest = key[1:]
        at = bucket.find(rest)
        while at > 0 and at % _ENTRY:  # found across the border of two entries
            at = bucket.find(rest, at + 1)
        return bucket, at


class Done:
    """What earlier runs already have. Flat in memory: 16 bytes a finished key, and the place of each unread answer."""

    def __init__(self, asked_again: frozenset[str]) -> None:
        self._asked_again = asked_again
        self._outcomes = KeyTable()
        self._kinds: list[str | None] = [None]
        """What the numbers in the table stand for: kinds of unscored, null for an answer."""
        self._answers: dict[bytes, list[Place]] = {}
        self._money = Money()
        self._waiting: dict[bytes, str] = {}
        """Key → the run whose provider batch asks it now."""

    @property
    def spent_by_day(self) -> dict[str, float]:
        """US dollars by UTC day of sending ("2026-11-24"). A call without a known cost counts what was reserved."""
        return self._money.by_day

    @property
    def unpriced(self) -> int:
        """How many calls are not in `spent_by_day`: neither cost nor reservation is known."""
        return self._money.unpriced

    def has(self, key: str) -> bool:
        """Whether the assignment is finished, with an answer or without."""
        number = self._outcomes.get(bytes.fromhex(key))
        return number is not None and self._kinds[number] not in self._asked_again

    def is_unscored(self, key: str) -> bool:
        """Whether the assignment is finished and has no answer."""
        number = self._outcomes.get(bytes.fromhex(key))
        if number is None or self._kinds[number] is None:
            return False
        return self._kinds[number] not in self._asked_again

    def waits_for(self, key: str) -> str | None:
        """The run that has asked this in a provider batch which is not brought home, null when there is none."""
        return self._waiting.get(bytes.fromhex(key))

    def take_answers(self, key: str) -> list[dict[str, Any]]:
        """The `answer` lines of an assignment that were paid for and not yet read, oldest first; each is given once.

        Raises StoreError when they cannot be read, naming file and line of one that no run wrote so.
        """
        places = self._answers.pop(bytes.fromhex(key), [])
        lines = []
        for segment in dict.fromkeys(place.segment for place in places):
            offsets = [place.offset for place in places if place.segment == segment]
            try:
                lines += _answers_at(segment, offsets, key)
            except OSError as error:
                raise disk_error(error, segment) from error
        return lines

    @classmethod
    def read(cls, runs: Path, asked_again: frozenset[str]) -> Done:
        """Read every journal under `runs/`, which the caller holds; indexes that are missing are written.

        `asked_again` are the kinds of unscored that are not done. Raises StoreError: a line or a file that cannot be
        read.
        """
        done = cls(asked_again)
        run, unanswered = None, dict[tuple[bytes, int], Sent]()
        waiting = waiting_runs(runs)
        for path in segments(runs):
            if path.parent != run:
                done._end(run, unanswered, waiting)
                run = path.parent
            index = _index_of(path)
            done._merge_outcomes(index, path)
            for call, cost in index.late.items():
                if call in unanswered:
                    done._money.add(unanswered.pop(call), cost)
            done._money.plus(index.money)
            done._give_up({call: unanswered.pop(call) for call in index.unanswered if call in unanswered})
            unanswered.update(index.unanswered)
        done._end(run, unanswered, waiting)
        return done

    def _end(self, run: Path | None, unanswered: dict[tuple[bytes, int], Sent], waiting: frozenset[str]) -> None:
        """The end of a run's journal: what it has in a provider batch is under way, the rest is given up."""
        if run is not None and run.name in waiting:
            self._waiting.update((key, run.name) for key, _ in unanswered)
        self._give_up(unanswered)

    def _give_up(self, unanswered: dict[tuple[bytes, int], Sent]) -> None:
        """Calls of a run that is over and that nobody answered: they may have been paid."""
        for call in unanswered.values():
            self._money.add(call, None)
        unanswered.clear()

    def _merge_outcomes(self, index: SegmentIndex, path: Path) -> None:
        table, kinds, answers = self._outcomes, self._kinds, self._answers
        for key, kind in index.outcomes.items():
            kept = table.get(key)
            if kept is None or outweighs(kind, kinds[kept]):
                if kind not in kinds:
                    kinds.append(kind)
                table.put(key, kinds.index(kind))
            if kind not in ASKED_AGAIN:
                answers.pop(key, None)
        for key, offsets in index.answers.items():
            if table.get(key) != 0:
                answers.setdefault(key, []).extend(Place(path, offset) for offset in offsets)


def _index_of(path: Path) -> SegmentIndex:
    """The index beside a segment, or one made from the segment and written there where the disk lets us."""
    try:
        size = path.stat().st_size
        index = read_index(path, size)
        if index is None:
            index, size = _scan(path)
            if size:
                write_index(path, index, size)
    except OSError as error:
        raise disk_error(error, path) from error
    return index


def _answers_at(segment: Path, offsets: list[int], key: str) -> list[dict[str, Any]]:
    """The answer lines that begin there. Raises StoreError naming file and line of one that no run wrote so."""
    try:
        return [_answer_at(segment, offset, key) for offset in offsets]
    except StoreError:  # or there is none there: the index was not made from this segment
        index, size = _scan(segment)
        write_index(segment, index, size)
        return [_answer_at(segment, offset, key) for offset in index.answers.get(bytes.fromhex(key), [])]


def _answer_at(segment: Path, offset: int, key: str) -> dict[str, Any]:
    """One answer line. Raises StoreError where it is not what a run writes of this key, or OSError."""
    with segment.open("rb") as file:
        file.seek(offset)
        text = file.readline()
        try:
            line = json.loads(text)
            completion = line["completion"]
            if (line["key"], line["t"], line["result"]) != (key, "answer", "ok") or "endpoint" not in completion:
                raise ValueError("no answer to it")
            if not isinstance(line["step"], str):
                raise TypeError("a step is text")
            Completion.model_validate(completion)
        except UNREADABLE as error:
            file.seek(0)
            raise broken_line(segment, file.read(offset).count(b"\n") + 1) from error
    return cast("dict[str, Any]", line)


def _scan(path: Path) -> tuple[SegmentIndex, int]:
    """The index of a segment made from its lines, and how many bytes are whole lines."""
    index, offset, number = SegmentIndex(), 0, 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):  # noqa: B007  the number is for the error
                if not line.endswith(b"\n"):
                    break
                _take(index, line, offset)
                offset += len(line)
    except UNREADABLE as error:
        raise broken_line(path, number) from error
    return index, offset


def _take(index: SegmentIndex, line: bytes, offset: int) -> None:
    """One line of a segment. Most are known by their head alone, which is 20 times quicker than parsing."""
    head = _HEAD.match(line)
    if head is None:
        return
    key, kind = head.group(1).decode(), head.group(2).decode()
    # Inside a JSON string the quotes would be escaped: these bytes are the field itself.
    if kind not in ("sent", "answer") and b'"unscored_kind":null' in line:
        index.finish(bytes.fromhex(key), None)
    else:
        index.take(key, kind, json.loads(line), offset)
