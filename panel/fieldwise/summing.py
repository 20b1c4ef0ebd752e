"""The neutral brief and the comparison by a small model, set together from facts as a review is.

The model gives the category and the pick; entry and price are read off the lines by rule. Knows nothing of runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from panel.checks.suspicion import plain_lines
from panel.fieldwise.choosing import Ask, Chooser, one_of_these
from panel.fieldwise.facts import Fact, field_facts, find_facts, find_phrases
from panel.fieldwise.reviewing import hand_of, name_fact
from panel.fieldwise.wording import Frames, fill, load_frames, one_of
from panel.prompts import PromptFolder, render_compare, render_file
from panel.schema import (
    BriefPrice,
    BriefText,
    Cited,
    ComparisonText,
    Difference,
    DossierLines,
    Message,
    Persona,
    Prompt,
)
from panel.schema.category import CATEGORIES
from panel.schema.persona import ANCHORS
from panel.schema.review import Pick

DESCRIPTION = (52, 88)
"""Words aimed at; the brief's bounds are 50 and 90."""
FACTS_IN_BRIEF = 4
MOST_DIFFERENCES = 3
Entry = Literal["free", "paid", "freemium", "unknown"]
PICKS: tuple[Pick, ...] = ("a", "b", "neither")
FREE_LICENCES = re.compile(
    r"\b(MIT|Apache|BSD|ISC|MPL|A?GPL|LGPL|Unlicense|open[- ]source|open[- ]weights?)\b", re.IGNORECASE)
FREE = re.compile(r"\bfree (?:tier|plan|platform|of charge|trial)|\bfor free\b|\bno cost\b|^free\b"
                  r"|: 0(?:\.0+)? (?:USD|EUR|GBP)\b", re.IGNORECASE)
PRICE = re.compile(r"(?:(?P<sign>[$€£])\s?(?P<marked>\d[\d,]*(?:\.\d+)?)"
                   r"|(?P<plain>\d[\d,]*(?:\.\d+)?) (?P<code>USD|EUR|GBP))"
                   r"(?P<unit>\s?/\s?[\w-]+|(?: (?:per|an?) [a-z-]+){1,3})?")
SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}


async def brief_by_fields(ask: Ask, folder: PromptFolder, lines: DossierLines) -> BriefText:
    """The neutral reading of a dossier. Raises ModelError."""
    frames = load_frames(folder)
    lines = plain_lines(lines)
    chooser = Chooser(ask, folder, lines, _NOBODY)
    category = CATEGORIES[await chooser.choose("category", '{"category":"', CATEGORIES, CATEGORIES)]
    facts = list(find_facts(lines)) or find_phrases(lines) or field_facts(lines) or [name_fact(lines)]
    price = _price(lines)
    return BriefText(
        description=_description(frames, lines, facts, price), entry=_entry(lines, price), price=price,
        best_for=_suits(frames.best_for, frames, facts[0], "general"),
        not_for=_suits(frames.brief.not_for, frames, facts[0], "general"), category=category,
    )


async def compare_by_fields(ask: Ask, folder: PromptFolder, a: DossierLines, b: DossierLines,
                            persona: Persona) -> ComparisonText:
    """A persona's answer over two dossiers in this order. Raises ModelError."""
    frames = load_frames(folder)
    a, b = plain_lines(a), plain_lines(b)
    shown = render_compare(folder, a, b, persona)
    rules, user = shown.messages
    question = render_file(folder, "choose.j2", {"kind": "pick", "who": persona.name, "options": []})
    prompt = Prompt(messages=(rules, Message(role="user", parts=(*user.parts[:-1], question)),
                              Message(role="assistant", parts=('{"pick":"',))))
    answer = await ask("pick", "field", prompt, rung="fields", grammar=one_of_these(PICKS), max_tokens=4,
                       temperature=0.0)
    pick = next((word for word in PICKS if answer.text.strip() == word), "neither")
    hand_a = hand_of(frames, a, persona) or [name_fact(a)]
    hand_b = hand_of(frames, b, persona) or [name_fact(b)]
    who_a, who_b = _unlike(frames, persona, hand_a, hand_b)
    words = {"a": a.name, "b": b.name, "fact_a": hand_a[0].text, "fact_b": hand_b[0].text,
             "persona": persona.name.lower()}
    seed = (a.tool_id, b.tool_id, persona.id)
    parts = (one_of(frames.compare.quote, *seed), one_of(frames.compare.pick[pick], *seed))
    return ComparisonText(
        differences=_differences(frames, persona, hand_a, hand_b), pick=pick,
        quote=" ".join(fill(part, **words) for part in parts),
        pick_a_if=fill(frames.compare.condition, who=who_a), pick_b_if=fill(frames.compare.condition, who=who_b),
    )


