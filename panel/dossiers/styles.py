"""The attributes of an HTML element -> whether a browser would show its text, and what its children take over from it.

Reads `style`, a few attributes, and the simplest rules of a style sheet (one class, id or element name). Knows nothing
of texts, tags or Markdown.
"""

from __future__ import annotations

import colorsys
import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

Color = tuple[int, int, int]
WHITE: Color = (255, 255, 255)
NEAR = 26
"""Two colours that differ by less in each channel cannot be told apart by a reader."""

_ATTRIBUTE = re.compile(
    r"([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"'][^\s>]*)))?"
)
_HIDING_CLASS = re.compile(
    r"(?:^|\s)(?:sr-only|visually-?hidden|screen-reader(?:-text|-only)?|d-none|is-hidden|hidden|invisible|u-hidden)(?:\s|$)"
)
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_CSS_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?|\\(.)", re.DOTALL)
_LENGTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(px|pt|pc|em|rem|ex|ch|%|v[wh]|vmin|vmax|cm|mm|in)?")
_PIXELS = {"px": 1.0, "pt": 1.33, "pc": 16.0, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "%": 0.16, "vw": 12.0,
           "vh": 8.0, "vmin": 8.0, "vmax": 12.0, "cm": 38.0, "mm": 3.8, "in": 96.0, None: 1.0}  # fmt: skip
SMALLEST = 2.5
"""Pixels of a letter nobody reads; also of a box nobody sees into."""
OFF_SCREEN = 400
"""Pixels a text is moved by so that it leaves the page."""
_SHOWN_DISPLAYS = re.compile(
    r"(?:block|inline|flex|grid|table|list-item|contents|flow|initial|inherit|unset|revert|ruby)")
_NAMED = {
    "white": WHITE, "snow": (255, 250, 250), "ivory": (255, 255, 240), "ghostwhite": (248, 248, 255),
    "floralwhite": (255, 250, 240), "whitesmoke": (245, 245, 245), "mintcream": (245, 255, 250),
    "azure": (240, 255, 255), "aliceblue": (240, 248, 255), "seashell": (255, 245, 238), "black": (0, 0, 0),
    "lightyellow": (255, 255, 224), "honeydew": (240, 255, 240), "linen": (250, 240, 230), "red": (255, 0, 0),
    "lavenderblush": (255, 240, 245), "oldlace": (253, 245, 230), "green": (0, 128, 0), "blue": (0, 0, 255),
    "yellow": (255, 255, 0), "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192),
    "navy": (0, 0, 128), "purple": (128, 0, 128), "orange": (255, 165, 0), "lime": (0, 255, 0), "teal": (0, 128, 128),
    "maroon": (128, 0, 0), "olive": (128, 128, 0), "darkgray": (169, 169, 169), "lightgray": (211, 211, 211),
    "lightgrey": (211, 211, 211), "dimgray": (105, 105, 105), "gainsboro": (220, 220, 220), "canvas": WHITE,
}  # fmt: skip
_COLOR = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^()]*\)|\b(?:" + "|".join((*_NAMED, "transparent")) + r")\b")


class Look(NamedTuple):
    """How the text of an element looks: why it is gone for good, and what a child may undo."""

    gone: str | None = None
    visibility: str | None = None
    small: str | None = None
    color: Color | None = None
    """None: the browser's, which is black."""
    background: Color | None = WHITE
    """None: a picture, or anything else that cannot be told."""
    shade: str | None = None

    @property
    def hidden(self) -> str | None:
        """Why nothing of the text can be seen, or null."""
        return self.gone or self.visibility or self.small or self.shade


Sheet = Mapping[str, str]
"""What a style sheet says: "p", ".class" or "#id" -> declarations."""


