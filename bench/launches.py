"""All real launches reviewed end to end by an HTTP endpoint: `python -m bench.launches`.

The endpoint is `tests/fault_server.py` in a process of its own (0.2 s latency, answers by the scripted rule, told
prices of 0.25 and 2 USD a million tokens), reached through the real command line, with journal, checks, store and
runs/latest. Prints what the files of runs/latest say, which is what a dashboard would read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
LAUNCHES = ROOT.parent / "shared" / "data" / "launches.jsonl"
SETTINGS = '[models.m]\nmodel = "{url}#m"\nprice_in = 0.25\nprice_out = 2.0\n'
LATENCY = 0.2


def main() -> None:
    """Review them, and print the summary."""
    if not LAUNCHES.exists():
        print("no ../shared/data/launches.jsonl: left out")
        return
    words = [sys.executable, str(ROOT / "tests" / "fault_server.py"), "0", str(LATENCY)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            Path(folder, "panel.toml").write_text(SETTINGS.format(url=url))
            done = subprocess.run(
                [sys.executable, "-m", "panel", "review", str(LAUNCHES), "--model", "m", "--depth", "verdict",
                 "--budget", "50", "--quiet"], cwd=folder, capture_output=True, text=True, check=False)
        finally:
            server.kill()
        print(done.stderr.strip())
        summarise(Path(folder) / "runs" / "latest")


def summarise(latest: Path) -> None:
    """The table of a run, from its Parquet files."""
    end = json.loads((latest / "summary.json").read_text())
    tools, reviews = (f"read_parquet('{latest}/{name}.parquet')" for name in ("tools", "reviews"))
    print(f"\n{end['tools_done']} of {end['tools_asked']} launches, {end['scored']} reviews scored, "
          f"{end['unscored']} unscored, {end['reasked']} asked again, {end['faults']} faults, {end['seconds']:.1f} s, "
          f"{end['cost_usd']:.4f} USD (estimated {end['estimate']['low']:.2f} to {end['estimate']['high']:.2f})")
    rows = duckdb.sql(
        f"SELECT persona_id, count(*) FILTER (verdict = 'ship'), count(*) FILTER (verdict = 'skip'), "
        f"round(avg(score), 1) FROM {reviews} GROUP BY ALL ORDER BY ALL").fetchall()
    print("\n| persona | ship | skip | mean score |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    rows = duckdb.sql(f"SELECT outcome, count(*), round(avg(mean_score), 1), round(avg(score_range), 1) FROM {tools} "
                      "GROUP BY ALL ORDER BY count(*) DESC").fetchall()
    print("\n| outcome | tools | mean score | mean range |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
