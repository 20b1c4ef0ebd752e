"""runs/latest, a persona's record, and the commands that show and export a part: what dashboards and editors read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
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
from store_desk import FIRST, ROOT, TOOLS, rows

from panel.errors import ConfigError, StoreError
from panel.schema import Review
from panel.scoring import score_panel
from panel.store import export, leaderboard, load, open_store, persona_record, scorecard, write_latest
from panel.store.run_scores import run_leaderboard

parquet = pytest.importorskip("pyarrow.parquet")
TOOL_COLUMNS = [
    "tool_id", "name", "version", "category", "url", "outcome", "ships", "skips", "unscored", "seats", "ship_rate",
    "mean_score", "score_range", "p_ship_probe", "p_ship_repeats", "because_ship", "because_skip", "entry", "price",
    "evidence", "held", "unfinished", "cost_usd", "model", "panel_digest", "run_id", "reviewed_at",
]
MANY = [made_dossier(number) for number in range(30)]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def table(runs: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read_table(runs / "latest" / f"{name}.parquet").to_pylist()
    return found


def reviews_of(making: Making, tool: Any) -> list[Review]:
    return [made_review(making, tool, name) for name in making.personas]


def strongest(reviews: list[Review], verdict: str) -> str | None:
    said = [(each.verdict.score, each.verdict.because.text) for each in reviews
            if each.verdict is not None and each.verdict.verdict == verdict]
    return (max if verdict == "ship" else min)(said, default=(0, None))[1]


def test_a_row_a_tool_says_what_its_reviews_come_to(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, MANY))
    load(runs)
    summary = write_latest(runs, made_end(FIRST))
    found = table(runs, "tools")
    assert [row["tool_id"] for row in found] == [tool.id for tool in MANY]
    assert list(found[0]) == TOOL_COLUMNS
    for tool, row in zip(MANY, found, strict=True):
        reviews = reviews_of(FIRST, tool)
        score = score_panel(reviews, seats=4)
        for name in ("outcome", "ships", "skips", "unscored", "seats", "ship_rate", "mean_score", "p_ship_probe"):
            assert row[name] == getattr(score, name), name
        assert (row["because_ship"], row["because_skip"]) == (strongest(reviews, "ship"), strongest(reviews, "skip"))
        cited = {line for each in reviews if each.verdict for claim in each.verdict.claims for line in claim.lines}
        assert row["evidence"] == len(cited)
        assert (row["held"], row["unfinished"]) == (False, score.outcome == "no_quorum")
        assert (row["name"], row["category"], row["url"]) == (tool.name, tool.category, tool.url)
        assert (row["entry"], row["price"], row["model"]) == ("paid", "9.5 USD seat", "scripted")
        assert (row["run_id"], row["panel_digest"]) == (FIRST.run_id, made_panel(FIRST).digest)
        assert row["cost_usd"] is None  # of the brief nothing is known
    outcomes = [row["outcome"] for row in found]
    assert {name: summary[name] for name in ("ship", "skip", "split", "no_quorum")} == {
        name: outcomes.count(name) for name in ("ship", "skip", "split", "no_quorum")}
    assert summary["stuck"] == sum(row["unscored_kind"] == "unreadable" for row in table(runs, "reviews")) > 0


def test_the_summary_has_all_of_the_run_and_is_the_file(runs: Path) -> None:
    end = made_end(FIRST)
    write_run(runs, FIRST, [*run_lines(FIRST, TOOLS), end_line(end)])
    load(runs)
    summary = write_latest(runs, end)
    assert json.loads((runs / "latest" / "summary.json").read_text(encoding="utf-8")) == summary
    assert {name: summary[name] for name in end.model_dump()} == end.model_dump(mode="json")
    assert summary["files"] == {name: str(runs / "latest" / f"{name}.parquet")
                                for name in ("tools", "reviews", "calls", "runs")}
    assert sorted(path.name for path in (runs / "latest").iterdir()) == [
        "calls.parquet", "reviews.parquet", "runs.parquet", "summary.json", "tools.parquet"]
    assert list(runs.glob(".panel.*")) == []


def test_reviews_and_calls_lie_beside(runs: Path) -> None:
    other = replace(FIRST, run_id="20260102T000000-01", model="other", unscored=0)
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    write_run(runs, other, run_lines(other, TOOLS[1:]))
    load(runs)
    summary = write_latest(runs, made_end(other))
    assert summary["ship"] + summary["skip"] + summary["split"] + summary["no_quorum"] == 2
    shown = {row["key"]: row for row in table(runs, "reviews")}
    behind = [*reviews_of(FIRST, TOOLS[0]), *(each for tool in TOOLS[1:] for each in reviews_of(other, tool))]
    assert shown.keys() == {each.key for each in behind}
    for each in behind:
        row = shown[each.key]
        assert (row["tool_id"], row["persona_id"], row["flags"]) == (each.tool_id, each.persona_id, len(each.flags))
        assert row["quote"] == (each.verdict.quote if each.verdict else None)
    calls = table(runs, "calls")
    assert {row["run_id"] for row in calls} == {other.run_id}
    assert len(calls) == rows(runs, f"SELECT count(*) FROM calls WHERE run_id = '{other.run_id}'")[0][0]
    assert not {"text", "reasoning"} & set(calls[0])
    kept = {row["run_id"]: row for row in table(runs, "runs")}
    assert kept.keys() == {FIRST.run_id, other.run_id}
    assert kept[other.run_id]["calls"] == len(calls)
    assert kept[other.run_id]["calls_cost_usd"] == pytest.approx(0.0004 * len(calls))


def test_the_cost_of_a_tool_is_of_all_its_reviews_or_unknown(runs: Path) -> None:
    making = replace(FIRST, depth="verdict", probes=False)
    lines = list(run_lines(making, TOOLS))
    next(line for line in lines if line["t"] == "review")["record"]["spent"]["cost_usd"] = None
    write_run(runs, making, lines)
    load(runs)
    write_latest(runs, made_end(making))
    found = table(runs, "tools")
    assert found[0]["cost_usd"] is None
    assert [row["cost_usd"] for row in found[1:]] == [pytest.approx(4 * 0.0004)] * 2
    assert {row["price"] for row in found} == {row["entry"] for row in found} == {None}


@pytest.mark.parametrize(("flag", "held"), [
    ("wrong_number", True), ("wrong_price", True), ("wrong_date", True), ("wrong_version", True),
    ("wrong_licence", True), ("missing_line", True), ("invented_experience", True), ("wrong_verdict_word", True),
    ("wrong_name", False), ("suspicious_dossier", False), ("score_mismatch", False), ("to_check", False),
    ("length", False),
])
def test_a_tool_is_held_where_an_editor_must_look(runs: Path, flag: str, held: bool) -> None:
    making = replace(FIRST, unscored=0)
    lines = list(run_lines(making, TOOLS))
    changed = next(line for line in lines if line["t"] == "review")["record"]
    changed["flags"] = [{"kind": flag, "reason": "it is so", "field": None, "span": None, "text": None}]
    write_run(runs, making, lines)
    load(runs)
    write_latest(runs, made_end(making))
    assert [row["held"] for row in table(runs, "tools")] == [held, False, False]
    with open_store(runs) as connection:
        assert [row.held for row in leaderboard(connection, sort="name")] == [held, False, False]
        assert [row.score.tool_id for row in leaderboard(connection, held=True)] == [TOOLS[0].id] * held
        assert len(leaderboard(connection, held=False)) == 3 - held
        assert [row.held for row in run_leaderboard(connection, making.run_id, 9)[0]].count(True) == held


@pytest.mark.parametrize(("kind", "unfinished"), [
    ("quarantined", True), ("unavailable", True), ("budget", True), ("declined", False), ("unreadable", False)])
def test_a_tool_is_unfinished_where_a_seat_is_still_to_be_asked(runs: Path, kind: str, unfinished: bool) -> None:
    making = replace(FIRST, unscored=0)
    lines = list(run_lines(making, TOOLS))
    changed = next(line for line in lines if line["t"] == "review")["record"]
    changed |= {"verdict": None, "unscored": "it is so", "unscored_kind": kind}
    write_run(runs, making, lines)
    load(runs)
    write_latest(runs, made_end(making))
    found = [(row["unfinished"], row["held"]) for row in table(runs, "tools")]
    assert found == [(unfinished, False), (False, False), (False, False)]


@pytest.mark.parametrize(("amount", "currency", "unit", "shown"), [
    (4, "USD", "a month", "4 USD a month"), (0, "USD", None, "free"), (0.002, "EUR", "call", "0.002 EUR call"),
    (1200.5, None, None, "1200.5"), (100, "USD", None, "100 USD"), (None, "USD", "seat", None),
])
def test_a_price_is_text(runs: Path, amount: float | None, currency: str | None, unit: str | None,
                         shown: str | None) -> None:
    lines = list(run_lines(FIRST, TOOLS[:1]))
    brief = next(line for line in lines if line["t"] == "brief")["record"]["brief"]
    brief["price"] |= {"amount": amount, "currency": currency, "unit": unit}
    write_run(runs, FIRST, lines)
    load(runs)
    write_latest(runs, made_end(FIRST))
    assert [row["price"] for row in table(runs, "tools")] == [shown]


def test_a_run_stopped_before_its_first_answer_leaves_whole_empty_files(runs: Path) -> None:
    end = made_end(FIRST, scored=0)
    write_run(runs, FIRST, [end_line(end)])
    load(runs)
    summary = write_latest(runs, end)
    empty = parquet.read_table(runs / "latest" / "tools.parquet")
    assert (empty.num_rows, empty.column_names) == (0, TOOL_COLUMNS)
    assert (len(table(runs, "reviews")), len(table(runs, "calls")), len(table(runs, "runs"))) == (0, 0, 1)
    full = replace(FIRST, run_id="20260102T000000-01")
    write_run(runs, full, run_lines(full, TOOLS))
    load(runs)
    write_latest(runs, made_end(full))
    assert parquet.read_schema(runs / "latest" / "tools.parquet").types == empty.schema.types
    assert [summary[name] for name in ("ship", "skip", "split", "no_quorum", "stuck")] == [0] * 5


def test_without_a_store_and_on_a_file_in_the_way_one_line_is_said(runs: Path) -> None:
    with pytest.raises(ConfigError, match="no store in"):
        write_latest(runs, made_end(FIRST))
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    (runs / "latest").rmdir()
    (runs / "latest").write_text("in the way")
    with pytest.raises(StoreError):
        write_latest(runs, made_end(FIRST))


@pytest.mark.parametrize("name", ["tools.parquet", "runs.parquet", "summary.json"])
def test_a_folder_where_a_file_should_be_is_said_in_one_line(runs: Path, name: str) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    (runs / "latest" / name / "in the way").mkdir(parents=True)
    with pytest.raises(StoreError, match=rf"^cannot write \S*latest/{name}: \S.*$"):
        write_latest(runs, made_end(FIRST))
    assert list((runs / "latest").glob(".*")) == []


def test_token_sums_beyond_64_bits_are_null_and_stop_nothing(runs: Path) -> None:
    """An endpoint may say it took 2^62 tokens; the sum of a few such calls is no BIGINT any more."""
    lines = list(run_lines(FIRST, TOOLS))
    for line in lines:
        if line["t"] == "answer":
            line["completion"] |= {"tokens_in": 2**62, "tokens_out": 10**30}
        elif line["t"] == "review":
            line["record"]["spent"] |= {"tokens_in": 2**62, "tokens_cached": 10**30}
    end = made_end(FIRST, tokens_in=10**40, tokens_cached=2**62, tokens_out=2**64)
    write_run(runs, FIRST, [*lines, end_line(end)])
    load(runs)
    assert write_latest(runs, end)["tokens_in"] == 10**40
    found, = table(runs, "runs")
    calls = sum(line["t"] == "answer" for line in lines)
    assert (found["tokens_in"], found["tokens_out"], found["tokens_cached"]) == (None, None, 800 * calls)
    assert (found["calls"], found["exit_code"]) == (calls, end.exit_code)
    assert rows(runs, "SELECT tokens_in, tokens_cached FROM run_totals") == [(2**62 * calls, 800 * calls)]
    with open_store(runs) as connection:
        card = scorecard(connection, TOOLS[0].id)
        assert {each.spent.tokens_in for each in card.reviews} == {2**62}
    export(runs, runs / "out", "csv")
    assert len(parquet.read_table(export(runs, runs / "out", tables=["run_totals"])[0])) == 1


def votes(making: Making, persona_id: str) -> tuple[int, int]:
    """How often its vote was not the outcome, of how many."""
    against = beside = 0
    for tool in MANY:
        score = score_panel(reviews_of(making, tool), seats=4)
        vote = next(seat.vote for seat in score.by_persona if seat.persona_id == persona_id)
        if vote is not None and score.outcome in ("ship", "skip"):
            beside += 1
            against += (vote == 1) != (score.outcome == "ship")
    return against, beside


@pytest.mark.parametrize("persona_id", PERSONAS)
def test_the_record_of_a_persona(runs: Path, persona_id: str) -> None:
    other = replace(FIRST, run_id="20260102T000000-01", model="other", depth="verdict")
    for making in (FIRST, other):
        write_run(runs, making, run_lines(making, MANY))
    load(runs)
    with open_store(runs) as connection:
        record = persona_record(connection, persona_id)
    all_of = {making: [made_review(making, tool, persona_id) for tool in MANY] for making in (FIRST, other)}
    verdicts = [each.verdict for reviews in all_of.values() for each in reviews if each.verdict]
    assert record.ships == sum(verdict.verdict == "ship" for verdict in verdicts)
    assert record.skips == len(verdicts) - record.ships
    assert record.unscored == 60 - len(verdicts)
    assert record.mean_score == pytest.approx(fmean(verdict.score for verdict in verdicts))
    assert record.mean_confidence == pytest.approx(fmean(verdict.confidence for verdict in verdicts))
    assert [(count.model, count.depth) for count in record.counts] == [("other", "verdict"), ("scripted", "full")]
    own = [each.verdict for each in all_of[FIRST] if each.verdict]
    assert record.counts[1].mean_score == pytest.approx(fmean(verdict.score for verdict in own))
    assert record.strongest_ship is not None
    assert record.strongest_ship.score == max(each.score for each in verdicts if each.verdict == "ship")
    assert record.harshest_skip is not None
    assert record.harshest_skip.score == min(each.score for each in verdicts if each.verdict == "skip")
    expected = [votes(making, persona_id) for making in (FIRST, other)]
    assert (record.against, record.beside) == (sum(one[0] for one in expected), sum(one[1] for one in expected))
    flagged = sum(any(flag.kind == "to_check" for flag in each.flags) for reviews in all_of.values()
                  for each in reviews)
    assert record.flags == {"thin": flagged, "to_check": flagged}


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "panel", *words], capture_output=True, text=True, check=False,
                          cwd=ROOT, timeout=60)


def test_show_a_persona_on_the_command_line(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, MANY))
    load(runs)
    with open_store(runs) as connection:
        record = persona_record(connection, "builder")
    shown = command("show", "--persona", "builder", "--runs", str(runs), "--json")
    assert json.loads(shown.stdout) == record.model_dump(mode="json")
    said = command("show", "--persona", "builder", "--runs", str(runs)).stdout
    assert f"builder: {record.ships} ship, {record.skips} skip, {record.unscored} unscored of 30 reviews" in said
    assert f"not what its panel decided: {record.against} of {record.beside} votes" in said
    for words, line in (
        (("--persona", "bilder"), "persona 'bilder' has no reviews in the store; builder, "),
        ((), "show: give a tool, or --persona ID"), (("tool-000001", "--persona", "builder"), "show: give a tool, or"),
        (("--persona", "builder", "--markdown"), "show: --panel and --markdown are for a tool"),
    ):
        ended = command("show", *words, "--runs", str(runs))
        assert (ended.returncode, line in ended.stderr, ended.stderr.count("\n")) == (2, True, 1), ended.stderr


def test_lines_of_a_tool_are_those_its_dossier_has(runs: Path) -> None:
    """Two dossiers with the same lines: each has its own row, so that neither page misses what was shown."""
    twin = TOOLS[0].model_copy(update={"sources": ("https://elsewhere.example",)})
    assert made_lines(twin).digest == made_lines(TOOLS[0]).digest
    write_run(runs, FIRST, run_lines(FIRST, [TOOLS[0], twin]))
    load(runs)
    assert rows(runs, "SELECT dossier_digest FROM dossier_lines ORDER BY 1") == sorted(
        [(TOOLS[0].digest,), (twin.digest,)])
