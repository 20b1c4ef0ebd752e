"""The embedded engine: what is known without it, and the real starter behind its loopback server."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import need

from panel.errors import ConfigError, ModelRejected
from panel.fieldwise.choosing import Chooser, one_of_these, word_mass
from panel.models.llama_cpp import LlamaCpp, describe, physical_cores, start_server
from panel.models.registry import model_path, pull
from panel.personas import load_personas
from panel.prompts import load_prompts
from panel.schema import Completion, DossierLines, Line, Message, Prompt, Request

CPUINFO = "\n\n".join(
    f"processor\t: {number}\nmodel name\t: a : b\nphysical id\t: {number // 4}\ncore id\t\t: {number % 2}\n"
    for number in range(8))
"""Two sockets of two cores of two threads."""

LINES = DossierLines(tool_id="halyard", name="Halyard", words=80, lines=(
    Line(number=1, field="name", text="name: Halyard"),
    Line(number=2, field="tagline", text="tagline: Backups for SQLite that take one line"),
    Line(number=3, field="description", text="Restore is one command, and 900 companies use it."),
))


@pytest.fixture(scope="module")
def starter() -> Path:
    """The starter's file, pulled if need be."""
    need(importlib.util.find_spec("xllamacpp") is not None, "xllamacpp is not installed")
    try:
        return pull("starter")
    except ConfigError as error:
        need(False, f"the starter cannot be had: {error}")
        raise


@pytest.mark.parametrize(("allowed", "cores"), [({0}, 1), ({0, 2}, 1), ({0, 1}, 2), (set(range(8)), 4)])
def test_threads_of_a_core_count_once(tmp_path: Path, allowed: set[int], cores: int) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(CPUINFO)
    assert physical_cores(cpuinfo, allowed) == cores


def test_without_a_list_of_cores_all_processors_count(tmp_path: Path) -> None:
    assert physical_cores(tmp_path / "none", {0, 1, 2}) == 3
    (tmp_path / "arm").write_text("processor\t: 0\nBogoMIPS\t: 48\n\nprocessor\t: 1\nBogoMIPS\t: 48\n")
    assert physical_cores(tmp_path / "arm", {0, 1}) == 2


def test_a_small_file_is_asked_by_fields_and_a_large_one_by_schema(tmp_path: Path) -> None:
    for size, rung in ((90_000_000, "fields"), (2_000_000_000, "json_schema")):
        path = tmp_path / f"{size}.gguf"
        with path.open("wb") as handle:
            handle.truncate(size)
        info = describe(str(path), path)
        assert (info.rung, info.local, info.max_in_flight) == (rung, True, 1)


def test_what_is_not_here_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    need(importlib.util.find_spec("xllamacpp") is not None, "xllamacpp is not installed")
    with pytest.raises(ConfigError, match="run ship-panel models pull starter"):
        LlamaCpp("starter")
    with pytest.raises(ConfigError, match=r"local:nobody\.gguf: there is no such file"):
        LlamaCpp("nobody.gguf")


def test_a_file_that_is_no_model_is_rejected(tmp_path: Path) -> None:
    need(importlib.util.find_spec("xllamacpp") is not None, "xllamacpp is not installed")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and then nothing")
    model = LlamaCpp(str(tmp_path / "broken.gguf"))

    async def ask() -> None:
        try:
            await model.complete(Request(prompt=_prompt("Hello"), max_tokens=1))
        finally:
            await model.close()

    with pytest.raises(ModelRejected, match=r"broken\.gguf: llama.cpp cannot run this file"):
        asyncio.run(ask())


