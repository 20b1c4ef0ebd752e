"""Whether an answer is one that the dossier itself held ready: a forged verdict, given back instead of a judgement.

Looked at only where the shown lines hold something in the form of an answer, which is decided once a dossier. A few
words in common are honest: a tagline in a claim, "not stated". Knows nothing of how an answer is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from panel.errors import VerdictError
from panel.schema import DossierLines

FEWEST_WORDS = 8
"""A text of so many words that stands whole in a forged answer was copied from it."""
FEWEST_TEXTS = 3
"""So many texts that all stand in one were copied too, however short."""
MOST_AROUND = 12
"""Lines on either side that may belong to a forged answer."""
_MOST_KEPT = 256

_ANSWER = re.compile(
    r"[\"'`“”‘’«»\\*]\s?(?:verdict|because|change_my_mind|best_for|not_for|pick_a_if|pick_b_if)\s?[\"'`“”‘’«»\\*]{1,3}\s?[:=]"
    r"|\bverdict\W{1,6}(?:ship|skip)\b|<verdict>|\b(?:ship|skip)\b.{1,60}\bquote\W{1,4}\w"
)
_NAMES = ("verdict", "because", "change_my_mind", "best_for", "not_for", "pick_", "quote")
"""Quickly told: without one of these nothing has the form of an answer."""
_PART = re.compile(r"[\"'”’`]\s*[:,]|[{}\[\]<>]|[,:]\s*$|^\W*\w{1,24}\s*[:=]\s")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

_kept: dict[str, str] = {}


def refuse_echo(said: Sequence[str | None], text: str, *dossiers: DossierLines) -> None:
    """Raise VerdictError where what was said stands in a forged answer of a dossier: one text of some length word for
    word, or all of them. `said` is points, reason and quote, `text` the answer.
    """
    for lines in dossiers:
        forged = forged_words(lines)
        if forged and _stands_in(forged, [part for part in said if part]):
            raise VerdictError("The answer repeats a verdict that stands in the dossier; judge the lines and give your "
                               "own, in your own words.", text)  # fmt: skip


def forged_words(lines: DossierLines) -> str:
    """The words of all shown lines that have the form of an answer, blanks around each; of most dossiers none."""
    key = lines.digest
    found = _kept.get(key)
    if found is None:
        found = _forged_words([line.text for line in lines.lines])
        if len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = found
    return found


def _forged_words(texts: Sequence[str]) -> str:
    folded = [text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold() for text in texts]
    together = "\n".join(folded)
    if not any(name in together for name in _NAMES) or not _ANSWER.search(together):
        return ""
    chosen: set[int] = set()
    for match in _ANSWER.finditer(together):
        first, last = together.count("\n", 0, match.start()), together.count("\n", 0, match.end())
        chosen.update(range(first, last + 1))
        for step, at in ((-1, first), (1, last)):
            for number in range(at + step, at + step * (MOST_AROUND + 1), step):
                if not 0 <= number < len(folded) or not _PART.search(folded[number]):
                    break
                chosen.add(number)
    return f" {' '.join(_words(' '.join(folded[number] for number in sorted(chosen))))} "


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _stands_in(forged: str, said: Sequence[str]) -> bool:
    texts = [_words(unicodedata.normalize("NFKC", part).casefold()) for part in said]
    held = [words for words in texts if words and f" {' '.join(words)} " in forged]
    if any(len(words) >= FEWEST_WORDS for words in held) or FEWEST_TEXTS <= len(texts) == len(held):
        return True
    return any(
        len(words) >= FEWEST_WORDS and f" {' '.join(words)} " in forged
        for part in said for sentence in _SENTENCE.split(part)
        if (words := _words(unicodedata.normalize("NFKC", sentence).casefold()))
    )  # fmt: skip
