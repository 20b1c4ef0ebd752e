"""What an answer says against what the dossier says: facts to check, claims their lines do not support, citations.

A fact that is not in the dossier may be true: it goes to the editor, it is not an error. A reason begins with the
kind of fact (number, price, date, version, licence, name; words for the rest), so that a reader can sort by it.
Knows nothing of style, scores or models, and nothing of the world outside the dossier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from panel.checks.facts import Found, Source, facts_in, line_source, places_of, source_of
from panel.checks.kept import Kept
from panel.checks.names import capitals_inside, names_in
from panel.checks.parts import Part
from panel.checks.words import COMMON_TERMS, GENERIC, NUMBER_WORDS, STEM, STOP, content_stems, words_of
from panel.schema import Claim, DossierLines, Flag, Line, Persona, Prediction

RHETORICAL = frozenset({"n:1", "%:100"})
SMALL = frozenset({"n:0", "n:1", "n:2", "n:3"})
LISTED = frozenset({"n:2", "n:3", "n:4"})
"""A claim may count what a line lists without saying the number."""
FORECAST = re.compile(
    r"\bwill\b|\b[Bb]y (?:the )?(?:end of |mid-?|late |early )?(?:20\d\d|[A-Z][a-z]+ 20\d\d|then)"
    r"|\b(?:[Ii]n|[Ww]ithin) (?:a|one|two|three|six|ten|twelve|eighteen|\d+) (?:month|year|week|quarter|release)s?\b")
DENIALS = frozenset({"no", "not", "none", "never", "nothing", "neither", "nor", "missing", "unstated",
                     "unknown", "absent", "lacks", "omits", "silent"})
FEWEST_TERMS = 2
SENTENCE_MARKS = (". ", "! ", "? ", "\n")
NEAR = 300


class Ground(NamedTuple):
    """What facts are looked up in: the whole dossier as shown, and the words that name the tool and its maker."""

    source: Source
    own: frozenset[str]
    own_stems: frozenset[str]
    names: tuple[str, ...]

    def is_in_name(self, fact: Found, text: str) -> bool:
        """Whether a number is part of the tool's own name (the 4 of Code Llama 4)."""
        before = text[: fact.end].casefold()
        return any(before.endswith(name) for name in self.names)

    def knows(self, fact: Found) -> bool:
        """Whether the dossier says it; the tool's and the maker's names count, also shortened (Mem0 for mem0ai)."""
        if self.source.supports(fact):
            return True
        return fact.kind == "name" and all(key in self.source.words or self.owns(key) for key in fact.keys)

    def owns(self, word: str) -> bool:
        """Whether the word names the tool or its maker."""
        return word in self.own or (len(word) > 3 and any(name.startswith(word) for name in self.own))


_grounds: Kept[Ground] = Kept()
_measures: Kept[frozenset[tuple[str, str]]] = Kept()


def ground_of(*dossiers: DossierLines) -> Ground:
    """The ground of one dossier, or of two read together."""
    return _grounds.get(tuple(lines.digest for lines in dossiers), lambda: _ground(dossiers))


def _ground(dossiers: Sequence[DossierLines]) -> Ground:
    text = "\n".join(line.text for lines in dossiers for line in lines.lines)
    own: set[str] = set()
    for lines in dossiers:
        own.update(words_of(lines.name), words_of(lines.tool_id))
        for line in lines.lines:
            if line.field == "vendor":
                own.update(words_of(line.text.removeprefix("vendor:")))
    own -= STOP
    names = tuple(lines.name.casefold() for lines in dossiers)
    return Ground(source_of(text), frozenset(own), frozenset(content_stems(own)), names)


