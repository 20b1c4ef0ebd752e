"""What an answer's published text says against what the dossier says: facts to check, and prices that contradict it.

A fact that is not in the dossier may be true: it goes to the editor, it is not an error. A reason begins with the
kind of fact (number, price, date, version, licence, name), so that a reader can sort by it. Claims and their lines
are for `panel.checks.support`. Knows nothing of style, scores or models, and of the world only the names in
`panel.checks.rivals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from panel.checks.facts import CURRENCY_CODES, Source, facts_in, line_source, source_of
from panel.checks.found import Found, places_of
from panel.checks.kept import Kept
from panel.checks.names import capitals_inside, names_in
from panel.checks.parts import Part
from panel.checks.rivals import known_words
from panel.checks.words import COMMON_TERMS, GENERIC, MONTHS, NUMBER_WORDS, STOP, content_stems, stem, words_of
from panel.schema import DossierLines, Flag, Persona, Prediction

RHETORICAL = frozenset({"n:1", "%:100", "n:0.5", "n:0.25"})
SMALL = frozenset({"n:0", "n:1", "n:2", "n:3", "n:0.5"})
FORECAST = re.compile(
    r"\bwill\b|\b[Bb]y (?:the )?(?:end (?:of )?|mid-?|late |early )?(?:20\d\d|[A-Z][a-z]+ 20\d\d|then)"
    r"|\b(?:through|until|before|after) (?:the end of )?20\d\d"
    r"|\b(?:[Ii]n|[Ww]ithin) (?:a|one|two|three|six|ten|twelve|eighteen|\d+) (?:month|year|week|quarter|release)s?\b")
SUPPOSED = re.compile(
    r"\b(?:would|could|should|might|may|if|unless|were|suppose|say|imagine|perhaps|another|rivals?|alternatives?"
    r"|competitors?|elsewhere|not|never|instead|unlike|than|versus|vs)\b|n['’]t\b", re.IGNORECASE)
SUMMED = re.compile(
    r"\b(?:worth|budget|cheaper|dearer|less|more|under|over|below|above|saves?|spends?|total|times|seats|people|users"
    r"|engineers|team of|company of|together|annual)\b", re.IGNORECASE)
"""What makes a price or licence of a sentence a guess or a comparison, and a price a sum, and not the tool's."""
CLAUSE = re.compile(r"[,;:] | (?:and|but|while|whereas|yet|so) ")
STATED = (("price", "pricing", tuple(CURRENCY_CODES)), ("licence", "license", ("l:",)),
          ("version", "version", ("version:",)))
"""Kind of fact, the dossier's field that states it, how its keys begin."""
SENTENCE_MARKS = (". ", "! ", "? ", "\n")
NEAR = 300


class Ground(NamedTuple):
    """What facts are looked up in: the whole dossier as shown, and the words that name the tool and its maker."""

    source: Source
    own: frozenset[str]
    own_stems: frozenset[str]
    names: tuple[str, ...]
    known: frozenset[str]
    """Words of names that are known in the tool's category."""
    stated: Mapping[str, frozenset[str]]
    """What the dossier's own fields state of the tool, by kind of fact: price, licence, version."""
    plans: frozenset[str]
    """Words of its price lines: the names of plans are among them."""

    def is_in_name(self, fact: Found, text: str) -> bool:
        """Whether a number is part of the tool's own name (the 4 of Code Llama 4)."""
        before = text[max(0, fact.end - NEAR): fact.end].casefold()
        return any(before.endswith(name) for name in self.names)

    def knows(self, fact: Found) -> bool:
        """Whether the dossier says it; the tool's and the maker's names count, also shortened (Mem0 for mem0ai)."""
        if self.source.supports(fact):
            return True
        return fact.kind == "name" and all(self.has_word(key) for key in fact.keys)

    def has_word(self, word: str) -> bool:
        """Whether the dossier has the word, in the singular or plural, or the tool or its maker is called so."""
        return word in self.source.words or f"{word}s" in self.source.words or self.owns(word) or (
            word[-1] == "s" and word[:-1] in self.source.words)

    def owns(self, word: str) -> bool:
        """Whether the word names the tool or its maker."""
        return word in self.own or (len(word) > 3 and any(name.startswith(word) for name in self.own))

    def is_known_name(self, name: Found) -> bool:
        """Whether a name is of the common stock of the tool's category."""
        return not self.known.isdisjoint(name.keys)


_grounds: Kept[Ground] = Kept()
_measures: Kept[frozenset[tuple[str, str]]] = Kept()


def ground_of(*dossiers: DossierLines) -> Ground:
    """The ground of one dossier, or of two read together."""
    return _grounds.get(tuple(lines.digest for lines in dossiers), lambda: _ground(dossiers))


