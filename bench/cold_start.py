"""Cold start: seconds of `--help`, and from the command to the first verdict of an OpenAI-compatible endpoint.

`python -m bench.cold_start`. Each figure is of whole processes, fastest and median of REPEATS.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from fault_server import FaultServer

REPEATS = 7
DOSSIER = "name: Tidewater\ntagline: Copies a folder to another machine over SSH\nlicense: MIT\n"


def seconds(action: object) -> list[float]:
    """How long `action` took, REPEATS times."""
    assert callable(action)
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return taken


def show(name: str, taken: list[float], promise: float) -> None:
    print(f"{name}: fastest {min(taken):.2f} s, median {statistics.median(taken):.2f} s (promised: {promise} s)")


def main() -> None:
    """Print both figures."""
    program = [sys.executable, "-m", "panel"]
    show("--help", seconds(lambda: subprocess.run([*program, "--help"], stdout=subprocess.DEVNULL, check=True)), 0.3)
    with FaultServer() as server, tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        (desk / "one.yaml").write_text(DOSSIER)
        number = iter(range(1000))

        def first_verdict() -> None:
            runs = desk / f"runs{next(number)}"
            words = ["review", "one.yaml", "--model", f"{server.url('ok')}#m", "--runs", str(runs), "--quiet"]
            with subprocess.Popen([*program, *words], cwd=desk, stdout=subprocess.DEVNULL) as process:
                while not any(b'"t":"review"' in path.read_bytes() for path in runs.glob("*/journal-*.jsonl")):
                    time.sleep(0.002)
                process.kill()

        show("first verdict", seconds(first_verdict), 1.0)


if __name__ == "__main__":
    main()
