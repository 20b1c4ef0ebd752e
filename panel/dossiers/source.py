"""What a file of dossiers is read from, and one raw record of it, before anybody knows what its keys mean.

Knows nothing of formats or fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from panel.errors import DossierError

MAX_RECORD = 2_000_000
"""Bytes of one record. A dossier is a page of text; more is a mistake or an attack."""

MAX_WHOLE = 32_000_000
"""Bytes of a file that has to be read in one go (JSON, a YAML document). JSON lines and CSV are streamed."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Source:
    """A file being read: its name as the user knows it, its bytes in lines, and the user's column mapping.

    A chunk is a line with its end; a line over MAX_RECORD comes in several chunks.
    """

    place: str
    chunks: Iterator[bytes]
    columns: Mapping[str, str] = field(default_factory=dict)
    """Field -> the column (or key) that holds it."""

    def mistake(self, line: int, what: str) -> DossierError:
        """The error of one line; `what` says what is wrong and what to do."""
        return DossierError(f"{self.place}:{line}: {what}")


@dataclass(frozen=True)
class RawRecord:
    """One record as written: key -> text, null, or a list or mapping of them, and the line each key stands on."""

    place: str
    line: int
    values: dict[str, Any]
    key_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """file:line of the record."""
        return f"{self.place}:{self.line}"

    def mistake(self, key: str, what: str, part: str = "") -> DossierError:
        """The error of one field; `part` says which part of it ("[2].amount")."""
        line = self.key_lines.get(key, self.line)
        shown = key if key.isprintable() and len(key) <= 60 else json.dumps(key[:60])
        return DossierError(f"{self.place}:{line}: {shown}{part}: {what}")


def read_chunks(handle: IO[bytes]) -> Iterator[bytes]:
    """The bytes in lines; a byte order mark is dropped."""
    chunk = handle.readline(MAX_RECORD + 1).removeprefix(b"\xef\xbb\xbf")
    while chunk:
        yield chunk
        chunk = handle.readline(MAX_RECORD + 1)


def read_whole(source: Source, limit: int) -> str:
    """All of a source as text. Raises DossierError when it is longer than `limit` bytes or not UTF-8."""
    parts: list[bytes] = []
    size = 0
    for chunk in source.chunks:
        size += len(chunk)
        if size > limit:
            raise source.mistake(1, f"holds more than {limit / 1e6:.0f} MB; cut it up, or use JSON lines (.jsonl)")
        parts.append(chunk)
    return as_text(source, b"".join(parts), 1)


def as_text(source: Source, raw: bytes, line: int) -> str:
    """UTF-8 bytes as text with plain line ends. Raises DossierError that names the line."""
    try:
        return raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        if raw.startswith(_UTF16):
            raise source.mistake(line, "is UTF-16 text; save the file as UTF-8") from error
        bad = line + raw.count(b"\n", 0, error.start)
        raise source.mistake(bad, f"is not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8") from error


def whole_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line; None for a line over MAX_RECORD, which is read past and not kept."""
    number = 1
    too_long = False
    for chunk in chunks:
        ended = chunk.endswith(b"\n")
        if len(chunk) > MAX_RECORD or too_long:
            if not too_long:
                yield number, None
            too_long = not ended
        else:
            yield number, chunk
        number += ended
