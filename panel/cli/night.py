"""`watch` and `pairs`: the nightly funnel, and the pairs an editor would compare. Knows nothing of how either works."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panel.cli.ask import AsJson, Budget, Log, Metrics, Model, Quiet, Runs, UnknownPrice
from panel.cli.reporting import Reporting, checked_metrics, log_format
from panel.editorial.plain import plain
from panel.errors import ConfigError

if TYPE_CHECKING:
    from panel.pairs import Pair
    from panel.settings import Settings
    from panel.watch import Compared, Night


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("watch")(watch)
    app.command("pairs")(pairs)


def watch(
    file: Annotated[Path, typer.Argument(metavar="[PANEL.TOML]", help="The settings; relative paths in it count from "
                                                                      "its folder.")] = Path("panel.toml"),
    allow_unknown_price: UnknownPrice = False, metrics: Metrics = None, log: Log = "text", quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """One night, unattended: import, triage, drafts of the best, pairs.

    For cron or systemd. The same command the next night finishes what is left, and asks nothing twice.
    """
    from panel.cli.ask import DEFAULT_MODEL
    from panel.cli.show import print_json
    from panel.settings import read_settings
    from panel.watch import Desk, run_night

    if not file.is_file():
        raise ConfigError(f"{file}: no such file; `ship-panel init` writes one, then set [watch] source in it")
    report = Reporting(quiet=quiet, as_json=as_json, log=log_format(log),
                       metrics=checked_metrics(metrics and metrics.absolute()))
    file = file.absolute()
    with contextlib.chdir(file.parent):
        settings = read_settings(file)
        _fetch_starter(settings)
        night = run_night(settings, Desk(
            DEFAULT_MODEL, allow_unknown_price, say=lambda text: report.say(plain(text)), watching=report.watching,
            on_stop=report.stopping))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # nothing is left to stop; the last line says how it ended
        if as_json:
            print_json(night.model_dump(mode="json"))
        else:
            _print_night(night, Path(settings.runs))
        report.close(night.end, night.outcomes)


def pairs(
    tools: Annotated[list[str] | None, typer.Argument(help="Ids of reviewed tools. [default: the drafts]",
                                                      show_default=False)] = None,
    top: Annotated[int, typer.Option(help="How many drafts, the best first.", min=1)] = 20,
    per_draft: Annotated[int, typer.Option("--per-draft", help="Most rivals of a draft.", min=1)] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the pairs and why; ask nothing.")] = False,
    model: Model = None, runs: Runs = None, budget: Budget = None, allow_unknown_price: UnknownPrice = False,
    quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    """Compare each draft with the reviewed tools nearest to it.

    Nearest by category, text and price; each persona is asked in both orders.
    """
    from panel.cli.ask import DEFAULT_MODEL, _again, _run, _terms
    from panel.cli.look import store_folder
    from panel.instrument import Instrument
    from panel.pairs import choose_pairs, drafts_in, items_of
    from panel.settings import read_settings
    from panel.store import find_tool, open_store
    from panel.watch import compared

    settings = read_settings().with_given(runs=runs).of_panel("editorial").with_given(model=model)
    folder = store_folder(settings.runs)
    with open_store(folder) as store:
        drafts = [find_tool(store, tool) for tool in tools] if tools else drafts_in(store, top)
        if not drafts:
            raise ConfigError(f"no draft in {folder}: no tool has a review at full depth yet; name tools, or review "
                              "some with --depth full")
        chosen = choose_pairs(store, list(dict.fromkeys(drafts)), per_draft)
        items = items_of(store, chosen)
    if dry_run or not items:
        _print_pairs(chosen, as_json)
        return
    _fetch_starter(settings)
    report = Reporting(quiet=quiet, as_json=as_json)
    instrument = Instrument(settings, DEFAULT_MODEL, depth="full")
    result = _run(items, instrument, _terms(settings, budget, allow_unknown_price=allow_unknown_price), len(items),
                  report)
    with open_store(folder) as store:
        _print_compared(compared(store, chosen, instrument.panel.digest), as_json)
    report.end(result, _again())


def _fetch_starter(settings: Settings) -> None:
    """Where a panel names no model, the starter answers: it is fetched first, and that is said."""
    from panel.cli.setup import fetch_starter

    panels = [settings.of_panel(name) for name in settings.panel] or [settings]
    if any(panel.model is None and not any(seat.model for seat in panel.seats) for panel in panels):
        fetch_starter()


def _print_night(night: Night, runs: Path) -> None:
    """A short page: what came in, the drafts, the pairs, and what is left and why."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for stage in night.stages:
        print(f"{stage.name}: {stage.end.tools_done} of {stage.asked}, {stage.end.scored} scored, "
              f"{stage.end.unscored} unscored, run {stage.end.run_id}")
    if night.drafts:
        table = Table("draft", "triage", "outcome", "ships", "score")
        for draft in night.drafts:
            ships = "" if draft.voting is None else f"{draft.ships:g} of {draft.voting}"
            score = "" if draft.mean_score is None else f"{draft.mean_score:.0f}"
            table.add_row(Text(plain(draft.name)), draft.triage or "", draft.outcome or "not drafted yet", ships, score)
        console.print(table)
    for line in map(_pair_line, night.pairs):
        print(line)
    both = night.disagreement
    if both.compared and night.drafts:
        print(f"triage and editorial disagree on {both.disagree} of all {both.compared} drafts so far"
              f"{': ' + ', '.join(both.which[:5]) if both.which else ''}")
    if night.bad_records:
        print(f"{night.bad_records} broken records left out")
    for fault in night.faults:
        print(f"nothing from {plain(fault)}")
    if night.end.stopped_by:
        print(f"stopped: {plain(night.end.stopped_by)}; the same command goes on from here")
    print(f"tables and summary: {runs}/latest")


def _pair_line(one: Compared) -> str:
    picks = ", ".join(f"{seats} {'say' if pick.startswith('no') else 'pick'} {pick}" for pick, seats in
                      one.picks.items())
    return f"{one.pair.draft} vs {one.pair.rival}: {picks or 'not compared yet'} ({plain(one.pair.because)})"


def _print_pairs(chosen: tuple[Pair, ...], as_json: bool) -> None:
    from panel.cli.show import print_json

    if as_json:
        print_json([pair.model_dump(mode="json") for pair in chosen])
        return
    for pair in chosen:
        print(f"{pair.draft} vs {pair.rival}: {pair.nearness:.2f} ({plain(pair.because)})")
    print("Nothing was asked." if chosen else "no two tools are near enough to be compared")


def _print_compared(found: tuple[Compared, ...], as_json: bool) -> None:
    from panel.cli.show import print_json

    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    for line in map(_pair_line, found):
        print(line)
