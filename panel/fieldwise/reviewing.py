"""A review by a small model: it decides and chooses, and its choices are set into sentences (rung `fields`).

The model gives P(ship), the fact and the point that decided, the score and, where asked, a timing and a probability.
The facts are the dossier's own words, so every claim stands on its line; what the lines leave out is found by rule. The
probe decides: ship at P(ship) of one half and above, and confidence is its distance from one half. Knows nothing of
runs, nor of how a call is made.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from panel.checks.suspicion import plain_lines
from panel.fieldwise.choosing import Ask, Chooser
from panel.fieldwise.facts import Fact, field_facts, find_facts, find_phrases
from panel.fieldwise.wording import (
    LIMITS,
    Frames,
    Need,
    absent_needs,
    deal,
    fill,
    load_frames,
    one_of,
    says_banned,
    turned,
)
from panel.prompts import PromptFolder
from panel.schema import (
    Because,
    Claim,
    Depth,
    DossierLines,
    Persona,
    Prediction,
    Probe,
    Record,
    Verdict,
)
from panel.schema.verdict import ShipSkip

STRETCH = 2.5
"""Log-odds are stretched by it into a score: on tools made up to be good and bad, the starter then gives about 70 and
30 (bench/starter.py); unstretched all scores would lie between 40 and 60."""
CHANCES = {str(tens * 10): tens * 10 for tens in range(1, 10)}
BECAUSE_WORDS = 18
TIMING = "trend_and_timing"
"""The one point that is answered by a word of its own."""
MONTHS_AHEAD = 12
MOST_MISSING = 2
PHRASES_THIN = 2
"""A thin dossier leads with what it is; its later phrases are its small print."""
FIRST_MONTH = re.compile(r"\b(20[2-9]\d)[-./](0[1-9]|1[0-2])\b")


class FieldReview(Record):
    """What a review by fields came to, and the digest of the messages of its probe."""

    verdict: Verdict
    probe: Probe
    messages_digest: str


class Choices(NamedTuple):
    """What the model chose, and what it chose from."""

    decision: ShipSkip
    point: str
    fact: Fact
    second: Fact | None
    hand: tuple[Fact, ...]
    score: int
    confidence: int
    timing: str | None
    forecast: Prediction | None


async def review_by_fields(ask: Ask, folder: PromptFolder, lines: DossierLines, persona: Persona, depth: Depth, *,
                           today: str | None = None) -> FieldReview:
    """A persona's review, a field at a time. `today` is YYYY-MM-DD; the clock is read without it.

    Raises VerdictError when the model gives no probabilities, ModelError when it does not answer.
    """
    frames = load_frames(folder)
    lines = plain_lines(lines)
    chooser = Chooser(ask, folder, lines, persona)
    probe = await chooser.probe()
    month = _month_ahead(lines, today)
    forecast = _forecast(frames, lines, persona, month) if depth == "full" else None
    choices = await _choose(chooser, frames, lines, persona, probe, forecast)
    writer = Writer(frames, lines, persona, choices)
    return FieldReview(verdict=writer.verdict(depth), probe=probe, messages_digest=chooser.probe_prompt.messages_digest)


def hand_of(frames: Frames, lines: DossierLines, persona: Persona) -> list[Fact]:
    """The facts a persona may quote, at least one: from the tagline's words or the name where there is no prose."""
    hand = [] if lines.thin else deal(find_facts(lines), frames, persona)
    if any(_may_decide(frames, persona, fact) for fact in hand):
        return hand
    phrases = find_phrases(lines)
    return phrases[:PHRASES_THIN] if lines.thin else [*turned(phrases, frames, persona), *hand]


def name_fact(lines: DossierLines) -> Fact:
    """What is left to quote of a dossier that says nothing but its name."""
    return Fact(line=lines.lines[0].number, text=lines.name, field="name", rank=0)


def _may_decide(frames: Frames, persona: Persona, fact: Fact) -> bool:
    """A requirement decides only for a persona that reads for requirements."""
    return LIMITS not in frames.topics_of(fact.text) or LIMITS in frames.of(persona.id).topics


def _forecast(frames: Frames, lines: DossierLines, persona: Persona, month: str) -> Prediction | None:
    """What the persona foretells, still without a probability: a release, or for some seats a price."""
    if persona.prediction != "always":
        return None
    version = next((fact.text for fact in field_facts(lines) if fact.field == "version"), "")
    no_price = any(need == frames.needs["price"] for need in absent_needs(frames, persona.id, _texts(lines)))
    kind = "price" if no_price else "released" if version else "unversioned"
    statement = fill(frames.predictions[kind], by=month, name=lines.name, version=version)
    return Prediction(statement=statement, by=month, probability=50)


