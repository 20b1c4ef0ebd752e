"""One sitting. Knows nothing of how it went beyond its totals."""

from __future__ import annotations

from panel.schema.panel import Panel
from panel.schema.persona import Persona
from panel.schema.record import Record


class Run(Record):
    """What a run was made with; written to run.json before the first call. Times are UTC, ISO 8601."""

    id: str
    command: str
    started_at: str
    program_version: str
    package_versions: dict[str, str]
    panel: Panel
    personas: tuple[Persona, ...]
    models: dict[str, str]
    """Model as asked -> endpoint."""
    captions: tuple[str, ...] = ()
