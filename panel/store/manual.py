"""docs/tables.md, made from the tables: `python -m panel.store.manual > docs/tables.md`. Knows nothing of stores."""

from __future__ import annotations

import sys

from panel.store.latest import HELD_BY
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

`runs/latest/` has flat Parquet files for dashboards, renamed into place at the end of every run: `tools` (a row a
tool, from `latest`), `reviews` (those behind it), `calls` (of that run, without texts), `runs`, and `summary.json`. In
`tools` `evidence` is how many lines the claims cite, and `held` is true without a quorum, where a seat was
quarantined, or where a review has one of these flags: {', '.join(f'`{kind}`' for kind in HELD_BY)}.
"""


def tables_manual() -> str:
    """The whole page, Markdown."""
    parts = [_HEAD, "## Tables\n", *map(_section, TABLES), "## Views\n", *map(_section, VIEWS)]
    return "\n".join(parts)


def _section(table: Table) -> str:
    rows = "".join(f"| `{column.name}` | `{column.type}` | {column.says} |\n" for column in table.columns)
    return f"### {table.name}\n\n{table.says} One row for each {', '.join(f'`{name}`' for name in table.order)}.\n\n" \
           f"| column | type | |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(tables_manual())
