"""Text → the proper names in it: products, companies, standards. Rules of capitals only; knows no dictionary.

A capital that only opens a sentence is no name, unless the word has more capitals or digits, stands capitalised inside
a sentence elsewhere, opens a list of names, or has a possessive 's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from panel.checks.found import Found
from panel.checks.words import COMMON_NAMES, COMMON_TERMS, GENERIC, MONTHS, NUMBER_WORDS, QUARTERS, STOP

NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][\w+#]*(?:[.&/-][\w+#]+)*")
NAME_PART = re.compile(r"[^\W_]+")
OPENING_QUOTES = "\"“‘"
SKIPPED_BEFORE = " '(*_[`"
ABBREVIATIONS = ("vs.", "e.g.", "i.e.", "cf.", "incl.", "Inc.")
LISTED = re.compile(r"(?:, (?:and |or )?| and | or |/)[A-Z]| \d")
"""What follows a name at a sentence's start: another name, or its version."""
LOWER_CASE = re.compile(r"[^\W\d_A-ZÀ-ÖØ-Þ]+(?:-[^\W\d_A-ZÀ-ÖØ-Þ]+)*")
ORDINARY = STOP | COMMON_TERMS | GENERIC
NEVER_NAMES = COMMON_TERMS | STOP | QUARTERS | MONTHS.keys() | NUMBER_WORDS.keys()
NO_NAMES_ON_LINES = NEVER_NAMES - COMMON_NAMES
MODEL_NAME = re.compile(r"(?<![\w./-])[a-z][a-z\d]*(?:-[a-z\d.]+)*-?\d[a-z\d.]*(?:-[a-z\d.]+)*(?![\w/])")
"""A name in small letters with a number, as models have: claude-3-opus."""


class Capital(NamedTuple):
    """A capitalised word and whether it only may be a name: it opens a sentence and nothing else speaks for it."""

    start: int
    end: int
    token: str
    doubtful: bool


def capitals_of(text: str) -> list[Capital]:
    """The capitalised words of a text, without the ordinary ones that open a sentence."""
    found = []
    for match in NAME.finditer(text):
        start, end = match.span()
        token = match[0]
        if start and text[start - 1].isalnum():
            while start and text[start - 1].isalnum():
                start -= 1
            token = text[start:end]
        opens = _opens_sentence(text, start)
        if opens and token.casefold() in ORDINARY:
            continue
        found.append(Capital(start, end, token, opens and not _named_at_start(text, start, end)))
    return found


def capitals_inside(texts: Iterable[list[Capital]]) -> frozenset[str]:
    """The words that are no doubt capitalised as names, case folded: they are names at a sentence's start too."""
    return frozenset(word.token.casefold() for words in texts for word in words if not word.doubtful)


def names_in(
    text: str, capitals: list[Capital], inside: frozenset[str] = frozenset(), *, common: bool = False
) -> list[Found]:
    """The proper names of a text: runs of capitalised words, with the case-folded words to look up as keys.

    `common` takes in the names that nobody needs to look up (Python, GitHub).
    """
    found: list[Found] = []
    keys: list[str] = []
    first = last = -1
    for start, end, token, doubtful in capitals:
        if start != last + 1 or text[last] != " ":
            if keys:
                found.append(Found("name", text[first:last], first, last, tuple(dict.fromkeys(keys))))
            keys, first = [], start
        if not doubtful or token.casefold() in inside:
            keys += _keys(token, common)
        last = end
    if keys:
        found.append(Found("name", text[first:last], first, last, tuple(dict.fromkeys(keys))))
    return found


@lru_cache(maxsize=4096)
def _keys(token: str, common: bool) -> tuple[str, ...]:
    """What to look up of a word: its parts that have a capital, `Node` of Node.js; nothing of a common term."""
    never = NO_NAMES_ON_LINES if common else NEVER_NAMES
    if token.casefold() in never or len(token) < 2:
        return ()
    return tuple(part.casefold() for part in NAME_PART.findall(token)
                 if part[0].isalpha() and part != part.lower() and len(part) > 1 and part.casefold() not in never)


def model_names_in(text: str) -> list[Found]:
    """The names in small letters with a number in them (gpt-4o, claude-3-opus), all of their parts as keys."""
    found = []
    for match in MODEL_NAME.finditer(text):
        if "-" in match[0]:
            found.append(Found("name", match[0], *match.span(), tuple(NAME_PART.findall(match[0].rstrip(".-")))))
    return found


def _opens_sentence(text: str, start: int) -> bool:
    index = start - 1
    if index > 0 and text[index] == " " and text[index - 1].isalpha():
        return False  # the usual case, decided first
    while index >= 0 and text[index] in SKIPPED_BEFORE:
        index -= 1
    if index < 0 or text[index] in OPENING_QUOTES:
        return True
    return text[index] in ".!?:;\n•" and not text.endswith(ABBREVIATIONS, 0, index + 1)


def _named_at_start(text: str, start: int, end: int) -> bool:
    """Whether the form of a word that opens a sentence, or what follows it, makes it a name all the same."""
    rest = text[start + 1:end]
    if rest and not LOWER_CASE.fullmatch(rest):
        return True
    if LISTED.match(text, end) or text.startswith(("'s ", "’s "), end):
        return True
    return start == 0 and not text[end:end + 2].strip(" .") and len(text) <= end + 2  # the whole field is one name
