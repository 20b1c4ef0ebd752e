"""The sentences of prompts/small/frames.j2, and which facts and sentences fall to which persona.

Pure: the same dossier, persona and frames give the same words. Knows nothing of models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml
from pydantic import ValidationError

from panel.errors import PromptError
from panel.fieldwise.facts import Fact
from panel.prompts import PromptFolder, render_file
from panel.schema import Persona, Record, digest_of

ANYBODY = "_any"
"""The frames of a persona nobody foresaw."""
LIMITS = "limits"
MOST_DEALT = 4
"""Facts a seat chooses from."""


class Openings(Record):
    """Sentences around a fact, by what the verdict is."""

    ship: tuple[str, ...]
    skip: tuple[str, ...]


class ThinFrames(Record):
    """The quote of a very short dossier."""

    open: tuple[str, ...]
    ship: tuple[str, ...]
    skip: tuple[str, ...]


class PersonaFrames(Record):
    """How one persona reads facts: its topics in order of interest, its points' topics, its sentences."""

    topics: tuple[str, ...]
    needs: tuple[str, ...]
    points: dict[str, tuple[str, ...]]
    open: dict[str, Openings]
    second: dict[str, tuple[str, ...]]
    strengths: tuple[str, ...]
    """Statements that are true of what this persona scores high."""
    reason: str
    """A statement that a <fact> decides for this persona."""
    close: Openings


class Need(Record):
    """What the lines may leave out: the pattern that shows it, and how to say that it is not there."""

    shows: str
    missing: str
    asked: str


class CompareFrames(Record):
    """The sentences of a comparison."""

    axes: dict[str, str]
    condition: str
    quote: tuple[str, ...]
    pick: dict[str, tuple[str, ...]]


class BriefFrames(Record):
    """The sentences of the neutral brief."""

    first: str
    more: tuple[str, ...]
    terms: str
    silence: tuple[str, ...]
    not_for: dict[str, str]


class Frames(Record):
    """prompts/small/frames.j2."""

    topics: dict[str, str]
    best_for: dict[str, str]
    needs: dict[str, Need]
    personas: dict[str, PersonaFrames]
    missing: dict[str, tuple[str, ...]]
    thin: dict[str, ThinFrames]
    predictions: dict[str, str]
    timing: tuple[str, ...]
    notes: dict[str, str]
    compare: CompareFrames
    brief: BriefFrames

    def of(self, persona_id: str) -> PersonaFrames:
        """The frames of a persona, or anybody's."""
        return self.personas.get(persona_id, self.personas[ANYBODY])

    def key(self, table: Mapping[str, Any], persona_id: str) -> str:
        """The persona's key in a table, or anybody's."""
        return persona_id if persona_id in table else ANYBODY

    def topics_of(self, text: str) -> frozenset[str]:
        """What a text is about."""
        return _topics_of(tuple(self.topics.items()), text)

    def topic_for(self, persona_id: str, text: str) -> str:
        """What this persona reads a text for."""
        found = self.topics_of(text)
        if LIMITS in found and LIMITS not in self.of(persona_id).topics:
            return "general"  # a requirement that mentions Python is not a statement about Python
        return next((topic for topic in self.of(persona_id).topics if topic in found), "general")


def load_frames(folder: PromptFolder) -> Frames:
    """The frames of a prompt folder. Raises PromptError when the file is not there or is not of this shape."""
    return _read_frames(folder.name, render_file(folder, "frames.j2", {}))


@lru_cache(maxsize=16)
def _read_frames(name: str, text: str) -> Frames:
    try:
        return Frames.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise PromptError(f"prompts {name}/frames.j2 is not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise PromptError(f"prompts {name}/frames.j2: field '{where}': {fault['msg']}") from error


def deal(facts: Sequence[Fact], frames: Frames, persona: Persona) -> list[Fact]:
    """The facts that fall to a persona, the one it cares for most first.

    All seats are dealt at once, in rounds, each taking what it cares for most of what is left, so no two of the
    default seats quote the same fact, and none needs to know what the others answered. A persona without frames of its
    own is dealt last.
    """
    seats = [name for name in frames.personas if name != ANYBODY]
    if persona.id not in seats:
        seats.append(persona.id)
    hands: dict[str, list[Fact]] = {seat: [] for seat in seats}
    left = list(facts)
    for turn in range(MOST_DEALT):
        for seat in seats[turn % len(seats):] + seats[:turn % len(seats)]:
            if not left:
                break
            best = max(left, key=lambda fact: (_care(frames, seat, fact, persona), -fact.rank))
            if not turn and _care(frames, seat, best, persona) < 0:
                continue  # a mere requirement does not decide anything; it may come second
            hands[seat].append(best)
            left.remove(best)
    return [fact for fact in hands[persona.id] if not says_banned(fact.text, persona)]


def turned(phrases: Sequence[Fact], frames: Frames, persona: Persona) -> list[Fact]:
    """Phrases short enough for every seat to quote, each seat beginning at another one."""
    fit = [phrase for phrase in phrases if not says_banned(phrase.text, persona)]
    seats = [name for name in frames.personas if name != ANYBODY]
    start = (seats.index(persona.id) if persona.id in seats else len(seats)) % max(len(fit), 1)
    return (fit[start:] + fit[:start])[:MOST_DEALT]


def says_banned(text: str, persona: Persona) -> bool:
    """Whether a text holds a phrase that the persona never says."""
    folded = text.casefold()
    return any(phrase.casefold() in folded for phrase in persona.never_says)


def _care(frames: Frames, seat: str, fact: Fact, persona: Persona) -> int:
    order = frames.of(seat).topics
    topic = frames.topic_for(seat, fact.text)
    care = 2 * (len(order) - order.index(topic)) if topic in order else 0
    if LIMITS in frames.topics_of(fact.text) and LIMITS not in order:
        care = -1
    if seat == persona.id and seat not in frames.personas:
        care += 3 * len(_long_words(fact.text) & _long_words(" ".join((persona.lens, *persona.excited_by))))
    return care


def _long_words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{5,}", text.casefold()))


def one_of(options: Sequence[str], *seed: str) -> str:
    """One of the options, always the same for the same seed; different tools get different ones."""
    return options[int(digest_of(list(seed))[:8], 16) % len(options)]


def fill(frame: str, **words: str) -> str:
    """A frame with its <words> set in. Each is set once, so that a word from a dossier is never taken for a slot."""
    return re.sub(r"<(\w+)>", lambda slot: words[slot[1]], frame)


@lru_cache(maxsize=8)
def _patterns(topics: tuple[tuple[str, str], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in topics)


@lru_cache(maxsize=4096)
def _topics_of(topics: tuple[tuple[str, str], ...], text: str) -> frozenset[str]:
    return frozenset(name for name, pattern in _patterns(topics) if pattern.search(text))


def absent_needs(frames: Frames, persona_id: str, texts: Iterable[str]) -> list[Need]:
    """What the persona needs and no text shows, in the persona's order."""
    whole = "\n".join(texts)
    needs = (frames.needs[name] for name in frames.of(persona_id).needs)
    return [need for need in needs if re.search(need.shows, whole, re.IGNORECASE) is None]
