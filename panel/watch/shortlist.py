"""Which tools of a night get a draft: the shortlist, chosen once, kept in a file, worked through until it is done.

The rule. A launch (an id with its content) is considered for one shortlist, once: for the first that is chosen after
its triage is through. Of the launches considered together, those without a quorum are left out, and so is a tool that
an earlier shortlist has with the same version; of the rest the `top` best are taken, by ship rate, mean score, P(ship)
and id. A shortlist that is not finished is gone on with before anything new is looked at. Nothing is chosen while a
stop (money, time, endpoint, interrupt) has left launches untriaged: they and the next night's are considered together.

Knows nothing of how tools are reviewed; a shortlist names dossiers that the store has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
from pydantic import ValidationError

from panel.errors import StoreError
from panel.journal import stamp, write_file
from panel.pairs import Pair, dossiers_of
from panel.schema import Dossier, Record
from panel.store.rows import fetch

FOLDER = "shortlists"
SHORT = 16
"""Digits by which a shortlist remembers what was considered."""


class Chosen(Record):
    """One tool of a shortlist, and what triage said of it."""

    tool_id: str
    dossier_digest: str
    version: str | None = None
    ship_rate: float
    mean_score: float | None = None
    p_ship_probe: float | None = None
    p_ship_repeats: float | None = None


class Shortlist(Record):
    """The tools of one choice. `pairs` null: not chosen yet. `finished_at` null: something is left to ask."""

    name: str
    chosen_at: str
    imports: tuple[str, ...]
    """Imports that are through: nothing of them is left to consider."""
    considered: tuple[str, ...]
    """The beginnings of the digests of the dossiers it was chosen from, those of older content included."""
    tools: tuple[Chosen, ...]
    pairs: tuple[Pair, ...] | None = None
    finished_at: str | None = None


def read_shortlists(runs: Path) -> list[Shortlist]:
    """Every shortlist, oldest first. Raises StoreError naming the file that cannot be read."""
    found = []
    for path in sorted((runs / FOLDER).glob("*.json")):
        try:
            read = Shortlist.model_validate_json(path.read_bytes())
            # It is written again where it was read, whatever it says of itself.
            found.append(read.model_copy(update={"name": path.stem}))
        except (OSError, ValidationError) as error:
            raise StoreError(f"{path}: is no shortlist of ship-panel; move it away (its launches are then considered "
                             "again)") from error
    return found


def write_shortlist(runs: Path, shortlist: Shortlist) -> None:
    """Write it whole or not at all. Raises StoreError."""
    write_file(_path(runs, shortlist), shortlist.model_dump_json(indent=1).encode())


def dossiers_for(connection: duckdb.DuckDBPyConnection | None, runs: Path, shortlist: Shortlist) -> dict[str, Dossier]:
    """The dossiers of its tools and pairs, by digest; no connection: there is no store.

    Raises StoreError naming the file when the store has them no more.
    """
    wanted = {tool.dossier_digest: tool.tool_id for tool in shortlist.tools}
    for pair in shortlist.pairs or ():
        wanted |= {pair.draft_digest: pair.draft, pair.rival_digest: pair.rival}
    known = dossiers_of(connection, list(wanted)) if connection is not None else {}
    gone = sorted({tool for digest, tool in wanted.items() if digest not in known})
    if gone:
        raise StoreError(f"{_path(runs, shortlist)}: no journal in {runs} has its {', '.join(gone[:5])}"
                         f"{' and others' if len(gone) > 5 else ''}; put the folder of the run that read them back, or "
                         "delete this file (its launches are then considered again)")
    return known


def _path(runs: Path, shortlist: Shortlist) -> Path:
    return runs / FOLDER / f"{shortlist.name}.json"


class Past:
    """What earlier shortlists say: which launches had their turn, which tools were taken, which imports are through."""

    def __init__(self, shortlists: Iterable[Shortlist]) -> None:
        self._considered: set[str] = set()
        self._taken: set[tuple[str, str | None]] = set()
        self.imports: set[str] = set()
        for each in shortlists:
            self._considered.update(each.considered)
            self._taken.update((tool.tool_id, tool.version) for tool in each.tools)
            self.imports.update(each.imports)

    def wants(self, dossier_digest: str) -> bool:
        """Whether a dossier has not been considered yet."""
        return dossier_digest[:SHORT] not in self._considered

    def took(self, tool_id: str, version: str | None) -> bool:
        """Whether this version of a tool was on a shortlist."""
        return (tool_id, version) in self._taken


def through(connection: duckdb.DuckDBPyConnection, panel_digest: str, digests: Iterable[str]) -> set[str]:
    """Those of the dossiers of which the panel has nothing left to ask."""
    rows = connection.execute(
        "SELECT given.dossier_digest FROM (SELECT dossier_digest, unnest(keys) AS item FROM assigned "
        "WHERE panel_digest = $1 AND dossier_digest IN (SELECT unnest($2::VARCHAR[]))) AS given "
        "LEFT JOIN (SELECT key, unscored_kind FROM reviews UNION ALL SELECT key, unscored_kind FROM briefs) AS made "
        "ON made.key = given.item.key GROUP BY 1 "
        "HAVING bool_and(made.key IS NOT NULL AND coalesce(made.unscored_kind NOT IN ('unavailable', 'budget'), true))",
        [panel_digest, list(digests)]).fetchall()
    return {row[0] for row in rows}


def choose(connection: duckdb.DuckDBPyConnection, panel_digest: str, considered: Iterable[str], top: int,
           past: Past) -> tuple[Chosen, ...]:
    """The `top` best of the dossiers considered, best first: see the rule above."""
    rows = fetch(
        connection, "SELECT score.tool_id, score.dossier_digest, dossier.version, score.ship_rate, score.mean_score, "
        "score.p_ship_probe, score.p_ship_repeats "
        "FROM scores AS score JOIN dossiers AS dossier ON dossier.dossier_digest = score.dossier_digest "
        "WHERE score.panel_digest = $1 AND score.dossier_digest IN (SELECT unnest($2::VARCHAR[])) "
        "AND score.outcome <> 'no_quorum' ORDER BY score.ship_rate DESC, score.mean_score DESC NULLS LAST, "
        "score.p_ship_probe DESC NULLS LAST, score.p_ship_repeats DESC NULLS LAST, score.tool_id",
        [panel_digest, list(considered)])
    return tuple(Chosen(**row) for row in rows if not past.took(row["tool_id"], row["version"]))[:top]


def new_shortlist(moment: datetime, imports: Sequence[Path], considered: Iterable[str],
                  tools: tuple[Chosen, ...]) -> Shortlist:
    """A shortlist as it is first written."""
    return Shortlist(
        name=moment.strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z", chosen_at=stamp(moment),
        imports=tuple(path.name for path in imports), considered=tuple(sorted({each[:SHORT] for each in considered})),
        tools=tools, pairs=None if tools else (), finished_at=None if tools else stamp(moment))
