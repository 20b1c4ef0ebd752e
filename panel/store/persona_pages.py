"""What a page about a persona asks of the store. Knows nothing of how it is shown."""

from __future__ import annotations

from typing import Any

import duckdb

from panel.errors import ConfigError
from panel.schema.persona_record import PersonaCount, PersonaRecord, PersonaSaid
from panel.store.rows import fetch

Connection = duckdb.DuckDBPyConnection
_NAMED = 3
_COUNTS = """
SELECT model, depth, count(*) FILTER (verdict = 'ship') AS ships, count(*) FILTER (verdict = 'skip') AS skips,
  count(unscored_kind) AS unscored, sum(score) AS score, sum(confidence) AS confidence,
  max(score) FILTER (verdict = 'ship') AS highest, min(score) FILTER (verdict = 'skip') AS lowest
FROM reviews WHERE persona_id = ? GROUP BY model, depth ORDER BY model, depth
"""
_SAID = """
SELECT verdict, review.tool_id, coalesce(latest.name, review.tool_id) AS name, model, score, confidence, because,
  review.run_id
FROM (SELECT * FROM reviews
  WHERE persona_id = $1 AND ((verdict = 'ship' AND score = $2) OR (verdict = 'skip' AND score = $3))
  QUALIFY row_number() OVER (PARTITION BY verdict ORDER BY confidence DESC, finished_at DESC, key) = 1) AS review
LEFT JOIN latest USING (tool_id)
"""
_AGAINST = """
SELECT count(*) FILTER ((seat.vote = 1) <> (outcome = 'ship')) AS against, count(*) AS beside
FROM (SELECT outcome, unnest(by_persona) AS seat FROM scores WHERE outcome IN ('ship', 'skip'))
WHERE seat.persona_id = ? AND seat.vote IN (0, 1)
"""
_FLAGS = """
SELECT kind, count(*) AS reviews FROM
(SELECT unnest(list_distinct(list_transform(flags, lambda flag: flag.kind))) AS kind FROM reviews
  WHERE persona_id = $1 AND len(flags) > 0
 UNION ALL SELECT 'template_echo' FROM (SELECT DISTINCT key FROM echoes WHERE persona_id = $1))
GROUP BY kind ORDER BY reviews DESC, kind
"""


def persona_record(connection: Connection, persona_id: str) -> PersonaRecord:
    """What a persona has said over all runs. Raises ConfigError when it has no review, naming the nearest that has."""
    rows = fetch(connection, _COUNTS, [persona_id])
    if not rows:
        raise ConfigError(_nobody(connection, persona_id))
    highest = max((row["highest"] for row in rows if row["highest"] is not None), default=None)
    lowest = min((row["lowest"] for row in rows if row["lowest"] is not None), default=None)
    said = {row.pop("verdict"): PersonaSaid(**row) for row in fetch(connection, _SAID, [persona_id, highest, lowest])}
    beside = fetch(connection, _AGAINST, [persona_id])[0]
    ships, skips, unscored = (sum(row[name] for row in rows) for name in ("ships", "skips", "unscored"))
    return PersonaRecord(
        persona_id=persona_id, ships=ships, skips=skips, unscored=unscored, mean_score=_mean(rows, "score"),
        mean_confidence=_mean(rows, "confidence"),
        counts=tuple(PersonaCount(
            **{name: row[name] for name in ("model", "depth", "ships", "skips", "unscored")},
            mean_score=_mean([row], "score"), mean_confidence=_mean([row], "confidence")) for row in rows),
        strongest_ship=said.get("ship"), harshest_skip=said.get("skip"), **beside,
        flags={row["kind"]: row["reviews"] for row in fetch(connection, _FLAGS, [persona_id])})


def _mean(rows: list[dict[str, Any]], name: str) -> float | None:
    scored = sum(row["ships"] + row["skips"] for row in rows)
    return float(sum(row[name] or 0 for row in rows)) / scored if scored else None


def _nobody(connection: Connection, persona_id: str) -> str:
    near = [row["persona_id"] for row in fetch(
        connection, "SELECT persona_id FROM reviews GROUP BY persona_id "
        f"ORDER BY jaro_winkler_similarity(persona_id, ?) DESC, persona_id LIMIT {_NAMED}", [persona_id])]
    return f"persona {persona_id!r} has no reviews in the store" + (f"; {', '.join(near)} have" if near else "")
