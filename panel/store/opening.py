"""Connections to the store, and what goes wrong with it in plain words.

A reader attaches panel.duckdb to an in-memory database of its own: within one process DuckDB hands the same open file
to every connect, so a reader would otherwise go on seeing a store that was replaced, and could not be given settings
of its own. Knows nothing of tables beyond `meta`.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from panel.errors import ConfigError, StoreError
from panel.journal import disk_error
from panel.store.tables import TABLES_VERSION

STORE_NAME = "panel.duckdb"
STORAGE = "v1.5.0"
"""Storage format written, so that DuckDB 1.5 and 2.0 read each other's stores."""

_FULL = re.compile(r"no space left|file too large|disk quota|ENOSPC", re.IGNORECASE)
_NEWER_FILE = re.compile(r"version number|newer version|Serialized .* version", re.IGNORECASE)


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
