"""The flags of a page: which hold it back, which were cleared, what is to be checked, in the words every surface has.

Flags that hold have a number, the same on every surface for as long as the reviews are the same: clearing one does not
renumber the others. Knows nothing of colours or Markdown; text comes out as it went in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from panel.editorial import scorecard as read
from panel.schema.review import Review
from panel.schema.scorecard import Scorecard
from panel.schema.statement import Clearance, ClearedFlag
from panel.schema.verdict import Flag, Verdict

FLAG_WORDS = {
    "wrong_number": "wrong number",
    "wrong_price": "wrong price",
    "wrong_date": "wrong date",
    "wrong_version": "wrong version",
    "wrong_licence": "wrong licence",
    "missing_line": "cites a line that is not there",
    "invented_experience": "reads as if the tool had been used",
    "wrong_verdict_word": "ends on the other verdict",
    "wrong_name": "name that is not on the cited lines",
    "weak_claim": "partly on the cited lines",
    "unsupported_claim": "hardly on the cited lines",
    "to_check": "to check",
    "outside_knowledge": "general knowledge, not in the dossier",
    "banned_phrase": "phrase this persona never says",
    "length": "length",
    "score_mismatch": "score and verdict disagree",
    "few_citations": "few cited facts",
    "generic": "could be of any tool",
    "label_in_quote": "names a point by its label",
    "echo": "words of an example in the prompt",
    "template_echo": "also in its other quotes",
    "suspicious_dossier": "suspicious text",
    "own_vendor": "own maker",
    "vague_prediction": "prediction nobody could score",
    "untold_event": "happened, but not in the dossier",
}
"""Every kind of flag in short words."""
NEEDS_WORDS = frozenset({"to_check", "suspicious_dossier", "template_echo"})
"""Kinds whose reason alone would not say what is wrong; so is any kind this module does not know."""
OF_PAGE = frozenset({"to_check", "outside_knowledge", "suspicious_dossier", "own_vendor"})
"""Kinds that are said once a page, not at the seat."""
BY_TEXT = frozenset({"outside_knowledge", "banned_phrase", "label_in_quote", "wrong_name"})
"""Kinds of which the flagged words say all, so that several stand in one line."""
LONG = 60
"""Flagged words of so many characters are not repeated in a line: they can be seen where they stand."""
_CLAIM = re.compile(r"claims\[([0-9]{1,6})\]")
_INDEXED = re.compile(r"^(\w+?)s?\[([0-9]{1,6})\]")


@dataclass(frozen=True)
class OnPage:
    """One flag of a review; `number` only where its kind holds, `cleared` by whom and when."""

    seat: str
    persona_id: str
    review: Review
    flag: Flag
    number: int | None = None
    cleared: Clearance | None = None

    @property
    def holds(self) -> bool:
        """Whether the panel waits for it now."""
        return self.number is not None and self.cleared is None

    @property
    def as_cleared(self) -> ClearedFlag:
        """What a clearance says of it."""
        return ClearedFlag(key=self.review.key, kind=self.flag.kind, field=self.flag.field, text=self.flag.text)


def flags_on(card: Scorecard) -> tuple[OnPage, ...]:
    """Every flag of the card's reviews, in the order of the page; words shared with other quotes among them."""
    passed: dict[tuple[str, ...], Clearance] = {}
    for one in card.cleared:
        for cleared in one.flags:
            passed.setdefault(_identity(cleared.key, cleared), one)
    echoes: dict[str, list[Flag]] = {}
    for held in card.echoes:
        echoes.setdefault(held.key, []).append(held.flag)
    numbers: dict[tuple[str, ...], int] = {}
    found = []
    for seat in read.seated(card):
        for take in seat.takes:
            for flag in (*take.flags, *echoes.get(take.key, ())):
                key = _identity(take.key, flag)
                if not flag.holds:
                    found.append(OnPage(seat.name, seat.persona_id, take, flag))
                elif key not in numbers:  # the same words twice in a field are one flag: cleared once
                    numbers[key] = len(numbers) + 1
                    found.append(OnPage(seat.name, seat.persona_id, take, flag, numbers[key], passed.get(key)))
    return tuple(found)


def _identity(key: str, flag: Flag | ClearedFlag) -> tuple[str, ...]:
    return (key, flag.kind, flag.field or "", flag.text or "")


def at_seat(card: Scorecard, seat: read.Seated) -> tuple[OnPage, ...]:
    """What stands with a seat: what holds first, then what was cleared, then notes of the take that is shown."""
    keys = {take.key for take in seat.takes}
    shown = seat.shown.key if seat.shown else None
    mine = [one for one in flags_on(card) if one.review.key in keys
            and (one.number is not None or (one.review.key == shown and one.flag.kind not in OF_PAGE))]
    return tuple(sorted(mine, key=lambda one: (not one.holds, one.cleared is None)))


def seat_lines(card: Scorecard, seat: read.Seated) -> list[tuple[str, bool]]:
    """The flags of a seat in words, and whether each line holds; notes of one kind share a line."""
    flags = at_seat(card, seat)
    lines = [(f"{numbered(one)}: {flag_words(one.flag)}{_take(seat, one)}", one.holds)
             for one in flags if one.number is not None]
    return lines + [(line, False) for line in notes_in_short([one.flag for one in flags if one.number is None])]


