"""What pages and commands ask of the store, over a short read-only connection (`open_store`).

Answers are records. Knows nothing of how they are shown.
"""

from __future__ import annotations

from typing import Any

import duckdb

from panel.errors import ConfigError, StoreError
from panel.schema import (
    Brief,
    Clearance,
    Comparison,
    Depth,
    DossierLines,
    Flag,
    Message,
    Panel,
    Persona,
    Prompt,
    Review,
)
from panel.schema.leaderboard import LeaderboardRow
from panel.schema.record import DIGEST_LENGTH
from panel.schema.scorecard import Held, Scorecard
from panel.store.rows import brief_from, comparison_from, dossier_from, fetch, lines_from, review_from, score_from
from panel.store.views import ECHO_FLAG

Connection = duckdb.DuckDBPyConnection

SORTS = {
    "ship_rate": "ship_rate DESC NULLS LAST, mean_score DESC NULLS LAST",
    "mean_score": "mean_score DESC NULLS LAST",
    "range": "score_range DESC NULLS LAST",
    "p_ship": "p_ship_probe DESC NULLS LAST, p_ship_repeats DESC NULLS LAST",
    "name": "lower(name)",
    "date": "reviewed_at DESC",
}
"""What a leaderboard can be ordered by; equal tools then go by mean score and id."""
OUTCOMES = ("ship", "skip", "split", "no_quorum")
_NAMED = 3


def leaderboard(
    connection: Connection, *, category: str | None = None, outcome: str | None = None, model: str | None = None,
    search: str | None = None, sort: str = "ship_rate", limit: int | None = None, depth: Depth | None = None,
    held: bool | None = None,
) -> list[LeaderboardRow]:
    """The latest score of every tool that fits, best first.

    `search` is a part of id, name or tagline, in any case; `model` as asked; `held` keeps those that wait for an
    editor, or those that do not. Raises ConfigError for an unknown `sort` or `outcome`.
    """
    _one_of("sort", sort, tuple(SORTS))
    if outcome is not None:
        _one_of("outcome", outcome, OUTCOMES)
    wanted: list[tuple[str, Any]] = [
        ("lower(category) = lower(?)", category), ("outcome = ?", outcome), ("list_contains(models, ?)", model),
        ("depth = ?", depth), ("(holds > 0) = ?", held),
        ("contains(lower(concat_ws(' ', tool_id, name, tagline)), lower(?))", search),
    ]
    asked = [(condition, value) for condition, value in wanted if value is not None]
    where = " AND ".join(condition for condition, _ in asked) or "true"
    rows = fetch(
        connection, f"SELECT * FROM latest WHERE {where} ORDER BY {SORTS[sort]}, mean_score DESC NULLS LAST, tool_id "
        f"{'' if limit is None else f'LIMIT {int(limit)}'}", [value for _, value in asked])
    return [LeaderboardRow(name=row["name"] or row["tool_id"], category=row["category"], thin=row["thin"],
                           score=score_from(row), reviewed_at=row["reviewed_at"], held=row["holds"] > 0)
            for row in rows]


def find_tool(connection: Connection, text: str) -> str:
    """The id of the tool meant: exactly, in any case, or by the only beginning of an id or name that fits.

    Raises ConfigError naming the nearest ids.
    """
    rows = fetch(
        connection, "SELECT tool_id, lower(tool_id) = lower($1) OR lower(name) = lower($1) AS exact FROM latest "
        "WHERE starts_with(lower(tool_id), lower($1)) OR starts_with(lower(name), lower($1)) "
        "ORDER BY tool_id = $1 DESC, exact DESC, tool_id LIMIT 6", [text])
    exact = [row["tool_id"] for row in rows if row["exact"]]
    if len(rows) == 1 or len(exact) == 1 or text in exact:
        return str(exact[0] if exact else rows[0]["tool_id"])
    near = [row["tool_id"] for row in rows] or [row["tool_id"] for row in fetch(
        connection, "SELECT tool_id FROM latest WHERE jaro_winkler_similarity(tool_id, lower($1)) > 0.8 "
        f"ORDER BY jaro_winkler_similarity(tool_id, lower($1)) DESC, tool_id LIMIT {_NAMED}", [text])]
    if not near:
        raise ConfigError(f"no tool {text!r} in the store; `ship-panel list` shows them all")
    if len(rows) > 1:
        raise ConfigError(f"{text!r} is the beginning of several tools: {', '.join(near[:5])}"
                          f"{', ...' if len(near) > 5 else ''}")
    raise ConfigError(f"no tool {text!r}; did you mean {', '.join(near)}?")


