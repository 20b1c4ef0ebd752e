"""SIGKILL at random moments, through the command line: nothing journalled is lost, nothing doubled, little paid again.

The short form is in `make test`; 200 kills are `make proof`.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from panel.store import open_store
from tests.fault_server import FaultServer

START_S = 0.45
"""About what a command takes to its first request."""
WORK_S = 0.5
"""Longest time of work before a kill."""


class Count(NamedTuple):
    """What kills cost: how many, calls under way at them, calls sent a second time."""

    kills: int
    under_way: int
    again: int


def journal_lines(runs: Path) -> list[dict[str, Any]]:
    """Every whole line, oldest run first."""
    return [json.loads(line) for path in sorted(runs.glob("*/journal-*.jsonl"))
            for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def reviews_in(runs: Path) -> dict[str, str]:
    """Key to review, as journalled. No key may have two."""
    found: dict[str, str] = {}
    for line in journal_lines(runs):
        if line["t"] == "review":
            assert line["key"] not in found, "a review was made twice"
            found[line["key"]] = json.dumps(line["record"], sort_keys=True)
    return found


def unanswered(runs: Path) -> int:
    """Calls sent in the newest run that have no answer: those under way when it was killed."""
    newest = max(runs.glob("*/"), key=lambda folder: folder.name)
    sent: set[int] = set()
    for path in sorted(newest.glob("journal-*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                record = json.loads(line)
                if record["t"] == "sent":
                    sent.add(record["seq"])
                elif record["t"] == "answer":
                    sent.discard(record["seq"])
    return len(sent)


def kill_often(desk: Path, kills: int, in_flight: int, tools: int) -> Count:
    """Kill a run `kills` times, let it end, and look at everything it left."""
    rows = [json.dumps({"name": f"Tool {number}", "tagline": f"It does the thing number {number} for teams."})
            for number in range(tools)]
    (desk / "launches.jsonl").write_text("\n".join(rows) + "\n")
    runs, before, done, under_way = desk / "runs", {}, 0, 0
    with FaultServer(latency=0.1 if in_flight < 16 else 0.6, keep_seen=False) as server:
        (desk / "panel.toml").write_text(f'[models.m]\nmodel = "{server.url()}#m"\nrung = "json_schema"\n')
        words = [sys.executable, "-m", "panel", "review", "launches.jsonl", "--model", "m", "--depth", "verdict",
                 "--max-in-flight", str(in_flight), "--quiet"]
        while done < kills:
            with subprocess.Popen(words, cwd=desk, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                time.sleep(START_S + random.random() * WORK_S)
                process.send_signal(signal.SIGKILL)
                process.communicate()
            assert process.returncode == -signal.SIGKILL, "it was through before all kills were done: give more tools"
            done += 1
            if runs.is_dir() and any(runs.glob("*/journal-*.jsonl")):
                under_way += unanswered(runs)
                now = reviews_in(runs)
                assert before.items() <= now.items(), "a journalled review was lost or changed"
                before = now
        last = subprocess.run(words, cwd=desk, capture_output=True, text=True, timeout=300, check=False)
        assert last.returncode == 0, last.stderr
    at_the_end = reviews_in(runs)
    assert before.items() <= at_the_end.items()
    assert len(at_the_end) == tools * 4
    with open_store(runs) as store:
        rows = store.execute("SELECT key, count(*) FROM reviews WHERE verdict IS NOT NULL GROUP BY key").fetchall()
    assert dict(rows) == dict.fromkeys(at_the_end, 1)
    lines = journal_lines(runs)
    sent = Counter((line["key"], line["step"]) for line in lines if line["t"] == "sent")
    answered = Counter((line["key"], line["step"]) for line in lines if line["t"] == "answer")
    assert max(answered.values()) == 1, "an answer that was journalled was paid again"
    return Count(done, under_way, sum(times - 1 for times in sent.values()))


@pytest.mark.parametrize(("kills", "in_flight", "tools"), [
    (10, 8, 150), (10, 64, 250),
    pytest.param(100, 8, 1500, marks=pytest.mark.proof), pytest.param(100, 64, 2500, marks=pytest.mark.proof),
])
def test_kills_at_any_moment_lose_nothing(desk: Path, kills: int, in_flight: int, tools: int) -> None:
    seed = random.randrange(1 << 30)
    random.seed(seed)
    print(f"seed {seed}")  # shown when it fails
    found = kill_often(desk, kills, in_flight, tools)
    print(found)
    assert found.again <= found.under_way <= kills * in_flight
