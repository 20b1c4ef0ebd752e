"""Journals into panel.duckdb: which segments are due, a private copy, and the swap.

The caller holds `runs/` (`panel.journal.hold`). A reader never meets a writer: all is written to a copy that is
checkpointed, synced and renamed over the store, so that a kill or a full disk at any moment leaves the old one. The
journals are the truth: where what is loaded is not what lies there, or no beginning of a run's segments, all of it is
loaded again.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

import panel
from panel.errors import StoreError
from panel.journal import segments
from panel.schema import Record
from panel.statements import FOLDER as STATED
from panel.statements import statement_files
from panel.store.filling import KINDS, fill, prepare
from panel.store.opening import (
    STORAGE,
    STORE_NAME,
    quoted,
    reading,
    refuse_newer,
    store_error,
    store_version,
    within_memory,
)
from panel.store.scores import score_touched
from panel.store.sorting import sort_lines, whole_lines
from panel.store.tables import TABLES, TABLES_VERSION
from panel.store.views import VIEWS

CHECKPOINT_BYTES = 1_000_000_000
"""Journal read between checkpoints: more often rewrites half-filled row groups, less often spills more to disk."""
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
    found = [path for path in (*segments(runs), *statement_files(runs)) if path != leave]
    due = found
    if anew is None and store.exists():
        loaded = _loaded(runs)
        anew = "the tables are of an older version" if loaded is None else _disagreement(found, loaded)
        due = [path for path in found if anew or loaded is None or path not in loaded]
    if not due and anew is None:
        return LoadReport(seconds=time.monotonic() - began)
    _remove_leftovers(runs)
    try:
        lines = _replace(store, due, fresh=anew is not None)
    except (duckdb.Error, OSError) as error:
        raise store_error(error, store, advice="the store is as it was") from error
    return LoadReport(segments=len(due), reviews=lines["review"], calls=lines["sent"],
                      seconds=time.monotonic() - began, rebuilt=anew)


def _loaded(runs: Path) -> dict[Path, int] | None:
    """Bytes of every segment in the store, in order; None when its tables are of an older version."""
    store = runs / STORE_NAME
    with reading(store) as connection:
        written, program = store_version(connection)
        refuse_newer(store, written, program)
        if written < TABLES_VERSION:
            return None
        rows = connection.execute("SELECT run_id, file, bytes FROM loaded ORDER BY run_id, file").fetchall()
    return {runs / run_id / file: size for run_id, file, size in rows}


def _disagreement(found: list[Path], loaded: dict[Path, int]) -> str | None:
    """Why what is loaded cannot be added to, if it cannot: each run's segments must be a beginning of those there.

    What people stated is in no order: two of them may state things at once.
    """
    there = set(found)
    for path, size in loaded.items():
        if path not in there:
            return f"{path} is gone"
        # A torn tail may have been cut off, or not, since: only whole lines count.
        if path.stat().st_size != size and whole_lines(path) != size:
            return f"{path} has changed since it was loaded"
    last = {path.parent: path for path in loaded}
    for path in found:
        if path not in loaded and path < last.get(path.parent, path) and path.parent.name != STATED:
            return f"{path} came after later segments of its run were loaded"
    return None


def _replace(store: Path, due: list[Path], *, fresh: bool) -> Counter[str]:
    """Put a store with these segments in the place of the old one; how many lines there were of each kind."""
    def attempt(limit_mb: int) -> Counter[str]:
        with _private_copy(store, fresh=fresh) as path:
            return _fill(path, due, limit_mb)

    return within_memory(attempt)


def _fill(path: Path, due: list[Path], limit_mb: int) -> Counter[str]:
    """Load the segments into the private database at `path` and checkpoint it; how many lines of each kind."""
    fresh = not path.exists()
    lines: Counter[str] = Counter()
    with _writing(path, limit_mb) as connection:
        if fresh:
            _create_tables(connection)
        prepare(connection)
        pending = 0
        for batch in sort_lines(due, path.with_suffix(".lines"), KINDS):
            fill(connection, batch)
            score_touched(connection, path.with_suffix(".scores"))
            lines.update(batch.counts)
            pending += batch.size
            if pending > CHECKPOINT_BYTES:
                connection.execute("CHECKPOINT")
                pending = 0
        if lines["review"]:
            from panel.store.echoes import echo_personas  # with all of the checks: who only reads the store needs none

            echo_personas(connection, {path.parent.name for path in due})
        connection.execute("CHECKPOINT")
    return lines


@contextmanager
def _writing(path: Path, limit_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """The private database, without a write-ahead log: what a kill leaves of it is thrown away.

    One thread: a batch is too small for two, which would only hold more memory.
    """
    spill = path.with_suffix(".spill")
    connection = duckdb.connect(":memory:", config={
        "threads": "1", "memory_limit": f"{limit_mb}MB", "temp_directory": str(spill),
        "checkpoint_threshold": "1TB", "autoinstall_known_extensions": "false"})
    try:
        connection.execute(f"ATTACH {quoted(str(path))} AS panel "
                           f"(STORAGE_VERSION '{STORAGE}', RECOVERY_MODE no_wal_writes)")
        connection.execute("USE panel")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)
        shutil.rmtree(path.with_suffix(".lines"), ignore_errors=True)


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
