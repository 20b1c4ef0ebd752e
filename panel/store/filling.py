"""One batch of journal lines into the tables. Knows nothing of which segments are due, or of scores.

DuckDB reads each kind from the batch's own file with the columns it has; nothing is inserted row by row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError

from panel.errors import StoreError
from panel.journal import broken_line
from panel.schema import (
    Brief,
    Clearance,
    Comparison,
    Completion,
    Dossier,
    DossierLines,
    Resolution,
    Review,
    Run,
    RunEnd,
)
from panel.schema.review import ASKED_AGAIN
from panel.store import tables
from panel.store.opening import quoted, text_lines
from panel.store.shapes import shape_literal, shape_of
from panel.store.sorting import Batch
from panel.store.table import Table

_PLACE = {"n": "BIGINT", "run": "VARCHAR"}
_KEY = _PLACE | {"key": "VARCHAR"}
_SENT = _PLACE | dict.fromkeys(
    ("key", "step", "kind", "tool_id", "persona_id", "wave", "messages", "model", "endpoint", "rung", "at"), "VARCHAR",
) | {"seq": "BIGINT", "attempt": "BIGINT", "repeat": "BIGINT", "reserved_usd": "DOUBLE", "params": "JSON"}
_ANSWER = _PLACE | {
    "seq": "BIGINT", "result": "VARCHAR", "error": "VARCHAR", "http_status": "BIGINT", "at": "VARCHAR",
    "completion": shape_of(Completion, without=frozenset({"logprobs"})),
}
_ASSIGNED = _PLACE | {
    "panel_digest": "VARCHAR", "tool_id": "VARCHAR", "dossier_digest": "VARCHAR", "lines_digest": "VARCHAR",
    "seats": "BIGINT",
    "keys": [{"key": "VARCHAR", "kind": "VARCHAR", "persona_id": "VARCHAR", "model": "VARCHAR", "repeat": "BIGINT"}],
}
_ENDED = _PLACE | {"record": shape_of(RunEnd)}
_ONCE: dict[str, tuple[Table, dict[str, Any]]] = {
    "part": (tables.MESSAGE_PARTS, {"key": "VARCHAR", "text": "VARCHAR"}),
    "messages": (tables.PROMPTS, {"key": "VARCHAR", "messages": [{"role": "VARCHAR", "parts": ["VARCHAR"]}]}),
    "dossier": (tables.DOSSIERS, {"key": "VARCHAR", "record": shape_of(Dossier)}),
    "lines": (tables.DOSSIER_LINES, {"key": "VARCHAR", "dossier_digest": "VARCHAR", "record": shape_of(DossierLines)}),
    "resolution": (tables.RESOLUTIONS, {"key": "VARCHAR", "record": shape_of(Resolution)}),
    "clearance": (tables.CLEARANCES, {"key": "VARCHAR", "record": shape_of(Clearance)}),
}
"""Named by their digest or an id of their own: the first is as good as any."""
_OUTCOMES: dict[str, tuple[Table, type[Review | Brief | Comparison]]] = {
    "review": (tables.REVIEWS, Review), "brief": (tables.BRIEFS, Brief), "compare": (tables.COMPARISONS, Comparison),
}
"""Carried out, perhaps more than once: what is done stays, of those the one that was finished last."""
_STATEMENTS: dict[str, type[Resolution | Clearance]] = {"resolution": Resolution, "clearance": Clearance}
_RANKED_BY = frozenset({"unscored_kind", "finished_at", "run_id", "tool_id"})
_KNOWN_KEYS = quoted(json.dumps(dict.fromkeys(Dossier.model_fields)))
KINDS = (*_ONCE, *_OUTCOMES, "assigned", "sent", "answer", "ended")


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table that says who sits in the runs of a load."""
    connection.execute("CREATE TEMP TABLE sitting (run VARCHAR, persona_id VARCHAR, persona_digest VARCHAR, "
                       "prompts_digest VARCHAR, panel_digest VARCHAR)")


