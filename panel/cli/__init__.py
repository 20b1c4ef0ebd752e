"""The command line: words typed → one call; print the result.

This file is all that `--help` loads: each command imports what it needs when it runs. Knows nothing of the rest.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

from panel import __version__
from panel.cli import ask, keep, look, setup
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
keep.add_to(app)
setup.add_to(app)


def main() -> NoReturn:
    """Run the command; a mistake of the user's ends in one line and the exit code of its kind."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except PanelError as error:
        print(f"ship-panel: {' '.join(str(error).split())}", file=sys.stderr)
        _leave(error.exit_code)
    except BrokenPipeError:
        # The reader of a pipe left (| head): point stdout elsewhere, so that Python's own flush does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(0)
    except SystemExit as error:
        _leave(error.code if isinstance(error.code, int) else 0)
    _leave(0)


def _stop(number: int, frame: Any) -> NoReturn:
    raise RunStopped("terminated" if number == signal.SIGTERM else "interrupted", 128 + number)


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.exit(code)
