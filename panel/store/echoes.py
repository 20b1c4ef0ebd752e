"""The table `echoes`: what the last quotes of each persona have in common, made anew after a load.

The comparison is `panel.store.phrases`, and only there; this brings it the quotes and keeps what it says.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

import duckdb

from panel.store import tables
from panel.store.phrases import Quote, echoes_of, masks

LAST = 50
"""Quotes of a persona that are looked at; of these the latest of each tool is compared: redrafts are alike because
they are of one tool."""
_SHAPE = json.dumps([{
    "persona_id": "VARCHAR", "key": "VARCHAR", "tool_id": "VARCHAR", "position": "BIGINT", "kind": "VARCHAR",
    "phrase": "VARCHAR", "quotes": "BIGINT", "of": "BIGINT", "span": ["BIGINT"], "text": "VARCHAR"}])


def echo_personas(connection: duckdb.DuckDBPyConnection, runs: Iterable[str]) -> None:
    """Compare the last quotes of every persona that has reviews of these runs, and replace its rows."""
    connection.execute("CREATE OR REPLACE TEMP TABLE speaking AS SELECT DISTINCT persona_id FROM reviews "
                       "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS run_id) USING (run_id)", [sorted(runs)])
    newest = (f"SELECT unnest(list_transform(max({{finished_at: finished_at, key: key, row: rowid}}, {LAST}), "
              "lambda one: one.row)) AS row FROM reviews SEMI JOIN speaking USING (persona_id) "
              "WHERE depth = 'full' AND verdict IS NOT NULL GROUP BY persona_id")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE last_quotes AS SELECT persona_id, key, tool_id, quote, lines_digest, "
        "coalesce(len(flags), 0) AS flags, finished_at FROM reviews "
        f"SEMI JOIN ({newest}) AS newest ON reviews.rowid = newest.row WHERE quote IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY persona_id, tool_id ORDER BY finished_at DESC, key DESC) = 1")
    rows = connection.execute("SELECT * EXCLUDE (finished_at) FROM last_quotes "
                              "ORDER BY persona_id, finished_at, key").fetchall()
    masked = _masked(connection)
    quotes: dict[str, list[Quote]] = defaultdict(list)
    flags = {}
    for persona_id, key, tool_id, text, lines_digest, number in rows:
        quotes[persona_id].append(Quote(key, tool_id, text, masked.get(lines_digest, frozenset())))
        flags[key] = number
    found = [line for persona_id, said in quotes.items() for line in _lines(persona_id, said, flags)]
    connection.execute("DELETE FROM echoes AS kept USING speaking WHERE kept.persona_id = speaking.persona_id")
    connection.execute(f"INSERT INTO echoes SELECT {tables.ECHOES.expressions()} FROM "
                       "(SELECT unnest(from_json(?, ?)) AS echo)", [json.dumps(found), _SHAPE])


def _masked(connection: duckdb.DuckDBPyConnection) -> dict[str, frozenset[str]]:
    """The words to mask in the last quotes, by digest of the lines that were shown."""
    shown = connection.execute(
        "SELECT lines_digest, name, list_transform(lines, lambda line: line.text) FROM dossier_lines "
        "SEMI JOIN last_quotes USING (lines_digest)")
    masked: dict[str, frozenset[str]] = {}
    while row := shown.fetchone():
        masked[row[0]] = masked.get(row[0], frozenset()) | masks(row[1] or "", row[2])
    return masked


def _lines(persona_id: str, quotes: list[Quote], flags: dict[str, int]) -> list[dict[str, object]]:
    """The rows of one persona. Their positions go on where the review's own flags end."""
    about = {quote.key: quote for quote in quotes}
    last = dict(flags)
    found: list[dict[str, object]] = []
    for echo in echoes_of(quotes):
        quote = about[echo.key]
        last[echo.key] += 1
        found.append(echo._asdict() | {"persona_id": persona_id, "tool_id": quote.tool_id, "position": last[echo.key],
                                       "text": quote.text[slice(*echo.span)]})
    return found
