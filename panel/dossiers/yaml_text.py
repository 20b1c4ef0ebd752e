"""YAML -> raw records, with every scalar left as the text it was written as.

`version: 1.10` stays "1.10" and `country: no` stays "no". Built from the parser's events, so no tag makes an object,
and depth, aliases and their growth are bounded. Knows nothing of fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from panel.dossiers.source import MAX_RECORD, MAX_WHOLE, RawRecord, Source, as_text
from panel.errors import DossierError

MAX_DEPTH = 20
MAX_ALIASES = 50
MAX_NODES = 50_000
"""Values of one record, each alias counted as all it stands for."""

# Events are typed as Any: the stubs leave out where they start and what they carry.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml where the wheel has it: ten times as fast
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_ONLY_HEAD = re.compile(r"(?:[ \t]*(?:#[^\n]*)?(?:\n|$)|%[^\n]*(?:\n|$))*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PLAIN_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool",
               "tag:yaml.org,2002:null", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq",
               "tag:yaml.org,2002:timestamp", "!")  # fmt: skip


class _Document:
    """The events of one text, turned into values. Raises DossierError with the line of the source."""

    def __init__(self, source: Source, text: str, first_line: int) -> None:
        self._source = source
        self._first = first_line
        self._loader = _LOADER(text)
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliases = 0
        self._nodes = 0

    def records(self) -> Iterator[RawRecord]:
        """Every mapping at the top, or in a list at the top."""
        try:
            while not self._loader.check_event(yaml.StreamEndEvent):
                event: Any = self._loader.get_event()
                if isinstance(event, yaml.SequenceStartEvent):
                    while not self._loader.check_event(yaml.SequenceEndEvent):
                        yield self._record(self._loader.get_event())
                elif isinstance(event, yaml.NodeEvent) and not self._is_nothing(event):
                    yield self._record(event)
                elif isinstance(event, yaml.DocumentStartEvent):
                    self._anchors.clear()
        finally:
            self._loader.dispose()

    @staticmethod
    def _is_nothing(event: Any) -> bool:
        return isinstance(event, yaml.ScalarEvent) and not event.style and event.value in _NULLS

    def _mistake(self, event: Any, what: str) -> DossierError:
        return self._source.mistake(self._line_of(event), what)

    def _line_of(self, event: Any) -> int:
        return self._first + int(event.start_mark.line)

    def _record(self, event: Any) -> RawRecord:
        line = self._line_of(event)
        if not isinstance(event, yaml.MappingStartEvent):
            raise self._mistake(event, "is not a mapping; a record is lines of `field: value`, with at least a name")
        self._nodes = self._aliases = 0
        key_lines: dict[str, int] = {}
        values, _ = self._mapping(event, 1, key_lines)
        return RawRecord(self._source.place, line, values, key_lines)

    def _value(self, event: Any, depth: int) -> tuple[Any, int]:
        """The value that starts with this event, and how many values it is made of."""
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise self._mistake(event, f"is nested more than {MAX_DEPTH} deep; write it flat")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            raise self._mistake(event, f"the tag {event.tag[:60]!r} is not read here; remove it")
        if isinstance(event, yaml.ScalarEvent):
            value = None if self._is_nothing(event) else event.value
            made: tuple[Any, int] = (value, 1)
        elif isinstance(event, yaml.MappingStartEvent):
            made = self._mapping(event, depth + 1, {})
        else:
            made = self._sequence(depth + 1)
        if event.anchor:
            self._anchors[event.anchor] = made
        return made

    def _alias(self, event: Any) -> tuple[Any, int]:
        self._aliases += 1
        if event.anchor not in self._anchors:
            raise self._mistake(event, f"*{event.anchor} stands for nothing; there is no &{event.anchor} before it")
        value, size = self._anchors[event.anchor]
        self._nodes += size
        if self._aliases > MAX_ALIASES or self._nodes > MAX_NODES:
            raise self._mistake(event, "has too many YAML aliases (*); write the values out")
        return value, size

    def _sequence(self, depth: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        size = 1
        while not self._loader.check_event(yaml.SequenceEndEvent):
            value, grown = self._value(self._loader.get_event(), depth)
            values.append(value)
            size += grown
        self._loader.get_event()
        return values, size

    def _mapping(self, event: Any, depth: int, key_lines: dict[str, int]) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        size = 1
        while not self._loader.check_event(yaml.MappingEndEvent):
            key: Any = self._loader.get_event()
            if not isinstance(key, yaml.ScalarEvent):
                raise self._mistake(key, "a key must be one word or text")
            if key.value == "<<" and not key.style:
                raise self._mistake(key, "merge keys (<<) are not read; write the fields out")
            if key.value in values:
                raise self._mistake(key, f"{key.value[:60]!r}: the key is given twice; keep one of them")
            key_lines[key.value] = self._line_of(key)
            values[key.value], grown = self._value(self._loader.get_event(), depth)
            size += grown
        self._loader.get_event()
        return values, size


def _read(source: Source, text: str, first_line: int) -> Iterator[RawRecord | DossierError]:
    control = _CONTROL.search(text)
    if control:
        line = first_line + text.count("\n", 0, control.start())
        yield source.mistake(line, f"has the control character U+{ord(control[0]):04X}; remove it")
        return
    try:
        yield from _Document(source, text, first_line).records()
    except DossierError as error:
        yield error
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        # What is not closed is noticed at the end of the text; the last line that holds something is shown.
        line = first_line + min(mark.line if mark else 0, text.rstrip().count("\n"))
        yield source.mistake(line, f"is not YAML ({error.problem}); mend it, quoting text that holds `: ` or ` #`")
    except yaml.YAMLError as error:
        yield source.mistake(first_line, f"is not YAML ({str(error).splitlines()[0]}); mend it")
    except RecursionError:
        yield source.mistake(first_line, "is nested too deep; write it flat")


def yaml_document(source: Source, text: str, first_line: int) -> RawRecord | DossierError:
    """The one record of a front matter; an empty one has no values."""
    read = list(_read(source, text, first_line))
    if not read:
        return RawRecord(source.place, first_line, {})
    if len(read) > 1:
        return source.mistake(first_line, "the front matter must be one mapping")
    return read[0]


def yaml_records(source: Source) -> Iterator[RawRecord | DossierError]:
    """One mapping, a list of them, or several documents. A broken document does not stop the next one."""
    empty = True
    for first_line, raw in _documents(source.chunks):
        if raw is None:
            yield source.mistake(first_line, f"is longer than {MAX_WHOLE / 1e6:.0f} MB; cut the document up")
            continue
        try:
            text = as_text(source, raw, first_line)
        except DossierError as error:
            empty = False
            yield error
            continue
        for read in _read(source, text, first_line):
            empty = False
            long = len(raw) > MAX_RECORD and isinstance(read, RawRecord) and _size(read.values) > MAX_RECORD
            yield source.mistake(first_line, f"is longer than {MAX_RECORD / 1e6:.0f} MB; shorten it") if long else read
    if empty:
        yield source.mistake(1, "is empty; write at least a name and a description")


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _size(held) for key, held in value.items())
    return sum(map(_size, value)) if isinstance(value, list) else 0


def _documents(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """First line and bytes of each document; a line that starts with `---` begins one, even inside a text block.

    None stands for a document over MAX_WHOLE.
    """
    held: list[bytes] = []
    first = number = 1
    size = 0
    at_line_start = True
    for chunk in chunks:
        starts = at_line_start and chunk.startswith(b"---") and (len(chunk) == 3 or chunk[3:4].isspace())
        if starts and held and not _ONLY_HEAD.fullmatch(b"".join(held[:200]).decode("utf-8", "replace")):
            yield first, b"".join(held) if size <= MAX_WHOLE else None
            held, first, size = [], number, 0
        size += len(chunk)
        if size <= MAX_WHOLE:
            held.append(chunk)
        at_line_start = chunk.endswith(b"\n")
        number += at_line_start
    if held:
        yield first, b"".join(held) if size <= MAX_WHOLE else None
