"""Text → the numbers, prices and versions in it, in digits or in words, with their magnitude, currency and unit.

Rules of form only. "$1.2k", "1,200 dollars" and "twelve hundred US dollars" become one price; knows nothing of what
is counted.
"""

from __future__ import annotations

import re

from panel.checks.found import Found, plain
from panel.checks.words import FRACTIONS, MAGNITUDES, MANY, NUMBER_WORDS, TIMES

DIGITS = re.compile(r"\d+(?:[,_’'\u202f\u00a0]\d{3}(?!\d)| 000(?!\d))*(?:\.\d+)*")
DECIMAL_COMMA = re.compile(r",(\d\d)(?!\d)(?=\s?(?P<euro>€|EUR|euros?)?)")
_CODES = "USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|CNY|SEK"
TAIL = re.compile(
    r"(?:(?P<letter>k|K|[mM]n?|bn|[bBT])(?![A-Za-z0-9])|[\s-]?(?P<word>hundred|thousand|million|billion|trillion|grand)\b)?\+?"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b)"
    r"|[\s-]?(?:(?P<nation>U\.?S\.?|American|Canadian|Australian)\s)?"
    rf"(?P<currency>dollars?|euros?|pounds?|cents?|bucks?|quid|yen|rupees?|francs?|yuan|{_CODES}|US\$|[$€£¥₹¢])"
    r"(?![A-Za-z])"
    r"|[ -]?(?P<unit>ms|milliseconds?|s|secs?|seconds?|min|mins|minutes?|h|hours?|days?|weeks?|months?|years?"
    r"|[kKMGT]i?[Bb]|kilobytes?|megabytes?|gigabytes?|terabytes?)(?![A-Za-z]))?"
)
LETTERS = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
CURRENCIES = {**SIGNS, "US$": "USD", "dollar": "USD", "euro": "EUR", "pound": "GBP", "cent": "USD", "¢": "USD",
              "buck": "USD", "quid": "GBP", "yen": "JPY", "rupee": "INR", "franc": "CHF", "yuan": "CNY"}
NATIONS = {"Canadian": "CAD", "Australian": "AUD"}
SIZES = {"ms": 1e-3, "milli": 1e-3, "s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "day": 86400,
         "week": 604800, "month": 2592000, "year": 31536000, "k": 1e3, "kilo": 1e3, "mega": 1e6, "giga": 1e9,
         "tera": 1e12, "m": 1e6, "g": 1e9, "t": 1e12}
CODE_BEFORE = re.compile(rf"\b({_CODES}|US|C|CA|A|AU)\s?$")
DOLLARS = {"C": "CAD", "CA": "CAD", "A": "AUD", "AU": "AUD", "US": "USD"}
VERSION_BEFORE = re.compile(r"\b(?:[Vv]ersions?|[Rr]eleases?|Python|Node(?:\.js)?|CUDA|Java|PHP|Ruby)\s$")
LONGEST = 40
"""Characters of a number or of a name before one; what is longer is neither."""
PREFIXES = frozenset({"mid", "late", "early", "sub", "top", "pre", "post", "under", "over", "non", "pro", "per"})
NUMBER_TOKEN = re.compile(rf"(?:{'|'.join((*NUMBER_WORDS, *MAGNITUDES, 'dozen'))})\b", re.IGNORECASE)
BETWEEN = re.compile(r"[ -](and )?")
SPOKEN_POINT = re.compile(r"[ -]point[ -]", re.IGNORECASE)
BEFORE_MAGNITUDE = re.compile(r"\b(half an?|half|quarter of an?|quarter|an?|one|several|few|many|couple of)[ -]$",
                              re.IGNORECASE)
VAGUE = frozenset({"several", "few", "many", "couple of"})
PARTS = {"half": 0.5, "quar": 0.25}
ONE_PRICE = re.compile(r"(?<!-)\b(?:(?:one|a)[ -](?:US )?(?:dollar|euro|pound)|one[ -](?:US )?cent)\b", re.IGNORECASE)
FRACTION = re.compile(
    rf"\b(?:(an?|one|two|three|four)[ -])?({'|'.join(FRACTIONS)})s?\b"
    r"(?! (?:of )?an? (?:hundred|thousand|[mb]illion|dozen))(?=[ -](?:an?|of|off|less|lower|cheaper|more|higher|faster"
    r"|below|above|longer|shorter|the|as)\b)",
    re.IGNORECASE)
TIMES_WORD = re.compile(rf"\b(?:{'|'.join(TIMES)})\b", re.IGNORECASE)
TENS_AND_MORE = {"tens": 10.0, **MANY}
MANY_WORD = re.compile(rf"\b(?:(tens|hundreds|thousands) of )?({'|'.join(MANY)})\b", re.IGNORECASE)


