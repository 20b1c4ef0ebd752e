"""Journals into panel.duckdb: which segments are due, a private copy, and the swap.

The caller holds `runs/` (`panel.journal.hold`). A reader never meets a writer: all is written to a copy that is
checkpointed, synced and renamed over the store, so that a kill or a full disk at any moment leaves the old one. The
journals are the truth: where what is loaded is not a beginning of what lies there, all of it is loaded again.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

import panel
from panel.errors import StoreError
from panel.journal import segments
from panel.schema import Record
from panel.store.opening import STORAGE, STORE_NAME, quoted, reading, refuse_newer, store_error, store_version
from panel.store.scores import score_touched
from panel.store.segment import SegmentCounts, load_segment, measure, stage
from panel.store.tables import TABLES, TABLES_VERSION
from panel.store.views import VIEWS

MEMORY_LIMIT_MB = 224
CHECKPOINT_BYTES = 100_000_000
"""Journal read between checkpoints: more often rewrites half-filled row groups, less often needs more memory."""
_PRIVATE = ".panel."


class LoadReport(Record):
    """What a load read. `reviews` and `calls` count lines; `rebuilt` says why all was loaded anew, if it was."""

    segments: int = 0
    reviews: int = 0
    calls: int = 0
    seconds: float = 0.0
    rebuilt: str | None = None


def load(runs: Path, *, leave: Path | None = None) -> LoadReport:
    """Load every closed segment under `runs` that the store does not have; `leave` is the one still written to.

    An older store, or one the journals no longer agree with, is made anew. Raises StoreError: newer store, unreadable
    store, broken line (file and line), full disk; the old store is then still there.
    """
    return _load(runs, leave, anew=None)


def rebuild(runs: Path) -> LoadReport:
    """Make the store again from the journals, whatever it is now. Raises StoreError, with the old one still there."""
    return _load(runs, None, anew="asked for")


def _load(runs: Path, leave: Path | None, anew: str | None) -> LoadReport:
    began = time.monotonic()
    if "?" in str(runs):
        raise StoreError(f"{runs}: DuckDB cannot write below a folder with a ? in its name; give another --runs")
    store = runs / STORE_NAME
    found = [path for path in segments(runs) if path != leave]
    loaded: list[tuple[str, str, int]] | None = None
    if anew is None and store.exists():
        loaded = _loaded(store)
        anew = "the tables are of an older version" if loaded is None else _disagreement(runs, found, loaded)
    due = found[len(loaded):] if loaded is not None and anew is None else found
    if not due and anew is None:
        return LoadReport(seconds=time.monotonic() - began)
    _remove_leftovers(runs)
    try:
        with _private_copy(store, fresh=anew is not None) as path:
            counts = _fill(path, due)
    except (duckdb.Error, OSError) as error:
        raise store_error(error, store, advice="the store is as it was") from error
    return LoadReport(
        segments=len(due), reviews=sum(one.reviews for one in counts), calls=sum(one.calls for one in counts),
        seconds=time.monotonic() - began, rebuilt=anew)


def _loaded(store: Path) -> list[tuple[str, str, int]] | None:
    """Run, file and bytes of every segment in the store, in order; None when its tables are of an older version."""
    with reading(store) as connection:
        written, program = store_version(connection)
        refuse_newer(store, written, program)
        if written < TABLES_VERSION:
            return None
        return connection.execute("SELECT run_id, file, bytes FROM loaded ORDER BY run_id, file").fetchall()


def _disagreement(runs: Path, found: list[Path], loaded: list[tuple[str, str, int]]) -> str | None:
    """Why what is loaded is not a beginning of what lies there, if it is not."""
    for number, (run_id, file, size) in enumerate(loaded):
        path = runs / run_id / file
        if number >= len(found) or found[number] != path:
            gone = not path.exists()
            return f"{path} is gone" if gone else f"{found[number]} came after later segments were loaded"
        # A torn tail may have been cut off, or not, since: only whole lines count.
        if path.stat().st_size != size and measure(path).size != size:
            return f"{path} has changed since it was loaded"
    return None


def _fill(path: Path, due: list[Path]) -> list[SegmentCounts]:
    """Load the segments into the private database at `path`, one transaction each, and checkpoint it."""
    spare, spill = path.with_suffix(".lines"), path.with_suffix(".spill")
    fresh = not path.exists()
    counts = []
    with _writing(path, spill) as connection:
        if fresh:
            _create_tables(connection)
        pending = 0
        for segment in map(measure, due):
            # DuckDB's JSON reader takes four times the longest line for each thread.
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT_MB + (segment.longest >> 20) * 16}MB'")
            stage(connection, segment, spare)
            connection.execute("BEGIN")
            counts.append(load_segment(connection, segment))
            score_touched(connection, spare)
            connection.execute("COMMIT")
            pending += segment.size
            if pending > CHECKPOINT_BYTES:
                connection.execute("CHECKPOINT")
                pending = 0
        connection.execute("CHECKPOINT")
    return counts


@contextmanager
def _writing(path: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The private database, without a write-ahead log: what a kill leaves of it is thrown away."""
    connection = duckdb.connect(":memory:", config={
        "threads": "2", "temp_directory": str(spill), "checkpoint_threshold": "1TB",
        "autoinstall_known_extensions": "false"})
    try:
        connection.execute(f"ATTACH {quoted(str(path))} AS panel "
                           f"(STORAGE_VERSION '{STORAGE}', RECOVERY_MODE no_wal_writes)")
        connection.execute("USE panel")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def _private_copy(store: Path, *, fresh: bool) -> Iterator[Path]:
    """A database of our own that replaces the store when the block ends well, and is removed when it does not."""
    path = store.with_name(f"{_PRIVATE}{os.getpid()}.tmp")
    try:
        if not fresh and store.exists():
            shutil.copyfile(store, path)
        yield path
        _sync(path)
        # A log left beside the store by somebody's own writing session is of the file that goes now.
        store.with_name(f"{STORE_NAME}.wal").unlink(missing_ok=True)
        path.replace(store)
        _sync(store.parent)
    finally:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for table in (*TABLES, *VIEWS):
        connection.execute(table.ddl())
    connection.execute("INSERT INTO meta VALUES ('tables_version', ?), ('program_version', ?), ('duckdb_version', ?)",
                       [str(TABLES_VERSION), panel.__version__, duckdb.__version__])


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(runs: Path) -> None:
    """What a loader that was killed left behind: the caller holds `runs/`, so nobody uses it."""
    for path in runs.glob(f"{_PRIVATE}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
