"""Hidden limits through the real command line: how much of a server's capacity is used, and how often it says 429.

    python -m bench.limits [--tools 600] [--latency 0.5] [MODE ...]

The modes are those of tests/hidden_limits.py (`crowded-10`: calls under way, `metered-600`, `sliding-600`,
`bucket-600`: calls a minute; `-told`: rejections carry Retry-After). All run at once, each with a client process and an
endpoint of its own: nobody is short of CPU, so nobody disturbs another. The counts are the server's. The job is too
long for the first minute's allowance: what is used after the first minute is given apart.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LAUNCHES = ROOT.parent / "shared" / "data" / "launches.jsonl"
MODES = ("crowded-10", "crowded-10-told", "metered-600", "metered-600-told", "sliding-600", "sliding-600-told",
         "bucket-600", "bucket-600-told")


@contextmanager
def fault_server(latency: float) -> Iterator[str]:
    """The address of tests/fault_server.py in a process of its own."""
    words = [sys.executable, str(ROOT / "tests" / "fault_server.py"), "0", str(latency)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip().removesuffix("/ok/v1")
        finally:
            server.kill()


def counts(address: str) -> dict[str, Any]:
    """The server's counters."""
    with urllib.request.urlopen(f"{address}/counts") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def begin(folder: Path, tools: int, url: str, *words: str, settings: str = "") -> subprocess.Popen[str]:
    """`ship-panel review` of so many real launches, in a folder of its own."""
    folder.mkdir(parents=True)
    with LAUNCHES.open(encoding="utf-8") as file:
        (folder / "some.jsonl").write_text("".join(itertools.islice(file, tools)), encoding="utf-8")
    (folder / "panel.toml").write_text(settings, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "panel", "review", "some.jsonl", "--model", f"{url}#m", "--depth", "verdict", "--json",
         "--quiet", *words], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def main(words: list[str] | None = None) -> None:
    """Run every mode and print a row for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=int, default=600)
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("modes", nargs="*", default=MODES)
    given = parser.parse_args(words)
    with fault_server(given.latency) as address, tempfile.TemporaryDirectory() as name:
        runs = {mode: begin(Path(name) / mode, given.tools, f"{address}/{mode}/v1") for mode in given.modes}
        totals = {mode: json.loads(run.communicate()[0] or "{}").get("run", {}).get("totals", {})
                  for mode, run in runs.items()}
        meters = counts(address)["meters"]
    print("| mode | calls | scored | used | after a minute | 429 | inside Retry-After | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for mode in given.modes:
        seen = meters[mode]
        print(f"| {mode} | {seen['requests']} | {totals[mode].get('scored')} of {4 * given.tools} "
              f"| {seen['used']:.0%} | {seen['used_after_a_minute']:.0%} | {seen['rejected'] / seen['requests']:.1%} "
              f"| {seen['inside']} | {seen['seconds']:.0f} |")


if __name__ == "__main__":
    main()
