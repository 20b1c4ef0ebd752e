"""A question in SQL from the owner of the store: read-only, no file, no network. Knows nothing of pages.

No page takes SQL, ever: within the one database a query may still read everything and take long.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from panel.errors import ConfigError
from panel.store.opening import first_line, open_store

MEMORY_LIMIT = "1GB"


def run_sql(runs: Path, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one statement.

    The store is attached read-only, then access to files, network and settings is locked. Raises ConfigError with the
    first line of what is wrong with the query; StoreError for the store.
    """
    with open_store(runs) as connection:
        for setting in ("temp_directory = ''", f"memory_limit = '{MEMORY_LIMIT}'", "python_enable_replacements = false",
                        "enable_external_access = false", "lock_configuration = true"):
            connection.execute(f"SET {setting}")
        try:
            result = connection.execute(query)
            if result is None:
                raise ConfigError("sql: there is no statement in the query")
            return [column[0] for column in result.description or ()], result.fetchall()
        except duckdb.Error as error:
            raise ConfigError(f"sql: {first_line(error)}") from error
