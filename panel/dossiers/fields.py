"""A raw record -> a Dossier: which key is which field, and what its value means.

Unknown keys are kept. Knows nothing of files, cleaning or lines.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from panel.dossiers.clean import clean_line
from panel.dossiers.prices import read_price, read_prices
from panel.dossiers.source import RawRecord
from panel.errors import DossierError
from panel.schema import Dossier, Fact, Price
from panel.schema.dossier import SLUG

MAX_ID = 80
MAX_NAME = 200
_MAX_DEPTH = 12

FIELDS = tuple(Dossier.model_fields)
ALIASES = {
    "slug": "id", "title": "name", "tool": "name", "product": "name",
    "company": "vendor", "maker": "vendor", "publisher": "vendor", "author": "vendor",
    "summary": "tagline", "short_description": "tagline", "subtitle": "tagline", "one_liner": "tagline",
    "homepage": "url", "home_page": "url", "link": "url", "website": "url",
    "licence": "license", "price": "pricing", "prices": "pricing", "plans": "pricing",
    "release_date": "released", "released_at": "released", "launched": "released", "launch_date": "released",
    "readme": "description", "body": "description", "text": "description", "long_description": "description",
    "source": "sources", "fact": "facts",
}  # fmt: skip
"""Other names of a field, lower case with underscores."""

_SAYS_NOTHING = frozenset(("id", "name", "url", "version", "released", "as_of", "sources"))
_TEXT_FIELDS = ("vendor", "tagline", "category", "url", "version", "license", "released", "as_of", "description")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)")  # no file name on Windows
_BAD_SCHEME = re.compile(r"\s*(?:javascript|data|vbscript|file|blob)\s*:", re.IGNORECASE)


@lru_cache(maxsize=4096)
def field_of(key: str) -> tuple[str | None, bool]:
    """The field a key names, and whether by its own name (not an alias)."""
    plain = key.strip().casefold().replace(" ", "_").replace("-", "_")
    if plain in FIELDS:
        return plain, True
    return ALIASES.get(plain), False


def check_columns(columns: Mapping[str, str] | None) -> dict[str, str]:
    """Field -> column, with the fields under their own names. Raises DossierError for a field there is not."""
    known: dict[str, str] = {}
    for name, column in (columns or {}).items():
        field, _ = field_of(name)
        if field is None:
            raise DossierError(f"columns: {name!r} is no field of a dossier; the fields are {', '.join(FIELDS)}")
        known[field] = column
    return known


def read_fields(record: RawRecord, columns: Mapping[str, str]) -> Dossier:
    """The Dossier of a record. Raises DossierError with file, line, field, what is wrong and what to do."""
    named, values = _sort_keys(record, columns)
    name_key, name = named.pop("name", ("name", None))
    values["name"] = _name(record, name_key, name)
    id_key, given_id = named.pop("id", ("id", None))
    values["id"] = _given_id(record, id_key, given_id) or slug_of(values["name"])
    for field in _TEXT_FIELDS:
        if field in named:
            values[field] = _text(record, *named[field])
    if "pricing" in named:
        values["pricing"] = _pricing(record, *named["pricing"])
    if "facts" in named:
        values["facts"] = _facts(record, *named["facts"])
    if "sources" in named:
        key, value = named["sources"]
        given = value if isinstance(value, list) else [value]
        values["sources"] = tuple(filter(None, (_text(record, key, one, f"[{at}]") for at, one in enumerate(given, 1))))
    if values.get("url") and _BAD_SCHEME.match(values["url"]):
        raise record.mistake(named["url"][0], "must be an http(s) address, or pypi:name")
    if not any(value for field, value in values.items() if field not in _SAYS_NOTHING):
        raise record.mistake("description", f"the record says nothing about the tool {values['name']!r}; "
                             "give a tagline, a description or facts")  # fmt: skip
    return Dossier.model_validate(values)


def _sort_keys(record: RawRecord, columns: Mapping[str, str]) -> tuple[dict[str, tuple[str, Any]], dict[str, Any]]:
    """Field -> (key as written, value), and the unknown keys. A field's own name wins over an alias."""
    mapped = {column.strip().casefold(): field for field, column in columns.items()}
    named: dict[str, tuple[str, Any]] = {}
    rank: dict[str, int] = {}
    extra: dict[str, Any] = {}
    for key, value in record.values.items():
        if value is None or value == "" or value == [] or value == {}:
            continue
        field, exact = field_of(key)
        weight = 1 + exact
        if mapped and key.strip().casefold() in mapped:
            field, weight = mapped[key.strip().casefold()], 3
        if field is None:
            extra[key] = _plain(record, key, value)
        elif weight > rank.get(field, 0):
            if field in named:
                _keep(record, extra, *named[field])
            named[field], rank[field] = (key, value), weight
        else:
            _keep(record, extra, key, value)
    return named, extra


def _keep(record: RawRecord, extra: dict[str, Any], key: str, value: Any) -> None:
    """Keep the loser of two keys for one field under its own name (unless that is the field's: see `columns`)."""
    extra[key if key not in FIELDS else f"{key} (as given)"] = _plain(record, key, value)