def facts_to_check(
    parts: Sequence[Part], ground: Ground, persona: Persona | None = None, prediction: Prediction | None = None,
    outside: frozenset[str] = frozenset(),
) -> list[Flag]:
    """A `to_check` flag for every fact of these texts that the dossier does not say, each once, where it stands first.

    `outside` are words of names already flagged as outside knowledge. The persona's own quantities ("the first ten
    minutes") and the months and thresholds of its forecast are not facts of the tool.
    """
    asked = _measures.get(persona.digest, lambda: _quantities(_persona_text(persona))) if persona else frozenset()
    due = _due(prediction)
    inside = capitals_inside(part.capitals for part in parts)
    first: dict[tuple[str, tuple[str, ...]], tuple[str, Found]] = {}
    places: dict[tuple[str, tuple[str, ...]], int] = {}
    for part in parts:
        if not part.facts and not part.capitals:
            continue
        names = [name for name in _names(part, inside) if not ground.knows(name)]
        in_names = places_of(names, margin=2)
        unknown = [fact for fact in part.facts if not ground.source.supports(fact)
                   and not (fact.kind in ("number", "version") and fact.start in in_names)]
        for fact in (*unknown, *(name for name in names if not outside.issuperset(name.keys))):
            key = (fact.kind, fact.keys)
            if key not in first and (_is_aside(fact, part.text, asked)
                                     or _is_forecast(fact, part.text, due, ground.source.latest)):
                continue
            first.setdefault(key, (part.field, fact))
            places[key] = places.get(key, 0) + 1
    return [_flag("to_check", field, fact, "is not in the dossier" + (f" ({places[key]} places)" * (places[key] > 1)))
            for key, (field, fact) in first.items()]


def _flag(kind: str, field: str, fact: Found, complaint: str) -> Flag:
    return Flag(kind=kind, field=field, span=(fact.start, fact.end), text=fact.text,
                reason=f'{fact.kind} "{fact.text}" {complaint}')


def _persona_text(persona: Persona) -> str:
    return "\n".join((persona.lens, persona.decision_rule, *persona.points, *persona.points.values())).replace("_", " ")


def _quantities(text: str) -> frozenset[tuple[str, str]]:
    """The numbers of a text, each with the stem of the word that follows: (n:10, "minut")."""
    return frozenset((fact.keys[0], _following(text, fact.end)) for fact in facts_in(text))


def _following(text: str, end: int) -> str:
    words = words_of(text[end:end + 24])
    return words[0][:STEM] if words else ""


def _due(prediction: Prediction | None) -> frozenset[str]:
    """The dates that are the persona's own: the month its prediction falls due, and that year."""
    if prediction is None:
        return frozenset()
    return frozenset({f"d:{prediction.by}", f"d:{prediction.by[:4]}"})


def _names(part: Part, inside: frozenset[str] = frozenset()) -> list[Found]:
    """The names of a text that are no part of another fact, as MIT is of a licence."""
    names = names_in(part.text, part.capitals, inside) if part.capitals else []
    if not names or not part.facts:
        return names
    in_facts = places_of(part.facts)
    return [name for name in names if name.start not in in_facts]


def _is_aside(fact: Found, text: str, asked: frozenset[tuple[str, str]]) -> bool:
    """Whether a number is a figure of speech ("one thing"), or the persona's own measure."""
    if fact.kind != "number":
        return False
    if fact.keys[0] in RHETORICAL or (fact.in_words and fact.keys[0] in SMALL):
        return True
    return (fact.keys[0], _following(text, fact.end)) in asked


def _is_forecast(fact: Found, text: str, due: frozenset[str], latest: str) -> bool:
    """Whether a number or date belongs to what the persona foretells."""
    if fact.kind not in ("number", "date"):
        return False
    if not due.isdisjoint(fact.keys):
        return True
    if not FORECAST.search(_sentence(text, fact.start)):
        return False
    return fact.kind == "number" or fact.keys[0][2:6] >= latest[:4]