def _ground(dossiers: Sequence[DossierLines]) -> Ground:
    text = "\n".join(line.text for lines in dossiers for line in lines.lines)
    fields: dict[str, list[str]] = {}
    for lines in dossiers:
        for line in lines.lines:
            fields.setdefault(line.field, []).append(line.text)
    own: set[str] = set()
    for lines in dossiers:
        own.update(words_of(lines.name), words_of(lines.tool_id))
    for vendor in fields.get("vendor", ()):
        own.update(words_of(vendor.removeprefix("vendor:")))
    own -= STOP
    names = tuple(lines.name.casefold() for lines in dossiers)
    stated = {kind: frozenset(key for line in fields.get(field, ()) for key in line_source(line).keys
                              if key.startswith(begins))
              for kind, field, begins in STATED}
    plans = frozenset(word for line in fields.get("pricing", ()) for word in words_of(line))
    category = fields.get("category", [""])[0].removeprefix("category:").strip() if len(dossiers) == 1 else ""
    return Ground(source_of(text, with_stems=False), frozenset(own), frozenset(content_stems(own)), names,
                  known_words(category), stated, plans)


def facts_to_check(
    parts: Sequence[Part], ground: Ground, persona: Persona | None = None, prediction: Prediction | None = None,
    outside: frozenset[str] = frozenset(),
) -> list[Flag]:
    """A flag for every fact of these texts that the dossier does not say, each once, where it stands first.

    `to_check`, or `outside_knowledge` for a name known in the category, or `wrong_price` and `wrong_licence` where the
    dossier states another. `outside` are words of names already flagged as outside knowledge. The persona's own
    quantities ("the first ten minutes") and the months and thresholds of its forecast are not facts of the tool.
    """
    asked = _measures.get(persona.digest, lambda: _quantities(_persona_text(persona))) if persona else frozenset()
    due = _due(prediction)
    inside = capitals_inside(part.capitals for part in parts)
    first: dict[str, tuple[Part, Found]] = {}
    places: dict[str, int] = {}
    for part in parts:
        if not part.facts and not part.capitals:
            continue
        names = [name for name in names_of(part, inside) if not ground.knows(name)]
        in_names = places_of(names, margin=2)
        unknown = [fact for fact in part.facts if not ground.source.supports(fact)
                   and not (fact.kind in ("number", "version") and fact.start in in_names)]
        for fact in (*unknown, *(name for name in names if not outside.issuperset(name.keys))):
            about = fact.about
            if about not in first and (_is_aside(fact, part.text, asked)
                                       or _is_forecast(fact, part.text, due, ground.source.latest)):
                continue
            first.setdefault(about, (part, fact))
            places[about] = places.get(about, 0) + 1
    return [_judged(fact, part, ground, places[about]) for about, (part, fact) in first.items()]


def _judged(fact: Found, part: Part, ground: Ground, places: int) -> Flag:
    if _is_version(fact, part.text, ground):
        fact = fact._replace(kind="version")
    stated = _contradicted(fact, part, ground)
    if stated:
        return flag_of(f"wrong_{fact.kind}", part.field, fact, f"contradicts the dossier, which says {stated}")
    many = f" ({places} places)" * (places > 1)
    stated = shown_keys(ground.stated.get(fact.kind, ()))
    if fact.kind == "name" and ground.is_known_name(fact):
        return flag_of("outside_knowledge", part.field, fact, f"is general knowledge, not in the dossier{many}")
    instead = f", which says {stated}" if stated else ""
    return flag_of("to_check", part.field, fact, f"is not in the dossier{instead}{many}")


def flag_of(kind: str, field: str, fact: Found, complaint: str) -> Flag:
    """The flag of a fact, its reason led by the kind of fact."""
    return Flag(kind=kind, field=field, span=(fact.start, fact.end), text=fact.text, about=fact.about,
                reason=f'{fact.kind} "{fact.text}" {complaint}')


def _is_version(fact: Found, text: str, ground: Ground) -> bool:
    """Whether a number with a point is a version: after that word, or after the tool's name."""
    if fact.kind != "number" or not any(key.startswith("version:") for key in fact.keys):
        return False
    before = words_of(text[max(0, fact.start - NEAR):fact.start])[-1:]
    return bool(before) and (before[0] in ("version", "release") or ground.owns(before[0]))


def _contradicted(fact: Found, part: Part, ground: Ground) -> str | None:
    """What the dossier's own field says instead, where the text states this price, licence or version of the tool."""
    stated = ground.stated.get(fact.kind)
    if not stated or (fact.kind == "version" and ground.is_in_name(fact, part.text)):
        return None
    start, end = _scope(fact, part, ground)
    scope = part.text[start:end]
    if SUPPOSED.search(scope) or FORECAST.search(scope) or (fact.kind == "price" and SUMMED.search(scope)):
        return None
    rest = part.text[start:fact.start] + " " + part.text[fact.end:end]
    if not (ground.known - ground.source.words - ground.own).isdisjoint(words_of(rest)):
        return None
    capitals = [word.token for word in part.capitals if start <= word.start < end
                and not fact.start <= word.start < fact.end]
    if not all(_is_own(word, ground) for token in capitals for word in words_of(token)):
        return None  # of something else
    if fact.kind == "licence" and any(ground.source.supports(other) for other in facts_in(scope)
                                      if other.kind == "licence"):
        return None
    return shown_keys(stated)


