"""The public functions behind `import panel`: a run, and its scorecards as records. Knows nothing of screens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from panel.dossiers import read_dossiers
from panel.errors import DossierError, PanelError
from panel.instrument import Instrument
from panel.run import review_dossiers
from panel.schema import Dossier
from panel.schema.scorecard import Scorecard
from panel.settings import read_settings
from panel.store import open_store, scorecard


def review_all(given: Sequence[str | Path | Dossier], changes: dict[str, Any]) -> list[Scorecard]:
    """See `panel.review`."""
    settings = read_settings().with_given(**changes)
    instrument = Instrument(settings, settings.model or "")
    dossiers = [dossier for one in given for dossier in _read(one)]
    if not dossiers:
        raise DossierError("no dossier to review in what was given")
    result = review_dossiers(dossiers, instrument)
    if result.stopped_by:
        raise PanelError(f"the run stopped: {result.stopped_by}")
    with open_store(Path(settings.runs)) as store:
        return [scorecard(store, dossier.id, instrument.panel.digest) for dossier in dossiers]


def _read(one: str | Path | Dossier) -> list[Dossier]:
    if isinstance(one, Dossier):
        return [one]

    def fail(error: DossierError) -> None:
        raise error

    return list(read_dossiers([str(one)], strict=True, report=fail))
