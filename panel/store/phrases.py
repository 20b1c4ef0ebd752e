"""Words a persona's quotes have in common: a phrase of four, or the three they open with. Pure.

What a dossier says is nobody's template: its words are masked in the quote about it, and so is the tool's name. Knows
nothing of tables, nor of which quotes are looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from panel.checks.words import STOP

PHRASE, OPENING = 4, 3
CONTENT = 2
"""Words of a phrase that must carry content: "as far as the" is English, and "I would ship it" is the verdict."""
ONE_IN = 5
LEAST = 3
"""Two quotes alike may be chance, and several takes on one tool are alike because they are about it: a phrase is an
echo from three quotes on, over three tools."""
_TOKEN = re.compile(r"(?P<word>[^\W_]+(?:['’][^\W_]+)*)|(?P<end>[.!?;:…]+(?!\w)|\n\s*\n)")

Kind = Literal["phrase", "opening"]


class Quote(NamedTuple):
    """One published quote. `masked` has the words of its dossier, as `masks` gives them."""

    key: str
    tool_id: str
    text: str
    masked: frozenset[str] = frozenset()


class Echo(NamedTuple):
    """Words of the quote of `key` that `quotes` of `of` quotes have. `span` is where they are, in characters."""

    key: str
    kind: Kind
    phrase: str
    quotes: int
    of: int
    span: tuple[int, int]


class _Word(NamedTuple):
    """A word of a quote; `said` is None for one that is masked, and where a sentence ends."""

    said: str | None
    start: int
    end: int


_Places = dict[tuple[Kind, tuple[str, ...]], set[int]]


def masks(name: str, lines: Iterable[str]) -> frozenset[str]:
    """What to mask in a quote about a tool: every word of its name, and of its lines those that carry content."""
    found = {_root(word) for line in lines for word in _words(line) if word not in STOP}
    return frozenset(found | {_root(word) for word in _words(name)})


def echoes_of(quotes: Sequence[Quote]) -> list[Echo]:
    """What over a fifth of the quotes share, in at least `LEAST` of them and over as many tools; quote by quote.

    A phrase does not go over the end of a sentence. Where echoing phrases overlap, the one in most quotes stands.
    """
    cut = [_cut(quote) for quote in quotes]
    places: _Places = defaultdict(set)
    for number, words in enumerate(cut):
        for start in range(len(words)):
            if _phrase(words, start):
                places["phrase", _phrase(words, start)].add(number)
        if _opening(words):
            places["opening", _opening(words)].add(number)
    least = max(LEAST, len(quotes) // ONE_IN + 1)
    common = {what: len(where) for what, where in places.items()
              if len(where) >= least and len({quotes[number].tool_id for number in where}) >= LEAST}
    return [Echo(quote.key, kind, " ".join(said), count, len(quotes), span)
            for quote, words in zip(quotes, cut, strict=True) for kind, said, count, span in _found(words, common)]


def _found(
    words: list[_Word], common: dict[tuple[Kind, tuple[str, ...]], int]
) -> list[tuple[Kind, tuple[str, ...], int, tuple[int, int]]]:
    """What of the common words is in one quote: kind, words, number of quotes, place."""
    found: list[tuple[Kind, tuple[str, ...], int, tuple[int, int]]] = []
    first, best, last = 0, (0, 0), -PHRASE
    opening = common.get(("opening", _opening(words)))
    if opening:
        found.append(("opening", _opening(words), opening, _span(words, 0, OPENING)))
        first = OPENING
    for start in range(first, len(words) + PHRASE):
        count = common.get(("phrase", _phrase(words, start)), 0)
        if start - last >= PHRASE and best[0]:
            at = -best[1]
            found.append(("phrase", _phrase(words, at), best[0], _span(words, at, PHRASE)))
            best = (0, 0)
        if count:
            best, last = max(best, (count, -start)), start
    return found


def _span(words: list[_Word], start: int, size: int) -> tuple[int, int]:
    return words[start].start, words[start + size - 1].end


def _phrase(words: list[_Word], start: int) -> tuple[str, ...]:
    """The four words from there on; empty where there are not four together, or too few carry content."""
    said = _together(words[start:start + PHRASE])
    whole = len(said) == PHRASE and sum(len(word) > 2 and word not in STOP for word in said) >= CONTENT
    return said if whole else ()


def _opening(words: list[_Word]) -> tuple[str, ...]:
    """The first three words; empty where one is masked or the sentence ends before."""
    said = _together(words[:OPENING])
    return said if len(said) == OPENING else ()


def _together(words: list[_Word]) -> tuple[str, ...]:
    """What the words say up to the first that is masked."""
    said: list[str] = []
    for word in words:
        if word.said is None:
            break
        said.append(word.said)
    return tuple(said)


def _cut(quote: Quote) -> list[_Word]:
    """The words of a quote in order."""
    found = []
    for match in _TOKEN.finditer(quote.text):
        said = None if match["word"] is None else _folded(match["word"])
        found.append(_Word(None if said is None or _root(said) in quote.masked else said, *match.span()))
    return found


def _words(text: str) -> list[str]:
    return [_folded(match["word"]) for match in _TOKEN.finditer(text) if match["word"] is not None]


def _folded(word: str) -> str:
    return word.casefold().replace("’", "'")


def _root(word: str) -> str:
    """A word without the end that makes it a plural or a genitive."""
    return word.removesuffix("'s").removesuffix("s") or word
