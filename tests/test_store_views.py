"""Views that say what was made of the flags and who wrote what: support of claims, the list to check, versions."""

from __future__ import annotations

from dataclasses import replace
from itertools import starmap
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from journal_maker import PERSONAS, Making, made_dossier, made_panel, made_review, run_lines, write_run
from store_desk import FIRST, TOOLS, rows

from panel.schema import Flag, digest_of
from panel.store import load, open_store, prompt_of

MAKING = replace(FIRST, unscored=0)
TOOL = TOOLS[0]
LATER = replace(MAKING, run_id="20260102T000000-01")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def write(runs: Path, making: Making, tools: list[Any], change: Any) -> None:
    """A run whose reviews' records are passed through `change(tool_id, persona_id, record)`."""
    lines = list(run_lines(making, tools))
    for line in lines:
        if line["t"] == "review":
            change(line["record"]["tool_id"], line["record"]["persona_id"], line["record"])
    write_run(runs, making, lines)


def flag(kind: str, field: str | None = "claims[1].text", **more: Any) -> dict[str, Any]:
    return Flag(kind=kind, reason=f"it is {kind}", field=field, **more).model_dump(mode="json")


@pytest.mark.parametrize(("flags", "support"), [
    ([], "supported"), ([flag("weak_claim")], "weak"), ([flag("wrong_name")], "weak"),
    *(([flag(kind)], "unsupported") for kind in (
        "wrong_number", "wrong_price", "wrong_date", "wrong_version", "wrong_licence", "missing_line",
        "unsupported_claim")),
    ([flag("weak_claim"), flag("wrong_price")], "unsupported"), ([flag("wrong_name"), flag("weak_claim")], "weak"),
    ([flag("banned_phrase"), flag("outside_knowledge"), flag("invented_experience")], "supported"),
    ([flag("wrong_number", "claims[11].text"), flag("wrong_number", "claims[1]"), flag("wrong_number", "quote"),
      flag("wrong_number", None)], "supported"),
])
def test_a_claim_says_how_its_lines_support_it(runs: Path, flags: list[dict[str, Any]], support: str) -> None:
    """A made review has three claims: on one line, on two, on none."""
    write(runs, MAKING, [TOOL], lambda _, who, record: record.update(flags=flags if who == "builder" else []))
    load(runs)
    found = rows(runs, "SELECT position, support, len(lines) FROM claims WHERE persona_id = 'builder' ORDER BY 1")
    assert found == [(1, "supported", 1), (2, support, 2), (3, None, 0)]
    assert rows(runs, "SELECT DISTINCT support FROM claims WHERE persona_id <> 'builder' ORDER BY 1") == [
        ("supported",), (None,)]


def test_each_claim_has_the_flags_of_its_own_number(runs: Path) -> None:
    flags = [flag("wrong_date", "claims[0].text"), flag("weak_claim", "claims[1].text"),
             flag("outside_knowledge", "claims[2].text")]
    write(runs, MAKING, [TOOL], lambda _, who, record: record.update(flags=flags if who == "investor" else []))
    load(runs)
    found = rows(runs, "SELECT support FROM claims WHERE persona_id = 'investor' ORDER BY position")
    assert found == [("unsupported",), ("weak",), (None,)]


def test_the_list_to_check_has_an_item_once_with_its_places(runs: Path) -> None:
    flags = {
        "builder": [flag("to_check", "quote", text="$20", about="USD:20"),
                    flag("to_check", "because.text", text="20 dollars", about="USD:20"),
                    flag("to_check", "quote", text="Qwen", about="name:qwen"), flag("weak_claim", about="USD:20")],
        "futurist": [flag("to_check", "quote", text="twenty dollars", about="USD:20")],
        "investor": [flag("to_check", "quote", text="42"), flag("outside_knowledge", "quote", text="Acme")],
    }
    write(runs, MAKING, TOOLS[:2], lambda tool, who, record: record.update(
        flags=flags.get(who, []) if tool == TOOL.id else [flag("to_check", text="$20", about="USD:20")]))
    load(runs)
    everyone = sorted(MAKING.personas)
    assert rows(runs, "SELECT * FROM to_check ORDER BY tool_id, about") == [
        (TOOL.id, "42", "42", 1, ["investor"]), (TOOL.id, "USD:20", "$20", 3, ["builder", "futurist"]),
        (TOOL.id, "name:qwen", "Qwen", 1, ["builder"]), (TOOLS[1].id, "USD:20", "$20", 4, everyone)]


