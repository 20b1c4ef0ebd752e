"""The append-only truth of a run: one JSON object a line, key first, flushed before anything reads on.

Runs live in folders under `runs/`, their names sort by time. A segment holds at most 64 MB. One process at a time
holds `runs/`; see `hold`. Knows nothing of what the lines mean beyond their key, kind (`t`) and step.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import PydanticSerializationError, to_json

from panel.errors import ConfigError, RunsHeld, StoreError
from panel.segment_index import UNREADABLE, SegmentIndex

SEGMENT_BYTES = 64 * 1024 * 1024
TAIL_BYTES = 64 * 1024
"""How much of a segment's end its index is tied to."""
_INDEX_HEAD = 4096
LOCK_NAME = ".lock"


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """UTC time as the journal writes it: ISO 8601 with milliseconds and a Z."""
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"  # strftime takes five times as long


@contextmanager
def hold(runs: Path) -> Iterator[None]:
    """Hold `runs/` for this process.

    Raises RunsHeld naming the holder (pid, host, since) when another process has it, StoreError when it cannot
    be written.
    """
    if "?" in str(runs):
        raise ConfigError(f"--runs {runs}: DuckDB cannot write below a folder with a ? in its name; choose another")
    try:
        runs.mkdir(parents=True, exist_ok=True)
        handle = os.open(runs / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise disk_error(error, runs) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 500, 0).decode("utf-8", "replace").strip() or "an unknown process"
            raise RunsHeld(f"{runs} is held by {holder}; wait for it to end, or give another --runs") from error
        who = f"process {os.getpid()} on {socket.gethostname()} since {stamp(utc_now())}"
        os.ftruncate(handle, 0)
        os.pwrite(handle, who.encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def disk_error(error: OSError, where: Path) -> StoreError:
    """A StoreError in plain words for a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(f"the disk of {where} is full; what is written so far is kept: free some space and run the "
                          "same command again")
    return StoreError(f"cannot write {where}: {error.strerror or error}")


def new_run_id(runs: Path, moment: datetime) -> str:
    """An id that sorts by time and is free: 20261123T211435-01."""
    base = moment.strftime("%Y%m%dT%H%M%S")
    number = 1
    while (runs / f"{base}-{number:02d}").exists():
        number += 1
    return f"{base}-{number:02d}"


RECENT = 4096


class Journal:
    """The open journal of one run, begun or gone on with. Lines reach the operating system before `append` returns.

    For one thread only, that of the event loop. A process that is killed loses nothing appended; a machine that loses
    power may lose the last seconds. A closed segment has its index beside it (`panel.segment_index`).
    """

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._number = _last_number(folder)
        self._size = 0
        self._index = SegmentIndex()
        self._file: BinaryIO | None = None
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._open_next()

    def append_once(self, key: str, kind: str, fields: Callable[[], dict[str, Any]]) -> None:
        """Append a line that says the same each time, unless it was among the last few thousand of its sort.

        What is forgotten is written again, which the loader takes for the same row: memory stays flat.
        """
        if key in self._recent:
            self._recent.move_to_end(key)
            return
        self.append(key, kind, fields())
        self._recent[key] = None
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def append(self, key: str, kind: str, fields: dict[str, Any]) -> None:
        """Append one line. Raises StoreError when the disk is full, or the line is one that no later run could read.

        A line half written is cut off again.
        """
        line = dump_line({"key": key, "t": kind, **fields})
        if self._size and self._size + len(line) > self._segment_bytes:
            self._open_next()
        assert self._file is not None
        try:
            written = self._file.write(line)
            if written != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
            self._index.take(key, kind, fields, self._size)
        except OSError as error:
            self._cut_off()
            raise disk_error(error, self.folder) from error
        except UNREADABLE as error:
            self._cut_off()
            raise StoreError(f"{self.path}: a line {kind!r} of {key} was not written: {error}") from error
        self._size += len(line)

    def _cut_off(self) -> None:
        """End the segment after its last whole line, and go on there."""
        assert self._file is not None
        os.ftruncate(self._file.fileno(), self._size)
        self._file.seek(self._size)

    @property
    def path(self) -> Path:
        """The segment that is written now."""
        return self.folder / f"journal-{self._number:04d}.jsonl"

    def close(self) -> None:
        """Close the last segment and write its index. Safe to call twice."""
        if self._file is not None:
            self._file.close()
            if self._size:
                write_index(Path(self._file.name), self._index, self._size)
            self._file = None

    def _open_next(self) -> None:
        self.close()
        self._number += 1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"journal-{self._number:04d}.jsonl"
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise disk_error(error, self.folder) from error
        self._size = 0
        self._index = SegmentIndex()


def _last_number(folder: Path) -> int:
    """The number of the last segment in a run's folder, 0 where there is none."""
    numbers = (path.stem.removeprefix("journal-") for path in folder.glob("journal-*.jsonl"))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def dump_line(record: dict[str, Any]) -> bytes:
    """One JSON line as bytes. Lone surrogates are escaped, so that any answer of a model can be kept."""
    try:
        return to_json(record) + b"\n"  # pydantic's own writer: a sixth of the time of json
    except PydanticSerializationError:
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def write_file(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all. Raises StoreError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # a disk that may only be read says so again
            temporary.unlink(missing_ok=True)
        raise disk_error(error, path) from error


def index_path(segment: Path) -> Path:
    """Where the index of a segment lies."""
    return segment.with_suffix(".index")


def write_index(segment: Path, index: SegmentIndex, size: int) -> None:
    """Write the index of a segment of `size` bytes; a disk that is full or may only be read goes without."""
    with suppress(StoreError, OSError):
        write_file(index_path(segment), index.dump(size, _tail(segment, size)))


def read_index(segment: Path, size: int) -> SegmentIndex | None:
    """The index beside a segment of `size` bytes; None where there is none that can be used."""
    path = index_path(segment)
    try:
        # Only a file of its own: another thing may never end. Every entry is shorter than the line it stands for.
        if path.is_symlink() or not path.is_file() or path.stat().st_size > size + _INDEX_HEAD:
            return None
        index = SegmentIndex.load(path.read_bytes(), size)
        return index if index is not None and index.tail == _tail(segment, size) else None
    except OSError:  # it can be made again
        return None


def _tail(segment: Path, size: int) -> int:
    """The CRC of the end of a segment, of which `size` bytes are whole lines."""
    with segment.open("rb") as file:
        file.seek(max(0, size - TAIL_BYTES))
        return zlib.crc32(file.read(min(size, TAIL_BYTES)))


def segments(runs: Path) -> list[Path]:
    """Every segment under `runs/`, oldest run first."""
    return sorted(runs.glob("*/journal-*.jsonl"), key=lambda path: (path.parent.name, path.name))


def mend_tails(runs: Path) -> list[Path]:
    """Cut a line that a kill left unfinished off the end of each segment; the caller must hold `runs/`.

    Returns the segments that were cut.
    """
    cut = []
    for path in segments(runs):
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                keep = _whole_lines(file, size)
            if keep < size:
                os.truncate(path, keep)
                cut.append(path)
        except OSError as error:
            raise disk_error(error, path) from error
    return cut


def _whole_lines(file: BinaryIO, size: int) -> int:
    """How many bytes of the file are whole lines."""
    end = size
    while end > 0:
        start = max(0, end - 65536)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of one segment. An unfinished last line is left out.

    Raises StoreError naming file and line when a line in the middle cannot be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                content = json.loads(line)
                if not isinstance(content, dict) or not isinstance(content.get("key"), str) or "t" not in content:
                    raise ValueError("no key")
                yield content
            except (ValueError, RecursionError) as error:
                raise broken_line(path, number) from error


def broken_line(path: Path, number: int) -> StoreError:
    """What to say of a line that no run wrote so."""
    return StoreError(f"{path}:{number}: not a journal line; move the file away and run `ship-panel rebuild`")
