"""Texts → where they speak as if the tool had been used. Nobody has used it: a persona reads a dossier.

A rule of wording, so it can be talked round; it is tuned to leave alone what is conditional, future, denied, quoted
from the maker, or about the dossier ("I looked for a price"). Knows nothing of the dossier.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable

from panel.checks.parts import Part
from panel.schema import Flag

OPENING_WORDS = frozenset({"i", "we", "my", "our", "me", "us", "hands", "having", "after", "user"})
OWNER = frozenset({"my", "our"})
OPENING = re.compile(r"[IiWwMmOoUuAaHh](?:(?<=I)|(?<=i)|e|y|ur|s|s a|fter|aving|ands)\b")
"""Where invented experience may begin: a quick superset of it, so that the long pattern is tried there only."""
_DONE = ("tried|tested|used|installed|benchmarked|measured|deployed|evaluated|timed|clocked|downloaded|migrated|"
         "switched|trialled|trialed|piloted|compiled|cloned|profiled|prototyped|fine-tuned|self-hosted")
_WITH_IT = "it|this|that tool|them|the (?:tool|library|app|model|product|cli|api|sdk|editor)"
_WORKED_ON_IT = (
    r"(?:pointed|fed|wired|hooked|plugged|rolled|watched|threw|hosted|opened|started|launched|stressed|loved|enjoyed)"
    rf" (?:{_WITH_IT})|asked (?:it|this) to|set (?:it|this) up|put (?:it|this) (?:through|to work|to use|in front)"
    r"|got (?:it|this) (?:running|working|to)|got (?:a|an|my|our|its) (?:\w+ )?(?:result|answer|response|output|error)"
    r"|(?:saw|seen|had) (?:it|this) (?:fail|work|crash|break|run|stall|slow|handle|miss|write|\w+ing)|saw an? \d+"
    r"|found (?:it|this) (?:to be|slow|fast|flaky|buggy|easy|hard|reliable|unreliable|quick|clumsy|solid|stable)"
    r"|gave (?:it|this) (?:my|our|a (?:\d+-\w+|real|small|large|long|test|prompt|file|repo|task|pdf|document))"
    r"|paid for|(?:shipped|wrote|made|launched|built) (?:\w+ ){0,5}(?:with|on) (?:it|this)"
    r"|moved (?:my|our) (?:\w+ ){1,3}to (?:it|this)")
EXPERIENCE = re.compile(
    r"\b(?:"
    rf"(?:i|we)(?:['’]ve| have| had)?(?: (?:just|already|recently|actually|personally|also|both|even|once|briefly))*"
    rf" (?:been )?(?:{_DONE}|{_WORKED_ON_IT}|ran|spun up|set up|played with|signed up|been (?:using|running|testing|"
    r"trying|building on)"
    rf"|using|running it|testing it|built (?:\w+ ){{0,4}}(?:with|on))"
    rf"|(?:i|we)(?: (?:already|still|now|currently|always))? (?:use|run|rely on|deploy|love|love using|like using) "
    rf"(?:{_WITH_IT}|daily|both)"
    r"|(?:i|we)(?:['’]m| am|['’]re| are)(?: (?:already|still|now|currently))? (?:using|running|testing|evaluating) "
    r"|(?:my|our)(?: own)? (?:team|teams|company|engineers|developers|colleagues|clients|studio|startup|group|shop|"
    rf"portfolio compan(?:y|ies))(?: (?:already|has|have|all|now))* (?:{_DONE}|uses?|runs?|ran|adopted|relies|"
    r"rely|spent|loves?)"
    r"|(?<=in )(?:my|our)(?: own)? (?:tests?|testing|trials?|benchmarks?|experience|hands|evaluation|measurements|"
    r"usage|use)"
    r"|(?:(?<=on )|(?<=in ))(?:my|our)(?: own)? (?:laptop|machine|mac|macbook|gpu|cluster|phone|desktop|server|"
    r"codebase|repo)"
    r"|(?:my|our) (?:first|second|last) (?:run|result|attempt|try|session|install|prompt|hour|ten minutes)"
    r"|(?<![a-z] )after (?:using|running|testing|trying|installing|living with|a (?:week|month|day) (?:with|of)|"
    r"(?:\w+ ){0,2}(?:hours|days|weeks|months|years) (?:with(?! no)|of using|of running|on))"
    rf"|(?<![a-z] )having (?:{_DONE}|run)"
    r"|(?:(?<=after )|(?<=from )|(?<=in )|(?<=with )|(?<=my )|(?<=our ))hands[- ]on (?:use|testing|tests?|time|"
    r"experience|trial)"
    r"|(?:(?<=took )|(?<=gave )|(?<=cost )|(?<=saved )|(?<=crashed on )|(?<=failed for )|(?<=worked for )|"
    r"(?<=worked well for )|(?<=told ))"
    r"(?:me|us)"
    r"|(?:i|we)(?:['’]ve| have)? (?:spoke|spoken|talked) (?:to|with)"
    r"|as a (?:daily|long-?time|regular|paying) user"
    r")\b", re.IGNORECASE)
_PAST = (
    "came|went|got|took|gave|sent|kept|broke|fell|ran|found|met|held|cut|hit|lost|made|left|let|told|caught|froze|hung|"
    "ate|blew|bought|built|drew|drove|felt|grew|knew|paid|said|saw|sat|shut|slept|spent|stood|stuck|stopped|taught|"
    "threw|thought|woke|won|wrote|read back|turned|returned|failed|crashed|stalled|landed|arrived|ended|started|"
    "refused|rejected|accepted|answered|replied|worked|passed|filled|reached|survived|saved|needed|wanted|asked|"
    "loaded|opened|closed|dropped|skipped|processed|produced|picked|moved|learned|learnt|noticed|watched|waited|"
    "showed|gained|handled|ignored|missed|mangled|solved|finished|completed|converted|imported|exported|recorded|"
    "transcribed|summarised|summarized|generated|deleted|timed out|slowed|doubled|halved|cleared|shipped")
_OWN_THOUGHTS = (
    "rule|vote|bet|verdict|case|point|score|scores|lens|thesis|list|view|call|judgement|judgment|question|doubt|"
    "doubts|reading|answer|confidence|decision|argument|forecast|motto|mind|eye|eyes|attention|interest|worry|"
    "reason|reasons|method|test of|first question|estimate|guess|prediction|opinion|scepticism|objection|concern")
POSSESSED = re.compile(
    rf"\b(?:my|our)(?: own)?(?! (?:own )?(?:{_OWN_THOUGHTS})\b)(?: [a-z][\w'’-]{{0,30}}){{1,3}}? (?:{_PAST})\b"
    rf"|(?<!\ba )(?<!\ban )(?<!\bthe )(?<!\bany )\b(?:{_PAST})"
    r"(?: (?!and\b|or\b|than\b|of\b)[a-z][\w'’-]{0,30}){0,3} (?:my|our)\b"
    rf"(?! (?:own )?(?:{_OWN_THOUGHTS})\b)"
    r"|\b(?:in|on|at|from) (?:my|our)(?: own)?(?: [a-z]\w{0,20})? (?:drawer|desk|pocket|wrist|bag|lab|office|studio|"
    r"kitchen|terminal|inbox|calendar|rack|phone|laptop|cluster|account)(?: still| now| already)? "
    r"(?!is\b|as\b|was\b|has\b|this\b|its\b|us\b|always\b|unless\b|works\b)[a-z]{2,20}s\b", re.IGNORECASE)
"""What a persona owns and something happened to: "turned back my second diagram", "our desk met". Its thoughts, by
the second list, are its own."""
_NUMBER = r"(?:an?|\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)"
EVENT = re.compile(
    r"(?:^|[.!?:;]\s+)(?:Tried|Ran|Pointed|Threw|Fed|Hit|Hooked|Timed|Clocked|Spent|Gave|Left|Watched|Tested|"
    r"Benchmarked|Installed|Deployed|Evaluated|Profiled)(?: (?:with|on|against|over))? (?:it\b|them\b|this\b|both\b|"
    rf"{_NUMBER}\b|my\b|our\b|the (?:free|trial|first|cheapest) )"
    r"|(?:^|[.!?:;]\s+)Compared side by side"
    r"|\b(?:I|[Ww]e)(?: (?:also|then|just|even|only|once|already|never))? (?:sat|accepted|got lost|spent|hunted|"
    r"forgave|paid|bought|waited|watched|typed|clicked|rebuilt|deleted|restarted|signed|cancelled|canceled|switched|fixed|"
    r"debugged|met|spoke|talked|lived|burned|burnt|hired|migrated|rewrote|onboarded|demoed|uploaded|imported|exported|"
    r"reinstalled)\b"
    r"|\b(?:I|[Ww]e)(?:['’]ve| have)(?: (?:also|personally|twice|often))? (?:seen|watched|met|sat|lived|lost|paid|"
    r"spent|bought|sold|hired|advised|backed|funded|worked)\b(?! no\b)"
    r"|\b[Ii]n (?:my|our) (?:portfolio|practice|firm|fund|shop)\b"
    r"|\b(?:I|[Ww]e) moved (?:\w+ ){1,3}(?:off|onto|over|from|away)\b|\b(?:I|[Ww]e) regretted\b"
    r"|\b[Hh]aving (?:lived|watched|sat|spent|worked|seen|lost|paid|shipped|built)\b"
    r"|\b(?:clients?|customers?|colleagues?|friends?|founders?|teams?|users?|engineers?|developers?|buyers?|analysts?) "
    r"(?:of (?:mine|ours)|(?:I|we) (?:know|spoke|talked|met|asked|advise|interviewed))\b"
    r"|\b(?:[Mm]y|[Oo]ur)(?: own)?(?: \w+)? (?:team|teams|desk|clients?|customers?|colleagues?|engineers|developers|"
    r"analysts|studio|startup|office|department)(?: (?:already|all|still|now|has|have))* (?:pays?|uses?|runs?|exports?|"
    r"muted|stopped|moved|gave|switched|dropped|adopted|relies|rely)\b"
    r"|\bfe(?:els|lt) (?:solid|fast|slow|snappy|quick|sluggish|clumsy|polished|rough|unfinished|instant|cramped|smooth|"
    r"brittle|flaky)\b")
"""Told as by somebody who was there, with or without an I."""
EVENT_WORDS = frozenset((
    "tried", "ran", "pointed", "threw", "fed", "hit", "hooked", "timed", "clocked", "spent", "gave", "left", "watched",
    "tested", "benchmarked", "installed", "deployed", "evaluated", "profiled", "compared", "i", "we", "my", "our",
    "having", "feels", "felt", "mine", "ours",
))
NOT_EXPERIENCE = re.compile(
    r" (?:to (?:find|name|see|imagine|think|picture|locate|read|work out|believe|say|be)"
    r"|(?:through )?(?:the|these|those) (?:numbers?|maths?|arithmetic|thesis|claims?|argument|dossier|readme|lines))\b",
    re.IGNORECASE)
UNREAL = re.compile(
    r"\b(?:if|unless|until|till|before|(?<!at )once|whether|would|could|might|should|must|will|cannot|can|may|not|"
    r"never|nobody|without|suppose|imagine|had i|hasn|haven|didn|neither|needs?|requires?)\b|n['’]t\b|['’](?:d|ll)\b",
    re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?]\s")
CLAUSE = re.compile(r"[.!?;:\n]|\bbut\b")
QUOTED = "\"“”"
NEAR = 300
"""A clause is looked for so many characters back: a text without full stops must not cost its square."""


def invented_experience(parts: Iterable[Part]) -> list[Flag]:
    """`invented_experience` where a text speaks as if the tool had been used: nobody has used it.

    What is conditional, future, denied, or quoted from the maker is left alone.
    """
    flags = []
    for part in parts:
        flags += _events(part)
        if OPENING_WORDS.isdisjoint(part.words):
            continue
        text, end = part.text, 0
        for opening in OPENING.finditer(text):
            match = EXPERIENCE.match(text, opening.start()) if opening.start() >= end else None
            if match and not _is_unreal(text, match):
                end = match.end()
                flags.append(_flag(part.field, match))
        if not OWNER.isdisjoint(part.words):
            flags += [_flag(part.field, match) for match in POSSESSED.finditer(part.text)
                      if not _is_unreal(part.text, match) and not UNREAL.search(match[0])]
    return _apart(flags, {part.field: part.text for part in parts}) if len(flags) > 1 else flags


def _apart(flags: list[Flag], texts: dict[str, str]) -> list[Flag]:
    """The first flag of each sentence."""
    kept: dict[tuple[str, int], Flag] = {}
    ends = {field: [end.start() for end in SENTENCE_END.finditer(texts[field])]
            for field in {flag.field for flag in flags} if field is not None}
    for flag in flags:
        assert flag.field is not None
        assert flag.span is not None
        kept.setdefault((flag.field, bisect(ends[flag.field], flag.span[0])), flag)
    return list(kept.values())


def _events(part: Part) -> list[Flag]:
    """Where something is told as by somebody who was there."""
    if EVENT_WORDS.isdisjoint(part.words):
        return []
    return [_flag(part.field, match) for match in EVENT.finditer(part.text) if not _is_unreal(part.text, match)]


def _flag(field: str, match: re.Match[str]) -> Flag:
    start, end = match.span()
    start += len(match[0]) - len(match[0].lstrip(" .!?:;,"))
    if match[0] in ("me", "us"):  # "took me": the word before says it
        start = match.string.rfind(" ", 0, max(0, start - 1)) + 1
    said = match.string[start:end]
    return Flag(kind="invented_experience", field=field, span=(start, end), text=said,
                reason=f'"{said}" speaks of use, and the persona has not used the tool')


def _is_unreal(text: str, match: re.Match[str]) -> bool:
    if NOT_EXPERIENCE.match(text, match.end()):
        return True
    start = max(0, match.start() - NEAR)
    for mark in CLAUSE.finditer(text, start, match.start()):
        start = mark.end()
    if UNREAL.search(text, start, match.start()):
        return True
    return sum(text.count(mark, 0, match.start()) for mark in QUOTED) % 2 == 1
