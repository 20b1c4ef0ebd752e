"""Provider batches through the front, against a server that speaks files and batches."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_server import BatchServer
from test_road import tables

from panel.done import Done
from panel.journal import read_lines, segments
from panel.models.prices import at_batch_price, price_of, priced
from panel.schema import ModelInfo
from panel.schema.review import ASKED_AGAIN
from panel.store import open_store

TOOLS = 10
SEATS = 5
"""A brief and four reviews."""
KEY = "sk-very-secret-0123456789"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as running:
        yield running


def start(desk: Path, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
    """`ship-panel ...`, begun."""
    return subprocess.Popen([sys.executable, "-m", "panel", *words], cwd=desk, stdin=stdin, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "SHIP_PANEL_API_KEY": KEY})


def command(desk: Path, *words: str, code: int = 0) -> str:
    """`ship-panel ...`, done; what it said. Ends with `code`."""
    process = start(desk, *words)
    out, said = process.communicate(timeout=90)
    assert process.returncode == code, out + said
    return out + said


def prepare(desk: Path, server: BatchServer, tools: int = TOOLS, more: str = "") -> None:
    """A desk with a panel.toml and some launches."""
    desk.mkdir(exist_ok=True)
    (desk / "panel.toml").write_text(
        'model = "cheap"\n' + more + f'\n[models.cheap]\nmodel = "{server.url}#gpt-cheap"\nprice_in = 2.0\n'
        'price_out = 8.0\nrung = "json_schema"\n[retry]\nwait = 0.05\n')
    nouns = ("ledger", "kiln", "harbour", "lathe", "almanac", "sextant", "trellis", "bellows", "quarry", "orchard")
    told = [(nouns[n % 10], n) for n in range(tools)]
    (desk / "tools.jsonl").write_text("".join(json.dumps({
        "id": f"{noun}-{n}", "name": f"{noun.title()} {n}", "tagline": f"Keeps a {noun} for teams",
        "description": f"A command line tool that keeps a {noun} of {n} things. It reads CSV and writes JSON."})
        + "\n" for noun, n in told))


def submit(desk: Path, *words: str, code: int = 0) -> str:
    """`review --provider-batch`; the id of the run."""
    command(desk, "review", "tools.jsonl", "--provider-batch", *words, code=code)
    return waiting(desk)[-1]


def waiting(desk: Path) -> list[str]:
    return sorted(path.parent.name for path in desk.glob("runs/*/batch.json"))


def lines(desk: Path, kind: str) -> list[dict[str, Any]]:
    return [line for path in segments(desk / "runs") for line in read_lines(path) if line["t"] == kind]


def asked_twice(desk: Path) -> list[str]:
    """Calls of the journals that were answered more than once, or assignments that came to something twice."""
    answers = Counter((line["key"], line["seq"]) for line in lines(desk, "answer"))
    reviews = Counter(line["key"] for line in lines(desk, "review"))
    return [str(name) for name, count in (*answers.items(), *reviews.items()) if count > 1]


def cost(desk: Path) -> float:
    with open_store(desk / "runs") as store:
        found = store.execute("SELECT sum(cost_usd), count(*) FILTER (result = 'ok' AND cost_usd IS NULL) FROM calls")
        usd, unknown = found.fetchall()[0]
    assert unknown == 0
    return float(usd)


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same launches, asked one by one."""
    desk = tmp_path_factory.mktemp("online") / "desk"
    with BatchServer() as server:
        prepare(desk, server)
        command(desk, "review", "tools.jsonl", "-q")
    return desk