def _texts(lines: DossierLines) -> list[str]:
    return [f"{line.field}: {line.text}" for line in lines.lines]


async def _choose(chooser: Chooser, frames: Frames, lines: DossierLines, persona: Persona, probe: Probe,
                  forecast: Prediction | None) -> Choices:
    decision: ShipSkip = "ship" if probe.p_ship >= 0.5 else "skip"
    hand = hand_of(frames, lines, persona)
    spare = [fact for fact in field_facts(lines) if not says_banned(fact.text, persona)]
    pool = [fact for fact in hand if _may_decide(frames, persona, fact)] or hand or spare or [name_fact(lines)]
    fact = await _deciding(chooser, frames, persona, pool)
    points = _points_for(frames, persona, fact)
    point = points[await chooser.choose("point", '{"point":"', points, points)]
    others = [each for each in (*hand, *_by_taste(spare, persona.id)) if each != fact]
    if forecast is not None:
        chance = await chooser.expect("chance", CHANCES, [forecast.statement])
        forecast = forecast.model_copy(update={"probability": chance})
    timing = None
    if TIMING in persona.points:
        timing = frames.timing[await chooser.choose("timing", '{"timing":"', frames.timing)]
    return Choices(
        decision=decision, point=point, fact=fact, second=others[0] if others else None, hand=tuple(pool),
        score=await _score(chooser, frames, persona, probe), confidence=round(50 + 100 * abs(probe.p_ship - 0.5)),
        timing=timing, forecast=forecast,
    )


async def _deciding(chooser: Chooser, frames: Frames, persona: Persona, pool: Sequence[Fact]) -> Fact:
    """The fact the model most takes for a reason: what carries a ship, and what did not suffice for a skip."""
    if len(pool) < 2:
        return pool[0]
    reason = frames.of(persona.id).reason
    odds = [await chooser.weigh(f"fact-{number}", fill(reason, fact=fact.text, persona=persona.name.lower()))
            for number, fact in enumerate(pool, 1)]
    return pool[odds.index(max(odds))]


async def _score(chooser: Chooser, frames: Frames, persona: Persona, probe: Probe) -> int:
    """The mean log-odds of the probe and the persona's other statements, stretched; on the verdict's side of 50."""
    share = min(max(probe.p_ship, 1e-6), 1 - 1e-6)
    odds = [math.log(share / (1 - share))]
    for number, statement in enumerate(frames.of(persona.id).strengths, 1):
        odds.append(await chooser.weigh(f"score-{number}", fill(statement, persona=persona.name.lower())))
    score = round(100 / (1 + math.exp(-STRETCH * sum(odds) / len(odds))))
    return max(score, 51) if probe.p_ship >= 0.5 else min(score, 49)


def _points_for(frames: Frames, persona: Persona, fact: Fact) -> list[str]:
    """The points this fact can answer; all of them where none is known to fit."""
    found = [point for point in persona.points if _for_point(frames, persona, point, [fact])]
    return found or list(persona.points)


def _for_point(frames: Frames, persona: Persona, point: str, pool: Sequence[Fact]) -> list[Fact]:
    """The facts a point can be answered with, by what they are about."""
    topics = frames.of(persona.id).points.get(point)
    if topics is None:
        return list(pool) if persona.id not in frames.personas else []
    return [fact for fact in pool if frames.topics_of(fact.text) & set(topics) or "general" in topics]


def _by_taste(spare: Sequence[Fact], persona_id: str) -> list[Fact]:
    """Licence, version and command in an order that differs from seat to seat."""
    order = {"builder": "command license version", "competitor_analyst": "version command license",
             "futurist": "version license command"}.get(persona_id, "license version command").split()
    return sorted(spare, key=lambda fact: order.index(fact.field))


def _month_ahead(lines: DossierLines, today: str | None) -> str:
    """A year after today, or after the latest month the lines name where that is later."""
    now = (today or datetime.date.today().isoformat())[:7]
    named = ["-".join(found.groups()) for line in lines.lines for found in FIRST_MONTH.finditer(line.text)]
    year, month = map(int, max([now, *(each for each in named if each[:4] <= str(int(now[:4]) + 1))]).split("-"))
    months = year * 12 + month - 1 + MONTHS_AHEAD
    return f"{months // 12}-{months % 12 + 1:02d}"


