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
    end_line,
    made_dossier,
    made_end,
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
from panel.store.sorting import BATCH_BYTES


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
    path = segments(runs)[0]
    path.rename(path.with_name("journal-0002.jsonl"))
    load(runs)
    write_run(runs, FIRST, [])
    return "came after later segments of its run"


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


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(4)), cut=st.integers(1, 60))
def test_runs_loaded_in_any_order_give_the_tables_of_a_rebuild(order: list[int], cut: int) -> None:
    """Reviews that replace each other, one of them unscored for want of money, and a panel assigned four times."""
    makings = [kinds(number != 3, "budget", f"2026010{number + 1}T000000-01") for number in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        runs, whole = Path(folder, "runs"), Path(folder, "whole")
        for number in order:
            lines = [*run_lines(makings[number], TOOLS[:2]), end_line(made_end(makings[number]))]
            for line in lines:
                if line["t"] == "review":
                    line["record"]["finished_at"] = f"2026-01-0{4 - number}T00:00:00Z"
            write_run(runs, makings[number], lines, (cut,))
            assert load(runs).rebuilt is None
            write_run(whole, makings[number], lines, (cut,))
        load(whole)
        assert contents(runs) == contents(whole)
        assert rows(runs, "SELECT DISTINCT run_id FROM reviews") == [(makings[0].run_id,)]


def test_an_older_run_that_goes_on_is_added_without_a_rebuild(runs: Path) -> None:
    """As collecting a provider's batch does: sent before a later run, answered after it."""
    later = replace(FIRST, run_id="20260102T000000-01", model="other")
    lines = list(run_lines(FIRST, TOOLS))
    at = next(number for number, line in enumerate(lines) if line["t"] == "answer")
    first, rest = lines[:at], lines[at:]
    write_run(runs, FIRST, [*first, end_line(made_end(FIRST))])
    write_run(runs, later, run_lines(later, TOOLS[:1]))
    load(runs)
    assert rows(runs, "SELECT exit_code, tools_left FROM runs ORDER BY run_id") == [(3, 1), (None, None)]
    path = runs / FIRST.run_id / "journal-0002.jsonl"
    path.write_bytes(b"".join(map(dump_line, [*rest, end_line(made_end(FIRST, exit_code=0, tools_left=0))])))
    report = load(runs)
    assert (report.segments, report.rebuilt) == (1, None)
    assert rows(runs, "SELECT exit_code, tools_left FROM runs ORDER BY run_id") == [(0, 0), (None, None)]
    assert rows(runs, "SELECT count(*) FROM calls WHERE result = 'lost'") == [(0,)]
    added = contents(runs)
    rebuild(runs)
    assert contents(runs) == added


def test_what_a_run_came_to_is_in_its_row(runs: Path) -> None:
    end = made_end(FIRST)
    write_run(runs, FIRST, [*run_lines(FIRST, TOOLS), end_line(end)])
    load(runs)
    columns = ("ended_at", "seconds", "exit_code", "stopped_by", "tools_asked", "tools_done", "tools_left", "kept",
               "scored", "unscored", "reasked", "faults", "cost_usd", "cap_usd")
    assert rows(runs, f"SELECT {', '.join(columns)} FROM runs") == [tuple(getattr(end, name) for name in columns)]
    assert rows(runs, "SELECT estimate_low, estimate_expected, estimate_high, quarantined FROM runs") == [
        (0.25, 0.5, 1.0, [one.model_dump() for one in end.quarantined])]


def test_a_fallback_is_marked_on_what_it_answered(runs: Path) -> None:
    lines = list(run_lines(FIRST, TOOLS[:1]))
    changed = next(line for line in lines if line["t"] == "review")
    changed["record"]["fallback"] = "other"
    write_run(runs, FIRST, lines)
    load(runs)
    assert rows(runs, "SELECT key FROM reviews WHERE fallback = 'other'") == [(changed["key"],)]
    assert rows(runs, "SELECT count(*) FROM reviews WHERE fallback IS NULL") == [(3,)]
    assert rows(runs, "SELECT fallback FROM briefs") == [(None,)]
    with open_store(runs) as connection:
        found = scorecard(connection, TOOLS[0].id).reviews
    assert {review.fallback for review in found} == {None, "other"}


def test_lines_are_loaded_in_any_number_of_batches(runs: Path) -> None:
    """More lines than a batch takes, so that some come in another one than what they belong to."""
    tools = [made_dossier(number, words=9000) for number in range(150)]
    paths = write_run(runs, FIRST, run_lines(FIRST, tools))
    assert sum(path.stat().st_size for path in paths) > BATCH_BYTES
    report = load(runs)
    assert report.reviews == 600
    assert rows(runs, "SELECT count(*), count(DISTINCT key) FROM reviews") == [(600, 600)]
    assert rows(runs, "SELECT count(*) FROM calls WHERE result = 'lost' OR dossier_digest IS NULL") == [(0,)]
    assert rows(runs, "SELECT sum(takes) FROM seats") == [(600,)]
    assert rows(runs, "SELECT sum(lines) FROM loaded")[0][0] == sum(
        path.read_bytes().count(b"\n") for path in paths)


def test_a_line_longer_than_all_memory_set_aside_is_loaded(runs: Path) -> None:
    lines = list(run_lines(FIRST, TOOLS[:1]))
    answer = next(line for line in lines if line["t"] == "answer")
    answer["completion"] = {**answer["completion"], "text": "x" * 70_000_000}
    write_run(runs, FIRST, lines)
    load(runs)
    assert rows(runs, f"SELECT length(text) FROM calls WHERE seq = {answer['seq']}") == [(70_000_000,)]
    assert list(runs.glob(".panel.*")) == []
