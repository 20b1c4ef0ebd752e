"""Texts → where they tell of something that happened, and the dossier does not: a note, since it may be a figure of
speech. What speaks of use in so many words is for `panel.checks.experience`.

A review argues in the present, in conditionals and of what the lines say. A clause in the past whose words the dossier
hardly has ("the installer bailed out with a path error") tells of something nobody has seen. A rule of word forms,
English only: it finds most of such clauses and not all. Knows nothing of who speaks.
"""

# ruff: noqa: SIM905 - word lists are read and edited as text, not as hundreds of quoted strings

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from panel.checks.experience import QUOTED, UNREAL
from panel.checks.parts import Part
from panel.checks.words import content_stems, words_of
from panel.schema import Flag

PASTS = frozenset("""
ate began bit blew bought broke brought built came caught chose cut did drew drove dug fed fell felt fled found fought
froze gave got grew held hid hit hung kept knew led left lent lit lost made meant met paid ran rang rebuilt rewrote
rode rose said sang sank sat saw sent shook shrank shut slept sold sought spent spoke sprang spun stole stood stuck
swam swore took taught tore thought threw told understood went woke won wrote
""".split())
"""Past forms; all other verbs end in -ed."""
NO_PAST = frozenset("""
agreed based embed exceed feed hundred indeed licensed limited need priced proceed related sacred seed shared speed
supposed unlimited used named called mixed red detailed advanced dedicated
""".split())
AUXILIARY = frozenset("be been being is are was were has have had having get gets got getting".split())
AUXILIARY_WITHIN = 4
"""Words before a participle in which its auxiliary stands: "has at least met"."""
SUBJECTS = frozenset("it they he she which that who this we i".split())
NOT_AFTER = frozenset("""
a an any are as be been being by each every for from had has have her his in is its more most my no not of on only or
our so some than that's the their these this those to under unless very was well were with yet
""".split())
"""A form after one of these is a participle: "has caught up", "a paid plan"."""
BEFORE = frozenset("""
a about after again against all an and as at away back before both down during each every for from half her his in into
it its me my nothing off on once one only our out over past right so some that the their them then there these this
three through to together twice two under until up us when while with within without you
""".split())
"""What follows a verb rather than a participle before its noun ("typed output")."""
MAYBE_PARTICIPLE = frozenset({"as", "to", "for", "in", "on"})
DECIDING = frozenset("""
decided persuaded tipped settled swayed convinced worried bothered counted weighed mattered
""".split())
"""What a line does to the one who reads it: "what decided it was the licence"."""
MAKING = frozenset("""
chose built made wrote went spent added launched released raised designed aimed bet founded published renamed adopted
""".split())
"""What makers do: of a tool's history a claim speaks, with its lines."""
READING = frozenset("""
asked began called came checked chose counted decided dropped expected found gave hoped kept left looked lost marked
moved noted persuaded put read scored searched settled stopped swayed tipped took turned wanted weighed went wrote
cost bought made
""".split())
"""What a persona does with a dossier, and a dossier with its verdict: "I searched the lines", "that lost my vote"."""
SELF = re.compile(r"\b(?:I|me|(?:my|the|a)(?: first| second)? (?:vote|verdict|score|mind|eye|look|question|reading|"
                  r"attention|confidence|interest))\b")
ATTRIBUTED = re.compile(
    r"\b(?:says?|said|writes?|wrote|states?|stated|reports?|reported|cites?|cited|quotes?|quoted|claims?|claimed|tells?|"
    r"told|mentions?|describes?|described|lists?|listed|announced|according|lines?|dossier|readme|page|biography|"
    r"changelog|release notes|maker|company|vendor|history|paragraph)\b", re.IGNORECASE)
CLAUSE = re.compile(
    r"[.!?;:](?=\s)|, (?:but|and|which|so|while|because|though|where|when)\b|\b(?:because|while|although|though)\b")
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
QUOTATION = re.compile(r"[\"“][^\"”]{0,400}[\"”]|`[^`]{0,200}`")
FEWEST_KNOWN = 0.4
"""A clause with at least this share of its content words in the dossier tells what the dossier tells."""
FIELDS = ("quote", "because.text", "caveat")
"""Where a review argues; a point is a note, and a claim has its own check."""


def untold_events(parts: Iterable[Part], told: Callable[[], Collection[str]]) -> list[Flag]:
    """`untold_event` for clauses in the past that the dossier does not tell.

    `told` gives the dossier's content stems, and is asked only where there is such a clause.
    """
    flags = []
    for part in parts:
        if part.field not in FIELDS:
            continue
        for start, end in _clauses(part.text):
            clause = QUOTATION.sub(lambda match: " " * len(match[0]), part.text[start:end])
            verb = _past(clause)
            if verb is None or UNREAL.search(clause) or ATTRIBUTED.search(clause) or _opens_quotation(part.text, start):
                continue
            words = content_stems(words_of(clause))
            if words and len(words.intersection(told())) < FEWEST_KNOWN * len(words):
                at = start + verb.start()
                flags.append(Flag(kind="untold_event", field=part.field, span=(at, start + verb.end()),
                                  text=verb[0], reason=f'"{verb[0]}" tells of something that happened, and the dossier '
                                                       "does not"))
    return flags


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for mark in CLAUSE.finditer(text):
        yield start, mark.start()
        start = mark.end()
    yield start, len(text)


def _opens_quotation(text: str, start: int) -> bool:
    return sum(text.count(mark, 0, start) for mark in QUOTED) % 2 == 1


def _past(clause: str) -> re.Match[str] | None:
    """The first verb of a clause that is in the past, unless it is of reading or deciding."""
    words = list(WORD.finditer(clause))
    forms = [word[0].casefold() for word in words]
    for position, form in enumerate(forms):
        regular = form not in PASTS
        if regular and not (form.endswith("ed") and len(form) > 4 and form not in NO_PAST and form[:2] != "un"):
            continue
        before = forms[max(0, position - AUXILIARY_WITHIN):position]
        if (regular and not before) or NOT_AFTER.intersection(before[-1:]) or not AUXILIARY.isdisjoint(before):
            continue  # "priced for teams", "a paid plan", "has caught up": participles
        after = forms[position + 1] if position + 1 < len(forms) else None
        if after is None and regular and before[-1] not in SUBJECTS:
            continue
        if after is not None and (after not in BEFORE or ((regular or form == "left") and after in MAYBE_PARTICIPLE)):
            continue
        if form in DECIDING or form in MAKING or (form in READING and (SELF.search(clause) or position == 0)):
            continue
        return words[position]
    return None
