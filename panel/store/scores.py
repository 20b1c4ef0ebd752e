"""Panel scores of the tools a segment touched, and the latest score a tool.

The arithmetic is `panel.scoring`, and only there; this brings it the reviews and keeps what it says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, cast

import duckdb

from panel.schema import HOLDING, PanelScore, Review
from panel.scoring import score_panel
from panel.store import tables
from panel.store.opening import quoted, text_lines
from panel.store.shapes import shape_literal, shape_of

_SHAPE = {
    "depth": "VARCHAR", "models": ["VARCHAR"], "lines_digest": "VARCHAR", "run_id": "VARCHAR",
    "reviewed_at": "VARCHAR", "holds": "BIGINT", "record": shape_of(PanelScore),
}
_HOLDING = ", ".join(map(quoted, sorted(HOLDING)))

_LONGEST = 1 << 20
"""Bytes a score may take as a line of JSON: one seat takes 200."""


class _Decision(NamedTuple):
    """As much of a Verdict as scoring reads."""

    verdict: str
    score: int


class _Chance(NamedTuple):
    """As much of a Probe as scoring reads."""

    p_ship: float


class _Take(NamedTuple):
    """As much of a Review as scoring reads: building whole ones would take longer than all the rest of a load."""

    tool_id: str
    dossier_digest: str
    panel_digest: str
    persona_id: str
    model: str
    repeat: int
    verdict: _Decision | None
    unscored: str | None
    unscored_kind: str | None
    probe: _Chance | None


def score_touched(connection: duckdb.DuckDBPyConnection, spare: Path) -> None:
    """Score every panel of the tools in `touched` anew, and their rows in `latest`. `spare`: a file name to use."""
    connection.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT tool_id FROM touched")
    try:
        with spare.open("w", encoding="utf-8") as file:
            for line in _score_lines(connection):
                file.write(line)
        connection.execute("DELETE FROM scores AS kept USING touched WHERE kept.tool_id = touched.tool_id")
        connection.execute(
            f"INSERT INTO scores SELECT {tables.SCORES.expressions()} FROM (SELECT unnest(from_json(line, "
            f"{shape_literal(_SHAPE)})) FROM {text_lines(spare, _LONGEST)})")
    finally:
        spare.unlink(missing_ok=True)
    _make_latest(connection)


def _make_latest(connection: duckdb.DuckDBPyConnection) -> None:
    """The rows of the touched tools in `latest`, join by join: all at once take several times the memory."""
    for name, query in (
        ("best", "SELECT tool_id, unnest(max({in_full: depth = 'full', run_id: run_id, reviewed_at: reviewed_at, "
                 "panel_digest: panel_digest, dossier_digest: dossier_digest, lines_digest: lines_digest})) "
                 "FROM scores SEMI JOIN touched USING (tool_id) GROUP BY tool_id"),
        ("dossier", "SELECT dossier_digest, name, vendor, tagline, url, category FROM dossiers "
                    "SEMI JOIN best USING (dossier_digest)"),
        ("brief", "SELECT dossier_digest, max_by(category, (finished_at, key)) AS category FROM briefs SEMI JOIN best "
                  "USING (dossier_digest) WHERE category IS NOT NULL GROUP BY dossier_digest"),
        ("shown", "SELECT lines_digest, dossier_digest, words FROM dossier_lines SEMI JOIN best "
                  "USING (lines_digest, dossier_digest)"),
        ("about", "SELECT tool_id, panel_digest, best.dossier_digest, name, vendor, tagline, url, "
                  "coalesce(dossier.category, brief.category) AS category, words FROM best "
                  "LEFT JOIN dossier USING (dossier_digest) LEFT JOIN brief USING (dossier_digest) "
                  "LEFT JOIN shown ON shown.lines_digest = best.lines_digest "
                  "AND shown.dossier_digest = best.dossier_digest"),
    ):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    connection.execute("DELETE FROM latest AS kept USING touched WHERE kept.tool_id = touched.tool_id")
    connection.execute(
        f"INSERT INTO latest SELECT {tables.LATEST.expressions()} FROM scores AS best JOIN about "
        "USING (tool_id, panel_digest, dossier_digest)")


def _score_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """One JSON line a dossier and panel that has a review."""
    cleared = {row[:3]: {tuple(flag.values()) for flag in row[3]} for row in connection.execute(
        "SELECT panel_digest, dossier_digest, tool_id, flatten(list(flags)) FROM clearances "
        "SEMI JOIN touched USING (tool_id) GROUP BY ALL").fetchall()}
    rows = connection.execute(
        "SELECT given.panel_digest, given.dossier_digest, given.tool_id, given.seats, given.lines_digest, "
        "given.run_id, given.item.persona_id, given.item.model, given.item.repeat, review.verdict, review.score, "
        "review.unscored, review.unscored_kind, review.p_ship_probe, review.depth, review.finished_at, review.key, "
        f"list_filter(review.flags, lambda flag: flag.kind IN ({_HOLDING})) "
        "FROM (SELECT assigned.*, unnest(keys) AS item, generate_subscripts(keys, 1) AS position FROM assigned "
        "SEMI JOIN touched ON touched.tool_id = assigned.tool_id) AS given "
        "JOIN reviews AS review ON review.key = given.item.key "
        "ORDER BY given.panel_digest, given.dossier_digest, given.position").fetchall()
    for _, group in groupby(rows, key=itemgetter(0, 1)):
        found = list(group)
        yield _score_line(found, cleared.get(found[0][:3], set()))


def _score_line(rows: list[tuple[Any, ...]], cleared: set[tuple[str, ...]]) -> str:
    holding = {(row[16], flag["kind"], flag["field"], flag["text"]) for row in rows for flag in row[17] or ()}
    seats, lines_digest, run_id = rows[0][3:6]
    score = score_panel(cast("list[Review]", [_take(row) for row in rows]), seats=seats)
    about = json.dumps({
        "depth": rows[0][14], "models": list(dict.fromkeys(row[7] for row in rows)), "lines_digest": lines_digest,
        "run_id": run_id, "reviewed_at": max(row[15] for row in rows), "holds": len(holding - cleared),
    }, ensure_ascii=False)
    return f'{about[:-1]}, "record": {score.model_dump_json()}}}\n'


def _take(row: tuple[Any, ...]) -> _Take:
    panel_digest, dossier_digest, tool_id, _, _, _, persona_id, model, repeat, verdict, score = row[:11]
    unscored, unscored_kind, p_ship = row[11:14]
    return _Take(
        tool_id, dossier_digest, panel_digest, persona_id, model, repeat,
        None if verdict is None else _Decision(verdict, score), unscored, unscored_kind,
        None if p_ship is None else _Chance(p_ship))
