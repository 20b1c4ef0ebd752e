"""A text as a reader who is meant to be deceived reads it: look-alikes folded, spacing undone, cheap codes decoded.

The copies are for detectors only; no prompt and no page is made of them. Knows nothing of what is looked for.
"""

# ruff: noqa: SIM905 - word lists are read and edited as text, not as hundreds of quoted strings

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Container, Iterator
from urllib.parse import unquote

MOST_DECODED = 12
"""Encoded runs of a text that are tried."""

_TAKEN_FOR = {  # Cyrillic, Greek, phonetic letters and small capitals
    "a": "аɑαᴀ", "b": "вʙβ", "c": "сᴄϲ", "d": "ԁᴅđδ", "e": "еɛεᴇё", "f": "ꜰƒ", "g": "ɡɢ", "h": "һнʜ", "i": "іıιɪї",
    "j": "јᴊ", "k": "кκᴋ", "l": "ӏʟłɫ", "m": "мμᴍ", "n": "пηɴ", "o": "оοσᴏø", "p": "рρᴘ", "q": "ԛ", "r": "гʀɾ",
    "s": "ѕꜱς", "t": "тτᴛ", "u": "υᴜц", "v": "ѵνᴠ", "w": "ԝωᴡш", "x": "хχ", "y": "уγʏү", "z": "зᴢ",
}  # fmt: skip
_LOOK_ALIKES = {ord(char): latin for latin, chars in _TAKEN_FOR.items() for char in chars}
_ACCENTS = re.compile("[\u0300-\u036f]")
_RUN = re.compile(r"\w+")
_LATIN = re.compile(r"[a-z]")
_NOT_LATIN = re.compile(r"[^\W\d_a-z]")
_WORD = re.compile(r"[^\W\d_]+")
_SMALL_CAPITALS = re.compile("[\u0250-\u02af\u1d00-\u1d7f\ua720-\ua7ff]")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_WORD = re.compile(r"(?<![\w@$!|])(?=[\w@$!|]*[a-z])(?=[\w@$!|]*[013457@$!|])[\w@$!|]{3,24}")
_SPACED = re.compile(r"(?<!\w)(?:\w[ ._\-*|/·]{1,3}){3,}\w(?!\w)")
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{12,}={0,2}(?![\w+/])")
_HEX = re.compile(r"(?<!\w)(?:(?:0x|\\x|%)?[0-9a-fA-F]{2}[\s,:]{0,2}){8,}(?!\w)")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}){2,}|(?:\w*%[0-9a-fA-F]{2}\w*){3,}")
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}){3,}")
_NUMBERS = re.compile(r"(?<!\d)(?:\d{2,3}[\s,;]+){5,}\d{2,3}(?!\d)")
_BITS = re.compile(r"(?<!\w)(?:[01]{8}\s?){4,}(?!\w)")
_MORSE = re.compile(r"(?<![\w.-])(?:[.\-·–]{1,5}(?:\s*/\s*|\s+)){3,}[.\-·–]{1,5}(?![\w-])")
_MORSE_CODE = """
a .- b -... c -.-. d -.. e . f ..-. g --. h .... i .. j .--- k -.- l .-.. m -- n -. o --- p .--. q --.- r .-. s ...
t - u ..- v ...- w .-- x -..- y -.-- z --..
""".split()
_LETTERS = dict(zip(_MORSE_CODE[1::2], _MORSE_CODE[::2], strict=True))
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_TURNED = re.compile(r"\b(?:fuvc|ireqvpg|vtaber|vafgehpgvbaf?|cebzcg|fpber|pihs|tcidrev|pihsnu)\b")
_BACKWARDS = re.compile(r"\b(?:pihs|tcidrev|erongi|snoitcurtsni|tpmorp|erocs|reweiver)\b")
_WORDS_TURNED = frozenset("""
fuvc ireqvpg vtaber vafgehpgvba vafgehpgvbaf cebzcg fpber ehyrf ehoevp
pihs tcidrev erongi snoitcurtsni tpmorp erocs reweiver selur
""".split())
_CODED = re.compile(
    r"[A-Za-z0-9+/]{20}|[A-Za-z0-9+/]{5}=|%[0-9a-fA-F]{2}|\\[ux][0-9a-fA-F]{2}|[01]{8}"
    r"|\b[0-9a-fA-F]{2}[ :,]{1,2}[0-9a-fA-F]{2}[ :,]{1,2}[0-9a-fA-F]{2}[ :,]"
    r"|\b\d{2,3}[ ,;]{1,2}\d{2,3}[ ,;]{1,2}\d{2,3}")
