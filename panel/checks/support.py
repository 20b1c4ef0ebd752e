"""Claims → what the lines they cite do not say: wrong facts, foreign names, words that are not there.

A wrong number, price, date, version or licence holds the panel, so it is flagged only where no reading of the lines
gives it (`panel.checks.readings`). Knows nothing of the published text, and nothing outside the dossier but names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from panel.checks.facts import DIGIT, facts_in
from panel.checks.found import Found, places_of
from panel.checks.grounding import SMALL, Ground, flag_of, names_of
from panel.checks.names import model_names_in
from panel.checks.owners import other_plan, plans_of
from panel.checks.parts import Part
from panel.checks.readings import MOST_READ, Cited, following, is_read_from, source_of_line
from panel.checks.rivals import LOWER_CASE
from panel.checks.wording import weakness
from panel.checks.words import stem, words_of
from panel.schema import Claim, DossierLines, Flag

MOST_FLAGGED = 12
"""Wrong facts of one claim, and wrong names, that are listed; a claim with more is wrong enough."""
ONE_THING = re.compile(r"\b(only one|just one|exactly one|one|a single) ([a-z]{3,20})\b(?! of| by one| or more)")
SAYS_ONE = frozenset({"one", "single", "once", "sole"})
NEAR_ONE = re.compile(r"\b(?:an?|each|per|every|any|the|this|another|no|1) ([A-Za-z]{3,20})\b")
MOST_SAID = 2
SHORTEST_JOINED = 6
INITIALS = re.compile(r"[A-Z]{2,5}")


def outside_facts(claims: Sequence[Claim], parts: Sequence[Part], ground: Ground) -> tuple[list[Flag], frozenset[str]]:
    """A flag for each name or fact of a claim that cites no line, and the words of those names."""
    flags = []
    words: set[str] = set()
    for claim, part in zip(claims, parts, strict=True):
        if claim.lines:
            continue
        for name in names_of(part):
            if not ground.knows(name) and not words.issuperset(name.keys):
                words.update(name.keys, words_of(name.text))  # a word that opens the claim is no key of its own
                flags.append(flag_of("outside_knowledge", part.field, name, "is general knowledge, not in the dossier"))
        in_names = places_of(names_of(part), margin=2)
        flags += [flag_of("to_check", part.field, fact, "stands in a claim that cites no line, and not in the dossier")
                  for fact in part.facts if fact.keys[0] not in SMALL and not ground.source.supports(fact)
                  and not (fact.kind in ("number", "version") and fact.start in in_names)]
    return flags, frozenset(words)


def check_claims(claims: Sequence[Claim], parts: Sequence[Part], lines: DossierLines, ground: Ground) -> list[Flag]:
    """The flags of the claims that cite lines: missing lines, wrong facts and names, words that are not there."""
    flags = []
    for claim, part in zip(claims, parts, strict=True):
        flags += [_missing(number, part, lines) for number in claim.lines if number not in lines.by_number]
        cited = [lines.by_number[number] for number in claim.lines if number in lines.by_number]
        if not cited:
            continue
        sources = [source_of_line(line) for line in cited]
        words = sources[0].words if len(sources) == 1 else frozenset().union(*(source.words for source in sources))
        found = Cited(cited, sources, words, lines)
        wrong = _wrong_facts(part, found, ground) + _wrong_names(part, found, ground)
        flags += wrong
        if not wrong:
            kind, reason = weakness(part, found.sources, ground)
            if kind:
                flags.append(Flag(kind=kind, field=part.field, text=part.text, reason=f"{reason} {found.shown}"))
    return flags


def _missing(number: int, part: Part, lines: DossierLines) -> Flag:
    why = "was left out of what was shown" if number in lines.left_out else "does not exist"
    return Flag(kind="missing_line", field=part.field, text=str(number), about=f"line:{number}",
                reason=f"line {number}, which the claim cites, {why}")


def _wrong_facts(part: Part, cited: Cited, ground: Ground) -> list[Flag]:
    flags = []
    foreign: set[int] | None = None
    plans = plans_of(cited.dossier) if ground.stated["price"] else None
    for fact in part.facts:
        if fact.keys[0] in ("n:0", "n:1") or ground.is_in_name(fact, part.text):
            continue
        if cited.supports(fact):
            plan = other_plan(fact, part, cited.lines, plans) if plans else None
            if plan:
                flags.append(flag_of(_kind(fact, cited), part.field, fact, f"is of {plan} on {cited.shown}"))
            continue
        if is_read_from(fact, part, cited):
            continue
        if foreign is None:
            foreign = places_of((name for name in _names(part) if not _knows_name(name, cited, ground)), margin=2)
        in_name = fact.start in foreign or (fact.end + 1 in foreign and not fact.in_words and not fact.unit)
        if not (fact.kind in ("number", "version") and in_name):
            flags.append(flag_of(_kind(fact, cited), part.field, fact, _whereabouts(fact, cited)))
        if len(flags) == MOST_FLAGGED:
            break
    if ("one" in part.words or "single" in part.words) and cited.words.isdisjoint(SAYS_ONE):
        flags += _wrong_one(part, cited)
    return flags


def _wrong_one(part: Part, cited: Cited) -> list[Flag]:
    """A flag where the claim says "one" or "a single" of what the lines give another number of, and no single one."""
    one = ONE_THING.search(part.text)
    if one is None or len(part.text) > MOST_READ:
        return []
    thing = stem(one[2].casefold())
    lines = [line.text[:MOST_READ] for line in cited.lines]
    counted = any(thing == following(line, fact) for line in lines for fact in facts_in(line)
                  if fact.kind == "number" and fact.keys[0] != "n:1")
    singles = {word for line in lines for word in NEAR_ONE.findall(line)}
    if not counted or thing in {stem(word.casefold()) for word in singles}:
        return []
    fact = Found("number", one[0], *one.span(), ("n:1",), True)
    return [flag_of("wrong_number", part.field, fact, _whereabouts(fact, cited))]


def _kind(fact: Found, cited: Cited) -> str:
    """The kind of flag; a dotted number beside a line that gives the version is a version."""
    dotted = any(key.startswith("version:") for key in fact.keys)
    if fact.kind == "number" and dotted and any(line.field == "version" for line in cited.lines):
        return "wrong_version"
    return f"wrong_{fact.kind}"


def _whereabouts(fact: Found, cited: Cited) -> str:
    """Where the fact is not, what is there instead, and where in the dossier it is."""
    numbers = {line.number for line in cited.lines}
    said = [other.text for line in cited.lines for other in facts_in(line.text[:MOST_READ])
            if _is_comparable(fact, other)]
    instead = f", which say{'s' * (len(numbers) == 1)} {' and '.join(dict.fromkeys(said[:MOST_SAID]))}" if said else ""
    elsewhere = next((line.number for line in cited.dossier.lines if line.number not in numbers
                      and source_of_line(line).supports(fact)), None)
    where = f"it is on line {elsewhere}" if elsewhere else "it is nowhere in the dossier"
    return f"is not on {cited.shown}{instead}; {where}"


def _is_comparable(fact: Found, other: Found) -> bool:
    if fact.kind != other.kind:
        return False
    return fact.unit.partition(":")[0] == other.unit.partition(":")[0]


def _names(part: Part) -> list[Found]:
    """The names of a claim: capitalised ones, model names in small letters, and names of tools in small letters."""
    names = names_of(part, common=True)
    if "-" in part.text and DIGIT.search(part.text):
        taken = places_of(names)
        names = names + [name for name in model_names_in(part.text) if name.start not in taken]
    small = LOWER_CASE.intersection(part.words)
    if small:
        taken = places_of(names)
        lowered = part.text.lower()
        for word in sorted(small):
            start = lowered.find(word)
            if start >= 0 and start not in taken:
                names.append(Found("name", part.text[start:start + len(word)], start, start + len(word), (word,)))
    return names


def _wrong_names(part: Part, cited: Cited, ground: Ground) -> list[Flag]:
    flags = []
    for name in _names(part):
        if _knows_name(name, cited, ground):
            continue
        foreign = tuple(key for key in name.keys if not ground.owns(key))
        flags.append(flag_of("wrong_name", part.field, name._replace(keys=foreign), _whereabouts(name, cited)))
        if len(flags) == MOST_FLAGGED:
            break
    return flags


def _knows_name(name: Found, cited: Cited, ground: Ground) -> bool:
    """Whether the lines have every word of a name, in whatever spelling, or it is the tool's own."""
    if cited.words.issuperset(name.keys):
        return True
    unknown = [key for key in name.keys if not ground.owns(key) and not _has_word(key, cited.words)]
    if not unknown:
        return True
    if INITIALS.fullmatch(name.text):
        initials = ["".join(word[0] for word in words_of(line.text)) for line in cited.lines]
        return any(name.text.casefold() in each for each in initials)
    joined = ["".join(words_of(line.text)) for line in cited.lines]
    return all(len(key) >= SHORTEST_JOINED and any(key in each for each in joined) for key in unknown)


def _has_word(key: str, words: frozenset[str]) -> bool:
    return key in words or f"{key}s" in words or (key[-1] == "s" and key[:-1] in words)
