"""What a command that runs a panel says beside its result: progress, why it stopped, the last line, metrics.

All of it goes to standard error; standard output is the result's. Knows nothing of how a run works. Imports what is
heavy when it is needed: `--help` loads this file.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from panel.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from panel.cli.progress import Watcher
    from panel.run import RunResult
    from panel.schema import RunEnd

LogFormat = Literal["text", "json"]


def log_format(text: str) -> LogFormat:
    """The value of --log. Raises ConfigError."""
    if text == "text":
        return "text"
    if text == "json":
        return "json"
    raise ConfigError(f"--log {text}: must be text or json")


def checked_metrics(path: Path | None) -> Path | None:
    """The value of --metrics. Raises ConfigError, before anything is asked, where it cannot be a file."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise ConfigError(f"--metrics {path}: must be a file in a folder that is there")
    return path


def _close_output() -> None:
    """Point standard output elsewhere, so that Python's own flush at the end does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@dataclass(frozen=True)
class Reporting:
    """How one command reports."""

    quiet: bool = False
    as_json: bool = False
    log: LogFormat = "text"
    metrics: Path | None = None

    def say(self, text: str) -> None:
        """One line on standard error."""
        from panel.cli.progress import say

        say(text, self.log)

    def watching(self, total: int | None) -> AbstractContextManager[Watcher]:
        """The progress of a run over about `total` tools."""
        from panel.cli.progress import watching

        return watching(total, enabled=not self.quiet and (not self.as_json or self.log == "json"), log=self.log)

    def stopping(self) -> None:
        """Said when an interrupt has come and calls under way are waited for."""
        self.say("stopping; calls under way are waited for, their answers are paid (again to end now)")

    def end(self, result: RunResult, again: str) -> None:
        """Say why the run ended as it did, then the last line; ends with the run's exit code.

        `again` is the command that goes on from here.
        """
        totals = result.totals
        if result.stopped_by:
            self.say(f"stopped: {result.stopped_by}")
            if result.exit_code != 2:
                self.say(f"what was answered is kept ({totals.asked} in this run); the same command goes on from here:"
                         f"\n  {again}")
        elif totals.unscored:
            self.say(f"{totals.unscored} of {totals.asked} unscored; the first: {result.first_reason}")
        if totals.kept_unscored and result.exit_code == 4:
            self.say(f"{totals.kept_unscored} of the {totals.kept} kept from earlier runs have no answer and are not "
                     "asked again by themselves; --retry-unscored asks them")
        self.close(result.end, result.outcomes)

    def shown(self, show: Callable[[], None], result: RunResult) -> RunResult:
        """Show a result on standard output. Where that fails the run has still ended as it did.

        A reader that left (| head) is no fault; a full disk is one, and makes the exit code 5 where it was 0.
        """
        try:
            show()
            sys.stdout.flush()
        except BrokenPipeError:
            _close_output()
        except SystemExit:  # rich, whose reader has left
            _close_output()
        except OSError as error:
            _close_output()
            self.say(f"standard output: {error.strerror or error}; the run is kept")
            if result.exit_code == 0:
                end = result.end.model_copy(update={"exit_code": 5})
                return result.model_copy(update={"exit_code": 5, "end": end})
        return result

    def close(self, end: RunEnd, outcomes: Mapping[str, int]) -> None:
        """The metrics and the last line, key=value, or an object with --log json; ends with the exit code."""
        import json

        from panel.cli.closing import end_fields, last_line, write_metrics

        if self.metrics is not None:
            try:
                write_metrics(self.metrics, end, outcomes)
            except StoreError as error:
                self.say(f"--metrics {self.metrics}: {error}")
                end = end.model_copy(update={"exit_code": end.exit_code or 5})
        with contextlib.suppress(OSError):
            sys.stdout.flush()  # where both go to one file, the last line is the last
        if self.log == "json":
            said = {"at": end.ended_at, "event": "end", **end_fields(end, outcomes)}
            line = json.dumps(said)
        else:
            line = last_line(end, outcomes)
        with contextlib.suppress(OSError):  # nobody listens: the exit code still says it
            print(line, file=sys.stderr, flush=True)
        if end.exit_code:
            raise typer.Exit(end.exit_code)
