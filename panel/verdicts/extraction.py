"""An answer's text → the one JSON object that is the answer, or the reason why there is none.

Nothing is repaired. Half an object read leniently is a different verdict, and the first of two objects may be one
that a dossier planted: an answer is exactly one whole JSON object (a code fence around it and a `<think>` preamble
are allowed), or it is refused. Knows nothing of what the object should hold.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

from panel.errors import VerdictError

MOST_CHARACTERS = 200_000
"""An answer is a page; one of megabytes would only fill the store."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def extract_object(text: str) -> dict[str, Any]:
    """The one JSON object that is the answer. Raises VerdictError for anything before, after, or wrong inside."""
    if len(text) > MOST_CHARACTERS:
        raise VerdictError(f"The answer is far too long ({len(text)} characters).", text[:MOST_CHARACTERS])
    body = _without_wrapping(text)
    if not body:
        raise VerdictError("The answer is empty.", text)
    if not body.startswith("{"):
        raise VerdictError("The answer must be one JSON object and nothing else; it begins with other text.", text)
    try:
        found, end = _DECODER.raw_decode(body)
    except Refused as error:
        raise VerdictError(str(error), text) from error
    except (ValueError, RecursionError) as error:
        raise VerdictError(f"The answer is not valid JSON: {_json_fault(error, body)}.", text) from error
    rest = body[end:].strip()
    if rest:
        what = "a second object" if "{" in rest else "other text"
        raise VerdictError(f"The answer must be one JSON object and nothing else; {what} follows it.", text)
    if CONTROL.search(body) or ("\\u" in body and _has_control(found)):
        raise VerdictError("The answer contains control characters or broken Unicode; use plain text.", text)
    if found.get("type") == "object" and "properties" in found:
        raise VerdictError("The answer repeats the schema; give an object that fills it in.", text)
    assert isinstance(found, dict)
    return found


def _without_wrapping(text: str) -> str:
    """The text without a thinking preamble and one code fence around all of it.

    The preamble ends at its first end mark: a second mark stays and is refused as text around the object, so a mark
    planted in the dossier cannot choose which object is read.
    """
    body = text.strip().lstrip("\ufeff")
    if body.startswith("<think>"):
        body = body.partition("</think>")[2].strip()
    if body.startswith("```") and body.endswith("```"):
        label, newline, inside = body[3:-3].partition("\n")
        if newline and label.strip().lower() in ("", "json"):
            return inside.strip()
    return body


class Refused(Exception):
    """What is wrong with one field, in words."""


def shown(value: Any) -> str:
    """A value of the answer as a reason may quote it: short and on one line."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = " ".join((value if isinstance(value, str) else json.dumps(value)).split())
    return f"`{text[:40]}…`" if len(text) > 40 else f"`{text}`"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise Refused(f"The key {shown(twice)} is given twice in one object.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Refused(f"{name} is not a JSON number.")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def _json_fault(error: ValueError | RecursionError, body: str) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        if error.pos >= len(body) or error.msg.startswith("Unterminated"):
            return "it ends before the object is closed"
        return f"{error.msg[0].lower()}{error.msg[1:]} at character {error.pos}"
    return "a number in it is too long"


def _has_control(value: Any) -> bool:
    """Whether any string inside, escapes decoded, holds a control character or a lone surrogate."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if CONTROL.search(item):
                return True
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False
