"""What the ledger of predictions asks of the store. Knows nothing of how it is shown or what a prediction scores."""

from __future__ import annotations

from typing import Any, Literal

import duckdb

from panel.errors import ConfigError
from panel.schema.ledger import ID_DIGITS, LedgerEntry
from panel.store.rows import fetch

Connection = duckdb.DuckDBPyConnection
State = Literal["open", "resolved"]
_COLUMNS = ", ".join(f'"{name}"' for name in LedgerEntry.model_fields)
_SAME = 'tool_id, persona_id, statement, "by"'
"""What predictions are one forecast by."""
_NAMED = 5


def ledger(
    connection: Connection, *, persona: str | None = None, model: str | None = None, tool: str | None = None,
    state: State | None = None, vague: bool = False, limit: int | None = None,
) -> list[LedgerEntry]:
    """The predictions that fit, newest first. Raises ConfigError when nobody of that name has made one."""
    _known(connection, "persona_id", persona)
    _known(connection, "model", model)
    wanted: list[tuple[str, Any]] = [("persona_id = ?", persona), ("model = ?", model), ("tool_id = ?", tool)]
    asked = [(condition, value) for condition, value in wanted if value is not None]
    conditions = [condition for condition, _ in asked]
    if state is not None:
        conditions.append(f"outcome IS {'' if state == 'open' else 'NOT '}NULL")
    if vague:
        conditions.append("vague IS NOT NULL")
    return _entries(connection, f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY finished_at DESC, key "
                    f"{'' if limit is None else f'LIMIT {int(limit)}'}", [value for _, value in asked])


def due(connection: Connection, before: str) -> list[LedgerEntry]:
    """The open predictions of months before this one (YYYY-MM), oldest month first.

    A redraft of what is resolved is not open: the same persona said the same of the same tool and month.
    """
    return _entries(connection, f"ANTI JOIN (SELECT {_SAME} FROM ledger WHERE outcome IS NOT NULL) USING ({_SAME}) "
                    'WHERE outcome IS NULL AND "by" < ? ORDER BY "by", finished_at, key', [before])


def check_model(connection: Connection, model: str | None) -> None:
    """Raises ConfigError when no model of that name has made a prediction."""
    _known(connection, "model", model)


def drafts_of(connection: Connection, entry: LedgerEntry) -> list[LedgerEntry]:
    """Every prediction equal to this one in tool, persona, statement and month, itself among them, oldest first."""
    return _entries(connection, 'WHERE tool_id = ? AND persona_id = ? AND statement = ? AND "by" = ? '
                    "ORDER BY finished_at, key", [entry.tool_id, entry.persona_id, entry.statement, entry.by])


def find_prediction(connection: Connection, text: str) -> LedgerEntry:
    """The prediction whose key is `text` or begins with it, as no other does. Raises ConfigError."""
    wanted = text.strip().lower()
    found = _entries(connection, f"WHERE starts_with(key, ?) ORDER BY key = ? DESC, key LIMIT {_NAMED + 1}",
                     [wanted, wanted]) if wanted else []
    if not found:
        raise ConfigError(f"no prediction {text!r}; `ship-panel ledger list` shows them with their ids")
    if len(found) == 1 or found[0].key == wanted:
        return found[0]
    digits = max(ID_DIGITS, len(wanted) + 4)
    named = ", ".join(f"{entry.key[:digits]} ({entry.persona_id} on {entry.tool_id})" for entry in found[:_NAMED])
    raise ConfigError(f"{text!r} is the beginning of several predictions: {named}"
                      f"{', ...' if len(found) > _NAMED else ''}")


def _entries(connection: Connection, which: str, values: list[Any]) -> list[LedgerEntry]:
    return [LedgerEntry(**row) for row in fetch(connection, f"SELECT {_COLUMNS} FROM ledger {which}", values)]


def _known(connection: Connection, column: str, name: str | None) -> None:
    if name is None:
        return
    names = [str(row["name"]) for row in fetch(
        connection, f"SELECT DISTINCT {column} AS name FROM ledger ORDER BY jaro_winkler_similarity({column}, ?) DESC, "
        "1", [name])]
    if names and name not in names:
        raise ConfigError(f"no prediction by {column.removesuffix('_id')} {name!r}; there are some by "
                          f"{', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''}")
