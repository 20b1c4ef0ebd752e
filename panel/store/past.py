"""What was said of a tool before, and by which version of what: panels over time, retests, versions.

Answers are records. Knows nothing of how they are shown; why two panels differ is `panel.changes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import duckdb

from panel.changes import explain
from panel.errors import ConfigError, StoreError
from panel.retests import newcombe
from panel.schema import Line, Panel, Persona, Sampling
from panel.schema.change import Explanation, FieldChange, PanelSeen, Retests, SeatSeen, TakeSeen, Version, VersionChange
from panel.store.queries import prompt_of
from panel.store.rows import fetch
from panel.text_changes import field_changes, prompt_changes

Connection = duckdb.DuckDBPyConnection

PROMPT_LINES = 3
"""Differing lines of the prompts that are shown."""
_PANELS = """
SELECT score.panel_digest, score.dossier_digest, score.run_id, score.reviewed_at, outcome, ships, voting, mean_score,
  score_range, holds, by_persona, score.lines_digest, keys, panels.record AS panel, runs.command,
  coalesce(runs.started_at, score.reviewed_at) AS asked_at
FROM scores AS score
JOIN assigned ON assigned.panel_digest = score.panel_digest AND assigned.dossier_digest = score.dossier_digest
LEFT JOIN panels ON panels.panel_digest = score.panel_digest LEFT JOIN runs ON runs.run_id = score.run_id
WHERE score.tool_id = ? ORDER BY score.run_id, score.reviewed_at, score.panel_digest, score.dossier_digest
"""
_REVIEWS = """
SELECT key, run_id, persona_id, model, repeat, verdict, score, because, prompts_digest, lines_digest, messages_digest,
  model_answered, fallback, rung, decided_by, coalesce(flags, []) AS flags FROM reviews WHERE tool_id = ?
"""
_FINGERPRINTS = """
SELECT key, list_sort(list(DISTINCT fingerprint)) FROM calls
WHERE tool_id = ? AND kind IN ('review', 'reask') AND fingerprint IS NOT NULL AND result = 'ok' GROUP BY key
"""
_RETESTS = """
WITH take AS (
  SELECT tool_id, lines_digest, persona_id, persona_digest, review.prompts_digest, model_answered, decided_by,
    coalesce(fallback, model) AS model, review.depth,
    json_merge_patch(panels.record->'sampling', '{"seed": null}')::VARCHAR AS sampling, verdict, score
  FROM reviews AS review JOIN panels USING (panel_digest)
  WHERE verdict IS NOT NULL AND list_contains(?::VARCHAR[], coalesce(fallback, model))),
cell AS (
  SELECT persona_id, model, depth, sampling, count(*) AS takes, count(*) FILTER (verdict = 'ship') AS ships,
    var_pop(score) * count(*) AS squares
  FROM take GROUP BY tool_id, lines_digest, persona_id, persona_digest, prompts_digest, model_answered, decided_by,
    model, depth, sampling HAVING count(*) > 1)