def _sentence(text: str, position: int) -> str:
    """The sentence around a position, as far as it is near: a text without full stops must not cost its square."""
    first, last = max(0, position - NEAR), position + NEAR
    start = max(first, *(text.rfind(mark, first, position) + 1 for mark in SENTENCE_MARKS))
    ends = [end for mark in SENTENCE_MARKS if (end := text.find(mark, position, last)) >= 0]
    return text[start:min(ends, default=last)]


def outside_names(claims: Sequence[Claim], parts: Sequence[Part], ground: Ground) -> tuple[list[Flag], frozenset[str]]:
    """A flag for each name of a claim that cites no line, and the words of those names."""
    flags = []
    words: set[str] = set()
    for claim, part in zip(claims, parts, strict=True):
        if claim.lines:
            continue
        for name in _names(part):
            if not ground.knows(name) and not words.issuperset(name.keys):
                words.update(name.keys, words_of(name.text))  # a word that opens the claim is no key of its own
                flags.append(_flag("outside_knowledge", part.field, name, "is general knowledge, not in the dossier"))
        flags += [_flag("ungrounded", part.field, fact, "stands in a claim that cites no line")
                  for fact in part.facts if fact.keys[0] not in SMALL and not ground.source.supports(fact)]
    return flags, frozenset(words)


def ungrounded_claims(
    claims: Sequence[Claim], parts: Sequence[Part], lines: DossierLines, ground: Ground
) -> list[Flag]:
    """A flag for each fact of a claim that its cited lines do not say, or for a claim that has no word in common."""
    flags = []
    for claim, part in zip(claims, parts, strict=True):
        cited = [lines.by_number[number] for number in claim.lines if number in lines.by_number]
        if not cited:
            continue
        sources = [_line_source(line) for line in cited]
        unsupported = [fact for fact in _claim_facts(part, ground, sources)
                       if not any(source.supports(fact) for source in sources)]
        for fact in unsupported:
            flags.append(_flag("ungrounded", part.field, fact, _whereabouts(fact, claim.lines, lines)))
        if not unsupported and _shares_nothing(part, sources, ground):
            flags.append(Flag(kind="ungrounded", field=part.field, text=part.text, reason=(
                f"words of the claim are hardly found on {_lines_named(claim.lines)}")))
    return flags


def _line_source(line: Line) -> Source:
    """A line with the name of its field, which may be what a claim repeats of it."""
    return line_source(f"{line.field.replace('_', ' ')}: {line.text}")


def _claim_facts(part: Part, ground: Ground, sources: list[Source]) -> Iterable[Found]:
    for fact in part.facts:
        if fact.in_words and fact.keys[0] in LISTED and not any(map(_has_numbers, sources)):
            continue
        if fact.keys[0] not in ("n:0", "n:1") and not ground.is_in_name(fact, part.text):
            yield fact
    for name in _names(part):
        foreign = tuple(key for key in name.keys if not ground.owns(key))
        if foreign:
            yield name._replace(keys=foreign)


def _has_numbers(source: Source) -> bool:
    return any(key.startswith("n:") for key in source.keys)


def _lines_named(numbers: Sequence[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _whereabouts(fact: Found, cited: Sequence[int], lines: DossierLines) -> str:
    elsewhere = [line.number for line in lines.lines if line.number not in cited
                 and _line_source(line).supports(fact)]
    where = f"; it is on line {elsewhere[0]}" if elsewhere else "; it is nowhere in the dossier"
    return f"is not on {_lines_named(cited)}{where}"


def _shares_nothing(part: Part, sources: list[Source], ground: Ground) -> bool:
    """Whether hardly a content word of the claim is on its lines. What a line does not say cannot be on it."""
    if not DENIALS.isdisjoint(part.words):
        return False
    said = content_stems(part.words) - ground.own_stems
    common = len(said.intersection(stem for source in sources for stem in source.stems) if len(sources) > 1
                 else said & sources[0].stems)
    return (common == 0 and len(said) > 1) or (len(said) > 4 and common / len(said) < 0.2)


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
        shared = stems & content_stems(part.words)
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
