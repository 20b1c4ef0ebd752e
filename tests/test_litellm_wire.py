"""The litellm wire against the same loopback server as openai_http."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from fault_server import FaultServer

from panel.errors import ConfigError, ModelDeclined, ModelError, ModelRejected, ModelUnavailable
from panel.schema import Completion, Message, ModelInfo, Prompt, Request

KEY = "canary-4d1c7b2a9e8f0135"
SCHEMA = {"type": "object", "properties": {"word": {"type": "string", "enum": ["heliotrope-41"]}},
          "required": ["word"], "additionalProperties": False}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def request(**changes: Any) -> Request:
    prompt = Prompt(messages=(Message(role="system", parts=("Rules.",)), Message(role="user", parts=("Say", " it."))))
    return Request(**{"prompt": prompt, "answer_schema": SCHEMA, **changes})


def ask(server: FaultServer, mode: str, asked: Request | None = None, *, timeout_s: float = 20.0,
        info: ModelInfo | None = None, calls: int = 1) -> Completion:
    from panel.models.litellm import LiteLlm

    async def call() -> Completion:
        model = LiteLlm("litellm/openai/m-1", "openai/m-1", timeout_s=timeout_s, info=info,
                        api_base=server.url(mode), api_key=KEY)
        try:
            answers = await asyncio.gather(*(model.complete(asked or request()) for _ in range(calls)))
            return answers[0]
        finally:
            await model.close()
            await model.close()

    return asyncio.run(call())


def test_a_good_answer_is_read_whole(server: FaultServer) -> None:
    answer = ask(server, "ok")
    assert json.loads(answer.text) == {"word": "heliotrope-41"}
    assert (answer.tokens_cached, answer.tokens_out, answer.tokens_reasoning) == (40, 50, 7)
    assert answer.model == "m-1-2026-01-01"
    assert answer.finish_reason == "stop"
    assert answer.cost_usd == 0.0  # a loopback server bills nobody
    body = server.seen[-1].body
    assert body["messages"] == [{"role": "system", "content": "Rules."}, {"role": "user", "content": "Say it."}]
    assert body["max_tokens"] == 2000
    assert not {"temperature", "seed", "top_p"} & set(body)


def test_a_tool_is_forced_and_read(server: FaultServer) -> None:
    answer = ask(server, "ok", request(rung="tool"))
    assert json.loads(answer.text) == {"word": "heliotrope-41"}
    assert server.seen[-1].body["tool_choice"] == {"type": "function", "function": {"name": "answer"}}


def test_what_a_provider_cannot_be_told_is_dropped_and_recorded(server: FaultServer) -> None:
    answer = ask(server, "ok", request(grammar='root ::= "a"', temperature=0.0, seed=7))
    assert answer.params_dropped == ("grammar",)
    assert server.seen[-1].body["seed"] == 7
    assert "grammar" not in server.seen[-1].body


def test_logprobs_come_with_their_alternatives(server: FaultServer) -> None:
    answer = ask(server, "ok", request(answer_schema=None, rung="prompt", top_logprobs=3))
    assert any({text for text, _ in token.top} == {"ship", "skip", "maybe"} for token in answer.logprobs)


def test_a_price_is_used_and_an_unknown_one_is_null(server: FaultServer) -> None:
    known = ModelInfo(name="m", endpoint="far", price_in=1e-6, price_out=2e-6)
    answer = ask(server, "ok", info=known)
    assert answer.tokens_in is not None
    assert answer.cost_usd == pytest.approx(answer.tokens_in * 1e-6 + 50 * 2e-6)
    assert ask(server, "ok", info=ModelInfo(name="m", endpoint="far")).cost_usd is None


@pytest.mark.parametrize(("mode", "kind"), [
    ("rate_limited", ModelUnavailable), ("failing", ModelUnavailable), ("reset", ModelUnavailable),
    ("truncated", ModelUnavailable), ("half_json", ModelUnavailable), ("no_choices", ModelUnavailable),
    ("too_long", ModelDeclined), ("policy", ModelDeclined), ("echo_key", ModelRejected),
    ("unknown_model", ModelRejected), ("no_schema", ModelRejected), ("out_of_money", ModelRejected),
])
def test_a_fault_is_one_call_and_one_plain_line_of_the_right_kind(
    server: FaultServer, mode: str, kind: type[ModelError]
) -> None:
    before = server.calls
    with pytest.raises(ModelError) as caught:
        ask(server, mode)
    assert type(caught.value) is kind, caught.value
    assert server.calls == before + 1  # nobody below us asks twice
    line = str(caught.value)
    assert line.startswith("litellm/openai/m-1: ")
    assert "\n" not in line
    assert len(line) < 800
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert KEY not in told
    assert KEY[:14] not in told


def test_details_a_caller_needs_survive(server: FaultServer) -> None:
    with pytest.raises(ModelUnavailable) as slow:
        ask(server, "rate_limited")
    assert (slow.value.status, slow.value.retry_after) == (429, 0.05)
    with pytest.raises(ModelRejected) as refused:
        ask(server, "no_schema")
    assert refused.value.parameter == "response_format"


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_a_call_ends_however_the_server_behaves(server: FaultServer, mode: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"within 0.4 s"):
        ask(server, mode, timeout_s=0.4)


def test_a_key_never_follows_a_redirect_to_another_host(server: FaultServer) -> None:
    before = len(server.seen)
    ask(server, "redirect")  # from 127.0.0.1 to localhost; the client under litellm follows
    assert server.seen[before].headers["Authorization"] == f"Bearer {KEY}"
    for seen in server.seen[before + 1 :]:
        assert KEY not in repr(seen.headers)


def test_nobody_there_is_said_so() -> None:
    from panel.models.litellm import LiteLlm

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))

        async def call() -> None:
            model = LiteLlm("m", "openai/x", api_base=f"http://127.0.0.1:{holder.getsockname()[1]}/v1", api_key=KEY)
            try:
                await model.complete(request())
            finally:
                await model.close()

        with pytest.raises(ModelUnavailable, match="no server answers") as caught:
            asyncio.run(call())
    assert caught.value.refused


def test_one_model_closing_leaves_the_other_open(server: FaultServer) -> None:
    from panel.models.litellm import LiteLlm

    async def calls() -> str:
        models = [LiteLlm(name, "openai/m-1", api_base=server.url("ok"), api_key=KEY) for name in ("a", "b")]
        for model in models:
            await model.complete(request())
        await models[0].close()
        answer = await models[1].complete(request())
        await models[1].close()
        return answer.text

    assert json.loads(asyncio.run(calls())) == {"word": "heliotrope-41"}


def test_loop_after_loop_and_many_at_once(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ask(server, "ok", calls=8)
    assert not [record for record in caplog.records if "closed" in record.getMessage().lower()]


def test_a_claude_prompt_is_marked_where_its_shared_prefix_ends() -> None:
    from panel.models.litellm import LiteLlm

    model = LiteLlm("anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5")
    assert model.info().price_in is not None
    assert model.info().context is not None
    body, dropped = model._body(request(seed=1, temperature=0.5))
    assert body["messages"][1]["content"][0] == {"type": "text", "text": "Say", "cache_control": {"type": "ephemeral"}}
    assert dropped == ("seed",)


def test_a_key_that_is_not_set_is_named(desk: object) -> None:
    from panel.models.litellm import LiteLlm

    async def call() -> None:
        model = LiteLlm("anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5", timeout_s=5)
        try:
            await model.complete(request())
        finally:
            await model.close()

    with pytest.raises(ModelRejected, match="set ANTHROPIC_API_KEY"):
        asyncio.run(call())


def test_an_unknown_provider_is_said_before_any_call() -> None:
    from panel.models.litellm import LiteLlm

    with pytest.raises(ConfigError, match="litellm knows no provider 'nobody'"):
        LiteLlm("nobody/x", "nobody/x")


def test_a_process_that_used_it_ends_silently(server: FaultServer) -> None:
    script = (
        "import asyncio\n"
        "from panel.models.litellm import LiteLlm\n"
        "from panel.schema import Message, Prompt, Request\n"
        "async def main():\n"
        f"    model = LiteLlm('m', 'openai/m-1', api_base={server.url('ok')!r}, api_key='x' * 9)\n"
        "    prompt = Prompt(messages=(Message(role='user', parts=('hello',)),))\n"
        "    print((await model.complete(Request(prompt=prompt))).text[:3])\n"
        "    await model.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-W", "always::ResourceWarning", "-c", script], capture_output=True,
                          text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The\n"
