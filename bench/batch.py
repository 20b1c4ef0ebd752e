"""Provider batches end to end: `python -m bench.batch [tools]` (default 1,000 launches, four personas each).

Submits through the command line to tests/batch_server.py in a process of its own, kills that once the provider has
made the batch and before its answer is back, collects with another process while 5% of the rows have expired, and asks
those online. Beside it the same launches are asked one by one. Prints whether the scores are the same, how often each
row was paid, and what the steps took. With more than 12,500 tools the rows need a second file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from batch_server import BatchServer  # noqa: E402

from panel.store import open_store  # noqa: E402

LAUNCHES = ROOT.parent / "shared" / "data" / "launches.jsonl"
EXPIRED = 0.05
SCORES = "SELECT * EXCLUDE (reviewed_at, run_id) FROM scores ORDER BY ALL"


def prepare(desk: Path, url: str, tools: int) -> None:
    desk.mkdir()
    (desk / "panel.toml").write_text(f'model = "cheap"\ndepth = "verdict"\n[models.cheap]\nmodel = "{url}#gpt-cheap"\n'
                                     'price_in = 1.0\nprice_out = 4.0\nrung = "json_schema"\n')
    with LAUNCHES.open() as launches, (desk / "tools.jsonl").open("w") as file:
        lines = list(islice(launches, tools))
        for number in range(tools):  # there are 2,000: beyond that the same under other names
            line = lines[number % len(lines)]
            file.write(line if number < len(lines) else line.replace('"name": "', f'"name": "{number} ', 1))


def start(desk: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "panel", *words], cwd=desk, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


def timed(desk: Path, name: str, *words: str, code: int = 0) -> None:
    """Run a command to its end and print what it took."""
    began = time.perf_counter()
    process = start(desk, *words)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == code, said
    print(f"{name:38} {time.perf_counter() - began:7.1f} s wall {used.ru_utime + used.ru_stime:7.1f} s CPU "
          f"  {said.splitlines()[-1] if said else ''}"[:240], flush=True)


def scores(desk: Path) -> list[tuple[Any, ...]]:
    with open_store(desk / "runs") as store:
        return store.execute(SCORES).fetchall()


def dollars(desk: Path) -> float:
    with open_store(desk / "runs") as store:
        return float(store.execute("SELECT sum(cost_usd) FROM calls").fetchall()[0][0])


def by_batch(desk: Path, server: BatchServer) -> None:
    killed = start(desk, "review", "tools.jsonl", "--provider-batch")
    began = time.perf_counter()
    assert server.hanging.wait(600)
    killed.send_signal(signal.SIGKILL)
    _, _, used = os.wait4(killed.pid, 0)
    killed.returncode = -signal.SIGKILL
    rows = sum(len(job.rows) for job in server.jobs.values())
    print(f"{'submit, killed when the batch is made':38} {time.perf_counter() - began:7.1f} s wall "
          f"{used.ru_utime + used.ru_stime:7.1f} s CPU  {rows} rows in the first")
    run = next(desk.glob("runs/*/batch.json")).parent.name
    timed(desk, "collect, by another process", "collect", run, "-q", code=3)
    timed(desk, "collect --online: what expired", "collect", run, "--online", "-q")
    timed(desk, "collect once more", "collect", run, "-q")


def main() -> None:
    tools = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder, BatchServer(expired=EXPIRED, hang_created=1) as server:
        batch, online = Path(folder) / "batch", Path(folder) / "online"
        for desk in (batch, online):
            prepare(desk, server.url, tools)
        by_batch(batch, server)
        calls, batches = server.calls, len(server.jobs)
        timed(online, "the same, one by one", "review", "tools.jsonl", "-q")
        print(f"{batches} batches of {sum(len(job.rows) for job in server.jobs.values())} rows; paid in a batch: "
              f"{dict(Counter(server.paid.values()))} (times: rows), asked online: {calls}")
        same = scores(batch) == scores(online)
        print(f"same scores as online: {same} ({len(scores(online))} tools); cost {dollars(batch):.4f} USD, online "
              f"{dollars(online):.4f} USD")


if __name__ == "__main__":
    main()
