"""One thing to be asked. Its key is its identity over all runs; see DESIGN.md section 2. Knows nothing of answers."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from panel.schema.panel import Depth, Sampling
from panel.schema.record import Record, digest_of

Kind = Literal["review", "brief", "compare"]


class Assignment(Record):
    """A kind, a seat (none for a brief), one dossier (a comparison: two, in order), one repeat.

    The key leaves out host, rung, program version and the number of repeats on purpose: they do not change what is
    asked. It takes the digest of the lines as shown, so a dossier trimmed otherwise is another assignment.
    """

    kind: Kind
    tool_ids: tuple[str, ...]
    lines_digests: tuple[str, ...]
    persona_id: str | None = None
    persona_digest: str | None = None
    prompts_digest: str
    schema_digest: str
    model: str
    depth: Depth
    sampling: Sampling
    repeat: int = 0
    wave: str = ""

    @cached_property
    def key(self) -> str:
        """32 hex digits; the same question asked of the same model has the same key in every run."""
        content = self.model_dump(mode="json", exclude={"tool_ids", "persona_id"})
        return digest_of(content)
