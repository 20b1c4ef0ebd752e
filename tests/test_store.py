"""Journals into the store, on real DuckDB files: any split, torn tails, what wins, when all is made anew."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_maker import (
    PERSONAS,
    Making,
    made_lines,
    made_panel,
    made_review,
    run_lines,
    write_run,
)
from store_desk import FIRST, RICH, TOOLS, contents, rows

from panel.errors import ConfigError, StoreError
from panel.journal import dump_line, mend_tails, segments
from panel.schema import Review
from panel.scoring import score_panel
from panel.store import (
    load,
    open_store,
    rebuild,
    scorecard,
)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def outcome(review: Review) -> dict[str, Any]:
    return {"key": review.key, "t": "review", "record": review.model_dump(mode="json")}


@settings(max_examples=6, deadline=None)
@given(cuts=st.sets(st.integers(1, 90), max_size=4), loads=st.lists(st.integers(0, 5), max_size=3))
def test_any_split_into_segments_and_loads_gives_the_same_tables(cuts: set[int], loads: list[int]) -> None:
    making = RICH
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


@settings(max_examples=5, deadline=None)
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
