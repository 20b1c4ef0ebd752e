"""What a page gets back from the store: the records that were journalled, rankings, the nearest tool."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journal_maker import (
    PERSONAS,
    Making,
    compare_lines,
    made_comparison,
    made_dossier,
    made_lines,
    made_panel,
    made_review,
    run_lines,
    write_run,
)
from store_desk import FIRST, ROOT, TOOLS, rich_store, rows

from panel.errors import ConfigError
from panel.schema import DossierLines
from panel.scoring import score_panel
from panel.store import (
    comparisons,
    find_tool,
    leaderboard,
    load,
    open_store,
    prompt_of,
    scorecard,
)
from panel.store.manual import tables_manual
from panel.store.tables import TABLES
from panel.store.views import VIEWS


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_store(tmp_path_factory.mktemp("loaded") / "runs")


def test_the_page_of_tables_is_the_one_made_from_the_code() -> None:
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == tables_manual()


def test_every_table_and_view_has_the_columns_and_types_declared(loaded: Path) -> None:
    with open_store(loaded) as connection:
        for table in (*TABLES, *VIEWS):
            found = [row[:2] for row in connection.execute(f'DESCRIBE "{table.name}"').fetchall()]
            declared = [(column.name, connection.execute(
                f"SELECT typeof(NULL::{column.type})").fetchall()[0][0]) for column in table.columns]
            plain = [(name, connection.execute(f"SELECT typeof(NULL::{kind})").fetchall()[0][0])
                     for name, kind in found]
            assert plain == declared, table.name


@pytest.mark.parametrize("table", [*TABLES, *VIEWS], ids=lambda table: table.name)
def test_the_order_of_a_table_is_an_identity_of_its_rows(loaded: Path, table: Any) -> None:
    columns = ", ".join(f'"{name}"' for name in table.order)
    assert rows(loaded, f'SELECT {columns} FROM "{table.name}" GROUP BY ALL HAVING count(*) > 1') == []
    assert rows(loaded, f'SELECT count(*) > 0 FROM "{table.name}"') == [(True,)]


@pytest.mark.parametrize("making", [FIRST, replace(FIRST, repeats=3, unscored=0.4),
                                    replace(FIRST, depth="verdict", probes=False)])
def test_a_scorecard_gives_back_what_was_journalled(runs: Path, making: Making) -> None:
    write_run(runs, making, run_lines(making, TOOLS))
    load(runs)
    with open_store(runs) as connection:
        for tool in TOOLS:
            card = scorecard(connection, tool.id)
            expected = tuple(made_review(making, tool, name, repeat)
                             for name in making.personas for repeat in range(making.repeats))
            assert card.reviews == expected
            assert card.dossier == tool
            assert card.dossier.digest == tool.digest
            assert card.lines == made_lines(tool)
            assert card.panel == made_panel(making)
            assert card.personas == tuple(PERSONAS.values())
            assert card.score == score_panel(expected, seats=4)
            assert card.captions == ("made by a test, not by a model",)
            assert card.runs == (making.run_id,)
            assert card.reviewed_at == "2026-01-01T00:00:09Z"
            assert (card.brief is not None) == (making.depth == "full")


def test_points_keep_the_order_of_the_persona(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    with open_store(runs) as connection:
        for review in scorecard(connection, TOOLS[0].id).reviews:
            if review.verdict:
                assert list(review.verdict.points) == list(PERSONAS[review.persona_id].points)


def test_the_messages_sent_come_back_whole(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    with open_store(runs) as connection:
        digest = scorecard(connection, TOOLS[0].id).reviews[0].messages_digest
        assert digest is not None
        prompt = prompt_of(connection, digest)
        assert [message.role for message in prompt.messages] == ["system", "user"]
        assert TOOLS[0].name in prompt.messages[1].content
        with pytest.raises(ConfigError, match="no messages"):
            prompt_of(connection, "nope")


def test_comparisons_come_back_in_both_orders_under_the_newest_panel(runs: Path) -> None:
    pair = (TOOLS[0], TOOLS[1])
    older = replace(FIRST, prompts_digest="0" * 32, model="other")
    newer = replace(FIRST, run_id="20260102T000000-01")
    write_run(runs, older, [*run_lines(older, TOOLS), *compare_lines(older, pair)])
    lines = list(compare_lines(newer, pair))
    for line in lines:
        line["record"]["finished_at"] = "2026-01-02T00:00:00Z"
    write_run(runs, newer, lines)
    load(runs)
    expected = [made_comparison(newer, order, name).model_copy(update={"finished_at": "2026-01-02T00:00:00Z"})
                for order in (pair, pair[::-1]) for name in newer.personas]
    with open_store(runs) as connection:
        found = comparisons(connection, TOOLS[1].id, TOOLS[0].id)
        assert sorted(found, key=lambda one: one.key) == sorted(expected, key=lambda one: one.key)
        older_ones = comparisons(connection, TOOLS[0].id, TOOLS[1].id, made_panel(older).digest)
        assert {one.model for one in older_ones} == {"other"}
        assert len(older_ones) == 8
        assert comparisons(connection, TOOLS[0].id, TOOLS[2].id) == ()


def test_the_leaderboard_filters_and_sorts(runs: Path) -> None:
    tools = [made_dossier(number) for number in range(40)]
    write_run(runs, FIRST, run_lines(FIRST, tools))
    load(runs)
    with open_store(runs) as connection:
        everything = leaderboard(connection)
        assert {row.score.tool_id for row in everything} == {tool.id for tool in tools}
        rates = [row.score.ship_rate for row in everything if row.score.ship_rate is not None]
        assert rates == sorted(rates, reverse=True)
        assert [row.name for row in leaderboard(connection, sort="name", limit=2)] == ["Tool 0", "Tool 1"]
        ships = leaderboard(connection, outcome="ship")
        assert ships
        assert {row.score.outcome for row in ships} == {"ship"}
        assert {row.category for row in leaderboard(connection, category="data")} == {"Data"}
        assert [row.score.tool_id for row in leaderboard(connection, search="TOOL-000007")] == ["tool-000007"]
        assert leaderboard(connection, model="nobody") == []
        assert len(leaderboard(connection, model="scripted", depth="full")) == 40
        assert leaderboard(connection, search="100%_") == []
        for bad in ({"sort": "stars"}, {"outcome": "maybe"}):
            with pytest.raises(ConfigError, match="must be one of"):
                leaderboard(connection, **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "found"), [
    ("tool-000001", "tool-000001"), ("TOOL-000001", "tool-000001"), ("tool 2", "tool-000002"),
    ("tool-00001", "tool-000010"), ("Tool 11", "tool-000011"),
])
def test_a_tool_is_found(runs: Path, text: str, found: str) -> None:
    write_run(runs, FIRST, run_lines(FIRST, [made_dossier(number) for number in (1, 2, 10, 11)][:3]
                                     if text == "tool-00001" else [made_dossier(number) for number in (1, 2, 11)]))
    load(runs)
    with open_store(runs) as connection:
        assert find_tool(connection, text) == found


@pytest.mark.parametrize(("text", "said"), [
    ("tool-", "beginning of several tools: tool-000000, tool-000001, tool-000002"),
    ("tol-000001", "no tool 'tol-000001'; did you mean tool-000001"),
    ("zzz", "no tool 'zzz' in the store"),
    ("%", "no tool '%' in the store"),
])
def test_a_tool_that_is_not_there_is_answered_with_the_nearest(loaded: Path, text: str, said: str) -> None:
    with open_store(loaded) as connection, pytest.raises(ConfigError) as caught:
        find_tool(connection, text)
    assert said in str(caught.value)


def test_a_score_is_kept_for_each_dossier_and_panel(runs: Path) -> None:
    edited = TOOLS[0].model_copy(update={"tagline": "now with a price"})
    other = replace(FIRST, run_id="20260102T000000-01", model="other")
    triage = replace(FIRST, run_id="20260103T000000-01", depth="verdict")
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    write_run(runs, other, run_lines(other, [edited]))
    write_run(runs, triage, run_lines(triage, [TOOLS[0], TOOLS[1]]))
    load(runs)
    assert rows(runs, "SELECT count(*), count(DISTINCT dossier_digest) FROM scores") == [(6, 4)]
    with open_store(runs) as connection:
        latest = scorecard(connection, TOOLS[0].id)
        assert latest.dossier.tagline == "now with a price"  # the newest at full depth, not the newer triage
        first = scorecard(connection, TOOLS[0].id, made_panel(FIRST).digest[:10])
        assert first.dossier == TOOLS[0]
        with pytest.raises(ConfigError, match="no score under a panel 'beef'"):
            scorecard(connection, TOOLS[0].id, "beef")
        with pytest.raises(ConfigError, match="beginning of several"):
            scorecard(connection, TOOLS[0].id, "")
        with pytest.raises(ConfigError, match="no tool 'nobody'"):
            scorecard(connection, "nobody")


def test_lines_of_a_store_are_the_records_they_were(loaded: Path) -> None:
    found = rows(loaded, "SELECT lines_digest, number, text FROM lines ORDER BY lines_digest, number")
    sets: list[DossierLines] = sorted((made_lines(tool) for tool in TOOLS), key=lambda lines: lines.digest)
    assert found == [(lines.digest, line.number, line.text) for lines in sets for line in lines.lines]
