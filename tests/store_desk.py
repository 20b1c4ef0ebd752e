"""What the tests of the store share: made runs, a store to read, and what is in one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from journal_maker import Making, compare_lines, made_dossier, run_lines, state_of_each, write_run

from panel.store import export, load, run_sql

ROOT = Path(__file__).resolve().parents[1]
FIRST = Making()
RICH = Making(repeats=2, reasked=0.5, template="Consider gravity carefully before lunch. ")
TOOLS = [made_dossier(number) for number in range(3)]


def rich_store(runs: Path) -> Path:
    """A store of three tools: two takes a seat, briefs, probes, re-asks, a comparison, statements, echoes."""
    write_run(runs, RICH, [*run_lines(RICH, TOOLS), *compare_lines(RICH, (TOOLS[0], TOOLS[1]))])
    state_of_each(runs, RICH, TOOLS)
    load(runs)
    return runs


def contents(runs: Path, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every table as JSON lines."""
    with tempfile.TemporaryDirectory() as folder:
        return {path.stem: path.read_bytes() for path in export(runs, Path(folder), "jsonl")
                if path.stem not in without}


def rows(runs: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    return run_sql(runs, query)[1]
