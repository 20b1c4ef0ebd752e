"""Claim and lines → whether a price or number on the lines belongs to another plan than the claim says.

"Teams costs 20 dollars" cites a line that has 20 dollars, of another plan. Plans are those that the dossier's own
price lines name. Where a line leaves open whose a number is, nothing is said. Knows nothing of other names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from panel.checks.facts import facts_in, keys_said
from panel.checks.found import Found
from panel.checks.kept import Kept
from panel.checks.parts import Part
from panel.schema import DossierLines, Line

CUT = re.compile(r"(?P<sentence>[.!?](?=\s|$)|;)|,? \b(?:and|while|but|whereas|against|versus)\b |, | to (?=[A-Z])")
CALLED_A_PLAN = re.compile(r"\b([A-Z]\w{2,20}\+?) (?:plan|tier)s?\b")
NO_PLANS = frozenset({"The", "Paid", "Every", "Each", "All", "Most", "This", "That", "Free", "Monthly", "Yearly"})
MOST_PLANS = 40
LONGEST = 400
"""Characters of a line or claim that are cut into segments; plans are told apart in short sentences or not at all."""


class Plans(NamedTuple):
    """The plans of a dossier's price lines: a pattern for their names, or null."""

    pattern: re.Pattern[str] | None


class Segment(NamedTuple):
    """A part of a sentence: the plans it is about, its own or those of the part before, and its facts."""

    plans: frozenset[str]
    facts: tuple[Found, ...]
    start: int
    end: int


_kept: Kept[Plans] = Kept()


def plans_of(lines: DossierLines) -> Plans:
    """The plans that the price lines name."""
    return _kept.get(lines.digest, lambda: _plans(lines))


def _plans(lines: DossierLines) -> Plans:
    names: dict[str, None] = {}
    if any(line.field == "pricing" for line in lines.lines):
        names = dict.fromkeys(name for line in lines.lines for name in CALLED_A_PLAN.findall(line.text)
                              if name not in NO_PLANS)
    for line in lines.lines:
        if line.field == "pricing":
            name = re.split(r"[,:(]", line.text.removeprefix("price:"), maxsplit=1)[0].strip()
            if name and name[0].isupper() and len(name) < 30:
                names[name] = None
    if len(names) < 2:
        return Plans(None)
    longest = sorted(names, key=len, reverse=True)[:MOST_PLANS]
    return Plans(re.compile(rf"(?<![\w+])(?:{'|'.join(map(re.escape, longest))})(?![\w+]|-?\d)"))


def other_plan(fact: Found, part: Part, cited: Sequence[Line], plans: Plans) -> str | None:
    """The plan whose price or number this is on the cited lines, where the claim says it of another; else null."""
    text = part.text
    if plans.pattern is None or fact.kind not in ("price", "number") or len(text) > LONGEST or (
            not plans.pattern.search(text)):
        return None
    told = [one for one in segments(text, plans.pattern, part.facts) if one.facts]
    said = next((one for one in told if fact in one.facts), None)
    if said is None or len(said.plans) != 1 or not all(one.plans for one in told):
        return None  # "10 and 30 dollars for Basic and Standard" leaves open whose each is
    parts = [one for line in cited for one in _segments_of(line.text, plans.pattern)]
    holders = [one for one in parts if any(_is_same(fact, each) for each in one.facts)]
    owners: frozenset[str] = frozenset().union(*(one.plans for one in holders))
    if not holders or not all(one.plans for one in holders) or owners & said.plans:
        return None
    if any(_is_named(owner, text[said.start:said.end]) for owner in owners):
        return None
    rival = any(one.plans == said.plans and any(_alike(fact, each) for each in one.facts) for one in parts)
    return min(owners) if rival else None


@lru_cache(maxsize=1024)
def _segments_of(line: str, plans: re.Pattern[str]) -> list[Segment]:
    return segments(line, plans, facts_in(line)) if len(line) <= LONGEST else []


def segments(text: str, plans: re.Pattern[str], found: Sequence[Found]) -> list[Segment]:
    """The parts of a text, each with its plans and facts; a part without a plan goes on with the one before."""
    if len(text) > LONGEST:
        return []
    cuts = [match for match in CUT.finditer(text)
            if not any(fact.start < match.end() and match.start() < fact.end for fact in found)]
    parts: list[Segment] = []
    start, before = 0, frozenset[str]()
    for end, after, ends in (*((cut.start(), cut.end(), bool(cut["sentence"])) for cut in cuts),
                             (len(text), len(text), True)):
        own = frozenset(plans.findall(text, start, end))
        parts.append(Segment(own or before, tuple(f for f in found if start <= f.start < end), start, end))
        before = frozenset() if ends else own or before
        start = after
    return parts


def _is_named(plan: str, text: str) -> bool:
    """Whether a text names a plan in small letters or the singular: "a team seat" of Teams."""
    return re.search(rf"(?<![\w+]){re.escape(plan.removesuffix('s'))}(?!\+)", text, re.IGNORECASE) is not None


def _is_same(fact: Found, other: Found) -> bool:
    """Whether a line's fact is the claim's: in the same unit, or one of them without."""
    if fact.unit and other.unit:
        return fact.unit == other.unit
    return not keys_said(other).isdisjoint(fact.keys)


def _alike(fact: Found, other: Found) -> bool:
    """Whether two facts measure the same: both prices, or numbers of one kind of unit."""
    if "price" in (fact.kind, other.kind):
        return fact.kind == other.kind or (not fact.unit and not other.unit)
    return other.kind == "number" and fact.unit.partition(":")[0] == other.unit.partition(":")[0]
