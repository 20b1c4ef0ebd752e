"""A real llama.cpp HTTP server on loopback, reached as any server is: over `openai_http` and over litellm."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import need
from test_road import command, write_dossier

from panel.errors import ConfigError
from panel.models.registry import pull
from panel.store import open_store

pytestmark = pytest.mark.starter
KEY = "sk-loopback-0123456789abcdef"

SERVE = """
import sys
from pathlib import Path
from panel.models.llama_cpp import start_server
server = start_server(Path(sys.argv[1]), 8192, sys.argv[2])
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server in a process of its own, with the starter's weights."""
    need(importlib.util.find_spec("xllamacpp") is not None, "xllamacpp is not installed")
    try:
        path = pull("starter")
    except ConfigError as error:
        need(False, f"the starter cannot be had: {error}")
        raise
    with subprocess.Popen([sys.executable, "-c", SERVE, str(path), KEY], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def use_server(desk: Path, address: str, wire: str, rung: str = 'rung = "fields"\n') -> dict[str, str]:
    """Write a panel.toml whose model `house` is the server over `wire`; returns the environment it needs.

    The weights are small: they are asked one field at a time, as the starter is.
    """
    model = f"{address}/v1#starter" if wire == "openai_http" else "litellm/openai/starter"
    (desk / "panel.toml").write_text(f'max_in_flight = 1\n[models.house]\nmodel = "{model}"\n{rung}')
    if wire == "openai_http":
        return {"SHIP_PANEL_API_KEY": KEY}
    return {"OPENAI_API_KEY": KEY, "OPENAI_API_BASE": f"{address}/v1"}


def reviewed(desk: Path, address: str, wire: str, *dossiers: str) -> list[tuple[str, str, int]]:
    """tool, persona, score of every review after the command; all must be scored."""
    environment = use_server(desk, address, wire)
    done = command(desk, "review", *dossiers, "--model", "house", "--quiet", **environment)
    assert done.returncode == 0, done.stderr
    with open_store(desk / "runs") as store:
        rows = store.execute("SELECT tool_id, persona_id, score FROM reviews ORDER BY ALL").fetchall()
        assert store.execute("SELECT count(*) FROM reviews WHERE verdict IS NULL").fetchall() == [(0,)]
        calls = store.execute("SELECT count(*), count(*) FILTER (result = 'ok') FROM calls").fetchall()[0]
    assert calls[0] == calls[1] > 4 * len(dossiers)
    return rows


@pytest.mark.parametrize("wire", ["openai_http", "litellm"])
def test_one_short_dossier_passes_through_each_wire(desk: Path, address: str, wire: str) -> None:
    rows = reviewed(desk, address, wire, write_dossier(desk).name)
    assert len(rows) == 4


@pytest.mark.parametrize("wire", ["openai_http", "litellm"])
def test_the_server_is_found_to_enforce_a_schema(desk: Path, address: str, wire: str) -> None:
    environment = use_server(desk, address, wire, rung="")
    done = command(desk, "models", "check", "house", "--json", **environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["reachable"], report["rung"]) == (True, "json_schema")
    if wire == "openai_http":
        assert (report["logprobs"], report["counts_tokens"], report["counts_cached"]) == (True, True, True)
    assert KEY not in done.stdout + done.stderr


@pytest.mark.proof
@pytest.mark.parametrize("wire", ["openai_http", "litellm"])
def test_all_real_dossiers_pass_through_each_wire(desk: Path, address: str, shared_data: Path, wire: str) -> None:
    rows = reviewed(desk, address, wire, str(shared_data / "dossiers"))
    assert len(rows) == 88
