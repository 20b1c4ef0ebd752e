"""Storms and dead endpoints through the real command line. The long forms are in bench/storm.py."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_server import FaultServer
from test_road import command, journal_lines

WORDS = ("review", "some.jsonl", "--depth", "verdict", "--json", "--model")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def launches(desk: Path, shared_data: Path, tools: int) -> None:
    rows = (shared_data / "launches.jsonl").read_text().splitlines()[:tools]
    (desk / "some.jsonl").write_text("\n".join(rows))


def test_in_a_storm_every_assignment_ends_as_a_review(desk: Path, server: FaultServer, shared_data: Path) -> None:
    """Refusals are unscored and said to be refused; each fault costs one call more, and nothing else does."""
    (desk / "panel.toml").write_text("timeout = 1\nmax_unscored = 0.1\n[retry]\nwait = 0.02\nlongest_wait = 0.5\n")
    launches(desk, shared_data, 60)
    done = command(desk, *WORDS, f"{server.url('storm_refusing')}#m")
    assert done.returncode == 0, done.stderr
    lines = list(journal_lines(desk / "runs"))
    reviews = [line["record"] for line in lines if line["t"] == "review"]
    kinds = Counter(review["unscored_kind"] for review in reviews)
    faults = sum(number for mode, number in server.met_faults.items() if mode != "policy")
    calls = sum(line["t"] == "sent" and line["kind"] == "review" for line in lines)
    assert len(reviews) == 240
    assert set(kinds) == {None, "declined"}
    assert kinds["declined"] == server.met_faults["policy"]
    assert faults > 20
    assert calls - 240 <= 1.3 * faults


@pytest.mark.parametrize("mode", ["hang", "reset"])
def test_a_server_that_never_answers_is_given_up(
    desk: Path, server: FaultServer, shared_data: Path, mode: str
) -> None:
    """At most 12 calls are wasted on it, no assignment is marked, and the line says what is the matter."""
    (desk / "panel.toml").write_text("timeout = 0.3\n[retry]\nwait = 0.02\n")
    launches(desk, shared_data, 40)
    done = command(desk, *WORDS, f"{server.url(mode)}#m")
    assert done.returncode == 6, done.stderr
    assert f"127.0.0.1:{server.port}" in done.stderr
    assert server.calls <= 12
    assert not [line for line in journal_lines(desk / "runs") if line["t"] == "review"]


def test_after_an_outage_the_same_command_finishes(desk: Path, shared_data: Path) -> None:
    (desk / "panel.toml").write_text("[retry]\nwait = 0.02\n")
    launches(desk, shared_data, 5)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        words = (*WORDS, f"http://127.0.0.1:{port}/ok/v1#m")
        assert command(desk, *words).returncode == 6
    with FaultServer(port=port):
        done = command(desk, *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"]["totals"]["scored"] == 20
