"""ship-panel: four LLM personas read the dossier of a tool and say ship or skip.

`panel.review(...)` is the whole road for a notebook or a script. Importing this reads nothing and loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panel.schema import Dossier
    from panel.schema.scorecard import Scorecard

__version__ = "0.1.0"


def review(dossiers: Iterable[str | Path | Dossier], *, model: str = "local:starter", runs: str | Path = "runs",
           **settings: Any) -> list[Scorecard]:
    """Review dossiers (files, folders or Dossier records) and give their scorecards, in the order given.

    `settings` are those of panel.toml (depth, repeats, personas, probe, ...). What `runs` has is not asked again.
    Raises ConfigError for a mistake in what is given, and the PanelError that stopped the run if it did not finish.
    """
    from panel.notebook import review_all

    return review_all(list(dossiers), {"model": model, "runs": str(runs), **settings})
