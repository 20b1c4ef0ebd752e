"""HTML in a text -> what a browser would show of it; hidden parts are taken out and counted.

A scanner for prose with HTML in it (a README), not a parser of pages: a name in angle brackets that is no HTML element
(`Vec<T>`, `<your-key>`) stays, and so does code in fences and backticks where Markdown would show it. Knows styles
given on the element only, no style sheets.
"""

from __future__ import annotations

import html
import re
from collections import Counter

_TOKEN = re.compile(
    r"(?P<fence>^[ \t>]*(?:[-*+][ \t]+|\d{1,3}[.)][ \t]+)?(?P<mark>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*"
    r"(?:\n(?![ \t>]*(?P=mark)[`~]*[ \t]*$)[^\n]*)*(?:\n[ \t>]*(?P=mark)[`~]*[ \t]*$)?)"
    r"|(?P<code>(?<![`\\])(?P<ticks>`{1,3})(?!`)(?:(?!\n[ \t]*\n).){1,400}?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<comment><!--(?:>|->|.*?(?:--!?>|\Z)))"
    r"|(?P<declared><(?:![A-Za-z\[]|\?[A-Za-z])[^>]*(?:>|\Z))"
    r"|(?P<link><(?=[a-z][a-z0-9+.-]{1,20}:|[\w.+-]+@)[^<>\s]+>)"
    r"|(?P<tag><(?P<close>/?)(?P<name>[A-Za-z][\w:-]*)(?=[\s/>]))",
    re.MULTILINE | re.DOTALL,
)
_ATTRIBUTES = re.compile(r"(?:[^'\">]|\"[^\"]*\"|'[^']*')*+>")
_ATTRIBUTE = re.compile(r"([^\s=/'\">]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
_MAX_TAG = 2000



def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INLINE = _names(
    "a abbr b bdi bdo big cite code del dfn em font i img ins kbd mark nobr picture q s samp small span strike strong "
    "sub sup svg tt u var wbr"
)
_BLOCK = _names(
    "address article aside audio blockquote br caption center col colgroup dd details dialog div dl dt figcaption "
    "figure footer h1 h2 h3 h4 h5 h6 header hr iframe li main menu nav ol p pre script section style summary table "
    "tbody td tfoot th thead tr ul video"
)
# Also words people put in angle brackets for the reader to fill in: markup only with attributes or a close.
_AMBIGUOUS = _names(
    "base body button canvas data datalist embed fieldset form head html input label legend link map math meta "
    "noscript object option output param select source template textarea time title track"
)
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_UNSEEN = _names("script style template head title iframe svg canvas datalist noembed noframes")
_SELF_CLOSING = frozenset(("p", "li", "dt", "dd", "tr", "td", "th", "option"))
_HIDING_CLASS = re.compile(r"(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text|d-none|hidden)(?:\s|$)")
_NOTHING_PX = r"(?:0*\.\d+|0+(?:\.\d*)?|1(?:\.0*)?)(?:px|pt|em|rem|%|vw|vh)?(?:!important)?(?:;|$)"
_WHITE = r"(?:white|#fff(?:f|fff|fffff)?|rgba?\(255,255,255(?:,[\d.]+)?\)|hsla?\(\d+,\d+%,100%(?:,[\d.]+)?\))"
_NO_COLOR = r"(?:transparent|rgba\([\d.,%]+,0(?:\.0*)?\)|#[0-9a-f]{6}00|#[0-9a-f]{3}0)(?:!important)?(?:;|$)"
_HIDING_STYLES = (
    ("display:none", re.compile(r"(?:^|;)display:none")),
    ("visibility", re.compile(r"(?:^|;)(?:visibility:(?:hidden|collapse)|content-visibility:hidden|mso-hide:all)")),
    ("opacity 0", re.compile(r"(?:^|;)opacity:0*(?:\.0*\d?)?%?(?:!important)?(?:;|$)")),
    ("font-size 0", re.compile(rf"(?:^|;)font(?:-size)?:(?:[a-z-]+ )*{_NOTHING_PX}")),
    ("no color", re.compile(rf"(?:^|;)(?:color|-webkit-text-fill-color):{_NO_COLOR}")),
    ("off-screen", re.compile(r"(?:^|;)(?:left|right|top|bottom|text-indent|margin(?:-left|-top)?):-\d{3,}"
                              r"|(?:^|;)transform:(?:[a-z]+\(.*\))?(?:translate[xy3d]*\(-\d{3,}|scale[xy]?\(0\))")),
    ("clipped", re.compile(r"(?:^|;)(?:clip:rect\([01(px), ]*\)|clip-path:(?:inset\((?:[5-9]\d|100)%|circle\(0))"
                           rf"|(?:^|;)(?:max-)?(?:height|width):{_NOTHING_PX}(?:.*;)?overflow:(?:hidden|clip)"
                           rf"|(?:^|;)overflow:(?:hidden|clip)(?:.*;)?(?:max-)?(?:height|width):{_NOTHING_PX}")),
)  # fmt: skip
_COLOR = re.compile(r"(?:^|;)color:([^;]+)")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;]+)")
_NESTED_AMP = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+")
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});(?=(/?[A-Za-z][\w:-]*|[!?])?)")


