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

    from panel.ledger import Drafts
    from panel.schema.ledger import LedgerEntry, LedgerReport

LAST_MONTH = "9999-99"
Persona = Annotated[str | None, typer.Option(help="Only predictions of this persona.", show_default=False)]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Only of this model, as it was asked for.",
                                          show_default=False)]
AllModels = Annotated[bool, typer.Option("--all-models", help="Those of scripted and the starter too.")]
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
    """List predictions, newest first, redrafts as one."""
    if only_open and only_resolved:
        raise ConfigError("ledger list: --open and --resolved leave nothing; give one of them")
    state: Literal["open", "resolved"] | None = "open" if only_open else "resolved" if only_resolved else None
    from panel.ledger import forecasts_of

    forecasts = [one for one in forecasts_of(_entries(runs, persona, model, tool, vague=vague))
                 if state is None or (one.entry.outcome is None) == (state == "open")][:limit]
    if as_json:
        _print_json(forecasts)
        return
    from rich.console import Console

    from panel.editorial.ledger import NO_PREDICTIONS, print_entries

    if forecasts:
        print_entries(forecasts, Console())
    else:
        narrowed = state is not None or vague or any(name is not None for name in (persona, model, tool))
        print("no prediction fits; `ship-panel ledger list` shows them all" if narrowed else NO_PREDICTIONS)


def due(
    runs: Runs = None, model: Model = None, all_models: AllModels = False,
    as_of: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="As if today were this day. [default: today, "
                                                                         "UTC]", show_default=False)] = None,
    within: Annotated[int, typer.Option(metavar="N", help="Those of the next N months too, this one being the first.",
                                        min=0, max=1200)] = 0,
    as_json: AsJson = False,
) -> None:
    """List open predictions whose month is over, oldest first, redrafts as one."""
    from panel.ledger import days_over, forecasts_of, months_ahead
    from panel.store import open_store
    from panel.store.ledger import check_model
    from panel.store.ledger import due as due_before

    today = _day(as_of)
    with open_store(store_folder(runs)) as store:
        check_model(store, model)
        entries, left_out = _of_forecasters(due_before(store, LAST_MONTH), model, all_models)
    until = months_ahead(today, within)
    forecasts = forecasts_of(entry for entry in entries if entry.by < until)
    if as_json:
        _print_json(forecasts, lambda entry: {"days_over": days_over(entry.by, today)})
        return
    from rich.console import Console

    from panel.editorial.ledger import left_out_words, nothing_due, print_due
    from panel.editorial.narrow import fitted, width_of_output

    if forecasts:
        print_due(forecasts, today, Console())
    else:
        print(nothing_due(entries[0].by if entries else None))
    if left_out:
        print(fitted(left_out_words(left_out), width_of_output()))


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
    """Say how a prediction came out, and every redraft of it.

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
                     "shown": taken.shown, "drafts": one.drafts, "already": one.already} for one in taken.resolved])
        return
    from panel.editorial.ledger import resolved_lines
    from panel.editorial.narrow import fitted, width_of_output

    for line in resolved_lines(taken.resolved):
        print(fitted(line, width_of_output()))
    if not taken.shown:
        print(f"{folder} is held by another process: this is kept, and shows when that one ends")


def score(
    runs: Runs = None, persona: Persona = None, model: Model = None, tool: Tool = None,
    all_models: AllModels = False,
    by_version: Annotated[bool, typer.Option("--by-version", help="Each version of a persona by itself.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the calibration: .svg, .png or .pdf.",
                                              show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Score the resolved predictions: Brier score, its parts, calibration.

    Beside each figure the range that chance gives somebody who is perfectly calibrated. Redrafts of a prediction are
    one forecast: the latest counts.
    """
    from panel.ledger import ledger_report

    if plot is not None:
        _check_plot(plot)
    entries, left_out = _of_forecasters(_entries(runs, persona, model, tool), model, all_models)
    report = ledger_report(entries, by_version=by_version)
    if plot is not None:
        _draw(report, plot)
    if as_json:
        from panel.cli.show import print_json

        print_json({**report.model_dump(mode="json"), "left_out": left_out,
                    "redrafts": len(entries) - report.all.predictions})
        return
    from rich.console import Console

    from panel.editorial.ledger import NO_PREDICTIONS, left_out_words, print_report, redraft_words
    from panel.editorial.narrow import fitted, width_of_output

    more = [left_out_words(left_out)] if left_out else []
    if entries:
        print_report(report, Console())
        redrafts = len(entries) - report.all.predictions
        more = [*([redraft_words(redrafts)] if redrafts else []), *more]
    elif not more:
        more = ["no prediction fits" if persona or model or tool else NO_PREDICTIONS]
    for line in more:
        print(fitted(line, width_of_output()))
    if not entries:
        return
    if plot is not None:
        print(f"plot: {plot}")


def _entries(runs: str | None, persona: str | None, model: str | None, tool: str | None,
             **more: Any) -> list[LedgerEntry]:
    from panel.store import find_tool, open_store
    from panel.store.ledger import ledger

    with open_store(store_folder(runs)) as store:
        tool_id = None if tool is None else find_tool(store, tool)
        return ledger(store, persona=persona, model=model, tool=tool_id, **more)


def _of_forecasters(entries: list[LedgerEntry], model: str | None,
                    all_models: bool) -> tuple[list[LedgerEntry], int]:
    """Those of the model named; else without those nobody foretold, and how many these are."""
    from panel.ledger import made_up

    if model is not None:
        return [entry for entry in entries if entry.model == model], 0
    kept = [entry for entry in entries if all_models or not made_up(entry.model)]
    return kept, len(entries) - len(kept)


def _print_json(forecasts: list[Drafts], more: Any = lambda entry: {}) -> None:
    from panel.cli.show import print_json

    print_json([{"id": entry.id, **entry.model_dump(mode="json"), "drafts": list(keys), **more(entry)}
                for entry, keys in forecasts])


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
