"""What a night came to: its stages, its drafts and pairs, how often triage and editorial disagree, and one end of all.

Knows nothing of how the night was carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb

from panel.errors import PanelError
from panel.journal import stamp, utc_now
from panel.pairs import Pair
from panel.schema import Record, RunEnd
from panel.scoring import stable_pick
from panel.store import comparisons, open_store
from panel.store.rows import fetch
from panel.watch.shortlist import Shortlist

StageName = Literal["left", "triage", "drafts", "pairs"]
NAMED = 100
"""Tools named in a disagreement."""
SUMS = ("kept", "scored", "unscored", "reasked", "calls", "faults", "tokens_in", "tokens_cached", "tokens_out")


class Stage(Record):
    """One run of a night: `left` finishes the drafts of an earlier shortlist. `asked` tools or pairs were given."""

    name: StageName
    asked: int
    end: RunEnd

    @property
    def left(self) -> int:
        """How many of them are left for the next night."""
        return self.asked - self.end.tools_done


class Draft(Record):
    """A tool of a shortlist, and what the editorial panel says of it; null: not drafted yet."""

    tool_id: str
    name: str
    triage: str | None = None
    outcome: str | None = None
    ships: float | None = None
    voting: int | None = None
    mean_score: float | None = None


class Compared(Record):
    """A pair, and what each seat picks in both orders: a tool's id, neither, not_comparable or no stable preference."""

    pair: Pair
    picks: dict[str, int] = {}
    """Pick → seats; empty: not compared yet."""


class Disagreement(Record):
    """Of the dossiers that both panels gave an outcome, how many got another one from each."""

    compared: int = 0
    disagree: int = 0
    which: tuple[str, ...] = ()
    """The first of them."""


class Night(Record):
    """One night. `end` is of all its runs together: tools are counted once, whatever was asked of them."""

    end: RunEnd
    outcomes: dict[str, int] = {}
    """Of the night's tools, by the editorial panel where it has one, else by triage."""
    taken_in: tuple[str, ...] = ()
    """Imports that are new."""
    faults: tuple[str, ...] = ()
    """Sources that gave nothing, and why."""
    bad_records: int = 0
    stages: tuple[Stage, ...] = ()
    drafts: tuple[Draft, ...] = ()
    pairs: tuple[Compared, ...] = ()
    disagreement: Disagreement = Disagreement()


class NightParts(NamedTuple):
    """What is known of a night when it ends."""

    began: datetime
    code: int
    stopped_by: str | None
    stages: tuple[Stage, ...]
    faults: tuple[str, ...]
    taken_in: tuple[str, ...]
    bad_records: int
    cap_usd: float | None
    launches: tuple[str, ...]
    """Digests of the dossiers that triage was to read."""
    shortlists: tuple[Shortlist, ...]
    """Those that were worked on."""
    panels: dict[Literal["triage", "editorial"], str]


def known_spent(runs: Path, end: RunEnd) -> float:
    """What a run spent, as far as prices are known: calls without an answer at their most."""
    if end.cost_usd is not None:
        return end.cost_usd
    with open_store(runs) as store:
        rows = store.execute("SELECT coalesce(sum(coalesce(cost_usd, reserved_usd)), 0) FROM calls WHERE run_id = ?",
                             [end.run_id]).fetchall()
    return float(rows[0][0])


def summarise(runs: Path, parts: NightParts) -> Night:
    """The night's record; what only the store knows is left out when the store cannot be read."""
    end = _end_of_all(parts)
    told = Night(end=end, taken_in=parts.taken_in, faults=parts.faults, bad_records=parts.bad_records,
                 stages=parts.stages)
    try:
        with open_store(runs) as store:
            return told.model_copy(update={
                "outcomes": _outcomes(store, parts), "drafts": _drafts(store, parts), "pairs": _pairs(store, parts),
                "disagreement": _disagreement(store, parts.panels)})
    except PanelError:
        return told


def _end_of_all(parts: NightParts) -> RunEnd:
    """Every run of the night as one. Left are tools of which triage or draft is left, and pairs."""
    ends = [stage.end for stage in parts.stages]
    now = utc_now()
    costs = [end.cost_usd for end in ends]
    kinds: dict[str, int] = {}
    for end in ends:
        for kind, number in end.unscored_kinds.items():
            kinds[kind] = kinds.get(kind, 0) + number
    asked, left = _tools(parts)
    pairs_left = sum(stage.left for stage in parts.stages if stage.name == "pairs")
    return RunEnd(
        run_id=",".join(end.run_id for end in ends) or "-", started_at=stamp(parts.began), ended_at=stamp(now),
        seconds=round((now - parts.began).total_seconds(), 3), exit_code=parts.code, stopped_by=parts.stopped_by,
        tools_asked=asked, tools_done=asked - left, tools_left=left + pairs_left, unscored_kinds=kinds,
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        cap_usd=ends[0].cap_usd if ends else parts.cap_usd,
        quarantined=tuple(one for end in ends for one in end.quarantined)[:NAMED],
        **{name: sum(getattr(end, name) for end in ends) for name in SUMS})


