"""Text → the facts in it that can be looked up: numbers, prices, dates, versions, licences.

Facts are brought to one form, so that "$1.2k", "1,200 dollars" and "USD 1200" are one price and "October 2026" stands
on a line that says 2026-10-05. Rules of form only: knows nothing of verdicts, and cannot tell whether two texts mean
the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from panel.checks.words import (
    LICENCE_WORDS,
    MAGNITUDES,
    MONTHS,
    NUMBER_WORDS,
    QUARTERS,
    TENS,
    UNITS,
    content_stems,
    words_of,
)

FactKind = Literal["number", "price", "date", "version", "licence", "name"]

DIGITS = re.compile(r"\d+(?:[,_’'\u202f\u00a0]\d{3}(?!\d))*(?:\.\d+)*")
DIGIT = re.compile(r"\d")
DECIMAL_COMMA = re.compile(r",(\d\d)(?!\d)(?=\s?(?P<euro>€|EUR|euros?)?)")
TAIL = re.compile(
    r"(?:(?P<letter>k|K|[mM]n?|bn|[bBT])(?![A-Za-z0-9])|[\s-]?(?P<word>hundred|thousand|million|billion|trillion)\b)?\+?"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b)"
    r"|[\s-]?(?:US\s)?(?P<currency>dollars?|euros?|pounds?|cents?|USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|[$€£])(?![A-Za-z]))?"
)
LETTERS = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "dollar": "USD", "euro": "EUR",
              "pound": "GBP", "cent": "USD"}
CODE_BEFORE = re.compile(r"\b(USD|EUR|GBP|JPY|INR|CHF|CAD|AUD)\s?$")
_SINGLE = "|".join(list(UNITS)[1:10])
NUMBER_WORD = re.compile(
    rf"(?:(?P<tens>{'|'.join(TENS)}|twenty)(?:[- ](?P<unit>{_SINGLE}))?|(?P<small>{'|'.join(UNITS)}))\b", re.IGNORECASE)
ONE_BEFORE = re.compile(r"\b(an?|one)[ -]$", re.IGNORECASE)
COUNTING_WORDS = (NUMBER_WORDS.keys() - {"one"}) | MAGNITUDES.keys()
"""The words a number begins with; "one" is nearly always a pronoun, and counts only before a magnitude."""

ISO_DATE = re.compile(r"((?:19|20)\d\d)[-/.](0?[1-9]|1[0-2])(?:[-/.](0?[1-9]|[12]\d|3[01]))?(?![\d.])")
SLASH_DATE = re.compile(r"(?:(\d\d?)/)?(\d\d?)/((?:19|20)\d\d)(?!\d)")
QUARTER = re.compile(r"\b(Q[1-4]|H[12])(?:\s+(?:of\s+)?((?:19|20)\d\d))?\b")
MONTH_NAME = re.compile(rf"\b({'|'.join(name.capitalize() for name in MONTHS)})\b")
DAY_BEFORE = re.compile(r"(\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?$")
AFTER_MONTH = re.compile(r"\.?(?:\s+(\d\d?)(?:st|nd|rd|th)?(?!\d))?(?:,?\s+(?:of\s+)?((?:19|20)\d\d))?\b")
MONTH_CONTEXT = re.compile(r"\b(?:in|by|since|until|till|from|of|late|early|mid|this|last|next|before|after)[\s-]$")

LICENCE = re.compile(
    r"\b(?P<family>A?L?GPL|MPL|BSD|MIT|ISC|BUSL|BSL|SSPL|Unlicense|CC0|CC[- ]BY(?:-[A-Z]{2})*|Apache|ELv2"
    r"|Elastic License|GNU (?:Affero |Lesser )?General Public Licen[cs]e|Mozilla Public Licen[cs]e"
    r"|[Pp]roprietary licen[cs]e)(?P<licence>[ -][Ll]icen[cs]\w*)?"
    r"(?:(?:,? [vV]ersion |[ -]?[vV]\.?|[ -])(?P<version>\d(?:\.\d+)?)\b)?(?P<next> [A-Z])?")
LONG_LICENCES = {"GNU General": "gpl", "GNU Affero": "agpl", "GNU Lesser": "lgpl", "Mozilla": "mpl",
                 "Elastic": "elv2", "roprietary": "proprietary", "BUSL": "bsl"}

TELLING_WORDS = frozenset(COUNTING_WORDS | MONTHS.keys() | QUARTERS | LICENCE_WORDS)
"""Without one of these, digits are all that a text need be searched for."""
NO_WORDS: frozenset[str] = frozenset()


class Found(NamedTuple):
    """One fact of a text. Any of `keys` in a source supports it; a name needs all of its keys among the words."""

    kind: FactKind
    text: str
    start: int
    end: int
    keys: tuple[str, ...]
    in_words: bool = False
    """Written as a number word without a unit."""


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
    found: list[Found] = []
    if telling:
        if not telling.isdisjoint(MONTHS):
            found += _named_months(text)
        if not telling.isdisjoint(QUARTERS):
            found += _quarters(text)
        if not telling.isdisjoint(LICENCE_WORDS):
            found += _licences(text)
    covered = places_of(found)
    done = 0
    for match in DIGITS.finditer(text, digits.start()) if digits else ():
        start, end = match.span()
        if start < done or start in covered:
            continue
        fact = _numeric_date(text, start, end) or _number(text, start, end, match[0])
        if fact is not None:
            found.append(fact)
            done = fact.end
    if not telling.isdisjoint(COUNTING_WORDS):
        found += _number_words(text, telling)
    if len(found) > 1:
        found.sort(key=lambda fact: fact.start)
    return found


def places_of(facts: Iterable[Found], margin: int = 0) -> set[int]:
    """The places in a text that facts cover, and so many after each: one look-up a place, however long the text."""
    return {place for fact in facts for place in range(fact.start, fact.end + margin)}


def source_of(text: str) -> Source:
    """The text as something that facts are looked up in."""
    words = words_of(text)
    keys: set[str] = set()
    for fact in facts_in(text, words):
        for key in fact.keys:
            if not key.endswith("-?"):  # only a licence without a version stands for one with any version
                keys.add(key)
                keys.update(_implied(key))
    months = [key[2:9] for key in keys if re.fullmatch(r"d:\d{4}-\d\d", key)]
    years = [f"{key[2:]}-12" for key in keys if re.fullmatch(r"d:\d{4}", key)]
    prices = any(key[:4] in ("USD:", "EUR:", "GBP:", "JPY:", "INR:", "CHF:", "CAD:", "AUD:") for key in keys)
    if "proprietary" in words:
        keys.add("l:proprietary")
    latest = max(months or years, default="")
    return Source(frozenset(words), frozenset(content_stems(words)), frozenset(keys), prices, latest)


line_source = lru_cache(maxsize=4096)(source_of)
"""Bounded by the number of texts: the four personas of a dossier share one reading of a line."""


def _implied(key: str) -> list[str]:
    """What a fact of a source also supports: a day its month and year, 0.86.2 the version 0.86, $20 the number 20."""
    kind, _, value = key.partition(":")
    if kind == "d":
        parts = value.split("-")
        implied = [f"d:{'-'.join(parts[:size])}" for size in range(1, len(parts)) if parts[0]]
        if len(parts) > 1 and parts[1].isdigit():
            implied.append(f"d:-{'-'.join(parts[1:])}")
            implied.append(f"d:-{parts[1]}")
            quarter = (int(parts[1]) + 2) // 3
            implied += [f"d:{year}-{span}" for year in (parts[0], "")
                        for span in (f"Q{quarter}", f"H{(quarter + 1) // 2}")]
        return implied
    if kind == "version":
        parts = value.split(".")
        return [f"version:{'.'.join(parts[:size])}" for size in range(1, len(parts))]
    if kind == "l":
        family, _, version = value.partition("-")
        return [f"l:{family}"] if version else [f"l:{family}-?"]
    return [f"v:{value}"]


def _plain(value: float) -> str:
    return f"{value:.12g}"


def _number(text: str, start: int, end: int, digits: str) -> Found | None:
    """The number, price, version or year that these digits are part of, or null where they belong to a name."""
    before = text[start - 1] if start else " "
    sign = CURRENCIES.get(before) if before in "$€£¥₹" else None
    marked = before in "vV" and not text[max(0, start - 2):start - 1].isalnum()
    if sign is None and not marked and (before.isalnum() or before in "_.,"):
        return None
    if text.startswith(("st", "nd", "rd", "th"), end) and not text[end + 2:end + 3].isalnum():
        return None
    if text.startswith("24/7", start) or text.startswith("24/7", start - 3):
        return None
    if digits.count(".") > 1 or marked:
        number = digits if "." in digits else digits.lstrip("0") or "0"
        keys = (f"version:{number}",) if digits.count(".") > 1 else (f"version:{number}", f"n:{_plain(float(number))}")
        return Found("version", text[start - marked:end], start - marked, end, keys)
    code = CODE_BEFORE.search(text, max(0, start - 5), start) if sign is None else None
    begin = code.start() if code else start - (sign is not None)
    if code:
        sign = code[1]
    value = float(re.sub(r"[^\d.]", "", digits))
    comma = DECIMAL_COMMA.match(text, end)
    if comma and (sign == "EUR" or comma["euro"]):
        value, end = value + int(comma[1]) / 100, comma.end()
    return _with_tail(text, begin, end, value, sign)


def _with_tail(text: str, begin: int, end: int, value: float, sign: str | None, in_words: bool = False) -> Found:
    """The number with the magnitude and unit that follow it."""
    tail = TAIL.match(text, end)
    values = [value]
    if tail is not None:
        letter, word = tail["letter"], tail["word"]
        if letter:
            values = [value * LETTERS[letter.lower()]]
            if letter == "m" and sign is None:
                values.append(value)  # minutes or metres as well as millions
        elif word:
            values = [value * MAGNITUDES[word]]
        currency = tail["currency"]
        if currency and currency.startswith("cent"):
            values = [each / 100 for each in values]
        if currency and sign is None:
            sign = CURRENCIES.get(currency.rstrip("s"), currency)
        end = tail.end()
    shown = text[begin:end]
    if sign is not None:
        return Found("price", shown, begin, end, tuple(f"{sign}:{_plain(each)}" for each in values))
    if tail is not None and tail["percent"]:
        keys = tuple(f"{unit}:{_plain(each)}" for each in values for unit in ("%", "n"))
        return Found("number", shown, begin, end, keys)
    year = shown if len(shown) == 4 and shown.isdigit() and 1990 <= value < 2060 else None
    if year:
        return Found("date", shown, begin, end, (f"d:{year}", f"n:{year}"))
    plain = in_words and not (tail and (tail["letter"] or tail["word"]))
    keys = tuple(f"{kind}:{_plain(each)}" for each in values for kind in ("n", "v"))
    dotted = f"version:{shown}" if "." in shown else None
    return Found("number", shown, begin, end, (*keys, dotted) if dotted else keys, plain)


def _number_words(text: str, telling: frozenset[str]) -> list[Found]:
    """The numbers written as words, searched for one by one: a pattern of all of them is ten times slower."""
    lowered = text.lower() if len(text.lower()) == len(text) else text
    starts = sorted(start for word in COUNTING_WORDS & telling for start in _places(lowered, word))
    found: list[Found] = []
    for start in starts:
        if found and start < found[-1].end:
            continue
        article = ONE_BEFORE.search(text, max(0, start - 3), start)
        match = NUMBER_WORD.match(text, start)
        if match:
            value = NUMBER_WORDS[(match["tens"] or match["small"]).lower()]
            value += UNITS[match["unit"].lower()] if match["unit"] else 0
            found.append(_with_tail(text, start, match.end(), value, None, in_words=True))
        elif article:
            found.append(_with_tail(text, article.start(), article.end(1), 1, None, in_words=True))
    return found


def _places(text: str, word: str) -> list[int]:
    places = []
    start = text.find(word)
    while start >= 0:
        if not (start and text[start - 1].isalnum()) and not text[start + len(word):start + len(word) + 1].isalnum():
            places.append(start)
        start = text.find(word, start + 1)
    return places


def _numeric_date(text: str, start: int, end: int) -> Found | None:
    """The date that begins with these digits: 2026-10-05, 2026/10, 10/2026 or 5/10/2026, or null."""
    if not (end - start > 4 or text.startswith(("-", "/"), end)):
        return None
    match = ISO_DATE.match(text, start)
    if match:
        return _date(text, start, match.end(), match[1], int(match[2]), match[3])
    match = SLASH_DATE.match(text, start)
    if not match:
        return None
    first, second = int(match[1] or 0), int(match[2])
    month, day = (second, first) if first > 12 else (first, second) if first else (second, 0)
    if not 1 <= month <= 12:
        return None
    return _date(text, start, match.end(), match[3], month, str(day) if day else None)


def _quarters(text: str) -> list[Found]:
    return [Found("date", match[0], match.start(), match.end(), (f"d:{match[2] or ''}-{match[1]}",))
            for match in QUARTER.finditer(text)]


def _named_months(text: str) -> list[Found]:
    found = []
    for match in MONTH_NAME.finditer(text):
        before = DAY_BEFORE.search(text, max(0, match.start() - 10), match.start())
        after = AFTER_MONTH.match(text, match.end())
        day, year = (after[1], after[2]) if after else (None, None)
        if before:
            day = before[1]
        context = MONTH_CONTEXT.search(text, max(0, match.start() - 8), match.start())
        if day is None and year is None and match[1] in ("May", "March", "Mar", "Jan", "Sep", "Dec") and not context:
            continue  # "May work", "March on": a verb or a name
        start = before.start() if before else match.start()
        end = after.end() if after else match.end()
        found.append(_date(text, start, end, year or "", MONTHS[match[1].lower()], day))
    return found


def _date(text: str, start: int, end: int, year: str, month: int, day: str | None) -> Found:
    key = f"d:{year}-{month:02d}" + (f"-{int(day):02d}" if day else "")
    return Found("date", text[start:end], start, end, (key,))


def _licences(text: str) -> list[Found]:
    found = []
    for match in LICENCE.finditer(text):
        family, version = match["family"], match["version"]
        if match["next"] and not match["licence"] and not version:
            continue  # Apache Kafka, MIT Press
        name = next((short for long, short in LONG_LICENCES.items() if long in family), family.lower())
        version = version.removesuffix(".0") if version else None
        key = f"l:{name.replace(' ', '_').replace('-', '_')}" + (f"-{version}" if version else "")
        unversioned = (f"{key.rpartition('-')[0]}-?",) if version else ()
        end = match.start("next") if match["next"] else match.end()
        found.append(Found("licence", text[match.start():end], match.start(), end, (key, *unversioned)))
    return found
