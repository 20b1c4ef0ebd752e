"""The store on real DuckDB files and real journals: loading, what wins, what is refused, what a page gets back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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

from panel.errors import ConfigError, StoreError
from panel.journal import dump_line, mend_tails, segments
from panel.schema import DossierLines, Review
from panel.scoring import score_panel
from panel.store import (
    comparisons,
    export,
    find_tool,
    leaderboard,
    load,
    open_store,
    prompt_of,
    rebuild,
    run_sql,
    scorecard,
)
from panel.store.manual import tables_manual
from panel.store.tables import TABLES
from panel.store.views import VIEWS

ROOT = Path(__file__).resolve().parents[1]
FIRST = Making()
TOOLS = [made_dossier(number) for number in range(3)]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def contents(runs: Path, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every table as JSON lines."""
    with tempfile.TemporaryDirectory() as folder:
        return {path.stem: path.read_bytes() for path in export(runs, Path(folder), "jsonl")
                if path.stem not in without}


def rows(runs: Path, query: str) -> list[tuple[Any, ...]]:
    return run_sql(runs, query)[1]


def outcome(review: Review) -> dict[str, Any]:
    return {"key": review.key, "t": "review", "record": review.model_dump(mode="json")}


# --- the tables and their page


def test_the_page_of_tables_is_the_one_made_from_the_code() -> None:
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == tables_manual()


def test_every_table_and_view_has_the_columns_and_types_declared(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    with open_store(runs) as connection:
        for table in (*TABLES, *VIEWS):
            found = [row[:2] for row in connection.execute(f'DESCRIBE "{table.name}"').fetchall()]
            declared = [(column.name, connection.execute(
                f"SELECT typeof(NULL::{column.type})").fetchall()[0][0]) for column in table.columns]
            plain = [(name, connection.execute(f"SELECT typeof(NULL::{kind})").fetchall()[0][0])
                     for name, kind in found]
            assert plain == declared, table.name


@pytest.mark.parametrize("table", [*TABLES, *VIEWS], ids=lambda table: table.name)
def test_the_order_of_a_table_is_an_identity_of_its_rows(runs: Path, table: Any) -> None:
    making = replace(FIRST, repeats=2, reasked=0.5)
    write_run(runs, making, [*run_lines(making, TOOLS), *compare_lines(making, (TOOLS[0], TOOLS[1]))])
    load(runs)
    columns = ", ".join(f'"{name}"' for name in table.order)
    assert rows(runs, f'SELECT {columns} FROM "{table.name}" GROUP BY ALL HAVING count(*) > 1') == []
    assert rows(runs, f'SELECT count(*) > 0 FROM "{table.name}"') == [(True,)]


# --- what a page gets back


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
def test_a_tool_that_is_not_there_is_answered_with_the_nearest(runs: Path, text: str, said: str) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    with open_store(runs) as connection, pytest.raises(ConfigError) as caught:
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


# --- loading


@settings(max_examples=12, deadline=None)
@given(cuts=st.sets(st.integers(1, 90), max_size=4), loads=st.lists(st.integers(0, 5), max_size=3))
def test_any_split_into_segments_and_loads_gives_the_same_tables(cuts: set[int], loads: list[int]) -> None:
    making = replace(FIRST, repeats=2, reasked=0.5)
    second = replace(making, run_id="20260102T000000-01", seed=2)
    lines = list(run_lines(making, TOOLS[:2]))
    again = [line for line in run_lines(second, TOOLS[1:]) if line["t"] != "assigned" or TOOLS[1].id != line["tool_id"]]
    with tempfile.TemporaryDirectory() as folder:
        whole, split = Path(folder, "whole"), Path(folder, "split")
        for runs, where in ((whole, ()), (split, tuple(cuts))):
            write_run(runs, making, lines, where)
            write_run(runs, second, again, where)
        load(whole)
        paths = segments(split)
        hidden = [path.rename(path.with_suffix(".later")) for path in paths]
        for count in sorted({*loads, len(hidden)}):
            for path in hidden[:count]:
                if path.exists():
                    path.rename(path.with_suffix(".jsonl"))
            report = load(split)
            assert report.rebuilt is None
        assert contents(split, without=("loaded",)) == contents(whole, without=("loaded",))
        rebuild(split)
        assert contents(split, without=("loaded",)) == contents(whole, without=("loaded",))


def test_a_second_load_adds_nothing_and_does_not_touch_the_file(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    assert load(runs).reviews == 12
    before = (runs / "panel.duckdb").stat()
    report = load(runs)
    assert (report.segments, report.reviews, report.calls, report.rebuilt) == (0, 0, 0, None)
    after = (runs / "panel.duckdb").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_segment_still_written_is_left(runs: Path) -> None:
    lines = list(run_lines(FIRST, TOOLS))
    paths = write_run(runs, FIRST, lines, cuts=(40,))
    assert load(runs, leave=paths[1]).segments == 1
    partly = rows(runs, "SELECT count(*) FROM reviews")[0][0]
    assert 0 < partly < 12
    assert load(runs).segments == 1
    assert rows(runs, "SELECT count(*) FROM reviews") == [(12,)]


def test_no_journal_gives_no_store_and_an_empty_segment_an_empty_one(runs: Path) -> None:
    assert load(runs).segments == 0
    with pytest.raises(ConfigError, match="review something first"), open_store(runs):
        pass
    write_run(runs, FIRST, [])
    assert load(runs).segments == 1
    assert rows(runs, "SELECT count(*) FROM reviews") == [(0,)]


@settings(max_examples=8, deadline=None)
@given(share=st.floats(0.001, 0.999))
def test_a_tail_torn_by_a_kill_is_left_out(share: float) -> None:
    lines = list(run_lines(FIRST, TOOLS[:1]))
    with tempfile.TemporaryDirectory() as folder:
        whole, torn = Path(folder, "whole"), Path(folder, "torn")
        write_run(whole, FIRST, lines[:-1])
        path = write_run(torn, FIRST, lines[:-1])[0]
        tail = dump_line(lines[-1])[:-1]
        with path.open("ab") as file:
            file.write(tail[:max(1, int(share * len(tail)))])
        load(whole)
        load(torn)
        assert contents(torn) == contents(whole)
        assert mend_tails(torn) == [path]
        assert load(torn).segments == 0


@pytest.mark.parametrize("broken", [b'{"key":"a","t":"review",\n', b"\xff\xfe\n", b'{"no":"key"}\n', b"[1]\n", b"7\n"])
def test_a_broken_line_is_named_and_the_old_store_stays(runs: Path, broken: bytes) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = contents(runs)
    second = replace(FIRST, run_id="20260102T000000-01")
    path = write_run(runs, second, run_lines(second, TOOLS))[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], broken, *lines[5:]]))
    with pytest.raises(StoreError) as caught:
        load(runs)
    assert f"{path}:6: " in str(caught.value)
    assert contents(runs) == before
    assert list(runs.glob(".panel.*")) == []


