"""Which tools an editor would compare: for each draft the nearest reviewed tools, by category, text and price.

Nearness is the cosine of two TF-IDF vectors (words, each 1 + ln tf times ln((n + 1) / (df + 0.5))), plus a share of
the same of their categories (the brief's, else as read off the words), plus a little where prices are alike. Words are
counted by hash, the tools are read from the store in portions: memory stays flat whatever the store holds. Tools of one
maker are no rivals. Knows nothing of how a pair is compared.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import numpy as np

from panel.topics import SIGNS, signs_in

NEAR_ENOUGH = 0.12
"""Nearness below which two tools are not worth a page; see tests/test_pairs.py for what it was set on."""
NEAR_ENOUGH_THIN, THIN = 0.28, 40
"""The same where one of them has fewer than THIN different words: two single lines share a word by chance."""
LEAST_WORDS = 0.03
"""The part of it that the words must bring: one category alone makes no rivals."""
TOPIC_SHARE = 0.15
PRICE_SHARE = 0.02
ALIKE = 3.0
"""Prices within this factor of each other are alike."""
HEAD, LEAD, MOST = 3, 500, 1500
"""What a word of name and tagline counts; how many characters of a description count twice, and how many at all."""
BRIEF_TOPIC = 2.0
"""What the category a brief has chosen counts, beside ln(1 + signs) of those read off the words."""
_SLOTS = 1 << 18
_WORD = re.compile(r"[a-z][a-z0-9+#]{2,}")
_ADDRESS = re.compile(r"https?://\S+|\[!\[|\]\([^)]*\)")
_EMPTY_WORDS = (
    "the and for with that this from your you are can not our all any use using used into more its has have will also "
    "how what when which who new get one two out see via per than then them they their there here just like only over "
    "such other make makes about been but does each may most must need off own some too very was were where while "
    "without would should could install installation pip python quickstart github bash clone please contributing docs "
    "documentation import print example version started getting guide readme license mit apache free open source try "
    "join community discord twitter issue pull request star support run running code create build built building "
    "simple easy easily help project package library tool feature work api app application user data model llm llms "
    "based provide check full want way first add name com org http www")
_EMPTY = frozenset(_EMPTY_WORDS.split())
_STARTS = (
    "agent agents auto chat code data deep deepseek doc docs fast image llama mini model open prompt python simple "
    "smart super text tiny vector video voice")
_COMMON_STARTS = frozenset(_STARTS.split())


class Tool(NamedTuple):
    """What choosing rivals reads of a tool."""

    tool_id: str
    dossier_digest: str
    name: str
    tagline: str | None = None
    description: str | None = None
    brief: str | None = None
    """The brief's description and what it is best for."""
    category: str | None = None
    """The brief's, from the fixed list."""
    said: str | None = None
    """The dossier's own category."""
    vendor: str | None = None
    url: str | None = None
    entry: str = "unknown"
    price: float | None = None
    """The lowest that is not nothing."""
    unit: str | None = None
    """Currency and unit of the price."""


class Rival(NamedTuple):
    """A tool near another, how near, and why in a few words."""

    tool: Tool
    nearness: float
    because: str


Key = TypeVar("Key")
Portions = Callable[[], Iterator[Sequence[Tool]]]


class _Vectors(NamedTuple):
    words: dict[int, float]
    topics: dict[str, float]


class _Corpus:
    """How common words and categories are among the tools."""

    def __init__(self, portions: Portions) -> None:
        self._seen = np.zeros(_SLOTS, dtype=np.int32)
        self._topics: Counter[str] = Counter()
        self._tools = 0
        for portion in portions():
            for tool in portion:
                self._tools += 1
                slots = list(_words(tool))
                self._seen[slots] += 1
                self._topics.update(_topics(tool))

    def vectors(self, tool: Tool) -> _Vectors:
        """Of length 1, words by slot."""
        words = {slot: (1 + math.log(count)) * self._idf(int(self._seen[slot])) for slot, count in _words(tool).items()}
        topics = {name: weight * self._idf(self._topics[name]) for name, weight in _topics(tool).items()}
        return _Vectors(_unit(words), _unit(topics))

    def _idf(self, seen: int) -> float:
        return max(0.0, math.log((self._tools + 1) / (seen + 0.5)))


def nearest(drafts: Sequence[Tool], portions: Portions, most: int) -> dict[str, list[Rival]]:
    """For each draft its rivals among the tools, nearest first: at most `most`, fewer where none is near enough.

    `portions` gives all the tools, in portions, each time it is called: it is called twice.
    """
    corpus = _Corpus(portions)
    mine = [corpus.vectors(draft) for draft in drafts]
    words = _postings(vectors.words for vectors in mine)
    found: list[list[tuple[float, str, Tool]]] = [[] for _ in drafts]
    for portion in portions():
        for tool in portion:
            theirs = corpus.vectors(tool)
            near = [0.0] * len(drafts)
            for slot, weight in theirs.words.items():
                for number, mine_there in words.get(slot, ()):
                    near[number] += mine_there * weight
            for number, draft in enumerate(drafts):
                own = mine[number]
                nearness = near[number] + TOPIC_SHARE * _dot(own.topics, theirs.topics)
                nearness += PRICE_SHARE * _prices_alike(draft, tool)
                thin = min(len(own.words), len(theirs.words)) < THIN
                enough = nearness >= (NEAR_ENOUGH_THIN if thin else NEAR_ENOUGH) and near[number] >= LEAST_WORDS
                if enough and not _one_maker(draft, tool):
                    found[number].append((-nearness, tool.tool_id, tool))
                    found[number].sort()
                    del found[number][most:]
    return {draft.tool_id: [Rival(tool, round(-away, 4), _because(draft, tool)) for away, _, tool in best]
            for draft, best in zip(drafts, found, strict=True)}