def scorecard(connection: Connection, tool_id: str, panel: str | None = None) -> Scorecard:
    """Everything one page about one tool needs: its latest score, or the newest under `panel` (a digest's beginning).

    Raises ConfigError when the tool has no such score, or when `panel` is the beginning of several digests.
    """
    score = _score_row(connection, tool_id, panel)
    key = [score["panel_digest"], score["dossier_digest"]]
    given = fetch(connection, "SELECT * FROM assigned WHERE panel_digest = ? AND dossier_digest = ?", key)[0]
    keys = [item["key"] for item in given["keys"]]
    order = {key: number for number, key in enumerate(keys)}
    rows = fetch(connection, "SELECT * FROM reviews WHERE tool_id = ? AND list_contains(?::VARCHAR[], key)",
                 [tool_id, keys])
    reviews = tuple(review_from(row) for row in sorted(rows, key=lambda row: order[row["key"]]))
    cleared = _cleared(connection, tool_id, *key)
    record = _panel(connection, score["panel_digest"])
    runs = tuple(sorted({review.run_id for review in reviews}))
    return Scorecard(
        dossier=dossier_from(_only(connection, "dossiers", "dossier_digest", score["dossier_digest"])),
        lines=_lines(connection, given["lines_digest"], score["dossier_digest"]),
        brief=_brief(connection, tool_id, score["dossier_digest"], keys),
        score=score_from(score), reviews=reviews, panel=record,
        personas=tuple(_persona(connection, digest)
                       for digest in dict.fromkeys(seat.persona_digest for seat in record.seats)),
        captions=_captions(connection, {*runs, score["run_id"]}), reviewed_at=score["reviewed_at"], runs=runs,
        holds=_holds(reviews, cleared), cleared=cleared, echoes=_echoes(connection, reviews))


def _cleared(connection: Connection, tool_id: str, panel_digest: str, dossier_digest: str) -> tuple[Clearance, ...]:
    rows = fetch(connection, "SELECT * EXCLUDE (clearance_id) FROM clearances WHERE tool_id = ? AND panel_digest = ? "
                             'AND dossier_digest = ? ORDER BY "at", clearance_id',
                 [tool_id, panel_digest, dossier_digest])
    return tuple(Clearance.model_validate(row) for row in rows)


def _holds(reviews: tuple[Review, ...], cleared: tuple[Clearance, ...]) -> tuple[Held, ...]:
    """The flags that `scores.holds` counts: the same words twice in one field are one."""
    passed = {(flag.key, flag.kind, flag.field, flag.text) for one in cleared for flag in one.flags}
    found: dict[tuple[str | None, ...], Held] = {}
    for review in reviews:
        for flag in review.flags:
            which = (review.key, flag.kind, flag.field, flag.text)
            if flag.holds and which not in passed:
                found.setdefault(which, Held(key=review.key, persona_id=review.persona_id, flag=flag))
    return tuple(found.values())


def _echoes(connection: Connection, reviews: tuple[Review, ...]) -> tuple[Held, ...]:
    rows = fetch(connection, f"SELECT key, persona_id, {ECHO_FLAG} FROM echoes WHERE "
                             "list_contains(?::VARCHAR[], key) ORDER BY key, position",
                 [[review.key for review in reviews]])
    return tuple(Held(key=row.pop("key"), persona_id=row.pop("persona_id"), flag=Flag(**row)) for row in rows)


def comparisons(connection: Connection, a: str, b: str, panel: str | None = None) -> tuple[Comparison, ...]:
    """Every persona's answers about two tools, in both orders, under `panel` (a digest), else under the newest.

    Empty when they were never compared.
    """
    rows = fetch(
        connection, "SELECT * FROM comparisons WHERE ((tool_a = $1 AND tool_b = $2) OR (tool_a = $2 AND tool_b = $1)) "
        "AND ($3 IS NULL OR panel_digest = $3) ORDER BY finished_at, key", [a, b, panel])
    newest = rows[-1]["panel_digest"] if rows else None
    kept = [row for row in rows if row["panel_digest"] == newest]
    latest = {(row["tool_a"], row["persona_id"], row["model"], row["repeat"]): row for row in kept}
    return tuple(comparison_from(row) for row in latest.values())