def fill(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Load the batch. Leaves the ids of the tools it is about in the temporary table `touched`.

    Raises StoreError naming file and line where a line is broken, or duckdb.Error.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE touched (tool_id VARCHAR)")
    for folder in batch.runs:
        _load_run(connection, folder)
    _read_statements(connection, batch)
    try:
        for kind in filter(batch.counts.get, _ONCE):
            _load_once(connection, batch, kind)
        if "assigned" in batch.counts:
            _load_assigned(connection, batch)
        for kind in filter(batch.counts.get, _OUTCOMES):
            _load_outcomes(connection, batch, kind)
        _load_calls(connection, batch)
        if "ended" in batch.counts:
            _load_ended(connection, batch)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        _name_broken(batch)
        raise
    for closed in batch.closed:
        connection.execute("INSERT INTO loaded VALUES (?, ?, ?, ?)",
                           [closed.path.parent.name, closed.path.name, closed.lines, closed.size])


def _read(batch: Batch, kind: str, shape: dict[str, Any], more: str = "") -> str:
    """The lines of a kind as a table of these columns, and `more` ones made of the `line`."""
    lines = text_lines(batch.file(kind), batch.longest)
    return f"(SELECT unnest(from_json(line, {shape_literal(shape)})){more} FROM {lines})"


def _read_statements(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Check what people stated, line by line: it is little, and nothing makes it again. Tools with clearances are
    `touched`. Raises StoreError naming file and line.
    """
    for kind, record in _STATEMENTS.items():
        if kind not in batch.counts:
            continue
        with batch.file(kind).open("rb") as file:
            for text in file:
                try:
                    line = json.loads(text)
                    stated = record.model_validate(line["record"])
                except (ValueError, KeyError, RecursionError) as error:
                    raise broken_line(*batch.place(_number(text))) from error
                if isinstance(stated, Clearance):
                    connection.execute("INSERT INTO touched VALUES (?)", [stated.tool_id])


def _number(line: bytes) -> int:
    """The number of a line within its batch."""
    return int(line.split(b'"n":', 1)[1].split(b",", 1)[0])


def _name_broken(batch: Batch) -> None:
    """Raises StoreError naming the first line that is no JSON, if there is one."""
    for kind in batch.counts:
        with batch.file(kind).open("rb") as file:
            for line in file:
                try:
                    json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise broken_line(*batch.place(_number(line))) from error


def _load_once(connection: duckdb.DuckDBPyConnection, batch: Batch, kind: str) -> None:
    table, columns = _ONCE[kind]
    unknown = f", json_merge_patch(line->'record', {_KNOWN_KEYS}) AS more" if kind == "dossier" else ""
    read = _read(batch, kind, columns, unknown)
    same = " AND ".join(f"kept.{column.name} = fresh.{column.expression}" for column in table.columns
                        if column.name in table.order)
    connection.execute(
        f"INSERT INTO {table.name} SELECT {table.expressions()} FROM {read} AS fresh "
        f"ANTI JOIN {table.name} AS kept ON {same}")


def _load_assigned(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM {_read(batch, 'assigned', _ASSIGNED)} QUALIFY "
        "row_number() OVER (PARTITION BY panel_digest, dossier_digest ORDER BY run DESC, n DESC) = 1")
    connection.execute("INSERT INTO touched SELECT DISTINCT tool_id FROM incoming")
    same = "kept.panel_digest = incoming.panel_digest AND kept.dossier_digest = incoming.dossier_digest"
    connection.execute(f"DELETE FROM incoming USING assigned AS kept WHERE {same} AND kept.run_id > incoming.run")
    connection.execute(f"DELETE FROM assigned AS kept USING incoming WHERE {same}")
    connection.execute(f"INSERT INTO assigned SELECT {tables.ASSIGNED.expressions()} FROM incoming")


def _load_outcomes(connection: duckdb.DuckDBPyConnection, batch: Batch, kind: str) -> None:
    table, record = _OUTCOMES[kind]
    again = ", ".join(quoted(kind) for kind in sorted(ASKED_AGAIN))
    done = f"coalesce({{}}.unscored_kind NOT IN ({again}), true)"
    heads = _read(batch, kind, _KEY | {"record": shape_of(record, only=_RANKED_BY)})
    about = "NULL" if record is Comparison else "any_value(record.tool_id)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT key, {about} AS tool_id, unnest(max({{done: "
        f"{done.format('record')}, finished_at: record.finished_at, run_id: record.run_id, n: n}})) FROM {heads} "
        "GROUP BY key")
    if connection.execute(f"SELECT 1 FROM {table.name} SEMI JOIN incoming USING (key) LIMIT 1").fetchall():
        connection.execute(
            f"DELETE FROM incoming USING {table.name} AS kept WHERE kept.key = incoming.key AND "
            f"({done.format('kept')}, kept.finished_at, kept.run_id) > (done, incoming.finished_at, incoming.run_id)")
        connection.execute(f"DELETE FROM {table.name} AS kept USING incoming WHERE kept.key = incoming.key")
    rows = _read(batch, kind, {"n": "BIGINT", "record": shape_of(record)})
    connection.execute(f"INSERT INTO {table.name} SELECT {table.expressions()} FROM {rows} AS fresh "
                       "SEMI JOIN incoming ON incoming.n = fresh.n")
    if record is not Comparison:
        connection.execute("INSERT INTO touched SELECT DISTINCT tool_id FROM incoming")


def _load_calls(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    sent, answer = _read(batch, "sent", _SENT), _read(batch, "answer", _ANSWER)
    if "sent" in batch.counts:
        _make_given(connection, sent)
        connection.execute(
            f"INSERT INTO calls SELECT {tables.CALLS.expressions()} FROM {sent} AS sent "
            f"LEFT JOIN {answer} AS answer ON answer.run = sent.run AND answer.seq = sent.seq "
            "LEFT JOIN given ON given.run = sent.run AND given.key = sent.key "
            "LEFT JOIN sitting ON sitting.run = sent.run AND sitting.persona_id IS NOT DISTINCT FROM sent.persona_id")
    if "answer" in batch.counts:
        numbers = {"run": "VARCHAR", "seq": "BIGINT"}
        late = connection.execute(
            f"SELECT count(*) FROM {_read(batch, 'answer', numbers)} ANTI JOIN {_read(batch, 'sent', numbers)} "
            "USING (run, seq)").fetchall()[0][0]
        if late:
            columns = ", ".join(f'"{column.name}" = {column.source}' for column in tables.CALLS.columns
                                if "answer." in column.source)
            connection.execute(f"UPDATE calls SET {columns} FROM {answer} AS answer WHERE calls.run_id = answer.run "
                               "AND calls.seq = answer.seq AND calls.result = 'lost'")


def _make_given(connection: duckdb.DuckDBPyConnection, sent: str) -> None:
    """The temporary table `given`: of which dossier a review's key is, in this run or else under its panel."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE incoming AS SELECT DISTINCT sent.run, sent.tool_id, sitting.panel_digest "
        f"FROM {sent} AS sent LEFT JOIN sitting ON sitting.run = sent.run AND sitting.persona_id IS NULL")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE given AS SELECT run, key, unnest(min({other: run_id <> run, "
        "panel_digest: panel_digest, dossier_digest: dossier_digest, lines_digest: lines_digest})) FROM "
        "(SELECT incoming.run, assigned.run_id, assigned.panel_digest, dossier_digest, lines_digest, "
        "unnest(keys).key AS key FROM assigned JOIN incoming ON incoming.tool_id = assigned.tool_id "
        "AND (incoming.run = assigned.run_id OR incoming.panel_digest = assigned.panel_digest)) GROUP BY run, key")


def _load_ended(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    columns = ", ".join(f'"{column.name}" = fresh.{column.source}' for column in tables.RUNS.columns if column.source)
    connection.execute(
        f"UPDATE runs SET {columns} FROM (SELECT * FROM {_read(batch, 'ended', _ENDED)} "
        "QUALIFY row_number() OVER (PARTITION BY run ORDER BY n DESC) = 1) AS fresh WHERE runs.run_id = fresh.run")


def _load_run(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The run's row, its panel and personas, and what each persona of it is made of, once a load."""
    run_id = folder.name
    if connection.execute("SELECT 1 FROM sitting WHERE run = ? LIMIT 1", [run_id]).fetchall():
        return
    run = _read_run(folder / "run.json")
    if run is None:
        return
    panel = run.panel
    seats: dict[str | None, str | None] = {None: None} | {seat.persona_id: seat.persona_digest for seat in panel.seats}
    for persona_id, digest in seats.items():
        connection.execute("INSERT INTO sitting VALUES (?, ?, ?, ?, ?)",
                           [run_id, persona_id, digest, panel.prompts_digest, panel.digest])
    _insert_new(connection, tables.RUNS, [
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
    """Insert a row of the first columns unless there is one of that name."""
    found = connection.execute(f"SELECT 1 FROM {table.name} WHERE {table.order[0]} = ?", values[:1]).fetchall()
    if not found:
        names = ", ".join(column.name for column in table.columns[:len(values)])
        connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(values))})", values)
