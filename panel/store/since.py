"""A part of the store: what runs have done from one run, or one moment, on. Knows nothing of files or formats.

The tables are shadowed by temporary views of the same names, so that every view over them is of that part, too.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import duckdb

from panel.errors import ConfigError
from panel.statements import FOLDER as STATED
from panel.store.opening import quoted
from panel.store.views import VIEWS

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NAMED = 3
_WHEN = {
    "calls": "sent_at", "reviews": "finished_at", "briefs": "finished_at", "comparisons": "finished_at",
    "scores": "reviewed_at", "latest": "reviewed_at", "runs": "coalesce(ended_at, started_at)",
}
"""The moment of a row. `assigned` and `loaded` have none: those of the runs that are left."""
_STATED = ("resolutions", "clearances")
"""What people stated has no run: with a run, what was stated since it began."""
_NEEDED = {
    "dossier_lines": "lines_digest IN (SELECT lines_digest FROM reviews UNION SELECT lines_digest FROM briefs "
                     "UNION SELECT unnest(lines_digests) FROM comparisons UNION SELECT lines_digest FROM scores)",
    "dossiers": "dossier_digest IN (SELECT dossier_digest FROM dossier_lines UNION SELECT dossier_digest FROM reviews "
                "UNION SELECT dossier_digest FROM briefs UNION SELECT dossier_digest FROM scores)",
    "prompts": "messages_digest IN (SELECT messages_digest FROM calls UNION SELECT messages_digest FROM reviews "
               "UNION SELECT messages_digest FROM briefs UNION SELECT messages_digest FROM comparisons)",
    "echoes": "key IN (SELECT key FROM reviews)",
    "message_parts": "part_digest IN (SELECT unnest(parts) FROM (SELECT unnest(messages).parts AS parts FROM prompts))",
}
"""What the rows that are left speak of. Panels and personas come whole: they are few."""


def keep_since(connection: duckdb.DuckDBPyConnection, since: str) -> None:
    """Let the connection see only what is of the run `since` and later ones, or of that date or time (UTC) and later.

    A run id, YYYY-MM-DD, or an ISO time. Raises ConfigError, naming the nearest runs.
    """
    runs = [row[0] for row in connection.execute("SELECT run_id FROM loaded WHERE run_id <> ? UNION SELECT run_id FROM "
                                              "runs", [STATED]).fetchall()]
    if since in runs:
        later = f"run_id >= {quoted(since)}"
        conditions = dict.fromkeys((*_WHEN, "assigned", "loaded"), later)
        began = f"(SELECT started_at FROM panel.runs WHERE run_id = {quoted(since)})"
        conditions |= dict.fromkeys(_STATED, f"\"at\" >= coalesce({began}, '')")
    else:
        moment = quoted(_moment(connection, since))
        conditions = {table: f"{column} >= {moment}" for table, column in _WHEN.items()}
        conditions |= dict.fromkeys(_STATED, f'"at" >= {moment}')
        conditions["assigned"] = "run_id IN (SELECT run_id FROM runs)"
        conditions["loaded"] = f"run_id IN (SELECT run_id FROM runs UNION SELECT {quoted(STATED)})"
    for table, condition in (*conditions.items(), *_NEEDED.items()):
        connection.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM panel.{table} WHERE {condition}")
    for view in VIEWS:
        connection.execute(view.ddl().replace("CREATE VIEW", "CREATE TEMP VIEW", 1))


def _moment(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The moment as the store writes times, without a zone, so that it sorts before every time that begins with it."""
    if _DATE.match(text):
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ConfigError(f"since {text!r}: {error}; write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS (UTC)") from error
        return moment.isoformat(timespec="seconds")[:19]  # strftime writes the year 999 with three digits
    near = [row[0] for row in connection.execute(
        f"SELECT run_id FROM loaded WHERE run_id <> {quoted(STATED)} GROUP BY run_id "
        f"ORDER BY jaro_winkler_similarity(run_id, ?) DESC, run_id DESC LIMIT {_NAMED}", [text]).fetchall()]
    nearest = f"; the nearest are {', '.join(near)}" if near else ""
    raise ConfigError(f"since {text!r}: no run of that id in the store, and no date like 2026-11-23{nearest}")
