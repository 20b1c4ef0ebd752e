"""What people state: kept at once, whoever holds `runs/`; in the store with the next load; what holds a panel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_maker import (
    Making,
    made_clearance,
    made_dossier,
    made_panel,
    made_resolution,
    made_review,
    run_lines,
    state_of_each,
    write_run,
)
from store_desk import FIRST, ROOT, TOOLS, contents, rich_store, rows

from panel.errors import StoreError
from panel.journal import mend_tails, segments
from panel.recording import record
from panel.schema import Clearance, ClearedFlag, Flag, Resolution, Review
from panel.schema.scorecard import Held, Scorecard
from panel.statements import state, statement_files
from panel.store import export, load, open_store, rebuild, scorecard

MAKING = replace(FIRST, unscored=0)
TOOL = TOOLS[0]
NUMBER = Flag(kind="wrong_number", reason='number "42" is not on line 3', field="quote", span=(3, 5), text="42")
USED = Flag(kind="invented_experience", reason="speaks as if it had used it", field="quote", text="I ran it")
CLAIM = Flag(kind="missing_line", reason="there is no line 99", field="claims[0].text")
NOTE = Flag(kind="to_check", reason="not in the dossier", field="quote", text="Qwen", about="name:qwen")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def write(runs: Path, making: Making, flags: dict[str, tuple[Flag, ...]], cuts: tuple[int, ...] = ()) -> list[Review]:
    """A run over one tool whose reviews have these flags, persona by persona; the reviews."""
    reviews = [made_review(making, TOOL, name).model_copy(update={"flags": flags.get(name, ())})
               for name in making.personas]
    by_key = {review.key: review.model_dump(mode="json") for review in reviews}
    lines = [line | {"record": by_key[line["key"]]} if line["t"] == "review" else line
             for line in run_lines(making, [TOOL])]
    write_run(runs, making, lines, cuts)
    return reviews


def held(runs: Path) -> list[tuple[Any, ...]]:
    return rows(runs, "SELECT scores.holds, latest.holds FROM latest JOIN scores USING (panel_digest, dossier_digest)")


def card(runs: Path) -> Scorecard:
    with open_store(runs) as connection:
        return scorecard(connection, TOOL.id)


def resolution(number: int = 0) -> Resolution:
    return made_resolution(made_review(MAKING, made_dossier(number), "futurist"))


HOLDER = """
import sys
from pathlib import Path
from panel.journal import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_by_another(runs: Path) -> Iterator[None]:
    """Another process holds `runs/` meanwhile."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(runs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.stdin.close()


def test_a_statement_is_in_the_store_at_once(runs: Path) -> None:
    write(runs, MAKING, {})
    load(runs)
    assert record(runs, [resolution()]) is True
    found = resolution()
    assert rows(runs, 'SELECT prediction, statement, outcome, source, note, "by", "at" FROM resolutions') == [
        tuple(found.model_dump().values())]
    assert rows(runs, "SELECT outcome, resolved_by, resolutions FROM ledger") == [("yes", "an editor", 1)]


def test_a_statement_made_while_another_process_holds_runs_is_kept_and_loaded_next(runs: Path) -> None:
    write(runs, MAKING, {})
    load(runs)
    with held_by_another(runs):
        assert record(runs, [resolution()]) is False
        assert len(statement_files(runs)) == 1
        assert rows(runs, "SELECT count(*) FROM resolutions") == [(0,)]
    report = load(runs)
    assert (report.segments, report.rebuilt) == (1, None)
    assert rows(runs, "SELECT count(*) FROM resolutions") == [(1,)]


def test_statements_need_no_run_and_no_store(runs: Path) -> None:
    assert record(runs / "new", [resolution()]) is True
    assert rows(runs / "new", "SELECT outcome FROM resolutions") == [("yes",)]
    assert rows(runs / "new", "SELECT count(*) FROM runs") == [(0,)]
    assert segments(runs / "new") == mend_tails(runs / "new") == []


STATING = """
import sys
from pathlib import Path
from panel.recording import record
from panel.schema import Resolution
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    record(Path(sys.argv[1]), [Resolution(prediction=f"{sys.argv[2]}-{number}", statement="-", outcome="no", at="-")])
"""


def test_two_processes_state_at_once_and_nothing_is_lost(runs: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", STATING, str(runs), name], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, cwd=ROOT) for name in ("one", "two")]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.communicate("go\n", timeout=120)
        assert process.returncode == 0
    assert load(runs).rebuilt is None
    expected = sorted((f"{name}-{number}",) for name in ("one", "two") for number in range(20))
    assert rows(runs, "SELECT prediction FROM resolutions ORDER BY 1") == expected
    assert rows(runs, "SELECT count(DISTINCT resolution_id) FROM resolutions") == [(40,)]
    assert list((runs / "facts").glob(".*")) == []


def test_a_file_with_an_earlier_name_is_added_without_a_rebuild(runs: Path) -> None:
    """As another process leaves it: named before the load began, renamed into place after the load had looked."""
    write(runs, MAKING, {})
    early, late = state(runs, [resolution(1)]), state(runs, [resolution(2)])
    away = early.rename(runs / "away")
    load(runs)
    assert rows(runs, "SELECT file FROM loaded WHERE run_id = 'facts'") == [(late.name,)]
    away.rename(early)
    report = load(runs)
    assert (report.segments, report.rebuilt) == (1, None)
    assert rows(runs, "SELECT count(*) FROM resolutions") == [(2,)]
    added = contents(runs)
    rebuild(runs)
    assert contents(runs) == added


def test_a_file_that_is_gone_or_changed_is_told_and_all_is_loaded_anew(runs: Path) -> None:
    write(runs, MAKING, {})
    path = state(runs, [resolution(1), resolution(2)])
    load(runs)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert "has changed" in (load(runs).rebuilt or "")
    assert rows(runs, "SELECT count(*) FROM resolutions") == [(1,)]
    path.unlink()
    assert "is gone" in (load(runs).rebuilt or "")
    assert rows(runs, "SELECT count(*) FROM resolutions") == [(0,)]


@pytest.mark.parametrize(("broken", "line"), [
    (lambda lines: [*lines, lines[0][:-20]], 3), (lambda lines: [lines[0], lines[1][:-1]], 2),
    (lambda lines: [lines[0], b"{\n", lines[1]], 2), (lambda lines: [b"\xff\n", *lines], 1),
    (lambda lines: [lines[0], lines[1].replace(b'"outcome":"yes"', b'"outcome":"perhaps"')], 2),
    (lambda lines: [lines[0], b'{"key":"a","t":"resolution"}\n'], 2),
    (lambda lines: [lines[0], b'{"key":"a","t":"resolution","record":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"], 2),
    (lambda lines: [b'{"key":"a","t":"clearance","record":{"tool_id":"a","flags":[]}}\n', *lines], 1),
], ids=["torn", "torn at its end", "half a line", "no text", "another outcome", "no record", "deep", "no flags"])
def test_a_broken_file_is_named_and_the_old_store_stays(runs: Path, broken: Any, line: int) -> None:
    write(runs, MAKING, {})
    load(runs)
    before = contents(runs)
    path = state(runs, [resolution(1), resolution(2)])
    path.write_bytes(b"".join(broken(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(StoreError) as caught:
        load(runs)
    assert str(caught.value) == f"{path}:{line}: not a journal line; move the file away and run `ship-panel rebuild`"
    assert contents(runs) == before
    assert list(runs.glob(".panel.*")) == []


def test_a_clearance_frees_a_held_panel(runs: Path) -> None:
    reviews = write(runs, MAKING, {"builder": (NUMBER, NOTE), "investor": (USED,)})
    load(runs)
    assert held(runs) == [(2, 2)]
    assert card(runs).holds == (Held(key=reviews[0].key, persona_id="builder", flag=NUMBER),
                                Held(key=reviews[3].key, persona_id="investor", flag=USED))
    cleared = made_clearance(reviews)
    assert record(runs, [cleared]) is True
    assert held(runs) == [(0, 0)]
    assert (card(runs).holds, card(runs).held, card(runs).cleared) == ((), False, (cleared,))
    assert rows(runs, "SELECT kind, holds FROM flags ORDER BY kind") == [
        ("invented_experience", True), ("to_check", False), ("wrong_number", True)]
    freed = contents(runs)
    rebuild(runs)
    assert contents(runs) == freed


def test_clearing_some_flags_leaves_the_others_holding(runs: Path) -> None:
    reviews = write(runs, MAKING, {"builder": (NUMBER, CLAIM), "investor": (NUMBER,)})
    load(runs)
    record(runs, [made_clearance(reviews[:1], ("wrong_number",))])
    assert held(runs) == [(2, 2)]
    left = [(one.persona_id, one.flag.kind) for one in card(runs).holds]
    assert left == [("builder", "missing_line"), ("investor", "wrong_number")]
    record(runs, [made_clearance(reviews, ("missing_line",))])
    assert held(runs) == [(1, 1)]
    record(runs, [made_clearance(reviews[1:])])
    assert held(runs) == [(0, 0)]
    assert len(card(runs).cleared) == 3


@pytest.mark.parametrize("other", ["panel_digest", "dossier_digest", "tool_id"])
def test_a_clearance_of_another_panel_frees_nothing(runs: Path, other: str) -> None:
    reviews = write(runs, MAKING, {"builder": (NUMBER,)})
    load(runs)
    record(runs, [made_clearance(reviews).model_copy(update={other: "another"})])
    assert held(runs) == [(1, 1)]
    rebuild(runs)
    assert held(runs) == [(1, 1)]
    assert len(card(runs).holds) == 1
    assert card(runs).cleared == ()


@pytest.mark.parametrize("changed", [
    {"key": "another"}, {"kind": "wrong_price"}, {"field": "because.text"}, {"field": None}, {"text": "43"},
    {"text": None}])
def test_a_flag_that_reads_otherwise_is_not_cleared(runs: Path, changed: dict[str, Any]) -> None:
    reviews = write(runs, MAKING, {"builder": (NUMBER,)})
    load(runs)
    cleared = made_clearance(reviews)
    record(runs, [cleared.model_copy(update={"flags": (cleared.flags[0].model_copy(update=changed),)})])
    assert held(runs) == [(1, 1)]


def test_a_flag_of_no_field_or_words_is_cleared_too(runs: Path) -> None:
    bare = Flag(kind="wrong_verdict_word", reason="it ends on the other word")
    reviews = write(runs, MAKING, {"builder": (bare,)})
    load(runs)
    record(runs, [made_clearance(reviews)])
    assert held(runs) == [(0, 0)]


def test_a_new_run_with_a_new_flag_holds_it_again(runs: Path) -> None:
    """The same panel asked again: what was cleared stays cleared, what is new does not."""
    reviews = write(runs, MAKING, {"builder": (NUMBER,)})
    load(runs)
    record(runs, [made_clearance(reviews)])
    again = replace(MAKING, run_id="20260102T000000-01")
    write(runs, again, {"builder": (NUMBER, USED), "futurist": (NOTE,)})
    load(runs)
    assert held(runs) == [(1, 1)]
    assert [one.flag for one in card(runs).holds] == [USED]
    other = replace(again, run_id="20260103T000000-01", model="other")
    write(runs, other, {"builder": (NUMBER,)})
    load(runs)
    assert rows(runs, "SELECT holds FROM scores ORDER BY run_id") == [(1,), (1,)]
    assert card(runs).panel == made_panel(other)
    assert (len(card(runs).holds), card(runs).cleared) == (1, ())


def test_a_clearance_loaded_before_its_panel_counts(runs: Path) -> None:
    review = made_review(MAKING, TOOL, "builder").model_copy(update={"flags": (NUMBER,)})
    record(runs, [made_clearance([review])])
    write(runs, MAKING, {"builder": (NUMBER,)})
    load(runs)
    assert held(runs) == [(0, 0)]


KINDS = st.sampled_from([NUMBER, USED, CLAIM, NOTE])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flags=st.lists(st.lists(KINDS, max_size=4), min_size=4, max_size=4), passed=st.sets(st.integers(0, 15)),
       late=st.booleans())
def test_what_holds_is_what_was_not_cleared(
    tmp_path_factory: pytest.TempPathFactory, flags: list[list[Flag]], passed: set[int], late: bool,
) -> None:
    """The number of the tables is that of the page, and of a count by hand; in one load or two."""
    runs = tmp_path_factory.mktemp("holds") / "runs"
    given_flags = dict(zip(MAKING.personas, map(tuple, flags), strict=True))
    reviews = write(runs, MAKING, given_flags)
    if late:
        load(runs)
    everything = [(review, flag) for review in reviews for flag in review.flags]
    cleared = [ClearedFlag(key=review.key, kind=flag.kind, field=flag.field, text=flag.text)
               for number, (review, flag) in enumerate(everything) if number in passed]
    if cleared:
        state(runs, [Clearance(tool_id=TOOL.id, dossier_digest=reviews[0].dossier_digest,
                               panel_digest=reviews[0].panel_digest, flags=tuple(cleared), at="2026-01-02")])
    load(runs)
    left = list(dict.fromkeys((review.key, flag) for review, flag in everything if flag.holds and not any(
        (one.key, one.kind, one.field, one.text) == (review.key, flag.kind, flag.field, flag.text) for one in cleared)))
    assert held(runs) == [(len(left), len(left))]
    assert [(one.key, one.flag) for one in card(runs).holds] == left


@pytest.mark.parametrize("since", [FIRST.run_id, "2026-01-01", "2025-12-31T23:00:00-01:00"])
def test_exports_have_the_statements_made_since(tmp_path: Path, since: str) -> None:
    runs = rich_store(tmp_path / "runs")
    early = replace(MAKING, run_id="20250101T000000-01", model="other")
    write_run(runs, early, run_lines(early, TOOLS))
    old = resolution().model_copy(update={"at": "2025-06-01T00:00:00.000Z"})
    record(runs, [old, made_clearance([made_review(early, TOOL, "builder").model_copy(update={"flags": (NUMBER,)})],
                                      at="2025-06-01T00:00:00.000Z")])
    count = rows(runs, "SELECT (SELECT count(*) FROM resolutions), (SELECT count(*) FROM clearances)")[0]
    for name, whole in zip(("resolutions", "clearances"), count, strict=True):
        path, = export(runs, tmp_path / "all", "jsonl", [name])
        assert len(path.read_text().splitlines()) == whole > 1
        path, = export(runs, tmp_path / "since", "jsonl", [name], since)
        kept = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(kept) == whole - 1
        assert min(line["at"] for line in kept) >= "2026"
    path, = export(runs, tmp_path / "since", "jsonl", ["loaded"], since)
    assert '"facts"' in path.read_text()


def test_facts_are_no_run(runs: Path) -> None:
    write(runs, MAKING, {"builder": (NOTE,)})
    state_of_each(runs, MAKING, [TOOL])
    load(runs)
    assert rows(runs, "SELECT DISTINCT run_id FROM runs") == [(MAKING.run_id,)]
    assert {path.parent.name for path in segments(runs)} == {MAKING.run_id}
    for words in (("rebuild",), ("list",), ("export", str(runs / "out"), "--since", MAKING.run_id)):
        ended = subprocess.run([sys.executable, "-m", "panel", *words, "--runs", str(runs)], capture_output=True,
                               text=True, check=False, cwd=ROOT, timeout=60)
        assert ended.returncode == 0, ended.stderr
    ended = subprocess.run([sys.executable, "-m", "panel", "export", str(runs / "out"), "--runs", str(runs), "--since",
                            "facts"], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert (ended.returncode, "no run of that id" in ended.stderr) == (2, True), ended.stderr


@pytest.mark.parametrize("make", [
    lambda path: path.mkdir(), lambda path: os.mkfifo(path), lambda path: path.symlink_to("/etc/hostname"),
], ids=["folder", "pipe", "link"])
def test_what_is_no_file_of_its_own_is_no_statement(runs: Path, make: Callable[[Path], None]) -> None:
    """A pipe would be waited for without end."""
    write(runs, MAKING, {})
    load(runs)
    (runs / "facts").mkdir(exist_ok=True)
    make(runs / "facts" / "facts-00000000T000000000-1-01.jsonl")
    assert rebuild(runs).reviews
    assert record(runs, [made_resolution(made_review(MAKING, TOOL, "futurist"))])