def prompt_of(connection: Connection, messages_digest: str) -> Prompt:
    """The messages that were sent. Raises ConfigError when the store has none of that digest."""
    rows = fetch(connection, "SELECT role, parts FROM messages WHERE messages_digest = ? ORDER BY position",
                 [messages_digest])
    if not rows:
        raise ConfigError(f"no messages {messages_digest!r} in the store")
    wanted = [part for row in rows for part in row["parts"]]
    texts = dict(connection.execute("SELECT part_digest, text FROM message_parts WHERE "
                                    "list_contains(?::VARCHAR[], part_digest)", [wanted]).fetchall())
    return Prompt(messages=tuple(
        Message(role=row["role"], parts=tuple(texts[part] for part in row["parts"])) for row in rows))


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} {value!r}: must be one of {', '.join(choices)}")


def _score_row(connection: Connection, tool_id: str, panel: str | None) -> dict[str, Any]:
    if panel is None:
        rows = fetch(connection, "SELECT * FROM latest WHERE tool_id = ?", [tool_id])
        if not rows:
            raise ConfigError(f"no tool {tool_id!r} in the store; `ship-panel list` shows them all")
        return rows[0]
    rows = fetch(
        connection, "SELECT * FROM scores WHERE tool_id = ? AND starts_with(panel_digest, ?) "
        "ORDER BY run_id DESC, reviewed_at DESC, dossier_digest", [tool_id, panel.lower()])
    if not rows:
        known = fetch(connection, "SELECT DISTINCT left(panel_digest, 12) AS digest FROM scores WHERE tool_id = ? "
                                  "ORDER BY 1", [tool_id])
        has = f"it has {', '.join(row['digest'] for row in known)}" if known else "it has none"
        raise ConfigError(f"{tool_id} has no score under a panel {panel!r}; {has}")
    if len(panel) < DIGEST_LENGTH and len({row["panel_digest"] for row in rows}) > 1:
        raise ConfigError(f"panel {panel!r} is the beginning of several digests: give more of it")
    return rows[0]


def _only(connection: Connection, table: str, column: str, digest: str) -> dict[str, Any]:
    rows = fetch(connection, f"SELECT * FROM {table} WHERE {column} = ? LIMIT 1", [digest])
    if not rows:
        raise StoreError(f"the store has no row of {table} for {digest[:12]}: a file of its run is missing; put it "
                         "back and run `ship-panel rebuild`")
    return rows[0]


def _lines(connection: Connection, lines_digest: str, dossier_digest: str) -> DossierLines:
    rows = fetch(connection, "SELECT * FROM dossier_lines WHERE lines_digest = ? ORDER BY dossier_digest = ? DESC",
                 [lines_digest, dossier_digest])
    return lines_from(rows[0] if rows else _only(connection, "dossier_lines", "lines_digest", lines_digest))


def _brief(connection: Connection, tool_id: str, dossier_digest: str, keys: list[str]) -> Brief | None:
    """The panel's own brief, else the newest of the same dossier that has one."""
    rows = fetch(
        connection, "SELECT * FROM briefs WHERE tool_id = ? AND dossier_digest = ? ORDER BY "
        "list_contains(?::VARCHAR[], key) DESC, unscored IS NULL DESC, finished_at DESC, key LIMIT 1",
        [tool_id, dossier_digest, keys])
    return brief_from(rows[0]) if rows else None


def _panel(connection: Connection, digest: str) -> Panel:
    return Panel.model_validate_json(_only(connection, "panels", "panel_digest", digest)["record"])


def _persona(connection: Connection, digest: str) -> Persona:
    return Persona.model_validate_json(_only(connection, "personas", "persona_digest", digest)["record"])


def _captions(connection: Connection, runs: set[str]) -> tuple[str, ...]:
    rows = fetch(connection, "SELECT captions FROM runs WHERE list_contains(?::VARCHAR[], run_id) ORDER BY run_id",
                 [sorted(runs)])
    return tuple(dict.fromkeys(caption for row in rows for caption in row["captions"]))