SELECT persona_id, model, depth, sampling, sum(takes * (takes - 1) // 2)::BIGINT AS pairs,
  sum(ships * (takes - ships))::BIGINT AS flips, sum(squares ORDER BY squares) AS squares,
  sum(takes - 1)::BIGINT AS freedom
FROM cell GROUP BY persona_id, model, depth, sampling ORDER BY persona_id, model, depth, sampling
"""
"""A cell: the same question of the same instrument, seed, take and wave apart."""


def panels_of(connection: Connection, tool_id: str) -> tuple[PanelSeen, ...]:
    """Every panel of a tool, the one asked for longest ago first. Raises StoreError when a run's file is missing."""
    rows = fetch(connection, _PANELS, [tool_id])
    reviews = {row["key"]: row for row in fetch(connection, _REVIEWS, [tool_id])}
    prints = dict(connection.execute(_FINGERPRINTS, [tool_id]).fetchall())
    lines = {row["lines_digest"]: tuple(Line(**line) for line in row["lines"]) for row in fetch(
        connection, "SELECT lines_digest, lines FROM dossier_lines WHERE tool_id = ?", [tool_id])}
    programs = dict(connection.execute("SELECT run_id, program_version FROM runs WHERE list_contains(?::VARCHAR[], "
                                       "run_id)", [sorted({row["run_id"] for row in reviews.values()})]).fetchall())
    for row in rows:
        if row["panel"] is None:
            raise StoreError(f"the store has no row of panels for {row['panel_digest'][:12]}: a file of its run is "
                             "missing; put it back and run `ship-panel rebuild`")
    panels = {row["panel_digest"]: Panel.model_validate_json(row["panel"]) for row in rows}
    personas = _personas(connection, {seat.persona_digest for panel in panels.values() for seat in panel.seats})
    found = []
    for row in rows:
        panel = panels[row["panel_digest"]]
        taken = [reviews[item["key"]] for item in row["keys"] if item["key"] in reviews]
        named = ("run_id", "asked_at", "reviewed_at", "command", "dossier_digest", "outcome", "ships", "voting",
                 "mean_score", "score_range", "holds")
        found.append(PanelSeen(
            tool_id=tool_id, panel=panel, seats=_seats(panel, row["by_persona"], taken, prints),
            lines=lines.get(row["lines_digest"], ()), **{name: row[name] for name in named},
            programs=tuple(sorted({programs[take["run_id"]] for take in taken if take["run_id"] in programs})),
            personas={seat.persona_digest: personas[seat.persona_digest] for seat in panel.seats
                      if seat.persona_digest in personas}))
    return tuple(found)


def _personas(connection: Connection, digests: Iterable[str]) -> dict[str, Persona]:
    return {digest: Persona.model_validate_json(record) for digest, record in connection.execute(
        "SELECT persona_digest, record FROM personas WHERE list_contains(?::VARCHAR[], persona_digest)",
        [sorted(digests)]).fetchall()}


def _seats(panel: Panel, scores: Sequence[dict[str, Any]], taken: Sequence[dict[str, Any]],
           prints: dict[str, list[str]]) -> tuple[SeatSeen, ...]:
    by_seat: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for take in sorted(taken, key=lambda take: (take["repeat"], take["key"])):
        by_seat[take["persona_id"], take["model"]].append(take)
    score_of = {(score["persona_id"], score["model"]): score for score in scores}
    seats = []
    for seat in panel.seats:
        takes, score = by_seat[seat.persona_id, seat.model], score_of.get((seat.persona_id, seat.model), {})

        def each(name: str, takes: list[dict[str, Any]] = takes) -> tuple[str, ...]:
            return tuple(sorted({take[name] for take in takes if take[name] is not None}))

        first: dict[str, Any] = takes[0] if takes else {}
        seats.append(SeatSeen(
            persona_id=seat.persona_id, persona_digest=seat.persona_digest, model=seat.model,
            takes=tuple(TakeSeen(**{name: take[name] for name in TakeSeen.model_fields}) for take in takes),
            vote=score.get("vote"), mean_score=score.get("mean_score"), prompts_digest=first.get("prompts_digest"),
            lines_digest=first.get("lines_digest"), messages_digest=first.get("messages_digest"),
            answered=each("model_answered"), fallbacks=each("fallback"), rungs=each("rung"),
            decided_by=each("decided_by"),
            fingerprints=tuple(sorted({one for take in takes for one in prints.get(take["key"], ())}))))
    return tuple(seats)


def retests(connection: Connection, models: Iterable[str]) -> tuple[Retests, ...]:
    """What the store knows of retests of these models, by persona, depth and sampling, over all tools."""
    return tuple(Retests(**{**row, "sampling": Sampling.model_validate_json(row["sampling"])})
                 for row in fetch(connection, _RETESTS, [sorted(set(models))]))


def retests_of(connection: Connection, panels: Iterable[PanelSeen]) -> tuple[Retests, ...]:
    """The same, of every model that answered in these panels."""
    return retests(connection, {model for panel in panels for seat in panel.seats
                                for model in (seat.model, *seat.fallbacks)})


def explained(connection: Connection, tool_id: str, start: str | None, end: str | None) -> Explanation:
    """Why two panels of a tool differ: those named (see `pick`), by default the last two.

    Raises ConfigError when there are no two, or a name fits none.
    """
    panels = panels_of(connection, tool_id)
    before, after = pick(panels, start, end)
    others = [panel for panel in panels if panel is not before and panel is not after]
    found = explain(before, after, others, retests_of(connection, panels))
    if not any(factor.kind == "prompt" for factor in found.factors):
        return found
    # A seat whose persona is the same shows the lines of the prompt folder and no others.
    pairs = sorted((("persona" in seat.kinds, number, seat) for number, seat in enumerate(found.seats)
                    if "prompt" in seat.kinds), key=lambda pair: pair[:2])
    for _, _, seat in pairs:
        if seat.before and seat.after and seat.before.messages_digest and seat.after.messages_digest:
            asked = [prompt_of(connection, side.messages_digest or "") for side in (seat.before, seat.after)]
            return found.model_copy(update={"prompt_lines": prompt_changes(asked[0], asked[1], PROMPT_LINES)})
    return found


def pick(panels: Sequence[PanelSeen], start: str | None, end: str | None) -> tuple[PanelSeen, PanelSeen]:
    """The two panels meant, of all panels of a tool, oldest first.

    A name is a run id, or the beginning of a panel's or a dossier's digest; where it fits several, the newest. Without
    `end` the newest panel; without `start` the one before `end`. Raises ConfigError.
    """
    tool = panels[0].tool_id if panels else "the tool"
    if len(panels) < 2:
        raise ConfigError(f"{tool} has {len(panels)} panel{'s' if len(panels) != 1 else ''} so far and a comparison "
                          "needs two: review it again after a change (another model, prompt, persona or dossier), or "
                          "with --repeats 3")
    first = None if start is None else _named(panels, start)
    rest = [panel for panel in panels if panel is not first]
    last = rest[-1] if end is None else _named(rest, end)
    if first is None:
        place = panels.index(last)
        if place == 0:
            raise ConfigError(f"{end} is the first panel of {tool}: give --from too")
        first = panels[place - 1]
    return first, last


def _named(panels: Sequence[PanelSeen], name: str) -> PanelSeen:
    wanted = name.lower()
    for panel in reversed(panels):
        if wanted and (panel.run_id.lower() == wanted or panel.panel.digest.startswith(wanted)
                       or panel.dossier_digest.startswith(wanted)):
            return panel
    known = ", ".join(f"{panel.run_id} (panel {panel.panel.digest[:8]}, dossier {panel.dossier_digest[:8]})"
                      for panel in panels[-5:])
    raise ConfigError(f"no other panel of {panels[0].tool_id} is of run, panel or dossier {name!r}; it has {known}"
                      if panels else f"no panel {name!r}")


_OF: dict[Literal["persona", "prompts"], tuple[str, str, str]] = {
    "persona": ("persona_id", "persona_digest", "review.prompts_digest"),
    # Panels of models asked field by field and whole have two folders, named together.
    "prompts": ("CASE WHEN NOT contains(prompts, '+') THEN prompts WHEN rung = 'fields' THEN 'small' ELSE 'review' END",
                "review.prompts_digest", "persona_digest"),
}
_VERSIONED = """
WITH versioned AS (SELECT {name} AS name, {digest} AS version, {other} AS other, persona_id,
  tool_id, lines_digest, review.model, review.depth, verdict, score, finished_at
FROM reviews AS review LEFT JOIN panels USING (panel_digest))
"""
_COUNTED = """
SELECT name, version, min(finished_at) AS first_at, max(finished_at) AS last_at, list_sort(list(DISTINCT model)) AS
  models, count(*) AS reviews, count(verdict) AS scored, count(*) FILTER (verdict = 'ship') AS ships,
  count(DISTINCT (tool_id, lines_digest, model, depth, persona_id, other)) FILTER (verdict IS NOT NULL) AS cells,
  avg(score) AS mean_score
FROM versioned WHERE ? IS NULL OR persona_id = ? GROUP BY name, version ORDER BY name, first_at, version
"""
_SHARED = """
, asked AS (SELECT version, tool_id, model, depth, persona_id, avg((verdict = 'ship')::INTEGER) AS rate,
    avg(score) AS score FROM versioned WHERE name = $1 AND verdict IS NOT NULL AND version IN ($2, $3)
    AND ($4 IS NULL OR persona_id = $4) GROUP BY ALL)
SELECT count(*) AS shared, avg(old.rate) AS rate_before, avg(new.rate) AS rate_after, avg(new.score - old.score) AS
  score_move FROM asked AS old JOIN asked AS new USING (tool_id, model, depth, persona_id)
WHERE old.version = $2 AND new.version = $3
"""


def versions(connection: Connection, of: Literal["persona", "prompts"], persona: str | None = None,
             ) -> tuple[Version, ...]:
    """Every version of the personas (of prompt folders) with its reviews, by name, then time; of one persona if given.

    A change is over the questions (tool, model, depth, persona) that both versions were asked: other tools and other
    models would move the rate by themselves.
    """
    name, digest, other = _OF[of]
    versioned = _VERSIONED.format(name=name, digest=digest, other=other)
    rows = fetch(connection, versioned + _COUNTED, [persona, persona])
    records = _personas(connection, {row["version"] for row in rows}) if of == "persona" else {}
    found: list[Version] = []
    for row in rows:
        last = found[-1] if found and found[-1].name == row["name"] else None
        changed: tuple[FieldChange, ...] = ()
        against = None
        if last is not None:
            changed = field_changes(records.get(last.version), records.get(row["version"]))
            against = _change(fetch(connection, versioned + _SHARED,
                                    [last.name, last.version, row["version"], persona])[0])
        found.append(Version(of=of, **row, changed=tuple(change.field for change in changed), against=against))
    return tuple(found)


def _change(row: dict[str, Any]) -> VersionChange | None:
    if not row["shared"]:
        return None
    low, high = newcombe(row["rate_before"], row["rate_after"], row["shared"])
    return VersionChange(**row, low=low, high=high)