def test_a_broken_run_json_is_named(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    path = runs / FIRST.run_id / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "panel": {}}))
    with pytest.raises(StoreError) as caught:
        load(runs)
    assert str(caught.value).startswith(f"{path}: panel.seats: ")


def test_lone_surrogates_and_nul_in_an_answer_are_loaded(runs: Path) -> None:
    lines = list(run_lines(FIRST, TOOLS[:1]))
    answer = next(line for line in lines if line["t"] == "answer")
    answer["completion"] = {**answer["completion"], "text": "a\ud800b\x00c \U0001f600"}
    write_run(runs, FIRST, lines)
    load(runs)
    assert rows(runs, f"SELECT text FROM calls WHERE seq = {answer['seq']}") == [("a\ufffdb\x00c \U0001f600",)]


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    runs = tmp_path / "it's [a] *run* %20#"
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    decoy = tmp_path / "it's a Xrun* %20#"
    write_run(decoy, FIRST, run_lines(FIRST, TOOLS))
    assert load(runs).reviews == 12
    assert rows(runs, "SELECT count(*) FROM reviews") == [(12,)]


def test_the_one_character_a_folder_must_not_have_is_named(tmp_path: Path) -> None:
    write_run(tmp_path / "run?", FIRST, run_lines(FIRST, TOOLS))
    with pytest.raises(StoreError, match=r"a folder with a \? in its name"):
        load(tmp_path / "run?")


# --- what wins


