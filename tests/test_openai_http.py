"""openai_http against a real loopback server, faults included."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import traceback
from collections.abc import Iterator

import pytest
from fault_server import FaultServer

from panel.errors import ModelDeclined, ModelError, ModelRejected, ModelUnavailable
from panel.models.faults import Asked, fault_of, retry_after
from panel.models.openai_http import OpenAiHttp
from panel.models.redact import HIDDEN, plain_line, redact
from panel.probe import read_probe
from panel.schema import Completion, Message, ModelInfo, Prompt, Request

KEY = "canary-7f3a9c0d1e2b4f5a"
SCHEMA = {"type": "object", "properties": {"word": {"enum": ["heliotrope-41"]}}, "required": ["word"],
          "additionalProperties": False}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def prompt(text: str = "Say something.") -> Prompt:
    return Prompt(messages=(Message(role="system", parts=("Rules.",)), Message(role="user", parts=(text,))))


def ask(server: FaultServer, mode: str, request: Request | None = None, *, model: str = "m-1",
        timeout_s: float = 20.0, info: ModelInfo | None = None) -> Completion:
    async def call() -> Completion:
        asked = OpenAiHttp("m", server.url(mode), model, api_key=KEY, key_env="M_API_KEY", timeout_s=timeout_s,
                           info=info)
        try:
            return await asked.complete(request or Request(prompt=prompt(), answer_schema=SCHEMA))
        finally:
            await asked.close()
            await asked.close()

    return asyncio.run(call())


def test_a_good_answer_is_read_whole(server: FaultServer) -> None:
    info = ModelInfo(name="m", endpoint="e", price_in=1e-6, price_cached=1e-7, price_out=1e-5, price_version="t")
    text = "x" * 400
    answer = ask(server, "ok", Request(prompt=prompt(text), answer_schema=SCHEMA), info=info)
    assert json.loads(answer.text) == {"word": "heliotrope-41"}
    assert (answer.finish_reason, answer.http_status) == ("stop", 200)
    assert (answer.tokens_cached, answer.tokens_out, answer.tokens_reasoning) == (40, 50, 7)
    assert (answer.model, answer.fingerprint) == ("m-1-2026-01-01", "fp_loopback")
    assert answer.tokens_in is not None
    assert answer.cost_usd == pytest.approx((answer.tokens_in - 40) * 1e-6 + 40 * 1e-7 + 50 * 1e-5)
    assert answer.price_version == "t"


def test_an_unknown_price_is_null_and_a_local_one_nothing(server: FaultServer) -> None:
    assert ask(server, "ok", info=ModelInfo(name="m", endpoint="far")).cost_usd is None
    assert ask(server, "ok").cost_usd == 0.0
    assert ask(server, "billed", info=ModelInfo(name="m", endpoint="far")).cost_usd == 0.0123


def sent(server: FaultServer, request: Request, model: str = "m-1") -> dict[str, object]:
    ask(server, "free_text", request, model=model)
    return server.seen[-1].body


def test_what_is_left_open_is_not_sent(server: FaultServer) -> None:
    body = sent(server, Request(prompt=prompt()))
    assert body == {"model": "m-1", "max_tokens": 2000, "messages": [
        {"role": "system", "content": "Rules."}, {"role": "user", "content": "Say something."}]}


def test_all_that_is_given_is_sent(server: FaultServer) -> None:
    request = Request(prompt=prompt(), max_tokens=9, temperature=0.0, top_p=0.5, seed=0, reasoning_effort="low",
                      stop=("\n",), top_logprobs=3)
    body = sent(server, request)
    assert {name: body[name] for name in body if name not in ("model", "messages")} == {
        "max_tokens": 9, "temperature": 0.0, "top_p": 0.5, "seed": 0, "reasoning_effort": "low", "stop": ["\n"],
        "logprobs": True, "top_logprobs": 3}


@pytest.mark.parametrize(("model", "name"), [
    ("gpt-5-mini", "max_completion_tokens"), ("o4-mini", "max_completion_tokens"), ("openai/gpt-6.1-sol",
                                                                                     "max_completion_tokens"),
    ("gpt-4o-mini", "max_tokens"), ("gpt-oss-20b", "max_tokens"), ("olmo-2", "max_tokens"),
])
def test_reasoning_models_want_another_limit(server: FaultServer, model: str, name: str) -> None:
    body = sent(server, Request(prompt=prompt(), max_tokens=77), model)
    assert body[name] == 77
    assert not {"max_tokens", "max_completion_tokens"} - {name} & set(body)


def test_each_rung_asks_in_its_own_way(server: FaultServer) -> None:
    bodies = {rung: sent(server, Request(prompt=prompt(), answer_schema=SCHEMA, rung=rung))  # type: ignore[arg-type]
              for rung in ("json_schema", "tool", "json_object", "prompt")}
    form = bodies["json_schema"]["response_format"]
    assert isinstance(form, dict)
    assert form["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
    tools = bodies["tool"]["tools"]
    assert isinstance(tools, list)
    assert tools[0]["function"]["parameters"] == SCHEMA
    assert "response_format" not in bodies["tool"]
    assert bodies["json_object"]["response_format"] == {"type": "json_object"}
    assert not {"response_format", "tools"} & set(bodies["prompt"])
    grammar = sent(server, Request(prompt=prompt(), answer_schema=SCHEMA, grammar='root ::= "a"'))
    assert grammar["grammar"] == 'root ::= "a"'
    assert "response_format" not in grammar  # llama.cpp refuses both together


def test_a_forced_tools_arguments_are_the_answer(server: FaultServer) -> None:
    request = Request(prompt=prompt(), answer_schema=SCHEMA, rung="tool")
    for mode in ("ok", "object_arguments"):
        assert json.loads(ask(server, mode, request).text) == {"word": "heliotrope-41"}


def test_the_key_order_of_the_schema_reaches_the_wire(server: FaultServer) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in ["zebra", "apple", "mango"]}}
    form = sent(server, Request(prompt=prompt(), answer_schema=schema))["response_format"]
    assert isinstance(form, dict)
    assert list(form["json_schema"]["schema"]["properties"]) == ["zebra", "apple", "mango"]


def test_reasoning_is_kept_and_is_not_the_answer(server: FaultServer) -> None:
    answer = ask(server, "reasoning_only")
    assert (answer.text, answer.reasoning) == ("", "Let me think about it. ship")


def test_a_refusal_is_marked_and_its_cost_kept(server: FaultServer) -> None:
    answer = ask(server, "refusal")
    assert (answer.text, answer.finish_reason, answer.tokens_out) == ("I cannot help with that.", "content_filter", 50)


def test_odd_types_do_not_hurt(server: FaultServer) -> None:
    answer = ask(server, "odd_types")
    assert answer.text == "half ? emoji"
    assert (answer.tokens_in, answer.tokens_out, answer.model, answer.finish_reason) == (None, None, None, None)
    answer.model_dump_json().encode()


@pytest.mark.parametrize("mode", ["ok", "echo_beginning"])
def test_logprobs_come_with_their_alternatives(server: FaultServer, mode: str) -> None:
    begun = Message(role="assistant", parts=('{"verdict":"',))
    messages = (*prompt("[1] name: X\nPersona: builder").messages, begun)
    answer = ask(server, mode, Request(prompt=Prompt(messages=messages), rung="prompt", top_logprobs=3, max_tokens=1))
    assert server.seen[-1].body["messages"][-1] == {"role": "assistant", "content": '{"verdict":"'}
    token = answer.logprobs[0]
    assert token.token == answer.text
    assert {text for text, _ in token.top} == {"ship", "skip", "maybe"}
    assert read_probe(answer) is not None  # the beginning is no part of the answer, though llama.cpp repeats it


FAULTS = [
    ("rate_limited", ModelUnavailable, 429, "slow down"),
    ("failing", ModelUnavailable, 500, "the server had an error"),
    ("overloaded", ModelUnavailable, 529, "Overloaded"),
    ("truncated", ModelUnavailable, 200, "ends early"),
    ("half_json", ModelUnavailable, 200, "not JSON, or ends early"),
    ("empty", ModelUnavailable, 200, "empty body"),
    ("html", ModelUnavailable, 200, "not JSON"),
    ("reset", ModelUnavailable, None, "broke off"),
    ("no_choices", ModelUnavailable, 200, "without a message"),
    ("a_list", ModelUnavailable, 200, "no completion"),
    ("vague_error_in_200", ModelUnavailable, 200, "something"),
    ("error_in_200", ModelUnavailable, 429, "upstream is busy"),
    ("too_long", ModelDeclined, 400, "too long"),
    ("policy", ModelDeclined, 400, "content policy"),
    ("out_of_money", ModelRejected, 429, "no credit left"),
    ("echo_key", ModelRejected, 401, "set M_API_KEY"),
    ("forbidden", ModelRejected, 403, "M_API_KEY"),
    ("unknown_model", ModelRejected, 404, "does not know the model 'm-1'"),
    ("no_schema", ModelRejected, 400, "response_format"),
    ("redirect", ModelRejected, 307, "redirects"),
]


@pytest.mark.parametrize(("mode", "kind", "status", "words"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_one_plain_line_of_the_right_kind(
    server: FaultServer, mode: str, kind: type[ModelError], status: int | None, words: str
) -> None:
    with pytest.raises(ModelError) as caught:
        ask(server, mode)
    assert type(caught.value) is kind
    assert caught.value.status == status
    line = str(caught.value)
    assert line.startswith("m: ")
    assert words in line
    assert "\n" not in line
    assert len(line) < 700


@pytest.mark.parametrize(("mode", "rung", "parameter"), [
    ("no_schema", "json_schema", "response_format"), ("schema_refused", "tool", "tools"),
    ("no_tools_404", "tool", "tools"), ("no_temperature", "prompt", "temperature"), ("unknown_model", "tool", "model"),
])
def test_a_refused_parameter_is_named(server: FaultServer, mode: str, rung: str, parameter: str) -> None:
    request = Request(prompt=prompt(), answer_schema=SCHEMA, rung=rung, temperature=0.2)  # type: ignore[arg-type]
    with pytest.raises(ModelRejected) as caught:
        ask(server, mode, request)
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("mode", ["echo_key", "echo_headers", "echo_in_answer", "redirect", "failing", "reset",
                                  "truncated", "html", "policy", "forbidden"])
def test_no_fault_tells_the_key(server: FaultServer, mode: str) -> None:
    with pytest.raises(ModelError) as caught:
        ask(server, mode)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
    assert server.seen[-1].headers["Authorization"] == f"Bearer {KEY}"  # it was there to be told
    assert KEY not in told
    assert KEY[:12] not in str(caught.value)  # nor the half a cut would leave


def test_a_key_never_follows_a_redirect(server: FaultServer) -> None:
    before = len(server.seen)
    with pytest.raises(ModelRejected, match="redirects"):
        ask(server, "redirect")
    assert [seen.mode for seen in server.seen[before:]] == ["redirect"]


def test_a_key_pasted_wrong_is_said_before_anything_is_sent() -> None:
    for key in ("sk-abc\n", "sk “quoted”", "two words"):
        with pytest.raises(ModelRejected, match="M_API_KEY holds") as caught:
            OpenAiHttp("m", "http://127.0.0.1:9/v1", "x", api_key=key, key_env="M_API_KEY")
        assert key.strip() not in str(caught.value)


@pytest.mark.parametrize("mode", ["hang", "drip", "endless"])
def test_a_call_ends_however_the_server_behaves(server: FaultServer, mode: str) -> None:
    with pytest.raises(ModelUnavailable):
        ask(server, mode, timeout_s=0.4)


def test_a_timeout_says_how_long_it_waited(server: FaultServer) -> None:
    with pytest.raises(ModelUnavailable, match=r"no whole answer from http://127.0.0.1:\d+/drip/v1 within 0.3 s"):
        ask(server, "drip", timeout_s=0.3)


def test_nobody_there_is_said_so() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{holder.getsockname()[1]}/v1"  # bound, and nobody listens

        async def call() -> None:
            model = OpenAiHttp("ollama/x", url, "x")
            try:
                await model.complete(Request(prompt=prompt()))
            finally:
                await model.close()

        with pytest.raises(ModelUnavailable, match=r"no server answers at .*; is it running") as caught:
            asyncio.run(call())
    assert caught.value.refused


def test_one_session_serves_many_calls_at_once_and_cancelling_one_hurts_none(server: FaultServer) -> None:
    async def calls() -> list[object]:
        model = OpenAiHttp("m", server.url("ok"), "x")
        hanging = OpenAiHttp("m", server.url("hang"), "x")
        stuck = asyncio.create_task(hanging.complete(Request(prompt=prompt())))
        try:
            done = await asyncio.gather(*(model.complete(Request(prompt=prompt(str(n)))) for n in range(100)))
            stuck.cancel()
            await asyncio.gather(stuck, return_exceptions=True)
            assert stuck.cancelled()
            return list(done)
        finally:
            await model.close()
            await hanging.close()

    assert len(asyncio.run(calls())) == 100


def test_the_same_model_serves_one_loop_after_another(server: FaultServer) -> None:
    model = OpenAiHttp("m", server.url("ok"), "x")

    async def call() -> Completion:
        try:
            return await model.complete(Request(prompt=prompt()))
        finally:
            await model.close()

    assert asyncio.run(call()).text == asyncio.run(call()).text


def test_openrouter_is_shown_where_the_shared_prefix_of_a_claude_prompt_ends() -> None:
    from panel.models.chat import chat_body

    shared = Prompt(messages=(Message(role="user", parts=("dossier", "persona")),))
    body = chat_body(Request(prompt=shared), "anthropic/claude", mark_shared=True)
    first, second = body["messages"][0]["content"]
    assert first == {"type": "text", "text": "dossier", "cache_control": {"type": "ephemeral"}}
    assert second == {"type": "text", "text": "persona"}


def test_retry_after_is_read_in_all_its_forms(server: FaultServer) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        ask(server, "rate_limited")
    assert caught.value.retry_after == 0.05
    with pytest.raises(ModelUnavailable) as caught:
        ask(server, "rate_limited_ms")
    assert caught.value.retry_after == 1.5
    noon = 4133980800.0  # 1 January 2101
    assert retry_after({"Retry-After": "Sat, 01 Jan 2101 00:00:30 GMT"}, now=noon) == 30
    assert retry_after({"Retry-After": "Fri, 31 Dec 2100 23:59:00 GMT"}, now=noon) == 0
    assert retry_after({"Retry-After": "1e9"}) == 3600
    for nonsense in ({}, {"Retry-After": "soon"}, {"Retry-After": "-3"}, {"Retry-After": "nan"}):
        assert retry_after(nonsense) is None
    assert time.time() < 4133980800


def test_faults_seen_in_the_wild_are_told_apart() -> None:
    asked = Asked(name="m", endpoint="http://e", model="m", sent=("response_format", "max_tokens", "seed"))

    def of(status: int, body: object) -> ModelError:
        return fault_of(asked, status, json.dumps(body))

    llama_cpp = {"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 512,
                           "message": "the request exceeds the available context size. try increasing it"}}
    assert type(of(400, llama_cpp)) is ModelDeclined
    vllm = {"object": "error", "code": 400, "message": "This model's maximum context length is 4096 tokens. However, "
            "you requested 5000 tokens (3000 in the messages, 2000 in the completion)."}
    assert type(of(400, vllm)) is ModelDeclined
    azure = {"error": {"code": "content_filter", "message": "The response was filtered"}}
    assert type(of(400, azure)) is ModelDeclined
    fastapi = {"detail": [{"loc": ["body", "seed"], "msg": "must be an integer"}]}
    rejected = of(422, fastapi)
    assert isinstance(rejected, ModelRejected)
    assert rejected.parameter == "seed"
    ollama = of(404, {"error": "model 'x' not found, try pulling it first"})
    assert "try pulling it first" in str(ollama)
    grammar = of(400, {"error": {"message": "Failed to parse grammar"}})
    assert isinstance(grammar, ModelRejected)
    assert grammar.parameter == "response_format"


def test_redaction_removes_what_it_is_given_and_what_looks_like_a_key() -> None:
    secret = 'p@ss/w"ord+1'
    text = f"{secret} | {json.dumps(secret)} | p%40ss%2Fw%22ord%2B1 | Bearer abc.def | sk-proj-12345678 | ?key=zzz&a=1"
    clean = redact(text, [secret])
    for leak in (secret, "p%40ss", "abc.def", "12345678", "zzz", 'p@ss/w\\"ord'):
        assert leak not in clean
    assert "&a=1" in clean
    assert redact("nothing to hide, a task-list and a risk", ["", "abc", None]) == (
        "nothing to hide, a task-list and a risk")
    cut = plain_line("x" * 295 + secret, [secret])
    assert len(cut) <= 300
    assert "p@s" not in cut
    assert plain_line("a\x00b\n\nc\u202e d") == "a b c d"
    assert HIDDEN in plain_line("https://user:hunter22@proxy:3128/x")
