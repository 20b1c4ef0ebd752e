"""Words marked inside a text: a flag's span → pieces that a page can set off. And those pieces as Markdown.

A mark is widened to whole words: emphasis in the middle of a word is read differently by every renderer, and a span
that ends inside an address would break its code quotes. Knows nothing of flags beyond where they point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from panel.editorial.flags import OnPage
from panel.editorial.plain import escaped, plain

_TRAILING = ".,;:!?"
_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*\s+")
MOST_OF_A_SENTENCE = 320


@dataclass(frozen=True)
class Piece:
    """A stretch of a text, clean; `number` of the flag that holds it, `noted` where a note points at it."""

    text: str
    number: int | None = None
    noted: bool = False
    close: bool = False
    """Whether it follows the piece before it without a space."""


def place_of(text: str, span: tuple[int, int] | None, words: str | None) -> tuple[int, int] | None:
    """Where the flagged words stand: at their span, else where they stand first, else nowhere."""
    if span is not None and 0 <= span[0] < span[1] <= len(text) and words in (None, text[span[0]:span[1]]):
        return span
    start = text.find(words) if words and words.strip() else -1
    return (start, start + len(words)) if words and start >= 0 else None


def pieces(text: str, flags: Iterable[OnPage]) -> list[Piece]:
    """The text cut where marks begin and end; joined by spaces it is `plain(text)`. What holds goes before a note."""
    marks = []
    for one in flags:
        place = place_of(text, one.flag.span, one.flag.text)
        if place and one.flag.field and (one.holds or one.flag.kind == "to_check"):
            marks.append((*place, one.number if one.holds else None))
    if not marks:
        return [Piece(plain(text))]
    found: list[Piece] = []
    run: list[str] = []
    state: tuple[int | None, bool] = (None, False)
    for word in _WORD.finditer(text):
        touching = [number for start, end, number in marks if start < word.end() and end > word.start()]
        numbers = [number for number in touching if number is not None]
        now = (numbers[0] if numbers else None, bool(touching) and not numbers)
        if now != state:
            found += _closed(run, state)
            run, state = [], now
        run.append(word[0])
    return found + _closed(run, state)


def _closed(words: Sequence[str], state: tuple[int | None, bool]) -> list[Piece]:
    """The words as one piece; the full stop after marked words is a piece of its own."""
    said = plain(" ".join(words))
    if not said:
        return []
    if state == (None, False):
        return [Piece(said)]
    last = said.rpartition(" ")[2]
    after = len(last) - len(last.rstrip(_TRAILING)) if last.strip(_TRAILING) else 0
    return [Piece(said[:len(said) - after], *state)] + ([Piece(said[-after:], close=True)] if after else [])


def marked_markdown(text: str, flags: Iterable[OnPage]) -> str:
    """The text as Markdown: what holds in bold with its flag's number, what is to check in italics."""
    found = ""
    for piece in pieces(text, flags):
        said = piece.text if piece.close else escaped(piece.text)  # a full stop or comma: nothing to escape
        if piece.number is not None:
            said = f"**{said}** \\[flag {piece.number}\\]"
        elif piece.noted:
            said = f"*{said}*"
        found += said if piece.close or not found else f" {said}"
    return found


def sentence_around(text: str, span: tuple[int, int] | None, words: str | None) -> str:
    """The sentence the flagged words stand in, shortened where it has no end; the beginning where they are nowhere."""
    place = place_of(text, span, words)
    start, end = place or (0, 0)
    ends = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    first = max((at for at in ends if at <= start), default=0)
    last = min((at for at in ends if at >= end and at > first), default=len(text))
    if last - first > MOST_OF_A_SENTENCE:
        first, last = max(first, start - MOST_OF_A_SENTENCE // 2), min(last, end + MOST_OF_A_SENTENCE // 2)
    cut = ("… " if first not in ends else "", " …" if last not in ends else "")
    return f"{cut[0]}{plain(text[first:last])}{cut[1]}"
