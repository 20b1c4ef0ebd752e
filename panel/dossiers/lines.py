"""A Dossier -> clean numbered lines: the fields first, then the facts, then the description; trimmed to a budget.

Numbers are given before anything is trimmed. Tokens are guessed from bytes, on the safe side: no tokenizer is known.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from panel.dossiers.clean import clean_line, clean_text, defuse, removed_in_words
from panel.dossiers.definitions import carried_characters
from panel.dossiers.markdown import Piece, Worth, read_pieces, split_units
from panel.dossiers.prices import price_text
from panel.dossiers.trim import Candidate, choose
from panel.schema import Dossier, DossierLines, Line

MAX_FIELD = 500
"""Characters of a field's line; a whole licence text in `license` is cut here."""
MAX_DESCRIPTION = 100_000
"""Characters of a description that are read; a README is a tenth of it."""
MAX_UNKNOWN = 60
"""Lines cut from keys that are no fields."""

_KEPT_WORTH = len(Worth) + 2
_FIELD_WORTH = len(Worth) + 1
_FACT_WORTH = len(Worth)

_HEAD = ("vendor", "tagline", "category", "version", "license")
_PACKAGE = re.compile(r"(pypi|npm|crates|gem|conda):\s*(?:project/)?([\w.@/-]+)", re.IGNORECASE)
_INDEXES = {"pypi": "Python package index", "npm": "npm", "crates": "crates.io", "gem": "RubyGems", "conda": "conda"}
# Where lines are shown without numbers (prompts/small), one must not begin as a part of the prompt does.
_PART_OF_PROMPT = re.compile(
    r"(?:statement|tool|example|persona|human|assistant|system|user)\s?:|is the statement true|answer yes or no"
    r"|\{\s?[\"']verdict", re.IGNORECASE)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def cut_lines(dossier: Dossier, max_tokens: int | None = None) -> DossierLines:
    """The lines of a dossier, at most about `max_tokens` tokens of them (the name's line always stays).

    What is trimmed first: tables of contents and rows of links, formalities, code, tables, then prose, each from its
    end; then facts, and fields only when nothing else is left.
    """
    removed: Counter[str] = Counter()
    notes: list[str] = []
    name = _line(dossier.name, removed) or dossier.id
    candidates: list[Candidate] = []
    for field, text in _fields(dossier, name, removed, notes):
        worth = _KEPT_WORTH if field == "name" else _FIELD_WORTH
        candidates.append(Candidate(_numbered(candidates, field, text), worth))
    for text in _facts(dossier, removed):
        candidates.append(Candidate(_numbered(candidates, "facts", text), _FACT_WORTH))
    for piece in _description(dossier.description, removed, notes):
        candidates.append(Candidate(_numbered(candidates, "description", piece.text), piece.worth, piece.heading))
    left_out = choose(candidates, max_tokens)
    return DossierLines(
        tool_id=dossier.id,
        name=name,
        lines=tuple(one.line for one in candidates if one.line.number not in left_out),
        left_out=tuple(sorted(left_out)),
        removed=(*removed_in_words(removed), *notes),
        words=sum(count_words(one.line.text) for one in candidates),
    )


def _numbered(before: list[Candidate], field: str, text: str) -> Line:
    """The line after those before, marked as an item where it begins like a part of a prompt."""
    return Line(number=len(before) + 1, field=field, text=f"- {text}" if _PART_OF_PROMPT.match(text) else text)


def count_words(text: str) -> int:
    """Words between blanks that hold a letter or digit; where a script writes none, two (Chinese) or five (Thai)
    characters are a word."""
    if text.isascii():
        return sum(1 for word in text.split() if word.isalnum() or any(map(str.isalnum, word)))
    unspaced = _UNSPACED.findall(text)
    chinese = sum(1 for char in unspaced if char >= "\u3040")
    spaced = _UNSPACED.sub(" ", text).split()
    words = sum(1 for word in spaced if any(map(str.isalnum, word)))
    return words + math.ceil(chinese / 2) + math.ceil((len(unspaced) - chinese) / 5)


