"""Tools in a table, one line each: for `list`, and for the top of a run's report.

Rows come sorted: this module keeps the order it is given. Knows nothing of the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from panel.editorial import scorecard as read
from panel.editorial.plain import escaped, plain
from panel.schema.leaderboard import LeaderboardRow
from panel.schema.scorecard import Scorecard

OUTCOME_STYLES = {"ship": "bold green", "skip": "bold red", "split": "bold yellow", "no quorum": "bold yellow"}
HELD = ", held"
"""After the outcome of a panel that waits for an editor."""
NARROW, WIDE = 70, 100


def leaderboard_row(card: Scorecard) -> LeaderboardRow:
    """The row of a card."""
    category = read.category(card)
    return LeaderboardRow(
        name=card.dossier.name,
        category=None if category == read.NONE else category,
        thin=card.lines.thin,
        score=card.score,
        reviewed_at=card.reviewed_at,
        held=card.held,
    )


def _cells(row: LeaderboardRow) -> dict[str, str]:
    score = row.score
    mean = read.NONE if score.mean_score is None else f"{score.mean_score:.0f}"
    return {
        "tool": row.name + (" (first look)" if row.thin else ""),
        "panel": read.outcome_words(score) + (HELD if row.held else ""),
        "votes": f"{read.votes_words(score)} of {score.seats}",
        "ship rate": read.ship_rate_words(score),
        "score": mean,
        "range": read.NONE if score.score_range is None else f"{score.score_range:.0f}",
        "P(ship) probe": read.NONE if score.p_ship_probe is None else f"{score.p_ship_probe:.2f}",
        "P(ship) repeats": read.NONE if score.p_ship_repeats is None else f"{score.p_ship_repeats:.2f}",
        "category": row.category or read.NONE,
    }


def _columns(width: int) -> tuple[str, ...]:
    if width < NARROW:
        return ("tool", "panel", "votes", "score")
    if width < WIDE:
        return ("tool", "panel", "votes", "ship rate", "score", "range")
    return ("tool", "panel", "votes", "ship rate", "score", "range", "P(ship) probe", "P(ship) repeats", "category")


def print_leaderboard(rows: Sequence[LeaderboardRow], console: Console) -> None:
    """The table, with fewer columns where the terminal is narrow. Says so when there is nothing to list."""
    if not rows:
        console.print(Text("No tool has been reviewed yet."))
        return
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    columns = _columns(console.width)
    numbers = {"score", "range", "P(ship) probe", "P(ship) repeats"}
    for name in columns:
        table.add_column(Text(name), overflow="fold", justify="right" if name in numbers else "left")
    for row in rows:
        cells = _cells(row)
        table.add_row(*(Text(plain(cells[name]), _style(name, cells[name])) for name in columns))
    console.print(table)
    held = sum(row.held for row in rows)
    if held:
        console.print(Text(f"{held} held: flags wait for an editor; ship-panel flags"))
    console.print(Text(read.DISCLOSURE, "dim"))


def _style(column: str, words: str) -> str:
    return OUTCOME_STYLES.get(words.removesuffix(HELD), "") if column == "panel" else "bold" if column == "tool" else ""


def leaderboard_markdown(rows: Sequence[LeaderboardRow]) -> str:
    """The table with every column. Ends in a newline."""
    if not rows:
        return "No tool has been reviewed yet.\n"
    columns = _columns(WIDE)
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        cells = _cells(row)
        lines.append("| " + " | ".join(escaped(cells[name]) for name in columns) + " |")
    return "\n".join(lines) + "\n"
