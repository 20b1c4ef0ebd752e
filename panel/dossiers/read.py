"""Files, folders or standard input -> dossiers, one at a time.

A bad record is reported and the rest go on. What is remembered of the records read is a few bytes each (for
duplicates), so a launches file of any length streams. Knows nothing of cleaning or lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from panel.dossiers.fields import check_columns, read_fields
from panel.dossiers.formats import READERS, Read, sniffed_records
from panel.dossiers.source import RawRecord, Source, read_chunks
from panel.errors import DossierError
from panel.schema import Dossier

Report = Callable[[DossierError], None]
ONE_A_LINE = {".jsonl": 0, ".ndjson": 0, ".csv": 1, ".tsv": 1}
"""Formats with a record a line -> lines that are none."""
MAX_SINGLE = 64_000
"""Bytes up to which another file is taken to hold one record."""
STDIN = "-"
STDIN_NAME = "standard input"


def read_dossiers(
    paths: Iterable[str], *, strict: bool = False, columns: Mapping[str, str] | None = None, report: Report
) -> Iterator[Dossier]:
    """The dossiers of files, of folders (their files of a known suffix, sorted, README left out) or of "-" (stdin).

    Raises DossierError at once for a path that is not there or cannot be a dossier. A record that cannot be read goes
    to `report` as "file:line: field: what; what to do" and the next one is read; `strict` raises it instead. A record
    that is read twice with the same content is given once; the second of two with one id and other content is an error.
    `columns` maps a field to the column or key that holds it.
    """
    known_columns = check_columns(columns)
    files = [file for path in paths for file in dossier_files(path)]
    return _read_all(files, known_columns, strict, report)


def count_records(paths: Iterable[str]) -> int | None:
    """About how many records there are, for a progress bar, without reading them; None where only reading would tell.

    Raises DossierError as `read_dossiers` does.
    """
    total = 0
    for file in (file for path in paths for file in dossier_files(path)):
        suffix = Path(file).suffix.lower()
        if file == STDIN or not Path(file).is_file():  # a pipe can be read only once
            return None
        if suffix not in ONE_A_LINE and Path(file).stat().st_size > MAX_SINGLE:
            return None
        if suffix in ONE_A_LINE:
            with Path(file).open("rb") as handle:
                lines = sum(1 for line in handle if line.strip())
            total += lines - ONE_A_LINE[suffix]
        else:
            total += 1
    return total


def dossier_files(path: str) -> list[str]:
    """The files a path stands for: itself, or a folder's. Raises DossierError."""
    if path == STDIN:
        return [path]
    here = Path(path)
    suffixes = " ".join(READERS)
    if here.is_dir():
        found = sorted(str(file) for file in here.iterdir() if _is_dossier_file(file))
        if not found:
            raise DossierError(f"{path}: the folder has no dossier in it; a dossier is a file with one of {suffixes}")
        return found
    if not here.exists():
        raise DossierError(f"{path}: there is no such file or folder; check the path")
    if here.suffix.lower() not in READERS:
        raise DossierError(f"{path}: cannot tell the format; name the file with one of {suffixes}, or pipe it to -")
    return [path]


def _is_dossier_file(file: Path) -> bool:
    name = file.name.casefold()
    return file.suffix.lower() in READERS and not name.startswith((".", "_", "readme.")) and file.is_file()


def _read_all(files: list[str], columns: dict[str, str], strict: bool, report: Report) -> Iterator[Dossier]:
    # id -> digest, file and line in one integer: a million records cost about 100 MB less than a record each would.
    seen: dict[int, int] = {}
    for number, file in enumerate(files):
        for read in _records(file, columns):
            try:
                if isinstance(read, DossierError):
                    raise read
                dossier = read_fields(read, columns)
                new = _is_new(dossier, (number, read), seen, files)
            except DossierError as error:
                if strict:
                    raise
                report(error)
            else:
                if new:
                    yield dossier


def _records(file: str, columns: dict[str, str]) -> Iterator[Read]:
    """The records of one file; what stops it half way is the last of them, as an error."""
    try:
        if file == STDIN:
            # Not sys.stdin: a thread that is blocked in it when the program ends would make the interpreter abort.
            handle = open(0, "rb", closefd=False)  # noqa: SIM115  it is the process's, not ours to close
            if not handle.peek(1):
                raise DossierError(f"{STDIN_NAME}: is empty; pipe dossiers into it")
            stdin = Source(STDIN_NAME, read_chunks(handle), columns)
            yield from _anything(sniffed_records(stdin), STDIN_NAME)
        else:
            with Path(file).open("rb") as handle:
                source = Source(file, read_chunks(handle), columns)
                yield from _anything(READERS[Path(file).suffix.lower()](source), file)
    except DossierError as error:
        yield error
    except OSError as error:
        yield DossierError(f"{file}: cannot be read ({error.strerror or error}); check the path and its permissions")


def _anything(records: Iterator[Read], place: str) -> Iterator[Read]:
    empty = True
    for record in records:
        empty = False
        yield record
    if empty:
        yield DossierError(f"{place}:1: has no record in it; write at least a name and a tagline")


def _is_new(dossier: Dossier, place: tuple[int, RawRecord], seen: dict[int, int], files: list[str]) -> bool:
    number, record = place
    key = hash(dossier.id)  # 64 bits: two ids of a million share one with a chance of 3 in 100 million
    content = int(dossier.digest[:16], 16)
    before = seen.get(key)
    if before is None:
        seen[key] = content << 64 | number << 40 | record.line
        return True
    if before >> 64 == content:
        return False
    file = files[before >> 40 & 0xFFFFFF]
    first = f"{STDIN_NAME if file == STDIN else file}:{before & 0xFFFFFFFFFF}"
    raise record.mistake("id", f"{dossier.id!r} is already taken by {first}, with other content; "
                         "give one of them another id, or remove it")  # fmt: skip
