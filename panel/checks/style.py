"""How an answer is written: lengths, banned phrases, invented experience, labels, the wrong last word, echoes.

Knows nothing of the dossier: what a text says is for `panel.checks.grounding`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from panel.checks.words import count_words, words_of
from panel.schema import Flag, Persona, Verdict

QUOTE_WORDS = (60, 170)
THIN_QUOTE_WORDS = (25, 60)
BECAUSE_WORDS = (1, 25)
DESCRIPTION_WORDS = (50, 90)
COMPARISON_WORDS = (40, 90)
SHIP_FROM, SKIP_TO = 40, 60
ECHO_WORDS = 6

FIRST_PERSON = frozenset({"i", "we", "my", "our", "me", "us", "hands", "having", "after"})
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
    r"|in (?:my|our)(?: own)? (?:tests?|testing|trials?|benchmarks?|experience|hands|evaluation|measurements|usage|use)"
    r"|(?:on|in) (?:my|our)(?: own)? (?:laptop|machine|mac|macbook|gpu|cluster|phone|desktop|server|codebase|repo)"
    r"|(?:my|our) (?:first|second|last) (?:run|result|attempt|try|session|install|prompt|hour|ten minutes)"
    r"|after (?:using|running|testing|trying|installing|living with|a (?:week|month|day) (?:with|of)|"
    r"(?:\w+ ){0,2}(?:hours|days|weeks|months|years) (?:with|of using|of running|on))"
    rf"|having (?:{_DONE}|run)|hands[- ]on (?:use|testing|tests?|time|experience|trial)"
    r"|(?:took|gave|cost|saved|crashed on|failed for|worked for) (?:me|us)\b"
    r"|(?:i|we)(?:['’]ve| have)? (?:spoke|spoken|talked) (?:to|with)|(?:told|tell) (?:me|us)\b"
    r"|as a (?:daily|long-?time|regular|paying) user"
    r")\b", re.IGNORECASE)
NOT_EXPERIENCE = re.compile(
    r" (?:to (?:find|name|see|imagine|think|picture|locate|read|work out)|(?:through )?(?:the|these|those) (?:numbers?|maths?|"
    r"arithmetic|thesis|claims?|argument|dossier|readme|lines))\b| to\b(?= (?:think|believe|say|be)\b)", re.IGNORECASE)
UNREAL = re.compile(
    r"\b(?:if|unless|until|till|before|once|whether|would|could|might|should|must|will|cannot|can|may|not|never|nobody|"
    r"without|suppose|imagine|had i|hasn|haven|didn|neither|needs?|requires?|only)\b|n['’]t\b|['’](?:d|ll)\b",
    re.IGNORECASE)
CLAUSE = re.compile(r"[.!?;:\n]")
QUOTED = frozenset("\"“”")

LAST_SENTENCE = re.compile(r"[^.!?]*[^.!?\s][^.!?]*[.!?\"”’)\s]*$")
DECISION = re.compile(
    r"(?P<before>(?:\b[\w'’]+[ ,]+){0,3})\b(?P<word>ship|skip)(?P<it>ping)?\b(?! (?:with|by default|as of)\b)",
    re.IGNORECASE)
NEGATION = re.compile(r"\b(?:not|never|no|nor|cannot|hardly|nothing|neither|without)\b|n['’]t\b", re.IGNORECASE)
OTHERS_SHIP = re.compile(r"\b(?:that|who|which|teams|they|companies|developers|people|users|you|customers)[ ,]+$", re.I)


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
def _phrases(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for all phrases, each at word boundaries, longest first."""
    patterns = [re.sub(r"(?:\\[ -]|[ -])+", r"[\\s-]+", re.escape(phrase.strip()))
                for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase)) if phrase.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE) if patterns else None


def banned_phrases(texts: Iterable[tuple[str, str]], persona: Persona) -> list[Flag]:
    """`banned_phrase` for every place where the persona says what it never says."""
    pattern = _phrases(persona.never_says)
    if pattern is None:
        return []
    return [Flag(kind="banned_phrase", field=field, span=match.span(), text=match[0],
                 reason=f'{persona.name} never says "{match[0].lower()}"')
            for field, text in texts for match in pattern.finditer(text)]


def invented_experience(texts: Iterable[tuple[str, str]]) -> list[Flag]:
    """`invented_experience` where a text speaks as if the tool had been used: nobody has used it.

    What is conditional, future, denied, or quoted from the maker is left alone.
    """
    flags = []
    for field, text in texts:
        for match in EXPERIENCE.finditer(text):
            if not _is_unreal(text, match):
                flags.append(Flag(kind="invented_experience", field=field, span=match.span(), text=match[0],
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
def _labels(points: tuple[str, ...]) -> re.Pattern[str]:
    """A label of several words anywhere; a label of one word only where it is set off as a label."""
    several = [re.escape(name).replace("_", r"[\s_-]") for name in points if "_" in name]
    single = [rf"{re.escape(name)}(?=\s?(?::|[–—]\s))" for name in points if "_" not in name]
    return re.compile(rf"(?<!\w)(?:{'|'.join(several + single)})(?!\w)", re.IGNORECASE)


def labels_in_quote(quote: str, persona: Persona) -> list[Flag]:
    """`label_in_quote` where the quote names a point by its label instead of making it."""
    return [Flag(kind="label_in_quote", field="quote", span=match.span(), text=match[0],
                 reason=f'"{match[0]}" is the label of a point')
            for match in _labels(tuple(persona.points)).finditer(quote)]


def wrong_verdict_word(quote: str, verdict: str) -> list[Flag]:
    """`wrong_verdict_word` when the last sentence decides with the other word only. "Not ship" counts as skip."""
    last = LAST_SENTENCE.search(quote)
    if last is None:
        return []
    decided: dict[str, re.Match[str]] = {}
    for match in DECISION.finditer(last[0]):
        word = match["word"].lower()
        if word == "ship" and OTHERS_SHIP.search(match["before"]):
            continue
        if NEGATION.search(match["before"]):
            word = "skip" if word == "ship" else "ship"
        decided.setdefault(word, match)
    other = "skip" if verdict == "ship" else "ship"
    if set(decided) != {other}:
        return []
    match = decided[other]
    span = (last.start() + match.start("word"), last.start() + match.end("word"))
    return [Flag(kind="wrong_verdict_word", field="quote", span=span, text=match[0].strip(),
                 reason=f"the verdict is {verdict} and the last sentence says {other}")]


@lru_cache(maxsize=16)
def _runs_of(texts: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(run for text in texts for run in _runs(words_of(text)))


def _runs(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[offset:] for offset in range(ECHO_WORDS)), strict=False)


def echoes(texts: Iterable[tuple[str, Sequence[str]]], examples: Sequence[str]) -> list[Flag]:
    """`echo`, once a field, where six words in a row stand in an example too. The texts come cut into words."""
    if not examples:
        return []
    known = _runs_of(tuple(examples))
    flags = []
    for field, words in texts:
        run = next((run for run in _runs(words) if run in known), None)
        if run is not None:
            shared = " ".join(run)
            flags.append(Flag(kind="echo", field=field, text=shared, reason=f'"{shared}" is copied from an example'))
    return flags