def test_a_batch_gives_the_same_scores_at_half_the_price(tmp_path: Path, server: BatchServer, online: Path) -> None:
    desk = tmp_path / "desk"
    prepare(desk, server)
    run = submit(desk)
    assert server.calls == 0
    said = command(desk, "collect", run, "-q")
    assert f"run={run}" in said.splitlines()[-1]
    assert tables(desk / "runs") == tables(online / "runs")
    assert cost(desk) == pytest.approx(cost(online) / 2)
    assert server.calls == 0
    assert set(server.paid.values()) == {1}
    assert len(server.paid) == TOOLS * SEATS
    with open_store(desk / "runs") as store:
        ended = store.execute("SELECT scored, tools_done, tools_left, exit_code, cost_usd FROM runs").fetchall()
        versions = store.execute("SELECT DISTINCT price_version FROM calls").fetchall()
    assert ended == [(TOOLS * SEATS, TOOLS, 0, 0, pytest.approx(cost(desk)))]
    assert versions == [("panel.toml batch",)]
    assert not list((desk / "runs" / run).glob("batch-*.jsonl"))


def test_killed_and_collected_by_another_with_rows_expired(tmp_path: Path, online: Path) -> None:
    """The third case of "Done when" 7: what expired is asked online, everything is paid once."""
    desk = tmp_path / "desk"
    with BatchServer(expired=0.1, hang_created=1) as server:
        prepare(desk, server)
        first = start(desk, "review", "tools.jsonl", "--provider-batch")
        assert server.hanging.wait(60)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        run = waiting(desk)[0]
        expired = TOOLS * SEATS - len(set(_rows(server)) & set(_not_expired(server)))
        assert 0 < expired < TOOLS * SEATS / 2
        assert f"{expired} assignments left" in command(desk, "collect", run, "-q", code=3)
        assert "3" in {str(line["record"]["exit_code"]) for line in lines(desk, "ended")}
        assert server.calls == 0
        command(desk, "collect", run, "--online", "-q")
        assert "nothing is left" in command(desk, "collect", run, "-q")
        assert len(server.jobs) == 1
        assert server.calls == expired
        assert set(server.paid.values()) == {1}
    assert tables(desk / "runs") == tables(online / "runs")
    assert asked_twice(desk) == []
    ended = lines(desk, "ended")[-1]["record"]
    assert (ended["scored"], ended["kept"], ended["faults"], ended["tools_left"]) == (TOOLS * SEATS, 0, expired, 0)
    assert ended["cost_usd"] == pytest.approx(cost(desk))


def _rows(server: BatchServer) -> list[str]:
    return [row["custom_id"] for job in server.jobs.values() for row in job.rows]


def _not_expired(server: BatchServer) -> list[str]:
    return [key for key in _rows(server) if not server.expires(key)]


@pytest.mark.parametrize("fault", [{"lose_created": 1}, pytest.param({"hang_uploads": 1}, marks=pytest.mark.proof)])
def test_a_lost_answer_makes_no_second_batch(tmp_path: Path, fault: dict[str, int]) -> None:
    desk = tmp_path / "desk"
    with BatchServer(**fault) as server:  # type: ignore[arg-type]
        prepare(desk, server, tools=2)
        if "hang_uploads" in fault:
            first = start(desk, "review", "tools.jsonl", "--provider-batch")
            assert server.hanging.wait(60)
            first.send_signal(signal.SIGKILL)
            first.communicate()
        said = command(desk, "review", "tools.jsonl", "--provider-batch")
        assert len(server.jobs) == 1
        assert len(waiting(desk)) == 1, said
        command(desk, "collect", waiting(desk)[0], "-q")
        assert set(server.paid.values()) == {1}
        assert len(server.paid) == 2 * SEATS


