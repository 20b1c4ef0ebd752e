"""What people state, kept in `runs/facts/`: files that are written once, whole, and never again.

Each statement is a line as a journal has them, its key its own. No lock is needed: every call makes a file of its own,
so two desks, a command and a running batch can all state things at once. Knows nothing of what is done with them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import get_native_id

from panel.journal import disk_error, dump_line, stamp, utc_now
from panel.schema import Clearance, Record, Resolution, Statement

FOLDER = "facts"
KINDS: dict[type[Record], str] = {Resolution: "resolution", Clearance: "clearance"}


def statement_files(runs: Path) -> list[Path]:
    """Every file of statements under `runs/`, oldest first; a link, folder or pipe of that name is none."""
    return sorted(path for path in (runs / FOLDER).glob("facts-*.jsonl") if path.is_file() and not path.is_symlink())


def state(runs: Path, statements: Sequence[Statement]) -> Path:
    """Keep the statements in a new file, on the disk before this returns. Raises StoreError."""
    folder = runs / FOLDER
    name = stamp(utc_now()).replace(":", "").replace("-", "").replace(".", "").rstrip("Z")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while (path := folder / f"facts-{name}-{get_native_id()}-{number:02d}.jsonl").exists():
            number += 1
        temporary = folder / f".{path.name}.tmp"
        with temporary.open("wb") as file:
            for position, one in enumerate(statements, start=1):
                file.write(dump_line({"key": f"{path.stem.removeprefix('facts-')}-{position}", "t": KINDS[type(one)],
                                      "record": one.model_dump(mode="json")}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise disk_error(error, folder) from error
    return path
