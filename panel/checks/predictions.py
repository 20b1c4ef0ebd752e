"""A prediction → why nobody could score it: no observable event, no threshold, or a date that is past.

Rules of wording, for English only: word lists, each word of a statement looked up once. They cannot tell what a
sentence means: a vague one that borrows the words of a good one passes. Knows nothing of the rest of an answer.
"""

# ruff: noqa: SIM905 - word lists are read and edited as text, not as hundreds of quoted strings

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from panel.checks.words import MONTHS
from panel.schema import DossierLines, Flag, Prediction

MOST_READ = 2000
"""Characters of a statement that are read; good ones have about 150."""


def _forms(verbs: str) -> frozenset[str]:
    """Each word with the endings a verb may take; forms that no language has do no harm."""
    found = set()
    for verb in verbs.split():
        found |= {verb, f"{verb}s", f"{verb}es", f"{verb}ed", f"{verb}d", f"{verb}ing", f"{verb[:-1]}ing",
                  f"{verb}{verb[-1]}ed", f"{verb}{verb[-1]}ing", f"{verb[:-1]}ies", f"{verb[:-1]}ied"}
    return frozenset(found)


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """Two words in a row each, separated by commas."""
    return frozenset((first, second) for first, second in (pair.split() for pair in text.split(",")))


CLEAR_ACTS = _forms("""
release launch ship publish announce introduce document disclose deprecate discontinue archive retire sunset rename
rebrand relicense license acquire merge buy sell file sue settle ban block hire appoint resign raise shut close cease
withdraw remove drop cut delist list name state report charge link add bundle require sign partner certify approve
migrate port rewrite fork tag support accept offer expire cite unveil issue confirm host grant award register suspend
pause cancel recall join leave lose win receive increase lower double freeze patch price rule fine convict order
reject delete yank source include open
""") | {"bought", "sold", "won", "lost", "left", "put", "laid", "goes", "go", "went", "paid", "cost", "costs"}
"""What somebody does in public, and a stranger can look up."""
OPEN_ACTS = _forms("""
show change replace move end stop limit mention recommend switch display appear use pass rank score
""") | {"shown", "has", "have", "having"}
"""The same, said of much else as well: with "a" or "its" behind it alone, such a word decides nothing."""
COUNTED = frozenset("""
$ € £ % star stars download downloads user users customer customers subscriber subscribers contributor contributors
commit commits release releases version versions fork forks issue issues package packages dependent dependents plan
plans tier tiers price employee employees office offices seat seats store stores extension extensions plugin plugins
integration integrations server servers model models language languages country countries percent usd eur gbp dollar
dollars euro euros valuation revenue arr mrr funding round pypi npm github benchmark leaderboard index point points
token tokens credit credits service services repository repositories company companies team teams job jobs paper
papers citation citations followers members visits questions papers respondents
""".split())
"""What a stranger can count or look up: with a number it makes an event."""
DECIDING = _forms("""
acquire merge discontinue deprecate archive rename rebrand relicense resign delist sunset retire cease withdraw ban
sue remove expire approve suspend cancel recall bankrupt
""") | frozenset("""
acquisition merger shut bankruptcy insolvency insolvent ipo lawsuit licence license licensed relicensing beta offline
availability ga trial free yanked abandoned investigation patent injunction ruling certification certified accepted
rejected granted shutdown
""".split())
"""What is or is not, without a number: one of these is a threshold."""
DECIDING_PAIRS = _pairs("""
drop support, drops support, end support, ends support, support for, shuts down, closes down, close down,
open sources, open sourced, steps down, step down, generally available, laid off, lay off, on sale, for sale,
goes public, go public, public beta
""")
ALL_OR_NONE = frozenset("""
any once none never still first only every both either without zero exactly nothing nobody no not
""".split())
"""One of these is a threshold too; so is "at least one"."""
OBJECTS = frozenset("a an the its their his her official native another".split())
"""After a clear act, within REACH words, one of these or a proper name says what is done: "release a"."""
REACH = 3
NO_NAMES = frozenset("AI LLM LLMs API APIs SaaS I It Its The A An This In On Of".split())
PASSIVE = frozenset("be been is are was were being".split())
PARTICIPLE = ("ed", "ld", "id", "won", "shut", "cut", "lost", "put")
NUMBER_WORDS = frozenset("""
twice half double doubles doubled triple triples tripled thrice two three four five six seven eight nine ten eleven
twelve fifteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen
""".split())
COMPARING = frozenset("""
least most than over above below under exceed exceeds exceeding beyond exactly between numbered version reach reaches
pass passes top surpass surpasses cross crosses to hits hit from v
""".split())
"""Before digits, one of these says that they measure something, and are no part of a name or a date."""
SCALES = frozenset("or k m x bn times million billion thousand percent per".split())
SPANS = frozenset("""
day days week weeks month months quarter quarters year years hour hours minutes
""".split()) | MONTHS.keys()
"""After a number, one of these makes it a time: no threshold."""

