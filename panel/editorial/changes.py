"""Why two panels of a tool differ, in words: for the terminal, Markdown and JSON.

Knows nothing of the store, and concludes nothing: see `panel.changes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from panel.changes import difference
from panel.editorial.flags import FLAG_WORDS
from panel.editorial.narrow import fitted
from panel.editorial.plain import escaped, plain, shortened
from panel.editorial.scorecard import counted
from panel.schema.change import (
    Check,
    Explanation,
    Factor,
    FlagChange,
    Move,
    PanelSeen,
    Retests,
    SeatSeen,
    Step,
)
from panel.text_changes import line_changes

CUT = 160
_WITHOUT = "no repeats in the store: run the panel with --repeats 3 to know"
_KIND_WORDS = {"model": "the model", "prompt": "the prompt", "persona": "the persona", "dossier": "the dossier",
               "sampling": "the sampling"}


class Section(NamedTuple):
    """A heading and lines below it, not yet made harmless for where they are shown."""

    heading: str
    lines: tuple[str, ...]


def as_text(sections: Sequence[Section], width: int | None = None) -> str:
    """For a terminal so wide; null: lines stay whole. A line that begins with spaces belongs to the one above."""
    return "\n\n".join("\n".join((fitted(plain(section.heading), width), *(
        fitted(f"  {_indent(line)}{plain(line)}", width) for line in section.lines))) for section in sections)


def as_markdown(sections: Sequence[Section]) -> str:
    """The same as Markdown."""
    return "\n\n".join("\n".join((f"## {escaped(section.heading)}", "", *(
        f"{_indent(line)}- {escaped(line)}" for line in section.lines))) for section in sections)


def _indent(line: str) -> str:
    return "  " if line.startswith("  ") else ""


def change_words(before: PanelSeen, after: PanelSeen) -> str:
    """What differs between two panels, in few words."""
    found = difference(before, after)
    said = []
    personas: list[str] = []
    for factor in found.factors:
        if factor.slight and any(not other.slight for other in found.factors):
            continue
        if factor.what == "file":
            personas += factor.seats
        elif factor.what == "lines":
            said.append(_dossier_words(before, after))
        else:
            said.append(_factor_words(factor, before, after))
    if personas:
        said.append(f"persona {', '.join(personas)}")
    said += [f"{name} {one} -> {two}" for name, one, two in (
        ("takes", before.panel.repeats, after.panel.repeats), ("seed", before.panel.sampling.seed,
                                                              after.panel.sampling.seed)) if one != two]
    return "; ".join(said) or "nothing that reached a seat"


def _dossier_words(before: PanelSeen, after: PanelSeen) -> str:
    changes = line_changes(before.lines, after.lines)
    fields = {line.number: line.field for line in before.lines}, {line.number: line.field for line in after.lines}
    named = dict.fromkeys(
        fields[0][change.before_number] if change.before_number in fields[0] else fields[1][change.after_number or 0]
        for change in changes)
    short = [name for name in named if name not in ("description", "facts")][:3]
    lines = f"{len(changes)} line{'s' if len(changes) != 1 else ''}"
    return f"dossier: {', '.join([*short, lines])}"


def _factor_words(factor: Factor, before: PanelSeen, after: PanelSeen) -> str:
    where = f" ({', '.join(factor.seats)})"
    if factor.kind == "model" and factor.what == "asked":
        return f"model {factor.before} -> {factor.after}"
    if factor.what in ("seat added", "seat removed"):
        return f"{factor.what}: {', '.join(factor.seats)}"
    if factor.what == "answered":
        return f"the endpoint answered as {factor.before}, then as {factor.after}, under the same name"
    if factor.what in ("fallback", "fingerprint", "rung", "decided_by"):
        return f"{factor.what.replace('_', ' ')} {factor.before} -> {factor.after} under the same model's name"
    if factor.what == "file":
        return f"persona file {factor.before[:8]} -> {factor.after[:8]}{where}"
    if factor.what == "folder":
        digests = prompts_of(before), prompts_of(after)
        return f"prompts {digests[0]} -> {digests[1]}" if digests[0] != digests[1] else (
            f"prompt folder {factor.before[:8]} -> {factor.after[:8]}{where}")
    if factor.kind == "dossier":
        what = "dossier" if factor.what == "lines" else "the same dossier, cut otherwise:"
        return f"{what} {factor.before[:8]} -> {factor.after[:8]}"
    return f"{factor.what.replace('_', ' ')} {factor.before} -> {factor.after}"


def floor_words(floor: Retests) -> str:
    """How much retests move a seat."""
    who = f"{floor.persona_id} on {floor.model}" if floor.persona_id else f"all personas on {floor.model}"
    return (f"{who}: SD of a score {floor.deviation:.1f} points from take to take, verdict flipped in {floor.flips} of "
            f"{counted(floor.pairs, 'pair')}")


def conclusion(found: Explanation) -> str:
    """The cause in a sentence or two."""
    kinds = _and([_KIND_WORDS[kind] for kind in found.kinds])
    differs = _and([_KIND_WORDS[kind] for kind in dict.fromkeys(kind for seat in found.seats for kind in seat.kinds)])
    if found.cause == "none":
        unread = _and([seat.seat for seat in found.seats if not seat.comparable])
        return ("No verdict or score changed" + (f" that can be compared ({unread} cannot)" if unread else "")
                + (f", though {differs} did." if differs else "."))
    if found.cause == "noise":
        if not differs:
            return ("Sampling noise: neither instrument nor dossier differs, only "
                    f"{_and(found.retaken) or 'the takes'}." + _restless(found))
        return (f"{differs.capitalize()} changed, but the panel moved no more than a retest does: it cannot be told "
                "from noise.")
    if found.cause == "several":
        if found.kinds and not found.open:
            return f"Several causes, each of which moved the panel by itself: {kinds}."
        told = f"{kinds.capitalize()} moved it by itself. " if found.kinds else ""
        unsure = _and([_KIND_WORDS[kind] for kind in found.open])
        return f"Several things changed at once: {differs}. {told}What {unsure} did cannot be told apart."
    others = [kind for kind in dict.fromkeys(kind for seat in found.seats for kind in seat.kinds)
              if kind not in found.kinds]
    also = f" ({_and([_KIND_WORDS[kind] for kind in others])} changed too, and did not.)" if others else ""
    if found.beyond_noise is None:
        return (f"{kinds.capitalize()} changed, and nothing else that reached the seats that moved.{also} How much a "
                f"retest would move them is not known ({_WITHOUT}).")
    return f"{kinds.capitalize()} changed, and the panel moved more than a retest moves it.{also}"


def _restless(found: Explanation) -> str:
    if any(move.beyond and not move.kinds for move in found.moves):
        return (" It moved more than earlier retests did: the endpoint may have changed behind the same name without "
                "saying so.")
    return ""


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def explanation_sections(found: Explanation) -> list[Section]:
    """Everything `diff` prints."""
    before, after = found.before, found.after
    sections = [
        Section(f"{after.tool_id}: why the panel changed", (conclusion(found), *_side_lines(before, after))),
        Section("What differs", (*(_factor_words(factor, before, after) + (" (slight)" if factor.slight else "")
                                   for factor in found.factors),
                                 *(f"{words} (a retest)" for words in found.retaken), *found.notes)
                or ("nothing",)),
        Section("Seat by seat", tuple(_seat_lines(found))),
        Section("Against noise", tuple(_noise_lines(found))),
    ]
    if found.steps:
        sections.append(Section("Over the panels in between", tuple(map(_step_words, found.steps))))
    if found.flags or before.holds != after.holds:
        sections.append(Section("Flags that came or went", tuple(_flag_lines(found))))
    if found.lines and any(factor.kind == "dossier" for factor in found.factors):
        sections.append(Section("Lines of the dossier", tuple(
            f"[{change.before_number or '-'} -> {change.after_number or '-'}] {change.kind}: "
            f"{_arrow(change.before, change.after)}" for change in found.lines)))
    if found.fields:
        sections.append(Section("Fields of the persona files", tuple(
            f"{change.persona_id}, {change.field}: {_arrow(change.before, change.after)}" for change in found.fields)))
    if found.prompt_lines:
        sections.append(Section("First lines of the prompts that differ", tuple(
            f"{line.role}: {_arrow(line.before, line.after)}" for line in found.prompt_lines)))
    if advice := tuple(_advice(found)):
        sections.append(Section("To tell", advice))
    return sections


def _side_lines(before: PanelSeen, after: PanelSeen) -> Iterator[str]:
    for word, panel in (("before", before), ("after", after)):
        yield (f"{word}: {panel.outcome.replace('_', ' ')}, {panel.ships:g} of {panel.voting} votes ship "
               f"({len(panel.seats)} seats), mean score {number_words(panel.mean_score)}; run {panel.run_id}, panel "
               f"{panel.panel.digest[:8]}, dossier {panel.dossier_digest[:8]}")


def _seat_lines(found: Explanation) -> Iterator[str]:
    for seat in found.seats:
        kinds = f" [{', '.join(seat.kinds)}]" if seat.kinds else ""
        yield (f"{seat.seat}: {_vote(seat.before)} -> {_vote(seat.after)}{kinds}"
               if seat.moved or not seat.comparable else f"{seat.seat}: {_vote(seat.after)}, as before{kinds}")
        reasons = [_because(side) for side in (seat.before, seat.after)]
        if seat.moved and reasons[0] != reasons[1]:
            yield f"  because: {shortened(reasons[0], CUT)} -> {shortened(reasons[1], CUT)}"


def _vote(seat: SeatSeen | None) -> str:
    if seat is None:
        return "no seat"
    if seat.vote is None:
        return "unscored"
    word = {1.0: "ship", 0.0: "skip"}.get(seat.vote, "even split")
    takes = sum(take.score is not None for take in seat.takes)
    return f"{word} {number_words(seat.mean_score)}" + (f" ({takes} takes)" if takes > 1 else "")


def _because(seat: SeatSeen | None) -> str:
    return next((take.because for take in seat.takes if take.because), "nothing said") if seat else "no seat"


def _noise_lines(found: Explanation) -> Iterator[str]:
    for move in found.moves:
        yield _move_words(move)
        yield from (f"  {check_words(check)}" for check in move.checks if move.moved and check.moved)
    if found.floors:
        yield from (f"retests: {floor_words(floor)}" for floor in found.floors)
    else:
        yield _WITHOUT


def _move_words(move: Move) -> str:
    what = _and([_KIND_WORDS[kind] for kind in move.kinds]) or "only takes or seed"
    judged = ("did not move" if not move.moved else "not known whether a retest moves them as much"
              if move.beyond is None else "beyond noise" if move.beyond else "within noise")
    return f"{', '.join(move.seats)} ({what}): mean score {move.mean_move:+.1f}, {judged}"


def check_words(check: Check) -> str:
    """One look at a move, with what a retest does."""
    said = "beyond" if check.beyond else "within"
    if check.still and check.bound is None:
        who = "these seats" if len(check.still) >= check.moved else _and(check.still)
        return f"{check.of}: {check.moved:g} flipped, and no retest of {who} ever moved: {said}"
    if check.bound is None:
        return (f"{check.of}: {check.moved:g} flipped, which retests alone do {check.chance or 0:.1%} of the time: "
                f"{said}")
    return f"{check.of}: {check.moved:+.1f}, a retest up to {check.bound:.1f}: {said}"


def _flag_lines(found: Explanation) -> Iterator[str]:
    """What holds by its words, notes as counts over all seats."""
    yield f"flags that hold: {found.before.holds} -> {found.after.holds} (not cleared)"
    for flag in found.flags:
        if flag.holds:
            what = f"\"{shortened(flag.text, CUT)}\"" if flag.text else shortened(flag.reason or "", CUT)
            yield f"{'came' if flag.after else 'went'}: {flag.seat}, {FLAG_WORDS.get(flag.kind, flag.kind)}: {what}"
    notes = [flag for flag in found.flags if not flag.holds]
    if notes:
        yield f"notes: {'; '.join(_note_words(kind, notes) for kind in dict.fromkeys(one.kind for one in notes))}"


def _note_words(kind: str, notes: Sequence[FlagChange]) -> str:
    change = [f"{one.seat} {one.before} -> {one.after}" for one in notes if one.kind == kind]
    return f"{FLAG_WORDS.get(kind, kind.replace('_', ' '))} ({', '.join(change)})"


def _step_words(step: Step) -> str:
    judged = {True: "beyond noise", False: "within noise", None: "noise not known, or nothing moved"}[step.beyond]
    move = "" if step.mean_move is None else f", mean score {step.mean_move:+.1f}"
    return f"{step.start} -> {step.end}: {_and([_KIND_WORDS[kind] for kind in step.kinds])}{move}, {judged}"


def _arrow(before: str | None, after: str | None) -> str:
    """Both texts, cut around the first place where they differ."""
    one, two = plain(before or ""), plain(after or "")
    same = next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    start = 0 if same < CUT // 2 else one.rfind(" ", 0, same - 20) + 1
    shown = [("…" if start else "") + shortened(text[start:], CUT) if text else "(not there)" for text in (one, two)]
    return f"{shown[0]} -> {shown[1]}"


def _advice(found: Explanation) -> Iterator[str]:
    """What to run to know more."""
    if found.beyond_noise is None and found.cause not in ("none",):
        yield ("how much retests move this panel: the command that made it, with --repeats 3"
               + (f" ({found.after.command})" if found.after.command else ""))
    if found.cause != "several" or not found.open:
        return
    for kind in found.open[:-1] if not found.kinds else found.open:
        factors = [factor for factor in found.factors if factor.kind == kind and not factor.slight]
        for factor in factors or [factor for factor in found.factors if factor.kind == kind]:
            yield f"what {_KIND_WORDS[kind]} did: {_put_back(factor)}, all else as in the panel after"


def _put_back(factor: Factor) -> str:
    if factor.what == "asked":
        return f"ship-panel review DOSSIER --model {factor.before}"
    if factor.what in ("temperature", "depth"):
        return f"ship-panel review DOSSIER --{factor.what} {factor.before}"
    if factor.kind == "dossier":
        return f"ship-panel review the dossier as it was ({factor.before[:8]})"
    if factor.what == "file":
        return f"ship-panel review DOSSIER with ./personas/{factor.seats[0]}.yaml as it was ({factor.before[:8]})"
    if factor.what == "folder":
        return f"ship-panel review DOSSIER with ./prompts as they were ({factor.before[:8]})"
    if factor.what in ("seat added", "seat removed"):
        return "ship-panel review DOSSIER --personas, those who sat before"
    return f"ship-panel review DOSSIER with {factor.what.replace('_', ' ')} as it was ({factor.before})"


def explanation_json(found: Explanation) -> dict[str, Any]:
    """`cause`, `conclusion`, `beyond_noise`, and under `evidence` all that it is concluded from."""
    dumped = found.model_dump(mode="json")
    evidence = {name: dumped[name] for name in (
        "kinds", "open", "factors", "retaken", "notes", "moves", "steps", "lines", "fields", "prompt_lines", "flags")}
    evidence["floors"] = [floor_json(floor) for floor in found.floors]
    return {
        "tool": found.after.tool_id, "cause": found.cause, "conclusion": conclusion(found),
        "beyond_noise": found.beyond_noise, "before": panel_json(found.before), "after": panel_json(found.after),
        "seats": [{"seat": seat.seat, "kinds": list(seat.kinds), "moved": seat.moved,
                   "before": _seat_json(seat.before), "after": _seat_json(seat.after)} for seat in found.seats],
        "evidence": evidence, "advice": list(_advice(found)),
    }


def prompts_of(panel: PanelSeen) -> str:
    """The digest of its prompts, as a card prints it: of all its folders together (`panels.prompts_digest`)."""
    return panel.panel.prompts_digest[:12]


def folders_of(panel: PanelSeen) -> list[str]:
    """Digests of the prompt folders its seats were asked from, each by itself (`reviews.prompts_digest`)."""
    return list(dict.fromkeys(seat.prompts_digest or panel.panel.prompts_digest for seat in panel.seats))


def panel_json(panel: PanelSeen) -> dict[str, Any]:
    """One panel of a tool."""
    return {
        "run_id": panel.run_id, "asked_at": panel.asked_at, "reviewed_at": panel.reviewed_at,
        "panel_digest": panel.panel.digest, "dossier_digest": panel.dossier_digest,
        "prompts": panel.panel.prompts, "prompts_digest": panel.panel.prompts_digest,
        "prompt_folders": folders_of(panel), "depth": panel.panel.depth,
        "repeats": panel.panel.repeats, "models": list(dict.fromkeys(seat.model for seat in panel.panel.seats)),
        "outcome": panel.outcome, "ships": panel.ships, "voting": panel.voting, "seats": len(panel.seats),
        "mean_score": panel.mean_score, "score_range": panel.score_range, "holds": panel.holds,
        "held": panel.holds > 0,
        "votes": [{"persona_id": seat.persona_id, "model": seat.model, "vote": seat.vote} for seat in panel.seats],
    }


def _seat_json(seat: SeatSeen | None) -> dict[str, Any] | None:
    return None if seat is None else seat.model_dump(mode="json")


def floor_json(floor: Retests) -> dict[str, Any]:
    """A noise floor, with its deviation and flip rate."""
    return {**floor.model_dump(mode="json"), "deviation": floor.deviation, "flip_rate": floor.flip_rate}


def number_words(value: float | None) -> str:
    """A score, with a decimal only where it has one."""
    return "none" if value is None else f"{value:.0f}" if value == int(value) else f"{value:.1f}"
