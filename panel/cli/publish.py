"""`flags`, `clear`, `publish`: what an editor does between a draft and its page. Knows nothing of how pages look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panel.cli.ask import AsJson, Runs
from panel.errors import ConfigError

if TYPE_CHECKING:
    from panel.editorial.flags import OnPage
    from panel.editorial.publishing import Candidate, Makers, Published
    from panel.schema.scorecard import Scorecard

NAMED = 10
"""So many ids stand in a line, the rest are counted."""


PanelDigest = Annotated[str | None, typer.Option("--panel", show_default=False, metavar="DIGEST", help=(
    "Digest (or its beginning) of the panel. [default: the newest at full depth]"))]
TRIALS = "coalesce(depth <> 'full', false) OR list_has_any(models, ['scripted', 'local:starter'])"
"""What nobody publishes unasked: made by a rule or the starter, or without a text."""


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("flags")(flags)
    app.command("clear")(clear)
    app.command("publish")(publish)


def flags(
    tool: Annotated[str | None, typer.Argument(help="Id of a reviewed tool, or its beginning. [default: all that are "
                                                    "held]", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Cleared flags and notes too.")] = False,
    panel: PanelDigest = None, runs: Runs = None, as_json: AsJson = False,
) -> None:
    """Show the flags that hold a tool back from publication.

    Each with its seat, its sentence, the lines it is about, and what to type to clear it.
    """
    from rich.console import Console

    from panel.cli.look import store_folder
    from panel.cli.show import print_json
    from panel.editorial.flag_list import flags_json, print_flags

    folder = store_folder(runs)
    if tool is None:
        if everything or panel is not None:
            raise ConfigError(f"flags {'--all' if everything else '--panel'}: name a tool")
        _held_tools(folder, as_json)
        return
    card = _card(folder, tool, panel)
    if as_json:
        print_json(flags_json(card, everything=everything))
    else:
        print_flags(card, Console(), everything=everything)


def _card(folder: Path, tool: str, panel: str | None) -> Scorecard:
    from panel.store import find_tool, open_store, scorecard

    with open_store(folder) as store:
        return scorecard(store, find_tool(store, tool), panel)


def _held_tools(folder: Path, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from panel.cli.show import print_json
    from panel.editorial.terminal import words
    from panel.store import open_store

    with open_store(folder) as store:
        rows = store.execute("SELECT tool_id, coalesce(name, tool_id), holds FROM latest WHERE holds > 0 "
                             "ORDER BY holds DESC, tool_id").fetchall()
    if as_json:
        print_json([{"tool_id": tool_id, "name": name, "holds": holds} for tool_id, name, holds in rows])
        return
    if not rows:
        print("no tool is held")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for name in ("tool", "name", "flags"):
        table.add_column(name, overflow="fold", justify="right" if name == "flags" else "left")
    for tool_id, name, holds in rows:
        table.add_row(words(tool_id, "bold"), words(name), str(holds))
    console = Console()
    console.print(table)
    console.print(f"{len(rows)} held; see each with: ship-panel flags TOOL", highlight=False)


def clear(
    tool: Annotated[str, typer.Argument(help="Id of a reviewed tool, or its beginning.")],
    note: Annotated[str, typer.Option(help="Why it may be published: kept, and shown on the page.")],
    flag: Annotated[list[int] | None, typer.Option(help="Number of a flag as `flags` shows it; again for more. "
                                                        "[default: all]", show_default=False)] = None,
    by: Annotated[str | None, typer.Option(help="Who clears them.", show_default=False)] = None,
    panel: PanelDigest = None, runs: Runs = None, as_json: AsJson = False,
) -> None:
    """Clear flags that hold a tool back.

    What was cleared, by whom and why is kept beside the reviews and shown on the page.
    """
    from panel.cli.look import store_folder
    from panel.recording import record
    from panel.schema import Clearance

    if not note.strip():
        raise ConfigError("clear --note: say why the flags may be cleared")
    folder = store_folder(runs)
    card = _card(folder, tool, panel)
    chosen = _chosen(card, flag or [])
    in_store = True
    if chosen:
        from panel.journal import stamp, utc_now

        in_store = record(folder, [Clearance(
            tool_id=card.dossier.id, dossier_digest=card.score.dossier_digest, panel_digest=card.score.panel_digest,
            flags=tuple(one.as_cleared for one in chosen), note=note.strip(), by=(by or "").strip() or None,
            at=stamp(utc_now()))])
    _say_cleared(card, chosen, in_store=in_store, as_json=as_json)


def _chosen(card: Scorecard, numbers: Sequence[int]) -> list[OnPage]:
    """The flags meant that still hold. Raises ConfigError for a number there is not."""
    from panel.editorial.flags import flags_on

    numbered = {one.number: one for one in flags_on(card) if one.number is not None}
    unknown = [number for number in numbers if number not in numbered]
    if unknown:
        has = f"it has 1 to {len(numbered)}" if numbered else "it has none that hold"
        tool_id = card.dossier.id
        raise ConfigError(f"{tool_id} has no flag {unknown[0]}; {has}: ship-panel flags {tool_id} --all")
    return [one for number, one in numbered.items() if one.holds and (not numbers or number in numbers)]


def _say_cleared(card: Scorecard, chosen: Sequence[OnPage], *, in_store: bool, as_json: bool) -> None:
    from panel.cli.show import print_json
    from panel.editorial.flags import flags_on
    from panel.editorial.scorecard import counted
    from panel.editorial.twins import flag_json

    tool_id = card.dossier.id
    cleared = {one.number for one in chosen}
    left = [one for one in flags_on(card) if one.holds and one.number not in cleared]
    if as_json:
        print_json({"tool_id": tool_id, "cleared": [flag_json(one) | {"holds": False} for one in chosen],
                    "left": [flag_json(one) for one in left], "held": bool(left), "in_store": in_store})
        return
    if not chosen:
        print(f"{tool_id}: nothing to clear" + (f"; {counted(len(left), 'flag')} left" if left else ""))
        return
    numbers = ", ".join(str(one.number) for one in left)
    rest = f"{counted(len(left), 'flag')} left: {numbers}" if left else "nothing holds it now"
    print(f"{tool_id}: {counted(len(chosen), 'flag')} cleared, {rest}")
    if not in_store:
        print("kept; it shows when the run that holds runs/ ends")


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the pages go; made if it is not there.")],
    tools: Annotated[list[str] | None, typer.Argument(metavar="TOOL", help="Ids of reviewed tools. [default: "
                                                      "all that are not held]", show_default=False)] = None,
    kind: Annotated[str, typer.Option("--format", help="markdown (with front matter, and a JSON twin) or json")]
    = "markdown",
    panel: PanelDigest = None, runs: Runs = None, as_json: AsJson = False,
) -> None:
    """Write the pages of tools whose flags are cleared.

    Without names also not those of the starter, of scripted answers or of depth verdict. Only changed files are
    written; one edited by hand is written over, the page of a tool held since is taken away.
    """
    from panel.cli.look import store_folder
    from panel.editorial.publishing import MAKERS, check_folder
    from panel.editorial.publishing import publish as publish_tools
    from panel.store import open_store, scorecard
    from panel.store.narrowing import scorecards

    if kind not in ("markdown", "json"):
        raise ConfigError(f"--format {kind}: must be markdown or json")
    makers = MAKERS["json" if kind == "json" else "markdown"]
    if panel is not None and len(tools or ()) != 1:
        raise ConfigError("publish --panel: name one tool")
    check_folder(folder)
    runs_folder = store_folder(runs)
    if folder.resolve().is_relative_to(runs_folder.resolve()):
        raise ConfigError(f"{folder}: is in the runs folder, which holds the journals; choose another")
    with open_store(runs_folder) as store:
        chosen = _named(store, tools, panel, folder, makers) if tools else _candidates(store)
        done = publish_tools(
            chosen, lambda ids: [scorecard(store, ids[0], panel)] if panel and ids else scorecards(store, ids),
            folder, makers)
    _say_published(done, folder, as_json)


def _candidates(store: Any, tool_ids: Sequence[str] | None = None) -> list[Candidate]:
    from panel.editorial.publishing import Candidate

    rows = store.execute(f"SELECT tool_id, holds, outcome, {TRIALS} FROM latest "
                         "WHERE $1 IS NULL OR list_contains($1, tool_id) ORDER BY tool_id", [tool_ids]).fetchall()
    return [Candidate(*row) for row in rows]


def _named(
    store: Any, tools: Sequence[str], panel: str | None, folder: Path, makers: Makers
) -> list[Candidate]:
    """The tools named, whoever wrote of them.

    Raises ConfigError, before anything is written, when one of them may have no page.
    """
    from dataclasses import replace

    from panel.editorial.publishing import is_name, strange_files
    from panel.editorial.scorecard import counted
    from panel.store import find_tool, scorecard

    chosen = [replace(one, trial=False) for one in
              _candidates(store, list(dict.fromkeys(find_tool(store, tool) for tool in tools)))]
    if panel is not None:
        card = scorecard(store, chosen[0].tool_id, panel)
        chosen = [replace(chosen[0], holds=len(card.holds), outcome=card.score.outcome)]
    for tool in chosen:
        if tool.holds:
            verb = "holds" if tool.holds == 1 else "hold"
            raise ConfigError(f"{tool.tool_id} is held: {counted(tool.holds, 'flag')} {verb} it, nothing is written; "
                              f"see: ship-panel flags {tool.tool_id}")
        if tool.unfit:
            raise ConfigError(f"{tool.tool_id} has no quorum: half of its seats or more have no verdict, nothing is "
                              f"written; see: ship-panel show {tool.tool_id}")
        if not is_name(tool.tool_id):
            raise ConfigError(f"{tool.tool_id[:80]}: is no name for a file, nothing is written")
        strangers = strange_files(folder, tool.tool_id, makers)
        if strangers:
            raise ConfigError(f"{strangers[0]}: was not made by publish and is left alone, nothing is written; move it "
                              "away or choose another folder")
    return chosen


def _say_published(done: Published, folder: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from panel.cli.show import print_json
    from panel.editorial.plain import plain

    if as_json:
        print_json({"folder": str(folder), **asdict(done)})
        return
    print(f"{plain(str(folder))}: {len(done.written)} written, {len(done.unchanged)} unchanged")
    if done.held:
        print(f"{len(done.held)} held back: {_ids(done.held)}; see: ship-panel flags")
    if done.no_quorum:
        print(f"{len(done.no_quorum)} without a quorum: {_ids(done.no_quorum)}")
    if done.trials:
        print(f"{len(done.trials)} left out: of the starter, scripted answers or depth verdict; name a tool to publish "
              "it all the same")
    if done.removed:
        print(f"{len(done.removed)} taken away, published before: {_ids(done.removed)}")
    if done.left_alone:
        print(f"{len(done.left_alone)} left alone, not made by publish: {_ids(done.left_alone)}")


def _ids(ids: Sequence[str]) -> str:
    from panel.editorial.plain import plain

    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return plain(", ".join(ids[:NAMED])) + more
