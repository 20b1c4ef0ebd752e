"""What is written quickly says the same as what is written plainly: bodies, digests of messages, journal lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.dossiers import cut_lines, read_dossiers
from panel.journal import dump_line
from panel.models.chat import MOST_FRAMES, Bodies, chat_body, read_json, told_params
from panel.personas import load_personas
from panel.schema import Message, Prompt, Request, digest_of
from panel.verdicts import answer_schema

ROOT = Path(__file__).resolve().parents[1]
SIGNS = st.text(st.characters(codec=None, categories=None), max_size=40)  # lone surrogates and controls too
ROLES = st.sampled_from(["system", "user", "assistant"])
MESSAGES = st.lists(st.builds(Message, role=ROLES, parts=st.lists(SIGNS, max_size=3).map(tuple)), max_size=4)
SCHEMAS = [None, *(answer_schema(persona, "verdict") for persona in load_personas().values())]
REQUESTS = st.builds(
    Request, prompt=st.builds(Prompt, messages=MESSAGES.map(tuple)), answer_schema=st.sampled_from(SCHEMAS),
    rung=st.sampled_from(["json_schema", "tool", "json_object", "prompt"]), max_tokens=st.integers(1, 3),
    temperature=st.sampled_from([None, 0.0, 0.7]), seed=st.sampled_from([None, 1, 2]),
    stop=st.sampled_from([(), ("\n",)]), top_logprobs=st.sampled_from([0, 5]),
)


@pytest.mark.parametrize("mark_shared", [False, True])
@pytest.mark.parametrize("model", ["m", "gpt-5-mini", '"messages":[]'])
def test_a_body_says_what_the_plain_one_says(mark_shared: bool, model: str) -> None:
    bodies = Bodies(model, mark_shared=mark_shared)

    @settings(max_examples=60, deadline=None)
    @given(REQUESTS)
    def same(request: Request) -> None:
        plain = chat_body(request, model, mark_shared=mark_shared)
        assert json.loads(bodies.body(request)) == json.loads(json.dumps(plain))
        bodies.body(request).decode()  # UTF-8, whatever the messages hold
        assert bodies.told(request) == told_params(plain)

    same()


def test_many_samplings_do_not_pile_up() -> None:
    bodies = Bodies("m")
    prompt = Prompt(messages=(Message(role="user", parts=("x",)),))
    for seed in range(3 * MOST_FRAMES):
        assert json.loads(bodies.body(Request(prompt=prompt, seed=seed)))["seed"] == seed
    assert len(bodies._frames) <= MOST_FRAMES
    for number in range(3 * MOST_FRAMES):
        schema = {"type": "object", "title": str(number)}
        sent = json.loads(bodies.body(Request(prompt=prompt, answer_schema=schema)))
        assert sent["response_format"]["json_schema"]["schema"] == schema
    assert sum(map(len, bodies._frames.values())) <= MOST_FRAMES + 1


@settings(max_examples=200, deadline=None)
@given(MESSAGES)
def test_the_digest_of_messages_is_that_of_their_canonical_json(messages: list[Message]) -> None:
    prompt = Prompt(messages=tuple(messages))
    assert prompt.messages_digest == digest_of(prompt.wire())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | SIGNS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SIGNS, inner, max_size=3), max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(SIGNS, VALUES, max_size=4))
def test_a_journal_line_is_one_line_and_reads_back_as_it_was(record: dict[str, Any]) -> None:
    line = dump_line(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line.decode()) == json.loads(json.dumps(record))
    assert list(json.loads(line)) == list(record)


def test_what_json_does_not_know_is_no_journal_line() -> None:
    with pytest.raises(TypeError):
        dump_line({"key": object()})


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_bodies_are_read_as_json_reads_them(value: Any) -> None:
    for ascii_only in (True, False):
        raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        assert read_json(raw) == json.loads(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": 1', b"<html>", b"\xff"])
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  any reason will do
        read_json(raw)


def test_digests_of_real_records_are_those_of_yesterday() -> None:
    """Journals of earlier programs must match: these digests are part of every key."""
    examples = [str(ROOT / "examples" / f"{name}.yaml") for name in REAL]
    found = {dossier.id: (dossier.digest, cut_lines(dossier, 12_000).digest)
             for dossier in read_dossiers(examples, strict=True, report=_fail)}
    assert found == REAL
    assert digest_of(answer_schema(load_personas()["builder"], "full")) == "4d268377cf50750d7d4cfc5005568a66"


def _fail(error: Exception) -> None:
    raise error


REAL = {
    "code-llama-4": ("5e6429f54229e536ed1a9cdf51ddba94", "50829c780acbc36dadff5f9917fbf288"),
    "mistral-4b-edge": ("8e68e09eb46aa733845b0e822feb5463", "4bdc7d2bc2a8e4f99835d095573d9850"),
}
