"""`ledger`: predictions, how they came out, and what they score. Needs no model. Knows nothing of the arithmetic."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from panel.cli.ask import AsJson, Runs
from panel.cli.look import store_folder
from panel.errors import ConfigError

if TYPE_CHECKING:
    from datetime import date

    from panel.schema.ledger import LedgerEntry, LedgerReport

Persona = Annotated[str | None, typer.Option(help="Only predictions of this persona.", show_default=False)]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Only of this model, as it was asked for.",
                                          show_default=False)]
Tool = Annotated[str | None, typer.Option(help="Only on this tool: its id, or a beginning.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                        help="Predictions: what was foretold, how it came out, what it scores.")
    group.command("list")(list_predictions)
    group.command("due")(due)
    group.command("resolve")(resolve)
    group.command("score")(score)
    app.add_typer(group, name="ledger")


def list_predictions(
    runs: Runs = None, persona: Persona = None, model: Model = None, tool: Tool = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those not resolved yet.")] = False,
    only_resolved: Annotated[bool, typer.Option("--resolved", help="Only those resolved.")] = False,
    vague: Annotated[bool, typer.Option("--vague", help="Only those nobody could score as they stand.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List predictions, newest first."""
    if only_open and only_resolved:
        raise ConfigError("ledger list: --open and --resolved leave nothing; give one of them")
    state: Literal["open", "resolved"] | None = "open" if only_open else "resolved" if only_resolved else None
    entries = _entries(runs, persona, model, tool, state=state, vague=vague, limit=limit)
    if as_json:
        _print_json(entries)
        return
    from rich.console import Console

    from panel.editorial.ledger import NO_PREDICTIONS, print_entries

    if entries:
        print_entries(entries, Console())
    else:
        narrowed = state is not None or vague or any(name is not None for name in (persona, model, tool))
        print("no prediction fits; `ship-panel ledger list` shows them all" if narrowed else NO_PREDICTIONS)


def due(
    runs: Runs = None,
    as_of: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="As if today were this day. [default: today, "
                                                                         "UTC]", show_default=False)] = None,
    within: Annotated[int, typer.Option(metavar="N", help="Those of the next N months too, this one being the first.",
                                        min=0, max=1200)] = 0,
    as_json: AsJson = False,
) -> None:
    """List open predictions whose month is over, oldest first."""
    from panel.ledger import days_over, months_ahead
    from panel.store import open_store
    from panel.store.ledger import due as due_before
    from panel.store.ledger import next_month_due

    today = _day(as_of)
    with open_store(store_folder(runs)) as store:
        entries = due_before(store, months_ahead(today, within))
        following = next_month_due(store)
    if as_json:
        _print_json(entries, lambda entry: {"days_over": days_over(entry.by, today)})
        return
    from rich.console import Console

    from panel.editorial.ledger import nothing_due, print_due

    if entries:
        print_due(entries, today, Console())
    else:
        print(nothing_due(following))


def resolve(
    prediction: Annotated[str | None, typer.Argument(metavar="ID", help="Its id in `ledger list`, or the beginning.",
                                                     show_default=False)] = None,
    outcome: Annotated[str | None, typer.Argument(metavar="yes|no|void", help="Void: nobody can say any more.",
                                                  show_default=False)] = None,
    runs: Runs = None,
    source: Annotated[str | None, typer.Option(metavar="URL", help="Where anybody can see it; needed for yes and no.",
                                               show_default=False)] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="In words; needed for void.",
                                             show_default=False)] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who says so. [default: your login name]",
                                           show_default=False)] = None,
    early: Annotated[bool, typer.Option("--early", help="Take a no before its month is over.")] = False,
    from_file: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="Resolve many: .csv or .jsonl with "
                                                   "id, outcome, source, note, by.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Say how a prediction came out.

    Nothing is overwritten: another resolution of the same prediction stands in its place, and both are kept.
    """
    from panel.cli.resolving import Answer, Answers, read_answers, take
    from panel.journal import stamp, utc_now

    folder = store_folder(runs)
    if from_file is not None:
        if prediction is not None or outcome is not None or source is not None or note is not None:
            raise ConfigError("ledger resolve: --from takes id, outcome, source and note from the file alone")
        answers = read_answers(from_file)
    elif prediction is None or outcome is None:
        raise ConfigError("ledger resolve: give ID and yes, no or void; or --from FILE")
    else:
        answers = Answers(None, [Answer(0, prediction, outcome, source, note, by)], {})
    now = utc_now()
    taken = take(folder, answers, by or _login_name(), stamp(now), early=early, today=now.date())
    if as_json:
        from panel.cli.show import print_json

        print_json([{**one.resolution.model_dump(mode="json"), "id": one.entry.id, "before": one.entry.outcome,
                     "shown": taken.shown} for one in taken.resolved])
        return
    from panel.editorial.ledger import resolved_lines

    print("\n".join(resolved_lines([(one.entry, one.resolution) for one in taken.resolved])))
    if not taken.shown:
        print(f"{folder} is held by another process: this is kept, and shows when that one ends")


def score(
    runs: Runs = None, persona: Persona = None, model: Model = None, tool: Tool = None,
    by_version: Annotated[bool, typer.Option("--by-version", help="Each version of a persona by itself.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the calibration: .svg, .png or .pdf.",
                                              show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Score the resolved predictions: Brier score, its parts, calibration.

    Beside each figure the range that chance gives somebody who is perfectly calibrated.
    """
    from panel.ledger import ledger_report

    if plot is not None:
        _check_plot(plot)
    entries = _entries(runs, persona, model, tool)
    report = ledger_report(entries, by_version=by_version)
    if plot is not None:
        _draw(report, plot)
    if as_json:
        from panel.cli.show import print_json

        print_json(report.model_dump(mode="json"))
        return
    from rich.console import Console

    from panel.editorial.ledger import NO_PREDICTIONS, print_report

    if not entries:
        print("no prediction fits" if persona or model or tool else NO_PREDICTIONS)
        return
    print_report(report, Console())
    if plot is not None:
        print(f"plot: {plot}")


def _entries(runs: str | None, persona: str | None, model: str | None, tool: str | None,
             **more: Any) -> list[LedgerEntry]:
    from panel.store import find_tool, open_store
    from panel.store.ledger import ledger

    with open_store(store_folder(runs)) as store:
        tool_id = None if tool is None else find_tool(store, tool)
        return ledger(store, persona=persona, model=model, tool=tool_id, **more)


def _print_json(entries: list[LedgerEntry], more: Any = lambda entry: {}) -> None:
    from panel.cli.show import print_json

    print_json([{"id": entry.id, **entry.model_dump(mode="json"), **more(entry)} for entry in entries])


def _day(text: str | None) -> date:
    from datetime import date

    from panel.journal import utc_now

    if text is None:
        return utc_now().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--as-of {text}: must be a day as YYYY-MM-DD") from error


def _login_name() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in many containers
        return None


PLOT_KINDS = (".svg", ".png", ".pdf")


def _check_plot(path: Path) -> None:
    if path.suffix.lower() not in PLOT_KINDS:
        raise ConfigError(f"--plot {path}: must end in {', '.join(PLOT_KINDS)}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ConfigError(f"--plot {path}: must be a file in a folder that is there")


def _draw(report: LedgerReport, path: Path) -> None:
    try:
        from panel.editorial.calibration_plot import calibration_plot
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ConfigError('--plot needs matplotlib: pip install "ship-panel[plots]"') from error
    from panel.journal import write_file

    write_file(path, calibration_plot(report, path.suffix.lower().removeprefix(".")))
