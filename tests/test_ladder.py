"""The ladder and the check, against loopback servers that honour different rungs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from fault_server import FaultServer

from panel.errors import ModelRejected, ModelUnavailable
from panel.models import Model
from panel.models.check import CheckReport, check_model, report_json
from panel.models.ladder import Ladder
from panel.models.openai_http import OpenAiHttp
from panel.models.scripted import Scripted
from panel.schema import Completion, ModelInfo, Request, Rung


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def model_at(server: FaultServer, mode: str, name: str = "m") -> OpenAiHttp:
    return OpenAiHttp(name, server.url(mode), "x", api_key="canary-0123456789", key_env="M_API_KEY", timeout_s=5)


def asking(model: Model, steps: list[str]) -> Callable[[Request, str], Awaitable[Completion]]:
    async def ask(request: Request, step: str) -> Completion:
        steps.append(step)
        return await model.complete(request)

    return ask


def climb(server: FaultServer, mode: str, ladder: Ladder | None = None, times: int = 1) -> tuple[set[Rung], list[str]]:
    steps: list[str] = []

    async def run() -> set[Rung]:
        model = model_at(server, mode)
        mine = ladder or Ladder()
        try:
            return set(await asyncio.gather(*(mine.rung_for(model.info(), asking(model, steps)) for _ in range(times))))
        finally:
            await model.close()

    return asyncio.run(run()), steps


@pytest.mark.parametrize(("mode", "rung", "calls"), [
    ("ok", "json_schema", 1),
    ("tools_only", "tool", 2),
    ("any_object", "json_object", 3),
    ("free_text", "prompt", 3),
    ("fenced", "prompt", 3),
    ("reasoning_only", "prompt", 3),
    ("schema_refused", "prompt", 3),
])
def test_the_best_rung_that_binds_is_found(server: FaultServer, mode: str, rung: Rung, calls: int) -> None:
    found, steps = climb(server, mode)
    assert found == {rung}
    assert steps == ["check-json_schema", "check-tool", "check-json_object"][:calls]


def test_the_question_does_not_give_the_answer_away(server: FaultServer) -> None:
    climb(server, "ok")
    body = server.seen[-1].body
    demanded = body["response_format"]["json_schema"]["schema"]["properties"]["word"]["enum"][0]
    assert demanded not in json.dumps(body["messages"])


def test_many_who_ask_at_once_wait_for_one_check(server: FaultServer) -> None:
    found, steps = climb(server, "tools_only", times=50)
    assert (found, len(steps)) == ({"tool"}, 2)


def test_what_was_found_is_kept_in_a_file(server: FaultServer, tmp_path: Path) -> None:
    path = tmp_path / "checks.json"
    assert climb(server, "tools_only", Ladder(path))[1]
    assert climb(server, "ok", Ladder(path))[1]  # another endpoint, the same file
    found, steps = climb(server, "tools_only", Ladder(path))
    assert (found, steps) == ({"tool"}, [])
    assert len(json.loads(path.read_text())) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["checks.json"]
    for spoiled in ("{half", "[]", json.dumps({f"{server.url('tools_only')} m": "ladder"})):
        path.write_text(spoiled)
        assert climb(server, "tools_only", Ladder(path)) == ({"tool"}, ["check-json_schema", "check-tool"])


@pytest.mark.parametrize("mode", ["echo_key", "unknown_model", "out_of_money"])
def test_a_rejection_that_is_not_about_structure_is_not_hidden(server: FaultServer, mode: str) -> None:
    with pytest.raises(ModelRejected):
        climb(server, mode)


def test_a_server_in_trouble_is_checked_again_later(server: FaultServer) -> None:
    ladder = Ladder()
    with pytest.raises(ModelUnavailable):
        climb(server, "failing", ladder)
    _, steps = climb(server, "ok", ladder)
    assert steps == ["check-json_schema"]


def test_a_model_that_knows_its_rung_is_not_asked() -> None:
    steps: list[str] = []
    model = Scripted()
    assert asyncio.run(Ladder().rung_for(model.info(), asking(model, steps))) == "json_schema"
    assert steps == []


def test_a_refused_structure_goes_down_one_step_however_many_fail_at_once(tmp_path: Path) -> None:
    info = ModelInfo(name="m", endpoint="e", rung="json_schema")
    ladder = Ladder(tmp_path / "checks.json")
    refused = ModelRejected("m: no", status=400, parameter="response_format")
    assert [ladder.demote(info, "json_schema", refused) for _ in range(5)] == ["tool"] * 5
    assert ladder.demote(info, "tool", ModelRejected("m: no", status=400, parameter="tools")) == "json_object"
    assert ladder.demote(info, "json_schema", refused) == "json_object"  # a straggler
    assert ladder.demote(info, "prompt", refused) is None
    assert ladder.demote(info, "json_object", ModelRejected("m: no", parameter="temperature")) is None

    async def ask(request: Request, step: str) -> Completion:
        raise AssertionError("asked")

    assert asyncio.run(ladder.rung_for(info, ask)) == "json_object"
    assert asyncio.run(Ladder(tmp_path / "checks.json").rung_for(info, ask)) == "json_object"


def check(model: Model) -> CheckReport:
    async def run() -> CheckReport:
        try:
            return await check_model(model)
        finally:
            await model.close()

    return asyncio.run(run())


def test_a_good_endpoint_is_reported_in_plain_words(server: FaultServer) -> None:
    report = check(model_at(server, "ok"))
    assert (report.usable, report.rung, report.logprobs, report.counts_tokens) == (True, "json_schema", True, True)
    words = "\n".join(report.lines())
    for part in ("answers at http://127.0.0.1", "enforces a JSON schema", "probabilities: given", "price: free",
                 "context: unknown"):
        assert part in words
    assert json.loads(report_json(report))["usable"] is True


@pytest.mark.parametrize(("mode", "rung"), [("dead_logprobs", "prompt"), ("schema_refused", "prompt"),
                                             ("tools_only", "tool")])
def test_probabilities_that_say_nothing_do_not_count(server: FaultServer, mode: str, rung: Rung) -> None:
    report = check(model_at(server, mode))
    assert (report.usable, report.rung, report.logprobs) == (True, rung, False)
    assert any("no P(ship) by probe" in line for line in report.lines())


@pytest.mark.parametrize(("mode", "reachable", "words"), [
    ("echo_key", True, "set M_API_KEY to a valid key"), ("unknown_model", True, "does not know the model"),
    ("reset", False, "broke off"), ("failing", True, "in trouble"), ("too_long", True, "too long"),
])
def test_what_is_missing_is_said_in_one_line(server: FaultServer, mode: str, reachable: bool, words: str) -> None:
    report = check(model_at(server, mode))
    assert (report.usable, report.reachable) == (False, reachable)
    assert len(report.lines()) == 1
    assert words in report.lines()[0]
    assert "canary-0123456789" not in report_json(report)


def test_a_server_that_is_not_there_is_named() -> None:
    report = check(OpenAiHttp("ollama/x", "http://127.0.0.1:9/v1", "x"))
    assert not report.reachable
    assert report.lines() == ["ollama/x: no server answers at http://127.0.0.1:9/v1; is it running?"]


def test_unknown_prices_are_said_to_be_unknown(server: FaultServer) -> None:
    info = ModelInfo(name="far", endpoint="far", context=8000)
    report = check(OpenAiHttp("far", server.url("ok"), "x", info=info))
    assert (report.price_in, report.cost_usd, report.context) == (None, None, 8000)
    assert any("price: unknown, so --budget cannot be used" in line for line in report.lines())