def read_attributes(given: str) -> dict[str, str]:
    """Name -> value, of two with one name the first, as in a browser."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(given):
        found.setdefault(match[1].lower(), html.unescape(match[2] or match[3] or match[4] or ""))
    return found


def read_sheet(text: str) -> dict[str, str]:
    """The rules of a style sheet that are for one class, id or element name."""
    sheet: dict[str, str] = {}
    for rule in text.split("}"):
        selectors, brace, declarations = rule.rpartition("{")
        if not brace or "@media print" in selectors or len(selectors) > 1000:
            continue
        for selector in selectors.rpartition("{")[2].lower().split(","):
            last = (selector.split() or [""])[-1]
            simple = re.fullmatch(r"[a-z0-9]*([.#][\w-]+)", last) or re.fullmatch(r"([a-z][a-z0-9-]*)", last)
            if simple:
                sheet[simple[1]] = f"{sheet.get(simple[1], '')};{declarations}"
    return sheet


def look_of(name: str, attributes: Mapping[str, str], outer: Look, sheet: Sheet) -> Look:
    """How the text of an element looks that stands in `outer`."""
    style = _declarations(_sheet_style(name, attributes, sheet) + attributes.get("style", "").lower())
    inner = outer._replace(gone=outer.gone or _attribute_hides(attributes) or _style_hides(style))
    visibility = style.get("visibility", "")
    if visibility in ("hidden", "collapse"):
        inner = inner._replace(visibility="visibility")
    elif visibility in ("visible", "initial"):
        inner = inner._replace(visibility=None)
    inner = inner._replace(small=_small(style, outer.small))
    color = style.get("-webkit-text-fill-color") or style.get("color") or attributes.get("color", "").lower()
    background = style.get("background-color") or style.get("background") or attributes.get("bgcolor", "").lower()
    if color or background:
        inner = _shaded(inner, color, background)
    return inner


def _sheet_style(name: str, attributes: Mapping[str, str], sheet: Sheet) -> str:
    if not sheet:
        return ""
    keys = [name, *(f".{one}" for one in attributes.get("class", "").lower().split()),
            f"#{attributes.get('id', '').lower()}"]
    return "".join(f"{sheet[key]};" for key in keys if key in sheet)


def _attribute_hides(attributes: Mapping[str, str]) -> str | None:
    if "hidden" in attributes:
        return "hidden attribute"
    if "popover" in attributes:
        return "popover"
    if attributes.get("aria-hidden", "").strip().lower() == "true":
        return "aria-hidden"
    if _HIDING_CLASS.search(attributes.get("class", "").lower()):
        return "hiding class"
    return None


def _declarations(style: str) -> dict[str, str]:
    """Property -> value; the last one wins, `!important` before all, and what a browser would drop does not count."""
    style = re.sub(r"/\*.*?(?:\*/|\Z)", "", style, flags=re.DOTALL)
    style = _STRING.sub("", _CSS_ESCAPE.sub(_unescaped, style))
    found: dict[str, str] = {}
    important: set[str] = set()
    for declaration in _parts(style):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), " ".join(value.split())
        urgent = value.endswith("!important") or value.endswith("! important")
        value = value.removesuffix("important").rstrip().removesuffix("!").rstrip() if urgent else value
        value = re.sub(r"var\(\s*(--[\w-]+)[^()]*\)", lambda used: found.get(used[1], ""), value).strip()
        if not value or (name in important and not urgent):
            continue
        if name == "display" and value != "none" and not _SHOWN_DISPLAYS.match(value):
            continue
        found[name] = value
        if urgent:
            important.add(name)
    return found


def _unescaped(match: re.Match[str]) -> str:
    if not match[1]:
        return match[2]
    code = int(match[1], 16)
    return chr(code).lower() if 0x20 <= code < 0xD800 else ""


def _parts(style: str) -> Iterator[str]:
    """The declarations, cut at semicolons that stand in no bracket."""
    depth = start = 0
    for match in re.finditer(r"[()\[\]{};]", style):
        char = match[0]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth = max(0, depth - 1)
        elif depth == 0:
            yield style[start : match.start()]
            start = match.end()
    yield style[start:]


def _pixels(value: str) -> float | None:
    """A length in pixels, roughly; null for words."""
    match = _LENGTH.fullmatch(value)
    return float(match[1]) * _PIXELS[match[2]] if match else None


def _tiny(value: str | None) -> bool:
    pixels = _pixels(value or "")
    return pixels is not None and pixels <= SMALLEST


def _far(value: str) -> bool:
    """Whether one of the lengths in a value carries a text off the page."""
    for match in _LENGTH.finditer(value):
        pixels = float(match[1]) * _PIXELS[match[2]]
        if match[2] == "%" and abs(float(match[1])) >= 100:
            return True
        if pixels <= -OFF_SCREEN or pixels >= 8 * OFF_SCREEN:
            return True
    return False


def _zero(value: str | None, most: float = 0.05) -> bool:
    match = re.fullmatch(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(%?)", value or "")
    return match is not None and float(match[1]) <= (most * 100 if match[2] else most)


def _style_hides(style: Mapping[str, str]) -> str | None:
    """Why the element is gone with all that is in it."""
    if not style:
        return None
    if style.get("display") == "none" or style.get("mso-hide") == "all":
        return "display:none"
    if style.get("content-visibility") == "hidden":
        return "visibility"
    filtered = re.search(r"opacity\(\s*([^)\s]*)\s*\)", style.get("filter", ""))
    if _zero(style.get("opacity")) or (filtered and _zero(filtered[1])):
        return "opacity 0"
    if _moved_off(style):
        return "off-screen"
    if _clipped(style) or _squeezed(style):
        return "clipped"
    return None


def _moved_off(style: Mapping[str, str]) -> bool:
    sides = ["text-indent", "margin", "margin-left", "margin-top", "margin-right", "margin-inline-start", "translate"]
    if style.get("position", "") in ("absolute", "fixed", "relative", "sticky"):
        sides += ["left", "right", "top", "bottom", "inset", "inset-inline-start"]
    else:
        sides += ["left", "top"]  # written to hide, whatever a browser makes of it without a position
    if any(_far(style[side]) for side in sides if side in style and not ("%" in style[side] and "margin" in side)):
        return True
    transform = style.get("transform", "")
    moved = re.search(r"translate[xyz3d]*\(([^()]*)\)", transform)
    return moved is not None and _far(moved[1].replace(",", " "))


def _clipped(style: Mapping[str, str]) -> bool:
    rect = re.search(r"rect\(([^()]*)\)", style.get("clip", ""))
    if rect and all(_tiny(part) for part in re.split(r"[\s,]+", rect[1].strip())):
        return True
    path = style.get("clip-path", "") or style.get("-webkit-clip-path", "")
    inset = re.search(r"inset\(([^()]*)\)", path)
    if inset and any(match[2] == "%" and float(match[1]) >= 50 for match in _LENGTH.finditer(inset[1])):
        return True
    if re.search(r"(?:circle|ellipse)\(\s*0", path):
        return True
    polygon = re.search(r"polygon\(([^()]*)\)", path)
    if polygon and len({" ".join(point.replace("px", "").replace("%", "").split()) for point in
                        polygon[1].split(",")}) <= 1:  # fmt: skip
        return True
    flat = re.search(r"scale[xy3d]*\(\s*0(?:\.0*\d?)?\s*[,)]|rotate[xy]\(\s*90deg", style.get("transform", ""))
    return flat is not None or _zero(style.get("scale"), 0.01) or _zero(style.get("zoom"), 0.01)


def _squeezed(style: Mapping[str, str]) -> bool:
    hides = any(word in style.get(side, "") for side in ("overflow", "overflow-x", "overflow-y")
                for word in ("hidden", "clip"))  # fmt: skip
    sizes = [style.get(side, "") for side in ("height", "max-height", "width", "max-width", "line-height",
                                              "block-size", "inline-size")]  # fmt: skip
    return hides and any(_tiny(size) for size in sizes if not re.match(r"[1-9.].*%", size))


def _small(style: Mapping[str, str], outer: str | None) -> str | None:
    size = style.get("font-size")
    if size is None and "font" in style:
        lengths = [word.partition("/")[0] for word in style["font"].split() if _LENGTH.match(word)]
        sizes = [word for word in lengths if not re.fullmatch(r"[1-9]00", word)]  # 400 is a weight
        size = sizes[0] if sizes else None
    if size is None:
        return outer
    lengths = [match[0] for match in _LENGTH.finditer(size)] if "(" in size else [size]
    if lengths and all(_tiny(length) for length in lengths):
        return "font-size 0"
    if outer and re.search(r"em|%|inherit|larger|smaller", size) and "rem" not in size:
        return outer  # a multiple of nothing
    return None


def _shaded(look: Look, color: str, background: str) -> Look:
    ink, ground = look.color, look.background
    clear = False
    if color:
        ink, alpha = _read_color(color)
        clear = alpha is not None and alpha <= 0.05
        if ink is None and not clear:
            return look._replace(color=None, shade=None)
    if background:
        found = _COLOR.search(background)
        read, alpha = _read_color(found[0]) if found else (None, 1.0)
        if alpha is None or alpha > 0.05:
            ground = read
        if background in ("none", "inherit", "initial"):
            ground = look.background
    if clear:
        return look._replace(color=ink, background=ground, shade="no color")
    alike = ink is not None and ground is not None and all(
        abs(one - other) < NEAR for one, other in zip(ink, ground, strict=True))  # fmt: skip
    if not alike:
        return look._replace(color=ink, background=ground, shade=None)
    plain = not background and ground == WHITE
    return look._replace(color=ink, background=ground, shade="white text" if plain else "color of the background")


def _read_color(text: str) -> tuple[Color | None, float | None]:
    """Colour and opacity; (null, null) for what is none."""
    text = text.strip()
    if text == "transparent":
        return None, 0.0
    if text in _NAMED:
        return _NAMED[text], 1.0
    if re.fullmatch(r"#?(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", text):
        digits = text.lstrip("#")
        if len(digits) < 6:
            digits = "".join(digit * 2 for digit in digits)
        red, green, blue, *rest = bytes.fromhex(digits)
        return (red, green, blue), rest[0] / 255 if rest else 1.0
    called = re.fullmatch(r"(rgb|hsl)a?\(([^()]*)\)", text)
    if called is None:
        return None, None
    numbers = re.findall(r"([-+]?(?:\d+\.?\d*|\.\d+))(%?)", called[2])
    if len(numbers) < 3:
        return None, None
    alpha = float(numbers[3][0]) / (100 if numbers[3][1] else 1) if len(numbers) > 3 else 1.0
    if called[1] == "hsl":
        hue, saturation, lightness = (float(number) for number, _ in numbers[:3])
        shades = colorsys.hls_to_rgb(hue / 360 % 1, min(lightness, 100) / 100, min(saturation, 100) / 100)
        red, green, blue = (round(255 * shade) for shade in shades)
    else:
        red, green, blue = (round(float(number) * (2.55 if percent else 1)) for number, percent in numbers[:3])
    return (red, green, blue), alpha
