"""Which lines go when a dossier is too long for the model. Knows nothing of what lines mean but their worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from panel.schema import Line

BYTES_A_TOKEN = 3.2
"""English prose has 4 to 5 bytes a token, code about 3; a low figure keeps the guess on the safe side."""


class Candidate(NamedTuple):
    """A numbered line, how late it goes (the lowest worth first; the highest never), its level if it is a heading."""

    line: Line
    worth: int
    heading: int = 0


def line_tokens(line: Line) -> float:
    """About how many tokens `[12] text` and its line end take; digits count one each."""
    return 3 + len(str(line.number)) + len(line.text.encode("utf-8", "surrogatepass")) / BYTES_A_TOKEN


def choose(candidates: Sequence[Candidate], max_tokens: int | None) -> set[int]:
    """The numbers to leave out so that the rest has at most `max_tokens` tokens, or only the first line is left."""
    if max_tokens is None:
        return set()
    total = sum(line_tokens(one.line) for one in candidates)
    if total <= max_tokens:
        return set()
    left_out: set[int] = set()
    # Lowest worth first; of equal worth the last first: a page says what it is at its top.
    for one in sorted(candidates[1:], key=lambda one: (one.worth, -one.line.number)):
        if total <= max_tokens:
            break
        left_out.add(one.line.number)
        total -= line_tokens(one.line)
    return left_out | _bare_headings(candidates, left_out)


def _bare_headings(candidates: Sequence[Candidate], left_out: set[int]) -> set[int]:
    """Headings that had something under them and have nothing left."""
    bare: set[int] = set()
    below_kept: list[tuple[int, bool]] = []  # (level, kept) of what has been seen from the end, innermost last
    kept_below = had_below = False
    for one in reversed(candidates):
        gone = one.line.number in left_out
        if not one.heading:
            had_below = True
            kept_below = kept_below or not gone
            continue
        while below_kept and below_kept[-1][0] > one.heading:
            kept_below = below_kept.pop()[1] or kept_below
            had_below = True
        if had_below and not kept_below and not gone:
            bare.add(one.line.number)
        below_kept.append((one.heading, kept_below or (not had_below and not gone)))
        kept_below = had_below = False
    return bare
