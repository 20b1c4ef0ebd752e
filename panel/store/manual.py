"""docs/tables.md, made from the tables: `python -m panel.store.manual > docs/tables.md`. Knows nothing of stores."""

from __future__ import annotations

import sys

from panel.store.table import Table
from panel.store.tables import TABLES, TABLES_VERSION
from panel.store.views import VIEWS

_HEAD = f"""# Tables

Generated from `panel/store/tables.py` and `panel/store/views.py` by `python -m panel.store.manual`; do not edit.
Version {TABLES_VERSION}. Columns are only ever added.

`runs/panel.duckdb` is a view of the journals: `ship-panel rebuild` makes it anew. Open it read-only, or ask
`ship-panel sql "SELECT ..."`. What is nested in a table is read one row each through a view. Times are UTC in ISO 8601
as text (`finished_at::TIMESTAMP` casts). A digest is 32 hex digits of SHA-256 over canonical JSON.
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
