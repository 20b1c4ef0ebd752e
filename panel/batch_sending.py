"""Files of rows on their way to the provider. A kill at any moment loses no batch and makes none twice.

batch.json says that a part may have been sent before it is sent, and a batch whose id was lost is found again by its
tag. Until batch.json says that all rows are written nothing is sent. Knows nothing of how rows are made or answered.
"""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from panel.batch_calls import Calls, write_fault
from panel.batch_file import write_batch
from panel.engines.local import submit
from panel.errors import ModelRejected
from panel.journal import Journal, stamp, utc_now
from panel.models.batch_wires import batch_wire
from panel.schema.batch import Batch, Part
from panel.settings import Settings

if TYPE_CHECKING:
    from panel.models.batch_api import BatchApi, BatchState

Result = TypeVar("Result")


def carry_out(work: Coroutine[Any, Any, Result]) -> Result:
    """The work, on the process's event loop; an interrupt ends it where it is, as a kill would."""
    under_way = submit(work)
    try:
        return under_way.result()
    finally:
        under_way.cancel()


def sent_whole(batch: Batch) -> bool:
    """Whether every row of it was sent."""
    return batch.whole and all(part.batch_id is not None or part.home for part in batch.parts)


def finish_sending(runs: Path, batch: Batch) -> Batch:
    """Send what a submission that was cut short has ready, or give back its rows when not all were written.

    `runs/` is held. Raises ModelRejected or ModelUnavailable.
    """
    journal = Journal(runs / batch.run_id)
    try:
        if batch.whole:
            return carry_out(send_parts(runs, batch, journal))
        never = ModelRejected("the run was cut short before this was sent")
        for row in Calls(journal.folder).unanswered.values():
            write_fault(journal, row, never)
        return keep(runs, batch.model_copy(update={"whole": True, "parts": (), "closed": True}))
    finally:
        journal.close()


async def send_parts(runs: Path, batch: Batch, journal: Journal) -> Batch:
    """Upload and create what has no batch yet. A part the provider refuses is given back, and its error raised."""
    apis = apis_of(batch)
    for part in batch.parts:
        if part.batch_id is not None or part.home:
            continue
        api, tag = apis[part.info.name], tag_of(batch, part)
        state = await api.find(tag) if part.tried else None
        if state is None:
            batch = keep(runs, batch.with_part(part.model_copy(update={"tried": True})))
            try:
                state = await api.create(await api.upload(journal.folder / part.file), tag)
            except ModelRejected as error:
                batch = give_back(runs, batch, part, journal, error)
                raise
        batch = _keep_id(runs, batch, part, journal, state)
    return batch


def tag_of(batch: Batch, part: Part) -> dict[str, str]:
    """What marks the provider's batch as this part."""
    return {"ship_panel_run": batch.run_id, "ship_panel_part": str(part.number), "ship_panel_tag": part.tag}


def _keep_id(runs: Path, batch: Batch, part: Part, journal: Journal, state: BatchState) -> Batch:
    journal.append(batch.run_id, "batch", {
        "part": part.number, "batch_id": state.id, "file_id": state.file_id, "model": part.info.name,
        "rows": part.rows, "endpoint": part.info.endpoint, "at": stamp(utc_now())})
    sent = part.model_copy(update={"tried": True, "batch_id": state.id, "file_id": state.file_id})
    return keep(runs, batch.with_part(sent))


def keep(runs: Path, batch: Batch) -> Batch:
    """The same, written down."""
    write_batch(runs, batch)
    return batch


def give_back(runs: Path, batch: Batch, part: Part, journal: Journal, error: ModelRejected) -> Batch:
    """Journal that the rows of a part were refused: they cost nothing and are free to be asked again."""
    for row in Calls(journal.folder).rows_of(part).values():
        write_fault(journal, row, error)
    return keep(runs, batch.with_part(part.model_copy(update={"home": True})))


def apis_of(batch: Batch) -> dict[str, BatchApi]:
    """The provider of every model that has a part. Loads litellm. Raises ConfigError when a key is not set."""
    from panel.models.batch_api import BatchApi

    settings = Settings.model_validate(batch.settings)
    names = dict.fromkeys(part.info.name for part in batch.parts)
    return {name: BatchApi(batch_wire(name, settings), settings.retry, settings.timeout) for name in names}
