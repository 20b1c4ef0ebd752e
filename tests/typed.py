"""The command line in this process: what somebody typed → what was printed and the exit code; starts no interpreter."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

from panel.cli import main


def typed(desk: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ship-panel` in `desk`, as `test_road.command` does in a process of its own."""
    out, complaints = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # A pipe has no width, whatever the terminal is that the tests run in.
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    try:
        with contextlib.chdir(desk), mock.patch.dict(os.environ, {**kept, **environment}, clear=True), \
                mock.patch.object(sys, "argv", ["ship-panel", *words]), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(complaints):
            try:
                main()
            except SystemExit as ended:
                code = ended.code
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), complaints.getvalue())
