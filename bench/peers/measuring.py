"""One run of one client against a server of its own, measured from outside.

CPU and peak memory are the kernel's word on the client's process and the children it waited for; calls are counted by
the server. Knows nothing of peers or tables.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Cell:
    """One column of the table: what the server does, and how many calls may be in flight."""

    name: str
    latency: float
    in_flight: int
    storm: bool = False


@dataclass
class Seen:
    """What one run came to. `problem` says in a line why it did not end well."""

    launches: int
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    got: int = 0
    stats: dict[str, Any] = field(default_factory=dict)
    errors: list[Any] = field(default_factory=list)
    problem: str | None = None

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Client:
    """A command to run: given the server's URL, a folder to run in and a size, its words; afterwards, its count."""

    def __init__(self, words: Callable[[str, Path, int, Cell], list[str]],
                 count: Callable[[Path], tuple[int, list[Any]]]) -> None:
        self.words = words
        self.count = count


@contextlib.contextmanager
def serving(cell: Cell, keep: Path | None = None) -> Iterator[str]:
    """The address of a fresh server in a process of its own."""
    words = [sys.executable, str(HERE / "server.py"), str(cell.latency)]
    words += ["--faults"] if cell.storm else []
    words += ["--keep", str(keep)] if keep else []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def stats_of(address: str) -> dict[str, Any]:
    """What the server counted."""
    with urllib.request.urlopen(f"{address}/stats", timeout=10) as answer:
        return dict(json.loads(answer.read()))


def measured(client: Client, cell: Cell, launches: int, limit_s: float) -> Seen:
    """Run the client once in an empty folder; stop it and all it started after `limit_s` seconds."""
    seen = Seen(launches)
    with serving(cell) as address, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / "said").open("wb") as said:
            begin = time.monotonic()
            process = subprocess.Popen(client.words(f"{address}/v1", folder, launches, cell), cwd=folder, stdout=said,
                                       stderr=said, stdin=subprocess.DEVNULL, start_new_session=True, env=_plain())
            stopped = threading.Event()
            timer = threading.Timer(limit_s, _stop, (process.pid, stopped))
            timer.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            finally:
                timer.cancel()
                _end(process.pid)
            process.returncode = os.waitstatus_to_exitcode(status)
            seen.wall_s = time.monotonic() - begin
        seen.cpu_s = usage.ru_utime + usage.ru_stime
        seen.peak_mb = usage.ru_maxrss / 1024
        seen.stats = stats_of(address)
        try:
            seen.got, seen.errors = client.count(folder)
        except Exception as error:
            last = [line for line in (folder / "said").read_text(errors="replace").splitlines() if line.strip()]
            seen.problem = (f"stopped after {limit_s:.0f} s" if stopped.is_set() else
                            f"exit {process.returncode}: {last[-1][:200] if last else error}")
    return seen


def _plain() -> dict[str, str]:
    """This environment without what would reach into a peer's: Python's own settings, proxies and keys."""
    unwanted = ("PYTHON", "VIRTUAL_ENV", "OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def _stop(group: int, stopped: threading.Event) -> None:
    """The time is over."""
    stopped.set()
    _end(group)


def _end(group: int) -> None:
    """End what the client started and left running; its session is a process group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
