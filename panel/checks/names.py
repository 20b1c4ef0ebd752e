"""Text → the proper names in it: products, companies, standards. Rules of capitals only; knows no dictionary.

A capital that only opens a sentence is no name, unless the word has more capitals or digits, stands capitalised inside
a sentence elsewhere, opens a list of names, or has a possessive 's.
"""

from __future__ import annotations

import re

from panel.checks.facts import Found
from panel.checks.words import COMMON_TERMS, GENERIC, MONTHS, NUMBER_WORDS, STOP

NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][\w+#]*(?:[.&/-][\w+#]+)*")
NAME_PART = re.compile(r"[^\W_]+")
OPENING_QUOTES = "\"“‘"
SKIPPED_BEFORE = " '(*_[`"
ABBREVIATIONS = ("vs.", "e.g.", "i.e.", "cf.", "incl.", "Inc.")
LISTED = re.compile(r"(?:, (?:and |or )?| and | or |/)[A-Z]| \d")
"""What follows a name at a sentence's start: another name, or its version."""
ORDINARY = STOP | COMMON_TERMS | GENERIC


def names_in(text: str, seen_inside: frozenset[str] = frozenset()) -> list[Found]:
    """The proper names of a text: runs of capitalised words that are not only a sentence's first word.

    `seen_inside` holds words that stand capitalised inside some sentence: they are names at a sentence's start too.
    """
    found: list[Found] = []
    run: list[tuple[int, int]] = []
    for match in NAME.finditer(text):
        start, end = match.span()
        while start and text[start - 1].isalnum():
            start -= 1
        if run and text[run[-1][1]:start] != " ":
            _close_run(text, run, seen_inside, found)
            run = []
        run.append((start, end))
    if run:
        _close_run(text, run, seen_inside, found)
    return found


def _close_run(text: str, run: list[tuple[int, int]], seen_inside: frozenset[str], found: list[Found]) -> None:
    inside = run
    if _opens_sentence(text, run[0][0]) and not _named_at_start(text, run[0], seen_inside):
        inside = run[1:]
        if text[slice(*run[0])].casefold() in ORDINARY:
            run = inside
    spans = [(start, end) for start, end in inside if not _common(text[start:end])]
    if not spans:
        return
    start, end = run[0][0], run[-1][1]
    keys = tuple(dict.fromkeys(
        part.casefold() for first, last in spans for part in NAME_PART.findall(text[first:last])
        if part[0].isalpha() and any(letter.isupper() for letter in part) and not _common(part)
    ))
    if keys:
        found.append(Found("name", text[start:end], start, end, keys))


def _common(token: str) -> bool:
    folded = token.casefold()
    return len(token) < 2 or folded in COMMON_TERMS or folded in STOP or folded in MONTHS or folded in NUMBER_WORDS


def _opens_sentence(text: str, start: int) -> bool:
    index = start - 1
    while index >= 0 and text[index] in SKIPPED_BEFORE:
        index -= 1
    if index < 0 or text[index] in OPENING_QUOTES:
        return True
    return text[index] in ".!?:;\n•" and not text[:index + 1].endswith(ABBREVIATIONS)


def _named_at_start(text: str, first: tuple[int, int], seen_inside: frozenset[str]) -> bool:
    """Whether the capitalised word that opens a sentence is a name all the same."""
    start, end = first
    token = text[start:end]
    folded = token.casefold()
    if folded in ORDINARY:
        return False
    if any(letter.isupper() or letter.isdigit() for letter in token[1:]) or folded in seen_inside:
        return True
    if LISTED.match(text, end) or text.startswith(("'s ", "’s "), end):
        return True
    return start == 0 and not text[end:].strip(" .")  # the whole field is one name


def capitals_inside(text: str) -> set[str]:
    """The words that stand capitalised inside a sentence, case folded."""
    return {match[0].casefold() for match in NAME.finditer(text) if not _opens_sentence(text, match.start())}
