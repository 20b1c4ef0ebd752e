"""Quote, claims and dossier → whether the quote takes up its claims and speaks of this tool. Knows nothing of truth."""

from __future__ import annotations

from collections.abc import Sequence

from panel.checks.grounding import SMALL, Ground
from panel.checks.parts import Part
from panel.checks.words import COMMON_TERMS, GENERIC, NUMBER_WORDS, STOP, content_stems
from panel.schema import Claim, Flag

FEWEST_TERMS = 2


def citations(
    quote: Part, claims: Sequence[Claim], parts: Sequence[Part], ground: Ground, fewest: int
) -> list[Flag]:
    """`few_citations` when the quote takes up too few of the claims that cite lines."""
    stems = content_stems(quote.words) - ground.own_stems
    keys = {key for fact in quote.facts for key in fact.keys} - SMALL
    taken = 0
    for claim, part in zip(claims, parts, strict=True):
        if not claim.lines:
            continue
        shared = stems & part.stems
        facts = any(not keys.isdisjoint(fact.keys) for fact in part.facts)
        taken += facts or len(shared) >= 2
    if taken >= fewest:
        return []
    return [Flag(kind="few_citations", field="quote",
                 reason=f"the quote takes up {taken} of the claims that cite lines; at least {fewest} expected")]


def generic_quote(quote: Part, ground: Ground) -> list[Flag]:
    """`generic` when fewer than two words of the quote are the dossier's own, the tool's name apart."""
    terms = {
        word for word in quote.words
        if word in ground.source.words and word not in GENERIC and word not in STOP and word not in COMMON_TERMS
        and word not in ground.own and word not in NUMBER_WORDS and (len(word) > 3 or not word.isalpha())
    }
    if len(terms) >= FEWEST_TERMS:
        return []
    return [Flag(kind="generic", field="quote", reason=(
        f"the quote has {len(terms)} terms of this dossier; it could be of any tool"))]
