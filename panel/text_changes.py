"""Which lines of a dossier, fields of a persona file, lines of a prompt and flags of a seat differ. Pure.

Knows nothing of what the differences did to a panel.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from panel.schema.change import FieldChange, FlagChange, LineChange, PromptLine, SeatChange, SeatSeen
from panel.schema.dossier import Line
from panel.schema.persona import Persona
from panel.schema.prompt import Prompt
from panel.schema.verdict import Flag

_OF_THE_DOSSIER = re.compile(r"\[\d+\] |<<<dossier |[0-9a-f]{8,}>>>$")


def line_changes(before: Sequence[Line], after: Sequence[Line]) -> tuple[LineChange, ...]:
    """The lines added, removed and changed, in the order they are shown. A number that moved is no change."""
    found = []
    for first, second in _unlike([line.text for line in before], [line.text for line in after]):
        for one, two in zip_longest(before[first], after[second]):
            found.append(LineChange(
                kind="added" if one is None else "removed" if two is None else "changed",
                before_number=one and one.number, after_number=two and two.number,
                before=one and one.text, after=two and two.text))
    return tuple(found)


def _unlike(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[slice, slice]]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, first_end, second, second_end in matcher.get_opcodes():
        if kind != "equal":
            yield slice(first, first_end), slice(second, second_end)


def field_changes(before: Persona | None, after: Persona | None) -> tuple[FieldChange, ...]:
    """The fields of a persona file that differ: of lists only the entries that are not in both, joined by "; "."""
    if before is None or after is None or before.digest == after.digest:
        return ()
    first, second = dict(_flat(before)), dict(_flat(after))
    found = []
    for name in dict.fromkeys((*first, *second)):
        one, two = first.get(name, ""), second.get(name, "")
        if one == two:
            continue
        if isinstance(one, tuple) and isinstance(two, tuple):
            only_one = [text for text in one if text not in two]
            only_two = [text for text in two if text not in one]
            if not only_one and not only_two:  # another order
                only_one, only_two = list(one), list(two)
            one, two = "; ".join(only_one), "; ".join(only_two)
        found.append(FieldChange(persona_id=after.id, field=name, before=str(one), after=str(two)))
    return tuple(found)


def _flat(persona: Persona) -> Iterator[tuple[str, Any]]:
    for name in Persona.model_fields:
        value = getattr(persona, name)
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", text) for key, text in value.items())
        else:
            yield name, value


def prompt_changes(before: Prompt, after: Prompt, most: int) -> tuple[PromptLine, ...]:
    """The first lines of the messages that differ, at most `most`; lines of the dossier are left out."""
    found: list[PromptLine] = []
    for one, two in zip(before.messages, after.messages, strict=False):
        texts = [[line for line in message.content.splitlines() if not _OF_THE_DOSSIER.match(line)]
                 for message in (one, two)]
        for first, second in _unlike(*texts):
            found += [PromptLine(role=one.role, before=here or "", after=there or "")
                      for here, there in zip_longest(texts[0][first], texts[1][second])]
    return tuple(found[:most])


def flag_changes(seat: SeatChange) -> tuple[FlagChange, ...]:
    """The flags of a seat that came or went: those that hold each by its words, notes by how many of a kind.

    The same words of a kind are one flag, in however many takes they are: another number of takes is no change.
    """
    before, after = _flags(seat.before), _flags(seat.after)
    found = [FlagChange(seat=seat.seat, kind=flag.kind, holds=True, text=flag.text, reason=flag.reason,
                        before=int(key in before), after=int(key in after))
             for key, flag in {**before, **after}.items() if flag.holds and (key in before) != (key in after)]
    notes = [Counter(flag.kind for flag in flags.values() if not flag.holds) for flags in (before, after)]
    return (*found, *(FlagChange(seat=seat.seat, kind=kind, holds=False, before=notes[0][kind], after=notes[1][kind])
                      for kind in dict.fromkeys((*notes[0], *notes[1])) if notes[0][kind] != notes[1][kind]))


def _flags(seat: SeatSeen | None) -> dict[tuple[str, str], Flag]:
    takes = seat.takes if seat is not None else ()
    return {(flag.kind, flag.text or flag.about or flag.reason): flag for take in takes for flag in take.flags}