def _plain(record: RawRecord, key: str, value: Any, depth: int = 0) -> Any:
    """The value of an unknown key, checked: texts, and lists and mappings of them."""
    _checked(record, key, key)
    if depth > _MAX_DEPTH:
        raise record.mistake(key, f"is nested more than {_MAX_DEPTH} deep; write it flat")
    if isinstance(value, list):
        return [_plain(record, key, one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {_checked(record, key, inner): _plain(record, key, one, depth + 1) for inner, one in value.items()}
    return None if value is None else _checked(record, key, _scalar(value))


def _scalar(value: Any) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _checked(record: RawRecord, key: str, text: str, part: str = "") -> str:
    if "\0" in text:
        raise record.mistake(key, "holds a NUL character; remove it", part)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise record.mistake(key, "holds half a character (a lone surrogate); write it whole", part)
    return text


def _text(record: RawRecord, key: str, value: Any, part: str = "") -> str | None:
    """A text field: a scalar, or a list of scalars joined by commas."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value)):
        raise record.mistake(key, "must be a text; write it on one line or as a text block", part)
    if isinstance(value, list):
        value = ", ".join(_scalar(one).strip() for one in value if one is not None)
    if value is None:
        return None
    return _checked(record, key, _scalar(value), part).strip() or None


def _name(record: RawRecord, key: str, value: Any) -> str:
    name = _text(record, key, value)
    if not name:
        raise record.mistake(key, "is missing; give every record a name")
    name = " ".join(name.split())
    if len(name) > MAX_NAME:
        raise record.mistake(key, f"is {len(name)} characters long, at most {MAX_NAME}; the rest is a tagline")
    if not clean_line(name).text:
        raise record.mistake(key, "has no visible character; give every record a name")
    return name


def _given_id(record: RawRecord, key: str, value: Any) -> str | None:
    tool_id = _text(record, key, value)
    if tool_id is None:
        return None
    if len(tool_id) > MAX_ID or not re.fullmatch(SLUG, tool_id) or _RESERVED.fullmatch(tool_id):
        raise record.mistake(key, f"{json.dumps(tool_id[:60])} cannot be an id (lower case letters and digits, joined "
                             f"by - _ or ., at most {MAX_ID}); write {slug_of(tool_id)}, or leave it out")  # fmt: skip
    return tool_id


def slug_of(name: str) -> str:
    """A name as an id: lower case Latin letters, digits and hyphens, at most MAX_ID of them.

    Where letters, digits, + or # had to go, six digits of the name's SHA-256 keep C, C++ and C# apart.
    """
    folded = unicodedata.normalize("NFKD", name).casefold()
    kept = re.sub(r"[^a-z0-9]+", "-", "".join(char for char in folded if not unicodedata.combining(char))).strip("-")
    lost = any(char in "+#" or (not char.isascii() and char.isalnum()) for char in folded)
    if kept and not lost and len(kept) <= MAX_ID and not _RESERVED.fullmatch(kept):
        return kept
    same = unicodedata.normalize("NFKC", name).casefold()
    short = hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{kept[: MAX_ID - 7].strip('-') or 'tool'}-{short}"


def _pricing(record: RawRecord, key: str, value: Any) -> tuple[Price, ...]:
    given = value if isinstance(value, list) else [value]
    prices: list[Price] = []
    for at, one in enumerate(given, 1):
        part = f"[{at}]" if isinstance(value, list) else ""
        if isinstance(one, dict):
            texts = {inner: _text(record, key, held, f"{part}.{inner}") for inner, held in one.items()}
            read = read_price(texts)
            if isinstance(read, Price):
                prices.append(read)
            elif read:
                raise record.mistake(key, read, f"{part}.amount")
        elif isinstance(one, list):
            raise record.mistake(key, "must be a text like $10/month, or plan, amount, currency, unit", part)
        else:
            prices += read_prices(_text(record, key, one, part) or "")
    return tuple(prices)


def _facts(record: RawRecord, key: str, value: Any) -> tuple[Fact, ...]:
    given = value if isinstance(value, list) else str(value).split("\n") if isinstance(value, str) else [value]
    facts: list[Fact] = []
    for at, one in enumerate(given, 1):
        part = f"[{at}]"
        if isinstance(one, dict):
            texts = {inner: _text(record, key, held, f"{part}.{inner}") for inner, held in one.items()}
            text = texts.pop("text", None) or texts.pop("fact", None)
            url = texts.pop("source_url", None) or texts.pop("source", None) or texts.pop("url", None)
            if not text:
                raise record.mistake(key, "has no text; write text: and, if known, source_url:", part)
            rest = "; ".join(f"{inner}: {held}" for inner, held in texts.items() if held)
            facts.append(Fact(text=f"{text} ({rest})" if rest else text, source_url=url))
        else:
            text = _text(record, key, one, part)
            if text:
                facts.append(Fact(text=text.removeprefix("- ")))
    return tuple(facts)
