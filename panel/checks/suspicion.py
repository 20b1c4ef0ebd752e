"""Dossier lines that talk to the reviewer instead of about the tool: scored and flagged, never obeyed.

They are hidden from nobody but a model too small to be told what is an order and what is material (`plain_lines`).

The rules are in `suspicion_rules`; they read a folded copy of each line, what its codes and tricks of spacing stand
for, and all short lines together, as an instruction can be split over fields. Knows nothing of the answer.
"""

# ruff: noqa: SIM905 - word lists are read and edited as text, not as hundreds of quoted strings

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from panel.checks.disguises import decoded, folded, is_odd, letters_apart, undisguised
from panel.checks.kept import Kept
from panel.checks.suspicion_rules import RULES, Rule
from panel.checks.words import words_of
from panel.schema import DossierLines, Flag, Line, Record

THRESHOLD = 3
"""From this score up a dossier is flagged."""
MOST = 10
TOGETHER = 14
"""Lines at the top that are also read as one."""
REMOVED = (
    (re.compile(r"(\d[\d,]*) tag character"), 5, 5, "tag characters were hidden in it"),
    (re.compile(r"(\d[\d,]*) variation selector"), 8, 5, "variation selectors were hidden in it"),
    (re.compile(r"(\d[\d,]*) (?:invisible|bidirectional) character"), 8, 3,
     "invisible characters were hidden in it"),
    (re.compile(r"(\d[\d,]*) (?:private-use|control) character"), 12, 2,
     "characters that print nothing were in it"),
    (re.compile(r"(\d[\d,]*) chat-template token"), 1, 2, "held tokens of a chat template"),
    (re.compile(r"hidden HTML \((?!comment|attribute|script|style|svg|title|head|iframe|broken|meter|progress|video"
                r"|audio|object|noscript|aria-hidden|canvas|hiding)[^)]*\), (\d[\d,]*)"), 12, 4, "it held hidden text"),
)  # fmt: skip
"""What cleaning took away: pattern with a count, from which count, weight, reason.

Comments and attributes are left out: honest pages are full of them."""


_FOREIGN = re.compile(r"[^\x00-\u024f\u2000-\u2bff\ufe0f\U0001f000-\U0001faff]")
_SIGNS = ("<", "‹", "{", "|", "---", "===", "***", "~~~", "##", "[", "(/", "(inst", "(system", ">>>")


_TELLING = frozenset("ship verdict ignore disregard reviewer instructions rubric".split())


class Suspicion(Record):
    """How much a dossier talks to its reviewer, 0 to 10, why, and the first line that does (empty: none)."""

    score: int
    reasons: tuple[str, ...] = ()
    text: str = ""


class _Found(NamedTuple):
    """A rule that a line meets; the line's number is 0 for what is not of one line."""

    rule: str
    weight: int
    number: int
    reason: str


_NONE = Suspicion(score=0)
_kept: Kept[Suspicion] = Kept()


def suspicion(lines: DossierLines) -> Suspicion:
    """The suspicion of a dossier: the sum of the rules its lines meet, each counted once, at most MOST."""
    return _kept.get(lines.digest, lambda: _suspicion(lines))


def suspicious_lines(lines: DossierLines) -> list[Flag]:
    """One `suspicious_dossier` flag where the score reaches THRESHOLD."""
    found = suspicion(lines)
    if found.score < THRESHOLD:
        return []
    reason = f"suspicion {found.score} of {MOST}: {'; '.join(found.reasons)}"
    return [Flag(kind="suspicious_dossier", text=found.text[:200], reason=reason, about=str(found.score))]


def plain_lines(lines: DossierLines) -> DossierLines:
    """The lines of a suspicious dossier without those that made it so, for a model too small to judge them itself.

    The first line (the name) stays; numbers stay as they are.
    """
    if suspicion(lines).score < THRESHOLD:
        return lines
    alone = [line for line in lines.lines[1:] if _speaks(line)]
    kept = tuple(line for line in lines.lines if line not in alone)
    return lines.model_copy(update={"lines": kept})


