"""Texts → where they speak as if the tool had been used. Nobody has used it: a persona reads a dossier.

A rule of wording, so it can be talked round; it is tuned to leave alone what is conditional, future, denied, quoted
from the maker, or about the dossier ("I looked for a price"). Knows nothing of the dossier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from panel.checks.parts import Part
from panel.schema import Flag

OPENING_WORDS = frozenset({"i", "we", "my", "our", "me", "us", "hands", "having", "after", "user"})
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
NOT_EXPERIENCE = re.compile(
    r" (?:to (?:find|name|see|imagine|think|picture|locate|read|work out|believe|say|be)"
    r"|(?:through )?(?:the|these|those) (?:numbers?|maths?|arithmetic|thesis|claims?|argument|dossier|readme|lines))\b",
    re.IGNORECASE)
UNREAL = re.compile(
    r"\b(?:if|unless|until|till|before|once|whether|would|could|might|should|must|will|cannot|can|may|not|never|nobody|"
    r"without|suppose|imagine|had i|hasn|haven|didn|neither|needs?|requires?)\b|n['’]t\b|['’](?:d|ll)\b",
    re.IGNORECASE)
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
        if OPENING_WORDS.isdisjoint(part.words):
            continue
        text, end = part.text, 0
        for opening in OPENING.finditer(text):
            match = EXPERIENCE.match(text, opening.start()) if opening.start() >= end else None
            if match and not _is_unreal(text, match):
                end = match.end()
                flags.append(Flag(kind="invented_experience", field=part.field, span=match.span(), text=match[0],
                                  reason=f'"{match[0]}" speaks of use, and the persona has not used the tool'))
    return flags


def _is_unreal(text: str, match: re.Match[str]) -> bool:
    if NOT_EXPERIENCE.match(text, match.end()):
        return True
    start = max(0, match.start() - NEAR)
    for mark in CLAUSE.finditer(text, start, match.start()):
        start = mark.end()
    if UNREAL.search(text, start, match.start()):
        return True
    return sum(text.count(mark, 0, match.start()) for mark in QUOTED) % 2 == 1
