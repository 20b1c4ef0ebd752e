"""How fast journals load and pages are read: `python bench/store.py [reviews]` (default 100,000; the promise is for
1,000,000).

Makes journals in a temporary folder as a run would, rebuilds the store from them, and times what a page asks. Prints
wall and CPU seconds: on a busy machine only the CPU figure means something. Not part of the tests.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from journal_maker import Making, made_dossier, run_lines, write_run  # noqa: E402

from panel.journal import segments  # noqa: E402
from panel.store import export, find_tool, leaderboard, load, open_store, rebuild, run_sql, scorecard  # noqa: E402

SEATS = 4


@contextmanager
def timed(what: str, count: int = 0) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rate = f"  {count / wall:,.0f}/s wall, {count / cpu:,.0f}/s CPU" if count else ""
    print(f"{what:44s} {wall:8.2f} s wall {cpu:8.2f} s CPU{rate}", flush=True)


def median_ms(action: Callable[[], object], repeats: int = 9) -> str:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return f"median {statistics.median(times) * 1000:7.1f} ms, worst {max(times) * 1000:7.1f} ms"


def read_pages(runs: Path, tools: int) -> None:
    def show(number: int) -> None:
        with open_store(runs) as connection:
            scorecard(connection, find_tool(connection, f"tool-{number:06d}"))

    def ranked(**wanted: object) -> None:
        with open_store(runs) as connection:
            leaderboard(connection, limit=50, **wanted)  # type: ignore[arg-type]

    personas = ("SELECT persona_id, model, count(*), avg((verdict = 'ship')::INT), avg(score), count(unscored) "
                "FROM reviews GROUP BY ALL")
    for what, action in (
        ("scorecard of one tool, found by id", lambda: show(tools // 2)),
        ("leaderboard, first 50", ranked),
        ("leaderboard, search and category", lambda: ranked(search="vector", category="Data")),
        ("persona page (group by over all reviews)", lambda: run_sql(runs, personas)),
        ("predictions of one persona, by month", lambda: run_sql(
            runs, 'SELECT "by", count(*), avg(probability) FROM predictions GROUP BY 1')),
        ("points view, one review's", lambda: run_sql(
            runs, "SELECT point, text FROM points WHERE tool_id = 'tool-000007'")),
    ):
        print(f"{what:44s} {median_ms(action)}", flush=True)


def main(reviews: int) -> None:
    tools = reviews // SEATS
    print(f"duckdb {duckdb.__version__}, {os.cpu_count()} cores, {reviews:,} reviews of {tools:,} tools, depth verdict")
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        making = Making(depth="verdict", probes=False)
        with timed("making the journals"):
            write_run(runs, making, run_lines(making, map(made_dossier, range(tools))))
        size = sum(path.stat().st_size for path in segments(runs))
        print(f"{len(segments(runs))} segments, {size / 1e6:,.0f} MB")
        with timed("rebuild", reviews):
            rebuild(runs)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"store {(runs / 'panel.duckdb').stat().st_size / 1e6:,.0f} MB, peak RSS {peak:,.0f} MB")
        with timed("load with nothing new"):
            load(runs)
        more = Making(run_id="20260102T000000-01", depth="verdict", probes=False, model="other")
        write_run(runs, more, run_lines(more, map(made_dossier, range(tools, tools + 250))))
        with timed("load of one small new run", 1000):
            load(runs)
        read_pages(runs, tools)
        with timed("export, parquet"):
            export(runs, runs / "out")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