def number_at(text: str, start: int, end: int, digits: str) -> Found | None:
    """The number, price, version or year that these digits are part of, or null where they belong to a name."""
    before = text[start - 1] if start else " "
    sign = SIGNS.get(before)
    marked = before in "vV" and not text[max(0, start - 2):start - 1].isalnum()
    if sign is None and not marked and (before.isalnum() or before in "_.,"):
        return None
    if text.startswith(("st", "nd", "rd", "th"), end) and not text[end + 2:end + 3].isalnum():
        return None
    if text.startswith("24/7", start) or text.startswith("24/7", start - 3):
        return None
    if before in "'’" and len(digits) == 2 and text[max(0, start - 2):start - 1] in ("", " ", "("):
        return Found("date", text[start - 1:end], start - 1, end, (f"d:20{digits}", f"n:{digits}"))
    if len(digits) > LONGEST or (before == "-" and _in_identifier(text, start)):
        return None
    if digits.count(".") > 1 or marked or VERSION_BEFORE.search(text, max(0, start - 9), start):
        number = digits if "." in digits else digits.lstrip("0") or "0"
        keys = (f"version:{number}",) if digits.count(".") > 1 else (f"version:{number}", f"n:{_plain(number)}")
        return Found("version", text[start - marked:end], start - marked, end, keys)
    begin = start - (sign is not None)
    if before == " " or sign == "USD":
        code = CODE_BEFORE.search(text, max(0, begin - 4), begin)
        if code and (sign is None) == (code[1] not in DOLLARS):
            begin, sign = code.start(), DOLLARS.get(code[1], code[1])
    value = float(re.sub(r"[^\d.]", "", digits))
    comma = DECIMAL_COMMA.match(text, end)
    if comma and (sign == "EUR" or comma["euro"]):
        value, end = value + int(comma[1]) / 100, comma.end()
    return with_tail(text, begin, end, value, sign)


def _plain(number: str) -> str:
    return plain(float(number))


def _in_identifier(text: str, start: int) -> bool:
    """Whether digits after a hyphen belong to a name in small letters, as in `gpt-4o` or `claude-3-opus`."""
    near = max(0, start - LONGEST)
    token = text[max(near, text.rfind(" ", near, start) + 1):start - 1].lstrip("(\"'`")
    return token[:1].islower() and token not in PREFIXES and token not in NUMBER_WORDS and "/" not in token


def with_tail(text: str, begin: int, end: int, value: float, sign: str | None, in_words: bool = False) -> Found:
    """The number with the magnitude, currency or unit that follow it."""
    tail = TAIL.match(text, end)
    values, unit, scaled = [value], "", False
    if tail is not None:
        letter, word, end = tail["letter"], tail["word"], tail.end()
        scaled = bool(letter or word)
        if letter:
            values = [value * LETTERS[letter.lower()]]
            if letter == "m" and sign is None and not tail["currency"]:
                values.append(value)  # minutes or metres as well as millions
        elif word:
            values = [value * MAGNITUDES.get(word, 1000)]
        currency = tail["currency"]
        if currency and currency[0] in "c¢":
            values = [each / 100 for each in values]
        if currency and sign is None:
            sign = NATIONS.get(tail["nation"]) or CURRENCIES.get(currency) or CURRENCIES.get(
                currency.rstrip("s"), currency)
        unit = tail["unit"] or ""
    shown = text[begin:end]
    if sign is not None:
        return Found("price", shown, begin, end, tuple(f"{sign}:{plain(each)}" for each in values))
    if tail is not None and tail["percent"]:
        return Found("number", shown, begin, end, tuple(f"{kind}:{plain(values[0])}" for kind in "%n"), False, "%")
    if len(shown) == 4 and shown.isdigit() and 1990 <= value < 2060 and text[end:end + 1] != "s":
        return Found("date", shown, begin, end, (f"d:{shown}", f"n:{shown}"))
    keys = tuple(f"{kind}:{plain(each)}" for each in values for kind in "nv")
    if unit:
        return Found("number", shown, begin, end, keys, in_words and not scaled, _measure(unit, values[0]))
    dotted = (f"version:{shown}",) if "." in shown and not scaled else ()
    return Found("number", shown, begin, end, keys + dotted, in_words and not scaled)


def _measure(unit: str, value: float) -> str:
    """A length of time in seconds or a size in bytes, however written: "30 minutes" and "half an hour" are one."""
    lowered = unit.lower()
    size = next((SIZES[lowered[:length]] for length in (5, 4, 3, 2, 1) if lowered[:length] in SIZES), 1.0)
    is_bytes = lowered.endswith("b") or "byte" in lowered
    return f"{'bytes' if is_bytes else 'time'}:{plain(value * size)}"


