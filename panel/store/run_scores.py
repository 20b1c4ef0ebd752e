"""The scores of one run, as leaderboard rows. Knows nothing of how they are shown."""

from __future__ import annotations

import duckdb

from panel.schema.dossier import THIN_WORDS
from panel.schema.leaderboard import LeaderboardRow
from panel.store.rows import fetch, score_from


def run_leaderboard(connection: duckdb.DuckDBPyConnection, run_id: str, limit: int) -> tuple[list[LeaderboardRow], int]:
    """The best tools of a run under its own panel, at most `limit`, and how many tools it scored."""
    rows = fetch(
        connection, f"""
        SELECT score.*, dossier.name, coalesce(dossier.category, brief.category) AS category,
          coalesce(shown.words < {THIN_WORDS}, false) AS thin, count(*) OVER () AS number
        FROM scores AS score LEFT JOIN dossiers AS dossier USING (dossier_digest)
        LEFT JOIN (SELECT dossier_digest, max_by(category, (finished_at, key)) AS category FROM briefs
          WHERE category IS NOT NULL GROUP BY dossier_digest) AS brief USING (dossier_digest)
        LEFT JOIN dossier_lines AS shown ON shown.lines_digest = score.lines_digest
          AND shown.dossier_digest = score.dossier_digest
        WHERE score.run_id = ?
        ORDER BY ship_rate DESC NULLS LAST, mean_score DESC NULLS LAST, score.tool_id LIMIT ?""", [run_id, limit])
    found = [LeaderboardRow(name=row["name"] or row["tool_id"], category=row["category"], thin=row["thin"],
                            score=score_from(row), reviewed_at=row["reviewed_at"], held=row["holds"] > 0)
             for row in rows]
    return found, int(rows[0]["number"]) if rows else 0
