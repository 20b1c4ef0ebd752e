"""The flags of one tool for the editor who clears them: where each stands, the lines it is about, what to type.

On a terminal and as JSON. Knows nothing of the store, nor of how a clearance is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from panel.editorial import scorecard as read
from panel.editorial.flags import (
    OnPage,
    at_seat,
    field_words,
    flag_words,
    flags_on,
    lines_at,
    notes_in_short,
    text_at,
    warnings,
)
from panel.editorial.marks import sentence_around
from panel.editorial.plain import plain
from panel.editorial.terminal import cited_text, indented, sentence, words
from panel.editorial.to_check import list_lines
from panel.editorial.twins import flag_json
from panel.schema.scorecard import Scorecard

NOTE = '--note "why"'


def clear_line(tool_id: str, number: int | None = None) -> str:
    """What to type to clear one flag, or all that hold the tool."""
    return f"ship-panel clear {tool_id} {'' if number is None else f'--flag {number} '}{NOTE}"


def state_words(card: Scorecard) -> str:
    """"2 flags hold it, 1 cleared"."""
    flags = [one for one in flags_on(card) if one.number is not None]
    holding, cleared = sum(one.holds for one in flags), sum(not one.holds for one in flags)
    verb = "holds" if holding == 1 else "hold"
    said = f"{read.counted(holding, 'flag')} {verb} it" if holding else "nothing holds it"
    return said + (f", {cleared} cleared" if cleared else "")


def print_flags(card: Scorecard, console: Console, *, everything: bool) -> None:
    """The flags that hold the tool; with `everything` those that were cleared and the notes too."""
    console.print(sentence((card.dossier.name, "bold"), (f" ({card.dossier.id}): {state_words(card)}", "")))
    flags = flags_on(card)
    holding = [one for one in flags if one.holds]
    for one in holding:
        console.print()
        _print_flag(card, one, console)
    if len(holding) > 1:
        console.print()
        console.print(words(f"all of them: {clear_line(card.dossier.id)}"), soft_wrap=True)
    if everything:
        _print_rest(card, flags, console)
        return
    console.print()
    if holding:
        console.print(words("a flag that is right: leave it held, or review the tool again with another --seed or "
                            "--model"), soft_wrap=True)
    notes = sum(not one.holds and one.number is None for one in flags)
    if notes:
        console.print(words(f"{read.counted(notes, 'note')}: ship-panel flags {card.dossier.id} --all"), soft_wrap=True)


def _print_flag(card: Scorecard, one: OnPage, console: Console) -> None:
    number = f"{one.number}  "
    console.print(sentence((number, "bold"), (_place(one), "bold")))
    console.print(indented(words(flag_words(one.flag, placed=False), "red"), 3))
    said = _sentence(one)
    if said:
        text = words(f"“{said}”")
        if one.flag.text:
            text.highlight_words([plain(one.flag.text)], "bold underline")
        console.print(indented(text, 3))
    for line in cited_text(card, _lines(one)):
        console.print(indented(line, 3))
    console.print(Text.assemble("   ", words(clear_line(card.dossier.id, one.number), "dim")), soft_wrap=True)


def _print_rest(card: Scorecard, flags: Sequence[OnPage], console: Console) -> None:
    cleared = [one for one in flags if one.number is not None and not one.holds]
    for one in cleared:
        by = one.cleared
        who = f"{f' by {by.by}' if by and by.by else ''}{f' on {by.at[:10]}' if by else ''}"
        note = f": {by.note}" if by and by.note else ""
        console.print()
        console.print(sentence((f"{one.number}  ", "bold"), (f"{_place(one)}, cleared{who}{note}", "")))
        console.print(indented(words(flag_words(one.flag, placed=False), "dim"), 3))
    notes = [*warnings(card), *(f"{label}: {line}" for label, line in list_lines(card))]
    for seat in read.seated(card):
        mine = [one.flag for one in at_seat(card, seat) if one.number is None]
        notes += [f"{seat.name.lower()}: {line}" for line in notes_in_short(mine)]
    if notes:
        console.print()
        console.print(Text("Notes (they hold nothing)", "bold"))
    for note in notes:
        console.print(indented(words(note), 3))


def _place(one: OnPage) -> str:
    where = f", {field_words(one.flag.field)}" if one.flag.field else ""
    return f"{one.seat}{where}{f', take {one.review.repeat + 1}' if one.review.repeat else ''}"


def _sentence(one: OnPage) -> str | None:
    text = text_at(one.review.verdict, one.flag.field) if one.review.verdict else None
    return sentence_around(text, one.flag.span, one.flag.text) if text else None


def _lines(one: OnPage) -> Sequence[int]:
    return lines_at(one.review.verdict, one.flag.field) if one.review.verdict else ()


def flags_json(card: Scorecard, *, everything: bool) -> Mapping[str, Any]:
    """`tool_id`, `name`, `held`, `flags` (each with its `sentence`, `cited_lines` and what to type to `clear` it).

    With `everything` also what was cleared (`cleared`: by, at, note) and `notes`.
    """
    flags = flags_on(card)
    found: dict[str, Any] = {
        "tool_id": card.dossier.id, "name": card.dossier.name, "held": any(one.holds for one in flags),
        "flags": [{**_whole(card, one), "clear": clear_line(card.dossier.id, one.number)}
                  for one in flags if one.holds],
    }
    if everything:
        found["cleared"] = [
            {**_whole(card, one), **{name: getattr(one.cleared, name) for name in ("by", "at", "note")}}
            for one in flags if one.number is not None and not one.holds]
        found["notes"] = [_whole(card, one) for one in flags if one.number is None]
    return found


def _whole(card: Scorecard, one: OnPage) -> dict[str, Any]:
    return {**flag_json(one), "sentence": _sentence(one),
            "cited_lines": {str(number): text for number, text in read.cited(card, _lines(one))}}
