"""Answer + dossier → flags: what an editor should look at. Data on the review, never an error. Import from here.

Kinds that hold a panel: wrong_number, wrong_price, wrong_date, wrong_version, wrong_licence, missing_line,
invented_experience, wrong_verdict_word. Notes: wrong_name, weak_claim, unsupported_claim, to_check, outside_knowledge,
banned_phrase, length, score_mismatch, few_citations, generic, label_in_quote, echo, suspicious_dossier, own_vendor,
vague_prediction, untold_event. Pure: no file, clock or model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from panel.checks import grounding, quoting, style, support
from panel.checks.experience import invented_experience
from panel.checks.facts import facts_in, line_source
from panel.checks.happening import untold_events
from panel.checks.kept import Kept
from panel.checks.merging import ToCheck, to_check_list
from panel.checks.parts import Part, brief_parts, claim_parts, comparison_parts, other_parts, published_parts
from panel.checks.predictions import vague_prediction
from panel.checks.suspicion import suspicious_lines
from panel.checks.vendor import own_vendor
from panel.checks.words import content_stems, words_of
from panel.schema import BriefText, ComparisonText, Depth, DossierLines, Flag, Persona, Verdict

__all__ = ["RE_ASK", "ToCheck", "flag_brief", "flag_comparison", "flag_review", "reask_reason", "to_check_list"]

RE_ASK = frozenset({"invented_experience", "banned_phrase"})
"""The kinds a model is asked about once more."""
MOST_QUOTED = 3
WIDTH = 40
"""Characters within which two rules speak of the same event."""


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
    outside, names = support.outside_facts(verdict.claims, claims, ground)
    everything = [*parts, *claims, *other_parts(verdict)]
    flags = style.score_mismatch(verdict) + style.length_flag("because.text", verdict.because.text, style.BECAUSE_WORDS)
    flags += _lived(everything, lines) + style.banned_phrases(everything, persona)
    flags += support.check_claims(verdict.claims, claims, lines, ground) + outside
    flags += grounding.facts_to_check(parts, ground, persona, verdict.prediction, names)
    flags += style.echoes(everything, examples) + suspicious_lines(lines) + own_vendor(models, lines)
    if verdict.prediction is not None:
        flags += vague_prediction(verdict.prediction, lines)
    if depth == "full" and verdict.quote is not None:
        quote = parts[0]
        bounds = style.THIN_QUOTE_WORDS if lines.thin else style.QUOTE_WORDS
        flags += style.length_flag("quote", quote.text, bounds)
        flags += quoting.citations(quote, verdict.claims, claims, ground, 1 if lines.thin else 2)
        flags += quoting.generic_quote(quote, ground)
        flags += style.labels_in_quote(quote, persona) + style.wrong_verdict_word(quote.text, verdict.verdict)
    return tuple(flags)


_told: Kept[frozenset[str]] = Kept()


def _lived(parts: Sequence[Part], *dossiers: DossierLines) -> list[Flag]:
    """Use that nobody had, and events that no line tells. What a line says in these words is the maker's."""
    def told() -> frozenset[str]:
        return _told.get(tuple(lines.digest for lines in dossiers), lambda: frozenset(content_stems(words_of(
            "\n".join(line.text for lines in dossiers for line in lines.lines)))))

    flags = invented_experience(parts)
    first = {(flag.field, flag.span[0] // WIDTH) for flag in flags if flag.span}
    flags += [flag for flag in untold_events(parts, told)
              if flag.span and not {(flag.field, flag.span[0] // WIDTH + near) for near in (-1, 0, 1)} & first]
    texts = {part.field: part.text for part in parts}
    return [flag for flag in flags if not _is_cited(flag, texts, dossiers)]


def _is_cited(flag: Flag, texts: Mapping[str, str], dossiers: Sequence[DossierLines]) -> bool:
    """Whether the flagged words, with those around them, stand in a line."""
    if flag.field is None or flag.span is None:
        return False
    around = " ".join(texts[flag.field][max(0, flag.span[0] - 3):flag.span[1] + 15].casefold().split())
    return any(around in " ".join(line.text.casefold().split()) for lines in dossiers for line in lines.lines)


def flag_brief(brief: BriefText, lines: DossierLines) -> tuple[Flag, ...]:
    """The flags of a brief: its length, facts that are not in the dossier, a price that is not on its lines."""
    ground = grounding.ground_of(lines)
    flags = style.length_flag("description", brief.description.text, style.DESCRIPTION_WORDS)
    flags += grounding.facts_to_check(brief_parts(brief), ground)
    return (*flags, *_brief_price(brief, lines))


def _brief_price(brief: BriefText, lines: DossierLines) -> list[Flag]:
    amount = brief.price.amount
    if amount is None:
        return []
    shown = f"{amount:.12g} {brief.price.currency or ''}".strip()
    facts = facts_in(shown)
    cited = [line_source(lines.by_number[number].text) for number in brief.price.lines if number in lines.by_number]
    if any(source.supports(fact) for source in cited for fact in facts):
        return []
    return [Flag(kind="wrong_price", field="price.amount", text=shown, about=facts[0].about if facts else None,
                 reason=f'price "{shown}" is not on the lines it cites')]


def flag_comparison(
    found: ComparisonText, a: DossierLines, b: DossierLines, persona: Persona
) -> tuple[Flag, ...]:
    """The flags of a comparison. Facts are looked up in both dossiers together."""
    ground = grounding.ground_of(a, b)
    parts = comparison_parts(found)
    flags = style.length_flag("quote", found.quote, style.COMPARISON_WORDS)
    flags += _lived(parts, a, b) + style.banned_phrases(parts, persona)
    flags += grounding.facts_to_check(parts, ground, persona)
    for index, difference in enumerate(found.differences):
        if not difference.a_lines and not difference.b_lines:
            flags.append(Flag(kind="unsupported_claim", field=f"differences[{index}]", text=difference.axis,
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
