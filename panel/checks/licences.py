"""Text → the licences it names, long or short, with their version. Rules of form; knows no licence's terms."""

from __future__ import annotations

import re

from panel.checks.found import Found

LICENCE = re.compile(
    r"\b(?P<family>A?L?GPL|MPL|BSD|MIT|ISC|BUSL|BSL|SSPL|Unlicense|CC0|WTFPL|EU?PL(?=[- v]?[12])|ELv2|[Aa]pache"
    r"|[Zz]lib|CC[- ](?:BY(?:-[A-Z]{2})*|Attribution)|Creative Commons(?: Attribution)?|Artistic|Business Source"
    r"|Elastic(?= Li)|GNU (?:Affero |Lesser |Library )?(?:General Public|A?L?GPL)"
    r"|(?:Affero |Lesser )?General Public(?= Li)"
    r"|Mozilla Public|Eclipse Public|Server Side Public|[Pp]roprietary(?= li))"
    r"(?:[ -](?:Public |Software )?(?P<licence>[Ll]icen[cs]\w*))?"
    r"(?:,? \(?[Vv]ersion (?P<long>\d(?:\.\d+)?)\b"
    r"|(?:[ -]?[vV]\.? ?|[ -]|(?<=GPL))(?P<version>\d(?:\.\d+)?)(?!\d|\.\d|%| \w+ly\b))?"
    r"(?:(?<=\d)[ -][Cc]lause)?(?P<next> [A-Z])?")
LONG_LICENCES = (
    ("affero", "agpl"), ("lesser", "lgpl"), ("library", "lgpl"), ("agpl", "agpl"), ("lgpl", "lgpl"), ("gnu", "gpl"),
    ("general public", "gpl"), ("mozilla", "mpl"), ("elastic", "elv2"), ("busl", "bsl"), ("business source", "bsl"),
    ("server side", "sspl"), ("eclipse", "epl"), ("attribution", "cc_by"), ("creative commons", "cc"),
)
WITHOUT_VERSION = frozenset({"mit", "elv2", "isc", "cc0"})
"""Families with one version only: "Elastic License 2.0" is ELv2."""
NEED_THE_WORD = frozenset({"apache", "artistic", "zlib", "isc"})
"""Families that are other things too, where nothing near speaks of a licence."""
AT = re.compile(r"\b(?:at|from|by|near|with|and) $")
OF_A_LICENCE = re.compile(r"licen[cs]|open[- ]source|\bunder\b", re.IGNORECASE)
CLAUSES = re.compile(r"\b([0-4]|[Zz]ero|[Tt]wo|[Tt]hree|[Ff]our)[- ][Cc]lause[ -]$")
CLAUSE_COUNTS = {"zero": "0", "two": "2", "three": "3", "four": "4"}
NEAR = 40


def licences(text: str) -> list[Found]:
    """The licences of a text. One without a version stands for one with any; the other way round it does not."""
    found = []
    for match in LICENCE.finditer(text):
        family, version = match["family"].lower(), match["long"] or match["version"]
        named = match["licence"] or match["long"]
        if not named and not version and _is_part_of_name(text, match.start(), match.end("family")):
            continue  # apache-airflow
        if not named and not version and (match["next"] or (_may_be_other(text, match) and not _is_near(text, match))):
            continue  # Apache Kafka, MIT Press, students at MIT
        name = next((short for long, short in LONG_LICENCES if long in family), family)
        start = match.start()
        before = CLAUSES.search(text, max(0, start - 14), start) if name == "bsd" else None
        if before:
            version, start = CLAUSE_COUNTS.get(before[1].lower(), before[1]), before.start()
        version = version.removesuffix(".0") if version and name not in WITHOUT_VERSION else None
        key = f"l:{name.replace(' ', '_').replace('-', '_')}" + (f"-{version}" if version else "")
        unversioned = (f"{key.rpartition('-')[0]}-?",) if version else ()
        end = match.start("next") if match["next"] else match.end()
        found.append(Found("licence", text[start:end], start, end, (key, *unversioned)))
    return found


def _is_part_of_name(text: str, start: int, end: int) -> bool:
    """Whether a hyphen or underscore joins it to another word."""
    after, before = text[end:end + 2], text[max(0, start - 2):start]
    return (after[:1] in ("-", "_") and after[1:].isalpha()) or (before[-1:] in ("-", "_") and before[:1].isalnum())


def _may_be_other(text: str, match: re.Match[str]) -> bool:
    """Whether the name is also that of a foundation, a university or a library."""
    if match["family"].lower() in NEED_THE_WORD:
        return len(text) >= NEAR
    return match["family"] == "MIT" and AT.search(text, max(0, match.start() - 6), match.start()) is not None


def _is_near(text: str, match: re.Match[str]) -> bool:
    return OF_A_LICENCE.search(text, max(0, match.start() - NEAR), match.end() + NEAR) is not None