def kinds(scored: float, kind: str, run_id: str) -> Making:
    return replace(FIRST, run_id=run_id, unscored=1 - scored, unscored_kind=kind, briefs=False)


@pytest.mark.parametrize(("first", "second", "kept"), [
    ((0, "unavailable"), (1, ""), 2), ((1, ""), (0, "unavailable"), 1), ((0, "budget"), (0, "unavailable"), 2),
    ((1, ""), (1, ""), 2), ((1, ""), (0, "unreadable"), 2), ((0, "unreadable"), (0, "budget"), 1),
])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_last_that_is_done_wins_else_the_last(
    runs: Path, first: tuple[float, str], second: tuple[float, str], kept: int, at_once: bool,
) -> None:
    makings = [kinds(first[0], first[1] or "unreadable", "20260101T000000-01"),
               kinds(second[0], second[1] or "unreadable", "20260102T000000-01")]
    for making in makings:
        write_run(runs, making, run_lines(making, TOOLS[:1]))
        if not at_once:
            load(runs)
    load(runs)
    assert rows(runs, "SELECT DISTINCT run_id FROM reviews") == [(makings[kept - 1].run_id,)]
    with open_store(runs) as connection:
        expected = tuple(made_review(makings[kept - 1], TOOLS[0], name) for name in PERSONAS)
        card = scorecard(connection, TOOLS[0].id)
        assert card.reviews == expected
        assert card.score == score_panel(expected, seats=4)


def test_the_same_holds_within_one_segment(runs: Path) -> None:
    done, failed = kinds(1, "", FIRST.run_id), kinds(0, "unavailable", FIRST.run_id)
    lines = list(run_lines(done, TOOLS[:1]))
    extra = [outcome(made_review(failed, TOOLS[0], name)) for name in PERSONAS]
    write_run(runs, done, [*extra, *lines, *extra])
    load(runs)
    assert rows(runs, "SELECT count(*), count(verdict) FROM reviews") == [(4, 4)]


def test_a_review_of_one_panel_serves_another(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS[:1]))
    duo = replace(FIRST, run_id="20260102T000000-01", personas=("builder", "investor"))
    kept = [line for line in run_lines(duo, TOOLS[:1]) if line["t"] in ("dossier", "lines", "assigned")]
    write_run(runs, duo, kept)
    load(runs)
    expected = tuple(made_review(FIRST, TOOLS[0], name) for name in duo.personas)
    with open_store(runs) as connection:
        card = scorecard(connection, TOOLS[0].id)
    assert card.reviews == expected
    assert card.score.panel_digest == made_panel(duo).digest
    assert card.score.seats == 2
    assert card.score.model_copy(update={"panel_digest": made_panel(FIRST).digest}) == score_panel(expected, seats=2)


def test_a_call_without_an_answer_is_lost_until_its_answer_is_loaded(runs: Path) -> None:
    lines = list(run_lines(FIRST, TOOLS[:1]))
    at = next(number for number, line in enumerate(lines) if line["t"] == "answer")
    paths = write_run(runs, FIRST, lines, cuts=(at,))
    load(runs, leave=paths[1])
    assert rows(runs, "SELECT result, text, tokens_out, cost_usd FROM calls") == [("lost", None, None, None)]
    load(runs)
    split = contents(runs, without=("loaded",))
    assert rows(runs, "SELECT count(*) FROM calls WHERE result = 'lost'") == [(0,)]
    path = paths[0]
    path.write_bytes(path.read_bytes() + paths[1].read_bytes())
    paths[1].unlink()
    rebuild(runs)
    assert contents(runs, without=("loaded",)) == split


def test_a_call_knows_its_dossier_panel_and_persona(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS[:1]))
    load(runs)
    found = rows(runs, "SELECT DISTINCT dossier_digest, lines_digest, panel_digest, prompts_digest FROM calls")
    assert found == [(TOOLS[0].digest, made_lines(TOOLS[0]).digest, made_panel(FIRST).digest, FIRST.prompts_digest)]
    personas = rows(runs, "SELECT DISTINCT persona_id, persona_digest FROM calls WHERE persona_id IS NOT NULL")
    assert dict(personas) == {name: persona.digest for name, persona in PERSONAS.items()}


