"""How fast journals load, how much memory that takes, and how fast pages are read.

    python bench/store.py               memory and rate at 4,000 and 40,000 assignments, pages at 100,000 reviews
    python bench/store.py 1000000       pages and a small load at 1,000,000 (the promise; some ten minutes)

Makes journals in a temporary folder as a run would and loads each store in a process of its own that has, before
DuckDB is imported, what a run has by then. Prints wall and CPU seconds: on a busy machine only the CPU figure means
something. Not part of the tests.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from journal_maker import Making, end_line, made_dossier, made_end, run_lines, write_run  # noqa: E402

from panel.store import (  # noqa: E402
    export,
    find_tool,
    leaderboard,
    open_store,
    persona_record,
    scorecard,
)

SEATS = 4
LOADING = """
import json, resource, sys, time
from pathlib import Path
import panel.cli, panel.run, panel.cli.ask
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
from panel.schema import RunEnd
from panel.store import load, write_latest
runs = Path(sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
report = load(runs)
seen = {"before_mb": before, "reviews": report.reviews, "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu, "peak_mb": peak()}
if len(sys.argv) > 2:
    wall = time.perf_counter()
    write_latest(runs, RunEnd.model_validate_json(sys.argv[2]))
    seen |= {"latest": time.perf_counter() - wall, "latest_mb": peak()}
print(json.dumps(seen))
"""
"""Load in a process that has imported what a run has; its peak is what `ship-panel review` ends with."""


def make(runs: Path, making: Making, first: int, reviews: int) -> None:
    tools = map(made_dossier, range(first, first + reviews // SEATS))
    write_run(runs, making, itertools.chain(run_lines(making, tools), [end_line(made_end(making))]))


def loaded(runs: Path, what: str, latest: Making | None = None) -> float:
    """Load in a child; prints what it took. Returns its peak in MB."""
    arguments = [made_end(latest).model_dump_json()] if latest else []
    ended = subprocess.run([sys.executable, "-c", LOADING, str(runs), *arguments], capture_output=True, text=True,
                           check=True, cwd=ROOT)
    seen = json.loads(ended.stdout.splitlines()[-1])
    latest_words = f"; runs/latest {seen['latest']:.2f} s, peak {seen['latest_mb']:.0f} MB" if latest else ""
    print(f"{what:44s} {seen['wall']:7.2f} s wall {seen['cpu']:7.2f} s CPU  "
          f"{seen['reviews'] / seen['wall']:,.0f}/s wall "
          f"{seen['reviews'] / seen['cpu']:,.0f}/s CPU  peak {seen['peak_mb']:.0f} MB "
          f"({seen['before_mb']:.0f} before){latest_words}", flush=True)
    return float(seen["peak_mb"])


def median_ms(action: Callable[[], object], repeats: int = 9) -> str:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return f"median {statistics.median(times) * 1000:7.1f} ms, worst {max(times) * 1000:7.1f} ms"


def read_pages(runs: Path, tools: int) -> None:
    def page(read: Callable[[duckdb.DuckDBPyConnection], object]) -> str:
        def action() -> None:
            with open_store(runs) as connection:
                read(connection)
        return median_ms(action)

    for what, read in (
        ("tool page, found by id", lambda store: scorecard(store, find_tool(store, f"tool-{tools // 2:06d}"))),
        ("leaderboard, first 50", lambda store: leaderboard(store, limit=50)),
        ("leaderboard, search and category", lambda store: leaderboard(store, search="vector", category="Data")),
        ("persona page", lambda store: persona_record(store, "builder")),
    ):
        print(f"{what:44s} {page(read)}", flush=True)


def measure_loads() -> None:
    for depth in ("verdict", "full"):
        peaks = []
        for reviews in (4000, 40000):
            with tempfile.TemporaryDirectory() as folder:
                making = Making(depth=depth, probes=False)  # type: ignore[arg-type]
                make(Path(folder), making, 0, reviews)
                peaks.append(loaded(Path(folder), f"load of {reviews:,}, depth {depth}", making))
        print(f"{'':44s} 40,000 takes {peaks[1] / peaks[0]:.2f} times the memory of 4,000")


def measure_pages(reviews: int) -> None:
    tools = reviews // SEATS
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        making = Making(depth="verdict", probes=False)
        make(runs, making, 0, reviews)
        loaded(runs, f"load of {reviews:,}, depth verdict")
        more = Making(run_id="20260102T000000-01", depth="verdict", probes=False, model="other")
        make(runs, more, tools, 1000)
        loaded(runs, "1,000 more into that store", more)
        read_pages(runs, tools)
        began = time.perf_counter()
        export(runs, runs / "out", since=more.run_id)
        print(f"{'export since the last run, parquet':44s} {time.perf_counter() - began:7.2f} s")


if __name__ == "__main__":
    print(f"duckdb {duckdb.__version__}, {os.cpu_count()} cores")
    if len(sys.argv) == 1:
        measure_loads()
    measure_pages(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
