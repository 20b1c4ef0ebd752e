"""Two scorecards and the pairwise answers → what an "A vs B" page says.

Pure reading: who picks what in both orders, overall, where the tools differ. `comparison_markdown` writes the page;
`versus` prints it. Knows nothing of the store, and never lets a pairwise answer into a panel score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from panel.editorial import scorecard as read
from panel.schema.review import Comparison, ComparisonText
from panel.schema.scorecard import Scorecard
from panel.schema.verdict import Flag
from panel.scoring import stable_pick

NO_PREFERENCE = "no stable preference"
_OPENING = re.compile(r"^\s*(?:(?:pick|choose)\b.{0,60}?\bif\b|if\b)\s*", re.IGNORECASE | re.DOTALL)
_SENTENCE_START = re.compile(r"^(?:You|Your|The|An?|It|Its|There|This|Nobody|Somebody|What|When|Every|All)\b")


@dataclass(frozen=True)
class SeatPick:
    """One seat asked in both orders. `stable` is a tool's id, "neither", "not_comparable", or null."""

    persona_id: str
    model: str
    name: str
    a_first: Comparison | None
    b_first: Comparison | None
    stable: str | None

    def texts(self) -> list[tuple[Comparison, ComparisonText]]:
        """The answers there are, A first before B first."""
        both = (self.a_first, self.b_first)
        return [(one, one.comparison) for one in both if one is not None and one.comparison is not None]


@dataclass(frozen=True)
class Sentence:
    """An *if* sentence: the persona's condition, without "Pick X if", and who said it."""

    condition: str
    said_by: str
    unsure: bool = False
    """Whether that persona's own pick changed with the order."""


@dataclass(frozen=True)
class Overall:
    """What most stable picks say: a tool's id, "neither", "not_comparable", or null where there is no majority.

    `votes` of `stable` stable picks, of `asked` seats. Null also unless over half of the seats have a stable pick: one
    steady seat among four that change with the order is no preference of the panel.
    """

    pick: str | None
    votes: int
    stable: int
    asked: int


@dataclass(frozen=True)
class Contrast:
    """One axis on which the tools differ, the lines of each, and who named it."""

    axis: str
    a_lines: tuple[int, ...]
    b_lines: tuple[int, ...]
    named_by: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonPage:
    """Everything the page says, before it is laid out."""

    a: Scorecard
    b: Scorecard
    pick_a_if: Sentence | None
    pick_b_if: Sentence | None
    seats: tuple[SeatPick, ...]
    overall: Overall
    contrasts: tuple[Contrast, ...]

    def name_of(self, pick: str | None) -> str:
        """A pick in words: the tool's name, neither, not comparable, or no stable preference."""
        names = {self.a.dossier.id: self.a.dossier.name, self.b.dossier.id: self.b.dossier.name}
        return NO_PREFERENCE if pick is None else names.get(pick, read.spoken(pick))


def comparison_page(a: Scorecard, b: Scorecard, comparisons: Sequence[Comparison]) -> ComparisonPage:
    """The page about `a` and `b`. Comparisons of other pairs are left aside; of two alike the later one counts."""
    seats = _seats(a, b, comparisons)
    return ComparisonPage(
        a=a, b=b,
        pick_a_if=_sentence(a.dossier.id, seats), pick_b_if=_sentence(b.dossier.id, seats),
        seats=seats, overall=_overall(seats), contrasts=_contrasts(a, seats),
    )


def _seats(a: Scorecard, b: Scorecard, comparisons: Sequence[Comparison]) -> tuple[SeatPick, ...]:
    tools = a.dossier.id, b.dossier.id
    asked: dict[tuple[str, str], dict[bool, Comparison]] = {}
    for one in sorted(comparisons, key=lambda one: (one.comparison is not None, one.finished_at)):
        if (one.tool_a, one.tool_b) in (tools, tools[::-1]):
            asked.setdefault((one.persona_id, one.model), {})[one.tool_a == a.dossier.id] = one
    models = {who: sorted(model for persona, model in asked if persona == who) for who, _ in asked}
    seat_ids = [seat.persona_id for seat in a.panel.seats if seat.persona_id in models]
    seats = []
    for who in read.seat_order([*seat_ids, *sorted(models)]):
        for model in models[who]:
            orders = asked[who, model]
            a_first, b_first = orders.get(True), orders.get(False)
            stable = stable_pick(a_first, b_first, *tools) if a_first and b_first else None
            name = read.persona_name(a, who) + (f" ({model})" if len(models[who]) > 1 else "")
            seats.append(SeatPick(who, model, name, a_first, b_first, stable))
    return tuple(seats)