def test_a_prompt_and_its_parts_are_kept_once_over_runs(runs: Path) -> None:
    for number in (1, 2):
        making = replace(FIRST, run_id=f"2026010{number}T000000-01")
        write_run(runs, making, run_lines(making, TOOLS))
        load(runs)
    assert rows(runs, "SELECT count(*) - count(DISTINCT part_digest) FROM message_parts") == [(0,)]
    assert rows(runs, "SELECT count(*) - count(DISTINCT messages_digest), count(*) FROM prompts") == [(0, 12)]
    assert rows(runs, "SELECT count(*) FROM dossiers") == [(3,)]
    assert rows(runs, "SELECT count(*) FROM runs") == [(2,)]


# --- when the journals no longer agree with the store


def spoil_gone(runs: Path) -> str:
    segments(runs)[0].unlink()
    return "is gone"


def spoil_changed(runs: Path) -> str:
    path = segments(runs)[0]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    return "has changed"


def spoil_order(runs: Path) -> str:
    early = replace(FIRST, run_id="20250101T000000-01", seed=5)
    write_run(runs, early, run_lines(early, TOOLS))
    return "came after later segments"


@pytest.mark.parametrize("spoil", [spoil_gone, spoil_changed, spoil_order])
def test_a_store_the_journals_disagree_with_is_made_anew(runs: Path, spoil: Any) -> None:
    for number in (1, 2):
        making = replace(FIRST, run_id=f"2026010{number}T000000-01")
        write_run(runs, making, run_lines(making, TOOLS))
    load(runs)
    why = spoil(runs)
    report = load(runs)
    assert why in (report.rebuilt or "")
    found = contents(runs)
    rebuild(runs)
    assert contents(runs) == found


# --- refusals


def set_version(runs: Path, version: int) -> None:
    with duckdb.connect(str(runs / "panel.duckdb")) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'tables_version'", [str(version)])
        connection.execute("UPDATE meta SET value = '9.9.9' WHERE name = 'program_version'")


