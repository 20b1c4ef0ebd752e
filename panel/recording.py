"""A statement kept and, where `runs/` is free, in the store at once. Knows nothing of what is stated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from panel.errors import RunsHeld
from panel.journal import hold
from panel.schema import Statement
from panel.statements import state, statement_files
from panel.store import load


def record(runs: Path, statements: Sequence[Statement]) -> bool:
    """Keep the statements; whether the store has them already.

    It has not while another process holds `runs/`: that one loads them when it ends. Raises StoreError.
    """
    state(runs, statements)
    try:
        with hold(runs):
            found: list[Path] | None = None
            while found != (found := statement_files(runs)):  # one that was stated meanwhile goes along
                load(runs)
    except RunsHeld:
        return False
    return True
