"""runs/<run id>/batch.json on the disk. Knows nothing of what is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from panel.errors import StoreError
from panel.journal import disk_error, write_file
from panel.schema.batch import Batch
from panel.settings import Settings

NAME = "batch.json"
Kind = TypeVar("Kind", bound=BaseModel)


def write_batch(runs: Path, batch: Batch) -> None:
    """Write it whole or not at all. Raises StoreError."""
    write_file(runs / batch.run_id / NAME, batch.model_dump_json(indent=1).encode())


def read_batch(runs: Path, run_id: str) -> Batch | None:
    """The provider batches of a run; None when it has none. Raises StoreError when the file cannot be read."""
    path = runs / run_id / NAME
    try:
        batch = Batch.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_error(error, path) from error
    except ValidationError as error:
        raise spoiled(runs, run_id, "not a batch.json of this program") from error
    if batch.run_id != run_id:
        raise spoiled(runs, run_id, "is of another run than its folder's")
    if any(part.info.name not in batch.infos for part in batch.parts):
        raise spoiled(runs, run_id, "has a part for a model it does not list")
    return batch


def spoiled(runs: Path, run_id: str, what: str) -> StoreError:
    """The error of a batch.json that cannot be used."""
    return StoreError(f"{runs / run_id / NAME}: {what}; move it away, and its rows count as spent and are asked again")


def settings_of(runs: Path, batch: Batch) -> Settings:
    """What its run was set to. Raises StoreError."""
    return checked(Settings, {**batch.settings, "runs": str(runs)}, runs, batch)


def checked(kind: type[Kind], value: Any, runs: Path, batch: Batch) -> Kind:
    """A part of batch.json as what it is. Raises StoreError naming the field that is wrong."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise spoiled(runs, batch.run_id, f"its {kind.__name__.lower()} are wrong ({where})") from error


def waiting_batches(runs: Path) -> list[Batch]:
    """Those whose answers are not all home, oldest run first. Raises StoreError."""
    found = (read_batch(runs, path.parent.name) for path in sorted(runs.glob(f"*/{NAME}")))
    return [batch for batch in found if batch is not None and batch.waiting]


def waiting_runs(runs: Path) -> frozenset[str]:
    """The ids of their runs. Raises StoreError."""
    return frozenset(batch.run_id for batch in waiting_batches(runs))
