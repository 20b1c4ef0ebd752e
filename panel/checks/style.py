"""How an answer is written: lengths, banned phrases, invented experience, labels, the wrong last word, echoes.

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

OPENING_WORDS = frozenset({"i", "we", "my", "our", "me", "us", "hands", "having", "after", "user"})
OPENING = re.compile(r"[IiWwMmOoUuAaHh](?:(?<=I)|(?<=i)|e|y|ur|s|s a|fter|aving|ands)\b")
"""Where invented experience may begin: a quick superset of it, so that the long pattern is tried there only."""
_DONE = ("tried|tested|used|installed|benchmarked|measured|deployed|evaluated|timed|clocked|downloaded|migrated|"
         "switched|trialled|trialed|piloted|compiled|cloned|profiled|prototyped|fine-tuned|self-hosted")
_WITH_IT = "it|this|that tool|them|the (?:tool|library|app|model|product|cli|api|sdk|editor)"
EXPERIENCE = re.compile(
    r"\b(?:"
    rf"(?:i|we)(?:['’]ve| have| had)?(?: (?:just|already|recently|actually|personally|also|both|even|once|briefly))*"
    rf" (?:been )?(?:{_DONE}|ran|spun up|set up|played with|signed up|been (?:using|running|testing|trying|building on)"
    rf"|using|running it|testing it|built (?:\w+ ){{0,4}}(?:with|on))"
    rf"|(?:i|we)(?: (?:already|still|now|currently|always))? (?:use|run|rely on|deploy) (?:{_WITH_IT}|daily|both)"
    r"|(?:i|we)(?:['’]m| am|['’]re| are)(?: (?:already|still|now|currently))? (?:using|running|testing|evaluating) "
    r"|(?:my|our)(?: own)? (?:team|teams|company|engineers|developers|colleagues|clients|studio|startup|group|shop|"
    rf"portfolio compan(?:y|ies))(?: (?:already|has|have|all|now))* (?:{_DONE}|uses?|runs?|ran|adopted|relies|rely)"
    r"|(?<=in )(?:my|our)(?: own)? (?:tests?|testing|trials?|benchmarks?|experience|hands|evaluation|measurements|"
    r"usage|use)"
    r"|(?:(?<=on )|(?<=in ))(?:my|our)(?: own)? (?:laptop|machine|mac|macbook|gpu|cluster|phone|desktop|server|"
    r"codebase|repo)"
    r"|(?:my|our) (?:first|second|last) (?:run|result|attempt|try|session|install|prompt|hour|ten minutes)"
    r"|after (?:using|running|testing|trying|installing|living with|a (?:week|month|day) (?:with|of)|"
    r"(?:\w+ ){0,2}(?:hours|days|weeks|months|years) (?:with|of using|of running|on))"
    rf"|having (?:{_DONE}|run)|hands[- ]on (?:use|testing|tests?|time|experience|trial)"
    r"|(?:(?<=took )|(?<=gave )|(?<=cost )|(?<=saved )|(?<=crashed on )|(?<=failed for )|(?<=worked for )|(?<=told ))"
    r"(?:me|us)"
    r"|(?:i|we)(?:['’]ve| have)? (?:spoke|spoken|talked) (?:to|with)"
    r"|as a (?:daily|long-?time|regular|paying) user"
    r")\b", re.IGNORECASE)
NOT_EXPERIENCE = re.compile(
    r" (?:to (?:find|name|see|imagine|think|picture|locate|read|work out|believe|say|be)"
    r"|(?:through )?(?:the|these|those) (?:numbers?|maths?|arithmetic|thesis|claims?|argument|dossier|readme|lines))\b",
    re.IGNORECASE)
UNREAL = re.compile(
    r"\b(?:if|unless|until|till|before|once|whether|would|could|might|should|must|will|cannot|can|may|not|never|nobody|"
    r"without|suppose|imagine|had i|hasn|haven|didn|neither|needs?|requires?)\b|n['’]t\b|['’](?:d|ll)\b",
    re.IGNORECASE)
CLAUSE = re.compile(r"[.!?;:\n]|\bbut\b")
QUOTED = frozenset("\"“”")

SENTENCE_END = re.compile(r"[.!?][\"”’)]*\s")
DECISION = re.compile(r"\b(ship|skip)(?:ping)?\b(?! (?:with|by default)\b)", re.IGNORECASE)
NEGATION = re.compile(r"\b(?:not|never|no|nor|cannot|hardly|nothing|neither|without)\b|n['’]t\b", re.IGNORECASE)
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


def invented_experience(parts: Iterable[Part]) -> list[Flag]:
    """`invented_experience` where a text speaks as if the tool had been used: nobody has used it.

    What is conditional, future, denied, or quoted from the maker is left alone.
    """
    flags = []
    for part in parts:
        if OPENING_WORDS.isdisjoint(part.words):
            continue
        text, end = part.text, 0
        for opening in OPENING.finditer(text):
            match = EXPERIENCE.match(text, opening.start()) if opening.start() >= end else None
            if match and not _is_unreal(text, match):
                end = match.end()
                flags.append(Flag(kind="invented_experience", field=part.field, span=match.span(), text=match[0],
                                  reason=f'"{match[0]}" speaks of use, and the persona has not used the tool'))
    return flags


def _is_unreal(text: str, match: re.Match[str]) -> bool:
    if NOT_EXPERIENCE.match(text, match.end()):
        return True
    start = 0
    for mark in CLAUSE.finditer(text, 0, match.start()):
        start = mark.end()
    if UNREAL.search(text, start, match.start()):
        return True
    return sum(1 for letter in text[:match.start()] if letter in QUOTED) % 2 == 1


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
        before = body[start:match.start()].split()[-3:]
        if word == "ship" and before and before[-1].strip(",").lower() in OTHERS_SHIP:
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
