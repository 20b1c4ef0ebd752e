"""HTML in a text -> what a browser would show of it; hidden parts are taken out and counted.

A scanner for prose with HTML in it (a README), not a parser of pages: a name in angle brackets that is no HTML element
(`Vec<T>`, `<your-key>`) stays, and so does code in fences and backticks where Markdown would show it. What a style
hides is known to `styles`.
"""

from __future__ import annotations

import html
import itertools
import re
from collections import Counter
from typing import NamedTuple

from panel.dossiers.styles import Look, look_of, read_attributes, read_sheet

_BLOCK_START = (  # what Markdown takes for a block of raw HTML, up to the next empty line
    r"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl"
    r"|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main"
    r"|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title"
    r"|tr|track|ul|script|pre|style|textarea)(?=[\s/>])|<!"
    r"|</?[A-Za-z][\w-]*(?:\s[^<>\n]*)?>[ \t]*$"
)
_LANDMARK = re.compile(
    rf"^[ \t]*$|^[ \t>]{{0,3}}(?:[-*+][ \t]|\d{{1,3}}[.)][ \t])?[ \t]{{0,3}}(?P<html>{_BLOCK_START})",
    re.MULTILINE | re.IGNORECASE,
)
_TOKEN = re.compile(
    r"(?P<fence>^[ \t>]*(?:[-*+][ \t]+|\d{1,3}[.)][ \t]+)?(?P<mark>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*"
    r"(?:\n(?![ \t>]*(?P=mark)[`~]*[ \t]*$)[^\n]*)*(?:\n[ \t>]*(?P=mark)[`~]*[ \t]*$)?)"
    r"|(?P<code>(?<![`\\])(?P<ticks>`{1,3})(?!`)(?:(?!\n[ \t]*\n).){1,400}?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<comment><!--(?:>|->|.*?(?:--!?>|\Z)))"
    r"|(?P<cdata><!\[CDATA\[.*?(?:\]\]>|\Z))"
    r"|(?P<declared><(?:![A-Za-z\[]|\?[A-Za-z])[^>]*(?:>|\Z)|<(?:! |/[ !?])[^<>\n]{0,400}>)"
    r"|(?P<link><(?=[a-z][a-z0-9+.-]{1,20}:|[\w.+-]+@)[^<>\s]+>)"
    r"|(?P<tag><(?P<close>/?)(?P<name>[A-Za-z][\w:-]*)(?=[\s/>]))",
    re.MULTILINE | re.DOTALL,
)
# As a browser cuts a tag: a quote opens a value only behind an equals sign.
_ATTRIBUTES = re.compile(r"(?:[\s/]++|=|[^\s/>=]++(?:\s*+=\s*+(?:\"[^\"]*\"|'[^']*'|[^\s>\"'][^\s>]*+)?)?)*+>")
_MAX_TAG = 4000
_SHEET = re.compile(r"<style\b[^>]{0,200}>", re.IGNORECASE)
MAX_SHEETS = 10
MAX_OPEN = 400
"""Elements kept open at once; past that, the outermost that hides nothing is forgotten."""
CARRIED_WORDS = 4
"""A title or another attribute with so many words is a text of its own: told when it is taken away."""
ALT_WORDS = 10
"""Images have honest texts of some length."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INLINE = _names(
    "a abbr b bdi bdo big cite code del dfn em font i img ins kbd mark nobr picture q s samp small span strike strong "
    "sub sup svg tt u var wbr"
)
_BLOCK = _names(
    "address article aside audio blockquote br caption center col colgroup dd details dialog div dl dt figcaption "
    "figure footer h1 h2 h3 h4 h5 h6 header hr iframe li main menu meter nav ol p pre progress script section style "
    "summary table tbody td tfoot th thead tr ul video"
)
# Also words people put in angle brackets for the reader to fill in: markup only with attributes or a close.
_AMBIGUOUS = _names(
    "annotation annotation-xml applet base body button canvas data datalist embed fieldset form frameset head html "
    "input label legend link map math meta noembed noframes noscript object option output param rp select source "
    "template textarea time title track"
)
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_UNSEEN = _names(
    "annotation annotation-xml applet audio canvas datalist head iframe noembed noframes noscript object rp script "
    "style svg template title video meter progress"
)
_RAW = _names("iframe noembed noframes noscript script style textarea title")
"""Elements in which no other begins: only their own end tag ends them."""
_UNREAD = _names("class d href id media points sizes src srcset style transform values viewbox")
_WORD = re.compile(r"[^\W\d_]{2,}")
_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_SELF_CLOSING = frozenset(("p", "li", "dt", "dd", "tr", "td", "th", "option"))
_NESTED_AMP = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+")
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});(?=(/?[A-Za-z][\w:-]*|[!?])?)")


def strip_markup(text: str, removed: Counter[str]) -> str:
    """The visible text. `removed` counts, by cause, the characters of text that were hidden."""
    if "<" not in text and "&" not in text:
        return text
    return _Scan(text, removed).run()


class _Open(NamedTuple):
    """An element that is open, and how its text looks."""

    name: str
    look: Look


class _Scan:
    """One pass over a text: what has been shown so far, and the elements that are open."""

    def __init__(self, text: str, removed: Counter[str]) -> None:
        self._text = text
        self._removed = removed
        self._shown: list[str] = []
        self._open: list[_Open] = []
        """Outermost first."""
        self._names: Counter[str] = Counter()
        """How many of each name are open."""
        self._hidden: str | None = None
        self._raw_html = False
        self._looked_to = 0
        """Up to here it is known whether Markdown reads the paragraph as HTML."""
        self._ends: dict[str, int] = {}
        """Where the next end tag of a name stands, as far as it has been looked for."""
        self._sheet = read_sheet(self._style_sheets())

    def _style_sheets(self) -> str:
        """The style sheets of the text, wherever they stand."""
        starts = itertools.islice(_SHEET.finditer(self._text), MAX_SHEETS)
        return "\n".join(self._text[start.end() : self._end_of("style", start.end())] for start in starts)

    def run(self) -> str:
        position = 0
        while match := _TOKEN.search(self._text, position):
            self._say(_decoded(self._text[position : match.start()]))
            position = self._token(match)
        self._say(_decoded(self._text[position:]))
        return "".join(self._shown)

    def _say(self, text: str) -> None:
        # An arrow or a star that a screen reader passes over is there for everybody else.
        if self._hidden is None or (self._hidden == "aria-hidden" and not any(map(str.isalnum, text))):
            self._shown.append(text)
        else:
            self._count(self._hidden, text)

    def _count(self, why: str, text: str) -> None:
        size = len("".join(text.split()))
        if size:
            self._removed[f"hidden HTML ({why})"] += size

    def _token(self, match: re.Match[str]) -> int:
        """Deal with one token; where to go on."""
        if self._escaped(match.start()):
            self._say(self._text[match.start()])
            return match.start() + 1
        if match["tag"]:
            return self._tag(match)
        if match["comment"] or match["declared"] or match["cdata"]:
            self._count("comment", match[0].strip("<>!?/- \t\n"))
        elif match["link"]:
            self._say(match[0][1:-1])
        elif self._in_raw_html(match.start()):
            ticks = match["mark"] or match["ticks"]
            start = match.start("mark") if match["mark"] else match.start()
            self._say(self._text[match.start() : start] + ticks)
            return start + len(ticks)
        else:
            self._say(match[0])
            self._looked_to = max(self._looked_to, match.end())
        return match.end()

    def _escaped(self, at: int) -> bool:
        """Whether Markdown shows this character as it stands, for the backslash before it."""
        if at == 0 or self._text[at - 1] != "\\":
            return False
        before = self._text[max(0, at - 100) : at]
        return (len(before) - len(before.rstrip("\\"))) % 2 == 1 and not self._in_raw_html(at)

    def _in_raw_html(self, at: int) -> bool:
        """Whether Markdown reads this paragraph as HTML, so that backticks and backslashes in it guard nothing."""
        for landmark in _LANDMARK.finditer(self._text, self._looked_to, at + 1):
            self._raw_html = landmark["html"] is not None
        self._looked_to = max(self._looked_to, at)
        return self._raw_html

    def _tag(self, match: re.Match[str]) -> int:
        name, closing = match["name"].lower(), bool(match["close"])
        closed = self._text.find(">", match.end(), match.end() + _MAX_TAG) >= 0
        end = _ATTRIBUTES.match(self._text, match.end(), match.end() + _MAX_TAG) if closed else None
        given = self._text[match.end() : end.end() - 1] if end else ""
        known = name in _INLINE or name in _BLOCK
        if end is None:
            if not known:
                self._say(match[0])
                return match.end()
            stop = self._text.find(">", match.end(), match.end() + _MAX_TAG) + 1 or len(self._text)
            self._count("broken tag", self._text[match.end() : stop])
            return stop
        if not closing:
            self._end_implied(name)
        attributes = read_attributes(given) if given.strip(" \t\n/") and not closing else {}
        outer = self._open[-1].look if self._open else Look()
        look = outer if closing else look_of(name, attributes, outer, self._sheet)
        if name in _UNSEEN or (name == "dialog" and "open" not in attributes):
            look = look._replace(gone=look.gone or name)
        if not known and not self._is_markup(match, given, look.hidden not in (None, name, outer.hidden)):
            self._say(match[0])
            return match.end()
        self._carried(attributes)
        if name in _BLOCK:
            self._say("\n" if name not in ("td", "th") else " ")
        if closing:
            self._close(name)
        elif name in _RAW:
            return self._raw(name, look, end.end())
        elif name not in _VOID:
            self._push(name, look, end.end(), given.endswith("/"))
        return end.end()

    def _carried(self, attributes: dict[str, str]) -> None:
        """Count what attributes said that nobody sees: titles, alternatives, data, values."""
        for name, value in attributes.items():
            fewest = ALT_WORDS if name == "alt" else CARRIED_WORDS
            if name not in _UNREAD and len(value) > 2 * fewest and len(_WORD.findall(value)) >= fewest:
                self._count("attribute", value)

    def _is_markup(self, tag: re.Match[str], given: str, hides: bool) -> bool:
        """Whether a name that may be no element's is one here: it closes what is open, hides, or is used as one."""
        name = tag["name"].lower()
        if self._names[name] or hides or re.search(r"\s[^\s=]+\s*=\s*[\"'\w]", given):
            return True
        if name not in _AMBIGUOUS or tag["close"]:
            return False
        if "=" in given or self._closes_later(name, tag.end()):
            return True
        return name in _UNSEEN and self._alone(tag)

    def _alone(self, tag: re.Match[str]) -> bool:
        """Whether nothing else stands on the line of a tag."""
        before = self._text[self._text.rfind("\n", max(0, tag.start() - 80), tag.start()) + 1 : tag.start()]
        after = self._text[tag.end() : tag.end() + 80].partition("\n")[0]
        return not before.strip() and after.strip() in (">", "/>")

    def _closes_later(self, name: str, start: int) -> bool:
        """Whether an end tag of this name follows."""
        return self._end_of(name, start) < len(self._text)

    def _end_of(self, name: str, start: int) -> int:
        """Where the next end tag of this name begins, or the end of the text. No stretch is searched twice."""
        if self._ends.get(name, -1) < start:
            found = re.compile(rf"</{re.escape(name)}(?=[\s/>])", re.IGNORECASE).search(self._text, start)
            self._ends[name] = found.start() if found else len(self._text)
        return self._ends[name]

    def _raw(self, name: str, look: Look, start: int) -> int:
        """An element whose text is text only: said or counted as it stands, up to its end tag."""
        stop = self._end_of(name, start)
        inner = self._text[start:stop]
        if look.hidden:
            self._count(look.hidden, inner)
        else:
            self._say(_decoded(inner))
        closed = self._text.find(">", stop)
        return closed + 1 if closed >= 0 else len(self._text)

    def _push(self, name: str, look: Look, end: int, slash: bool) -> None:
        if name == "svg" and not self._closes_later(name, end):
            return
        if slash and look.hidden in (None, "aria-hidden", "hiding class", "svg"):
            return  # an icon; a browser leaves it open, and shows what follows
        if len(self._open) >= MAX_OPEN:
            self._forget()
        self._open.append(_Open(name, look))
        self._names[name] += 1
        self._hidden = look.hidden

    def _end_implied(self, name: str) -> None:
        """A new item ends the last one, and any block a paragraph, although no end tag says so."""
        last = self._open[-1].name if self._open else ""
        if last and ((last == name and name in _SELF_CLOSING) or (last == "p" and name in _BLOCK)):
            self._close(last)

    def _forget(self) -> None:
        outermost = next((at for at, one in enumerate(self._open) if one.look.hidden is None), 1)
        self._names[self._open.pop(min(outermost, len(self._open) - 2)).name] -= 1

    def _close(self, name: str) -> None:
        if not self._names[name]:
            return
        at = next(at for at in range(len(self._open) - 1, -1, -1) if self._open[at].name == name)
        # A browser does not let an inline end tag close a block that was opened inside.
        inside = any(one.name in _BLOCK for one in self._open[at + 1 :]) if name in _INLINE else False
        if inside and name not in _FORMATTING:
            return
        gone = self._open[at : at + 1] if inside else self._open[at:]
        if inside:
            del self._open[at]
        else:
            del self._open[at:]
        for one in gone:
            self._names[one.name] -= 1
        self._hidden = self._open[-1].look.hidden if self._open else None


def _decoded(text: str) -> str:
    """Character references as characters; `<` before an element's name as `‹`, lest it be taken for a tag."""
    if "&" not in text:
        return text
    return _ENTITY.sub(_character, _NESTED_AMP.sub("&", text))


def _character(match: re.Match[str]) -> str:
    char = html.unescape(match[0])
    if char.endswith(";") and char.startswith("&"):
        return match[0]
    name = (match[2] or "").strip("/").lower()
    markup = name in ("!", "?") or name in _INLINE or name in _BLOCK or name in _AMBIGUOUS
    return "‹" if char == "<" and markup else char
