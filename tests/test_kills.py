"""SIGKILL at random moments, through the command line: nothing journalled is lost, nothing doubled, little paid again.

The short form is in `make test`; 200 kills are `make proof`.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from panel.store import open_store
from tests.fault_server import FaultServer

CALLS = 6
"""A kill at work comes after up to so many calls a slot: early ones meet a run that is feeling its way, late ones
all slots taken."""
START_S = 0.4
"""A kill at the start comes within this, mostly before the first request."""
END_S = 1.2
"""A kill of a command that has nothing left to ask but may have to load the store comes within this."""


class Count(NamedTuple):
    """What kills cost: how many, calls under way at them, the most at one, and calls sent a second time."""

    kills: int
    under_way: int
    most: int
    again: int


def journal_lines(folder: Path) -> list[dict[str, Any]]:
    """Every whole line below a folder, oldest run first."""
    return [json.loads(line) for path in sorted(folder.rglob("journal-*.jsonl"))
            for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def run_folders(runs: Path) -> set[Path]:
    return set(runs.glob("*/")) if runs.is_dir() else set()


class Victim:
    """A command that is killed and started again, and what its journals said after each kill."""

    def __init__(self, desk: Path, server: FaultServer, in_flight: int, tools: int) -> None:
        rows = [json.dumps({"name": f"Tool {number}", "tagline": f"It does the thing number {number} for teams."})
                for number in range(tools)]
        (desk / "launches.jsonl").write_text("\n".join(rows) + "\n")
        (desk / "panel.toml").write_text(f'[models.m]\nmodel = "{server.url()}#m"\nrung = "json_schema"\n')
        self.words = [sys.executable, "-m", "panel", "review", "launches.jsonl", "--model", "m", "--depth", "verdict",
                      "--max-in-flight", str(in_flight), "--quiet"]
        self.desk, self.server, self.in_flight = desk, server, in_flight
        self.runs = desk / "runs"
        self.reviews: dict[str, str] = {}
        """Every review that was journalled at some kill."""
        self.under_way: list[int] = []
        """Of each kill, the calls that were sent and not answered."""

    def killed(self, until: Callable[[subprocess.Popen[bytes]], None]) -> bool:
        """Start the command and kill it when `until` returns; False when it was through before."""
        old = run_folders(self.runs)
        with subprocess.Popen(self.words, cwd=self.desk, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                until(process)
            finally:
                process.send_signal(signal.SIGKILL)
            errors = process.communicate()[1]
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        if process.returncode == 0:
            return False
        under_way: set[int] = set()
        for folder in run_folders(self.runs) - old:
            lines = journal_lines(folder)
            self.reviews |= reviews_in(lines)
            under_way = {line["seq"] for line in lines if line["t"] == "sent"}
            under_way -= {line["seq"] for line in lines if line["t"] == "answer"}
        self.under_way.append(len(under_way))
        return True

    def after_calls(self, calls: int, pause: float) -> Callable[[subprocess.Popen[bytes]], None]:
        """A moment at work: `pause` seconds after the server has seen so many calls of this run."""
        wanted = self.server.calls + calls

        def until(process: subprocess.Popen[bytes]) -> None:
            while self.server.calls < wanted:
                assert process.poll() is None, "it was through before all kills were done: give more tools"
                time.sleep(0.002)
            time.sleep(pause)

        return until


def reviews_in(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Key to review, as journalled. No key may have two."""
    found: dict[str, str] = {}
    for line in lines:
        if line["t"] == "review":
            assert line["key"] not in found, "a review was made twice"
            found[line["key"]] = json.dumps(line["record"], sort_keys=True)
    return found


def kill_often(victim: Victim, chance: random.Random, kills: int, tools: int) -> None:
    """Kill a command: a tenth of the kills at its start, most at work, a tenth while it loads the store."""
    rare = max(1, kills // 10)
    moments = ["work"] * (kills - 2 * rare) + ["start"] * rare
    chance.shuffle(moments)
    for number, moment in enumerate(moments):
        if moment == "start":
            assert victim.killed(lambda _: time.sleep(chance.uniform(0, START_S)))
        else:  # spread evenly, so that few kills meet every depth too
            calls = 1 + int(CALLS * victim.in_flight * (number + chance.random()) / len(moments))
            assert victim.killed(victim.after_calls(calls, chance.uniform(0, victim.server.latency)))
    paid = {line["key"] for line in journal_lines(victim.runs) if line["t"] == "answer"}
    victim.killed(victim.after_calls(4 * tools - len(paid), chance.uniform(0, END_S)))
    tries = 0
    while len(victim.under_way) < kills:
        tries += 1
        assert tries < 20 * kills, "it is always through before the kill: make END_S shorter"
        victim.killed(lambda process: _wait_at_most(process, chance.uniform(0, END_S)))


def _wait_at_most(process: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def look_at(victim: Victim, tools: int) -> Count:
    """Let it end undisturbed and check everything it left."""
    last = subprocess.run(victim.words, cwd=victim.desk, capture_output=True, text=True, timeout=300, check=False)
    assert last.returncode == 0, last.stderr
    lines = journal_lines(victim.runs)
    reviews = reviews_in(lines)
    assert victim.reviews.items() <= reviews.items(), "a journalled review was lost or changed"
    assert len(reviews) == tools * 4
    with open_store(victim.runs) as store:
        rows = store.execute("SELECT key, count(*) FROM reviews WHERE verdict IS NOT NULL GROUP BY key").fetchall()
    assert dict(rows) == dict.fromkeys(reviews, 1)
    sent = Counter((line["key"], line["step"]) for line in lines if line["t"] == "sent")
    answered = Counter((line["key"], line["step"]) for line in lines if line["t"] == "answer")
    assert max(answered.values()) == 1, "an answer that was journalled was paid again"
    again = max(sum(sent.values()), victim.server.calls) - len(sent)
    return Count(len(victim.under_way), sum(victim.under_way), max(victim.under_way), again)


@pytest.mark.parametrize(("kills", "in_flight", "tools"), [
    (10, 8, 100), (10, 64, 600),
    pytest.param(100, 8, 700, marks=pytest.mark.proof), pytest.param(100, 64, 5000, marks=pytest.mark.proof),
])
def test_kills_at_any_moment_lose_nothing(desk: Path, kills: int, in_flight: int, tools: int) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # shown when it fails
    with FaultServer(latency=0.1, keep_seen=False) as server:
        victim = Victim(desk, server, in_flight, tools)
        kill_often(victim, random.Random(seed), kills, tools)
        found = look_at(victim, tools)
    print(found)
    assert found.kills == kills
    assert in_flight // 4 < found.most <= in_flight  # it was really at work
    assert found.again <= found.under_way
