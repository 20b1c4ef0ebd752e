"""Tables as files: Parquet and JSON lines exactly, CSV for spreadsheets. The same store gives the same bytes.

Knows nothing of who reads them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from panel.errors import ConfigError
from panel.journal import disk_error
from panel.store.opening import open_store, quoted, store_error
from panel.store.since import keep_since
from panel.store.table import Table
from panel.store.tables import META, TABLES
from panel.store.views import VIEWS

FORMATS = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true, FORCE_QUOTE *",
    "jsonl": "FORMAT json",
}
EXPORTED = tuple(table for table in (*TABLES, *VIEWS) if table is not META)
"""Every table and view; which program wrote the store (meta) is not data."""

_FORMULA = r"'^\s*[-=+@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^[\t\r\n]'"
"""What a spreadsheet takes for the start of a formula; the last four are the full-width = + - @."""


def export(
    runs: Path, folder: Path, file_format: str = "parquet", tables: Sequence[str] | None = None,
    since: str | None = None,
) -> list[Path]:
    """Write the tables (all, or those named) into `folder`, one file each; returns the files.

    `since` (a run id, a date or an ISO time, UTC) leaves out what earlier runs did; panels and personas come whole.
    Rows are in the order of their identity. In CSV every value is quoted, null is an empty unquoted cell, nested values
    are JSON, and text that a spreadsheet would run gets a ' before it. Raises ConfigError or StoreError; a file is
    whole or not there.
    """
    if file_format not in FORMATS:
        raise ConfigError(f"format {file_format!r}: must be one of {', '.join(FORMATS)}")
    chosen = _chosen(tables)
    written = []
    with open_store(runs) as connection:
        # One thread: what is written must not depend on who finishes first.
        connection.execute("SET threads = 1")
        if since is not None:
            keep_since(connection, since)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for table in chosen:
                written.append(_write(connection, table, folder, file_format))
        except OSError as error:
            raise disk_error(error, folder) from error
    return written


def _chosen(names: Sequence[str] | None) -> list[Table]:
    by_name = {table.name: table for table in EXPORTED}
    unknown = [name for name in names or () if name not in by_name]
    if unknown:
        raise ConfigError(f"table {unknown[0]!r}: must be one of {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(names)] if names else list(EXPORTED)


def _write(connection: duckdb.DuckDBPyConnection, table: Table, folder: Path, file_format: str) -> Path:
    path = folder / f"{table.name}.{file_format}"
    temporary = folder / f".{table.name}.{os.getpid()}.tmp"
    columns = ", ".join(_cell(column.name, column.type) if file_format == "csv" else f'"{column.name}"'
                        for column in table.columns)
    order = ", ".join(f'rows."{name}"' for name in table.order)
    try:
        connection.execute(f'COPY (SELECT {columns} FROM "{table.name}" AS rows ORDER BY {order}) '
                           f"TO {quoted(str(temporary))} ({FORMATS[file_format]})")
        temporary.replace(path)
    except duckdb.Error as error:
        raise store_error(error, path, advice="nothing was written there") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
    return path


def _cell(name: str, kind: str) -> str:
    """A column as CSV takes it."""
    if kind == "VARCHAR":
        return f"""CASE WHEN regexp_matches("{name}", {_FORMULA}) THEN '''' ELSE '' END || "{name}" AS "{name}\""""
    if "[" in kind or "(" in kind:
        return f'to_json("{name}")::VARCHAR AS "{name}"'
    return f'"{name}"'
