"""What goes wrong at the desk: one clear line, the right exit code, nothing lost, no key anywhere."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_server import FaultServer
from test_road import command, journal_lines, tables, write_dossier

KEY = "sk-canary-0123456789abcdefghij"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The command ended with `code`, said `words`, and showed no traceback."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    said = [line for line in done.stderr.splitlines() if line.startswith("ship-panel:")]
    assert said, done.stderr
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def test_a_wrong_key(desk: Path, server: FaultServer) -> None:
    write_dossier(desk)
    model = f"{server.url('echo_key')}#some-model"
    done = command(desk, "review", "tidewater.yaml", "--model", model, SHIP_PANEL_API_KEY=KEY)
    one_line(done, 2, "SHIP_PANEL_API_KEY")
    for path in desk.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr


def test_a_missing_key(desk: Path) -> None:
    write_dossier(desk)
    done = command(desk, "review", "tidewater.yaml", "--model", "gpt-5-mini", OPENAI_API_KEY="")
    one_line(done, 2, "OPENAI_API_KEY")
    assert not (desk / "runs").exists()


@pytest.mark.parametrize("model", ["no-such-model-anywhere", "nonsense/", "no_module_x:Model", "recorded:nothing.jsonl",
                                   "local:nothing.gguf", "scripted:wrong=1"])
def test_an_unknown_model(desk: Path, model: str) -> None:
    write_dossier(desk)
    one_line(command(desk, "review", "tidewater.yaml", "--model", model), 2)


def test_a_model_the_server_does_not_have(desk: Path, server: FaultServer) -> None:
    write_dossier(desk)
    done = command(desk, "review", "tidewater.yaml", "--model", f"{server.url('unknown_model')}#gone")
    one_line(done, 2, "gone")


def test_a_server_that_is_down(desk: Path) -> None:
    write_dossier(desk)
    (desk / "panel.toml").write_text("[retry]\nwait = 0.01\n")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        done = command(desk, "review", "tidewater.yaml", "--model", f"http://127.0.0.1:{port}/v1#m")
    one_line(done, 6, f"127.0.0.1:{port}", "running")
    again = command(desk, "review", "tidewater.yaml", "--model", "scripted")
    assert again.returncode == 0


@pytest.mark.parametrize(("text", "words"), [
    ("", ("nothing.yaml",)),
    ("name: Nothing\n", ("nothing.yaml",)),
    ("tagline: no name\n", ("nothing.yaml", "name")),
    ("name: [1, 2\n", ("nothing.yaml",)),
])
def test_an_empty_or_broken_dossier(desk: Path, text: str, words: tuple[str, ...]) -> None:
    (desk / "nothing.yaml").write_text(text)
    one_line(command(desk, "review", "nothing.yaml", "--model", "scripted"), 2, *words)


def test_no_such_file(desk: Path) -> None:
    one_line(command(desk, "review", "missing.yaml", "--model", "scripted"), 2, "missing.yaml")


def test_a_bad_record_is_named_and_the_rest_go_on(desk: Path) -> None:
    rows = ['{"name": "One", "tagline": "copies files to a disk"}', '{"tagline": "no name"}', "not json",
            '{"name": "Two", "tagline": "prints labels for jars"}']
    (desk / "list.jsonl").write_text("\n".join(rows))
    done = command(desk, "review", "list.jsonl", "--model", "scripted", "--json")
    one_line(done, 0, "list.jsonl:2", "list.jsonl:3", "name")
    assert [tool["tool"]["id"] for tool in json.loads(done.stdout)["tools"]] == ["one", "two"]
    strict = command(desk, "review", "list.jsonl", "--model", "scripted", "--strict")
    one_line(strict, 2, "list.jsonl:2")


@pytest.mark.parametrize(("text", "words"), [
    ("name: X\n", ("personas/builder.yaml", "motto")),
    ("name: [\n", ("personas/builder.yaml",)),
    ("nmae: X\n", ("personas/builder.yaml", "name")),
])
def test_a_broken_persona(desk: Path, text: str, words: tuple[str, ...]) -> None:
    write_dossier(desk)
    (desk / "personas").mkdir()
    (desk / "personas" / "builder.yaml").write_text(text)
    one_line(command(desk, "review", "tidewater.yaml", "--model", "scripted"), 2, *words)


def test_a_broken_prompt(desk: Path) -> None:
    write_dossier(desk)
    (desk / "prompts" / "review").mkdir(parents=True)
    (desk / "prompts" / "review" / "persona.j2").write_text("{{ nobody_gives_this }}")
    one_line(command(desk, "review", "tidewater.yaml", "--model", "scripted"), 2, "persona.j2", "nobody_gives_this")


@pytest.mark.parametrize(("text", "words"), [
    ("model = \n", ("panel.toml",)), ("modle = 'x'\n", ("panel.toml", "modle")), ("repeats = 0\n", ("repeats",)),
])
def test_a_broken_panel_toml(desk: Path, text: str, words: tuple[str, ...]) -> None:
    write_dossier(desk)
    (desk / "panel.toml").write_text(text)
    one_line(command(desk, "review", "tidewater.yaml", "--model", "scripted"), 2, *words)


def test_wrong_options(desk: Path) -> None:
    write_dossier(desk)
    one_line(command(desk, "review", "tidewater.yaml", "--model", "scripted", "--personas", "bulider"), 2, "builder")
    one_line(command(desk, "review", "tidewater.yaml", "--model", "scripted", "--columns", "x"), 2, "--columns")
    one_line(command(desk, "review", "tidewater.yaml", "--model", "scripted", "--depth", "deep"), 2, "depth")
    one_line(command(desk, "show", "nobody"), 2)
    one_line(command(desk, "list"), 2, "ship-panel review")


def test_a_tool_that_is_not_there(desk: Path) -> None:
    write_dossier(desk)
    command(desk, "review", "tidewater.yaml", "--model", "scripted")
    one_line(command(desk, "show", "tidewatr"), 2, "tidewater")
    one_line(command(desk, "sql", "SELECT nonsense FROM reviews"), 2, "nonsense")


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from panel.cli import main
sys.argv = ["ship-panel", *sys.argv[2:]]
main()
"""


