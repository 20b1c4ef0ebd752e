"""A verdict, brief or comparison → its texts by field, each cut into words and facts once for all checks.

Knows nothing of what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from panel.checks.facts import facts_in
from panel.checks.found import Found
from panel.checks.names import Capital, capitals_of
from panel.checks.words import content_stems, words_of
from panel.schema import BriefText, ComparisonText, Verdict


class Part(NamedTuple):
    """One text of an answer and what it is made of."""

    field: str
    text: str
    words: list[str]
    facts: list[Found]
    capitals: list[Capital]
    stems: AbstractSet[str] = frozenset()
    """The stems of its content words; of claims only."""


def part_of(field: str, text: str) -> Part:
    """The text with its words, facts and capitalised words."""
    words = words_of(text)
    return Part(field, text, words, facts_in(text, words), capitals_of(text))


def published_parts(verdict: Verdict) -> list[Part]:
    """What a page prints as fact, the quote first: these are looked up in the whole dossier."""
    texts = [("quote", verdict.quote), ("because.text", verdict.because.text), ("caveat", verdict.caveat),
             ("best_for", verdict.best_for)]
    texts += [(f"points.{name}", text) for name, text in verdict.points.items()]
    return [part_of(field, text) for field, text in texts if text]


def claim_parts(verdict: Verdict) -> list[Part]:
    """The claims, each looked up in the lines it cites."""
    return [_claim_part(f"claims[{index}].text", claim.text) for index, claim in enumerate(verdict.claims)]


def _claim_part(field: str, text: str) -> Part:
    words = words_of(text)
    return Part(field, text, words, facts_in(text, words), capitals_of(text), content_stems(words))


def other_parts(verdict: Verdict) -> list[Part]:
    """What is neither published fact nor claim: read for its wording only, so cut into words only."""
    texts = [("change_my_mind", verdict.change_my_mind or "")]
    if verdict.prediction is not None:
        texts.append(("prediction.statement", verdict.prediction.statement))
    return [Part(field, text, words_of(text), [], []) for field, text in texts if text]


def brief_parts(brief: BriefText) -> list[Part]:
    """The texts of a brief."""
    return [part_of("description", brief.description.text), part_of("best_for", brief.best_for.text),
            part_of("not_for", brief.not_for.text)]


def comparison_parts(found: ComparisonText) -> list[Part]:
    """The texts of a comparison."""
    texts = [("quote", found.quote), ("pick_a_if", found.pick_a_if), ("pick_b_if", found.pick_b_if)]
    texts += [(f"differences[{index}].axis", item.axis) for index, item in enumerate(found.differences)]
    return [part_of(field, text) for field, text in texts]
