"""DuckDB over the journals: loaded in bulk, rebuilt at any time, read through short connections.

Importing this imports DuckDB: do it where the store is needed, not before the first call to a model.
"""

from panel.store.exporting import export
from panel.store.latest import write_latest
from panel.store.loading import LoadReport, load, rebuild
from panel.store.opening import open_store
from panel.store.persona_pages import persona_record
from panel.store.queries import comparisons, find_tool, leaderboard, prompt_of, scorecard
from panel.store.sql import run_sql

__all__ = [
    "LoadReport", "comparisons", "export", "find_tool", "leaderboard", "load", "open_store", "persona_record",
    "prompt_of", "rebuild", "run_sql", "scorecard", "write_latest",
]
