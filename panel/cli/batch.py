"""`collect`, and what `review --provider-batch` does: provider batches on the command line.

Knows nothing of how a batch works.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panel.cli.reporting import Reporting, log_format

if TYPE_CHECKING:
    from panel.batch import Submission
    from panel.collecting import Collected
    from panel.instrument import Instrument
    from panel.run import Terms
    from panel.schema import Dossier


def add_to(app: typer.Typer) -> None:
    """Register this file's command."""
    app.command("collect")(collect)


def collect(
    run: Annotated[str, typer.Argument(help="The run that `review --provider-batch` named.")],
    runs: Annotated[str | None, typer.Option("--runs", help="Folder of journals and store. [default: runs]",
                                             show_default=False)] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Look again and again until the provider is through.")] = False,
    online: Annotated[bool, typer.Option("--online", help="Ask what the batch did not answer, or not readably, at "
                                         "once and at the ordinary price.")] = False,
    budget: Annotated[float | None, typer.Option(help="Most US dollars the whole run may spend. [default: as it was "
                                                 "submitted]", min=0, show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    metrics: Annotated[Path | None, typer.Option(help="Write the run's numbers to this file for Prometheus (.prom).",
                                                 show_default=False)] = None,
    log: Annotated[str, typer.Option(help="How progress is told where there is no terminal: text or json.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bring home the answers of a provider batch.

    Ends with 3 while the provider works, or when something is left. What is home is never asked or paid again.
    """
    from panel.collecting import Way, collect
    from panel.settings import read_settings

    report = Reporting(quiet=quiet, as_json=as_json, log=log_format(log), metrics=metrics)
    folder = Path(runs or read_settings().runs)
    with report.watching(None) as on_progress:
        found = collect(folder, run, Way(online=online, wait=wait, cap_usd=budget), report.say,
                        on_progress=on_progress, on_stop=report.stopping)
    _finish(found, folder, report)


def submit(items: Iterable[Dossier], instrument: Instrument, terms: Terms, report: Reporting) -> None:
    """What `review --provider-batch` does: submit, say what was submitted, and end with its exit code."""
    from panel.batch import submit_batch
    from panel.cli.show import print_json

    done = submit_batch(items, instrument, terms, report.say)
    if report.as_json:
        print_json(done.model_dump(mode="json"))
    else:
        _print_submission(done)
    if done.stopped_by:
        report.say(f"stopped: {done.stopped_by}; {done.left} of {done.tools} tools are left for another batch")
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def _print_submission(done: Submission) -> None:
    for run in done.waits_for:
        print(f"{_counted(done.waiting, 'tool')} of {done.tools} wait for the batch of run {run} already: "
              f"ship-panel collect {run}")
    if done.run_id is None:
        print("nothing is left to submit")
        return
    most = "price unknown" if done.most_usd is None else f"at most ${done.most_usd:.4f}"
    print(f"run {done.run_id}: {_counted(done.rows, 'row')} for {_counted(done.submitted, 'tool')} submitted as "
          f"{', '.join(done.batch_ids)}, {most}")
    print(f"the answers, within a day: ship-panel collect {done.run_id}")


def _finish(found: Collected, runs: Path, report: Reporting) -> None:
    from panel.cli.show import print_json, print_run

    if found.result is None:
        if report.as_json:
            print_json(found.model_dump(mode="json"))
        if found.exit_code:
            raise typer.Exit(found.exit_code)
        return
    print_run(found.result, runs, report.as_json)
    if found.left:
        report.say(f"{_counted(found.left, 'assignment')} left: `ship-panel collect {found.run_id} --online` asks now, "
                   "the same `review --provider-batch` puts them into another batch")
    report.end(found.result, f"ship-panel collect {found.run_id} --online")


def _counted(number: int, noun: str) -> str:
    from panel.cli.progress import counted

    return counted(number, noun)
