"""`runs/latest/`: flat Parquet files and a summary, renamed into place at the end of a run.

Dashboards read these and never panel.duckdb. Knows nothing of who reads them, or of how the run went beyond its end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from panel.journal import disk_error, write_file
from panel.schema import RunEnd
from panel.schema.review import ASKED_AGAIN
from panel.store import tables
from panel.store.opening import STORE_NAME, open_store, quoted, store_error, within_memory

FOLDER = "latest"
NOT_ASKED_AGAIN = ("declined", "unreadable", "quarantined")
"""Ways to be unscored that no later run mends by itself."""

_WITHOUT_TEXTS = ", ".join(f'"{column.name}"' for column in tables.CALLS.columns
                           if column.name not in ("text", "reasoning", "params", "params_sent", "params_dropped"))
_AGAIN = ", ".join(map(quoted, sorted(ASKED_AGAIN)))
_STUCK = ", ".join(map(quoted, NOT_ASKED_AGAIN))
_PRICE = ("CASE WHEN price.amount = 0 THEN 'free' WHEN price.amount IS NOT NULL THEN "
          "concat_ws(' ', rtrim(rtrim(format('{:.6f}', price.amount), '0'), '.'), price.currency, price.unit) END")
_LINES = "list_distinct(flatten(list(flatten(list_transform(claims, lambda claim: claim.lines)))))"

BEHIND = """
CREATE TEMP TABLE behind AS SELECT latest.tool_id, item.key AS key, coalesce(item.kind, 'review') AS kind
FROM latest JOIN (SELECT panel_digest, dossier_digest, unnest(keys) AS item FROM assigned) AS given
USING (panel_digest, dossier_digest)
"""
SEATS = f"""
CREATE TEMP TABLE seats_of AS SELECT behind.tool_id,
  max_by(because, (score, confidence, key)) FILTER (verdict = 'ship') AS because_ship,
  min_by(because, (score, 100 - confidence, key)) FILTER (verdict = 'skip') AS because_skip,
  len({_LINES}) AS evidence,
  bool_or(reviews.key IS NULL OR coalesce(unscored_kind IN ('quarantined', {_AGAIN}), false)) AS unfinished,
  CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd ORDER BY key) END AS cost_usd
FROM behind LEFT JOIN reviews USING (key) WHERE behind.kind = 'review' GROUP BY behind.tool_id
"""
BRIEF = f"""
CREATE TEMP TABLE brief_of AS SELECT behind.tool_id, entry, {_PRICE} AS price, cost_usd
FROM behind JOIN (SELECT key, entry, price, cost_usd FROM briefs) USING (key)
"""
TOOLS = """
SELECT latest.tool_id, coalesce(latest.name, latest.tool_id) AS name, version, latest.category, latest.url,
  outcome, ships, skips, unscored, seats, ship_rate, mean_score, score_range, p_ship_probe, p_ship_repeats,
  because_ship, because_skip, entry, brief_of.price, coalesce(evidence, 0)::INTEGER AS evidence,
  holds > 0 AS held, coalesce(unfinished, false) OR outcome = 'no_quorum' AS unfinished,
  CASE WHEN brief_of.tool_id IS NULL THEN seats_of.cost_usd ELSE seats_of.cost_usd + brief_of.cost_usd END AS cost_usd,
  array_to_string(models, '+') AS model, latest.panel_digest, run_id, reviewed_at
FROM latest LEFT JOIN (SELECT dossier_digest, version FROM dossiers) USING (dossier_digest)
LEFT JOIN seats_of USING (tool_id) LEFT JOIN brief_of USING (tool_id) ORDER BY latest.tool_id
"""
REVIEWS = """
SELECT key, reviews.tool_id, persona_id, model, model_answered, fallback, repeat, depth, verdict, score, confidence,
  because, quote, unscored, unscored_kind, reasked, len(flags)::INTEGER AS flags, p_ship_probe, tokens_in,
  tokens_cached, tokens_out, cost_usd, seconds, run_id, panel_digest, finished_at
