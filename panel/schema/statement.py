"""What people state: how a prediction came out, which flags an editor has cleared. Knows nothing of files or tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from panel.schema.record import Record

ResolvedAs = Literal["yes", "no", "void"]


class Resolution(Record):
    """How a prediction came out. A later one of the same prediction stands instead; none is overwritten."""

    prediction: str
    """The key of the review that made it."""
    statement: str
    """As it read when it was resolved."""
    outcome: ResolvedAs
    source: str | None = None
    """Where anybody can see it: an http(s) address."""
    note: str | None = None
    by: str | None = None
    """Who says so."""
    at: str
    """UTC, ISO 8601."""


class ClearedFlag(Record):
    """A flag as it was when it was cleared; one that reads otherwise later is not cleared by it."""

    key: str
    """The review it is on."""
    kind: str
    field: str | None = None
    text: str | None = None


class Clearance(Record):
    """An editor has looked at these flags of a panel and lets it be published."""

    tool_id: str
    dossier_digest: str
    panel_digest: str
    flags: tuple[ClearedFlag, ...] = Field(min_length=1)
    note: str | None = None
    by: str | None = None
    at: str
    """UTC, ISO 8601."""


Statement = Resolution | Clearance