VAGUE = frozenset("""
important importance crucial essential indispensable relevant relevance irrelevant irrelevance obsolete traction
momentum popularity popular mainstream ubiquitous dominant dominate dominates dominance thrive thrives flourish
struggle struggles mature matures maturity improve improves improved improvement improvements better worse best
significant significantly substantial substantially considerable considerably meaningful meaningfully notable notably
widely wide wider widespread broadly broader increasingly grow grows growing growth expand expands expansion evolve
evolves evolution disrupt disrupts transform transforms revolutionize revolutionise reshape reshapes redefine
redefines commodity commoditized commoditised commoditize compete competes competitive competition matter matters
adoption adopted adopt mindshare hype commonplace common strong stronger strongly weak weaker rapidly quickly steadily
soon eventually easier harder value valuable useful usefulness trusted trust successful success succeed succeeds fail
fails failure attention visibility trend trends crowded saturated fade fades viable sustainable powerful robust
reliable exciting interesting interest likely might could perhaps possibly probably many several numerous various
countless much influence influential impact impactful pressure challenge challenges threaten threatens threat lead
leads leader leaders leadership leading consolidate consolidation consolidates recognized recognised recognition
respected appreciated loved favorite favourite preferred prefer prefers niche viability resonate resonates appeal
progress promise promising potential ground bigger smaller huge massive massively dramatically serious seriously big
innovative innovation innovate similar faster cheaper slower simpler closer smarter larger
""".split())
"""What nobody can look up: without a number one of these makes the whole statement vague."""
VAGUE_PAIRS = _pairs("""
the standard, a standard, facto standard, industry standard, go to, default choice, default tool, default option,
default way, household name, table stakes, catch up, catches up, catch on, take off, takes off, keep up, the norm,
more teams, more developers, more users, more companies, more people, more features, more integrations, at risk,
in trouble, the way, how developers, how teams, how people, well received, the future, key part, core part,
major player, major force, a lot, the gap, its profile, real alternative, next level, mission critical, key player,
serious contender, left behind
""")
ANYBODY = frozenset("""
developers teams users people companies enterprises startups engineers organizations organisations customers buyers
vendors competitors rivals everyone everybody researchers businesses agencies investors designers marketers writers
analysts firms incumbents alternatives agents tools products
""".split())
"""Said of nobody in particular at the start of a statement, an act is not one that a stranger can look up."""

_TOKEN = re.compile(r"\d[\d,.]*|[^\W\d_]+(?:['’][a-z]+)?|[$€£%]")
_MONTH = re.compile(r"\b(?:199\d|20[0-3]\d)-(?:0[1-9]|1[0-2])\b")
_NAMED_MONTH = re.compile(r"\b([A-Z][a-z]{2,8})\.? (?:\d\d?, )?(199\d|20[0-3]\d)\b")
_YEAR_DUE = re.compile(r"\b(?:by|before|until|till|end of|through)(?: [A-Za-z]+){0,4} (20\d\d)\b", re.IGNORECASE)


class _Token(NamedTuple):
    text: str
    lower: str
    start: int
    end: int


def vague_prediction(prediction: Prediction, lines: DossierLines) -> list[Flag]:
    """`vague_prediction` with what is missing of event, threshold and date; empty when it could be scored."""
    text = prediction.statement[:MOST_READ]
    tokens = [_Token(match[0], match[0].lower(), *match.span()) for match in _TOKEN.finditer(text)]
    measured = any(_measures(tokens, at, text) for at in range(len(tokens)))
    vague = None if measured else _vague_words(tokens)
    missing = []
    if not _has_event(tokens, measured):
        missing.append("no observable event, one that a stranger could look up")
    if vague is not None:
        missing.append(f'no threshold: "{text[vague[0]:vague[1]]}" has no number')
    elif not measured and not _is_yes_or_no(tokens):
        missing.append("no threshold: neither a number nor something that is or is not")
    missing += _date_faults(prediction, text, lines)
    if not missing:
        return []
    return [Flag(kind="vague_prediction", field="prediction.statement", span=vague,
                 text=text[vague[0]:vague[1]] if vague else None,
                 reason=f"nobody could score it: {'; '.join(missing)}")]


