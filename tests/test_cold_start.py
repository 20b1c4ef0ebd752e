"""What is imported when: the rule of DESIGN.md section 7. No timing here; bench/cold_start.py measures it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_road import write_dossier

HEAVY = {"litellm", "ray", "xllamacpp", "fastapi", "pyarrow", "matplotlib"}

PROGRAM = """
import json, sys
import {module}
sys.argv = ["ship-panel", *{words}]
try:
    {module}.main()
except SystemExit:
    pass
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def imported(desk: Path, *words: str) -> set[str]:
    code = PROGRAM.format(module="panel.cli", words=list(words))
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_nothing_heavy(desk: Path) -> None:
    found = imported(desk, "--help")
    assert not found & (HEAVY | {"duckdb", "pydantic", "aiohttp", "numpy", "jinja2", "rich"})


@pytest.mark.parametrize("words", [("list",), ("show", "tidewater"), ("personas", "list"), ("doctor",)])
def test_looking_loads_nothing_heavy(desk: Path, words: tuple[str, ...]) -> None:
    write_dossier(desk)
    imported(desk, "review", "tidewater.yaml", "--model", "scripted")
    assert not imported(desk, *words) & HEAVY


def test_a_review_loads_nothing_heavy(desk: Path) -> None:
    write_dossier(desk)
    found = imported(desk, "review", "tidewater.yaml", "--model", "scripted")
    assert "duckdb" in found
    assert not found & HEAVY


WATCHED = """
import sys
from panel.models import caller
from panel import cli, tally
seen = []
add = tally.Tally.add
def watch(self, outcome):
    seen.append("duckdb" in sys.modules)
    return add(self, outcome)
tally.Tally.add = watch
sys.argv = ["ship-panel", "review", "tidewater.yaml", "--model", "scripted", "--quiet"]
try:
    cli.main()
except SystemExit:
    pass
assert seen and not any(seen), seen
"""


def test_duckdb_is_loaded_after_the_first_verdict(desk: Path) -> None:
    write_dossier(desk)
    subprocess.run([sys.executable, "-c", WATCHED], cwd=desk, check=True, capture_output=True)


def test_importing_the_package_reads_and_loads_nothing(tmp_path: Path) -> None:
    code = "import sys; import panel; print(*{name.partition('.')[0] for name in sys.modules}, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert not names & (HEAVY | {"duckdb", "pydantic", "aiohttp", "numpy", "jinja2", "typer"})
    assert {name for name in names if name.startswith("panel")} == {"panel"}
