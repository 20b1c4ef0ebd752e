"""Journal lines sorted by kind into files that DuckDB reads, a bounded batch at a time. Knows nothing of tables.

Only the head of a line is looked at (its key and kind, which a journal writes first): parsing it is DuckDB's work.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from panel.journal import broken_line
from panel.schema.record import DIGEST_LENGTH
from panel.statements import FOLDER as STATED

BATCH_BYTES = 32_000_000
"""Lines in a batch: fewer cost more statements, more cost memory."""
ONCE = {"part": 0, "messages": 0, "dossier": 0, "lines": len(',"dossier_digest":""') + DIGEST_LENGTH,
        "resolution": 0, "clearance": 0}
"""Kinds whose lines say the same each time, so that the first of a batch is enough; and how many bytes after the head
of the line belong to what it is known by."""
_BUFFER = 1 << 18
_HEAD = 300
"""Bytes in which a journal's line has its key and kind."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Closed:
    """A segment that was read to its end. `size` and `lines` count whole lines only: a kill may leave more."""

    path: Path
    lines: int
    size: int


@dataclass(frozen=True)
class Batch:
    """Lines of one or more segments, in `folder`/KIND.jsonl, each with its number `n` and `run` put in front.

    `counts` is lines by kind; `longest` is the longest line, `size` all of them, in bytes. `starts` says where each
    segment's lines begin: number, path, and number within the file. `closed` are the segments that end in this batch.
    """

    folder: Path
    counts: dict[str, int]
    longest: int
    size: int
    starts: tuple[tuple[int, Path, int], ...]
    closed: tuple[Closed, ...]

    def file(self, kind: str) -> Path:
        """Where the lines of a kind are."""
        return self.folder / f"{kind}.jsonl"

    @property
    def runs(self) -> tuple[Path, ...]:
        """Folders of the runs it has lines of."""
        return tuple(dict.fromkeys(path.parent for _, path, _ in self.starts))

    def place(self, number: int) -> tuple[Path, int]:
        """Segment and line of the line numbered `number`."""
        first, path, line = max(start for start in self.starts if start[0] <= number)
        return path, line + number - first


def whole_lines(path: Path) -> int:
    """Bytes of the whole lines of a segment."""
    with path.open("rb") as file:
        return sum(len(line) for line in file if line.endswith(b"\n"))


def sort_lines(segments: Sequence[Path], folder: Path, kinds: Iterable[str]) -> Iterator[Batch]:
    """The lines of the segments, as batches; a batch's files are gone when the next one is asked for.

    Lines of other kinds are left out. Raises StoreError naming file and line where a line has no key or kind, and where
    a file of statements ends within a line.
    """
    folder.mkdir()
    sorter = _Sorter(folder, frozenset(kinds))
    try:
        for path in segments:
            yield from sorter.read(path)
        yield sorter.end()
    finally:
        sorter.files.close()


class _Sorter:
    """The batch being filled: its files by kind, and what is said of it."""

    def __init__(self, folder: Path, kinds: frozenset[str]) -> None:
        self._folder = folder
        self._kinds = {kind.encode(): ONCE.get(kind) for kind in kinds}
        self._number = 0
        self._clear()

    def _clear(self) -> None:
        self._size = self._longest = 0
        self._starts: list[tuple[int, Path, int]] = []
        self._closed: list[Closed] = []
        self._counts: Counter[bytes] = Counter()
        self._seen: set[bytes] = set()
        self.files = ExitStack()
        self._write: dict[bytes, Callable[[bytes], int]] = {}

    def read(self, path: Path) -> Iterator[Batch]:
        """Add the lines of a segment; batches as they fill."""
        front = b'{"run":%b,"n":' % json.dumps(path.parent.name).encode()
        size = lines = 0
        self._starts.append((self._number, path, 1))
        with path.open("rb", buffering=_BUFFER) as file:
            for line in file:
                if not line.endswith(b"\n"):
                    if path.parent.name == STATED:  # written whole: what is torn has lost a statement
                        raise broken_line(path, lines + 1)
                    break
                lines += 1
                size += len(line)
                at = line.find(b'","t":"', 8, _HEAD)
                if at < 0 or not line.startswith(b'{"key":"') or b"\\ud" in line:
                    line = _rewritten(line, path, lines)
                    at = line.find(b'","t":"', 8)
                self._add(line, at + 7, front)
                if self._size >= BATCH_BYTES:
                    yield self.end()
                    self._starts.append((self._number, path, lines + 1))
        self._closed.append(Closed(path, lines, size))

    def _add(self, line: bytes, at: int, front: bytes) -> None:
        """Add a line whose kind begins at byte `at`."""
        number = self._number
        self._number += 1
        end = line.find(b'"', at)
        kind = line[at:end]
        if kind not in self._kinds:
            return
        more = self._kinds[kind]
        if more is not None:
            known_by = line[:end + more]
            if known_by in self._seen:
                return
            self._seen.add(known_by)
        if kind not in self._write:
            path = self._folder / f"{kind.decode()}.jsonl"
            self._write[kind] = self.files.enter_context(path.open("wb", buffering=_BUFFER)).write
        self._counts[kind] += 1
        size = self._write[kind](b'%b%d,%b' % (front, number, line[1:]))
        self._size += size
        if size > self._longest:
            self._longest = size

    def end(self) -> Batch:
        """The batch as it is; the next one begins."""
        self.files.close()
        for kind in self._kinds.keys() - self._counts.keys():
            (self._folder / f"{kind.decode()}.jsonl").write_bytes(b"")
        counts = {kind.decode(): count for kind, count in self._counts.items()}
        batch = Batch(self._folder, counts, self._longest, self._size, tuple(self._starts), tuple(self._closed))
        self._clear()
        return batch


def _rewritten(line: bytes, path: Path, number: int) -> bytes:
    """The line as a journal writes it, lone surrogates (which DuckDB refuses) as U+FFFD. Raises StoreError."""
    try:
        content = json.loads(line)
        head = {"key": content["key"], "t": content["t"]}
        if not (isinstance(head["key"], str) and isinstance(head["t"], str)):
            raise TypeError("key and kind are texts")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise broken_line(path, number) from error
    text = json.dumps({**head, **content}, ensure_ascii=False, separators=(",", ":"))
    return _LONE_SURROGATE.sub("\ufffd", text).encode() + b"\n"
