"""Everything one page about one tool needs, gathered. Knows nothing of where it was kept or how it is shown."""

from __future__ import annotations

from panel.schema.dossier import Dossier, DossierLines
from panel.schema.panel import Panel
from panel.schema.persona import Persona
from panel.schema.record import Record
from panel.schema.review import Brief, Review
from panel.schema.score import PanelScore


class Scorecard(Record):
    """One dossier under one panel: what was shown, what was said, what it comes to."""

    dossier: Dossier
    lines: DossierLines
    brief: Brief | None = None
    score: PanelScore
    reviews: tuple[Review, ...]
    panel: Panel
    personas: tuple[Persona, ...]
    captions: tuple[str, ...] = ()
    """Lines the page must carry ("starter model: for trying the software, not for publishing")."""
    reviewed_at: str
    """UTC, ISO 8601: when the last of the reviews was finished."""
    runs: tuple[str, ...] = ()
    """Ids of the runs the reviews come from."""