def numbered(one: OnPage) -> str:
    """"HOLDS, flag 2", or that it was cleared."""
    return f"HOLDS, flag {one.number}" if one.holds else f"flag {one.number}, cleared"


def _take(seat: read.Seated, one: OnPage) -> str:
    if seat.shown is None or one.review.key == seat.shown.key:
        return ""
    return f", in take {[take.key for take in seat.takes].index(one.review.key) + 1}, which is not shown"


def flag_words(flag: Flag, *, placed: bool = True) -> str:
    """A flag in plain words: what is wrong and, unless the place is said elsewhere, where."""
    said = f"{_before(flag.kind)}{flag.reason}"
    quoted = f' ("{flag.text}")' if flag.text and len(flag.text) < LONG and flag.text not in flag.reason else ""
    return f"{said}{quoted}{_in_field(flag) if placed else ''}"


def _before(kind: str) -> str:
    return f"{kind_words(kind)}: " if kind in NEEDS_WORDS or kind not in FLAG_WORDS else ""


def kind_words(kind: str) -> str:
    """A kind of flag in short words."""
    return FLAG_WORDS.get(kind, read.spoken(kind))


def field_words(field: str) -> str:
    """"claims[1].text" as people say it: "claim 2"."""
    indexed = _INDEXED.match(field)
    if indexed:
        return f"{read.spoken(indexed[1])} {int(indexed[2]) + 1}"
    if field.startswith("points."):
        return f"point {read.spoken(field.removeprefix('points.'))}"
    return read.spoken(field.removesuffix(".text").removesuffix(".statement"))


def _in_field(flag: Flag) -> str:
    return f" [{field_words(flag.field)}]" if flag.field and flag.kind != "score_mismatch" else ""


def notes_in_short(flags: Iterable[Flag]) -> list[str]:
    """Notes in one line a kind; flagged words of one field share its name."""
    kinds: dict[str, dict[str, dict[str, None]]] = {}
    for flag in flags:
        said = flag.text if flag.kind in BY_TEXT and flag.text else flag.reason
        if flag.kind == "template_echo" and flag.text:
            said = f'"{flag.text}", {flag.reason}'
        kinds.setdefault(flag.kind, {}).setdefault(_in_field(flag), {})[said] = None
    return [
        (f"{kind_words(kind)}: " if kind in BY_TEXT else _before(kind))
        + "; ".join(f"{(', ' if kind in BY_TEXT else '; ').join(said)}{field}" for field, said in fields.items())
        for kind, fields in kinds.items()
    ]


def warnings(card: Scorecard) -> list[str]:
    """What a reader must know before the verdicts: suspicious text, a model's own maker, a brief that says wrong."""
    suspicious: dict[str, None] = {}
    makers: dict[str, list[str]] = {}
    for one in flags_on(card):
        if one.flag.kind == "suspicious_dossier":
            suspicious[f"{kind_words(one.flag.kind)}: {one.flag.reason}"] = None
        elif one.flag.kind == "own_vendor":
            makers.setdefault(one.flag.reason, []).append(one.seat.lower())
    seats = len(read.seated(card))
    brief = [f"the brief: {flag.reason}" for flag in (card.brief.flags if card.brief else ()) if flag.holds]
    return [*suspicious, *(f"{reason} ({_who(dict.fromkeys(names), seats)})" for reason, names in makers.items()),
            *brief]


def _who(names: Iterable[str], seats: int) -> str:
    found = list(names)
    return "every seat" if len(found) == seats > 1 else ", ".join(found)


def held_words(card: Scorecard) -> str | None:
    """The banner of a page that waits for an editor; null for one that does not."""
    waiting = sum(one.holds for one in flags_on(card))
    if not waiting:
        return None
    verb = "waits" if waiting == 1 else "wait"
    return f"HELD: {read.counted(waiting, 'flag')} {verb} for an editor; ship-panel flags {card.dossier.id}"


def cleared_words(card: Scorecard) -> list[str]:
    """One line a clearance: how many flags, by whom, when, with which note."""
    return [
        f"{read.counted(len(one.flags), 'flag')} cleared{f' by {one.by}' if one.by else ''} on {one.at[:10]}"
        + (f": {one.note}" if one.note else "") for one in card.cleared
    ]


def text_at(verdict: Verdict, field: str | None) -> str | None:
    """The text of a verdict's field by the name a flag gives it; null where it has none."""
    if field is None:
        return None
    claim = _CLAIM.match(field)
    if claim:
        number = int(claim[1])
        return verdict.claims[number].text if number < len(verdict.claims) else None
    if field.startswith("points."):
        return verdict.points.get(field.removeprefix("points."))
    texts = {"quote": verdict.quote, "because.text": verdict.because.text, "caveat": verdict.caveat,
             "best_for": verdict.best_for, "change_my_mind": verdict.change_my_mind,
             "prediction.statement": verdict.prediction.statement if verdict.prediction else None}
    return texts.get(field)


def lines_at(verdict: Verdict, field: str | None) -> Sequence[int]:
    """The dossier lines cited by the claim a flag is on; none for another field."""
    claim = _CLAIM.match(field or "")
    if claim is None or int(claim[1]) >= len(verdict.claims):
        return ()
    return verdict.claims[int(claim[1])].lines