def _tools(parts: NightParts) -> tuple[int, int]:
    """How many tools the night was to work on, and of how many something is left."""
    new = set(parts.launches)
    older = {tool.dossier_digest for each in parts.shortlists for tool in each.tools} - new
    begun = {stage.name for stage in parts.stages}
    left = sum(stage.left for stage in parts.stages if stage.name != "pairs")
    if new and "triage" not in begun:
        left += len(new)
    drafting = sum(stage.name in ("left", "drafts") for stage in parts.stages)
    left += sum(len(each.tools) for each in [each for each in parts.shortlists if each.tools][drafting:])
    return len(new) + len(older), left


def _outcomes(store: duckdb.DuckDBPyConnection, parts: NightParts) -> dict[str, int]:
    tools = {*parts.launches, *(tool.dossier_digest for each in parts.shortlists for tool in each.tools)}
    rows = store.execute(
        "SELECT outcome, count(*) FROM (SELECT outcome FROM scores WHERE panel_digest IN ($1, $2) AND dossier_digest "
        "IN (SELECT unnest($3::VARCHAR[])) QUALIFY row_number() OVER (PARTITION BY dossier_digest "
        "ORDER BY panel_digest = $2 DESC) = 1) GROUP BY outcome ORDER BY outcome",
        [parts.panels["triage"], parts.panels["editorial"], list(tools)]).fetchall()
    return {outcome: int(number) for outcome, number in rows}


def _drafts(store: duckdb.DuckDBPyConnection, parts: NightParts) -> tuple[Draft, ...]:
    """Every tool of the shortlists worked on, in their order."""
    wanted = [tool.dossier_digest for each in parts.shortlists for tool in each.tools]
    rows = fetch(
        store, "SELECT dossier.dossier_digest, dossier.tool_id, dossier.name, triage.outcome AS triage, "
        "draft.outcome, draft.ships, draft.voting, draft.mean_score FROM dossiers AS dossier "
        "LEFT JOIN scores AS triage ON triage.dossier_digest = dossier.dossier_digest AND triage.panel_digest = $1 "
        "LEFT JOIN scores AS draft ON draft.dossier_digest = dossier.dossier_digest AND draft.panel_digest = $2 "
        "WHERE dossier.dossier_digest IN (SELECT unnest($3::VARCHAR[]))",
        [parts.panels["triage"], parts.panels["editorial"], wanted])
    known = {row.pop("dossier_digest"): Draft(**row) for row in rows}
    return tuple(known[digest] for digest in wanted if digest in known)


def _pairs(store: duckdb.DuckDBPyConnection, parts: NightParts) -> tuple[Compared, ...]:
    return compared(store, [pair for each in parts.shortlists for pair in each.pairs or ()], parts.panels["editorial"])


def compared(store: duckdb.DuckDBPyConnection, pairs: Sequence[Pair], panel_digest: str) -> tuple[Compared, ...]:
    """What the seats of a panel pick of each pair."""
    return tuple(Compared(pair=pair, picks=_picks(store, pair, panel_digest)) for pair in pairs)


def _picks(store: duckdb.DuckDBPyConnection, pair: Pair, panel_digest: str) -> dict[str, int]:
    seats: dict[tuple[str, str, int], dict[str, Any]] = {}
    for one in comparisons(store, pair.draft, pair.rival, panel_digest):
        seats.setdefault((one.persona_id, one.model, one.repeat), {})[one.tool_a] = one
    picks: dict[str, int] = {}
    for orders in seats.values():
        picked = stable_pick(orders.get(pair.draft), orders.get(pair.rival), pair.draft, pair.rival)
        name = picked or "no stable preference"
        picks[name] = picks.get(name, 0) + 1
    return dict(sorted(picks.items()))


def _disagreement(store: duckdb.DuckDBPyConnection, panels: dict[Literal["triage", "editorial"], str]) -> Disagreement:
    rows = store.execute(
        "SELECT triage.tool_id, triage.outcome <> draft.outcome FROM scores AS triage JOIN scores AS draft "
        "ON draft.dossier_digest = triage.dossier_digest AND draft.tool_id = triage.tool_id "
        "WHERE triage.panel_digest = $1 AND draft.panel_digest = $2 AND triage.outcome <> 'no_quorum' "
        "AND draft.outcome <> 'no_quorum' ORDER BY draft.reviewed_at DESC, triage.tool_id",
        [panels["triage"], panels["editorial"]]).fetchall()
    which = [tool_id for tool_id, differs in rows if differs]
    return Disagreement(compared=len(rows), disagree=len(which), which=tuple(which[:NAMED]))
