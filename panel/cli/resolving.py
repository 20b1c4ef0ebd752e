"""What somebody typed of how predictions came out → resolutions, checked, all of them or none.

Knows nothing of what is printed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast
from urllib.parse import urlsplit

from panel.errors import ConfigError
from panel.ledger import days_over
from panel.recording import record
from panel.schema import Resolution
from panel.schema.ledger import LedgerEntry
from panel.schema.statement import ResolvedAs
from panel.store import open_store
from panel.store.ledger import drafts_of, find_prediction

COLUMNS = ("id", "outcome", "source", "note", "by")
OUTCOMES = ("yes", "no", "void")


class Answer(NamedTuple):
    """How one prediction came out, as it was typed; `line` is that of its file, 0 where it was no file."""

    line: int
    prediction: str
    outcome: str
    source: str | None
    note: str | None
    by: str | None


class Answers(NamedTuple):
    """What was typed: one answer, or the lines of a file, and what is wrong with those that cannot be read, by line."""

    path: Path | None
    answers: list[Answer]
    bad: dict[int, str]


class Resolved(NamedTuple):
    """A prediction as it stood before, what was stated of it, and of how many drafts of it that was stated now.

    `already`: it stood so, and nothing was stated of it.
    """

    entry: LedgerEntry
    resolution: Resolution
    drafts: int
    already: bool


class Taken(NamedTuple):
    """What was kept, and whether the store shows it already."""

    resolved: list[Resolved]
    shown: bool


def read_answers(path: Path) -> Answers:
    """The lines of a CSV file with a header, or of a file of JSON lines. Raises ConfigError when it is neither."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".jsonl"):
        raise ConfigError(f"--from {path}: must be a .csv or .jsonl file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = _sorted_out(path, _csv_rows(path, file) if kind == ".csv" else _json_rows(file))
    except OSError as error:
        raise ConfigError(f"--from {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"--from {path}: is not UTF-8") from error
    if not found.answers and not found.bad:
        raise ConfigError(f"--from {path}: holds no line to take")
    return found


def take(folder: Path, typed: Answers, by: str | None, at: str, *, early: bool, today: date) -> Taken:
    """Check every answer, then keep them all. `by` is who says so where an answer does not.

    An answer is stated of every draft of its prediction (the same tool, persona, statement and month), one resolution
    each, and of none that stands so already, by outcome and source, unless it has a note of its own. Raises
    ConfigError when one is wrong, after naming each; nothing is kept then.
    """
    resolved: list[Resolved] = []
    stated: list[Resolution] = []
    bad = dict(typed.bad)
    lines: dict[str, tuple[Answer, bool]] = {}
    with open_store(folder) as store:
        for answer in typed.answers:
            try:
                entry = find_prediction(store, answer.prediction)
                resolution = _resolution(answer, entry, by, at, early=early, today=today)
                if entry.key in lines:
                    _check_again(entry, answer, *lines[entry.key])
                    continue
                drafts = drafts_of(store, entry)
                lines |= {draft.key: (answer, draft.key == entry.key) for draft in drafts}
                new = [draft for draft in drafts if not _stands(draft, resolution)]
                stated += [resolution.model_copy(update={"prediction": draft.key}) for draft in new]
                resolved.append(Resolved(entry, resolution, len(new), _stands(entry, resolution)))
            except ConfigError as error:
                if typed.path is None:
                    raise
                bad[answer.line] = str(error)
    if bad:
        _refuse(typed, bad)
    return Taken(resolved, record(folder, stated) if stated else True)


def _stands(entry: LedgerEntry, resolution: Resolution) -> bool:
    """Whether that is what was said of it last."""
    return (entry.outcome, entry.source) == (resolution.outcome, resolution.source) and (
        resolution.note in (None, entry.note))


def _check_again(entry: LedgerEntry, answer: Answer, before: Answer, named: bool) -> None:
    """A second line for a prediction: only of another draft of it, and saying the same. Raises ConfigError."""
    if named:
        raise ConfigError(f"{entry.id} is resolved in line {before.line} already")
    if answer.outcome.strip().lower() != before.outcome.strip().lower():
        raise ConfigError(f"{entry.id} is a draft of the prediction of line {before.line}, which says {before.outcome}")


def _resolution(answer: Answer, entry: LedgerEntry, by: str | None, at: str, *, early: bool,
                today: date) -> Resolution:
    """The answer as a statement. Raises ConfigError saying what is missing or wrong."""
    outcome = answer.outcome.strip().lower()
    if outcome not in OUTCOMES:
        raise ConfigError(f"outcome {answer.outcome!r}: must be one of {', '.join(OUTCOMES)}")
    source, note, who = (_given(text) for text in (answer.source, answer.note, answer.by))
    if source is not None:
        _check_address(source)
    elif outcome != "void":
        raise ConfigError(f"{outcome} needs a source: an address where anybody can see it (--source URL)")
    if outcome == "void" and note is None:
        raise ConfigError("void needs a note that says why nobody can tell (--note TEXT)")
    if outcome == "no" and not early and days_over(entry.by, today) <= 0:
        raise ConfigError(f"{entry.id} may still come true until the end of {entry.by}: it can be a no after that, or "
                          "now with --early")
    return Resolution(prediction=entry.key, statement=entry.statement, outcome=cast(ResolvedAs, outcome),
                      source=source, note=note, by=who or by, at=at)


def _given(text: str | None) -> str | None:
    return (text or "").strip() or None


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        good = False
    if not good or " " in address or not address.isprintable():
        raise ConfigError(f"source {address!r}: must be an http or https address")


def _csv_rows(path: Path, file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line, its columns, or what is wrong with it)."""
    rows = csv.reader(file, strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if not {"id", "outcome"} <= set(header) or len(set(header)) < len(header):
            raise ConfigError(f"--from {path}: the first line must name its columns, each once, with id and outcome "
                              f"among them ({', '.join(COLUMNS)})")
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            fits = len(row) == len(header)
            yield rows.line_num, dict(zip(header, row, strict=True)) if fits else (
                f"has {len(row)} columns, the first line {len(header)}")
    except csv.Error as error:
        yield rows.line_num, f"is not CSV: {error}"


def _json_rows(file: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else "is not a JSON object"


def _sorted_out(path: Path, rows: Iterable[tuple[int, dict[str, Any] | str]]) -> Answers:
    found = Answers(path, [], {})
    for number, row in rows:
        wrong = row if isinstance(row, str) else _wrong_with(row)
        if isinstance(row, dict) and wrong is None:
            found.answers.append(Answer(number, row["id"], row["outcome"], *map(row.get, COLUMNS[2:])))
        else:
            found.bad[number] = str(wrong)
    return found


def _wrong_with(row: dict[str, Any]) -> str | None:
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        return f"does not know {', '.join(map(repr, unknown))}; the columns are {', '.join(COLUMNS)}"
    for name in COLUMNS:
        value = row.get(name)
        needed = name in ("id", "outcome")
        if not (isinstance(value, str) and value.strip()) if needed else not isinstance(value, str | None):
            return f"{name} must be a text" + (" that is not empty" if needed else "")
    return None


def _refuse(typed: Answers, bad: Mapping[int, str]) -> NoReturn:
    """Name each bad line, then raise ConfigError."""
    from panel.cli import complain

    for line, wrong in sorted(bad.items()):
        complain(f"{typed.path}:{line}: {wrong}")
    raise ConfigError(f"{len(bad)} of {len(typed.answers) + len(typed.bad)} lines cannot be taken; nothing was kept")
