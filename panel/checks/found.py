"""What the checks find in a text: one fact, where it stands, and the keys it is looked up by. Knows no forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

FactKind = Literal["number", "price", "date", "version", "licence", "name"]


class Found(NamedTuple):
    """One fact of a text. Any of `keys` in a source supports it; a name needs all of its keys among the words."""

    kind: FactKind
    text: str
    start: int
    end: int
    keys: tuple[str, ...]
    in_words: bool = False
    """Written as a number word without a magnitude or currency."""
    unit: str = ""
    """`%`, or the length of time or size that a number and its unit come to: `time:1800`, `bytes:5000000`."""

    @property
    def about(self) -> str:
        """The one form of it, however it is written: `USD:20`, `n:42`, `d:2026-03`, `name:github copilot`."""
        return f"name:{' '.join(self.keys)}" if self.kind == "name" else self.keys[0]


def places_of(facts: Iterable[Found], margin: int = 0) -> set[int]:
    """The places in a text that facts cover, and so many after each: one look-up a place, however long the text."""
    return {place for fact in facts for place in range(fact.start, fact.end + margin)}


def plain(value: float) -> str:
    """The number without an exponent or needless digits, as keys have it."""
    return f"{value:.12g}"
