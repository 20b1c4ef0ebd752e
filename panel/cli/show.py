"""What the commands print: scorecards, tables, JSON. Knows nothing of how things are asked or kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from panel.cli.progress import counted, totals_text
from panel.editorial.comparison import comparison_page
from panel.editorial.leaderboard import leaderboard_row, print_leaderboard
from panel.editorial.markdown import report_markdown
from panel.editorial.terminal import print_scorecards
from panel.editorial.twins import card_json, comparison_json
from panel.editorial.versus import comparison_markdown
from panel.editorial.versus import print_comparison as print_page
from panel.errors import ConfigError
from panel.journal import write_file
from panel.schema import Run
from panel.schema.leaderboard import LeaderboardRow
from panel.store import comparisons, open_store, scorecard
from panel.store.run_scores import run_leaderboard

if TYPE_CHECKING:
    from panel.run import RunResult
    from panel.schema.scorecard import Scorecard

CARDS_SHOWN = 3
"""Up to so many tools a run ends with their scorecards, beyond it with a table."""
ROWS_SHOWN = 20
CARDS_REPORTED = 50
"""Up to so many tools report.md has a card each, beyond it a table of at most ROWS_REPORTED."""
ROWS_REPORTED = 1000


def print_json(value: Any) -> None:
    """Indented JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def print_run(result: RunResult, runs: Path, as_json: bool) -> None:
    """A run's scorecards (a table beyond CARDS_SHOWN tools), its report.md, and a line of totals."""
    cards = _cards(result, runs)
    rows, scored = _rows(result, runs, cards)
    report = _write_report(cards, rows, scored, result)
    if as_json:
        print_json({"run": result.model_dump(mode="json"), "report": str(report) if report else None,
                    "tools": [card_json(card) for card in cards]})
        return
    console = Console()
    if cards and len(cards) <= CARDS_SHOWN:
        print_scorecards(cards, console, detail=len(cards) == 1)
    elif rows:
        print_leaderboard(rows[:ROWS_SHOWN], console)
        if scored > ROWS_SHOWN:
            console.print(f"and {scored - ROWS_SHOWN} more: ship-panel list", highlight=False)
    if report:
        console.print(f"report: {report}", highlight=False, markup=False, soft_wrap=True)
    totals = result.totals
    kept = f", {totals.kept} kept from earlier runs" if totals.kept else ""
    left = f", {totals.left} left" if totals.left else ""
    said = f"{counted(totals.tools, 'tool')}, {totals_text(totals)}{kept}{left}, {result.seconds:.1f} s"
    console.print(f"run {result.run_id}: {said}", highlight=False, markup=False, soft_wrap=True)


def _cards(result: RunResult, runs: Path) -> list[Scorecard]:
    """The scorecards of the run's tools that have a score under its panel; none where there are many tools."""
    if result.exit_code == 5 or not result.tool_ids or result.totals.given > CARDS_REPORTED:
        return []
    run = _run_file(Path(result.folder))
    with open_store(runs) as store:
        found = []
        for tool_id in result.tool_ids:
            try:
                found.append(scorecard(store, tool_id, run.panel.digest))
            except ConfigError:
                continue  # stopped before any of its seats answered
        return found


def _rows(result: RunResult, runs: Path, cards: Sequence[Scorecard]) -> tuple[list[LeaderboardRow], int]:
    """The run's leaderboard, at most ROWS_REPORTED of it, and how many tools it scored."""
    if cards or result.exit_code == 5 or result.totals.given <= CARDS_REPORTED:
        return [leaderboard_row(card) for card in cards], len(cards)
    with open_store(runs) as store:
        return run_leaderboard(store, result.run_id, ROWS_REPORTED)


def _run_file(folder: Path) -> Run:
    return Run.model_validate_json((folder / "run.json").read_bytes())


def _write_report(cards: Sequence[Scorecard], rows: Sequence[LeaderboardRow], scored: int,
                  result: RunResult) -> Path | None:
    if not rows:
        return None
    path = Path(result.folder) / "report.md"
    write_file(path, report_markdown(cards, rows, scored, _run_file(Path(result.folder))).encode())
    return path


def print_comparison(result: RunResult, runs: Path, pair: tuple[str, str], as_json: bool) -> None:
    """The A vs B page of a run that compared two tools; written beside its journal as comparison.md."""
    run = _run_file(Path(result.folder))
    with open_store(runs) as store:
        cards = [scorecard(store, tool_id, run.panel.digest) for tool_id in pair]
        found = comparisons(store, pair[0], pair[1], run.panel.digest)
    page = comparison_page(cards[0], cards[1], found)
    path = Path(result.folder) / "comparison.md"
    write_file(path, comparison_markdown(page).encode())
    if as_json:
        print_json({"run": result.model_dump(mode="json"), "page": str(path), **comparison_json(page)})
        return
    console = Console()
    print_page(page, console)
    console.print(f"page: {path}", highlight=False, markup=False, soft_wrap=True)
