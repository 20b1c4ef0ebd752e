"""`history`, `diff`, `drift`: what was said before, why it changed, and by which version. They need no model."""

from __future__ import annotations

from typing import Annotated

import typer

from panel.cli.ask import AsJson, Runs
from panel.cli.look import store_folder
from panel.editorial.plain import plain
from panel.errors import ConfigError

Tool = Annotated[str, typer.Argument(help="Id of a reviewed tool, or its beginning.", show_default=False)]
_WHICH = "a run id, or the beginning of a panel's or dossier's digest."


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("history")(history)
    app.command("diff")(diff)
    app.command("drift")(drift)


def history(tool: Tool, runs: Runs = None, as_json: AsJson = False) -> None:
    """Show every panel of a tool over time, and what changed."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from panel.cli.show import print_json
    from panel.editorial.changes import floor_words
    from panel.editorial.narrow import fitted, width_of_output
    from panel.editorial.past import HISTORY_COLUMNS, history_json, history_rows, narrow_history, personas_of
    from panel.retests import floor_of
    from panel.store import find_tool, open_store
    from panel.store.past import panels_of, retests_of

    with open_store(store_folder(runs)) as store:
        panels = panels_of(store, find_tool(store, tool))
        found = retests_of(store, panels)
    last = panels[-1]
    floors = list(dict.fromkeys(floor for seat in last.seats
                                if (floor := floor_of(found, seat, last.panel)) is not None))
    if as_json:
        print_json({"tool": last.tool_id, **history_json(panels, floors)})
        return
    width = width_of_output()
    rows = history_rows(panels)
    if width is not None and width < NARROW:
        print("\n".join(narrow_history(panels, width)))
    elif width is None:
        for row in rows:
            print("; ".join(f"{name} {cell}" for name, cell in zip(HISTORY_COLUMNS, row, strict=True) if cell))
    else:
        table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
        for name in HISTORY_COLUMNS:
            table.add_column(Text(name), overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        Console(width=width).print(table)
    said = [f"votes: {', '.join(map(plain, personas_of(panels)))}; S ship, s skip, = even split, - unscored, "
            ". does not sit", *(f"retests: {plain(floor_words(floor))}" for floor in floors)]
    if not floors:
        said.append("how much a retest moves it is not known: no repeats in the store; run the panel with --repeats 3")
    print("\n".join(fitted(line, width) for line in said))


NARROW = 110
"""Columns of a terminal below which a panel is a line and not a row."""


def diff(
    tool: Tool,
    start: Annotated[str | None, typer.Option("--from", metavar="X", show_default=False,
                                              help=f"{_WHICH} [default: the panel before]")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="Y", show_default=False,
                                            help=f"{_WHICH} [default: the last panel]")] = None,
    runs: Runs = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say why a tool's panel changed.

    Model, prompt, persona, dossier, sampling, or noise: by what differs, and by how much a retest moves it.
    """
    from panel.cli.show import print_json
    from panel.editorial.changes import as_markdown, as_text, explanation_json, explanation_sections
    from panel.editorial.narrow import width_of_output
    from panel.store import find_tool, open_store
    from panel.store.past import explained

    if markdown and as_json:
        raise ConfigError("diff: give --markdown or --json, not both")
    with open_store(store_folder(runs)) as store:
        found = explained(store, find_tool(store, tool), start, end)
    if as_json:
        print_json(explanation_json(found))
    else:
        sections = explanation_sections(found)
        print(as_markdown(sections) if markdown else as_text(sections, width_of_output()))


def drift(
    persona: Annotated[str | None, typer.Argument(help="Only this persona, and the prompts it was asked with.",
                                                  show_default=False)] = None,
    runs: Runs = None, as_json: AsJson = False,
) -> None:
    """Show ship rate and score by version of persona and prompts.

    Versions are digests of the files. Warns of a version that never skips or never ships.
    """
    from panel.cli.show import print_json
    from panel.editorial.changes import as_text
    from panel.editorial.narrow import width_of_output
    from panel.editorial.past import drift_sections, version_json, warnings
    from panel.store import open_store
    from panel.store.past import versions

    with open_store(store_folder(runs)) as store:
        personas, prompts = versions(store, "persona", persona), versions(store, "prompts", persona)
        if persona is not None and not personas:
            known = [version.name for version in versions(store, "persona")]
            raise ConfigError(f"no review of a persona {persona!r} in the store"
                              + (f"; {', '.join(dict.fromkeys(known))} have some" if known else ""))
    if as_json:
        print_json({"personas": [version_json(one) for one in personas],
                    "prompts": [version_json(one) for one in prompts], "warnings": warnings((*personas, *prompts))})
    else:
        print(as_text(drift_sections(personas, prompts), width_of_output()) if personas else
              "no review in the store yet; start with: ship-panel review DOSSIER.yaml")
