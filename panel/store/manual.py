"""docs/tables.md, made from the tables: `python -m panel.store.manual > docs/tables.md`. Knows nothing of stores."""

from __future__ import annotations

import sys

import duckdb

from panel.schema import HOLDING
from panel.store.latest import BEHIND, BRIEF, FILES, SEATS
from panel.store.table import Table
from panel.store.tables import TABLES, TABLES_VERSION
from panel.store.views import VIEWS

_HEAD = f"""# Tables

Generated from `panel/store/tables.py` and `panel/store/views.py` by `python -m panel.store.manual`; do not edit.
Version {TABLES_VERSION}. Columns are only ever added.

`runs/panel.duckdb` is a view of the journals: `ship-panel rebuild` makes it anew. Open it read-only, or ask
`ship-panel sql "SELECT ..."`. What is nested in a table is read one row each through a view. Times are UTC in ISO 8601
as text (`finished_at::TIMESTAMP` casts). A digest is 32 hex digits of SHA-256 over canonical JSON.

`ship-panel export out --since RUN` (a run id) keeps what that run and later ones did; `--since DATE` (YYYY-MM-DD or an
ISO time, UTC) what was sent or finished then or later. Dossiers, lines, prompts and their parts are those the rows left
speak of; panels and personas come whole.

"""
_LATEST = f"""## Files of runs/latest

Flat Parquet files for dashboards, renamed into place at the end of every run (and of every night of `ship-panel
watch`, over all its runs): `tools` (a row a tool, from `latest`), `reviews` (those behind it), `calls` (of that run or
night, without texts), `runs`, and `summary.json`. In `tools` `evidence` is how many lines the claims cite, and `held`
is true where a review has a flag of these kinds that no editor has cleared:
{', '.join(f'`{kind}`' for kind in sorted(HOLDING))}. `unfinished` is true without a quorum, and where a seat was
quarantined or is still to be asked.
"""


_NO_RUN = "''"


def tables_manual() -> str:
    """The whole page, Markdown."""
    parts = [_HEAD, "## Tables\n", *map(_section, TABLES), "## Views\n", *map(_section, VIEWS), _LATEST,
             *_files()]
    return "\n".join(parts)


def _files() -> list[str]:
    """A section a file of runs/latest, its columns as DuckDB has them."""
    with duckdb.connect(":memory:") as connection:
        for table in (*TABLES, *VIEWS):
            connection.execute(table.ddl())
        for query in (BEHIND, SEATS, BRIEF):
            connection.execute(query)
        found = []
        for name, query in FILES.items():
            columns = connection.execute(f"DESCRIBE {query.replace('$runs', _NO_RUN)}").fetchall()
            rows = "".join(f"| `{column[0]}` | `{column[1]}` |\n" for column in columns)
            found.append(f"### {name}.parquet\n\n| column | type |\n|---|---|\n{rows}")
    return found


def _section(table: Table) -> str:
    rows = "".join(f"| `{column.name}` | `{column.type}` | {column.says} |\n" for column in table.columns)
    return f"### {table.name}\n\n{table.says} One row for each {', '.join(f'`{name}`' for name in table.order)}.\n\n" \
           f"| column | type | |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(tables_manual())
