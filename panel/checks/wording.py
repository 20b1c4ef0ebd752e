"""Claim and lines → how far the claim's words are on its lines. An overlap of words; knows no meaning.

A claim that turns a line round ("noise is filtered out" for "noise carries over") has the line's words and passes.
"""

from __future__ import annotations

from collections.abc import Sequence

from panel.checks.facts import Source
from panel.checks.grounding import Ground
from panel.checks.parts import Part
from panel.checks.words import GENERIC, content_stems, words_of

DENIALS = frozenset({"no", "not", "none", "never", "nothing", "neither", "nor", "nobody", "without", "hardly",
                     "cannot"})
SILENCE = frozenset({"missing", "unstated", "unknown", "absent", "lacks", "omits", "silent", "line", "lines", "dossier",
                     "named", "names", "stated", "state", "states", "says", "mention", "mentions", "mentioned", "given",
                     "listed", "lists", "readme", "page"})
"""Words of a claim about what the lines leave out, which cannot be on them."""
DENIED = DENIALS | frozenset({"free", "limited", "only", "except", "excludes", "left", "unless", "stops", "t", "0",
                              "withdrawn", "removed", "optional", "zero", "less", "missing", "lacks", "unlimited"})
OVERSTATED = frozenset({"always", "never", "exactly", "best", "better", "faster", "sooner", "everybody", "everyone",
                        "anybody", "silently", "noticeably", "guarantees", "guaranteed", "most"})
PENDING = frozenset({"soon", "planned", "upcoming", "roadmap"})
HARDLY, PARTLY = 0.25, 0.45
FEWEST = 2
GENERIC_STEMS = frozenset(content_stems(GENERIC))
GENERIC_WEIGHT = 0.5


def weakness(part: Part, sources: Sequence[Source], ground: Ground) -> tuple[str, str]:
    """The kind of flag and the beginning of its reason, or two empty texts where the lines carry the claim.

    The facts of the claim are taken as said: what is wrong with them is flagged elsewhere.
    """
    said = part.stems - ground.own_stems
    if part.facts:
        said = said - content_stems(word for fact in part.facts for word in words_of(fact.text))
    known = sources[0].stems if len(sources) == 1 else frozenset().union(*(source.stems for source in sources))
    missing = said - known
    weight = len(said) - (1 - GENERIC_WEIGHT) * len(said & GENERIC_STEMS) + len(part.facts)
    lost = len(missing) - (1 - GENERIC_WEIGHT) * len(missing & GENERIC_STEMS)
    denies = not DENIALS.isdisjoint(part.words)
    if weight < FEWEST or (denies and not SILENCE.isdisjoint(part.words)):
        return "", ""
    share = 1 - lost / weight
    if share < PARTLY:
        if share < HARDLY:
            return "unsupported_claim", "words of the claim are hardly found on"
        return "weak_claim", f"{len(missing)} of {len(said)} words of the claim are not found on"
    words = sources[0].words if len(sources) == 1 else frozenset().union(*(source.words for source in sources))
    if denies and DENIED.isdisjoint(words):
        return "weak_claim", "the claim denies what is not denied on"
    if missing and not PENDING.isdisjoint(words) and PENDING.isdisjoint(part.words):
        return "weak_claim", f'the claim leaves out "{min(PENDING & words)}" of'
    over = OVERSTATED.intersection(part.words) - words
    if over and missing:
        return "weak_claim", f'the claim says "{min(over)}", which is not said on'
    return "", ""