def _unlike(frames: Frames, persona: Persona, hand_a: Sequence[Fact], hand_b: Sequence[Fact]) -> tuple[str, str]:
    """Whom each tool suits, in different words where the facts allow it."""
    topics_a = [frames.topic_for(persona.id, fact.text) for fact in hand_a]
    topics_b = [frames.topic_for(persona.id, fact.text) for fact in hand_b]
    pairs = [(one, other) for one in topics_a for other in topics_b if one != other]
    one, other = pairs[0] if pairs else (topics_a[0], "general" if topics_a[0] != "general" else "interface")
    return frames.best_for[one], frames.best_for[other]


def _differences(frames: Frames, persona: Persona, hand_a: Sequence[Fact],
                 hand_b: Sequence[Fact]) -> tuple[Difference, ...]:
    """An axis for each topic that either tool has a fact on, with the lines of each."""
    axes: dict[str, tuple[list[int], list[int]]] = {}
    for side, hand in enumerate((hand_a, hand_b)):
        for fact in hand:
            numbers = axes.setdefault(frames.topic_for(persona.id, fact.text), ([], []))[side]
            if fact.line not in numbers:
                numbers.append(fact.line)
    both = sorted(axes.items(), key=lambda item: -sum(1 for numbers in item[1] if numbers))
    return tuple(Difference(axis=frames.compare.axes[topic], a_lines=tuple(numbers[0]), b_lines=tuple(numbers[1]))
                 for topic, numbers in both[:MOST_DIFFERENCES])


def _description(frames: Frames, lines: DossierLines, facts: Sequence[Fact], price: BriefPrice) -> Cited:
    """Facts in quotation marks, then the terms, then what is not said, until it is long enough."""
    said = [fill(frames.brief.first, name=lines.name, fact=facts[0].text)]
    used = [facts[0].line]
    for fact, frame in zip(facts[1:FACTS_IN_BRIEF + 1], frames.brief.more, strict=False):
        sentence = fill(frame, fact=fact.text)
        if _count([*said, sentence]) <= DESCRIPTION[1]:
            said.append(sentence)
            used.append(fact.line)
        if _count(said) >= DESCRIPTION[0]:
            break
    terms = [fact for fact in field_facts(lines) if fact.field != "command"]
    named = " and ".join(f"the {fact.field.replace('license', 'licence')} as {fact.text}" for fact in terms)
    extra = ([fill(frames.brief.terms, terms=named)] if named else []) + [
        sentence for place, sentence in enumerate(frames.brief.silence) if place or price.amount is None]
    for sentence in extra:
        if _count(said) < DESCRIPTION[0] and _count([*said, sentence]) <= DESCRIPTION[1] + 2:
            said.append(sentence)
            used += [fact.line for fact in terms] if "licence" in sentence or "version" in sentence else []
    return Cited(text=" ".join(said), lines=tuple(dict.fromkeys(used)))


def _count(sentences: Sequence[str]) -> int:
    return sum(len(sentence.split()) for sentence in sentences)


def _price(lines: DossierLines) -> BriefPrice:
    """The first price above nothing that a line names, else a price of nothing, else none."""
    free: BriefPrice | None = None
    for line in lines.lines:
        for found in PRICE.finditer(line.text):
            amount = float((found["marked"] or found["plain"]).replace(",", ""))
            unit = (found["unit"] or "").strip().lstrip("/ ") or None
            price = BriefPrice(amount=amount, currency=SIGNS.get(found["sign"] or "", found["code"]), unit=unit,
                               lines=(line.number,))
            if amount > 0:
                return price
            free = free or price
    return free or BriefPrice()


def _entry(lines: DossierLines, price: BriefPrice) -> Entry:
    texts = [line.text for line in lines.lines]
    free = any(FREE.search(text) for text in texts) or any(
        FREE_LICENCES.search(line.text) for line in lines.lines if line.field in ("license", "tagline", "description"))
    if price.amount:
        return "freemium" if free else "paid"
    return "free" if free else "unknown"


def _suits(table: dict[str, str], frames: Frames, fact: Fact, otherwise: str) -> Cited:
    topics = frames.topics_of(fact.text)
    topic = next((topic for topic in frames.topics if topic in topics and topic in table), otherwise)
    return Cited(text=table[topic], lines=(fact.line,))


_NOBODY = Persona(id="reader", name="Reader", motto="-", lens="-", excited_by=("-",), tired_of=("-",),
                  points={"any": "-"}, decision_rule="-", anchors=dict.fromkeys(ANCHORS, "-"))
"""The brief is neutral; the prefix is rendered with a persona whose part is then left out."""
