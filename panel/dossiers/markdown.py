"""A description in Markdown (or plain text) -> pieces a reader can be pointed to, each with how much it says.

Line ends inside a paragraph are blanks, as in Markdown. Images, badges, rules, link targets, reference definitions and
emphasis marks are noise and go. Knows nothing of numbers, tokens or cleaning (the text given is clean).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from panel.dossiers.definitions import Definition

MAX_UNIT = 300
"""Characters of one piece; a longer paragraph is split into sentences, a longer sentence at a comma or blank."""
PACK = 200
"""Short sentences of a long paragraph share a piece up to this many characters."""
MAX_CODE_LINES = 8
"""Lines kept of one block of code; what is left out is said on the last."""


class Worth(IntEnum):
    """How early a piece is given up when a dossier is too long; the lowest goes first."""

    CONTENTS = 0
    """Tables of contents and rows of links."""
    FORMALITY = 1
    """Licence, contributing, citation, thanks, sponsors, news."""
    CODE = 2
    TABLE = 3
    PROSE = 4
    """Paragraphs, lists and headings."""


class Piece(NamedTuple):
    """A line to be: its text, its worth, and its level where it is a heading."""

    text: str
    worth: Worth
    heading: int = 0


_FENCE = re.compile(r"[ >]*(?:[-*+][ ]+|\d{1,3}[.)][ ]+)?(`{3,}(?=[^`]*$)|~{3,})")
_ATX = re.compile(r"[ ]{0,3}(#{1,6})(?:[ ]+(.*?))?(?:[ ]+#+)?[ ]*$")
_SETEXT = re.compile(r"[ ]{0,3}(=+|-{2,})[ ]*$")
_RULE = re.compile(r"[ ]{0,3}(?:(?:\*[ ]*){3,}|(?:-[ ]*){3,}|(?:_[ ]*){3,}|={3,})$")
_ITEM = re.compile(r"[ ]*(?:[-*+•]|(\d{1,3})[.)])[ ]+(.*)$")
_QUOTE = re.compile(r"[ ]{0,3}>[ ]?")
_ADMONITION = re.compile(r"\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]", re.IGNORECASE)
_TABLE_RULE = re.compile(r"[ |]*:?-{2,}[-:| ]*$")
# What is between two marks is bounded: a mark that never closes must not be looked for through all of a text.
_CODE_SPAN = re.compile(r"(`{1,3})(?!`)(.{1,400}?)(?<!`)\1(?!`)")
_TARGET = (  # the last form is a link that was cut off with the text
    r"(?:\(\s*(?:[^()\s]|\([^()\s]*\)){0,2000}(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)|\([^()\s]*\Z)"
)
_IMAGE = re.compile(rf"!\[[^\[\]]*\](?:{_TARGET}|\[[^\[\]]*\])")
_LINK = re.compile(rf"\[((?:[^\[\]]|\[[^\[\]]*\])*)\](?:{_TARGET}|\[[^\[\]]*\])")
_EMPHASIS = re.compile(
    r"(\*{2,3}|(?<![A-Za-z0-9])\*|~~)(?=\S)(.{1,400}?)(?<=\S)\1"
    r"|(?<!\w)(_{1,3})(?=\S)(.{1,400}?)(?<=\S)\3(?!\w)"
)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")
_CONTENTS = re.compile(r"(?:table of )?contents$|toc$|on this page$|index$", re.IGNORECASE)
_FORMALITY = re.compile(
    r"(?:licen[cs]e|licensing|contribut|citation|citing|references?$|acknowledge?ment|credits?$|thanks|sponsor|backers"
    r"|star history|stargazers|code of conduct|change ?log|release notes|news$|what'?s new|(?:latest|project) news"
    r"|(?:get |getting )?(?:help|support)(?: (?:and|&) \w+)?$|community(?: (?:and|&) \w+)?$|communication$"
    r"|contact(?: us)?$|connect with|telemetry|disclaimer|authors?$|maintainers?$|development$|how to contribute"
    r"|support us|follow us|related projects)",
    re.IGNORECASE,
)
_LEADING_SIGNS = re.compile(r"^[^\w\"'(\[`]+(?=\w)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*[ ]+(?=[\"'“‘(\[*_`]*[^a-z\s])|(?<=[。！？])")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|incl|approx|cf|resp|no|nos|fig|inc|ltd|co|corp|dr|mr|mrs|ms|st|u\.s|u\.k|a\.k\.a)\.|\b[A-Z]\.)$",
    re.IGNORECASE,
)


def read_pieces(text: str) -> Iterator[Piece]:
    """The pieces of a description, in order. Nothing without a letter or digit is one."""
    section = Worth.PROSE
    section_level = 0
    bare: Piece | None = None  # a heading that nothing has followed yet
    for block in _blocks(text):
        for piece in _pieces_of(block):
            if piece.heading and (section == Worth.PROSE or piece.heading <= section_level):
                section, section_level = _section_worth(_LEADING_SIGNS.sub("", piece.text)), piece.heading
            if bare and not _is_empty_section(bare, piece):
                yield bare
            bare = None
            worth = min(piece.worth, section)
            told = piece if worth == piece.worth else piece._replace(worth=Worth(worth))
            if piece.heading:
                bare = told
            else:
                yield told
    if bare:
        yield bare


def _is_empty_section(heading: Piece, after: Piece) -> bool:
    """A short title whose section held only pictures. A longer heading may be a statement and stays."""
    return 0 < after.heading <= heading.heading and len(heading.text.split()) <= 4


def _section_worth(title: str) -> Worth:
    if _CONTENTS.match(title):
        return Worth.CONTENTS
    return Worth.FORMALITY if _FORMALITY.match(title) else Worth.PROSE


class _Block(NamedTuple):
    """Lines that belong together: code, table, heading (level > 0), item (with its marker) or paragraph."""

    kind: str
    lines: list[str]
    level: int = 0
    marker: str = ""


def _blocks(text: str) -> Iterator[_Block]:
    held = _Block("paragraph", [])
    fence = ""
    definition = Definition()
    for raw in text.expandtabs(4).split("\n"):
        opening = _FENCE.match(raw)
        if fence:
            if raw.lstrip(" >").startswith(fence) and not raw.strip(" >`~"):
                yield held
                held, fence = _Block("paragraph", []), ""
            else:
                held.lines.append(raw)
            continue
        if opening:
            yield held
            held, fence = _Block("code", []), opening[1]
            continue
        line = raw
        while _QUOTE.match(line):
            line = line[_QUOTE.match(line).end() :]  # type: ignore[union-attr]
        if definition.takes(line):
            yield held
            held = _Block("paragraph", [])
            continue
        if held.kind == "paragraph" and len(held.lines) == 1 and _SETEXT.match(line) and "|" not in held.lines[0]:
            yield _Block("heading", held.lines, 1 if "=" in line else 2)
            held = _Block("paragraph", [])
            continue
        new = _starts(line, held)
        if new is None:
            held.lines.append(line)
        else:
            yield held
            held = new
    yield held


def _starts(line: str, held: _Block) -> _Block | None:
    """The block a line starts, or null when it goes on with the one held."""
    if not line.strip() or _RULE.match(line):
        return _Block("paragraph", [])
    heading = _ATX.match(line)
    if heading:
        return _Block("heading", [heading[2] or ""], len(heading[1]))
    if line.count("|") >= 2 and line.lstrip().startswith("|"):
        return None if held.kind == "table" else _Block("table", [line])
    item = _ITEM.match(line)
    if item:
        return _Block("item", [item[2]], marker=f"{item[1]}. " if item[1] else "- ")
    if held.kind in ("heading", "table"):
        return _Block("paragraph", [line])
    if held.lines and held.lines[-1].endswith(("  ", "\\")):
        return _Block("paragraph", [line])
    return None


def _pieces_of(block: _Block) -> Iterator[Piece]:
    if block.kind == "code":
        yield from _code(block.lines)
    elif block.kind == "table":
        for line in block.lines:
            if not _TABLE_RULE.match(line):
                cells = (" ".join(_inline(cell).split()) for cell in line.strip().strip("|").split("|"))
                yield from _units(" | ".join(filter(None, cells)), Worth.TABLE)
    elif block.lines:
        source = _ADMONITION.sub("", " ".join(line.strip().removesuffix("\\") for line in block.lines)).strip()
        text = " ".join(_inline(source).split())
        if block.kind == "heading":
            if _says_something(text):
                yield Piece(text[:MAX_UNIT], Worth.PROSE, block.level)
            return
        if _says_something(text):
            yield from _units(text, _worth(source), block.marker)


def _worth(source: str) -> Worth:
    """Links into the same page, or links and nothing else: a way to somewhere, not a statement."""
    if "](" not in source or _says_something(_LINK.sub("", _IMAGE.sub("", source))):
        return Worth.PROSE
    return Worth.CONTENTS


def _code(lines: list[str]) -> Iterator[Piece]:
    kept = [line.rstrip() for line in lines if _says_something(line)]
    for at, line in enumerate(kept[:MAX_CODE_LINES], 1):
        left = len(kept) - at
        text = line if len(line) <= MAX_UNIT else line[: MAX_UNIT - 2] + " …"
        if at == MAX_CODE_LINES and left:
            text = f"{text[: MAX_UNIT - 30]} … (and {left} more line{'s' * (left != 1)})"
        yield Piece(text, Worth.CODE)


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))


def _inline(text: str) -> str:
    """The text of a line without images, link targets and emphasis marks; code spans stay as they are."""
    if not any(mark in text for mark in "[*_~\\!`"):
        return text
    parts = []
    position = 0
    text = _IMAGE.sub("", text)
    # A link may hold a code span and a code span may look like a link; spans are put aside while links are read.
    for match in _CODE_SPAN.finditer(text):
        parts.append((text[position : match.start()], match[0]))
        position = match.end()
    spans = [span for _, span in parts]
    joined = "\x00".join([plain for plain, _ in parts] + [text[position:]])
    joined = _LINK.sub(lambda match: match[1].strip(), joined)
    joined = _ESCAPE.sub(r"\1", _EMPHASIS.sub(_unmarked, _EMPHASIS.sub(_unmarked, joined)))
    pieces = joined.split("\x00")
    return pieces[0] + "".join(span + plain for span, plain in zip(spans, pieces[1:], strict=False))


def _unmarked(match: re.Match[str]) -> str:
    inner: str = match[2] or match[4]
    return inner


def _units(text: str, worth: Worth, marker: str = "") -> Iterator[Piece]:
    for unit in split_units(text):
        if _says_something(unit):
            yield Piece(marker + unit, worth)
            marker = ""


def split_units(text: str) -> Iterator[str]:
    """A paragraph as one unit, or as sentences packed to about PACK characters; none over MAX_UNIT."""
    if len(text) <= PACK + 40:
        yield text
        return
    held = ""
    for sentence in split_sentences(text):
        for part in _cut(sentence):
            if held and len(held) + 1 + len(part) > PACK:
                yield held
                held = part
            else:
                held = f"{held} {part}" if held else part
    if held:
        yield held


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph; an abbreviation ends none."""
    sentences: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        sentence = text[start : match.end()].rstrip()
        if sentence and not _ABBREVIATED.search(sentence[-8:]):
            sentences.append(sentence)
            start = match.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences


def _cut(sentence: str) -> Iterator[str]:
    """A sentence in parts of at most MAX_UNIT characters, cut after a comma, at a blank, or anywhere at the worst."""
    while len(sentence) > MAX_UNIT:
        at = max(sentence.rfind(mark, MAX_UNIT // 2, MAX_UNIT) for mark in (", ", "; ", ": ", "，", "、", "；")) + 1
        at = at or sentence.rfind(" ", 1, MAX_UNIT) or MAX_UNIT
        if at <= 0:
            at = MAX_UNIT
        yield sentence[:at].rstrip()
        sentence = sentence[at:].lstrip()
    if sentence:
        yield sentence
