"""Untrusted text made harmless for a terminal and for Markdown.

Dossiers and models may write anything: terminal escapes, bidirectional tricks, Markdown that turns into links, images,
headings or HTML. Knows nothing of what the text says.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

_TERMINAL_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})  # control, format (bidi, zero width, tags), lone surrogates

# What Markdown could read inside a line. `<`, `>` and `&` become entities, so that a page has no `<` but our own.
_INLINE = str.maketrans(
    {**{mark: "\\" + mark for mark in "\\`*[]|~^${}"}, "<": "&lt;", ">": "&gt;", "&": "&amp;"}
)
_LONE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_HASH_AFTER_SPACE = re.compile(r"(?<=\s)#")
_BLOCK_MARK = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[-+=:#]))")  # a list, a rule, a heading, at the start of a line
_SEGMENTS = re.compile(r"([\\`|{}<>\s])")
# Many renderers link bare addresses: a scheme, www., a mail address or handle, or anything shaped like a domain.
_ADDRESS = re.compile(r"//|www\.|@|[^\s.]\.[^\W\d_]{2}", re.IGNORECASE)
_CODE_EDGES = re.compile(r"^([(\[\"'“‘]*)(.*?)([.,;:!?)\]\"'”’]*)$", re.DOTALL)


def plain(text: str) -> str:
    """One line without terminal sequences, control or invisible characters; runs of white space are one space."""
    text = _TERMINAL_SEQUENCE.sub("", text)
    if not text.isprintable():
        text = "".join(mark for mark in text if mark.isspace() or unicodedata.category(mark) not in _INVISIBLE)
    return " ".join(text.split())


def shortened(text: str, length: int) -> str:
    """`plain` text of at most `length` characters, cut at a space where there is one, with a mark where it was cut."""
    text = plain(text)
    if len(text) <= length:
        return text
    head, _, rest = text[:length].rpartition(" ")
    return (head or rest[: length - 1]).rstrip(" ,;:.") + "…"


def escaped(text: str) -> str:
    """One line of Markdown that reads as exactly this text, at the start of a line or inside one, and in a table cell.

    Anything a renderer might turn into a link by itself is shown as code: backslashes do not stop every renderer.
    """
    whole = "".join(_segment(part) for part in _SEGMENTS.split(plain(text)))
    whole = _HASH_AFTER_SPACE.sub(r"\\#", whole)
    return _BLOCK_MARK.sub(r"\1\\", whole)


def _segment(part: str) -> str:
    if not _ADDRESS.search(part):
        return _LONE_UNDERSCORE.sub(r"\\_", part.translate(_INLINE))
    edges = _CODE_EDGES.match(part)
    assert edges is not None  # every part of the pattern may be empty
    before, inside, after = edges.groups()
    if not inside:
        return part.translate(_INLINE)
    return f"{before.translate(_INLINE)}`{inside}`{after.translate(_INLINE)}"


def link(url: str) -> str:
    """A Markdown link that shows where it leads, for http and https; any other address is only shown."""
    address = plain(url)
    try:
        parts = urlsplit(address)
        honest = parts.scheme in ("http", "https") and bool(parts.hostname) and not set("@[") & set(parts.netloc)
    except ValueError:
        honest = False
    if not honest or " " in address:
        return escaped(url)
    target = quote(address, safe="/:?#=&%+,;@!-._")
    seen = target.partition("://")[2].rstrip("/")
    return f"[`{seen}`]({target.replace('&', '&amp;')})"
