"""One journal segment into the tables, in one transaction. Knows nothing of which segments are due, or of scores.

DuckDB reads the lines itself and takes each kind apart by the shape of its record; nothing is inserted row by row.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError

from panel.errors import StoreError
from panel.journal import read_lines
from panel.schema import Brief, Comparison, Completion, Dossier, DossierLines, Review, Run
from panel.schema.review import ASKED_AGAIN
from panel.store import tables
from panel.store.opening import quoted, quoted_file
from panel.store.shapes import shape_literal, shape_of
from panel.store.table import Table

_SENT = dict.fromkeys(
    ("key", "step", "kind", "tool_id", "persona_id", "wave", "messages", "model", "endpoint", "rung", "at"), "VARCHAR",
) | {"seq": "BIGINT", "attempt": "BIGINT", "repeat": "BIGINT", "reserved_usd": "DOUBLE", "params": "JSON"}
_ANSWER = {
    "seq": "BIGINT", "result": "VARCHAR", "error": "VARCHAR", "http_status": "BIGINT", "at": "VARCHAR",
    "completion": shape_of(Completion, leave_out=frozenset({"logprobs"})),
}
_ASSIGNED = {
    "panel_digest": "VARCHAR", "tool_id": "VARCHAR", "dossier_digest": "VARCHAR", "lines_digest": "VARCHAR",
    "seats": "BIGINT",
    "keys": [{"key": "VARCHAR", "kind": "VARCHAR", "persona_id": "VARCHAR", "model": "VARCHAR", "repeat": "BIGINT"}],
}
_KEY = {"key": "VARCHAR"}
_ONCE: dict[str, tuple[Table, dict[str, Any]]] = {
    "part": (tables.MESSAGE_PARTS, {**_KEY, "text": "VARCHAR"}),
    "messages": (tables.PROMPTS, {**_KEY, "messages": [{"role": "VARCHAR", "parts": ["VARCHAR"]}]}),
    "dossier": (tables.DOSSIERS, {**_KEY, "record": shape_of(Dossier)}),
    "lines": (tables.DOSSIER_LINES, {**_KEY, "dossier_digest": "VARCHAR", "record": shape_of(DossierLines)}),
}
"""Named by their digest: the first is as good as any."""
_OUTCOMES: dict[str, tuple[Table, dict[str, Any]]] = {
    "review": (tables.REVIEWS, {**_KEY, "record": shape_of(Review)}),
    "brief": (tables.BRIEFS, {**_KEY, "record": shape_of(Brief)}),
    "compare": (tables.COMPARISONS, {**_KEY, "record": shape_of(Comparison)}),
}
"""Carried out, perhaps more than once: the last that is done stays, else the last."""
_KNOWN_KEYS = quoted(json.dumps(dict.fromkeys(Dossier.model_fields)))
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Segment:
    """A segment on disk. `size` and `lines` count whole lines only, `longest` is in bytes; a kill may leave more."""

    path: Path
    size: int
    lines: int
    longest: int
    torn: bool

    @property
    def run_id(self) -> str:
        """The run it belongs to."""
        return self.path.parent.name


@dataclass(frozen=True)
class SegmentCounts:
    """What one segment held."""

    reviews: int
    calls: int


def measure(path: Path) -> Segment:
    """Look at the line ends of a segment."""
    size = lines = longest = 0
    torn = False
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                torn = True
                break
            size += len(line)
            lines += 1
            longest = max(longest, len(line))
    return Segment(path, size, lines, longest, torn)


def stage(connection: duckdb.DuckDBPyConnection, segment: Segment, spare: Path) -> None:
    """Read the lines into the temporary table `staged`, in order, with their kind; outside any transaction.

    `spare` is a file name to use where the segment must be cleaned first. Raises StoreError naming file and line.
    """
    path = segment.path
    if segment.torn:
        path = _cleaned(segment.path, spare)
    try:
        _read_objects(connection, path, segment.longest)
    except duckdb.InvalidInputException:
        # Either a line is broken, which _cleaned names, or an answer holds a lone surrogate, which it replaces.
        _read_objects(connection, _cleaned(segment.path, spare), segment.longest)
    finally:
        spare.unlink(missing_ok=True)
    bad = connection.execute("SELECT min(rowid) FROM staged WHERE kind IS NULL").fetchall()[0][0]
    if bad is not None:
        raise StoreError(f"{segment.path}:{bad + 1}: not a journal line (no key or kind); move the file away and run "
                         "`ship-panel rebuild`")


def load_segment(connection: duckdb.DuckDBPyConnection, segment: Segment) -> SegmentCounts:
    """Load the staged segment into the tables, within the caller's transaction.

    Leaves the ids of the tools it is about in the temporary table `touched`. Raises StoreError or duckdb.Error.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE touched (tool_id VARCHAR)")
    _load_run(connection, segment.path.parent / "run.json", segment.run_id)
    for kind, (table, shape) in _ONCE.items():
        if _take(connection, kind, shape, "incoming"):
            _insert_once(connection, table)
    _load_assigned(connection, segment.run_id)
    reviews = 0
    for kind, (table, shape) in _OUTCOMES.items():
        found = _take(connection, kind, shape, "incoming")
        if found:
            _insert_outcomes(connection, table)
        reviews += found if kind == "review" else 0
    calls = _load_calls(connection, segment.run_id)
    connection.execute("INSERT INTO loaded VALUES (?, ?, ?, ?)",
                       [segment.run_id, segment.path.name, segment.lines, segment.size])
    for name in ("staged", "incoming", "sent", "answer"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
    return SegmentCounts(reviews, calls)


def _read_objects(connection: duckdb.DuckDBPyConnection, path: Path, longest: int) -> None:
    size = max(1 << 20, 2 * longest)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE staged AS SELECT line, CASE WHEN found[1] IS NOT NULL THEN found[2] END AS kind "
        "FROM (SELECT json AS line, json_extract_string(json, ['key', 't']) AS found "
        f"FROM read_ndjson_objects({quoted_file(path)}, maximum_object_size = {size}))")


