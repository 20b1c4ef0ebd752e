"""What was taken in: `runs/imports/<UTC time>-<digest>.<suffix>`, the bytes of each source as they came, once.

A source whose bytes are here already brings nothing. Knows nothing of which imports a night is done with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from panel.dossiers import read_dossiers
from panel.dossiers.formats import READERS
from panel.dossiers.read import dossier_files
from panel.errors import DossierError
from panel.journal import write_file
from panel.schema import Dossier
from panel.sources.feed import Fetched

FOLDER = "imports"
NAMED = 12
"""Digits of the digest in a file's name."""
NO_LAUNCHES = (b"", b"[]")

Report = Callable[[DossierError], None]


def imports_of(runs: Path) -> list[Path]:
    """Every import, oldest first."""
    return sorted(path for path in (runs / FOLDER).glob("*Z-*") if path.suffix in READERS)


def keep(runs: Path, fetched: Fetched, moment: datetime) -> Path | None:
    """Keep the bytes of a source, whole or not at all; None when they are here already, or hold no launch.

    Raises StoreError when the disk is full.
    """
    if fetched.body.strip() in NO_LAUNCHES:
        return None
    digest = hashlib.sha256(fetched.body).hexdigest()[:NAMED]
    folder = runs / FOLDER
    if any(folder.glob(f"*Z-{digest}{fetched.suffix}")):
        return None
    path = folder / f"{moment.strftime('%Y%m%dT%H%M%S.%f')}Z-{digest}{fetched.suffix}"
    write_file(path, fetched.body)
    return path


def read_files(source: str) -> Iterator[Fetched]:
    """The dossier files of a path (itself, or those of a folder), as if each had been fetched. Raises DossierError."""
    for file in map(Path, dossier_files(source)):
        try:
            yield Fetched(body=file.read_bytes(), suffix=file.suffix.lower())
        except OSError as error:
            raise DossierError(f"{file}: cannot be read ({error.strerror or error}); check its permissions") from error


class Launches:
    """The dossiers of several imports, each id once, with the content of the newest import that has it.

    `wanted` says of a dossier's digest whether it is still to be considered. Reads the files once to know which
    content is the newest, and again whenever it is iterated, the oldest import first: what is kept in memory is a few
    numbers a dossier. Bad records go to `report`, once.
    """

    def __init__(self, imports: Sequence[Path], wanted: Callable[[str], bool], report: Report) -> None:
        self.imports = tuple(imports)
        self.found: dict[str, int] = {}
        """Digest of each dossier that is wanted → the number of its import."""
        self.superseded: set[str] = set()
        """Digests of dossiers whose id has newer content."""
        self.bad = 0
        newest: dict[int, int] = {}
        for number, path in reversed(list(enumerate(imports))):
            for dossier in self._read(path, report):
                content = int(dossier.digest[:16], 16)
                if newest.setdefault(hash(dossier.id), content) != content:
                    self.superseded.add(dossier.digest)
                elif wanted(dossier.digest):
                    self.found.setdefault(dossier.digest, number)

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Dossier]:
        given = set[str]()
        for path in self.imports:
            for dossier in self._read(path, None):
                if dossier.digest in self.found and dossier.digest not in given:
                    given.add(dossier.digest)
                    yield dossier

    def through(self, considered: set[str]) -> tuple[Path, ...]:
        """The imports of which nothing is left once these dossiers are considered."""
        left = {number for digest, number in self.found.items() if digest not in considered}
        return tuple(path for number, path in enumerate(self.imports) if number not in left)

    def _read(self, path: Path, report: Report | None) -> Iterator[Dossier]:
        def take(error: DossierError) -> None:
            if report is not None:
                self.bad += 1
                report(error)

        return read_dossiers([str(path)], report=take)
