"""How an answer is written: lengths, score, banned phrases, labels, the wrong last word, echoes.

Knows nothing of the dossier: what a text says is for `panel.checks.grounding`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from panel.checks.parts import Part
from panel.checks.words import STOP, count_words, words_of
from panel.schema import Flag, Persona, Verdict

QUOTE_WORDS = (60, 170)
THIN_QUOTE_WORDS = (25, 60)
BECAUSE_WORDS = (1, 25)
DESCRIPTION_WORDS = (50, 90)
COMPARISON_WORDS = (40, 90)
SHIP_FROM, SKIP_TO = 40, 60
ECHO_WORDS = 6

SENTENCE_END = re.compile(r"[.!?][\"”’)]*\s")
DECISION = re.compile(
    r"\b(ship|skip)(?:ping)?\b(?! (?:with|by default|on)\b)"
    r"(?!(?<=skip) (?:the|its|their|any|all) (?!(?:tool|product|app|library|service|whole|thing)\b)(?-i:[a-z]))",
    re.IGNORECASE)
"""The two words as a verdict: "skip the cloud" is said of a part, "skip the Pin" of the tool."""
NEGATION = re.compile(
    r"\b(?:not|never|no|nor|nobody|none|cannot|hardly|nothing|neither|without)\b|n['’]t\b", re.IGNORECASE)
CLAUSE_MARK = re.compile(r"[,;:–—]|\b(?:but|and|yet|so|still)\b")
OTHERS_SHIP = frozenset({"that", "who", "which", "teams", "they", "companies", "developers", "people", "users", "you",
                         "customers", "vendors", "rivals"})
"""Words before "ship" that make it somebody else's doing: "for teams that ship weekly"."""


def length_flag(field: str, text: str, bounds: tuple[int, int]) -> list[Flag]:
    """`length` when the words of a text are outside the bounds."""
    words = count_words(text)
    if bounds[0] <= words <= bounds[1]:
        return []
    return [Flag(kind="length", field=field, reason=f"{words} words; {bounds[0]} to {bounds[1]} expected")]


def score_mismatch(verdict: Verdict) -> list[Flag]:
    """`score_mismatch` when the score says the other word."""
    ship = verdict.verdict == "ship"
    if (verdict.score >= SHIP_FROM) if ship else (verdict.score <= SKIP_TO):
        return []
    limit = f"under {SHIP_FROM}" if ship else f"over {SKIP_TO}"
    return [Flag(kind="score_mismatch", field="score", text=str(verdict.score),
                 reason=f"{verdict.verdict} with a score of {verdict.score}, {limit}")]


@lru_cache(maxsize=64)
def _phrases(phrases: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """One pattern for all phrases, longest first, and the rarest word of each: a text without any has no phrase."""
    given = sorted({phrase.strip() for phrase in phrases if words_of(phrase)}, key=lambda each: (-len(each), each))
    if not given:
        return frozenset(), None
    patterns = [re.sub(r"(?:\\[ -]|[ -])+", r"[\\s-]+", re.escape(phrase)) for phrase in given]
    telling = frozenset(max(words_of(phrase), key=lambda word: (word not in STOP, len(word))) for phrase in given)
    return telling, re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)


def banned_phrases(parts: Iterable[Part], persona: Persona) -> list[Flag]:
    """`banned_phrase` for every place where the persona says what it never says."""
    telling, pattern = _phrases(persona.never_says)
    if pattern is None:
        return []
    return [Flag(kind="banned_phrase", field=part.field, span=match.span(), text=match[0],
                 reason=f'{persona.name} never says "{match[0].lower()}"')
            for part in parts if not telling.isdisjoint(part.words) for match in pattern.finditer(part.text)]


@lru_cache(maxsize=64)
def _labels(points: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str]]:
    """A label of several words anywhere, one of a single word only where it is set off as a label; and their words."""
    several = [re.escape(name).replace("_", r"[\s_-]") for name in points if "_" in name]
    single = [rf"{re.escape(name)}(?=\s?(?::|[–—]\s))" for name in points if "_" not in name]
    telling = frozenset(name.rpartition("_")[2] for name in points)
    return telling, re.compile(rf"(?<!\w)(?:{'|'.join(several + single)})(?!\w)", re.IGNORECASE)


def labels_in_quote(quote: Part, persona: Persona) -> list[Flag]:
    """`label_in_quote` where the quote names a point by its label instead of making it."""
    telling, pattern = _labels(tuple(persona.points))
    if telling.isdisjoint(quote.words):
        return []
    return [Flag(kind="label_in_quote", field="quote", span=match.span(), text=match[0],
                 reason=f'"{match[0]}" is the label of a point')
            for match in pattern.finditer(quote.text)]


def wrong_verdict_word(quote: str, verdict: str) -> list[Flag]:
    """`wrong_verdict_word` when the last sentence decides with the other word only. "Not ship" counts as skip."""
    body = quote.rstrip()
    start = max((end.end() for end in SENTENCE_END.finditer(body)), default=0)
    decided: dict[str, re.Match[str]] = {}
    for match in DECISION.finditer(body, start):
        word = match[1].lower()
        clause = CLAUSE_MARK.split(body[max(start, match.start() - 100):match.start()])[-1]
        before = clause.split()[-6:]
        if word == "ship" and before and before[-1].lower() in OTHERS_SHIP:
            continue
        if NEGATION.search(" ".join(before)):
            word = "skip" if word == "ship" else "ship"
        decided.setdefault(word, match)
    other = "skip" if verdict == "ship" else "ship"
    if set(decided) != {other}:
        return []
    match = decided[other]
    return [Flag(kind="wrong_verdict_word", field="quote", span=match.span(), text=match[0],
                 reason=f"the verdict is {verdict} and the last sentence says {other}")]


@lru_cache(maxsize=16)
def _runs_of(texts: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(run for text in texts for run in _runs(words_of(text)))


def _runs(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[offset:] for offset in range(ECHO_WORDS)), strict=False)


def echoes(parts: Iterable[Part], examples: Sequence[str]) -> list[Flag]:
    """`echo`, once a field, where six words in a row stand in an example too."""
    if not examples:
        return []
    known = _runs_of(tuple(examples))
    flags = []
    for part in parts:
        run = next((run for run in _runs(part.words) if run in known), None)
        if run is not None:
            shared = " ".join(run)
            flags.append(Flag(kind="echo", field=part.field, text=shared,
                              reason=f'"{shared}" is copied from an example'))
    return flags