def test_cut_short_before_all_rows_were_written(tmp_path: Path, server: BatchServer) -> None:
    """Killed while the launches are still read: nothing was sent, nothing is owed, nothing is lost."""
    desk = tmp_path / "desk"
    prepare(desk, server, tools=2)
    first = start(desk, "review", "-", "--provider-batch", stdin=subprocess.PIPE)
    assert first.stdin is not None
    first.stdin.write((desk / "tools.jsonl").read_text())
    first.stdin.flush()
    while not lines(desk, "sent"):
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    said = command(desk, "review", "tools.jsonl", "-q", code=3)
    assert "waits for a provider batch" in said
    cut = waiting(desk)[0]
    run = submit(desk)
    assert run != cut
    assert server.jobs["batch_1"].metadata["ship_panel_run"] != cut
    assert "nothing is left" in command(desk, "collect", cut)
    command(desk, "collect", run, "-q")
    assert len(server.jobs) == 1
    assert set(server.paid.values()) == {1}
    assert len(server.paid) == 2 * SEATS
    answered = {(line["key"], line["at"]) for line in lines(desk, "answer")}
    assert len(answered) == len(lines(desk, "sent")) == 4 * SEATS
    assert sum(Done.read(desk / "runs", ASKED_AGAIN).spent_by_day.values()) == pytest.approx(cost(desk))


def test_what_waits_is_not_asked_again(tmp_path: Path, server: BatchServer) -> None:
    desk = tmp_path / "desk"
    prepare(desk, server, tools=3)
    server.delay = 3600.0
    run = submit(desk)
    said = command(desk, "review", "tools.jsonl", "-q", code=3)
    assert f"ship-panel collect {run}" in said
    assert " left=3 " in said.splitlines()[-1]
    assert server.calls == 0
    said = command(desk, "review", "tools.jsonl", "--provider-batch")
    assert f"ship-panel collect {run}" in said
    assert len(server.jobs) == 1
    assert not [path for path in (desk / "runs").glob("2*") if not list(path.glob("journal-*.index"))]
    said = command(desk, "collect", run, code=3)
    assert "is in_progress, 0 of 15 rows answered, 0 failed, expires 20" in said
    server.delay = time.time() - server.jobs["batch_1"].created + 5.0
    command(desk, "collect", run, "--wait", "-q")
    assert server.calls == 0
    command(desk, "review", "tools.jsonl", "-q")
    assert server.calls == 0


@pytest.mark.parametrize("model", ["scripted", "anthropic/claude-sonnet-4-5"])
def test_a_model_that_cannot_be_batched_is_said_before_anything_is_written(tmp_path: Path, model: str) -> None:
    (tmp_path / "a.yaml").write_text("name: Ledger\ntagline: Keeps a ledger\n")
    said = command(tmp_path, "review", "a.yaml", "--provider-batch", "--model", model, code=2)
    assert "cannot be put in a provider batch" in said
    assert not (tmp_path / "runs").exists()


def test_failed_rows_and_declined_rows(tmp_path: Path, online: Path) -> None:
    desk = tmp_path / "desk"
    with BatchServer(failed=0.2, declined=0.2) as server:
        prepare(desk, server)
        run = submit(desk)
        command(desk, "collect", run, "-q", code=3)
        declined = [line for line in lines(desk, "answer") if line["result"] == "declined"]
        failed = [line for line in lines(desk, "answer") if line["result"] == "unavailable"]
        assert declined
        assert failed
        command(desk, "collect", run, "--online", "-q", code=4)
        assert server.calls == len(failed)
    unscored = [line["record"]["unscored_kind"] for kind in ("review", "brief") for line in lines(desk, kind)
                if line["record"]["unscored"]]
    assert unscored == ["declined"] * len(declined)
    assert asked_twice(desk) == []


