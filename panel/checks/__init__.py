"""Answer + dossier → flags: what an editor should look at. Data on the review, never an error. Import from here.

The kinds: length, score_mismatch, to_check, outside_knowledge, ungrounded, banned_phrase, invented_experience,
few_citations, generic, label_in_quote, wrong_verdict_word, echo, suspicious_dossier. Pure: no file, clock or model.
"""

from __future__ import annotations

from collections.abc import Sequence

from panel.checks import grounding, style
from panel.checks.experience import invented_experience
from panel.checks.facts import facts_in, line_source
from panel.checks.parts import brief_parts, claim_parts, comparison_parts, other_parts, published_parts
from panel.checks.suspicion import suspicious_lines
from panel.schema import BriefText, ComparisonText, Depth, DossierLines, Flag, Persona, Verdict

__all__ = ["RE_ASK", "flag_brief", "flag_comparison", "flag_review", "reask_reason"]

RE_ASK = frozenset({"invented_experience", "banned_phrase"})
"""The kinds a model is asked about once more."""
MOST_QUOTED = 3


def flag_review(
    verdict: Verdict, lines: DossierLines, persona: Persona, depth: Depth, *,
    models: Sequence[str] = (), examples: Sequence[str] = (),
) -> tuple[Flag, ...]:
    """Every flag of a verdict. `models` are the names of who gave it, `examples` the example answers its prompt
    showed, if any.
    """
    ground = grounding.ground_of(lines)
    parts = published_parts(verdict)
    claims = claim_parts(verdict)
    outside, names = grounding.outside_names(verdict.claims, claims, ground)
    everything = [*parts, *claims, *other_parts(verdict)]
    flags = style.score_mismatch(verdict) + style.length_flag("because.text", verdict.because.text, style.BECAUSE_WORDS)
    flags += invented_experience(everything) + style.banned_phrases(everything, persona)
    flags += grounding.ungrounded_claims(verdict.claims, claims, lines, ground) + outside
    flags += grounding.facts_to_check(parts, ground, persona, verdict.prediction, names)
    flags += style.echoes(everything, examples) + suspicious_lines(lines)
    if depth == "full" and verdict.quote is not None:
        quote = parts[0]
        bounds = style.THIN_QUOTE_WORDS if lines.thin else style.QUOTE_WORDS
        flags += style.length_flag("quote", quote.text, bounds)
        flags += grounding.citations(quote, verdict.claims, claims, ground, 1 if lines.thin else 2)
        flags += grounding.generic_quote(quote, ground)
        flags += style.labels_in_quote(quote, persona) + style.wrong_verdict_word(quote.text, verdict.verdict)
    return tuple(flags)


def flag_brief(brief: BriefText, lines: DossierLines) -> tuple[Flag, ...]:
    """The flags of a brief: its length, facts that are not in the dossier, a price that is not on its lines."""
    ground = grounding.ground_of(lines)
    flags = style.length_flag("description", brief.description.text, style.DESCRIPTION_WORDS)
    flags += grounding.facts_to_check(brief_parts(brief), ground)
    amount = brief.price.amount
    if amount is not None:
        shown = f"{amount:.12g} {brief.price.currency or ''}".strip()
        cited = [line_source(lines.by_number[number].text) for number in brief.price.lines if number in lines.by_number]
        if not any(source.supports(fact) for source in cited for fact in facts_in(shown)):
            flags.append(Flag(kind="ungrounded", field="price.amount", text=shown,
                              reason=f'price "{shown}" is not on the lines it cites'))
    return tuple(flags)


def flag_comparison(
    found: ComparisonText, a: DossierLines, b: DossierLines, persona: Persona
) -> tuple[Flag, ...]:
    """The flags of a comparison. Facts are looked up in both dossiers together."""
    ground = grounding.ground_of(a, b)
    parts = comparison_parts(found)
    flags = style.length_flag("quote", found.quote, style.COMPARISON_WORDS)
    flags += invented_experience(parts) + style.banned_phrases(parts, persona)
    flags += grounding.facts_to_check(parts, ground, persona)
    for index, difference in enumerate(found.differences):
        if not difference.a_lines and not difference.b_lines:
            flags.append(Flag(kind="ungrounded", field=f"differences[{index}]", text=difference.axis,
                              reason="the difference cites no line of either dossier"))
    return tuple(flags)


def reask_reason(flags: Sequence[Flag]) -> str | None:
    """What to tell the model of the flags that are asked about once more, or null when there are none."""
    used = _quoted(flags, "invented_experience")
    banned = _quoted(flags, "banned_phrase")
    reasons = []
    if used:
        reasons.append(f"You have not used the tool, and the answer speaks as if you had: {used}. Say what the dossier "
                       "says, or what you would do.")
    if banned:
        reasons.append(f"You never use these words: {banned}. Say it in other words.")
    return " ".join(reasons) or None


def _quoted(flags: Sequence[Flag], kind: str) -> str:
    found = dict.fromkeys(f'"{flag.text}" in `{flag.field}`' for flag in flags if flag.kind == kind)
    return ", ".join(list(found)[:MOST_QUOTED])
