"""Files of rows on their way to the provider. A kill at any moment loses no batch and makes none twice.

batch.json says that a part may have been sent before it is sent, and a batch whose id was lost is found again by its
tag. Until batch.json says that all rows are written nothing is sent. Knows nothing of how rows are made or answered.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from panel.batch_calls import Calls, write_fault
from panel.batch_file import settings_of, write_batch
from panel.engines.local import submit
from panel.errors import ConfigError, ModelRejected
from panel.journal import Journal, stamp, utc_now
from panel.models.batch_wires import batch_wire
from panel.models.wires import parse_model_name
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


def finish_sending(runs: Path, batch: Batch, now: Settings) -> Batch:
    """Send what a submission that was cut short has ready, or give back its rows when not all were written.

    `runs/` is held; `now` is what panel.toml says today. Raises ConfigError, ModelRejected or ModelUnavailable.
    """
    journal = Journal(runs / batch.run_id)
    try:
        if batch.whole:
            return carry_out(send_parts(runs, batch, journal, now))
        never = ModelRejected("the run was cut short before this was sent")
        for row in Calls(journal.folder).unanswered.values():
            write_fault(journal, row, never)
        return keep(runs, batch.model_copy(update={"whole": True, "parts": (), "closed": True}))
    finally:
        journal.close()


async def send_parts(runs: Path, batch: Batch, journal: Journal, now: Settings) -> Batch:
    """Upload and create what has no batch yet. A part the provider refuses is given back, and its error raised."""
    apis = apis_of(runs, batch, now)
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


def apis_of(runs: Path, batch: Batch, now: Settings) -> dict[str, BatchApi]:
    """The provider of every model that has a part. Loads litellm.

    Raises ConfigError when a key is not set, or panel.toml (`now`) has another address or key for a model.
    """
    settings = settings_of(runs, batch)
    names = list(dict.fromkeys(part.info.name for part in batch.parts))
    check_addresses(names, batch, settings, now)
    from panel.models.batch_api import BatchApi

    return {name: BatchApi(batch_wire(name, settings), settings.retry, settings.timeout) for name in names}


def check_addresses(names: Iterable[str], batch: Batch, was: Settings, now: Settings) -> None:
    """Raises ConfigError when batch.json would send a key elsewhere than the owner's own settings do.

    A file among the journals (`was`) may come from anybody; where a key goes is the owner's to say (`now`).
    """
    for name in names:
        old, present = _address(name, was), None
        with suppress(ConfigError):
            present = _address(name, now)
        if old != present:
            raise ConfigError(f"run {batch.run_id} asks {name} at {_told(old)}, and panel.toml has {_told(present)} "
                              "for it; put into panel.toml what the run was submitted with, if that is right")


def _address(name: str, settings: Settings) -> tuple[str, str | None]:
    """Where a model is asked, and the variable whose value goes there. Raises ConfigError."""
    entry = settings.models.get(name)
    wire = parse_model_name(entry.model if entry else name)
    return wire.base_url or f"{wire.wire} {wire.model}", (entry.key_env if entry else None) or wire.key_env


def _told(address: tuple[str, str | None] | None) -> str:
    if address is None:
        return "nothing"
    return f"{address[0]} with {f'the key in {address[1]}' if address[1] else 'no key'}"
