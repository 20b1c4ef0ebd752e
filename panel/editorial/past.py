"""Panels of a tool over time, and versions of personas and prompts with their drift, in words and as JSON.

Knows nothing of the store, nor how numbers are come by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from panel.changes import difference
from panel.editorial.changes import Section, change_words, floor_json, number_words, panel_json, prompts_of
from panel.editorial.narrow import fitted
from panel.editorial.plain import plain
from panel.editorial.scorecard import counted
from panel.retests import wilson
from panel.schema import digest_of
from panel.schema.change import PanelSeen, Retests, Version
from panel.text_changes import field_changes

ENOUGH_REVIEWS = 20
"""Scored reviews from which a version that always says the same is warned of."""
_LETTERS = {1.0: "S", 0.0: "s", 0.5: "="}
HISTORY_COLUMNS = ("when", "panel", "outcome", "ships", "score", "range", "votes", "models", "prompts",
                   "what changed", "held")


def history_rows(panels: Sequence[PanelSeen]) -> list[tuple[str, ...]]:
    """A row a panel, oldest first, under HISTORY_COLUMNS. Votes in the order of `personas_of`."""
    order = personas_of(panels)
    rows: list[tuple[str, ...]] = []
    for number, panel in enumerate(panels):
        rows.append((
            panel.asked_at[:16].replace("T", " "), panel.panel.digest[:8], panel.outcome.replace("_", " "),
            ships_words(panel), number_words(panel.mean_score), number_words(panel.score_range),
            _letters(panel, order), plain(", ".join(dict.fromkeys(seat.model for seat in panel.panel.seats))),
            prompts_of(panel),
            "first" if number == 0 else plain(change_words(panels[number - 1], panel)),
            counted(panel.holds, "flag") if panel.holds else ""))
    return rows


def ships_words(panel: PanelSeen) -> str:
    """Ships of the seats that vote, as on the card; the seats too where not all of them do."""
    voting = f"{panel.ships:g} of {panel.voting}"
    return voting if panel.voting == len(panel.seats) else f"{voting} voting, {counted(len(panel.seats), 'seat')}"


def narrow_history(panels: Sequence[PanelSeen], width: int) -> list[str]:
    """Lines for a terminal too narrow for a row: digests of panel and prompts are left out."""
    lines = []
    for row in history_rows(panels):
        said = dict(zip(HISTORY_COLUMNS, row, strict=True))
        lines.append(fitted(f"{said['when']}  {said['outcome']}, ships {said['ships']}; score {said['score']}, range "
                            f"{said['range']}; votes {said['votes']}", width))
        lines += [fitted(f"  {name}: {said[name]}", width) for name in ("models", "what changed", "held") if said[name]]
    return lines


def personas_of(panels: Sequence[PanelSeen]) -> list[str]:
    """Every persona that sat, in the order of its seat."""
    return list(dict.fromkeys(seat.persona_id for panel in panels for seat in panel.seats))


def _letters(panel: PanelSeen, order: Sequence[str]) -> str:
    """S ship, s skip, = an even split, - unscored, a dot where the persona does not sit."""
    letters = []
    for persona_id in order:
        votes = [seat.vote for seat in panel.seats if seat.persona_id == persona_id]
        letters.append("".join("-" if vote is None else _LETTERS[vote] for vote in votes) or ".")
    return "".join(letters)


def history_json(panels: Sequence[PanelSeen], floors: Sequence[Retests]) -> dict[str, Any]:
    """Every panel of a tool, with what changed from the one before, and the noise floors."""
    rows = []
    for number, panel in enumerate(panels):
        before = panels[number - 1] if number else None
        rows.append({**panel_json(panel), "changed": None if before is None else change_words(before, panel),
                     "factors": [] if before is None else [
                         factor.model_dump(mode="json") for factor in difference(before, panel).factors],
                     "fields": [] if before is None else _fields_json(before, panel)})
    return {"panels": rows, "floors": [floor_json(floor) for floor in floors]}


def _fields_json(before: PanelSeen, after: PanelSeen) -> list[dict[str, Any]]:
    was = {persona.id: persona for persona in before.personas.values()}
    return [change.model_dump(mode="json") for persona in after.personas.values()
            for change in field_changes(was.get(persona.id), persona)]


def drift_sections(personas: Sequence[Version], prompts: Sequence[Version]) -> list[Section]:
    """A section a persona and prompt folder, a line or two a version, and the warnings."""
    sections = []
    for word, versions in (("persona", personas), ("prompts", prompts)):
        for name in dict.fromkeys(version.name for version in versions):
            lines = [line for version in versions if version.name == name for line in _version_lines(version)]
            sections.append(Section(f"{word} {name}", tuple(lines)))
    if warned := warnings((*personas, *prompts)):
        sections.append(Section("Warnings", tuple(warned)))
    return sections


def _version_lines(version: Version) -> Iterator[str]:
    since, until = version.first_at[:10], version.last_at[:10]
    when = since if since == until else f"{since} to {until}"
    if version.ship_rate is None:
        rate = "none scored"
    else:
        low, high = wilson(version.ship_rate, version.cells)
        asked = f" over {counted(version.cells, 'question')}" if version.cells != version.scored else ""
        rate = (f"ships {version.ships} of {version.scored} ({version.ship_rate:.0%}, 95% {low:.0%} to "
                f"{high:.0%}{asked}), mean score {number_words(version.mean_score)}")
    yield f"{shown_version(version)}, {when}: {counted(version.reviews, 'review')}, {rate}; {', '.join(version.models)}"
    if version.changed:
        yield f"  changed: {', '.join(version.changed)}"
    change = version.against
    if change is not None:
        yield (f"  against the version before: ship rate {change.rate_after - change.rate_before:+.0%} (95% "
               f"{change.low:+.0%} to {change.high:+.0%}), score {change.score_move:+.1f}, over the "
               f"{counted(change.shared, 'question')} both were asked")


def shown_version(version: Version) -> str:
    """The version as cards print it. Of prompts that is the digest of a panel's folders; here, of this folder alone."""
    return version.version[:8] if version.of == "persona" else digest_of([version.version])[:12]


def warnings(versions: Sequence[Version]) -> list[str]:
    """Versions that always say the same, and those whose ship rate is another than the version's before."""
    found = []
    for version in versions:
        name = f"{version.of} {version.name}, version {shown_version(version)}"
        if version.scored >= ENOUGH_REVIEWS and version.ships in (0, version.scored):
            always = "never ships" if version.ships == 0 else "never skips"
            found.append(f"{name} {always}: {version.scored} scored reviews all say the same")
        change = version.against
        if change is not None and not change.low <= 0 <= change.high:
            found.append(f"{name} ships {'more' if change.low > 0 else 'less'} than the version before: "
                         f"{change.rate_before:.0%} -> {change.rate_after:.0%} of {counted(change.shared, 'question')}")
    return found


def version_json(version: Version) -> dict[str, Any]:
    """One version, with its ship rate and interval; `version` is the digest in `reviews`, `shown` that of a card."""
    interval = None if version.ship_rate is None else list(wilson(version.ship_rate, version.cells))
    return {**version.model_dump(mode="json"), "shown": shown_version(version), "ship_rate": version.ship_rate,
            "interval": interval}
