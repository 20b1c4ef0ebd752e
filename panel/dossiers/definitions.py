"""What Markdown never shows: the definitions of links, comments in their form, titles of links, texts of images.

Knows nothing of HTML, and of Markdown only this.
"""

from __future__ import annotations

import re

# A link's definition, with a title or not, and the form in which Markdown has comments, whatever follows. A line of the
# same beginning that is neither is text, and shown.
_REFERENCE = re.compile(
    r"[ ]{0,3}\[(?!\^)(?:(?://|#|_|-|\.|\*|comments?|hidden)\]:[ ]*(?:#|<>|<#>)(?P<comment>.*)$"
    r"|(?:[^\]\\]|\\.){1,200}\]:[ ]*(?:<[^<>]*>|[^\s<]\S*)"
    r"(?:[ ]*$|[ ]+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|\((?P<round>[^()]*)\))[ ]*$"
    r"|[ ]+(?P<open>[\"'(])[^\"')]*$))", re.IGNORECASE)
_LABEL = re.compile(r"[ ]{0,3}\[(?!\^)(?:[^\]\\]|\\.){1,200}\]:[ ]*$")
_TITLE = re.compile(r"[ ]*(?P<open>[\"'(])")
_CLOSES = {'"': '"', "'": "'", "(": ")"}
_CARRIED = re.compile(  # the title of a link, the text instead of an image
    r"\]\(\s*[^()\s]{0,500}\s+(?:\"([^\"\n]*)\"|'([^'\n]*)'|\(([^()\n]*)\))\s*\)|!\[([^\[\]\n]*)\]")
CARRIED_WORDS = 8
"""A link title with so many words is a text of its own: told, as it is not shown."""
ALT_WORDS = 10
"""Images have honest texts of some length."""


def carried_characters(text: str) -> int:
    """Characters of Markdown comments, of long link titles and of long texts instead of images: none is shown."""
    count = 0
    if "]:" in text:
        for line in text.split("\n"):
            found = _REFERENCE.match(line)
            comment = found["comment"] if found else None
            title = found["double"] or found["single"] or found["round"] if found else None
            if comment or (title and len(title.split()) >= CARRIED_WORDS):
                count += len("".join((comment or title or "").split()))
    if "](" in text or "![" in text:
        for match in _CARRIED.finditer(text):
            said = match[match.lastindex or 1] or ""
            if len(said.split()) >= (ALT_WORDS if match[4] else CARRIED_WORDS):
                count += len("".join(said.split()))
    return count


class Definition:
    """Whether lines belong to a link's definition, which is never shown; its title may come on the lines after it."""

    def __init__(self) -> None:
        self._label = ""
        self._title = False
        self._closing = ""

    def takes(self, line: str) -> bool:
        """Whether this line is part of a definition, given the lines before it."""
        if not line.strip():
            self._label, self._title, self._closing = "", False, ""
            return False
        if self._closing:
            self._closing = "" if self._closing in line else self._closing
            return True
        if self._title and self._begins_title(line):
            return True
        if _LABEL.match(line) and not self._label:
            self._label = line
            return True
        found = _REFERENCE.match(f"{self._label} {line.strip()}" if self._label else line)
        self._label = ""
        if found is None:
            self._title = False
            return False
        self._closing = _CLOSES[found["open"]] if found["open"] else ""
        self._title = not any((found["open"], found["double"], found["single"], found["round"]))
        return True

    def _begins_title(self, line: str) -> bool:
        self._title = False
        found = _TITLE.match(line)
        if found is None:
            return False
        closing, rest = _CLOSES[found["open"]], line[found.end() :].rstrip()
        if closing in rest:
            return rest.find(closing) == len(rest) - 1
        self._closing = closing
        return True