def _words(tool: Tool) -> Counter[int]:
    """Slot → how often, what stands in front counted more."""
    counts: Counter[int] = Counter()
    text = f"{tool.brief or ''} {(tool.description or '')[:MOST]}"
    for part, times in ((f"{tool.name} {tool.tagline or ''}", HEAD), (text[:LEAD], 1), (text, 1)):
        for word in _plain_words(part):
            counts[zlib.crc32(word.encode()) % _SLOTS] += times
    return counts


def _plain_words(text: str) -> Iterator[str]:
    for word in _WORD.findall(_ADDRESS.sub(" ", text.lower())):
        if word not in _EMPTY:
            yield word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word


def _topics(tool: Tool) -> dict[str, float]:
    head = signs_in(f"{tool.name} . {tool.tagline or ''}".lower())
    text = signs_in(_ADDRESS.sub(" ", f"{tool.brief or ''} {tool.description or ''}"[:MOST // 2].lower()))
    weights = {name: math.log1p((HEAD + 1) * head.get(name, 0) + text.get(name, 0)) for name in {*head, *text}}
    brief = tool.category if tool.category != "Other" else None
    for category in (brief, tool.said and f"said: {tool.said.strip().casefold()}"):
        if category:
            weights[category] = weights.get(category, 0.0) + BRIEF_TOPIC
    return weights


def _postings(vectors: Iterable[dict[int, float]]) -> dict[int, list[tuple[int, float]]]:
    found: dict[int, list[tuple[int, float]]] = {}
    for number, vector in enumerate(vectors):
        for slot, weight in vector.items():
            found.setdefault(slot, []).append((number, weight))
    return found


def _unit(vector: dict[Key, float]) -> dict[Key, float]:
    length = math.sqrt(math.fsum(value * value for value in vector.values()))
    return {key: value / length for key, value in vector.items() if value} if length else {}


def _dot(one: dict[str, float], other: dict[str, float]) -> float:
    return math.fsum(value * other[key] for key, value in one.items() if key in other)


def _prices_alike(one: Tool, other: Tool) -> int:
    """1: the same kind of entry, or prices within ALIKE; -1: another kind; 0: not known."""
    if "unknown" in (one.entry, other.entry):
        return 0
    return 1 if one.entry == other.entry or _amounts_alike(one, other) else -1


def _amounts_alike(one: Tool, other: Tool) -> bool:
    if one.price is None or other.price is None or one.unit != other.unit:
        return False
    return max(one.price, other.price) <= ALIKE * min(one.price, other.price)


def _one_maker(one: Tool, other: Tool) -> bool:
    """Whether two are the same tool, or of one maker: the same vendor, the same account at a host, or a family name."""
    if one.tool_id == other.tool_id or _same(one.vendor, other.vendor) or _same(_account(one.url), _account(other.url)):
        return True
    first, second = (re.split(r"[^a-z0-9]+", tool.name.lower().strip("@"))[0] for tool in (one, other))
    return first == second and len(first) >= 4 and first not in _COMMON_STARTS


def _same(one: str | None, other: str | None) -> bool:
    return bool(one) and bool(other) and str(one).casefold() == str(other).casefold()


def _account(url: str | None) -> str | None:
    """The host and the first part of the path where it names an account; null where it does not."""
    try:
        parts = urlsplit(url or "")
    except ValueError:  # an address nobody could open
        return None
    path = parts.path.strip("/").split("/")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    shared = parts.hostname.removeprefix("www.") in ("github.com", "gitlab.com", "huggingface.co", "codeberg.org")
    return f"{parts.hostname}/{path[0]}" if shared else parts.hostname


def _because(draft: Tool, rival: Tool) -> str:
    """In a few words what two tools have in common."""
    reasons = []
    if draft.category and draft.category == rival.category:
        reasons.append(draft.category)
    elif _same(draft.said, rival.said):
        reasons.append(str(draft.said))
    mine, theirs = _topics(draft), _topics(rival)
    shared = sorted((-min(mine[name], theirs[name]), name) for name in mine.keys() & theirs.keys() if name in SIGNS)
    said = {reason.casefold() for reason in reasons}
    reasons += [name for _, name in shared[:2] if name.casefold() not in said]
    words = set(_plain_words(f"{draft.name} {draft.tagline or ''}")) & set(
        _plain_words(f"{rival.name} {rival.tagline or ''} {(rival.description or '')[:LEAD]}"))
    if words:
        reasons.append("both say " + ", ".join(sorted(words)[:4]))
    if _prices_alike(draft, rival) == 1:
        reasons.append(f"both {draft.entry}" if draft.entry == rival.entry else "alike in price")
    return "; ".join(reasons) or "alike in words"
