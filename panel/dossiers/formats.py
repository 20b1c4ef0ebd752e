"""JSON, JSON lines, CSV and Markdown: bytes -> raw records, each with its line. YAML is in `yaml_text`.

Every number stays the text it was written as ("version": 1.10 is "1.10"). A record that cannot be read is given as
an error in its place, and reading goes on where the format allows it. Knows nothing of fields.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from panel.dossiers.source import MAX_RECORD, MAX_WHOLE, RawRecord, Source, as_text, read_whole, whole_lines
from panel.dossiers.yaml_text import yaml_document, yaml_records
from panel.errors import DossierError

Read = RawRecord | DossierError
Reader = Callable[[Source], Iterator[Read]]

_SPACE = re.compile(r"\s*")
_FRONT_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$|^(?=\S)(.+)\n=+[ \t]*$", re.MULTILINE)
_YAML_START = re.compile(r"[\"']?[A-Za-z_][\w .-]{0,60}[\"']?\s*:(?:\s|$)|- ")


class _Decoder:
    """json's decoder that keeps numbers as written and notes keys given twice (the last would win silently)."""

    def __init__(self) -> None:
        self._twice: list[str] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._pairs, parse_int=str, parse_float=str, parse_constant=str
        )

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            seen: set[str] = set()
            self._twice += [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        return values

    def read(self, text: str, start: int = 0) -> tuple[Any, int, str | None]:
        """The value at `start`, where it ends, and what is wrong with it although it can be read."""
        self._twice.clear()
        value, end = self._decoder.raw_decode(text, start)
        if self._twice:
            return value, end, f"{json.dumps(self._twice[0])}: the key is given twice; keep one of them"
        return value, end, None


def jsonl_records(source: Source) -> Iterator[Read]:
    """One object a line; blank lines are skipped."""
    decoder = _Decoder()
    for number, raw in whole_lines(source.chunks):
        if raw is None:
            yield source.mistake(number, f"is longer than {MAX_RECORD / 1e6:.0f} MB; shorten the record")
            continue
        if raw.isspace():
            continue
        try:
            text = as_text(source, raw, number).strip()
            value, end, wrong = decoder.read(text)
        except DossierError as error:
            yield error
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                return
        except json.JSONDecodeError as error:
            yield source.mistake(number, _not_json(error, "every line must be one whole JSON object"))
        except RecursionError:
            yield source.mistake(number, "is nested too deep; a record is an object of texts and lists")
        else:
            if end != len(text):
                wrong = "has more than one JSON value on a line; put each on a line of its own"
            yield source.mistake(number, wrong) if wrong else _record(source, number, value)


def _not_json(error: json.JSONDecodeError, advice: str) -> str:
    return f"is not JSON ({error.msg}, column {error.colno}); {advice}"


def _record(source: Source, line: int, value: Any) -> Read:
    if not isinstance(value, dict):
        kinds = {list: "a list", str: "a text or number", bool: "true or false"}
        kind = kinds.get(type(value), "null")
        return source.mistake(line, f'is {kind}, not an object; a record looks like {{"name": "..."}}')
    return RawRecord(source.place, line, value)


def json_records(source: Source) -> Iterator[Read]:
    """One object, an array of them, or several objects one after another."""
    text = read_whole(source, MAX_WHOLE)
    decoder = _Decoder()
    position = _skip(text, 0)
    in_array = text.startswith("[", position)
    position += in_array
    line, counted = 1, 0
    while True:
        position = _skip(text, position)
        if position == len(text) or (in_array and text[position] == "]"):
            break
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, end, wrong = decoder.read(text, position)
        except json.JSONDecodeError as error:
            yield source.mistake(error.lineno, _not_json(error, "mend it; what follows in this file was not read"))
            return
        except RecursionError:
            yield source.mistake(line, "is nested too deep; what follows in this file was not read")
            return
        if end - position > MAX_RECORD:
            wrong = f"is longer than {MAX_RECORD / 1e6:.0f} MB; shorten the record"
        yield source.mistake(line, wrong) if wrong else _record(source, line, value)
        position = _skip(text, end)
        position += text.startswith(",", position) and in_array
    wrong = _bad_end(text, position, in_array)
    if wrong:
        yield source.mistake(text.count("\n", 0, position) + 1, wrong)


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _bad_end(text: str, position: int, in_array: bool) -> str | None:
    if not text.strip():
        return "is empty; write at least a name and a description"
    if in_array and position == len(text):
        return "the list is not closed; the file may be cut off"
    if in_array and text[position + 1 :].strip():
        return "has text after the end of the list; remove it"
    return None


def csv_records(source: Source) -> Iterator[Read]:
    """A header, then one record a row. The delimiter is the one of comma, semicolon and tab the header has most of."""
    csv.field_size_limit(MAX_RECORD)  # the default refuses a long README in a cell
    # Bad bytes become surrogates here and are refused per row below, so that one bad row does not end the file.
    lines = (chunk.decode("utf-8", "surrogateescape") for chunk in source.chunks)
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(itertools.chain([first], lines), delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        yield source.mistake(1, f"cannot be read ({error}); save it with ordinary line ends")
        return
    wrong = _bad_header(header, source.columns)
    if wrong:
        yield source.mistake(1, wrong)
        return
    started = rows.line_num + 1
    try:
        for row in rows:
            line, started = started, rows.line_num + 1
            if any(cell.strip() for cell in row):
                yield _row(source, line, header, row)
    except csv.Error as error:
        yield source.mistake(started, f"cannot be read ({error}); is a quote left open? What follows was not read")


def _bad_header(header: list[str], columns: Mapping[str, str]) -> str | None:
    filled = [cell.casefold() for cell in header if cell]
    if not filled:
        return "has no header; the first line must name the columns"
    if any("\udc80" <= char <= "\udcff" for cell in header for char in cell):
        return "the header is not UTF-8; save the file as UTF-8"
    for cell in filled:
        if filled.count(cell) > 1:
            return f"the header names the column {cell!r} twice; rename one"
    for field, column in columns.items():
        if column.strip().casefold() not in filled:
            return f"{field}: there is no column {column!r}; the columns are {', '.join(filter(None, header))}"
    return None


def _row(source: Source, line: int, header: list[str], row: list[str]) -> Read:
    if any("\udc80" <= char <= "\udcff" for cell in row if not cell.isascii() for char in cell):
        return source.mistake(line, "is not UTF-8; save the file as UTF-8")
    if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
        return source.mistake(line, f"has {len(row)} cells, the header {len(header)}; quote a cell with a delimiter")
    return RawRecord(source.place, line, {key: cell for key, cell in zip(header, row, strict=False) if key})


def markdown_records(source: Source) -> Iterator[Read]:
    """One record: YAML front matter and a body, or a heading (the name) and a body (the description)."""
    text = read_whole(source, MAX_RECORD)
    if text.startswith("+++"):
        yield source.mistake(1, "has TOML front matter; write YAML between two lines of ---")
        return
    values: dict[str, Any] = {}
    key_lines: Mapping[str, int] = {}
    body, body_line = text, 1
    if re.match(r"---[ \t]*\n", text):
        end = _FRONT_END.search(text, 4)
        if end is None:
            yield source.mistake(1, "the front matter is not closed; end it with a line of ---")
            return
        front = yaml_document(source, text[4 : end.start()], 2)
        if isinstance(front, DossierError):
            yield front
            return
        values, key_lines = front.values, front.key_lines
        body, body_line = text[end.end() :], text.count("\n", 0, end.end()) + 1
    keys = {key.strip().casefold() for key in values}
    mapped = source.columns.get("name", "name").casefold()
    if not keys & {"name", "title", mapped}:
        heading = _HEADING.search(body)
        if heading:
            name = (heading[1] or heading[2]).strip()
            key_lines = {**key_lines, "name": body_line + body.count("\n", 0, heading.start())}
            values, body = {"name": name, **values}, body[: heading.start()] + body[heading.end() :]
    if body.strip() and "description" not in keys:
        values = {**values, "description": body.strip("\n")}
    yield RawRecord(source.place, 1, values, key_lines)


READERS: dict[str, Reader] = {
    ".yaml": yaml_records, ".yml": yaml_records, ".json": json_records, ".jsonl": jsonl_records,
    ".ndjson": jsonl_records, ".md": markdown_records, ".markdown": markdown_records,
    ".csv": csv_records, ".tsv": csv_records,
}  # fmt: skip
"""Suffix -> reader."""


def sniffed_records(source: Source) -> Iterator[Read]:
    """Records of a source that has no name: its format is told from its first lines."""
    head: list[bytes] = []
    for chunk in source.chunks:
        head.append(chunk)
        if chunk.strip() and not chunk.lstrip().startswith((b"#", b"%")):
            break
    line = head[-1].decode("utf-8", "replace").strip() if head else ""
    commented = any(chunk.strip() for chunk in head[:-1])
    rest = replace(source, chunks=itertools.chain(head, source.chunks))
    yield from _told_by(line, commented, rest)


def _told_by(line: str, commented: bool, source: Source) -> Iterator[Read]:
    if line.startswith("{"):
        try:
            json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            return json_records(source)
        return jsonl_records(source)
    if line.startswith("["):
        return json_records(source)
    if re.match(r"---(?:\s|$)", line):
        return _front_or_yaml(source)
    if _YAML_START.match(line):
        return yaml_records(source)
    cells = {cell.strip().strip('"').casefold() for cell in re.split(r"[,;\t]", line)}
    if not commented and len(cells) > 1 and cells & {"name", "title", source.columns.get("name", "name").casefold()}:
        return csv_records(source)
    return markdown_records(source)


def _front_or_yaml(source: Source) -> Iterator[Read]:
    """After a first `---`: Markdown when what follows the second one is no mapping, else YAML documents."""
    chunks = list(source.chunks)
    marks = [at for at, chunk in enumerate(chunks) if re.match(rb"(?:---|\.\.\.)\s*$", chunk)]
    rest = replace(source, chunks=iter(chunks))
    if len(marks) < 2:
        return yaml_records(rest)
    for chunk in chunks[marks[1] + 1 :]:
        if chunk.strip():
            return yaml_records(rest) if _YAML_START.match(chunk.decode("utf-8", "replace")) else markdown_records(rest)
    return markdown_records(rest)
