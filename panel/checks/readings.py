"""Fact of a claim and cited lines → whether some reading of the lines gives it that no single line says outright.

Counted things, roundings and bounds that the claim admits ("about", "under"), a month on one line with its year on
another, ratios, differences and lengths of time. Generous on purpose: what no reading gives holds the panel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from panel.checks.facts import Source, facts_in, line_source
from panel.checks.found import Found
from panel.checks.listed import list_sizes
from panel.checks.parts import Part
from panel.checks.words import stem, words_of
from panel.schema import DossierLines, Line

FIELDS_SAID = {"pricing": "price plan", "license": "license terms"}
"""What a field of the dossier says besides its text."""
MOST_READ = 2000
"""Characters of a line that are searched for what it says instead."""
NEAR = 200
MOST_COUNTED = 30
ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|nearly|almost|over|under|above|below|more than|less than|fewer than|approximately"
    r"|some|close to|just|past|upwards? of|north of|up to|at least|within|well)|~|≈)\s*$", re.IGNORECASE)
CLOSE = 0.03
BOUNDS = (
    (re.compile(r"\b(?:over|above|more than|at least|past|upwards? of|north of)\s*$", re.IGNORECASE), 1.0, 1.25),
    (re.compile(r"\b(?:under|below|less than|fewer than|up to|within|nearly|almost)\s*$", re.IGNORECASE), 0.8, 1.0),
)
"""How far a number on the lines may lie from a rounder one that the claim gives as a bound, as factors."""
RATIOS = ("twice", "thrice", "fold", "half", "third", "quarter")
LARGEST_RATIO = 10
MOST_RECKONED = 8
"""Numbers on the cited lines beyond which some two of them give any ratio."""
MONTH, YEAR = 2592000.0, 31536000.0
ROUNDED, VAGUELY, EXACT = 0.6, 0.1, 1e-6
DIFFERENCE = re.compile(r"\b(?:gains?|gained|saves?|saving|difference|gap|cheaper|dearer|points|rises?|rose|drops?"
                        r"|dropped|fell|falls?|climbs?|climbed|leads?)\b")
FREE = frozenset({"USD:0", "EUR:0", "GBP:0"})


class Cited(NamedTuple):
    """The lines a claim cites and what they support."""

    lines: Sequence[Line]
    sources: Sequence[Source]
    words: frozenset[str]
    dossier: DossierLines

    @property
    def shown(self) -> str:
        """The lines by number: "lines 3, 4"."""
        return f"line{'s' if len(self.lines) > 1 else ''} {', '.join(str(line.number) for line in self.lines)}"

    def supports(self, fact: Found) -> bool:
        """Whether one of the lines says it."""
        return any(source.supports(fact) for source in self.sources)

    def has(self, key: str) -> bool:
        """Whether a key stands on one of the lines."""
        return any(key in source.keys for source in self.sources)


def source_of_line(line: Line) -> Source:
    """A line with the name of its field, which may be what a claim repeats of it."""
    return line_source(f"{FIELDS_SAID.get(line.field) or line.field.replace('_', ' ')}: {line.text}")


def is_read_from(fact: Found, part: Part, cited: Cited) -> bool:
    """Whether the lines give a fact in a way that no single key of theirs says."""
    if fact.kind == "date":
        return _is_dated(fact, cited)
    if fact.kind == "price" and fact.keys[0] in FREE:
        return any("free" in source.words or "without" in source.words for source in cited.sources)
    if fact.kind not in ("number", "price"):
        return False
    return any(reading(fact, part.text, cited) for reading in (_is_rounded, _is_counted, _is_reckoned))


def _is_dated(fact: Found, cited: Cited) -> bool:
    """Whether one line gives month and day, and another the year."""
    year, _, rest = fact.keys[0][2:].partition("-")
    return bool(year and rest) and cited.has(f"yearless:-{rest}") and cited.has(f"d:{year}")


def _values(keys: Iterable[str], kinds: tuple[str, ...]) -> list[float]:
    return [float(value) for kind, _, value in (key.partition(":") for key in keys) if kind in kinds and value]


def _is_rounded(fact: Found, text: str, cited: Cited) -> bool:
    """Whether the claim says "about" or the like, and the lines have a number close by with more digits."""
    if not ABOUT.search(text, max(0, fact.start - 14), fact.start):
        return False
    kind = "%" if fact.unit == "%" else fact.keys[0].partition(":")[0]
    value = float(fact.keys[0].partition(":")[2])
    kinds = (kind, "bare") if fact.unit == "%" else (kind,)
    known = [other for other in _values((key for source in cited.sources for key in source.keys), kinds)
             if _digits(value) < _digits(other)]
    least, most = next((room for words, *room in BOUNDS if words.search(text, max(0, fact.start - 14), fact.start)),
                       (1 - CLOSE, 1 + CLOSE))
    return any(least * value <= other <= most * value for other in known)


def _digits(value: float) -> int:
    return len(f"{value:.10g}".replace(".", "").strip("0"))


def _is_counted(fact: Found, text: str, cited: Cited) -> bool:
    """Whether a whole number counts things that the lines, or the claim itself after it, list."""
    kind, _, value = fact.keys[0].partition(":")
    if fact.kind != "number" or fact.unit or kind != "n" or not value.isdigit() or int(value) > MOST_COUNTED:
        return False
    count, counted = int(value), following(text, fact)
    if any(counted and counted == following(line.text, other) for line in cited.lines
           for other in facts_in(line.text[:MOST_READ]) if other.kind == "number"):
        return False  # the line says another number of them
    if count == len(cited.lines) and _are_a_list(cited.lines):
        return True
    if any(count in list_sizes(line.text) for line in cited.lines):
        return True
    rest = text[fact.end:fact.end + NEAR]
    after = rest.partition(":" if ":" in rest else ",")[2]
    return (bool(after) and count in list_sizes(after)) or (
        count == 2 and " and " in text[max(0, fact.start - NEAR):fact.start])


def _are_a_list(lines: Sequence[Line]) -> bool:
    """Whether lines are the items of one list: price lines, or lines with the same bullet."""
    marks = {line.text[:1] for line in lines}
    return all(line.field == "pricing" for line in lines) or (len(marks) == 1 and not marks.pop().isalnum())


def following(text: str, fact: Found) -> str:
    """The stem of the word after a fact: what is counted."""
    words = words_of(text[fact.end:fact.end + 24])
    return stem(words[0]) if words else ""


def _is_reckoned(fact: Found, text: str, cited: Cited) -> bool:
    """Whether a ratio or percentage is of two numbers on the lines, or a number their difference or product.

    A price may be a difference ("saves two dollars") and nothing else: a year at twelve times the month is a price that
    the lines do not name.
    """
    price = fact.keys[0].partition(":")[0] if fact.kind == "price" else ""
    kinds = (price,) if price else ("n", "v")
    known = sorted(set(_values((key for source in cited.sources for key in source.keys), kinds)))
    value = float(fact.keys[0].partition(":")[2])
    if len(known) > MOST_RECKONED or not value:
        return False
    pairs = [(one, other) for one in known for other in known if one < other]
    if fact.unit.startswith("time:") and float(fact.unit[5:]) in _spans(cited):
        return True
    if DIFFERENCE.search(text) and any(abs(other - one - value) < EXACT * other for one, other in pairs):
        return True
    if price:
        return False
    if fact.unit == "%":
        return any(abs(value - 100 * share) < ROUNDED for one, other in pairs if one
                   for share in (one / other, 1 - one / other))
    if fact.in_words and value <= LARGEST_RATIO and any(word in fact.text.casefold() for word in RATIOS):
        room = VAGUELY if ABOUT.search(text, max(0, fact.start - 14), fact.start) else EXACT
        return any(abs(share - value) < room for one, other in pairs if one for share in (one / other, other / one))
    times = any("times" in source.words for source in cited.sources)
    return times and any(one * other == value for one, other in pairs)


def _spans(cited: Cited) -> set[float]:
    """The lengths in seconds, as whole months and years, between the dates on the lines."""
    dates = {key[2:] for source in cited.sources for key in source.keys if key.startswith("d:2")}
    months = sorted(int(date[:4]) * 12 + int(date[5:7]) for date in dates if len(date) == 7 and date[5:].isdigit())
    years = sorted(int(date) for date in dates if len(date) == 4)
    if len(months) > MOST_RECKONED or len(years) > MOST_RECKONED:
        return set()
    found = {(later - one) * MONTH for one in months for later in months}
    return found | {(later - one) * YEAR for one in years for later in years}