def spoken_numbers(text: str, starts: list[int], covered: set[int]) -> list[Found]:
    """The numbers in words that begin at these places, as far as no other fact covers them."""
    found: list[Found] = []
    done = 0
    for start in starts:
        if start < done or start in covered:
            continue
        fact = _spoken(text, start)
        if fact is not None:
            found.append(fact)
            done = fact.end
    return found


def _spoken(text: str, start: int) -> Found | None:
    value, end = _run(text, start)
    begin = start
    token = NUMBER_TOKEN.match(text, start)
    if token and (token[0].lower() in MAGNITUDES or token[0].lower() == "dozen"):
        before = BEFORE_MAGNITUDE.search(text, max(0, start - 14), start)
        if before:
            if before[1].lower() in VAGUE:
                return None
            value, begin = value * PARTS.get(before[1][:4].lower(), 1), before.start()
        elif text[max(0, start - 1):start] == "-":
            return None
    elif value == 1 and end - start == 3:
        return None  # "one" is nearly always a pronoun
    point = SPOKEN_POINT.match(text, end)
    if point and NUMBER_TOKEN.match(text, point.end()):
        return _with_decimals(text, begin, point.end(), plain(value))
    if 10 <= value < 100 and text[end:end + 1] == " ":
        second, after = _run(text, end + 1)
        if 10 <= second < 100 and after > end + 1:
            return _pair(text, begin, after, value, second)
    return with_tail(text, begin, end, value, None, in_words=True)


def _run(text: str, start: int) -> tuple[float, int]:
    """The value of the number words in a row, and where they end: two hundred and forty thousand."""
    total = current = 0.0
    end, step = start, 0.0
    position = start
    while (token := NUMBER_TOKEN.match(text, position)) is not None:
        word = token[0].lower()
        if word in NUMBER_WORDS:
            value = NUMBER_WORDS[word]
            if step and not (step >= 100 or (step >= 20 and 0 < value < 10)):
                break
            current, step = current + value, value if value >= 20 else 1.0
        else:
            size = 12.0 if word == "dozen" else MAGNITUDES[word]
            if size > 100:
                total, current = total + (current or 1.0) * size, 0.0
            else:
                current = (current or 1.0) * size
            step = size
        end = token.end()
        between = BETWEEN.match(text, end)
        if between is None or (between[1] and step < 100):
            break
        position = between.end()
    return total + current, end


def _with_decimals(text: str, begin: int, position: int, whole: str) -> Found:
    digits = ""
    end = position
    while (token := NUMBER_TOKEN.match(text, position)) is not None and token[0].lower() in NUMBER_WORDS:
        digits += str(NUMBER_WORDS[token[0].lower()])
        end, position = token.end(), token.end() + 1
    if not digits:
        return with_tail(text, begin, end, float(whole), None, in_words=True)
    return with_tail(text, begin, end, float(f"{whole}.{digits}"), None)


def _pair(text: str, begin: int, end: int, first: float, second: float) -> Found:
    """Two numbers side by side: a year (twenty twenty-four) or a price (sixteen ninety-nine)."""
    year = plain(first * 100 + second)
    cents = plain(first + second / 100)
    if first in (19, 20):
        return Found("date", text[begin:end], begin, end, (f"d:{year}", f"n:{year}", f"n:{cents}", f"v:{cents}"))
    fact = with_tail(text, begin, end, first + second / 100, None)
    return fact if fact.kind == "price" else fact._replace(keys=(f"n:{cents}", f"v:{cents}", f"n:{year}"))


def parts_and_multiples(text: str) -> list[Found]:
    """Fractions and multiples in words: a fifth lower, half of them, twice, fivefold; and thousands, millions."""
    found = []
    for match in FRACTION.finditer(text):
        value = FRACTIONS[match[2].lower()] * NUMBER_WORDS.get((match[1] or "one").lower(), 1)
        keys = (f"n:{plain(value)}", f"%:{plain(100 * value)}")
        hour = text[match.end():match.end() + 8].lower()
        unit = _measure("hour", value) if "hour" in hour else _measure("min", value) if "minu" in hour else ""
        found.append(Found("number", match[0], match.start(), match.end(), keys, True, unit))
    for match in TIMES_WORD.finditer(text):
        found.append(Found("number", match[0], *match.span(), (f"n:{TIMES[match[0].lower()]}",), True))
    for match in MANY_WORD.finditer(text):
        size = MANY[match[2].lower()] * (TENS_AND_MORE[match[1].lower()] if match[1] else 1)
        found.append(Found("number", match[0], *match.span(), (f"many:{plain(size)}",), True))
    for match in ONE_PRICE.finditer(text):
        found.append(with_tail(text, match.start(), match.start() + (3 if match[0][0] in "oO" else 1), 1, None))
    return found