def picked(one: Comparison | None) -> str | None:
    """The pick of one order as a tool's id, "neither" or "not_comparable"; null where there is no answer."""
    if one is None or one.comparison is None:
        return None
    return {"a": one.tool_a, "b": one.tool_b}.get(one.comparison.pick, one.comparison.pick)


def pick_words(page: ComparisonPage, seat: SeatPick) -> str:
    """Both orders, then what they come to."""
    first = _order_words(page, seat.a_first, page.a)
    second = _order_words(page, seat.b_first, page.b)
    return f"{page.name_of(seat.stable)} ({first}; {second})"


def _order_words(page: ComparisonPage, one: Comparison | None, shown_first: Scorecard) -> str:
    pick = picked(one)
    said = page.name_of(pick) if pick else f"unscored, {one.unscored}" if one else "not asked"
    return f"{shown_first.dossier.name} first: {said}"


def overall_words(page: ComparisonPage) -> str:
    """The overall pick with both denominators."""
    found = page.overall
    if not found.asked:
        return "nobody was asked about both"
    stable = f"{found.stable} of {read.counted(found.asked, 'seat')} with a stable pick"
    if found.pick is None:
        return f"no overall pick ({stable})"
    return f"{page.name_of(found.pick)} ({found.votes} of {read.counted(found.stable, 'stable pick')}; {stable})"


def _overall(seats: Sequence[SeatPick]) -> Overall:
    stable = [seat.stable for seat in seats if seat.stable is not None]
    usual = max(stable, key=stable.count) if stable else None
    votes = stable.count(usual) if usual else 0
    clear = votes * 2 > len(stable) and len(stable) * 2 > len(seats)
    return Overall(usual if clear else None, votes, len(stable), len(seats))


def _sentence(tool: str, seats: Sequence[SeatPick]) -> Sentence | None:
    """From a seat that picks this tool in both orders; else one that picks it in one order; else any."""
    def closeness(seat: SeatPick) -> int:
        return (seat.stable == tool) * 2 + (tool in (picked(seat.a_first), picked(seat.b_first)))

    for seat in sorted(seats, key=closeness, reverse=True):
        for one, text in seat.texts():
            condition = _condition(text.pick_a_if if one.tool_a == tool else text.pick_b_if)
            if condition:
                unsure = seat.stable is None and len(seat.texts()) == 2
                return Sentence(condition, seat.name, unsure)
    return None


def _condition(said: str) -> str:
    """The answer without "Pick X if" and without its full stop, to stand inside our own sentence."""
    bare = _OPENING.sub("", said, count=1).strip().rstrip(". ")
    return bare[0].lower() + bare[1:] if _SENTENCE_START.match(bare) else bare


def _contrasts(a: Scorecard, seats: Sequence[SeatPick]) -> tuple[Contrast, ...]:
    """Axes as the personas named them, same words once; those most named first, then in seat order."""
    found: dict[str, Contrast] = {}
    for seat in seats:
        for one, text in seat.texts()[:1]:
            flipped = one.tool_a != a.dossier.id
            for said in text.differences:
                a_lines, b_lines = (said.b_lines, said.a_lines) if flipped else (said.a_lines, said.b_lines)
                key = " ".join(said.axis.casefold().split())
                before = found.get(key, Contrast(said.axis, (), (), ()))
                found[key] = Contrast(
                    before.axis, tuple(sorted({*before.a_lines, *a_lines})),
                    tuple(sorted({*before.b_lines, *b_lines})), (*before.named_by, seat.name),
                )
    return tuple(sorted(found.values(), key=lambda one: -len(one.named_by)))


def changes_of_mind(card: Scorecard) -> list[tuple[str, str]]:
    """Persona and what would change its mind, from the seats on the winning side (all seats where there is none)."""
    side = card.score.outcome
    return [
        (seat.name, seat.shown.verdict.change_my_mind)
        for seat in read.seated(card)
        if seat.shown and seat.shown.verdict and seat.shown.verdict.change_my_mind
        and (side not in ("ship", "skip") or seat.shown.verdict.verdict == side)
    ]


def holding_flags(page: ComparisonPage) -> list[tuple[str, Flag]]:
    """Who and what: flags of the answers over both tools that hold the page. Each once, whatever the order it is in."""
    found = {(seat.name, flag.kind, flag.field, flag.text): flag
             for seat in page.seats for one, _ in seat.texts() for flag in one.flags if flag.holds}
    return [(name, flag) for (name, *_), flag in found.items()]


def notes_of(page: ComparisonPage) -> list[str]:
    """Each card's notes with the tool's name before them; captions once."""
    found = dict.fromkeys([*page.a.captions, *page.b.captions])
    for card in (page.a, page.b):
        found.update(dict.fromkeys(
            f"{card.dossier.name}: {note}" for note in read.notes(card) if note not in card.captions
        ))
    return list(found)