def _has_event(tokens: list[_Token], measured: bool) -> bool:
    """A public act, or a number of something that can be counted. Acts of nobody in particular need the number."""
    words = {token.lower for token in tokens}
    if measured and not words.isdisjoint(COUNTED):
        return True
    if any(token.lower in ANYBODY for token in tokens[:2]):
        return False
    return not all(words.isdisjoint(acts) for acts in (CLEAR_ACTS, OPEN_ACTS, DECIDING))


def _is_yes_or_no(tokens: list[_Token]) -> bool:
    for at, token in enumerate(tokens):
        if token.lower in ALL_OR_NONE or token.lower in DECIDING:
            return True
        following = tokens[at + 1:at + 1 + REACH]
        if following and ((token.lower, following[0].lower) in DECIDING_PAIRS
                          or (token.lower == "least" and following[0].lower == "one")):
            return True
        clear = token.lower in CLEAR_ACTS
        if (clear or token.lower in OPEN_ACTS) and any(_is_named(each) for each in following):
            return True
        if clear and (any(each.lower in OBJECTS for each in following)
                      or (at and tokens[at - 1].lower in PASSIVE and token.lower.endswith(PARTICIPLE))):
            return True
    return False


def _is_named(token: _Token) -> bool:
    return token.text[0].isupper() and token.text not in NO_NAMES


def _vague_words(tokens: list[_Token]) -> tuple[int, int] | None:
    """Where the first words nobody can look up stand. With a capital, "May" is a month and "Standard" a plan."""
    for at, token in enumerate(tokens):
        if token.text in VAGUE or token.text == "may" or (at == 0 and token.lower in VAGUE):
            return token.start, token.end
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if after is not None and (token.lower, after.text) in VAGUE_PAIRS:
            return token.start, after.end
    return None


def _measures(tokens: list[_Token], at: int, text: str) -> bool:
    """Whether the token is a number that measures something: no date, span of time, or part of a name."""
    token = tokens[at]
    if not token.text[0].isdigit() and token.lower not in NUMBER_WORDS:
        return False
    before = tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    if after is not None and after.lower in SPANS:
        return False
    joined = token.start > 0 and (text[token.start - 1] in "-/_" or text[token.start - 1].isalpha())
    if token.lower in NUMBER_WORDS:
        return not joined and text[token.end:token.end + 1] != "-" and (after is None or after.lower != "down")
    if text[token.end:token.end + 1] == "/":
        return False
    if after is not None and (after.lower in COUNTED or after.lower in SCALES):
        return not joined
    if before is not None and before.lower in "$€£":
        return True
    year = len(token.text.rstrip(".,")) == 4 and token.text[:2] in ("19", "20")
    if before is not None and before.lower in COMPARING and not (year and before.lower in ("to", "from")):
        return True
    named = joined or year or before is None or before.text[0].isupper()
    return not named and after is not None and after.text[0].islower()


def _date_faults(prediction: Prediction, text: str, lines: DossierLines) -> list[str]:
    today = _today_of(lines)
    if today is not None and prediction.by < today:
        return [f"the date is already past ({prediction.by}, and the dossier is of {today})"]
    years = [match[1] for match in _YEAR_DUE.finditer(text)]
    if years and max(years) > prediction.by[:4]:
        return [f"it speaks of {max(years)} and falls due in {prediction.by}"]
    return []


def _today_of(lines: DossierLines) -> str | None:
    """The month of the line `as of`; without one the latest month of any line, as the reviewer was told to take it."""
    stated = [month for line in lines.lines if line.field == "as_of" for month in _months(line.text)]
    if stated:
        return max(stated)
    return max((month for line in lines.lines if "20" in line.text for month in _months(line.text)), default=None)


@lru_cache(maxsize=4096)
def _months(text: str) -> list[str]:
    found = [match[0] for match in _MONTH.finditer(text)]
    for match in _NAMED_MONTH.finditer(text):
        month = MONTHS.get(match[1].lower())
        if month is not None:
            found.append(f"{match[2]}-{month:02d}")
    return found