def test_the_list_to_check_is_of_the_latest_panel_only(runs: Path) -> None:
    write(runs, MAKING, [TOOL], lambda _, who, record: record.update(flags=[flag("to_check", text="old", about="old")]))
    other = replace(LATER, model="other")
    write(runs, other, [TOOL], lambda _, who, record: record.update(flags=[flag("to_check", text="new", about="new")]))
    load(runs)
    assert rows(runs, "SELECT about, places FROM to_check") == [("new", 4)]
    last = replace(other, run_id="20260103T000000-01")
    write(runs, last, [TOOL], lambda _, who, record: record.update(flags=[]))
    load(runs)
    assert rows(runs, "SELECT count(*) FROM to_check") == [(0,)]


MANY = [made_dossier(number) for number in range(12)]


def counts(making: Making, personas: tuple[str, ...]) -> tuple[Any, ...]:
    reviews = [made_review(making, tool, name) for tool in MANY for name in personas]
    verdicts = [review.verdict for review in reviews if review.verdict is not None]
    ships = sum(verdict.verdict == "ship" for verdict in verdicts)
    return (len(reviews), ships, len(verdicts) - ships, len(reviews) - len(verdicts), ships / len(verdicts),
            fmean(verdict.score for verdict in verdicts))


def test_versions_say_who_wrote_what(runs: Path) -> None:
    """The builder is changed for the second run, the prompts for the third, which another model answers."""
    first = replace(MAKING, unscored=0.2)
    changed = PERSONAS["builder"].model_copy(update={"motto": "name another thing"}).digest
    second = replace(first, run_id="20260102T000000-01", model="second")
    third = replace(first, run_id="20260103T000000-01", model="third", prompts_digest=digest_of("other prompts"))
    expected = {}
    for day, making in enumerate((first, second, third), start=1):
        lines = list(run_lines(making, MANY))
        for line in lines:
            if line["t"] == "review":
                line["record"]["finished_at"] = f"2026-01-0{day}T00:00:00Z"
                if day > 1 and line["record"]["persona_id"] == "builder":
                    line["record"]["persona_digest"] = changed
        write_run(runs, making, lines)
        expected[day] = counts(making, ("builder",))
    load(runs)
    columns = "digest, first_at, last_at, reviews, ships, skips, unscored, ship_rate, mean_score, runs"
    builder = rows(runs, f"SELECT {columns} FROM versions WHERE kind = 'persona' AND id = 'builder' ORDER BY first_at")
    assert [row[:3] for row in builder] == [
        (PERSONAS["builder"].digest, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        (changed, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")]
    assert builder[0][3:] == (*map(pytest.approx, expected[1]), 1)
    assert builder[1][3:7] == tuple(starmap(int.__add__, zip(
        expected[2][:4], expected[3][:4], strict=True)))
    assert builder[1][9] == 2
    prompts = rows(runs, "SELECT id, digest, reviews, runs FROM versions WHERE kind = 'prompts' ORDER BY first_at")
    assert prompts == [("review", first.prompts_digest, 96, 2), ("review", third.prompts_digest, 48, 1)]
    assert rows(runs, "SELECT count(*) FROM versions WHERE kind = 'persona'") == [(5,)]


def test_a_version_without_a_scored_review_has_no_rate(runs: Path) -> None:
    silent = replace(MAKING, unscored=1.0)
    write_run(runs, silent, run_lines(silent, TOOLS))
    load(runs)
    assert rows(runs, "SELECT DISTINCT reviews - unscored, ship_rate, mean_score FROM versions") == [(0, None, None)]
    (runs / silent.run_id / "run.json").unlink()
    (runs / "panel.duckdb").unlink()
    load(runs)
    assert rows(runs, "SELECT id, reviews FROM versions WHERE kind = 'prompts'") == [(None, 12)]


def test_what_a_version_said_can_be_found_again(runs: Path) -> None:
    write_run(runs, MAKING, run_lines(MAKING, TOOLS))
    load(runs)
    records = rows(runs, "SELECT persona_id, record->>'motto' FROM versions JOIN personas ON digest = persona_digest "
                         "WHERE kind = 'persona'")
    assert dict(records) == {name: persona.motto for name, persona in PERSONAS.items()}
    sent = rows(runs, "SELECT DISTINCT messages_digest FROM versions JOIN reviews ON prompts_digest = digest "
                      f"WHERE kind = 'prompts' AND panel_digest = '{made_panel(MAKING).digest}'")
    assert len(sent) == 12
    with open_store(runs) as connection:
        assert all("You review one tool." in prompt_of(connection, digest).messages[0].parts[0] for digest, in sent)
