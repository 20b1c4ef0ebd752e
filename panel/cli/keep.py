"""`rescore`, `rebuild`: the tail of the road, from the journals, without a model."""

from __future__ import annotations

import typer

from panel.cli.ask import AsJson, Runs
from panel.cli.look import runs_folder
from panel.errors import ConfigError


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("rescore")(rescore)
    app.command("rebuild")(rebuild)


def rebuild(runs: Runs = None, as_json: AsJson = False) -> None:
    """Make panel.duckdb again from the journals."""
    from panel.cli.show import print_json
    from panel.journal import hold, mend_tails
    from panel.store import rebuild as rebuild_store

    folder = runs_folder(runs)
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder")
    with hold(folder):
        mend_tails(folder)
        report = rebuild_store(folder)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print(f"{folder}/panel.duckdb: {report.reviews} reviews and {report.calls} calls from {report.segments} "
              f"journal segments, {report.seconds:.1f} s")


def rescore(runs: Runs = None, as_json: AsJson = False) -> None:
    """Read every kept answer again, asking nothing.

    With today's parser and checks.
    """
    from panel.cli.show import print_json
    from panel.rescore import rescore_runs

    folder = runs_folder(runs)
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder")
    report = rescore_runs(folder)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print(f"{report.read} reviews read again, {report.changed} changed, {report.unscored} unscored "
              f"(run {report.run_id})")
