"""Many scorecards, one after the other, each for the price of a small store.

The rows of some tools are copied into the reader's own memory under the names of their tables, where they are found
before the store's: a card is then a few small queries instead of as many scans. Knows nothing of what is on a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from panel.schema.scorecard import Scorecard
from panel.store.queries import scorecard

OF_TOOLS = ("latest", "scores", "assigned", "reviews", "briefs", "dossiers", "dossier_lines", "clearances", "echoes")
OF_ALL = ("panels", "personas", "runs")
"""Few rows, whatever the number of tools."""


def scorecards(connection: duckdb.DuckDBPyConnection, tool_ids: Sequence[str]) -> Iterator[Scorecard]:
    """The latest scorecard of each tool, in the order given: a few hundred at a time keep memory flat.

    Until it is exhausted the connection sees only these tools. Raises ConfigError for one that has no score.
    """
    try:
        for table in OF_TOOLS:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM panel.main.{table} "
                               "WHERE list_contains(?::VARCHAR[], tool_id)", [list(tool_ids)])
        for table in OF_ALL:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM panel.main.{table}")
        for tool_id in tool_ids:
            yield scorecard(connection, tool_id)
    finally:
        for table in (*OF_TOOLS, *OF_ALL):
            connection.execute(f"DROP TABLE IF EXISTS temp.main.{table}")
