"""Flags of several reviews of a tool → one list of what is to check. Knows nothing of how a flag came about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from panel.schema import Flag
from panel.schema.record import Record

TRAILING_NUMBER = re.compile(r"[-.\d]+$")
SHORTEST = 3


class ToCheck(Record):
    """One thing to look up: what it is, the kind of fact, and every (persona, field) where it stands."""

    about: str
    text: str
    fact: str
    places: tuple[tuple[str, str], ...]


def to_check_list(reviews: Iterable[tuple[str, Sequence[Flag]]]) -> list[ToCheck]:
    """The `to_check` flags of a panel's reviews, given as (persona, flags), merged: what stands in most places first.

    A name takes in the shorter names that begin it: "Claude Code" is one item with "Claude", "Qwen2" with "Qwen".
    """
    found: dict[str, ToCheck] = {}
    for persona, flags in reviews:
        for flag in flags:
            if flag.kind != "to_check":
                continue
            about = flag.about or f"{flag.field}:{flag.text}"
            place = (persona, flag.field or "")
            known = found.get(about)
            if known is None:
                found[about] = ToCheck(about=about, text=flag.text or "", fact=flag.reason.partition(" ")[0],
                                       places=(place,))
            elif place not in known.places:
                found[about] = known.model_copy(update={"places": (*known.places, place)})
    return sorted(_names_joined(found), key=lambda item: -len(item.places))


def _names_joined(found: dict[str, ToCheck]) -> list[ToCheck]:
    """The items in order, each short name in the place of the first longer one that begins with it."""
    words = {about: _words(item) for about, item in found.items() if item.fact == "name"}
    joined = dict(found)
    for about in sorted(words, key=lambda each: len(words[each])):
        longer = next((other for other in words if other != about and other in joined
                       and _begins(words[about], words[other]) and about in joined), None)
        if longer is not None:
            short, long = joined[about], joined[longer]
            places = tuple(dict.fromkeys((*long.places, *short.places)))
            joined[longer] = long.model_copy(update={"places": places})
            del joined[about]
    return list(joined.values())


def _words(item: ToCheck) -> tuple[str, ...]:
    return tuple(item.about.removeprefix("name:").split())


def _begins(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    if len(short) < len(long):
        return long[:len(short)] == short
    bare = TRAILING_NUMBER.sub("", long[0])
    return len(short) == len(long) == 1 and short != long and bare == short[0] and len(bare) >= SHORTEST
