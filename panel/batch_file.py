"""runs/<run id>/batch.json on the disk. Knows nothing of what is done with it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from panel.errors import StoreError
from panel.journal import disk_error, write_file
from panel.schema.batch import Batch

NAME = "batch.json"


def write_batch(runs: Path, batch: Batch) -> None:
    """Write it whole or not at all. Raises StoreError."""
    write_file(runs / batch.run_id / NAME, batch.model_dump_json(indent=1).encode())


def read_batch(runs: Path, run_id: str) -> Batch | None:
    """The provider batches of a run; None when it has none. Raises StoreError when the file cannot be read."""
    path = runs / run_id / NAME
    try:
        return Batch.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_error(error, path) from error
    except ValidationError as error:
        raise StoreError(f"{path}: not a batch.json of this program; move it away, and its rows count as spent and "
                         "are asked again") from error


def waiting_batches(runs: Path) -> list[Batch]:
    """Those whose answers are not all home, oldest run first. Raises StoreError."""
    found = (read_batch(runs, path.parent.name) for path in sorted(runs.glob(f"*/{NAME}")))
    return [batch for batch in found if batch is not None and batch.waiting]


def waiting_runs(runs: Path) -> frozenset[str]:
    """The ids of their runs. Raises StoreError."""
    return frozenset(batch.run_id for batch in waiting_batches(runs))
