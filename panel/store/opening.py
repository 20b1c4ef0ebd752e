"""Connections to the store, and what goes wrong with it in plain words.

A reader attaches panel.duckdb to an in-memory database of its own: within one process DuckDB hands the same open file
to every connect, so a reader would otherwise go on seeing a store that was replaced, and could not be given settings
of its own. Knows nothing of tables beyond `meta`.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from panel.errors import ConfigError, StoreError
from panel.journal import disk_error
from panel.store.tables import TABLES_VERSION

STORE_NAME = "panel.duckdb"
STORAGE = "v1.5.0"
"""Storage format written, so that DuckDB 1.5 and 2.0 read each other's stores."""

MEMORY_LIMITS_MB = (60, 160, 1024)
"""What DuckDB may hold beside its own code while a run waits; see `within_memory`."""

_FULL = re.compile(r"no space left|file too large|disk quota|ENOSPC", re.IGNORECASE)
_NO_MEMORY = re.compile(r"failed to pin block|(?:could not|failed to) allocate (?:block|data)")
_NEWER_FILE = re.compile(r"version number|newer version|Serialized .* version", re.IGNORECASE)


Done = TypeVar("Done")


def within_memory(work: Callable[[int], Done]) -> Done:
    """`work` done with as little memory as it can be: it is given a limit in MB, and the next where that is too low."""
    for limit in MEMORY_LIMITS_MB[:-1]:
        try:
            return work(limit)
        except duckdb.Error as error:
            # A checkpoint that runs out of memory is an error of input and output, in DuckDB 1.5.
            if not isinstance(error, duckdb.OutOfMemoryException) and not _NO_MEMORY.search(str(error)):
                raise
    return work(MEMORY_LIMITS_MB[-1])


@contextmanager
def open_store(runs: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A short read-only connection to the store under `runs`.

    Raises ConfigError when nothing was loaded yet; StoreError when the store is newer, older or unreadable.
    """
    path = runs / STORE_NAME
    if not path.exists():
        raise ConfigError(f"no store in {runs}: review something first (`ship-panel review`), or run "
                          "`ship-panel rebuild` if its journals are there")
    with reading(path) as connection:
        written, program = store_version(connection)
        if written < TABLES_VERSION:
            raise StoreError(f"{path} was written by ship-panel {program} (tables version {written}, this is "
                             f"{TABLES_VERSION}): run `ship-panel rebuild`")
        refuse_newer(path, written, program)
        yield connection


@contextmanager
def reading(path: Path, **settings: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database with the store attached read-only and in use. Raises StoreError."""
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false", **settings})
    try:
        try:
            connection.execute(f"ATTACH {quoted(str(path))} AS panel (READ_ONLY)")
            connection.execute("USE panel")
        except duckdb.Error as error:
            raise store_error(error, path) from error
        try:
            yield connection
        except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
            raise store_error(error, path) from error
    finally:
        connection.close()


def store_version(connection: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """The version of its tables and the program that wrote it. Raises StoreError when it is no store of ours."""
    try:
        values = dict(connection.execute("SELECT name, value FROM meta").fetchall())
        return int(values["tables_version"]), values["program_version"]
    except (duckdb.Error, KeyError, ValueError) as error:
        raise StoreError("panel.duckdb is not a store of ship-panel: move it away and run `ship-panel rebuild`") \
            from error


def refuse_newer(path: Path, written: int, program: str) -> None:
    """Raises StoreError when a newer program wrote the store."""
    if written > TABLES_VERSION:
        raise StoreError(f"{path} was written by ship-panel {program} (tables version {written}, this program knows "
                         f"{TABLES_VERSION}): use that version, or give another --runs folder")


def store_error(error: Exception, path: Path, advice: str = "") -> StoreError:
    """What DuckDB or the system said, as one line that ends in what to do (`advice`, else: rebuild)."""
    said = first_line(error)
    if isinstance(error, OSError):
        return disk_error(error, path.parent)
    if _FULL.search(str(error)):
        return disk_error(OSError(errno.ENOSPC, said), path.parent)
    if "lock" in said and "onflicting" in said:
        return StoreError(f"{path} is open for writing elsewhere: {said}")
    if _NEWER_FILE.search(said):
        return StoreError(f"{path} was written by a newer DuckDB than {duckdb.__version__}: upgrade duckdb, or run "
                          "`ship-panel rebuild`")
    if advice:
        return StoreError(f"{path}: {said}; {advice}")
    return StoreError(f"{path} cannot be read ({said}): run `ship-panel rebuild`, the journals have everything")


def first_line(error: Exception) -> str:
    """The first line of a message, cut to a readable length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def quoted(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_file(path: Path) -> str:
    """An SQL string literal for a reader that takes patterns: exactly this file, whatever its folder is called."""
    return quoted("".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path)))


def text_lines(path: Path, longest: int) -> str:
    """The lines of a file of JSON lines as a table of one column, `line`; `longest` is that of the longest, in bytes.

    Through the CSV reader, whose buffers are as small as they are asked to be: a JSON reader's take 32 MB a thread.
    JSON has no control characters of its own, so that nothing is cut at the delimiter.
    """
    size = max(1 << 19, longest + 1)
    return (f"read_csv({quoted_file(path)}, columns = {{line: 'VARCHAR'}}, auto_detect = false, header = false, "
            f"delim = '\x01', quote = '', escape = '', new_line = '\\n', max_line_size = {size}, "
            f"buffer_size = {2 * size})")
