"""Text → the dates in it, in any common form: days, months, years, quarters. Knows no calendar beyond their names."""

from __future__ import annotations

import re

from panel.checks.found import Found
from panel.checks.words import MONTHS

ISO_DATE = re.compile(r"((?:19|20)\d\d)[-/.](0?[1-9]|1[0-2])(?:[-/.](0?[1-9]|[12]\d|3[01]))?(?!\d|\.\d)")
SLASH_DATE = re.compile(r"(?:(\d\d?)([/.]))?(\d\d?)([/.])((?:19|20)\d\d)(?!\d|\.\d)")
QUARTER = re.compile(r"\b(Q[1-4]|H[12])(?:\s+(?:of\s+)?((?:19|20)\d\d))?\b|\b((?:19|20)\d\d)[- ]?(Q[1-4]|H[12])\b")
QUARTER_WORDS = re.compile(
    r"\b([Ff]irst|[Ss]econd|[Tt]hird|[Ff]ourth) (quarter|half) of ((?:19|20)\d\d)\b")
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_MONTHS = "|".join(sorted((name.capitalize() for name in MONTHS), key=len, reverse=True))
MONTH_NAME = re.compile(rf"\b({_MONTHS})\b")
DAY_BEFORE = re.compile(r"(?<![.\w])(\d\d?)(?:st|nd|rd|th)?[\s-]+(?:of\s+)?$")
AFTER_MONTH = re.compile(
    r"\.?(?:[\s-]+(?:the )?(\d\d?)(?:st|nd|rd|th)?(?![\d:]|\.\d|\s?%|[ -](?:dollar|euro|user|percent))\b)?"
    r"(?:,?[\s-]+(?:of\s+)?((?:19|20)\d\d)(?![-/.]\d)|\s?[’'](\d\d))?\b")
MONTH_CONTEXT = re.compile(
    r"\b(?:in|by|since|until|till|from|of|late|early|mid|this|last|next|before|after|between|to|through|during|around"
    r"|every|each|and|or|on|as of)[\s-]$", re.IGNORECASE)
MONTH_FOLLOWS = re.compile(rf"(?:\s(?:and|to|or|through|until)\s|\s?[-–—/]\s?)(?:{_MONTHS})\b")
NO_MONTH_ALONE = frozenset({"May", "March", "Mar", "Jan", "Sep", "Dec"})
LONG_BEFORE = 12


def numeric_date(text: str, start: int, end: int) -> Found | None:
    """The date that begins with these digits: 2026-10-05, 2026/10, 10/2026, 5/10/2026 or 05.10.2026, or null."""
    if not (end - start > 4 or text.startswith(("-", "/"), end)):
        return None
    match = ISO_DATE.match(text, start)
    if match:
        found = _date(text, start, match.end(), match[1], int(match[2]), match[3])
        return found if match[3] or "." not in match[0] else found._replace(
            keys=(*found.keys, f"version:{match[0]}"))  # a version may be a date
    match = SLASH_DATE.match(text, start)
    if not match or (match[4] == "." and not match[1]):
        return None
    first, second = int(match[1] or 0), int(match[3])
    month, day = (second, first) if first > 12 or match[2] == "." else (first, second) if first else (second, 0)
    if not 1 <= month <= 12:
        return None
    found = _date(text, start, match.end(), match[5], month, str(day) if day else None)
    if first and second <= 12 and match[2] == "/":  # 5/10 is May to some and October to others
        found = found._replace(keys=(*found.keys, f"d:{match[5]}-{second:02d}-{first:02d}"))
    return found


def quarters(text: str) -> list[Found]:
    """Quarters and halves of years: Q4 2025, 2025-H2."""
    return [Found("date", match[0], *match.span(), (f"d:{match[2] or match[3] or ''}-{match[1] or match[4]}",))
            for match in QUARTER.finditer(text)]


def quarters_in_words(text: str) -> list[Found]:
    """The same in words: the fourth quarter of 2025."""
    found = []
    for match in QUARTER_WORDS.finditer(text):
        span = f"{match[2][0].upper()}{ORDINALS[match[1].lower()]}"
        found.append(Found("date", match[0], match.start(), match.end(), (f"d:{match[3]}-{span}",)))
    return found


def named_months(text: str) -> list[Found]:
    """Dates with the name of their month, with or without day and year."""
    found: list[Found] = []
    done = 0
    for match in MONTH_NAME.finditer(text):
        start = match.start()
        before = DAY_BEFORE.search(text, max(done, start - LONG_BEFORE), start)
        after = AFTER_MONTH.match(text, match.end())
        day, year = (after[1], after[2] or (f"20{after[3]}" if after[3] else None)) if after else (None, None)
        if before:
            day = before[1]
        if day is not None and not 1 <= int(day) <= 31:
            day, before = None, None
        if day is None and year is None and match[1] in NO_MONTH_ALONE and not (
                MONTH_CONTEXT.search(text, max(0, start - LONG_BEFORE), start)
                or MONTH_FOLLOWS.match(text, match.end())):
            continue  # "May work", "March on": a verb or a name
        start = before.start() if before else start
        done = after.end() if after and (after[1] or after[2] or after[3]) else match.end()
        found.append(_date(text, start, done, year or "", MONTHS[match[1].lower()], day))
    return found


def _date(text: str, start: int, end: int, year: str, month: int, day: str | None) -> Found:
    key = f"d:{year}-{month:02d}" + (f"-{int(day):02d}" if day else "")
    return Found("date", text[start:end], start, end, (key,))
