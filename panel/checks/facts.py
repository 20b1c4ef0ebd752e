"""Text → the facts in it that can be looked up, and a text as something that facts are looked up in.

Facts are brought to one form, so that "$1.2k", "1,200 dollars" and "USD 1200" are one price and "October 2026" stands
on a line that says 2026-10-05. Rules of form only: knows nothing of verdicts, and cannot tell whether two texts mean
the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from panel.checks.dates import named_months, numeric_date, quarters, quarters_in_words
from panel.checks.found import Found, places_of, plain
from panel.checks.licences import licences
from panel.checks.numbers import DIGITS, number_at, parts_and_multiples, spoken_numbers
from panel.checks.words import (
    FRACTIONS,
    LICENCE_WORDS,
    MAGNITUDES,
    MANY,
    MONTHS,
    NUMBER_WORDS,
    QUARTERS,
    TIMES,
    content_stems,
    stem,
    words_of,
)

DIGIT = re.compile(r"\d")
COUNTING_WORDS = (NUMBER_WORDS.keys() - {"one"}) | MAGNITUDES.keys() | {"dozen"}
"""The words a number begins with; "one" is nearly always a pronoun, and counts only before a magnitude."""
PART_WORDS = frozenset({"dollar", "euro", "pound", "cent", *MANY, *TIMES, *FRACTIONS,
                        *(f"{word}s" for word in FRACTIONS)})
TELLING_WORDS = frozenset(COUNTING_WORDS | PART_WORDS | MONTHS.keys() | QUARTERS | LICENCE_WORDS)
"""Without one of these, digits are all that a text need be searched for."""
NO_WORDS: frozenset[str] = frozenset()
CURRENCY_CODES = ("USD:", "EUR:", "GBP:", "JPY:", "INR:", "CHF:", "CAD:", "AUD:", "CNY:", "SEK:")
SIZES_OF_MANY = tuple(10.0 ** power for power in range(2, 13))
FREE = stem("free")
LIST_MARK = re.compile(r",? (?:and |or |to )?|[-–—/]")
MONTH_NUMBER = re.compile(r"\bmonth\b\W{1,6}(\d\d?)\b", re.IGNORECASE)

SAID_BY = {
    **dict.fromkeys(("half", "halve", "halves", "halved", "halving"), ("n:0.5", "%:50", "n:2")),
    **dict.fromkeys(("double", "doubles", "doubled", "twice", "both", "pair", "pairs", "couple"), ("n:2",)),
    **dict.fromkeys(("triple", "triples", "tripled", "thrice"), ("n:3",)),
    **dict.fromkeys(("quadruple", "quadruples", "quadrupled"), ("n:4",)),
    "quarter": ("n:0.25", "%:25"), "third": ("n:3",), "single": ("n:1",), "sole": ("n:1",),
    "ii": ("n:2",), "iii": ("n:3",), "iv": ("n:4",), "dozens": ("many:12",),
    "minute": ("time:60",), "hour": ("time:3600",), "day": ("time:86400",), "daily": ("time:86400",),
    "week": ("time:604800",), "weekly": ("time:604800",), "month": ("time:2592000",), "monthly": ("time:2592000",),
    **dict.fromkeys(("year", "yearly", "annual", "annually"), ("time:31536000", "time:31104000")),
}
"""What a word of a source supports besides its facts; a claim that has only the word is not held to it."""


class Source(NamedTuple):
    """A text that facts are looked up in: its words, and the keys of all that it supports."""

    words: frozenset[str]
    stems: frozenset[str]
    keys: frozenset[str]
    has_prices: bool
    latest: str
    """The latest month it names, as YYYY-MM, or an empty text."""

    def supports(self, fact: Found) -> bool:
        """Whether the text says it, in whatever form."""
        if fact.kind == "name":
            return self.words.issuperset(fact.keys)
        if fact.unit:
            value = fact.keys[0].partition(":")[2]
            if fact.unit == "%" and f"%:{value}" in self.keys:
                return True
            return fact.unit in self.keys or f"bare:{value}" in self.keys
        if not self.keys.isdisjoint(fact.keys):
            return True
        if fact.kind == "price":
            value = fact.keys[0].partition(":")[2]
            return (not self.has_prices and f"n:{value}" in self.keys) or (value == "0" and "free" in self.words)
        return False


def facts_in(text: str, words: list[str] | None = None) -> list[Found]:
    """Every fact of a text but its names (see `panel.checks.names`). `words` spares cutting the text again."""
    words = words_of(text) if words is None else words
    telling = NO_WORDS if TELLING_WORDS.isdisjoint(words) else TELLING_WORDS.intersection(words)
    digits = DIGIT.search(text)
    if not telling and digits is None:
        return []
    found = _named_facts(text, telling) if telling else []
    covered = places_of(found)
    done = 0
    for match in DIGITS.finditer(text, digits.start()) if digits else ():
        start, end = match.span()
        if start < done or start in covered:
            continue
        fact = numeric_date(text, start, end) or number_at(text, start, end, match[0])
        if fact is not None:
            found.append(fact)
            done = fact.end
    if telling:
        found += _facts_in_words(text, telling, found)
    if len(found) > 1:
        found.sort(key=lambda fact: fact.start)
    return found


def _named_facts(text: str, telling: frozenset[str]) -> list[Found]:
    """Dates and licences by their names."""
    found: list[Found] = []
    if not telling.isdisjoint(MONTHS):
        found += named_months(text)
    if not telling.isdisjoint(QUARTERS):
        found += quarters(text)
    if "quarter" in telling or "half" in telling:
        found += quarters_in_words(text)
    if not telling.isdisjoint(LICENCE_WORDS):
        found += licences(text)
    return found


def _facts_in_words(text: str, telling: frozenset[str], found: list[Found]) -> list[Found]:
    """Numbers in words, searched for one by one: a pattern of all of them is ten times slower."""
    more: list[Found] = []
    covered = places_of(found)
    if not telling.isdisjoint(PART_WORDS):
        more = [fact for fact in parts_and_multiples(text) if fact.start not in covered]
        covered |= places_of(more)
    counting = COUNTING_WORDS & telling
    if counting:
        lowered = text.lower() if len(text.lower()) == len(text) else text
        starts = sorted(start for word in counting for start in _places(lowered, word))
        more += spoken_numbers(text, starts, covered)
    return more


def _places(text: str, word: str) -> list[int]:
    places = []
    start = text.find(word)
    while start >= 0:
        if not (start and text[start - 1].isalnum()) and not text[start + len(word):start + len(word) + 1].isalnum():
            places.append(start)
        start = text.find(word, start + 1)
    return places


def source_of(text: str, *, with_stems: bool = True) -> Source:
    """The text as something that facts are looked up in. Stems are of use for lines only."""
    words = words_of(text)
    facts = facts_in(text, words)
    keys = _listed_prices(text, facts)
    for fact in facts:
        keys.update(keys_said(fact))
    distinct = frozenset(words)
    for word in SAID_BY.keys() & distinct:
        keys.update(SAID_BY[word])
    if "month" in distinct and (month := MONTH_NUMBER.search(text)):
        keys.add(f"d:-{int(month[1]):02d}")
    if "proprietary" in distinct:
        keys.add("l:proprietary")
    dates = [key[2:] for key in keys if key.startswith("d:2") or key.startswith("d:1")]
    months = [date for date in dates if len(date) == 7 and date[5:].isdigit()]
    latest = max(months or [f"{date}-12" for date in dates if len(date) == 4], default="")
    prices = any(key[:4] in CURRENCY_CODES for key in keys)
    stems = content_stems(words) if with_stems else set()
    if "USD:0" in keys:
        stems.add(FREE)
    return Source(distinct, frozenset(stems), frozenset(keys), prices, latest)


line_source = lru_cache(maxsize=4096)(source_of)
"""Bounded by the number of texts: the four personas of a dossier share one reading of a line."""


def _listed_prices(text: str, facts: list[Found]) -> set[str]:
    """The prices whose currency only the last of a list names: 10, 30 and 60 dollars."""
    keys: set[str] = set()
    currency = ""
    for index in range(len(facts) - 1, -1, -1):
        fact = facts[index]
        if fact.kind == "price":
            currency = fact.keys[0].partition(":")[0]
        elif fact.kind == "number" and not fact.unit and currency and (
                LIST_MARK.fullmatch(text, fact.end, facts[index + 1].start)):
            keys.add(f"{currency}:{fact.keys[0].partition(':')[2]}")
        else:
            currency = ""
    return keys


def keys_said(fact: Found) -> set[str]:
    """Every key that a fact of a source supports."""
    keys = {key for key in fact.keys if not key.endswith("-?")}
    # only a licence without a version stands for one with any
    keys.update(*map(_implied, keys))
    if fact.unit and fact.unit != "%":
        keys.add(fact.unit)
    elif fact.kind == "number" and not fact.unit:
        keys.update(f"bare:{key[2:]}" for key in fact.keys if key.startswith("n:"))
    if fact.kind == "number" and fact.keys[0].startswith("n:"):
        value = float(fact.keys[0][2:])
        keys.update(f"many:{plain(size)}" for size in SIZES_OF_MANY if 2 * size <= value < 1000 * size)
    if fact.kind == "date" and fact.keys[0].startswith("d:-"):
        keys.add(f"yearless:{fact.keys[0][2:]}")
    return keys


def _implied(key: str) -> list[str]:
    """What a fact of a source also supports: a day its month and year, 0.86.2 the version 0.86, $20 the number 20."""
    kind, _, value = key.partition(":")
    if kind == "d":
        parts = value.split("-")
        implied = [f"d:{'-'.join(parts[:size])}" for size in range(1, len(parts)) if parts[0] or size > 1]
        if len(parts) > 1 and parts[1].isdigit():
            implied.append(f"d:-{'-'.join(parts[1:])}")
            implied.append(f"d:-{parts[1]}")
            quarter = (int(parts[1]) + 2) // 3
            implied += [f"d:{year}-{span}" for year in (parts[0], "")
                        for span in (f"Q{quarter}", f"H{(quarter + 1) // 2}")]
        return implied
    if kind == "version":
        parts = value.split(".")
        implied = [f"version:{'.'.join(parts[:size])}" for size in range(1, min(len(parts), 4))]
        if re.fullmatch(r"20\d\d", parts[0]) and len(parts) > 1 and 1 <= int(parts[1][:3]) <= 12:
            implied += [f"d:{parts[0]}", f"d:{parts[0]}-{int(parts[1]):02d}"]  # versions that are dates
        return implied
    if kind == "l":
        family, _, version = value.partition("-")
        return [f"l:{family}"] if version else [f"l:{family}-?"]
    return [f"v:{value}"]
