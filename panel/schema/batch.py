"""A provider batch of a run: what was put into which file, and how far it is. Knows nothing of providers."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from panel.schema.completion import ModelInfo, Rung
from panel.schema.record import Record


class Part(Record):
    """One file of rows and the provider batch that works on it."""

    number: int
    file: str = Field(pattern=r"^batch-[0-9]{4,}\.jsonl$")
    """In the run's folder; it is removed once the answers are home."""
    rows: int
    first_seq: int
    last_seq: int
    """Its rows are the calls of the run with these numbers."""
    rung: Rung
    info: ModelInfo
    """The model, at the prices of its batch API."""
    tag: str
    """Ours, in the batch's metadata: finds a batch whose id a kill kept from us."""
    tried: bool = False
    """Whether the provider may have been asked for it. Written before asking."""
    file_id: str | None = None
    batch_id: str | None = None
    home: bool = False
    """Whether every row has its answer, or its failure, in the journal."""


class Batch(Record):
    """runs/<run id>/batch.json: all that another process needs to bring the answers home. No secrets."""

    run_id: str
    settings: dict[str, Any]
    """As given, keys by the name of their variable; without what reading the answers needs not."""
    terms: dict[str, Any]
    panel_digest: str
    infos: dict[str, ModelInfo]
    """The models as they were known: context and price decide what is asked."""
    parts: tuple[Part, ...] = ()
    whole: bool = False
    """Whether all rows are in `parts`; else the submission was cut short, and the other rows were never sent."""
    closed: bool = False
    """Whether nothing is left to ask or read."""

    @property
    def waiting(self) -> bool:
        """Whether its calls without an answer are under way."""
        return not self.whole or not all(part.home for part in self.parts)

    def with_part(self, changed: Part) -> Batch:
        """The same with one part changed, or added."""
        parts = {part.number: part for part in self.parts} | {changed.number: changed}
        return self.model_copy(update={"parts": tuple(parts.values())})
