"""The command line: words typed → one call; print the result.

This file is all that `--help` loads: each command imports what it needs when it runs. Knows nothing of the rest.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from panel import __version__
from panel.cli import ask, batch, keep, ledger, look, memory, night, publish, setup
from panel.errors import PanelError, RunStopped

app = typer.Typer(
    name="ship-panel",
    help="A panel of LLM personas reads the dossier of a tool and says ship or skip.",
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None,
    epilog="Start with: ship-panel review DOSSIER.yaml   (no key needed: a small starter model is fetched once)",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ship-panel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


ask.add_to(app)
look.add_to(app)
publish.add_to(app)
memory.add_to(app)
keep.add_to(app)
setup.add_to(app)
night.add_to(app)
batch.add_to(app)
ledger.add_to(app)


def main() -> NoReturn:
    """Run the command; a mistake of the user's ends in one line and the exit code of its kind."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    # Closed (>&-): nobody is told, and nothing is lost.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  for as long as the process lives
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a page has quotes and dashes that not every terminal knows
    try:
        app()
    except PanelError as error:
        complain(str(error))
        _leave(error.exit_code)
    except BrokenPipeError:
        _leave(0)
    except OSError as error:
        complain(f"{error.filename or 'output'}: {error.strerror or error}")
        _leave(5 if error.errno == errno.ENOSPC else 2)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
        # No command ends with 1: typer and rich do, when the reader of a pipe has left (| head).
        _leave(0 if code == 1 else code)
    _leave(0)


def complain(text: str) -> None:
    """One line on standard error, without control characters: a file's name may hold anything."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    print(f"ship-panel: {line}", file=sys.stderr)


def _stop(number: int, frame: Any) -> NoReturn:
    raise RunStopped("terminated" if number == signal.SIGTERM else "interrupted", 128 + number)


def _leave(code: int) -> NoReturn:
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            # The reader of a pipe left (| head), or the disk is full: point it elsewhere, so that Python's own flush
            # does not complain, nor change the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    sys.exit(code)