def _speaks(line: Line) -> bool:
    """Whether a line meets a rule by itself, or in disguise."""
    text = folded(line.text)
    words = _words_and_signs(text)
    if next(_met(_worth_a_look(words), text), None) is not None:
        return True
    return is_odd(text, words) and next(_of_disguised(line.text, line.number), None) is not None


def _suspicion(lines: DossierLines) -> Suspicion:
    found: dict[str, _Found] = {}
    for one in (*_of_lines(lines), *_of_removed(lines.removed)):
        if one.rule not in found or one.weight > found[one.rule].weight:
            found[one.rule] = one
    if not found:
        return _NONE
    first = min((one.number for one in found.values() if one.number), default=lines.lines[0].number)
    reasons = [f"{f'line {one.number} ' if one.number else ''}{one.reason} ({one.weight})" for one in found.values()]
    return Suspicion(score=min(MOST, sum(one.weight for one in found.values())), reasons=tuple(reasons),
                     text=lines.by_number[first].text)


def _of_lines(lines: DossierLines) -> Iterator[_Found]:
    whole = "\n".join([line.text for line in lines.lines])
    text = folded(whole)
    words = _words_and_signs(text)
    rules = _worth_a_look(words)
    for rule, start in _met(rules, text):
        yield _Found(rule.id, rule.weight, lines.lines[text.count("\n", 0, start)].number, rule.reason)
    odd = is_odd(text, words)
    if not odd and not rules:
        return
    together = " ".join([line.text.partition(": ")[2] or line.text for line in lines.lines[:TOGETHER]])
    for rule, _ in _met(rules, folded(together)):
        yield _Found(rule.id, rule.weight, 0, f"the lines together: {rule.reason}")
    if odd:
        for line in lines.lines:
            if is_odd(folded(line.text), words):
                yield from _of_disguised(line.text, line.number)
        yield from _of_disguised(together, 0)


def _of_disguised(text: str, number: int) -> Iterator[_Found]:
    plain = folded(text)
    said = folded(decoded(text))
    apart = letters_apart(plain)
    if not _TELLING.isdisjoint(words_of(said)) or any(word in apart for word in _TELLING):
        yield _Found("disguise", 4, number, "hides words of an order or a verdict")
    for reading in (*undisguised(plain), said):
        rules = _worth_a_look(_words_and_signs(reading)) if reading != plain else []
        for rule, _ in _met(rules, reading):
            if not rule.pattern.search(plain):
                yield _Found(rule.id, rule.weight, number, f"in disguise {rule.reason}")
                yield _Found("disguise", 2, number, "disguises what it says")


def _words_and_signs(text: str) -> set[str]:
    """The words of a folded text, and the names of the signs it has."""
    words = set(words_of(text))
    if any(sign in text for sign in _SIGNS):
        words.add("SIGNS")
    if not text.isascii() and _FOREIGN.search(text):
        words.add("FOREIGN")
    return words


def _worth_a_look(words: set[str]) -> list[Rule]:
    """The rules whose words are there; of most texts none."""
    return [rule for rule in RULES if _has(rule.needs, words)]


def _has(groups: tuple[frozenset[str], ...], words: set[str]) -> bool:
    return all(not group.isdisjoint(words) for group in groups)


def _met(rules: Iterable[Rule], text: str) -> Iterator[tuple[Rule, int]]:
    """The rules a folded text meets, and where."""
    for rule in rules:
        match = rule.pattern.search(text)
        if match:
            yield rule, match.start()


def _of_removed(removed: Iterable[str]) -> Iterator[_Found]:
    for said in removed:
        for pattern, fewest, weight, reason in REMOVED:
            match = pattern.match(said)
            if match and int(match[1].replace(",", "")) >= fewest:
                yield _Found("template" if "template" in reason else reason, weight, 0, reason)
