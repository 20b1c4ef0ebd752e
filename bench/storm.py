"""Faults through the real command line: what a storm costs, and what a dead endpoint costs.

    python -m bench.storm [--tools 1000]

The storm is tests/fault_server.py's `storm_refusing`: 10% 429, 5% 500, 5% truncated bodies, 2% resets, 1% hangs and
1% refusals, drawn by messages and attempt. Dead endpoints: nothing listens; one that only hangs; one that resets
every connection; and two that die after 400 good calls. Calls are counted where they were sent (journal) and where
they arrived (server); those under way when the server died were not wasted by us and are counted apart.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.limits import begin, counts, fault_server

SETTINGS = "timeout = 2\n"
ALIVE = 400
"""Good calls before an endpoint dies."""


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Every line of the journals."""
    for path in sorted((folder / "runs").glob("*/journal-*.jsonl")):
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def storm(folder: Path, tools: int) -> None:
    """Run the storm and print what came of it."""
    with fault_server(0.05) as address:
        began = time.monotonic()
        run = begin(folder, tools, f"{address}/storm_refusing/v1", settings=SETTINGS)
        said, errors = run.communicate()
        seconds = time.monotonic() - began
        met = counts(address)["met"]
    faults = sum(number for mode, number in met.items() if mode != "policy")
    seen = Counter(line["t"] for line in lines(folder))
    reviews = [line["record"] for line in lines(folder) if line["t"] == "review"]
    kinds = Counter(review["unscored_kind"] for review in reviews if review.get("unscored"))
    scored = len(reviews) - sum(kinds.values())
    calls = sum(line["t"] == "sent" and line["kind"] == "review" for line in lines(folder))
    reasks = seen["sent"] - calls
    print(f"storm: {4 * tools} assignments, {len(reviews)} reviews, {scored} scored, unscored {dict(kinds)}, "
          f"{scored / (len(reviews) - kinds['declined']):.2%} scored apart from refusals")
    print(f"storm: {seen['sent']} calls ({reasks} checks and re-asks), faults {met}: {faults} and "
          f"{calls - len(reviews)} extra calls, {(calls - len(reviews)) / faults:.2f} a fault; {seconds:.0f} s, "
          f"exit {run.returncode} {errors.strip()[-200:] if run.returncode else ''}")
    assert said is not None


def dead(folder: Path, name: str, run: subprocess.Popen[str], began: float, server: str | None) -> None:
    """Wait for a run against a dead endpoint and print what it cost."""
    _, errors = run.communicate()
    sent = [line for line in lines(folder) if line["t"] == "sent"]
    failed = sum(line["t"] == "answer" and line["result"] == "unavailable" for line in lines(folder))
    late = counts(server)["late"] if server else 0
    under_way = 0
    if late:  # sent before the first of those calls had failed: nobody could know
        first = min(line["at"] for line in lines(folder) if line["t"] == "answer" and line["result"] == "unavailable")
        under_way = late - sum(line["at"] > first for line in sent)
    print(f"{name}: {len(sent)} calls sent, {failed} failed, {late} arrived after its death of which {under_way} were "
          f"under way before the first failed; ended after {time.monotonic() - began:.0f} s with exit "
          f"{run.returncode}: {errors.strip().splitlines()[-1][:200] if errors.strip() else ''}")


def main(words: list[str] | None = None) -> None:
    """The storm, then all dead endpoints at once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=int, default=1000)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storm(folder / "storm", given.tools)
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            began = time.monotonic()
            nobody = begin(folder / "nobody", 300, f"http://127.0.0.1:{reserved.getsockname()[1]}/v1")
            dead(folder / "nobody", "nobody listens", nobody, began, None)
        for mode in ("hang", "reset"):
            with fault_server(0.05) as address:
                began = time.monotonic()
                run = begin(folder / mode, 300, f"{address}/{mode}/v1", settings=SETTINGS)
                dead(folder / mode, mode, run, began, None)
        for mode in (f"ok-{ALIVE}-hang", f"ok-{ALIVE}-reset"):
            with fault_server(0.05) as address:
                began = time.monotonic()
                run = begin(folder / mode, 300, f"{address}/{mode}/v1", settings=SETTINGS)
                dead(folder / mode, mode, run, began, address)


if __name__ == "__main__":
    main()
