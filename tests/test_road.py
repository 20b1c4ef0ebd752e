"""The roads of DESIGN.md section 1 through the command line, with the scripted model and a real store."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from panel.models.scripted import scripted_score
from panel.store import open_store

PERSONAS = ("builder", "competitor_analyst", "futurist", "investor")
TIMELESS = {
    "reviews": "key, tool_id, persona_id, repeat, model, depth, verdict, score, confidence, quote, unscored, "
               "reasked, thin, panel_digest, lines_digest",
    "points": "*", "claims": "*", "flags": "*", "dossiers": "*", "lines": "*",
    "scores": "* EXCLUDE (reviewed_at, run_id)", "seats": "*",
    "briefs": "key, tool_id, description, entry, category",
}


def command(desk: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ship-panel` as a user would, in `desk`."""
    return subprocess.run(
        [sys.executable, "-m", "panel", *words], cwd=desk, capture_output=True, text=True, timeout=600,
        env={**os.environ, **environment},
    )


def tables(runs: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of the store, without what a clock writes."""
    with open_store(runs) as store:
        return {name: sorted(store.execute(f"SELECT {columns} FROM {name}").fetchall(), key=repr)
                for name, columns in TIMELESS.items()}


def known_scores(names: dict[str, str]) -> dict[str, tuple[int, str]]:
    """tool id → ships and outcome, from the scripted rule alone."""
    expected = {}
    for tool_id, name in names.items():
        ships = sum(scripted_score(name, persona) >= 50 for persona in PERSONAS)
        expected[tool_id] = (ships, "split" if ships == 2 else "ship" if ships > 2 else "skip")
    return expected


def names_in(runs: Path) -> dict[str, str]:
    with open_store(runs) as store:
        return dict(store.execute("SELECT tool_id, name FROM dossiers").fetchall())


def shown_scores(runs: Path) -> dict[str, tuple[int, str]]:
    with open_store(runs) as store:
        rows = store.execute("SELECT tool_id, ships, outcome FROM scores").fetchall()
    return {tool_id: (int(ships), outcome) for tool_id, ships, outcome in rows}


@pytest.fixture(scope="module")
def uninterrupted(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 launches x 4, in one go."""
    desk = tmp_path_factory.mktemp("uninterrupted")
    done = command(desk, "review", str(shared_data / "launches.jsonl"), "--model", "scripted", "--depth", "verdict")
    assert done.returncode == 0, done.stderr
    return desk / "runs"


def test_two_thousand_launches_give_the_known_scores(uninterrupted: Path) -> None:
    names = names_in(uninterrupted)
    assert len(names) == 2000
    scores = shown_scores(uninterrupted)
    assert scores == known_scores(names)
    assert {"ship", "skip", "split"} == {outcome for _, outcome in scores.values()}
    with open_store(uninterrupted) as store:
        assert store.execute("SELECT count(*) FROM reviews WHERE verdict IS NOT NULL").fetchall() == [(8000,)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_stopped_half_way_and_resumed_the_store_is_the_same(
    uninterrupted: Path, shared_data: Path, tmp_path: Path, number: int, code: int
) -> None:
    words = ["review", str(shared_data / "launches.jsonl"), "--model", "scripted", "--depth", "verdict"]
    with subprocess.Popen([sys.executable, "-m", "panel", *words], cwd=tmp_path, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        wait_for_reviews(tmp_path / "runs", 3000)
        process.send_signal(number)
        errors = process.communicate(timeout=120)[1]
    assert process.returncode == code, errors
    before = count_reviews(tmp_path / "runs")
    assert 3000 <= before < 8000
    if number != signal.SIGKILL:
        assert "the same command goes on from here" in errors
    done = command(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert tables(tmp_path / "runs") == tables(uninterrupted)
    asked = Counter((line["key"], line["step"]) for line in journal_lines(tmp_path / "runs") if line["t"] == "sent")
    paid_again = sum(times - 1 for times in asked.values())
    assert paid_again <= (256 if number == signal.SIGKILL else 0)


def wait_for_reviews(runs: Path, number: int) -> None:
    deadline = time.monotonic() + 120
    while count_reviews(runs) < number:
        assert time.monotonic() < deadline, "no progress"
        time.sleep(0.02)


def count_reviews(runs: Path) -> int:
    return sum(path.read_bytes().count(b'"t":"review"') for path in runs.glob("*/journal-*.jsonl"))


def journal_lines(runs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(runs.glob("*/journal-*.jsonl"))
            for line in path.read_bytes().splitlines()]


DOSSIER = """\
name: Tidewater
tagline: Copies a folder to another machine over SSH
license: MIT
description: |
  Tidewater is a command line program that copies a folder to another machine over SSH.
  It keeps the last ten versions of each file and writes a log of what it sent.
  It needs Python 3.11 on both sides and takes one configuration file.
  The project has two maintainers and was first released in 2024. There is no hosted version and no price is named.
  A restore is one command, and the log can be checked against the copies with another.
"""


def write_dossier(desk: Path, name: str = "Tidewater") -> Path:
    path = desk / f"{name.lower()}.yaml"
    path.write_text(DOSSIER.replace("Tidewater", name))
    return path


def test_full_depth_shows_everything_and_writes_the_report(desk: Path) -> None:
    write_dossier(desk)
    done = command(desk, "review", "tidewater.yaml", "--model", "scripted")
    assert done.returncode == 0, done.stderr
    assert "Tidewater" in done.stdout
    report = next((desk / "runs").glob("*/report.md")).read_text()
    for words in ("Tidewater", "have not used the tool", "Builder", "Investor", "scripted"):
        assert words in report
    shown = json.loads(command(desk, "show", "tidewater", "--json").stdout)
    assert shown["tool"]["id"] == "tidewater"
    assert len(shown["seats"]) == 4


def test_the_second_run_asks_nothing(desk: Path) -> None:
    write_dossier(desk)
    words = ("review", "tidewater.yaml", "--model", "scripted", "--json")
    first = json.loads(command(desk, *words).stdout)
    second = json.loads(command(desk, *words).stdout)
    assert (first["run"]["totals"]["asked"], first["run"]["totals"]["kept"]) == (5, 0)
    assert (second["run"]["totals"]["asked"], second["run"]["totals"]["kept"]) == (0, 5)
    assert first["tools"] == second["tools"]


def test_more_repeats_ask_only_the_new_takes(desk: Path) -> None:
    write_dossier(desk)
    command(desk, "review", "tidewater.yaml", "--model", "scripted", "--seed", "1")
    done = command(desk, "review", "tidewater.yaml", "--model", "scripted", "--seed", "1", "--repeats", "3", "--json")
    result = json.loads(done.stdout)
    assert (result["run"]["totals"]["asked"], result["run"]["totals"]["kept"]) == (8, 5)
    votes = [scripted_score("Tidewater", persona, 1 + repeat) >= 50 for persona in PERSONAS for repeat in range(3)]
    assert result["tools"][0]["score"]["p_ship_repeats"] == pytest.approx(sum(votes) / 12)


def test_rebuild_gives_the_same_bytes(desk: Path) -> None:
    write_dossier(desk)
    write_dossier(desk, "Breakwater")
    assert command(desk, "compare", "tidewater.yaml", "breakwater.yaml", "--model", "scripted").returncode == 0
    assert command(desk, "export", "before", "--format", "jsonl").returncode == 0
    (desk / "runs" / "panel.duckdb").unlink()
    assert command(desk, "rebuild").returncode == 0
    assert command(desk, "export", "after", "--format", "jsonl").returncode == 0
    before = {path.name: path.read_bytes() for path in (desk / "before").iterdir()}
    assert before == {path.name: path.read_bytes() for path in (desk / "after").iterdir()}
    assert sum(map(len, before.values())) > 10_000


@pytest.mark.parametrize("shown", ["first", "second"])
def test_a_position_biased_model_has_no_stable_preference_on_any_pair(desk: Path, shown: str) -> None:
    names = ["Tidewater", "Breakwater", "Groyne"]
    files = [write_dossier(desk, name).name for name in names]
    for first, second in itertools.permutations(files, 2):
        done = command(desk, "compare", first, second, "--model", f"scripted:prefer={shown}", "--json")
        assert done.returncode == 0, done.stderr
        page = json.loads(done.stdout)
        picks = [(pick["stable"], pick["a_first"] == pick["b_first"]) for pick in page["picks"]]
        assert picks == [(None, False)] * 4
        assert page["overall"]["pick"] is None
    text = command(desk, "compare", *files[:2], "--model", f"scripted:prefer={shown}").stdout
    assert text.count("no stable preference") >= 4


def test_a_fifth_persona_is_a_file_and_a_name(desk: Path) -> None:
    write_dossier(desk)
    assert command(desk, "init").returncode == 0
    text = (desk / "personas" / "builder.yaml").read_text().replace("name: Builder", "name: Archivist")
    text = text.replace("primitive:", "half_life:")
    (desk / "personas" / "archivist.yaml").write_text(text)
    seats = ",".join((*PERSONAS, "archivist"))
    done = command(desk, "review", "tidewater.yaml", "--model", "scripted", "--personas", seats)
    assert done.returncode == 0, done.stderr
    assert "Archivist" in done.stdout
    with open_store(desk / "runs") as store:
        rows = store.execute("SELECT point, text FROM points WHERE persona_id = 'archivist'").fetchall()
        assert "half_life" in {point for point, _ in rows}
        assert store.execute("SELECT seats FROM scores").fetchall() == [(5,)]


def test_rescore_reads_the_kept_answers_again(desk: Path) -> None:
    write_dossier(desk)
    command(desk, "review", "tidewater.yaml", "--model", "scripted")
    before = tables(desk / "runs")
    done = command(desk, "rescore", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["read"], report["changed"]) == (4, 0)
    assert tables(desk / "runs") == before


def test_an_answer_paid_before_a_kill_is_read_and_not_asked_again(desk: Path) -> None:
    write_dossier(desk)
    words = ("review", "tidewater.yaml", "--model", "scripted", "--json")
    command(desk, *words)
    before = tables(desk / "runs")
    journal = next((desk / "runs").glob("*/journal-*.jsonl"))
    kept = [line for line in journal.read_bytes().splitlines(keepends=True) if b'"t":"review"' not in line]
    journal.write_bytes(b"".join(kept))
    (desk / "runs" / "panel.duckdb").unlink()
    again = json.loads(command(desk, *words).stdout)
    assert again["run"]["totals"]["asked"] == 4
    sent = [line for line in journal_lines(desk / "runs") if line["t"] == "sent"]
    assert len(sent) == 5
    assert tables(desk / "runs") == before


def test_the_python_door(desk: Path) -> None:
    import panel

    write_dossier(desk)
    card = panel.review(["tidewater.yaml"], model="scripted")[0]
    ships = sum(scripted_score("Tidewater", persona) >= 50 for persona in PERSONAS)
    assert card.score.ships == ships
    assert card.score.seats == 4