def test_a_newer_store_is_refused_and_not_touched(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    set_version(runs, 99)
    before = (runs / "panel.duckdb").read_bytes()
    second = replace(FIRST, run_id="20260102T000000-01")
    write_run(runs, second, run_lines(second, TOOLS))
    with pytest.raises(StoreError, match=r"ship-panel 9\.9\.9 \(tables version 99"):
        load(runs)
    with pytest.raises(StoreError, match=r"ship-panel 9\.9\.9"), open_store(runs):
        pass
    assert (runs / "panel.duckdb").read_bytes() == before


def test_an_older_store_is_made_anew(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = contents(runs)
    set_version(runs, 0)
    with pytest.raises(StoreError, match="run `ship-panel rebuild`"), open_store(runs):
        pass
    assert load(runs).rebuilt == "the tables are of an older version"
    assert contents(runs) == before


@pytest.mark.parametrize("content", [b"", b"junk" * 5000, b"\x00" * 20000])
def test_a_file_that_is_no_database_is_named_and_rebuild_heals_it(runs: Path, content: bytes) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = contents(runs)
    (runs / "panel.duckdb").write_bytes(content)
    with pytest.raises(StoreError, match="ship-panel rebuild"):
        load(runs)
    with pytest.raises(StoreError, match="ship-panel rebuild"), open_store(runs):
        pass
    rebuild(runs)
    assert contents(runs) == before


def test_somebody_elses_database_is_refused(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    with duckdb.connect(str(runs / "panel.duckdb")) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    with pytest.raises(StoreError, match="not a store of ship-panel"):
        load(runs)


def test_a_store_open_for_writing_elsewhere_is_said_in_one_line(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    script = ("import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE TABLE held (i INT)'); "
              "print('held', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", script, str(runs / "panel.duckdb")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=rf"open for writing elsewhere: .*PID {holder.pid}") as caught, \
                open_store(runs):
            pass
        assert "\n" not in str(caught.value)
        holder.communicate("")


def test_readers_never_meet_the_writer(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    seen: list[int] = []
    failed: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                with open_store(runs) as connection:
                    seen.append(connection.execute("SELECT count(*) FROM runs").fetchall()[0][0])
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with open_store(runs) as old:
        for number in range(2, 6):
            making = replace(FIRST, run_id=f"2026010{number}T000000-01")
            write_run(runs, making, run_lines(making, TOOLS))
            load(runs)
            with open_store(runs) as connection:
                assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(number,)]
        assert old.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]
    stop.set()
    for reader in readers:
        reader.join()
    assert failed == []
    assert set(seen) <= {1, 2, 3, 4, 5}


def test_what_a_killed_loader_left_is_removed(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    (runs / ".panel.1.tmp").write_bytes(b"half")
    (runs / ".panel.1.spill").mkdir()
    (runs / ".panel.1.spill" / "block").write_bytes(b"x")
    (runs / "panel.duckdb.wal").write_bytes(b"of another file")
    load(runs)
    assert list(runs.glob(".panel.*")) == []
    assert rows(runs, "SELECT count(*) FROM reviews") == [(12,)]


FULL_DISK = """
import resource, sys
from pathlib import Path
from panel.errors import StoreError
from panel.store import load, rebuild
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    {"load": load, "rebuild": rebuild}[sys.argv[3]](Path(sys.argv[1]))
except StoreError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("limit", [4_000, 40_000, 400_000, 1_500_000])
@pytest.mark.parametrize("what", ["load", "rebuild"])
def test_a_full_disk_leaves_the_old_store(runs: Path, limit: int, what: str) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = (runs / "panel.duckdb").read_bytes()
    second = replace(FIRST, run_id="20260102T000000-01")
    write_run(runs, second, run_lines(second, [made_dossier(number) for number in range(60)]))
    ended = subprocess.run([sys.executable, "-c", FULL_DISK, str(runs), str(limit), what], capture_output=True,
                           text=True, check=False, cwd=ROOT)
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "is full" in ended.stdout
    assert ended.stdout.count("\n") == 1
    assert (runs / "panel.duckdb").read_bytes() == before
    assert list(runs.glob(".panel.*")) == []
    load(runs)
    assert rows(runs, "SELECT count(*) FROM runs") == [(2,)]


# --- the owner's SQL


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n")
    yield path
    assert path.read_text() == "a\n1\n"


@pytest.mark.parametrize("query", [
    "SELECT * FROM read_csv('{secret}')", "SELECT * FROM '{secret}'", "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM glob('/*')", "COPY reviews TO '{out}'", "EXPORT DATABASE '{out}'", "ATTACH '{out}'",
    "ATTACH '{store}' AS again", "SET enable_external_access = true", "SET threads = 1", "PRAGMA threads = 1",
    "RESET memory_limit", "INSTALL httpfs", "LOAD '{secret}'", "SELECT * FROM a_frame", "DELETE FROM reviews",
    "CREATE TABLE reviews2 AS SELECT 1", "DROP TABLE reviews", "UPDATE meta SET value = '1'", "INSERT INTO meta SELECT 1, 2",
    "SELECT * FROM read_json('http://127.0.0.1/')", "SELECT nope FROM reviews", "SELEC 1", "SELECT getenv('HOME')",
])
def test_sql_reads_the_store_and_nothing_else(runs: Path, tmp_path: Path, secret: Path, query: str) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS[:1]))
    load(runs)
    before = sorted(os.listdir(tmp_path)), (runs / "panel.duckdb").read_bytes()
    a_frame = {"x": [1]}
    with pytest.raises(ConfigError) as caught:
        run_sql(runs, query.format(secret=secret, out=tmp_path / "out", store=runs / "panel.duckdb"))
    assert str(caught.value).startswith("sql: ")
    assert "\n" not in str(caught.value)
    assert (sorted(os.listdir(tmp_path)), (runs / "panel.duckdb").read_bytes()) == before
    assert a_frame == {"x": [1]}


def test_sql_gives_columns_and_rows(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    columns, found = run_sql(runs, "SELECT persona_id, count(*) AS n FROM long GROUP BY 1 ORDER BY 1")
    assert columns == ["persona_id", "n"]
    assert found == [(name, 3) for name in sorted(PERSONAS)]


def test_lines_of_a_store_are_the_records_they_were(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    found = rows(runs, "SELECT lines_digest, number, text FROM lines ORDER BY lines_digest, number")
    sets: list[DossierLines] = sorted((made_lines(tool) for tool in TOOLS), key=lambda lines: lines.digest)
    assert found == [(lines.digest, line.number, line.text) for lines in sets for line in lines.lines]
