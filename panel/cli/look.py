"""`show`, `list`, `sql`, `export`: commands that read the store. They need no model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panel.cli.ask import AsJson, Runs
from panel.editorial.plain import plain
from panel.errors import ConfigError

if TYPE_CHECKING:
    from panel.schema.persona_record import PersonaRecord


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("show")(show)
    app.command("list")(list_tools)
    app.command("export")(export)
    app.command("sql")(sql)


def runs_folder(given: str | None) -> Path:
    """The folder of journals and store: what was given, or panel.toml's, or runs."""
    from panel.settings import read_settings

    return Path(given or read_settings().runs)


def store_folder(given: str | None) -> Path:
    """The same, with a store in it. Raises ConfigError when nothing was reviewed yet."""
    runs = runs_folder(given)
    if not (runs / "panel.duckdb").exists():
        if next(runs.glob("*/journal-*.jsonl"), None) is not None:
            raise ConfigError(f"no store in {runs} yet: a run is under way, or was cut off before it was loaded; "
                              "`ship-panel rebuild` makes it from the journals")
        raise ConfigError(f"nothing is reviewed yet in {runs}; start with: ship-panel review DOSSIER.yaml "
                          "(or give --runs)")
    return runs


def show(
    tool: Annotated[str | None, typer.Argument(help="Id of a reviewed tool, or its beginning.",
                                              show_default=False)] = None,
    runs: Runs = None,
    persona: Annotated[str | None, typer.Option(help="Instead of a tool: what this persona has said over all runs.",
                                               show_default=False)] = None,
    panel: Annotated[str | None, typer.Option(help="Digest (or its beginning) of the panel. [default: the latest]",
                                             show_default=False)] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the scorecard of one tool, or the record of a persona."""
    if (tool is None) == (persona is None):
        raise ConfigError("show: give a tool, or --persona ID")
    if persona is not None:
        if panel is not None or markdown:
            raise ConfigError("show: --panel and --markdown are for a tool; the record of a persona has --json")
        _show_persona(store_folder(runs), persona, as_json)
        return
    from rich.console import Console

    from panel.cli.show import print_json
    from panel.editorial.markdown import scorecard_markdown
    from panel.editorial.terminal import print_scorecards
    from panel.editorial.twins import card_json
    from panel.store import find_tool, open_store, scorecard

    with open_store(store_folder(runs)) as store:
        card = scorecard(store, find_tool(store, str(tool)), panel)
    if as_json:
        print_json(card_json(card))
    elif markdown:
        print(scorecard_markdown(card))
    else:
        print_scorecards([card], Console())


def _show_persona(folder: Path, persona_id: str, as_json: bool) -> None:
    from panel.cli.show import print_json
    from panel.store import open_store, persona_record

    with open_store(folder) as store:
        record = persona_record(store, persona_id)
    if as_json:
        print_json(record.model_dump(mode="json"))
    else:
        print("\n".join(_persona_lines(record)))


def _persona_lines(record: PersonaRecord) -> Iterator[str]:
    scored = record.ships + record.skips
    yield (f"{plain(record.persona_id)}: {record.ships} ship, {record.skips} skip, {record.unscored} unscored of "
           f"{scored + record.unscored} reviews")
    yield (f"mean score {_number(record.mean_score)}, mean confidence {_number(record.mean_confidence)}, "
           f"of {scored} scored")
    for count in record.counts:
        yield (f"  {plain(count.model)}, depth {count.depth}: {count.ships} ship, {count.skips} skip, "
               f"{count.unscored} unscored; score {_number(count.mean_score)}, "
               f"confidence {_number(count.mean_confidence)}")
    yield f"not what its panel decided: {record.against} of {record.beside} votes"
    for what, said in (("strongest ship", record.strongest_ship), ("harshest skip", record.harshest_skip)):
        if said is not None:
            yield (f"{what}: {plain(said.name)} ({said.tool_id}), score {said.score}, confidence {said.confidence}: "
                   f"{plain(said.because)}")
    flags = ", ".join(f"{kind} {count}" for kind, count in record.flags.items())
    yield f"reviews with a flag, by kind: {flags or 'none'}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def list_tools(
    search: Annotated[str | None, typer.Argument(help="Part of a name or tagline.", show_default=False)] = None,
    runs: Runs = None,
    category: Annotated[str | None, typer.Option(show_default=False)] = None,
    outcome: Annotated[str | None, typer.Option(help="ship, skip, split or no_quorum", show_default=False)] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", show_default=False)] = None,
    held: Annotated[bool | None, typer.Option(
        "--held/--not-held", help="Only tools that wait for an editor, or that do not.", show_default=False)] = None,
    sort: Annotated[str, typer.Option(help="ship_rate, mean_score, range, p_ship, name or date")] = "ship_rate",
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List reviewed tools, best first."""
    from rich.console import Console

    from panel.cli.show import print_json
    from panel.editorial.leaderboard import print_leaderboard
    from panel.editorial.twins import leaderboard_json
    from panel.store import leaderboard, open_store

    with open_store(store_folder(runs)) as store:
        rows = leaderboard(store, category=category, outcome=outcome, model=model, search=search, sort=sort,
                           limit=limit, held=held)
    if as_json:
        print_json(leaderboard_json(rows))
    elif rows:
        print_leaderboard(rows, Console())
    else:
        print("no tool fits")


def export(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made if it is not there.")],
    runs: Runs = None,
    kind: Annotated[str, typer.Option("--format", help="parquet, csv or jsonl")] = "parquet",
    tables: Annotated[str | None, typer.Option(help="Only these, comma separated.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option(
        metavar="RUN|DATE", show_default=False,
        help="Only what this run and later ones did, or what was sent or finished on that date (UTC) or later. "
             "Dossiers, lines and prompts: those it speaks of. Panels and personas come whole.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write every table to a file.

    The same store gives the same bytes.
    """
    from panel.cli.show import print_json
    from panel.store import export as export_tables

    chosen = [name.strip() for name in tables.split(",")] if tables else None
    files = export_tables(store_folder(runs), folder, kind, chosen, since)
    if as_json:
        print_json([str(path) for path in files])
    else:
        for path in files:
            print(path)


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; docs/tables.md lists the tables.")],
    runs: Runs = None, as_json: AsJson = False,
) -> None:
    """Ask the store in SQL, read-only.

    Without access to files or network; docs/tables.md lists the tables.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from panel.cli.show import print_json
    from panel.store import run_sql

    columns, rows = run_sql(store_folder(runs), query)
    if as_json:
        print_json([dict(zip(columns, (_plain(value) for value in row), strict=True)) for row in rows])
        return
    console = Console()
    if len(columns) * NARROWEST > console.width:
        for number, row in enumerate(rows, start=1):
            console.print(f"row {number}", style="dim")
            for name, value in zip(columns, row, strict=True):
                console.print(Text(f"  {name}: {_cell(value)}"))
        return
    table = Table()
    for name in columns:
        table.add_column(Text(plain(name)))
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)


NARROWEST = 9
"""Columns of a terminal a table's column needs to be read; with less the rows are printed one value a line."""


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else plain(str(value))


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