def _cleaned(path: Path, spare: Path) -> Path:
    """A copy of the whole lines in which lone surrogates, which DuckDB refuses, are U+FFFD."""
    with spare.open("wb") as file:
        for line in read_lines(path):
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
            file.write(_LONE_SURROGATE.sub("\ufffd", text).encode() + b"\n")
    return spare


def _take(connection: duckdb.DuckDBPyConnection, kind: str, shape: dict[str, Any], into: str) -> int:
    """The staged lines of one kind, taken apart into the temporary table `into`; how many there are."""
    more = f", json_merge_patch(line->'record', {_KNOWN_KEYS}) AS more" if kind == "dossier" else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT rowid AS place, unnest(from_json(line, {shape_literal(shape)}))"
        f"{more} FROM staged WHERE kind = '{kind}'")
    return int(connection.execute(f"SELECT count(*) FROM {into}").fetchall()[0][0])


def _insert_once(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    digest = table.order[0]
    connection.execute(
        f"INSERT INTO {table.name} SELECT {table.expressions()} FROM "
        "(SELECT * FROM incoming QUALIFY row_number() OVER (PARTITION BY key ORDER BY place) = 1) AS fresh "
        f"ANTI JOIN {table.name} AS kept ON kept.{digest} = fresh.key")


def _insert_outcomes(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    again = ", ".join(quoted(kind) for kind in sorted(ASKED_AGAIN))
    fresh_done = f"(coalesce(record.unscored_kind NOT IN ({again}), true))"
    kept_done = f"(coalesce(kept.unscored_kind NOT IN ({again}), true))"
    connection.execute(
        f"DELETE FROM incoming WHERE place NOT IN (SELECT arg_max(place, ({fresh_done}, place)) FROM incoming "
        "GROUP BY key)")
    connection.execute(
        f"DELETE FROM {table.name} AS kept USING incoming WHERE kept.key = incoming.key "
        f"AND ({fresh_done} OR NOT {kept_done})")
    connection.execute(
        f"INSERT INTO {table.name} SELECT {table.expressions()} FROM incoming ANTI JOIN {table.name} AS kept "
        "ON kept.key = incoming.key")
    if table is not tables.COMPARISONS:
        connection.execute("INSERT INTO touched SELECT DISTINCT record.tool_id FROM incoming")


def _load_assigned(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    if not _take(connection, "assigned", _ASSIGNED, "incoming"):
        return
    connection.execute(
        "DELETE FROM assigned AS kept USING incoming WHERE kept.panel_digest = incoming.panel_digest "
        "AND kept.dossier_digest = incoming.dossier_digest")
    connection.execute(
        f"INSERT INTO assigned SELECT {tables.ASSIGNED.expressions()} FROM (SELECT * FROM incoming QUALIFY "
        "row_number() OVER (PARTITION BY panel_digest, dossier_digest ORDER BY place DESC) = 1)", {"run": run_id})
    connection.execute("INSERT INTO touched SELECT DISTINCT tool_id FROM incoming")


def _load_calls(connection: duckdb.DuckDBPyConnection, run_id: str) -> int:
    calls = _take(connection, "sent", _SENT, "sent")
    answers = _take(connection, "answer", _ANSWER, "answer")
    if calls:
        connection.execute(
            f"INSERT INTO calls SELECT {tables.CALLS.expressions()} FROM sent "
            "LEFT JOIN answer ON answer.seq = sent.seq "
            "LEFT JOIN (SELECT key, min(panel_digest) AS panel_digest, min(dossier_digest) AS dossier_digest, "
            "min(lines_digest) AS lines_digest FROM (SELECT unnest(keys).key AS key, panel_digest, dossier_digest, "
            "lines_digest FROM assigned WHERE run_id = $run) GROUP BY key) AS given ON given.key = sent.key "
            "LEFT JOIN sitting ON sitting.persona_id IS NOT DISTINCT FROM sent.persona_id", {"run": run_id})
    late = answers and connection.execute(
        "SELECT count(*) FROM answer ANTI JOIN sent ON sent.seq = answer.seq").fetchall()[0][0]
    if late:
        columns = ", ".join(f'"{column.name}" = {column.source}' for column in tables.CALLS.columns
                            if "answer." in column.source)
        connection.execute(f"UPDATE calls SET {columns} FROM answer WHERE calls.run_id = $run "
                           "AND calls.seq = answer.seq AND calls.result = 'lost'", {"run": run_id})
    return calls


def _load_run(connection: duckdb.DuckDBPyConnection, path: Path, run_id: str) -> None:
    """The run's row, its panel and personas; and the temporary table `sitting`: what each persona of it is made of."""
    connection.execute("CREATE OR REPLACE TEMP TABLE sitting (persona_id VARCHAR, persona_digest VARCHAR, "
                       "prompts_digest VARCHAR, panel_digest VARCHAR)")
    run = _read_run(path)
    if run is None:
        return
    panel = run.panel
    seats: dict[str | None, str | None] = {None: None} | {seat.persona_id: seat.persona_digest for seat in panel.seats}
    for persona_id, digest in seats.items():
        connection.execute("INSERT INTO sitting VALUES (?, ?, ?, ?)",
                           [persona_id, digest, panel.prompts_digest, panel.digest])
    if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", [run_id]).fetchall():
        return
    connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [
        run_id, run.command, run.started_at, run.program_version, json.dumps(run.package_versions), panel.digest,
        json.dumps(run.models), list(run.captions)])
    _insert_new(connection, tables.PANELS, [
        panel.digest, panel.depth, panel.prompts, panel.prompts_digest,
        list(dict.fromkeys(seat.model for seat in panel.seats)), panel.sampling.temperature, panel.repeats,
        panel.model_dump_json()])
    for persona in run.personas:
        _insert_new(connection, tables.PERSONAS, [
            persona.digest, persona.id, persona.name, persona.motto, persona.model_dump_json()])


def _read_run(path: Path) -> Run | None:
    """The run's description; None where a copy of `runs/` left it out."""
    try:
        return Run.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise StoreError(f"{path}: {where}: {first['msg']}; move its folder away and run `ship-panel rebuild`") \
            from error


def _insert_new(connection: duckdb.DuckDBPyConnection, table: Table, values: list[Any]) -> None:
    found = connection.execute(f"SELECT 1 FROM {table.name} WHERE {table.order[0]} = ?", values[:1]).fetchall()
    if not found:
        connection.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(values))})", values)
