"""Everything one page about one tool needs, gathered. Knows nothing of where it was kept or how it is shown."""

from __future__ import annotations

from panel.schema.dossier import Dossier, DossierLines
from panel.schema.panel import Panel
from panel.schema.persona import Persona
from panel.schema.record import Record
from panel.schema.review import Brief, Review
from panel.schema.score import PanelScore
from panel.schema.statement import Clearance
from panel.schema.verdict import Flag


class Held(Record):
    """A flag, and the review it is on."""

    key: str
    persona_id: str
    flag: Flag


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
    holds: tuple[Held, ...] = ()
    """What holds this panel back from publication now: flags of its reviews that nobody has cleared."""
    cleared: tuple[Clearance, ...] = ()
    """What editors have let pass on this panel, the oldest first."""
    echoes: tuple[Held, ...] = ()
    """Words its reviews share with the persona's other quotes (`template_echo`), as of the last load."""

    @property
    def held(self) -> bool:
        """Whether an editor must clear flags before it may be published."""
        return bool(self.holds)