def _scope(fact: Found, part: Part, ground: Ground) -> tuple[int, int]:
    """Where what is said of a fact begins and ends: its clause where that names the tool, else its sentence."""
    sentence, start = _sentence(part.text, fact.start)
    marks = [(mark.start() + start, mark.end() + start) for mark in CLAUSE.finditer(sentence)]
    begin = max((end for _, end in marks if end <= fact.start), default=start)
    finish = min((at for at, _ in marks if at >= fact.end), default=start + len(sentence))
    if any(ground.owns(word) for word in words_of(part.text[begin:finish])):
        return begin, finish
    return start, start + len(sentence)


def _is_own(word: str, ground: Ground) -> bool:
    """Whether a capitalised word is no name of another thing: the tool's own, a plan's, a number's, a common term."""
    return ground.owns(word) or word in ground.plans or any(
        word in known for known in (NUMBER_WORDS, MONTHS, COMMON_TERMS, GENERIC))


def shown_keys(keys: Iterable[str]) -> str:
    """Keys as people write them, at most three; of a licence the one with its version, of a version the longest."""
    shown = sorted(key for key in keys if not key.endswith("-?"))
    said = [key for key in shown
            if not any(other != key and other.startswith((f"{key}-", f"{key}.")) for other in shown)]
    return " or ".join(shown_key(key) for key in said[:3])


def shown_key(key: str) -> str:
    """A key as people write it: `USD:20` as "20 USD"."""
    kind, _, value = key.partition(":")
    if kind != "l":
        return f"{value} {kind}" if kind.isupper() else value
    family, _, version = value.partition("-")
    name = {"apache": "Apache", "unlicense": "Unlicense", "proprietary": "proprietary", "elv2": "ELv2"}.get(
        family, family.upper().replace("_", "-"))
    return f"{name}-{version if '.' in version else f'{version}.0'}" if version else name


def _persona_text(persona: Persona) -> str:
    return "\n".join((persona.lens, persona.decision_rule, *persona.points, *persona.points.values())).replace("_", " ")


def _quantities(text: str) -> frozenset[tuple[str, str]]:
    """The numbers of a text, each with the stem of the word that follows: (n:10, "minut")."""
    return frozenset((fact.keys[0], _measured(fact, text)) for fact in facts_in(text))


def _measured(fact: Found, text: str) -> str:
    words = words_of(fact.text)[1:] or words_of(text[fact.end:fact.end + 24])
    return stem(words[0]) if words else ""


def _due(prediction: Prediction | None) -> frozenset[str]:
    """The dates that are the persona's own: the month its prediction falls due, and that year."""
    if prediction is None:
        return frozenset()
    return frozenset({f"d:{prediction.by}", f"d:{prediction.by[:4]}"})


def names_of(part: Part, inside: frozenset[str] = frozenset(), *, common: bool = False) -> list[Found]:
    """The names of a text that are no part of another fact, as MIT is of a licence."""
    names = names_in(part.text, part.capitals, inside, common=common) if part.capitals else []
    if not names or not part.facts:
        return names
    in_facts = places_of(part.facts)
    return [name for name in names if name.start not in in_facts]


def _is_aside(fact: Found, text: str, asked: frozenset[tuple[str, str]]) -> bool:
    """Whether a number is a figure of speech ("one thing"), or the persona's own measure."""
    if fact.kind != "number":
        return False
    if fact.keys[0] in RHETORICAL or (fact.in_words and (fact.keys[0] in SMALL or fact.keys[0].startswith("many:"))):
        return True
    return (fact.keys[0], _measured(fact, text)) in asked


def _is_forecast(fact: Found, text: str, due: frozenset[str], latest: str) -> bool:
    """Whether a number or date belongs to what the persona foretells."""
    if fact.kind not in ("number", "date"):
        return False
    if not due.isdisjoint(fact.keys):
        return True
    if fact.kind == "date" and latest and fact.keys[0][2:6].isdigit() and fact.keys[0][2:6] > latest[:4]:
        return True
    if not FORECAST.search(_sentence(text, fact.start)[0]):
        return False
    return fact.kind == "number" or fact.keys[0][2:6] >= latest[:4]


def _sentence(text: str, position: int) -> tuple[str, int]:
    """The sentence around a position and where it begins, as far as it is near: a text without full stops must not
    cost its square.
    """
    first, last = max(0, position - NEAR), position + NEAR
    start = max(first, *(text.rfind(mark, first, position) + 1 for mark in SENTENCE_MARKS))
    ends = [end for mark in SENTENCE_MARKS if (end := text.find(mark, position, last)) >= 0]
    return text[start:min(ends, default=last)], start