@pytest.mark.parametrize("limit", [200, 3_000, 30_000, 60_000])
def test_a_full_disk_loses_nothing(desk: Path, limit: int) -> None:
    """Files may not grow past `limit`: the journal's (or the store's) next write fails as on a full disk."""
    write_dossier(desk)
    words = ("review", "tidewater.yaml", "--model", "scripted")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(limit), *words], cwd=desk, capture_output=True,
                          text=True, timeout=120)
    one_line(done, 5, "full")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != limit
    kept = {line["key"] for line in journal_lines(desk / "runs") if line["t"] == "review"}
    assert command(desk, *words).returncode == 0
    sent = [line["key"] for line in journal_lines(desk / "runs") if line["t"] == "sent"]
    assert all(sent.count(key) == 1 for key in kept)
    (desk / "other").mkdir()
    write_dossier(desk / "other")
    command(desk / "other", *words)
    assert tables(desk / "runs") == tables(desk / "other" / "runs")


def test_runs_held_by_another(desk: Path) -> None:
    write_dossier(desk)
    (desk / "runs").mkdir()
    with (desk / "runs" / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(f"process {os.getpid()} on here since 2026-01-01")
        handle.flush()
        done = command(desk, "review", "tidewater.yaml", "--model", "scripted")
        one_line(done, 5, f"process {os.getpid()}", "since")
    assert command(desk, "review", "tidewater.yaml", "--model", "scripted").returncode == 0


def test_a_store_that_cannot_be_read(desk: Path) -> None:
    write_dossier(desk)
    command(desk, "review", "tidewater.yaml", "--model", "scripted")
    before = tables(desk / "runs")
    (desk / "runs" / "panel.duckdb").write_bytes(b"not a database at all" * 1000)
    one_line(command(desk, "list"), 5, "rebuild")
    assert command(desk, "rebuild").returncode == 0
    assert tables(desk / "runs") == before


def test_unreadable_answers_are_unscored_and_never_skip(desk: Path) -> None:
    write_dossier(desk)
    done = command(desk, "review", "tidewater.yaml", "--model", "scripted:broken=always", "--json")
    one_line(done, 4, "unscored")
    score = json.loads(done.stdout)["tools"][0]["score"]
    assert (score["skips"], score["unscored"], score["outcome"], score["ship_rate"]) == (0, 4, "no_quorum", None)


def test_one_re_ask_and_it_is_told(desk: Path) -> None:
    write_dossier(desk)
    done = command(desk, "review", "tidewater.yaml", "--model", "scripted:broken=reask", "--json")
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout)["run"]["totals"]
    assert (totals["scored"], totals["reasked"], totals["calls"]) == (5, 5, 10)


def test_a_budget_is_never_passed_and_the_rest_is_left(desk: Path) -> None:
    write_dossier(desk)
    write_dossier(desk, "Breakwater")
    words = ("review", "tidewater.yaml", "breakwater.yaml", "--model", "scripted:price=0.000001", "--json")
    free = json.loads(command(desk, *words, "--runs", "free").stdout)["run"]["totals"]["cost_usd"]
    done = command(desk, *words, "--budget", str(free * 0.9))
    one_line(done, 3, "cap", "the same command")
    spent = json.loads(done.stdout)["run"]["totals"]["cost_usd"]
    assert 0 < spent <= free * 0.9
    rest = json.loads(command(desk, *words).stdout)["run"]["totals"]
    assert rest["cost_usd"] + spent == pytest.approx(free)


def test_a_budget_needs_a_price(desk: Path) -> None:
    write_dossier(desk)
    done = command(desk, "review", "tidewater.yaml", "--model", "groq/nobody-priced-this", "--budget", "1",
                   GROQ_API_KEY=KEY)
    one_line(done, 2, "price_in")


def test_a_storm_of_faults_ends_with_every_assignment_scored(
    desk: Path, server: FaultServer, shared_data: Path
) -> None:
    (desk / "panel.toml").write_text("timeout = 2.0\nmax_in_flight = 64\n[retry]\nwait = 0.02\nlongest_wait = 0.5\n")
    rows = (shared_data / "launches.jsonl").read_text().splitlines()[:60]
    (desk / "some.jsonl").write_text("\n".join(rows))
    done = command(desk, "review", "some.jsonl", "--model", f"{server.url('storm')}#m", "--depth", "verdict", "--json")
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout)["run"]["totals"]
    assert (totals["asked"], totals["scored"]) == (240, 240)
    results = [line["result"] for line in journal_lines(desk / "runs") if line["t"] == "answer"]
    assert results.count("unavailable") > 20
