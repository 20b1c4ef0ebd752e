"""What a resumed run needs to know of one journal segment, and the small file beside the segment that keeps it.

`journal-0001.index` is derived: the journal writes it when a segment closes, `panel.done` makes it again where it is
missing, damaged, or of a segment of another size or another end. Knows nothing of other segments: an answer may belong
to a call sent in an earlier one.
"""

from __future__ import annotations

import json
import math
import re
import sys
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from panel.schema.review import ASKED_AGAIN, UNSCORED_KINDS

KEY_BYTES = 16
OUTCOME_KINDS = frozenset({"review", "brief", "compare"})
UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
"""What comes of reading JSON that no run wrote so."""
_FORMAT = "ship-panel index 2"
"""Raise the number when what is kept changes, or when ASKED_AGAIN does: older files are then made again."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Sent(NamedTuple):
    """A call that was sent: its UTC day ("2026-11-24") and what it could cost at most, null when no price is known."""

    day: str
    reserved_usd: float | None

    @classmethod
    def of(cls, at: Any, reserved: Any) -> Sent:
        """A call sent at this ISO time. Raises ValueError or TypeError where that, or the money, is none."""
        day = at[:10]
        if not _DAY.fullmatch(day):
            raise ValueError(f"no day: {day!r}")
        return cls(day, usd_of(reserved))


def usd_of(value: Any) -> float | None:
    """An amount of US dollars, null where it is not known. Raises ValueError for what is finite and >= 0 no number."""
    if value is None:
        return None
    # By type: JSON has true and false beside the numbers, and whole ones of any length.
    if type(value) not in (int, float) or not 0 <= value <= sys.float_info.max:
        raise ValueError(f"no amount of money: {value!r:.40}")
    return float(value)


class Money:
    """US dollars spent by UTC day, and how many calls have no known price."""

    def __init__(self) -> None:
        self.by_day: dict[str, float] = {}
        self.unpriced = 0

    def add(self, call: Sent, cost: float | None) -> None:
        """One call. Without a known cost it is taken to have cost what was reserved for it."""
        usd = call.reserved_usd if cost is None else cost
        if usd is None:
            self.unpriced += 1
        else:
            self.by_day[call.day] = self.by_day.get(call.day, 0.0) + usd

    def plus(self, other: Money) -> None:
        """All that another one has counted."""
        self.unpriced += other.unpriced
        for day, usd in other.by_day.items():
            self.by_day[day] = self.by_day.get(day, 0.0) + usd


class SegmentIndex:
    """One segment's finished keys, unread answers and money, taken line by line in the segment's order."""

    def __init__(self) -> None:
        self.outcomes: dict[bytes, str | None] = {}
        """Key → its kind of unscored, null when it has an answer."""
        self.answers: dict[bytes, list[int]] = {}
        """Key → where its answers begin that came after its last finished outcome here, in bytes."""
        self.unanswered: dict[tuple[bytes, int], Sent] = {}
        """Key and seq of a call whose answer is not in this segment."""
        self.late: dict[tuple[bytes, int], float | None] = {}
        """Key and seq of an answer whose call was sent in an earlier segment of the run → its cost."""
        self.money = Money()
        """Of the calls sent and answered in this segment."""
        self.tail: int | None = None
        """The CRC of the segment's end, where the index was read from a file."""

    def take(self, key: str, kind: str, fields: Mapping[str, Any], offset: int) -> None:
        """One line, which begins `offset` bytes into the segment. Kinds that are not looked for are passed over.

        Raises one of UNREADABLE for a line that no run wrote so.
        """
        if kind in OUTCOME_KINDS:
            self.finish(_key(key), _kind(fields["record"]["unscored_kind"]))
        elif kind == "sent":
            self._send((_key(key), _whole(fields["seq"])), Sent.of(fields["at"], fields["reserved_usd"]))
        elif kind == "answer":
            self._answer(_key(key), fields, offset)

    def finish(self, key: bytes, unscored_kind: str | None) -> None:
        """An assignment came to something; its answers are read, unless it is to be asked again."""
        if key not in self.outcomes or outweighs(unscored_kind, self.outcomes[key]):
            self.outcomes[key] = unscored_kind
        if unscored_kind not in ASKED_AGAIN:
            self.answers.pop(key, None)

    def _send(self, call: tuple[bytes, int], sent: Sent) -> None:
        if call in self.unanswered:  # another caller of the run, with a count of its own
            self.money.add(self.unanswered.pop(call), None)
        self.unanswered[call] = sent

    def _answer(self, key: bytes, fields: Mapping[str, Any], offset: int) -> None:
        completion = fields["completion"]
        # A failed call says itself what it cost, where that is known: nobody bills for a 429.
        cost = usd_of(fields.get("cost_usd") if completion is None else completion["cost_usd"])
        seq = _whole(fields["seq"])
        call = self.unanswered.pop((key, seq), None)
        if call is None:
            self.late[key, seq] = cost
        else:
            self.money.add(call, cost)
        if fields["result"] == "ok":
            self.answers.setdefault(key, []).append(offset)

    def dump(self, size: int, tail: int) -> bytes:
        """The index of a segment of `size` bytes whose end has the CRC `tail`, as a file."""
        by_kind: dict[str | None, list[bytes]] = {}
        for key, kind in self.outcomes.items():
            by_kind.setdefault(kind, []).append(key)
        head = {
            "format": _FORMAT, "size": size, "tail": tail,
            "outcomes": [[kind, len(keys)] for kind, keys in by_kind.items()],
            "answers": [[key.hex(), *offsets] for key, offsets in self.answers.items()],
            "unanswered": [[key.hex(), seq, *call] for (key, seq), call in self.unanswered.items()],
            "late": [[key.hex(), seq, cost] for (key, seq), cost in self.late.items()],
            "spent": self.money.by_day, "unpriced": self.money.unpriced,
        }
        body = json.dumps(head, separators=(",", ":")).encode() + b"\n"
        body += b"".join(key for keys in by_kind.values() for key in keys)
        return body + zlib.crc32(body).to_bytes(4, "big")

    @classmethod
    def load(cls, content: bytes, size: int) -> SegmentIndex | None:
        """The index in a file; None when it is damaged or not of a segment of `size` bytes."""
        body = content[:-4]
        if zlib.crc32(body).to_bytes(4, "big") != content[-4:]:
            return None
        first, _, keys = body.partition(b"\n")
        try:
            head = json.loads(first)
            if head["format"] != _FORMAT or head["size"] != size:
                return None
            return cls._parsed(head, keys, size)
        except UNREADABLE:  # the CRC is no proof: anybody can make one
            return None

    @classmethod
    def _parsed(cls, head: dict[str, Any], keys: bytes, size: int) -> SegmentIndex:
        """The index with this head and these keys. Raises one of UNREADABLE."""
        index, at = cls(), 0
        for kind, count in head["outcomes"]:
            kept, end = _kind(kind), at + _whole(count, (len(keys) - at) // KEY_BYTES) * KEY_BYTES
            index.outcomes.update((keys[start:start + KEY_BYTES], kept) for start in range(at, end, KEY_BYTES))
            at = end
        if at != len(keys):
            raise ValueError("more or fewer keys than counted")
        index.answers = {_key(key): [_whole(offset, size - 1) for offset in offsets]
                         for key, *offsets in head["answers"]}
        index.unanswered = {(_key(key), _whole(seq)): Sent.of(day, usd) for key, seq, day, usd in head["unanswered"]}
        index.late = {(_key(key), _whole(seq)): usd_of(usd) for key, seq, usd in head["late"]}
        index.money.by_day = {Sent.of(day, usd).day: float(usd) for day, usd in head["spent"].items()}
        index.money.unpriced, index.tail = _whole(head["unpriced"]), _whole(head["tail"])
        return index


def _key(text: str) -> bytes:
    """A key from its hex digits. Raises ValueError or TypeError."""
    key = bytes.fromhex(text)
    if len(key) != KEY_BYTES:
        raise ValueError("no key")
    return key


def _kind(kind: Any) -> str | None:
    """A kind of unscored. Raises ValueError for what is none, so that a number below 256 stands for each."""
    if kind is not None and kind not in UNSCORED_KINDS:
        raise ValueError("no kind of unscored")
    return cast("str | None", kind)


def _whole(value: Any, most: float = math.inf) -> int:
    """A whole number from 0 to `most`. Raises ValueError for what is none."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("no such number")
    return value


def outweighs(fresh: str | None, kept: str | None) -> bool:
    """Whether a later outcome of a key replaces an earlier one, given their kinds of unscored, as in the store.

    An outcome that is asked again never replaces one that is not.
    """
    return kept in ASKED_AGAIN or fresh not in ASKED_AGAIN
