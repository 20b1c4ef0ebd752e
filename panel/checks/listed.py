"""Text → how many things it lists: a claim may count what its lines enumerate ("three backends").

Rules of punctuation; knows nothing of what the things are.
"""

from __future__ import annotations

import re
from functools import lru_cache

BRACKETED = re.compile(r"[(\[{]([^()\[\]{}]{1,500})[)\]}]")
SEPARATOR = re.compile(
    r"(?P<close>,? (?:and/or|and|or|as well as|plus) |,? & )|(?P<comma>[,|•·]|/(?! ))"
    r"|(?P<stop>[.!?:;](?=\s|$)|[–—()\[\]{}]| - )")
OPENS_CLAUSE = re.compile(r"\s*(?:at|in|for|with|on|by|since|when|while|besides|also|today|however|if|as|to|from|after|"
                          r"before|now|its?)\b", re.IGNORECASE)
CLOSES_LIST = re.compile(r"[\s`\"']*(?:more|others?|etc|many|so on|dozens|\.\.\.|…)\b", re.IGNORECASE)
AND = " and "
LONGEST = 2000
"""Characters that are read: nobody counts what a longer line lists."""


@lru_cache(maxsize=1024)
def list_sizes(text: str) -> frozenset[int]:
    """Every number of things that the text may be said to list."""
    sizes: set[int] = set()
    text = text[:LONGEST]
    for inner in BRACKETED.findall(text):
        sizes |= _sizes(inner)
    sizes |= _sizes(BRACKETED.sub(" ", text)) | {text.count(AND) + 1}
    return frozenset(size for size in sizes if size > 1)


def _sizes(text: str) -> set[int]:
    sizes: set[int] = set()
    items: list[str] = []
    closed = False
    start = 0
    for match in SEPARATOR.finditer(text):
        items.append(text[start:match.start()])
        start = match.end()
        if match["stop"] or (closed and match["comma"]):
            sizes |= _counted(items)
            items, closed = [], False
        elif match["close"]:
            if closed:
                sizes |= _counted(items)
            closed = True
    return sizes | _counted([*items, text[start:]])


def _counted(items: list[str]) -> set[int]:
    whole = [item for item in items if item.strip(" .\"'`")]
    size = len(whole)
    sizes = {size}
    if whole and OPENS_CLAUSE.match(whole[0]):
        sizes.add(size - 1)
    if whole and CLOSES_LIST.match(whole[-1]):
        sizes = {each - 1 for each in sizes}
    return sizes