def _line(text: str | None, removed: Counter[str]) -> str:
    if not text:
        return ""
    cleaned, taken = clean_line(text)
    if taken:
        removed.update(taken)
    return cleaned


def _short(field: str, text: str | None, removed: Counter[str], notes: list[str]) -> str:
    """A field's text on one line, cut at a blank when it is far too long for one."""
    line = _line(text, removed)
    if len(line) <= MAX_FIELD:
        return line
    end = line.rfind(" ", MAX_FIELD // 2, MAX_FIELD)
    kept = line[: end if end > 0 else MAX_FIELD]
    notes.append(f"{field}: {len(line) - len(kept):,} characters after the first {len(kept)}")
    return f"{kept} …"


def _fields(dossier: Dossier, name: str, removed: Counter[str], notes: list[str]) -> Iterator[tuple[str, str]]:
    """(field, text of its line), in the order they are shown."""
    yield "name", f"name: {name}"
    for field in _HEAD:
        text = _short(field, getattr(dossier, field), removed, notes)
        if text:
            yield field, f"{field}: {text}"
    url = _short("url", dossier.url, removed, notes)
    if url:
        package = _PACKAGE.fullmatch(url)
        yield "url", f"{_INDEXES[package[1].lower()]} project: {package[2]}" if package else f"url: {url}"
    for field, label in (("released", "released"), ("as_of", "as of")):
        text = _short(field, getattr(dossier, field), removed, notes)
        if text:
            yield field, f"{label}: {text}"
    for price in dossier.pricing:
        text = _short("pricing", price_text(price), removed, notes)
        if text:
            yield "pricing", f"price: {text}"
    sources = _short("sources", ", ".join(dict.fromkeys(map(_host, dossier.sources))), removed, notes)
    if sources:
        yield "sources", f"source: {sources}"
    if dossier.model_extra:
        yield from _unknown(dossier.model_extra, removed, notes)


def _host(source: str) -> str:
    """An address as its host: the rest of it is noise to a reader."""
    if not source.startswith(("http://", "https://")):
        return source
    try:
        return urlsplit(source).hostname or source
    except ValueError:  # "http://[" is no address; show it as it is
        return source


def _unknown(extra: dict[str, Any], removed: Counter[str], notes: list[str]) -> Iterator[tuple[str, str]]:
    """Lines of keys that are no fields: scalars, and lists of scalars."""
    count = 0
    for key, value in extra.items():
        scalars = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(one, (list, tuple, dict)) for one in scalars):
            continue
        label = _line(key, removed)[:60]
        text = _short(label, ", ".join(_shown(one) for one in scalars if one is not None), removed, notes)
        if not label or not text:
            continue
        count += 1
        if count > MAX_UNKNOWN:
            notes.append(f"keys after the first {MAX_UNKNOWN} that are no fields")
            return
        yield label, defuse(f"{label}: {text}", removed)  # a token may be made of both


def _shown(value: Any) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _facts(dossier: Dossier, removed: Counter[str]) -> Iterator[str]:
    for fact in dossier.facts:
        text = _line(fact.text, removed)
        if text:
            yield from split_units(text)


def _description(text: str | None, removed: Counter[str], notes: list[str]) -> list[Piece]:
    if not text:
        return []
    if len(text) > MAX_DESCRIPTION:
        notes.append(f"description: {len(text) - MAX_DESCRIPTION:,} characters after the first {MAX_DESCRIPTION:,}")
        text = text[:MAX_DESCRIPTION]
    cleaned, taken = clean_text(text)
    if taken:
        removed.update(taken)
    carried = carried_characters(cleaned)
    if carried:
        removed["hidden Markdown"] += carried
    # Without its escapes and emphasis a text may hold a template token that it did not hold before.
    return [piece._replace(text=defuse(piece.text, removed)) for piece in read_pieces(cleaned)]