def test_a_refused_structure_takes_the_next_batch_a_rung_lower(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    with BatchServer(refused="response_format") as server:
        prepare(desk, server, tools=2)
        command(desk, "collect", submit(desk), "-q", code=3)
        assert not server.paid
        command(desk, "collect", submit(desk), "-q")
        assert {"tools" in row["body"] for row in server.jobs["batch_2"].rows} == {True}
        assert set(server.paid.values()) == {1}
    with open_store(desk / "runs") as store:
        assert store.execute("SELECT DISTINCT rung FROM reviews").fetchall() == [("tool",)]


@pytest.mark.parametrize("how", ["invalid", pytest.param("cancelled", marks=pytest.mark.proof)])
def test_a_batch_that_came_to_nothing_can_be_submitted_again(tmp_path: Path, server: BatchServer, how: str) -> None:
    desk = tmp_path / "desk"
    prepare(desk, server, tools=2)
    run = submit(desk)
    if how == "invalid":
        server.invalid = True
    else:
        server.jobs["batch_1"].status = "cancelled"
    said = command(desk, "collect", run, "-q", code=3)
    assert "10 assignments left" in said
    assert sum(line["cost_usd"] for line in lines(desk, "answer")) == 0.0
    server.invalid = False
    command(desk, "collect", submit(desk), "-q")
    assert len(server.paid) == 2 * SEATS


def test_a_cap_leaves_whole_tools(tmp_path: Path, server: BatchServer) -> None:
    desk = tmp_path / "desk"
    prepare(desk, server)
    said = command(desk, "review", "tools.jsonl", "--provider-batch", "--budget", "0.3", code=3)
    assert "tools are left for another batch" in said
    tools = Counter(line["tool_id"] for line in lines(desk, "sent"))
    assert 0 < len(tools) < TOOLS
    assert set(tools.values()) == {SEATS}
    assert sum(line["reserved_usd"] for line in lines(desk, "sent")) <= 0.3
    command(desk, "collect", waiting(desk)[0], "-q")
    with open_store(desk / "runs") as store:
        assert store.execute("SELECT count(*) FROM scores").fetchall() == [(len(tools),)]


def test_another_wording_is_not_read_as_the_old_one(tmp_path: Path, server: BatchServer) -> None:
    desk = tmp_path / "desk"
    prepare(desk, server, tools=1)
    run = submit(desk)
    builtin = Path(__file__).resolve().parents[1] / "personas" / "builder.yaml"
    (desk / "personas").mkdir()
    (desk / "personas" / "builder.yaml").write_text(builtin.read_text().replace("motto:", "motto: Truly,", 1))
    said = command(desk, "collect", run, "-q", code=2)
    assert "persona builder changed since run" in said
    (desk / "personas" / "builder.yaml").unlink()
    command(desk, "collect", run, "-q")
    assert server.downloads == 1


def test_two_models_go_into_two_batches_and_no_key_is_kept(tmp_path: Path, server: BatchServer) -> None:
    desk = tmp_path / "desk"
    with BatchServer() as other:
        prepare(desk, server, tools=3, more=(
            '[[seats]]\npersona = "builder"\n[[seats]]\npersona = "investor"\nmodel = "dear"\n'
            f'[models.dear]\nmodel = "{other.url}#gpt-dear"\nrung = "json_schema"\n'))
        run = submit(desk)
        command(desk, "collect", run, "-q")
        assert len(server.paid) == 6
        assert len(other.paid) == 3
    assert [line["model"] for line in lines(desk, "batch")] == ["cheap", "dear"]
    for path in (desk / "runs").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def tampered(desk: Path, run: str, **changes: Any) -> None:
    """batch.json of a run, with other content."""
    path = desk / "runs" / run / "batch.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_tampered_batch_is_one_line_and_nothing_else(tmp_path: Path, server: BatchServer) -> None:
    desk, victim = tmp_path / "desk", tmp_path / "victim.txt"
    victim.write_text("mine")
    key = "tok-en-0123456789"
    prepare(desk, server, tools=1, more=f'[watch]\nsource = "http://user:{key}@127.0.0.1:9/f.jsonl?token={key}"\n')
    run = submit(desk)
    good = (desk / "runs" / run / "batch.json").read_text()
    assert key not in good
    batch = json.loads(good)
    part = batch["parts"][0]
    stranger = {**part, "info": {**part["info"], "name": "stranger"}}
    for changes in (
        {"parts": [{**part, "file": "../../../victim.txt"}]}, {"run_id": "../" + run}, {"run_id": "another"},
        {"settings": []}, {"settings": {**batch["settings"], "timeout": "long"}}, {"terms": {"caps": 7}},
        {"infos": {}}, {"infos": {"cheap": 3}}, {"parts": [stranger]},
    ):
        (desk / "runs" / run / "batch.json").write_text(good)
        tampered(desk, run, **changes)
        said = command(desk, "collect", run, "-q", code=5)
        assert (said.count("\n"), "batch.json" in said) == (1, True), said
    assert victim.read_text() == "mine"
    assert server.downloads == 0
    (desk / "runs" / run / "batch.json").write_text(good)
    tampered(desk, run, infos={**batch["infos"], "http://127.0.0.1:9/v1#more": batch["infos"]["cheap"]})
    assert "infos" in command(desk, "collect", run, "-q", code=5)


@pytest.mark.parametrize("entry", [{"key_env": "ANOTHER_SECRET"}, {"model": "{other}#gpt-cheap"}])
def test_a_batch_file_sends_no_key_elsewhere(tmp_path: Path, server: BatchServer, entry: dict[str, str]) -> None:
    desk = tmp_path / "desk"
    prepare(desk, server, tools=1)
    run = submit(desk)
    settings = json.loads((desk / "runs" / run / "batch.json").read_text())["settings"]
    with BatchServer() as other:
        changed = {name: value.format(other=other.url) for name, value in entry.items()}
        models = {"cheap": {**settings["models"]["cheap"], **changed}}
        tampered(desk, run, settings={**settings, "models": models})
        for words in (("collect", run, "-q"), ("collect", run, "--online", "-q")):
            said = command(desk, *words, code=2)
            assert (said.count("\n"), "panel.toml has" in said) == (1, True), said
        # The answers home, what is asked online still goes only where the owner says.
        tampered(desk, run, settings=settings)
        command(desk, "collect", run, "-q")
        tampered(desk, run, settings={**settings, "models": models}, closed=False)
        assert "panel.toml has" in command(desk, "collect", run, "--online", "-q", code=2)
        assert not other.calls


@pytest.mark.proof
def test_kills_at_any_moment_pay_nothing_twice(tmp_path: Path, online: Path) -> None:
    desk = tmp_path / "desk"
    chance = random.Random(5)
    with BatchServer(expired=0.1) as server:
        prepare(desk, server)
        for words in (("review", "tools.jsonl", "--provider-batch"), ("collect",)):
            for _ in range(4):
                named = (*words, waiting(desk)[-1], "--online", "-q") if words == ("collect",) else words
                process = start(desk, *named)
                time.sleep(chance.uniform(0.3, 5.0))
                process.send_signal(signal.SIGKILL)
                process.communicate()
            if words[0] == "review":
                command(desk, *words)
        for run in waiting(desk):
            command(desk, "collect", run, "--online", "-q")
        assert set(server.paid.values()) == {1}
    assert tables(desk / "runs")["scores"] == tables(online / "runs")["scores"]
    assert asked_twice(desk) == []


def test_batch_prices_are_the_tables_where_it_has_them_and_else_half() -> None:
    info = priced(ModelInfo(name="m", endpoint="e"), "openai", "gpt-5-mini")
    table = price_of("openai", "gpt-5-mini")
    assert table is not None
    cheaper = at_batch_price(info, "openai", "gpt-5-mini")
    assert (cheaper.price_in, cheaper.price_out) == (table.batch_in, table.batch_out)
    assert cheaper.price_version == f"{table.version} batch"
    told = ModelInfo(name="m", endpoint="e", price_in=2e-6, price_cached=1e-6, price_out=8e-6,
                     price_version="panel.toml")
    assert at_batch_price(told, "openai", "gpt-5-mini").price_in == 1e-6
    assert at_batch_price(told, None, "m").price_cached == 0.5e-6
    unknown = ModelInfo(name="m", endpoint="e")
    assert at_batch_price(unknown, None, "m") == unknown