class Writer:
    """Choices set into sentences. Pure: the same choices give the same words."""

    def __init__(self, frames: Frames, lines: DossierLines, persona: Persona, choices: Choices) -> None:
        self.frames = frames
        self.lines = lines
        self.persona = persona
        self.choices = choices
        self.mine = frames.of(persona.id)
        needs = absent_needs(frames, persona.id, _texts(lines))[:MOST_MISSING]
        if needs and one_of("01", lines.tool_id, persona.id, "needs") == "1":
            needs.reverse()
        self.needs: list[Need] = needs

    def verdict(self, depth: Depth) -> Verdict:
        """The whole verdict; at depth `verdict` without the published fields."""
        chosen = self.choices
        published = self._published() if depth == "full" else {}
        return Verdict.model_validate({
            "points": self._points(), "claims": self._claims(),
            "missing": tuple(need.missing for need in self.needs),
            "because": Because(point=chosen.point, text=fill(
                self.frames.notes["because"], fact=_short(chosen.fact.text, BECAUSE_WORDS))),
            "score": chosen.score, "verdict": chosen.decision, "confidence": chosen.confidence, **published,
        })

    def _published(self) -> dict[str, object]:
        asked = self.needs[0].asked if self.needs else self.frames.needs["numbers"].asked
        return {
            "quote": self.quote(), "best_for": self.frames.best_for[self._topic()], "change_my_mind": _sentence(asked),
            "caveat": fill(self.frames.notes["caveat"], missing=self.needs[0].missing)
            if self.choices.decision == "ship" and self.needs else None,
            "prediction": self.choices.forecast,
        }

    def quote(self) -> str:
        """The paragraph: the fact that decided, another, what is missing, the verdict."""
        if self.lines.thin:
            return self._thin_quote()
        key = self.frames.key(self.frames.personas, self.persona.id)
        openings = self.mine.open.get(self._topic(), self.mine.open["general"])
        sentences = [self._say(getattr(openings, self.choices.decision), "open")]
        if self.choices.second is not None:
            kind = self.choices.second.field if self.choices.second.field in self.mine.second else "prose"
            sentences.append(self._say(self.mine.second[kind], "second"))
        if self.needs:
            sentences.append(self._say(self.frames.missing[key], "missing"))
        sentences.append(self._say(getattr(self.mine.close, self.choices.decision), "close"))
        return " ".join(sentences)

    def _thin_quote(self) -> str:
        thin = self.frames.thin[self.frames.key(self.frames.thin, self.persona.id)]
        return " ".join((self._say(thin.open, "open"), self._say(getattr(thin, self.choices.decision), "close")))

    def _say(self, options: Sequence[str], place: str) -> str:
        frame = one_of(options, self.lines.tool_id, self.persona.id, place)
        second = self.choices.second.text if self.choices.second else ""
        return fill(frame, name=self.lines.name, fact=self.choices.fact.text, second=second,
                    persona=self.persona.name.lower(), missing=self.needs[0].missing if self.needs else "")

    def _topic(self) -> str:
        topic = self.frames.topic_for(self.persona.id, self.choices.fact.text)
        return topic if topic in self.mine.open or self.persona.id not in self.frames.personas else "general"

    def _claims(self) -> tuple[Claim, ...]:
        used = [self.choices.fact, *([self.choices.second] if self.choices.second and not self.lines.thin else [])]
        return tuple(Claim(text=claim_text(fact), lines=(fact.line,)) for fact in used)

    def _points(self) -> dict[str, str]:
        """Each point with a fact of its own, as far as there are any."""
        notes = self.frames.notes
        left = [fact for fact in self.choices.hand if fact != self.choices.fact]
        found: dict[str, str] = {}
        for point in self.persona.points:
            fact = self.choices.fact if point == self.choices.point else None
            if fact is None and point == TIMING and self.choices.timing:
                found[point] = fill(notes["timing"], timing=self.choices.timing)
                continue
            if fact is None and self.persona.id in self.frames.personas:
                fact = next(iter(_for_point(self.frames, self.persona, point, left)), None)
            if fact is None:
                found[point] = notes["unstated"]
                continue
            left = [other for other in left if other != fact]
            found[point] = fill(notes["stated"], fact=fact.text)
        return found


def claim_text(fact: Fact) -> str:
    """A fact as a sentence that its line supports."""
    said = {"license": "The licence is {}.", "version": "The version is {}.", "command": "The first command is {}."}
    return said.get(fact.field, "{}.").format(fact.text.removesuffix(" ...").rstrip("."))


def _short(text: str, words: int) -> str:
    cut = text.removesuffix(" ...").split()
    return " ".join(cut) if len(cut) <= words else " ".join(cut[:words]).rstrip(" ,;:–—-") + " ..."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


__all__ = ["Choices", "FieldReview", "Writer", "claim_text", "hand_of", "review_by_fields"]
