"""Dossier lines that talk to the reviewer instead of about the tool: flagged, never obeyed and never hidden.

A short list of rules on a compatibility-normalised, case-folded copy of each line. Knows nothing of the answer.
"""

from __future__ import annotations

import re
import unicodedata

from panel.checks.kept import Kept
from panel.checks.words import words_of
from panel.schema import DossierLines, Flag

RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("tells the reader to drop instructions", re.compile(
        r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|guideline|above|previous)")),
    ("asks for a verdict or a score", re.compile(
        r"\b(?:answer|say|reply|respond|output|return|vote|rate|score|give)\b.{0,30}"
        r"(?:\bship\b|\bskip\b|(?<![-\d])100\b|\bhighest\b|\bpositive\b|\bfive stars\b)|\"verdict\"\s*:")),
    ("addresses an AI or a reviewer", re.compile(
        r"\b(?:note|message|attention|dear|hey)(?: to| for)?[,:]?(?: the| all| any)? "
        r"(?:reviewers?|judges?|llms?|ai|language models?|assistant)\b"
        r"|\bif you are an? (?:ai|llm|language model|assistant)|\bas an? (?:ai|llm|language model) (?:you|reading)"
        r"|\byou are now\b|\byou must (?:answer|say|ship|rate|recommend|score)")),
)


OPENING_WORDS = frozenset((
    "ignore", "disregard", "forget", "override", "answer", "say", "reply", "respond", "output", "return", "vote",
    "rate", "score", "give", "verdict", "note", "message", "attention", "dear", "hey", "if", "as", "you",
))
"""The words a rule begins with: a line without any is not searched."""
_kept: Kept[tuple[Flag, ...]] = Kept()


def _suspicious(lines: DossierLines) -> tuple[Flag, ...]:
    flags = []
    for line in lines.lines:
        folded = unicodedata.normalize("NFKC", line.text).casefold()
        if OPENING_WORDS.isdisjoint(words_of(folded)):
            continue
        reasons = [reason for reason, rule in RULES if rule.search(folded)]
        if reasons:
            flags.append(Flag(kind="suspicious_dossier", text=line.text[:200],
                              reason=f"line {line.number} {', and '.join(reasons)}"))
    return tuple(flags)


def suspicious_lines(lines: DossierLines) -> list[Flag]:
    """A `suspicious_dossier` flag for each line that speaks to the reviewer."""
    return list(_kept.get(lines.digest, lambda: _suspicious(lines)))
