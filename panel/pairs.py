"""The pairs to compare: each draft with the reviewed tools nearest to it, read from the store.

Two tools are one pair, whichever is the draft. Knows nothing of how nearness is measured (`panel.nearness`) or how a
pair is asked (`panel.run`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import duckdb

from panel.nearness import MOST, Tool, nearest
from panel.schema import Dossier, Record
from panel.store.rows import dossier_from, fetch

PORTION = 5000
"""Tools read from the store at once."""

_TOOLS = (
    "SELECT latest.tool_id, latest.dossier_digest, latest.name, latest.vendor, latest.url, dossier.tagline, "
    f"left(dossier.description, {MOST}) AS description, dossier.category AS said, dossier.pricing, brief.category, "
    "brief.entry, brief.price, concat_ws(' ', brief.description, brief.best_for) AS brief FROM latest "
    "JOIN dossiers AS dossier ON dossier.dossier_digest = latest.dossier_digest "
    "LEFT JOIN (SELECT * FROM briefs WHERE description IS NOT NULL QUALIFY row_number() OVER "
    "(PARTITION BY dossier_digest ORDER BY finished_at DESC, key) = 1) AS brief "
    "ON brief.dossier_digest = latest.dossier_digest WHERE latest.voting > 0 ")


class Pair(Record):
    """A draft, the rival it is compared with, and why this one."""

    draft: str
    rival: str
    draft_digest: str
    rival_digest: str
    nearness: float
    because: str


def choose_pairs(connection: duckdb.DuckDBPyConnection, drafts: Sequence[str], per_draft: int) -> tuple[Pair, ...]:
    """For each draft (a tool's id) at most `per_draft` pairs, nearest first; a pair chosen from both ends comes once.

    A draft nobody could review, or without a rival that is near enough, has none.
    """
    if not per_draft or not drafts:
        return ()
    tools = [_tool(row) for row in fetch(
        connection, _TOOLS + "AND latest.tool_id IN (SELECT unnest($1::VARCHAR[]))", [list(drafts)])]
    order = {tool_id: number for number, tool_id in enumerate(drafts)}
    tools.sort(key=lambda tool: order[tool.tool_id])
    chosen: dict[frozenset[str], Pair] = {}
    found = nearest(tools, _portions(connection), per_draft)
    for draft in tools:
        for rival in found[draft.tool_id]:
            chosen.setdefault(frozenset((draft.tool_id, rival.tool.tool_id)), Pair(
                draft=draft.tool_id, rival=rival.tool.tool_id, draft_digest=draft.dossier_digest,
                rival_digest=rival.tool.dossier_digest, nearness=rival.nearness, because=rival.because))
    return tuple(chosen.values())


def drafts_in(connection: duckdb.DuckDBPyConnection, top: int) -> list[str]:
    """The ids of the `top` best tools with a score at full depth."""
    return [row[0] for row in connection.execute(
        "SELECT tool_id FROM latest WHERE depth = 'full' AND voting > 0 ORDER BY ship_rate DESC NULLS LAST, "
        "mean_score DESC NULLS LAST, p_ship_probe DESC NULLS LAST, p_ship_repeats DESC NULLS LAST, tool_id LIMIT ?",
        [top]).fetchall()]


def dossiers_of(connection: duckdb.DuckDBPyConnection, digests: Sequence[str]) -> dict[str, Dossier]:
    """The dossiers of these digests, as the store has them."""
    rows = fetch(connection, "SELECT * FROM dossiers WHERE dossier_digest IN (SELECT unnest($1::VARCHAR[]))",
                 [list(digests)])
    return {row["dossier_digest"]: dossier_from(row) for row in rows}


def items_of(connection: duckdb.DuckDBPyConnection, pairs: Sequence[Pair]) -> list[tuple[Dossier, Dossier]]:
    """The dossiers of each pair, as a run takes them."""
    known = dossiers_of(connection, [digest for pair in pairs for digest in (pair.draft_digest, pair.rival_digest)])
    return [(known[pair.draft_digest], known[pair.rival_digest]) for pair in pairs]


def _portions(connection: duckdb.DuckDBPyConnection) -> Callable[[], Iterator[list[Tool]]]:
    """All reviewed tools, PORTION at a time: a whole result would lie in memory."""
    count = connection.execute("SELECT count(*) FROM latest").fetchall()[0][0]
    parts = 1 + count // PORTION

    def read() -> Iterator[list[Tool]]:
        for part in range(parts):
            yield [_tool(row) for row in fetch(
                connection, _TOOLS + "AND hash(latest.tool_id) % $1 = $2 ORDER BY latest.tool_id", [parts, part])]

    return read


def _tool(row: dict[str, Any]) -> Tool:
    entry, price, unit = price_of(row["pricing"] or (), row["price"], row["entry"])
    kept = {name: row[name] for name in ("tool_id", "dossier_digest", "tagline", "description", "category", "said",
                                         "vendor", "url", "brief")}
    return Tool(**kept, name=row["name"] or row["tool_id"], entry=entry, price=price, unit=unit)


def price_of(
    plans: Sequence[Mapping[str, Any]], read: Mapping[str, Any] | None = None, entry: str | None = None
) -> tuple[str, float | None, str | None]:
    """Kind of entry, lowest price that is not nothing, and its currency and unit.

    By the dossier's plans, else by what a brief read (`read`, and the kind of `entry`).
    """
    known = [plan for plan in plans if plan["amount"] is not None]
    paid = [plan for plan in known if plan["amount"] > 0]
    if known:
        free = len(paid) < len(known)
        entry = "freemium" if free and paid else "paid" if paid else "free"
    elif read and read["amount"]:
        paid = [read]
    if not paid:
        return entry or "unknown", None, None
    lowest = min(paid, key=lambda plan: float(plan["amount"]))
    unit = " ".join(str(lowest[name]).casefold() for name in ("currency", "unit") if lowest[name])
    return entry or "unknown", float(lowest["amount"]), unit