FROM behind JOIN reviews USING (key) ORDER BY reviews.tool_id, persona_id, model, repeat, key
"""
CALLS = f"SELECT {_WITHOUT_TEXTS} FROM calls WHERE run_id IN ($runs) ORDER BY run_id, seq"
RUNS = """
SELECT runs.* EXCLUDE (package_versions, models, captions, quarantined),
  len(quarantined)::INTEGER AS quarantined, totals.* EXCLUDE (run_id, cost_usd, tokens_in, tokens_cached, tokens_out),
  totals.cost_usd AS calls_cost_usd, TRY_CAST(tokens_in AS BIGINT) AS tokens_in,
  TRY_CAST(tokens_cached AS BIGINT) AS tokens_cached, TRY_CAST(tokens_out AS BIGINT) AS tokens_out
FROM runs LEFT JOIN run_totals AS totals USING (run_id) ORDER BY run_id
"""
FILES = {"tools": TOOLS, "reviews": REVIEWS, "calls": CALLS, "runs": RUNS}


def write_latest(runs: Path, end: RunEnd, outcomes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Write {tools,reviews,calls,runs}.parquet and, last, summary.json into runs/latest, each whole or not at all.

    `end` may be of several runs, its id theirs with commas between; `outcomes` is then how many of its tools came to
    each, which is otherwise counted over the scores of the run.
    Returns the summary: all of `end`; how many tools this run assigned have each outcome; `stuck`, the assignments of
    this run that no later run asks again by itself; the paths of the files. Raises ConfigError without a store,
    StoreError for the store or the disk.
    """
    folder = runs / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error

    def attempt(limit_mb: int) -> dict[str, Any]:
        with open_store(runs) as connection:
            spill = runs / f".panel.{os.getpid()}.latest"
            for setting in ("threads = 1", f"memory_limit = '{limit_mb}MB'", f"temp_directory = {quoted(str(spill))}"):
                connection.execute(f"SET {setting}")
            return _write(connection, folder, end, outcomes)

    try:
        return within_memory(attempt)
    except duckdb.Error as error:
        raise store_error(error, runs / STORE_NAME, advice="runs/latest is as it was") from error
    except OSError as error:
        raise disk_error(error, Path(error.filename2 or error.filename or folder)) from error


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, end: RunEnd,
           outcomes: Mapping[str, int] | None) -> dict[str, Any]:
    for query in (BEHIND, SEATS, BRIEF):
        connection.execute(query)
    paths = {name: folder / f"{name}.parquet" for name in FILES}
    written = {name: path.with_name(f".{path.name}.{os.getpid()}.tmp") for name, path in paths.items()}
    try:
        for name, query in FILES.items():
            runs = ", ".join(map(quoted, end.run_id.split(",")))
            connection.execute(f"COPY ({query.replace('$runs', runs)}) TO {quoted(str(written[name]))} "
                               "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192)")
        summary = _summary(connection, end, outcomes) | {"files": {name: str(path) for name, path in paths.items()}}
        for name, path in paths.items():
            written[name].replace(path)
    finally:
        for path in written.values():
            path.unlink(missing_ok=True)
    write_file(folder / "summary.json", json.dumps(summary, ensure_ascii=False, indent=1).encode() + b"\n")
    return summary


def _summary(connection: duckdb.DuckDBPyConnection, end: RunEnd,
             outcomes: Mapping[str, int] | None) -> dict[str, Any]:
    runs = end.run_id.split(",")
    if outcomes is None:
        outcomes = dict(connection.execute("SELECT outcome, count(*) FROM scores WHERE list_contains(?::VARCHAR[], "
                                           "run_id) GROUP BY outcome", [runs]).fetchall())
    stuck = connection.execute(
        "SELECT count(*) FROM (SELECT unscored_kind, run_id FROM reviews UNION ALL SELECT unscored_kind, run_id FROM "
        f"briefs UNION ALL SELECT unscored_kind, run_id FROM comparisons) WHERE unscored_kind IN ({_STUCK}) "
        "AND list_contains(?::VARCHAR[], run_id)", [runs]).fetchall()[0][0]
    counts = {name: outcomes.get(name, 0) for name in ("ship", "skip", "split", "no_quorum")}
    return {**end.model_dump(mode="json"), **counts, "stuck": stuck}
