"""A run that nobody watches: the last line, metrics, signals, a slow pipe, a fallback, models side by side."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from panel.store import open_store
from tests.fault_server import FaultServer

LINE = re.compile(r"^run=\S+ tools=\d+/\d+ kept=\d+ scored=\d+ unscored=\d+ ship=\d+ skip=\d+ split=\d+ no_quorum=\d+ "
                  r"cost_usd=\S+ cap=\S+ left=\S+ seconds=[\d.]+ exit=\d+$")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def launches(desk: Path, number: int = 6) -> Path:
    """A file of made-up launches."""
    path = desk / "launches.jsonl"
    rows = [{"name": f"Tool {index}", "tagline": f"It does the thing number {index}."} for index in range(number)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def command(desk: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "panel", *words], cwd=desk, capture_output=True, text=True,
                          timeout=120, check=False)


def start(desk: Path, *words: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "panel", *words], cwd=desk, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


def fields(text: str) -> dict[str, str]:
    """The last line, taken apart."""
    last = text.splitlines()[-1]
    assert LINE.match(last), last
    return dict(word.split("=", 1) for word in last.split())


def wait_for(server: FaultServer, calls: int) -> None:
    until = time.monotonic() + 20
    while server.calls < calls and time.monotonic() < until:
        time.sleep(0.02)
    assert server.calls >= calls


def test_the_last_line_says_what_the_store_says(desk: Path) -> None:
    launches(desk)
    done = command(desk, "review", "launches.jsonl", "--model", "scripted:price=0.000001", "--depth", "verdict")
    said = fields(done.stderr)
    with open_store(desk / "runs") as store:
        outcomes = dict(store.execute("SELECT outcome, count(*) FROM scores GROUP BY outcome").fetchall())
        cost = store.execute("SELECT sum(cost_usd) FROM calls").fetchall()[0][0]
    assert {name: int(said[name]) for name in ("ship", "skip", "split") if said[name] != "0"} == outcomes
    assert (said["tools"], said["scored"], said["left"], said["cap"], said["exit"]) == ("6/6", "24", "0", "-", "0")
    assert float(said["cost_usd"]) == pytest.approx(cost, abs=1e-6)


def test_json_lines_and_metrics_for_who_reads_by_machine(desk: Path) -> None:
    launches(desk)
    done = command(desk, "review", "launches.jsonl", "--model", "scripted", "--depth", "verdict", "--log", "json",
                   "--metrics", "run.prom")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert events[-1]["event"] == "end"
    assert (events[-1]["tools"], events[-1]["scored"]) == ("6/6", 24)
    text = (desk / "run.prom").read_text()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert (values["ship_panel_scored"], values["ship_panel_exit_code"]) == ("24", "0")
    outcomes = sum(int(value) for name, value in values.items() if name.startswith("ship_panel_tools{"))
    assert outcomes == 6
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {name.split("{")[0] for name in values} <= named


def test_a_termination_waits_for_calls_under_way_no_longer_than_their_cap(desk: Path, server: FaultServer) -> None:
    launches(desk)
    (desk / "panel.toml").write_text(f'timeout = 2.0\n[models.m]\nmodel = "{server.url("hang")}#m"\n'
                                     'rung = "json_schema"\n')
    run = start(desk, "review", "launches.jsonl", "--model", "m", "--depth", "verdict")
    wait_for(server, 4)
    began = time.monotonic()
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 143
    assert time.monotonic() - began < 2.0 + 1.0 + 1.5  # the cap, a second, and a busy machine
    assert fields(said)["exit"] == "143"


def test_a_source_that_is_slow_holds_up_no_signal(desk: Path) -> None:
    reading, writing = os.pipe()
    run = start(desk, "review", "-", "--model", "scripted", "--depth", "verdict", stdin=reading)
    os.close(reading)
    os.write(writing, launches(desk, 3).read_bytes())
    journal = desk / "runs"
    until = time.monotonic() + 20
    while not (written := list(journal.glob("*/journal-*.jsonl"))) or b'"t":"review"' not in written[0].read_bytes():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.3)
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=20)
    os.close(writing)
    assert run.returncode == 143, said
    assert fields(said)["left"] == "-"  # nobody knows how much was to come
    assert fields(said)["tools"] == "3/3"


def test_a_fallback_answers_only_when_named_and_is_marked(desk: Path, server: FaultServer) -> None:
    launches(desk, 3)
    dead = "http://127.0.0.1:9/v1#m"
    words = ("review", "launches.jsonl", "--model", dead, "--depth", "verdict")
    assert command(desk, *words).returncode == 6
    done = command(desk, *words, "--fallback", f"{server.url()}#other")
    assert done.returncode == 0, done.stderr
    with open_store(desk / "runs") as store:
        rows = store.execute("SELECT DISTINCT model, fallback, verdict IS NOT NULL FROM reviews").fetchall()
        assert rows == [(dead, f"{server.url()}#other", True)]
    page = command(desk, "show", "tool-0").stdout
    assert "the fallback" in " ".join(page.split())
    assert command(desk, *words).returncode == 0  # kept: nothing is asked of the dead endpoint


def test_models_side_by_side_have_calls_of_their_own(desk: Path, server: FaultServer) -> None:
    launches(desk, 5)
    (desk / "panel.toml").write_text(
        f'depth = "verdict"\n[[seats]]\npersona = "builder"\nmodel = "{server.url()}#one"\n'
        f'[[seats]]\npersona = "builder"\nmodel = "{server.url()}#two"\n')
    done = command(desk, "review", "launches.jsonl")
    assert done.returncode == 0, done.stderr
    with open_store(desk / "runs") as store:
        calls = store.execute("SELECT model_asked, count(DISTINCT call_id), count(*) FROM calls WHERE kind = 'review' "
                              "GROUP BY ALL ORDER BY ALL").fetchall()
        named = store.execute("SELECT count(*) FROM calls WHERE kind = 'review' AND "
                              "NOT contains(model_answered, split_part(model_asked, '#', 2))").fetchall()[0][0]
    assert [row[1:] for row in calls] == [(5, 5), (5, 5)]
    assert named == 0


def test_what_was_refused_is_asked_again_only_when_told(desk: Path, server: FaultServer) -> None:
    launches(desk, 2)
    (desk / "panel.toml").write_text(f'[models.m]\nmodel = "{server.url("refusal")}#m"\nrung = "json_schema"\n')
    words = ("review", "launches.jsonl", "--model", "m", "--depth", "verdict")
    assert command(desk, *words).returncode == 4
    asked = server.calls
    assert command(desk, *words).returncode == 4
    assert server.calls == asked
    (desk / "panel.toml").write_text(f'[models.m]\nmodel = "{server.url()}#m"\nrung = "json_schema"\n')
    done = command(desk, *words, "--retry-unscored")
    assert (done.returncode, fields(done.stderr)["scored"]) == (0, "8")
    assert command(desk, *words).returncode == 0


def test_a_night_that_is_over_begins_nothing(desk: Path) -> None:
    launches(desk)
    done = command(desk, "review", "launches.jsonl", "--model", "scripted", "--until", "2020-01-01T06:00")
    assert done.returncode in (2, 3), done.stderr
    assert not list((desk / "runs").glob("*/journal-*.jsonl")) or fields(done.stderr)["scored"] == "0"


def test_a_source_that_breaks_in_the_middle_loses_no_paid_call(desk: Path) -> None:
    path = launches(desk, 300)
    with path.open("a") as file:
        file.write("{broken\n")
    done = command(desk, "review", "launches.jsonl", "--model", "scripted:latency=0.3", "--depth", "verdict",
                   "--strict", "--max-in-flight", "8")
    assert done.returncode == 2, done.stderr
    said = fields(done.stderr)
    assert said["exit"] == "2"
    lines = [json.loads(line) for file in (desk / "runs").glob("*/journal-*.jsonl")
             for line in file.read_bytes().splitlines()]
    sent = [line["seq"] for line in lines if line["t"] == "sent"]
    assert sent
    assert sorted(sent) == sorted(line["seq"] for line in lines if line["t"] == "answer")
    assert lines[-1]["t"] == "ended"


def test_a_second_signal_ends_at_once_and_counts_what_was_sent(desk: Path, server: FaultServer) -> None:
    launches(desk)
    (desk / "panel.toml").write_text(f'timeout = 60\n[models.m]\nmodel = "{server.url("hang")}#m"\n'
                                     'rung = "json_schema"\nprice_in = 1.0\nprice_out = 1.0\n')
    run = start(desk, "review", "launches.jsonl", "--model", "m", "--depth", "verdict")
    wait_for(server, 4)
    run.send_signal(signal.SIGINT)
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=20)
    assert run.returncode == 130, said
    lines = [json.loads(line) for file in (desk / "runs").glob("*/journal-*.jsonl")
             for line in file.read_bytes().splitlines()]
    reserved = sum(line["reserved_usd"] for line in lines if line["t"] == "sent")
    assert float(fields(said)["cost_usd"]) == pytest.approx(reserved, rel=1e-3)


@pytest.mark.parametrize("mode", ["finish", "escaped"])
def test_a_key_hidden_in_an_answer_reaches_no_file(desk: Path, server: FaultServer, mode: str) -> None:
    key = "sk-not-a-real-key-0123456789"
    launches(desk, 1)
    done = subprocess.run(
        [sys.executable, "-m", "panel", "review", "launches.jsonl", "--model", f"{server.url(f'key_{mode}')}#m",
         "--depth", "verdict"], cwd=desk, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "SHIP_PANEL_API_KEY": key})
    assert key not in done.stdout + done.stderr
    for file in (desk / "runs").rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(("redirect", "code"), [
    (">&-", 0), ("2>&-", 0), ("2>/dev/full", 0), (">/dev/full", 5), ("| true", 3), ("2>&1 | true", 3)])
def test_where_nobody_listens_the_exit_code_still_says_it(desk: Path, redirect: str, code: int) -> None:
    launches(desk)
    budget = "--budget 0" if code == 3 else ""
    run = (f"{sys.executable} -m panel review launches.jsonl --model scripted:price=0.000001 --depth verdict {budget} "
           f"{redirect}")
    done = subprocess.run(["bash", "-c", f"{run}; echo rc=${{PIPESTATUS[0]}} >> rc"], cwd=desk, capture_output=True,
                          text=True, timeout=120, check=False)
    assert (desk / "rc").read_text().strip() == f"rc={code}", done.stderr
    assert "Traceback" not in done.stderr
    assert list((desk / "runs").glob("*/journal-*.jsonl"))


def test_metrics_that_cannot_be_written_are_said_before_anything_is_asked(desk: Path) -> None:
    launches(desk)
    done = command(desk, "review", "launches.jsonl", "--model", "scripted", "--metrics", "nowhere/run.prom")
    assert (done.returncode, (desk / "runs").exists()) == (2, False)
    assert "--metrics" in done.stderr