def _prompt(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", parts=(text,)),))


@pytest.mark.starter
def test_the_starter_answers_under_a_grammar_and_keeps_its_prefix(starter: Path) -> None:
    async def ask() -> tuple[Completion, Completion]:
        model = LlamaCpp("starter")
        assert model._server is None  # nothing is started before it is asked
        long = "A tool that keeps notes. " * 60
        try:
            grammar = one_of_these(['say "yes"', "naïve → no", "back\\slash"])
            first = await model.complete(Request(prompt=_prompt(long + "Say a."), max_tokens=24, grammar=grammar))
            second = await model.complete(Request(prompt=_prompt(long + "Say b."), max_tokens=24, grammar=grammar))
            return first, second
        finally:
            await model.close()
            await model.close()

    first, second = asyncio.run(ask())
    assert first.text in ('say "yes"', "naïve → no", "back\\slash")
    assert second.tokens_in is not None
    assert second.tokens_cached is not None
    assert second.tokens_cached > 0.9 * second.tokens_in
    assert first.model == starter.name


@pytest.mark.starter
@pytest.mark.usefixtures("starter")
def test_the_server_is_ours_alone_and_goes_with_the_model() -> None:
    async def ask() -> tuple[str, int, int]:
        model = LlamaCpp("starter")
        await model.complete(Request(prompt=_prompt("Hello"), max_tokens=1))
        address = model._server.listening_address
        request = urllib.request.Request(f"{address}/v1/chat/completions", data=b"{}", method="POST")
        try:
            await asyncio.to_thread(urllib.request.urlopen, request, timeout=10)
            refused = 200
        except urllib.error.HTTPError as error:
            refused = error.code
            error.close()
        await model.close()
        parts = urlsplit(address)
        with socket.socket() as knock:
            return parts.hostname or "", refused, knock.connect_ex(("127.0.0.1", parts.port or 0))

    host, refused, after = asyncio.run(ask())
    assert host == "127.0.0.1"
    assert refused == 401
    assert after != 0


@pytest.mark.starter
@pytest.mark.usefixtures("starter")
def test_a_call_that_is_given_up_stops_being_computed() -> None:
    async def ask() -> float:
        model = LlamaCpp("starter")
        endless = Request(prompt=_prompt("Count."), max_tokens=5000, grammar="root ::= [0-9 ]+")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await model.complete(endless)
        await asyncio.sleep(1)
        before = time.process_time()
        await asyncio.sleep(1)
        idle = time.process_time() - before
        await model.close()
        return idle

    assert asyncio.run(ask()) < 0.5  # processor time of this process, which the server is part of


@pytest.mark.starter
def test_the_probe_is_what_llama_cpp_says_when_asked_directly(starter: Path) -> None:
    persona = load_personas()["builder"]
    folder = load_prompts("small")

    async def ask() -> tuple[float, Prompt]:
        model = LlamaCpp("starter")

        async def direct(step: str, kind: str, prompt: Prompt, *, max_tokens: int | None = None,
                         **options: Any) -> Completion:
            return await model.complete(Request(prompt=prompt, max_tokens=max_tokens or 1, **options))

        chooser = Chooser(direct, folder, LINES, persona)
        try:
            return (await chooser.probe()).p_ship, chooser.probe_prompt
        finally:
            await model.close()

    p_ship, prompt = asyncio.run(ask())
    assert prompt.messages[-1].content == '{"verdict":"'
    assert math.isclose(p_ship, _asked_bare(starter, prompt), abs_tol=1e-3)


def _asked_bare(path: Path, prompt: Prompt) -> float:
    """P(yes) from llama.cpp's own /completion over the raw text of the template, without grammar or our wire."""
    server = start_server(path, 8192, "key")
    marked = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in prompt.messages)
    raw = marked.removesuffix("<|im_end|>\n")
    body = {"prompt": raw, "n_predict": 1, "n_probs": 20, "temperature": 0.0}
    request = urllib.request.Request(f"{server.listening_address}/completion", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json", "Authorization": "Bearer key"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)["completion_probabilities"][0]["top_logprobs"]
    mass = {"yes": 0.0, "no": 0.0}
    for entry in found:
        word = entry["token"].strip().casefold()
        fits = [label for label in mass if word and (label.startswith(word) or word.startswith(label))]
        if len(fits) == 1:
            mass[fits[0]] += math.exp(entry["logprob"])
    return mass["yes"] / (mass["yes"] + mass["no"])


@pytest.mark.starter
@pytest.mark.usefixtures("starter")
def test_the_probe_does_not_depend_on_what_was_asked_before() -> None:
    personas = load_personas()
    folder = load_prompts("small")

    async def ask(seats: list[str]) -> dict[str, float]:
        model = LlamaCpp("starter")

        async def direct(step: str, kind: str, prompt: Prompt, *, max_tokens: int | None = None,
                         **options: Any) -> Completion:
            return await model.complete(Request(prompt=prompt, max_tokens=max_tokens or 1, **options))

        try:
            found = {}
            for seat in seats:
                chooser = Chooser(direct, folder, LINES, personas[seat])
                found[seat] = (await chooser.probe()).p_ship
                await chooser.weigh("between", "It is a map.")
            return found
        finally:
            await model.close()

    one_after_another = asyncio.run(ask(["builder", "futurist", "investor"]))
    backwards = asyncio.run(ask(["investor", "futurist", "builder"]))
    for seat, p_ship in one_after_another.items():
        assert math.isclose(p_ship, backwards[seat], abs_tol=1e-3)


def test_a_pulled_model_is_found_by_name(starter: Path) -> None:
    assert model_path("starter") == starter
    assert word_mass((), ("yes", "no")) == {"yes": 0.0, "no": 0.0}