_APART = re.compile(r"(?<!\w)\w[ ._\-*|/·]{1,3}\w[ ._\-*|/·]{1,3}\w[ ._\-*|/·]|[.\-–·] [.\-–·]")
_DIGIT_LETTERS = re.compile(r"[a-z][013457@$!][a-z@$!|013457]|\b[0157][a-z]{2}|[a-z]{2}[013457]\b")


def is_odd(text: str, words: Container[str]) -> bool:
    """Whether anything in a folded text of these words suggests that it is not what it seems: cheap, and true of honest
    ones too.
    """
    signs = (_CODED, _APART, _DIGIT_LETTERS)
    return any(sign.search(text) for sign in signs) or any(word in words for word in _WORDS_TURNED)


def folded(text: str) -> str:
    """The copy detectors read: NFKC, case and accents folded, look-alike letters within a word made Latin."""
    if text.isascii():
        return text.lower()
    text = text.casefold()
    if _NOT_LATIN.search(text) or not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text))).casefold()
    if _SMALL_CAPITALS.search(text):
        text = text.translate(_LOOK_ALIKES)
    return text if _NOT_LATIN.search(text) is None else _RUN.sub(_unmixed, text)


def _unmixed(word: re.Match[str]) -> str:
    """A word of Latin and other letters, all Latin; any other word as it is."""
    return word[0].translate(_LOOK_ALIKES) if not word[0].isascii() and _LATIN.search(word[0]) else word[0]


def undisguised(text: str) -> Iterator[str]:
    """What a folded text may stand for, where anything suggests that it is not what it seems."""
    if _SPACED.search(text):
        yield _SPACED.sub(_closed_up, text)
    if _LEET_WORD.search(text):
        yield _LEET_WORD.sub(lambda word: word[0].translate(_LEET), text)
    if _TURNED.search(text):
        yield text.translate(_ROT13)
    if _BACKWARDS.search(text):
        yield text[::-1]


def _closed_up(run: re.Match[str]) -> str:
    """Letters without what stands between them: blanks go, but for double ones and those beside other marks."""
    if re.search(r"[._\-*|/·]", run[0]):
        return re.sub(r"[._\-*|/·]", "", run[0])
    return re.sub(r"(?<! ) (?! )", "", run[0])


def letters_apart(text: str) -> str:
    """The letters of a folded text that stand apart from each other, in one."""
    return "".join(re.sub(r"[\W_]", "", run) for run in _SPACED.findall(text))


def decoded(text: str) -> str:
    """What the encoded runs of a text say, where they say something in letters; joined by blanks."""
    found: list[str] = []
    for pattern, read in ((_BASE64, _base64), (_HEX, _hex), (_PERCENT, unquote), (_ESCAPES, _escapes),
                          (_NUMBERS, _numbers), (_BITS, _bits), (_MORSE, _morse)):  # fmt: skip
        for number, run in enumerate(pattern.finditer(text)):
            if number == MOST_DECODED:
                break
            said = read(run[0])
            if said and _WORD.search(said) and said.isprintable():
                found.append(said)
    return " ".join(found)


def _base64(run: str) -> str:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if body.islower() or body.isdigit() or (body.isalpha() and body[1:].islower()):
        return ""  # a long word
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4)).decode("utf-8").strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _hex(run: str) -> str:
    try:
        digits = "".join(re.findall(r"[0-9a-fA-F]{2}", re.sub(r"0x|\\x", " ", run)))
        return bytes.fromhex(digits).decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""


def _escapes(run: str) -> str:
    return "".join(chr(int(code, 16)) for code in re.findall(r"\\[ux]([0-9a-fA-F]{2,4})", run))


def _numbers(run: str) -> str:
    codes = [int(number) for number in re.findall(r"\d+", run)]
    return "".join(map(chr, codes)) if all(32 <= code < 127 for code in codes) else ""


def _bits(run: str) -> str:
    return "".join(chr(int(byte, 2)) for byte in re.findall(r"[01]{8}", run))


def _morse(run: str) -> str:
    plain = run.replace("–", "-").replace("·", ".")
    words = re.split(r"\s*/\s*|\s{2,}", plain)
    return " ".join("".join(_LETTERS.get(letter, "?") for letter in word.split()) for word in words)