def strip_markup(text: str, removed: Counter[str]) -> str:
    """The visible text. `removed` counts, by cause, the characters of text that were hidden."""
    if "<" not in text and "&" not in text:
        return text
    return _Scan(text, removed).run()


class _Scan:
    """One pass over a text: what has been shown so far, and the elements that are open."""

    def __init__(self, text: str, removed: Counter[str]) -> None:
        self._text = text
        self._removed = removed
        self._shown: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        """(name, why it is hidden or null), outermost first."""
        self._hidden: str | None = None

    def run(self) -> str:
        position = 0
        while match := _TOKEN.search(self._text, position):
            self._say(_decoded(self._text[position : match.start()]))
            position = self._token(match)
        self._say(_decoded(self._text[position:]))
        return "".join(self._shown)

    def _say(self, text: str) -> None:
        if self._hidden is None:
            self._shown.append(text)
        else:
            self._count(self._hidden, text)

    def _count(self, why: str, text: str) -> None:
        self._removed[f"hidden HTML ({why})"] += len("".join(text.split()))

    def _token(self, match: re.Match[str]) -> int:
        """Deal with one token; where to go on."""
        if match["tag"]:
            return self._tag(match)
        if match["comment"] or match["declared"]:
            inner = match[0].strip("<>!?- \t\n")
            if inner:
                self._count("comment", inner)
        elif match["link"]:
            self._say(match[0][1:-1])
        elif self._hidden or self._in_raw_html(match.start()):
            ticks = match["mark"] or match["ticks"]
            start = match.start("mark") if match["mark"] else match.start()
            self._say(self._text[match.start() : start] + ticks)
            return start + len(ticks)
        else:
            self._say(match[0])
        return match.end()

    def _in_raw_html(self, at: int) -> bool:
        """Whether Markdown reads this paragraph as HTML, so that backticks in it guard nothing."""
        floor = max(0, at - _MAX_TAG)
        blank = self._text.rfind("\n\n", floor, at)
        return self._text[floor if blank < 0 else blank : at].lstrip()[:1] == "<"

    def _tag(self, match: re.Match[str]) -> int:
        name, closing = match["name"].lower(), bool(match["close"])
        end = _ATTRIBUTES.match(self._text, match.end(), match.end() + _MAX_TAG)
        given = self._text[match.end() : end.end() - 1] if end else ""
        known = name in _INLINE or name in _BLOCK
        if end is None:
            if not known:
                self._say(match[0])
                return match.end()
            stop = self._text.find(">", match.end(), match.end() + _MAX_TAG) + 1 or len(self._text)
            self._count("broken tag", self._text[match.end() : stop])
            return stop
        why = None if closing else _why_hidden(name, given)
        if not known and not self._is_markup(name, given, end.end(), why):
            self._say(match[0])
            return match.end()
        if name in _BLOCK:
            self._say("\n" if name not in ("td", "th") else " ")
        if closing:
            self._close(name)
        elif name not in _VOID and not given.endswith("/"):
            self._push(name, why, end.end())
        return end.end()

    def _is_markup(self, name: str, given: str, end: int, why: str | None) -> bool:
        """Whether a name that may be no element's is one here: it closes what is open, hides, or is used as one."""
        if any(name == open_name for open_name, _ in self._open):
            return True
        if name not in _AMBIGUOUS:
            return why is not None
        return why not in (None, name) or "=" in given or self._closes_later(name, end)

    def _closes_later(self, name: str, end: int) -> bool:
        return re.compile(rf"</{name}[\s>]", re.IGNORECASE).search(self._text, end, end + 20_000) is not None

    def _push(self, name: str, why: str | None, end: int) -> None:
        if name in _SELF_CLOSING and self._open and self._open[-1][0] == name:
            self._close(name)
        if name == "svg" and not self._closes_later(name, end):
            return
        if len(self._open) < 500:
            self._open.append((name, why))
            self._hidden = self._hidden or why

    def _close(self, name: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == name:
                del self._open[at:]
                self._hidden = next((why for _, why in self._open if why), None)
                return


def _why_hidden(name: str, given: str) -> str | None:
    """Why a browser would show nothing of this element, or null."""
    if name in _UNSEEN:
        return name
    if not given.strip():
        return None
    attributes = {
        match[1].lower(): html.unescape(match[2] or match[3] or match[4] or "").lower()
        for match in _ATTRIBUTE.finditer(given)
    }
    if "hidden" in attributes:
        return "hidden attribute"
    if attributes.get("aria-hidden") == "true":
        return "aria-hidden"
    if _HIDING_CLASS.search(attributes.get("class", "")):
        return "hiding class"
    if name == "font" and (re.fullmatch(_WHITE, attributes.get("color", "")) or attributes.get("size") == "0"):
        return "white text"
    return _why_style_hides(attributes.get("style", ""))


def _why_style_hides(style: str) -> str | None:
    if not style:
        return None
    style = re.sub(r"/\*.*?\*/|\\", "", style, flags=re.DOTALL)
    style = re.sub(r"\s*([:;,()])\s*", r"\1", " ".join(style.split()))
    for why, pattern in _HIDING_STYLES:
        if pattern.search(style):
            return why
    color, background = _COLOR.search(style), _BACKGROUND.search(style)
    if color and background and color[1].strip() == background[1].strip():
        return "color of the background"
    if color and not background and re.match(_WHITE, color[1]):
        return "white text"
    return None


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
