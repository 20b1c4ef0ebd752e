"""Untrusted text -> the text a person would see: no invisible characters, no hidden HTML, no live template tokens.

Emoji, scripts that need joiners, and code in fences or backticks come through unharmed. What was taken away is
counted by kind. Judges no meaning: an instruction in plain sight stays, as data.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from panel.dossiers.markup import strip_markup

NOTHING: Mapping[str, int] = MappingProxyType({})
_MAX_PASSES = 6

_NONCHARACTERS = "".join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))
# Controls; characters that print nothing (fillers, joiners, format characters); bidirectional controls; variation
# selectors; private use (a font may draw anything); tags; surrogates; noncharacters.
_SUSPECT = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ud800-\\uf8ff\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff"
    "\\uffa0\\ufff0-\\ufffc\\ufffe\\uffff\\U00013430-\\U0001345f\\U00016fe4\\U0001bca0-\\U0001bca3\\U0001d159"
    "\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff\\U000f0000-\\U0010ffff" + _NONCHARACTERS + "]"
)
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNREMARKABLE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\U0010ffff<&\[\]]*")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FLAG = re.compile("(?<=\U0001f3f4)\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
                   "|\U000e0077\U000e006c\U000e0073)\U000e007f")  # England, Scotland, Wales  # fmt: skip

_TOKEN = re.compile(
    r"[<＜](?P<angled>[|｜][^<>＜＞|｜\n]{1,80}[|｜]"  # ChatML, Llama 3 and 4, Phi, Qwen, DeepSeek, Command, harmony
    r"|[|｜][^<>\n]{1,80}[|｜]"
    r"|\|[a-z_]{1,40}|[a-z_]{1,40}\||\|\"\|"  # Gemma 4
    r"|/?(?:s|bos|eos|pad|unk|sop|eop|start_of_turn|end_of_turn|(?:start|end)_of_image|image_soft_token"
    r"|(?:begin(?:ning)?|end)_of_(?:sentence|text|utterance|document)|think|tool_call|tool_response|seed:[\w:]{1,40}"
    r"|fim_(?:prefix|middle|suffix|pad)|repo_?name|file_?name|file_sep|gh_stars|issue_(?:start|comment|closed)"
    r"|jupyter_(?:start|text|code|output|script)|empty_output|endoftext"  # SmolLM2
    r"|unused\d{1,4}|special_?\d{1,4}|tokens_unused_\d{1,4}|reserved_\w{1,30}|extra_id_\d{1,4}))[>＞]"
    r"|<(?P<doubled></?SYS>)>"
    r"|\[(?P<squared>/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|THINK"
    r"|IMG|IMG_BREAK|IMG_END|PREFIX|MIDDLE|SUFFIX|gMASK|sMASK"
    r"|\|[a-z_]{1,40}\|))\]"  # Mistral, GLM, Exaone
    r"|(?P<bracketed>[\[\]]~!?b\[|\]~!?b\]|\[e~\[)",  # MiniMax
    re.IGNORECASE,
)
_MAY_BE_TOKEN = frozenset("<＜[]")


class Cleaned(NamedTuple):
    """Text, and how many of what was taken away: kind -> characters (HTML) or occurrences (all else)."""

    text: str
    removed: Mapping[str, int] = NOTHING


def clean_text(text: str) -> Cleaned:
    """A text of several lines, cleaned. Cleaning twice is cleaning once; any text is taken."""
    if text.isascii() and _UNREMARKABLE.fullmatch(text):
        return Cleaned(text)
    removed: Counter[str] = Counter()
    for _ in range(_MAX_PASSES):
        before = text
        text = defuse(strip_markup(_clean_characters(text, removed), removed), removed)
        if text == before:
            break
    else:
        text = _flattened(text, removed)
    return Cleaned(text, removed)


def _flattened(text: str, removed: Counter[str]) -> str:
    """Only text made to defeat cleaning does not settle; nothing in it may look like markup any more."""
    text = re.sub(r"&(?=[#\w])", "& ", re.sub(r"<(?=[A-Za-z/!?|｜])", "‹", text))
    return defuse(_clean_characters(text, removed), removed)


def clean_line(text: str) -> Cleaned:
    """A text of one line, cleaned: white space is folded to single blanks, so that no fence of code begins in it."""
    line = " ".join(text.split())
    if line.isascii() and _UNREMARKABLE.fullmatch(line):
        return Cleaned(line)
    removed: Counter[str] = Counter()
    for _ in range(_MAX_PASSES):
        before = line
        cleaned, taken = clean_text(line)
        line = " ".join(cleaned.split())
        removed.update(taken)
        if line == before:
            break
    else:
        line = " ".join(_flattened(line, removed).split())
    return Cleaned(line, removed)


def defuse(text: str, removed: Counter[str]) -> str:
    """Special tokens of chat templates, made readable and dead: `<|im_start|>` becomes `‹|im_start|›`."""
    if _MAY_BE_TOKEN.isdisjoint(text):
        return text
    count = 1
    while count:
        text, count = _TOKEN.subn(_dead, text)
        if count:
            removed["chat-template token"] += count
    return text


def _dead(match: re.Match[str]) -> str:
    if match["squared"]:
        return f"({match['squared']})"
    if match["bracketed"]:
        return match["bracketed"].replace("~", "-")
    inner = match["angled"] or match["doubled"].strip("<>")
    return f"‹{inner}›"


def _clean_characters(text: str, removed: Counter[str]) -> str:
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if not _SUSPECT.search(text) and "\r" not in text:
        return text
    text, escapes = _ANSI.subn("", text)
    if escapes:
        removed["control character"] += escapes
    text = _LINE_ENDS.sub("\n", text)

    def judged(match: re.Match[str]) -> str:
        if _kept(match):
            return match[0]
        removed[_kind(match[0])] += 1
        return " " if match[0] == "\u2800" else ""

    return unicodedata.normalize("NFC", _SUSPECT.sub(judged, text))


def _kind(char: str) -> str:
    if char in _BIDI:
        return "bidirectional character"
    code = ord(char)
    if 0xE0000 <= code <= 0xE007F:
        return "tag character"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return "variation selector"
    category = unicodedata.category(char)
    return {"Cc": "control character", "Co": "private-use character", "Cs": "invalid character"}.get(
        category, "invisible character"
    )


def _kept(match: re.Match[str]) -> bool:
    """Whether a suspect character does honest work where it stands."""
    text, at, char = match.string, match.start(), match[0]
    before = text[at - 1] if at else ""
    after = text[at + 1] if at + 1 < len(text) else ""
    if char in "\u200c\u200d":
        return _joins(text, at, before, after)
    if char == "\ufe0f" or char == "\ufe0e":
        return _is_emoji(before) or (bool(before) and before in "0123456789#*" and after == "\u20e3")
    if char == "\u200b":
        return _divides_words(before) and _divides_words(after)
    if "\u180b" <= char <= "\u180f" and char != "\u180e":
        return "\u1820" <= before <= "\u18aa"
    if "\U000e0000" <= char <= "\U000e007f":
        flag = _FLAG.search(text, max(0, at - 5), at + 6)
        return flag is not None and flag.start() <= at < flag.end()
    return False


def _joins(text: str, at: int, before: str, after: str) -> bool:
    """A joiner or non-joiner between letters of a script that has them, after a virama, or (ZWJ) inside an emoji."""
    if not before:
        return False
    if unicodedata.combining(before) == 9:
        return True
    if _is_joining(before) and _is_joining(after):
        return True
    if text[at] == "\u200c":
        return False
    base = text[at - 2] if before == "\ufe0f" and at > 1 else before
    return _is_emoji(base) and _is_emoji(after)


def _is_joining(char: str) -> bool:
    if not char or unicodedata.category(char)[0] not in "LM":
        return False
    code = ord(char)
    return (
        0x0600 <= code <= 0x08FF or 0x0900 <= code <= 0x0FFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x18AF
        or 0x1900 <= code <= 0x1CFF or 0xA800 <= code <= 0xABFF or 0xFB50 <= code <= 0xFDFF or 0xFE70 <= code <= 0xFEFE
        or 0x10A00 <= code <= 0x11FFF or 0x1E900 <= code <= 0x1E95F
    )  # fmt: skip


def _divides_words(char: str) -> bool:
    """Thai, Lao, Myanmar and Khmer write no spaces; some texts mark words with a zero-width one."""
    return "\u0e00" <= char <= "\u0eff" or "\u1000" <= char <= "\u109f" or "\u1780" <= char <= "\u17ff"


def _is_emoji(char: str) -> bool:
    if not char:
        return False
    code = ord(char)
    return (
        0x1F000 <= code <= 0x1FAFF or 0x2190 <= code <= 0x23FF or 0x2460 <= code <= 0x27BF or 0x2900 <= code <= 0x2BFF
        or code in (0xA9, 0xAE, 0x203C, 0x2049, 0x20E3, 0x2122, 0x2139, 0x3030, 0x303D, 0x3297, 0x3299)
    )  # fmt: skip


def removed_in_words(removed: Mapping[str, int]) -> tuple[str, ...]:
    """What was taken away: "3 invisible characters", "hidden HTML (display:none), 41 characters"."""
    said = []
    for kind, count in sorted(removed.items()):
        if not count:
            continue
        if kind.startswith("hidden "):
            said.append(f"{kind}, {count:,} character{'s' * (count != 1)}")
        else:
            said.append(f"{count:,} {kind}{'s' * (count != 1)}")
    return tuple(said)
