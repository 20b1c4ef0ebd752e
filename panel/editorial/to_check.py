"""What a panel says that the dossier does not: one list a page, each item once, prices, dates and licences first.

What is one item is decided in `panel.checks`; this gathers it over a page's seats. Knows nothing of how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from panel.checks import ToCheck, to_check_list
from panel.editorial import scorecard as read
from panel.editorial.flags import field_words, flags_on
from panel.schema.scorecard import Scorecard
from panel.schema.verdict import Flag

KINDS = ("price", "date", "licence", "version", "number", "name")
"""Kinds of facts in the order they are listed: what costs most when it is wrong comes first."""
THE_BRIEF = "the brief"


def to_check(card: Scorecard) -> list[ToCheck]:
    """The list of a page, over the takes it shows and the brief. Whoever says an item is named as the page does."""
    items = to_check_list((who, [flag]) for who, flag in _shown(card))
    return sorted(items, key=lambda one: KINDS.index(one.fact) if one.fact in KINDS else len(KINDS))


def _shown(card: Scorecard) -> list[tuple[str, Flag]]:
    keys = {seat.shown.key for seat in read.seated(card) if seat.shown}
    found = [(one.seat.lower(), one.flag) for one in flags_on(card) if one.review.key in keys]
    return found + [(THE_BRIEF, flag) for flag in (card.brief.flags if card.brief else ())]


def item_words(item: ToCheck) -> str:
    """"price $30: builder (quote, because), investor (point money)", who says it first named first."""
    return f"{item.fact if item.fact in KINDS else 'fact'} {item.text or item.about}: {_sayers(item.places)}"


def _sayers(said_by: Iterable[tuple[str, str]]) -> str:
    fields: dict[str, list[str]] = {}
    for who, where in said_by:
        fields.setdefault(who, []).extend([field_words(where)] if where else [])
    return ", ".join(f"{who} ({', '.join(where)})" if where else who for who, where in fields.items())


def list_lines(card: Scorecard) -> list[tuple[str, str]]:
    """Label and words of what a page says and its dossier does not: a line a fact to check, names in one line.

    General knowledge comes last, in one line, without what is to be checked anyway: it needs no dossier, but a reader
    should know it for what it is.
    """
    items = to_check(card)
    listed = {one.about for one in items}
    lines = [("to check", item_words(one)) for one in items if one.fact != "name"]
    names = [f"{one.text} ({', '.join(dict.fromkeys(who for who, _ in one.places))})"
             for one in items if one.fact == "name"]
    if names:
        lines.append(("to check", f"{'name' if len(names) == 1 else 'names'} {', '.join(names)}"))
    outside: dict[str, dict[str, None]] = {}
    for who, flag in _shown(card):
        if flag.kind == "outside_knowledge" and flag.about not in listed:
            outside.setdefault(flag.text or flag.reason, {})[who] = None
    if outside:
        named = ", ".join(f"{text} ({', '.join(who)})" for text, who in outside.items())
        lines.append(("general knowledge", named))
    return lines
