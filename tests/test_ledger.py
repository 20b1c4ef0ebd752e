"""The ledger: the Brier score and its parts, what chance gives, and predictions resolved through the command line."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from brier_known import FILE, known_parts
from conftest import need
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_mistakes import one_line
from test_road import command
from typed import typed

from panel.cli import main
from panel.journal import hold
from panel.ledger import (
    DRAWS,
    brier_parts,
    calibrated_draws,
    days_over,
    forecasts_of,
    ledger_report,
    made_up,
    months_ahead,
    score_predictions,
    wilson,
)
from panel.schema.ledger import LedgerEntry
from panel.store import open_store, rebuild
from panel.store.ledger import ledger

FORECASTS = st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=80)
SOURCE = ("--source", "https://example.org/seen")


def entry(number: int, probability: int, outcome: str | None, **more: Any) -> LedgerEntry:
    return LedgerEntry.model_validate({
        "key": f"{number:032x}", "tool_id": "tidewater", "persona_id": "futurist", "model": "m", "run_id": "r",
        "finished_at": "2026-01-01T00:00:00Z", "statement": f"It happens {number} times.", "by": "2026-06",
        "probability": probability,
        "persona_digest": "d" * 32, "outcome": outcome, **more})


def entries_of(forecasts: list[tuple[int, bool]]) -> list[LedgerEntry]:
    return [entry(number, percent, "yes" if came else "no") for number, (percent, came) in enumerate(forecasts)]


# ---- arithmetic

def test_two_hundred_known_forecasts_give_the_brier_parts() -> None:
    known = json.loads(FILE.read_text())
    forecasts = [(percent, came) for percent, came in known["forecasts"]]
    assert len(forecasts) == 200
    score = score_predictions(entries_of(forecasts))
    for name, exact in known["exact"].items():
        assert getattr(score, name) == pytest.approx(float(Fraction(exact)), rel=0, abs=1e-9), name
    assert len(set(known["exact"].values())) == 5  # no part may stand in for another


def test_the_file_of_known_forecasts_is_what_its_script_makes() -> None:
    known = json.loads(FILE.read_text())
    parts = known_parts([(percent, came) for percent, came in known["forecasts"]])
    assert {name: Fraction(exact) for name, exact in known["exact"].items()} == parts


@given(FORECASTS)
def test_the_parts_add_up_exactly_for_any_forecasts(forecasts: list[tuple[int, bool]]) -> None:
    parts = brier_parts(forecasts)
    assert parts is not None
    assert parts.brier == parts.reliability - parts.resolution + parts.uncertainty
    known = known_parts(forecasts)
    assert {name: getattr(parts, name) for name in known} == known
    assert 0 <= parts.brier <= 1
    assert 0 <= parts.reliability <= 1
    assert 0 <= parts.resolution <= parts.uncertainty <= Fraction(1, 4)


@settings(max_examples=25)
@given(FORECASTS, st.randoms(use_true_random=False))
def test_the_order_of_predictions_does_not_matter(forecasts: list[tuple[int, bool]], chance: random.Random) -> None:
    shuffled = list(forecasts)
    chance.shuffle(shuffled)
    assert score_predictions(entries_of(shuffled)) == score_predictions(entries_of(forecasts))


@settings(max_examples=25)
@given(FORECASTS)
@example([(0, False)] * 3)
@example([(100, True)] * 3)
def test_every_figure_of_a_score_is_in_its_range(forecasts: list[tuple[int, bool]]) -> None:
    score = score_predictions(entries_of(forecasts))
    assert score.brier_range is not None
    assert score.reliability_range is not None
    assert 0 <= score.brier_range.low <= score.brier_range.high <= 1
    assert 0 <= score.reliability_range.low <= score.reliability_range.high <= 1
    assert (score.skill is None) == (len({came for _, came in forecasts}) == 1) == ("skill" in score.undefined)
    assert sum(one.resolved for one in score.bins) == score.resolved == len(forecasts)
    assert sum(one.came_true for one in score.bins) == score.came_true
    for one in score.bins:
        assert one.low / 100 <= one.mean_stated <= one.high / 100
        assert 0 <= one.observed_low <= one.observed <= one.observed_high <= 1
        assert 0 <= one.expected_low <= one.expected_high <= 1


def test_skill_is_against_always_saying_the_base_rate() -> None:
    def skill(forecasts: list[tuple[int, bool]]) -> float | None:
        return score_predictions(entries_of(forecasts)).skill

    assert skill([(100, True), (0, False)]) == 1
    assert skill([(25, True), *[(25, False)] * 3]) == 0
    assert skill([(0, True), (100, False)]) == -3
    assert skill([(90, True), (80, True)]) is None


def test_what_is_undefined_is_null_with_its_reason() -> None:
    nothing = score_predictions([entry(1, 40, None), entry(2, 50, "void"), entry(3, 50, None, vague="no threshold")])
    assert (nothing.predictions, nothing.open, nothing.vague_open, nothing.void) == (3, 2, 1, 1)
    assert nothing.brier is nothing.skill is nothing.brier_range is nothing.base_rate is None
    assert set(nothing.undefined) == {"brier"}
    assert "NaN" not in nothing.model_dump_json()


def test_void_and_open_ones_are_left_out_and_vague_ones_count_where_they_came_out() -> None:
    scored = [entry(1, 80, "yes"), entry(2, 30, "no", vague="no threshold")]
    score = score_predictions([*scored, entry(3, 99, "void", vague="x"), entry(4, 1, None), entry(5, 99, "void")])
    assert (score.resolved, score.void, score.open, score.vague_open) == (2, 2, 1, 0)
    assert score.brier == score_predictions(scored).brier == pytest.approx((0.04 + 0.09) / 2)


@pytest.mark.parametrize(("came", "count", "low", "high"), [
    (0, 10, 0.0, 0.27753), (5, 10, 0.23659, 0.76341), (10, 10, 0.72247, 1.0), (1, 1, 0.20654, 1.0),
    (81, 263, 0.25529, 0.36619),
])
def test_wilson_intervals_known_from_print(came: int, count: int, low: float, high: float) -> None:
    assert wilson(came, count) == pytest.approx((low, high), abs=2e-5)


@given(st.integers(1, 10**6).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_a_wilson_interval_holds_its_share(shared: tuple[int, int]) -> None:
    came, count = shared
    low, high = wilson(came, count)
    assert 0 <= low <= came / count <= high <= 1
    assert low < high


# ---- what chance gives

@pytest.mark.parametrize("percent", [0, 3, 50, 97, 100])
@pytest.mark.parametrize("count", [1, 7, 400, 5000])
def test_draws_have_the_mean_and_spread_of_a_binomial(percent: int, count: int) -> None:
    drawn = calibrated_draws({percent: count})[percent]
    share = percent / 100
    deviation = (count * share * (1 - share)) ** 0.5
    mean = sum(drawn) / DRAWS
    spread = (sum((each - mean) ** 2 for each in drawn) / DRAWS) ** 0.5
    assert len(drawn) == DRAWS
    assert 0 <= min(drawn) <= max(drawn) <= count
    assert abs(mean - count * share) <= 4 * deviation / DRAWS ** 0.5
    assert spread == pytest.approx(deviation, rel=0.15)


def test_calibrated_forecasters_are_inside_the_range_nineteen_times_of_twenty() -> None:
    chance = random.Random(5)
    inside = {"brier": 0, "reliability": 0}
    for _ in range(200):
        stated = [chance.choice((5, 20, 35, 50, 70, 90)) for _ in range(60)]
        score = score_predictions(entries_of([(percent, chance.random() * 100 < percent) for percent in stated]))
        assert score.brier_range is not None
        assert score.reliability_range is not None
        inside["brier"] += score.brier_range.inside
        inside["reliability"] += score.reliability_range.inside
    assert 180 <= inside["brier"] <= 199, inside
    assert 180 <= inside["reliability"] <= 199, inside


def test_somebody_who_always_overstates_is_outside() -> None:
    chance = random.Random(6)
    score = score_predictions(entries_of([(90, chance.random() < 0.5) for _ in range(100)]))
    assert score.brier_range is not None
    assert score.reliability_range is not None
    assert not score.brier_range.inside
    assert not score.reliability_range.inside
    assert score.bins[0].observed < score.bins[0].expected_low


def test_one_prediction_at_fifty_percent_is_inside_whatever_happens() -> None:
    for came in (True, False):
        score = score_predictions(entries_of([(50, came)]))
        assert score.brier_range is not None
        assert (score.brier_range.low, score.brier_range.high, score.brier_range.inside) == (0.25, 0.25, True)


def test_a_report_is_by_persona_its_version_model_and_seat() -> None:
    entries = [entry(number, 60, "yes", persona_id=persona, model=model, persona_digest=digest * 32)
               for number, (persona, model, digest) in enumerate(
                   [("a", "m", "1"), ("a", "n", "2"), ("b", "m", "1"), ("b", "m", "1")])]
    report = ledger_report(entries)
    assert [(one.persona_id, one.resolved) for one in report.by_persona] == [("a", 2), ("b", 2)]
    assert [(one.model, one.resolved) for one in report.by_model] == [("m", 3), ("n", 1)]
    assert [(one.persona_id, one.model) for one in report.by_seat] == [("a", "m"), ("a", "n"), ("b", "m")]
    versions = ledger_report(entries, by_version=True).by_persona
    assert [f"{one.persona_id}{one.persona_digest}"[:2] for one in versions] == ["a1", "a2", "b1"]


@pytest.mark.parametrize(("by", "today", "days"), [
    ("2026-10", date(2026, 11, 24), 24), ("2026-11", date(2026, 11, 30), 0), ("2026-11", date(2026, 11, 24), -6),
    ("2024-02", date(2024, 3, 1), 1), ("2023-02", date(2023, 3, 1), 1), ("9999-12", date(2026, 1, 1), -2912442),
])
def test_how_long_a_month_is_over(by: str, today: date, days: int) -> None:
    assert days_over(by, today) == days


def test_months_ahead() -> None:
    assert months_ahead(date(2026, 11, 24), 0) == "2026-11"
    assert months_ahead(date(2026, 11, 24), 2) == "2027-01"
    assert months_ahead(date(2026, 1, 31), 23) == "2027-12"


# ---- the command line, over a store the scripted model made

@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 tools x 4 personas: 200 predictions, all due in December 2030."""
    desk = tmp_path_factory.mktemp("reviewed")
    tools = [{"name": f"Tool {number}", "tagline": "copies files to a disk"} for number in range(50)]
    (desk / "tools.jsonl").write_text("\n".join(map(json.dumps, tools)))
    done = command(desk, "review", "tools.jsonl", "--model", "scripted", "--quiet")
    assert done.returncode == 0, done.stderr
    return desk


@pytest.fixture
def booth(reviewed: Path, tmp_path: Path) -> Path:
    """The same store, for one test to write to."""
    subprocess.run(["cp", "-r", str(reviewed / "runs"), str(tmp_path)], check=True)
    return tmp_path


def said(desk: Path, *words: str) -> Any:
    """What the command prints as JSON, of the scripted model too."""
    every = ["--all-models"] if words[0] in ("due", "score") else []
    done = typed(desk, "ledger", *words, *every, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write_outcomes(path: Path, entries: list[dict[str, Any]], **more: str) -> list[tuple[int, bool]]:
    """A file that resolves all of them, by a seeded coin that knows their probability; what it says of each."""
    chance = random.Random(11)
    forecasts = [(one["probability"], chance.random() * 100 < one["probability"]) for one in entries]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "outcome", "source", "note", "by"])
        for one, (_, came) in zip(entries, forecasts, strict=True):
            rows.writerow([one["id"], "yes" if came else "no", "https://example.org/a", 'seen, "twice"', "me"])
    return forecasts


def test_two_hundred_predictions_resolved_from_a_file_are_scored(booth: Path) -> None:
    entries = said(booth, "list")
    assert len(entries) == 200
    forecasts = write_outcomes(booth / "outcomes.csv", entries)
    early = typed(booth, "ledger", "resolve", "--from", "outcomes.csv")
    one_line(early, 2, "outcomes.csv:", "2030-12", "--early", "nothing was kept")
    assert said(booth, "list", "--resolved") == []
    assert len(said(booth, "resolve", "--from", "outcomes.csv", "--early")) == 200
    score = said(booth, "score")["all"]
    for name, exact in known_parts(forecasts).items():
        assert score[name] == pytest.approx(float(exact), rel=0, abs=1e-9), name
    assert (score["resolved"], score["open"], score["few"]) == (200, 0, False)
    resolved = said(booth, "list", "--resolved", "--persona", "futurist")
    assert len(resolved) == 50
    assert {(one["source"], one["note"], one["resolved_by"]) for one in resolved} == {
        ("https://example.org/a", 'seen, "twice"', "me")}
    one_persona = said(booth, "score", "--persona", "futurist")
    assert one_persona["all"]["brier"] == said(booth, "score")["by_persona"][2]["brier"]
    shown = typed(booth, "ledger", "score", "--all-models").stdout
    assert f"Brier score {score['brier']:.4f}" in shown
    assert "builder" in shown
    assert "warning" not in shown
    rebuild(booth / "runs")
    assert said(booth, "score")["all"] == score


def test_list_shows_everything_and_nothing_is_cut_in_a_pipe(reviewed: Path) -> None:
    first = said(reviewed, "list", "--limit", "1")[0]
    shown = typed(reviewed, "ledger", "list", "-n", "1", COLUMNS="20").stdout
    for word in (first["id"], first["by"], f"{first['probability']}%", first["persona_id"], first["tool_id"],
                 first["statement"], "open"):
        assert word in " ".join(shown.split())
    assert f"  {first['statement']}\n" in typed(reviewed, "ledger", "list", "-n", "1").stdout
    whole = typed(reviewed, "ledger", "list").stdout
    assert whole.count("A new version of Tool") == 200
    tool = said(reviewed, "list", "--tool", "tool-7", "--model", "scripted", "--open")
    assert {one["tool_id"] for one in tool} == {"tool-7"}
    assert len(tool) == 4
    assert said(reviewed, "list", "--vague") == []
    assert "no prediction fits" in typed(reviewed, "ledger", "list", "--resolved").stdout
    times = [one["finished_at"] for one in said(reviewed, "list")]
    assert times == sorted(times, reverse=True)


def test_due_is_what_is_over_and_not_resolved(booth: Path) -> None:
    assert "2030-12" in typed(booth, "ledger", "due", "--all-models", "--as-of", "2030-12-31").stdout
    assert said(booth, "due", "--as-of", "2030-12-31") == []
    over = said(booth, "due", "--as-of", "2031-01-01")
    assert (len(over), {one["days_over"] for one in over}) == (200, {1})
    assert len(said(booth, "due", "--as-of", "2030-11-30", "--within", "2")) == 200
    assert said(booth, "due", "--as-of", "2030-11-30", "--within", "1") == []
    shown = typed(booth, "ledger", "due", "--all-models", "--as-of", "2031-02-01").stdout
    assert "over for 32 days" in shown
    line = re.search(r"ship-panel ledger resolve (\w+) yes\|no --source URL", shown)
    assert line is not None
    said(booth, "resolve", line[1], "yes", *SOURCE)
    assert line[1] not in {one["id"] for one in said(booth, "due", "--as-of", "2031-02-01")}


def test_a_second_resolution_stands_and_says_what_stood_before(booth: Path) -> None:
    key = said(booth, "list", "-n", "1")[0]["key"]
    first = typed(booth, "ledger", "resolve", key[:12], "YES", *SOURCE, "--by", "Ada")
    assert first.returncode == 0, first.stderr
    assert "before" not in first.stdout
    second = typed(booth, "ledger", "resolve", key, "void", "--note", "the page is gone", "--by", "Grace")
    for word in ("before it stood as yes", "https://example.org/seen", "Ada"):
        assert word in second.stdout
    now, = said(booth, "list", "--resolved")
    assert (now["outcome"], now["resolved_by"], now["resolutions"], now["source"]) == ("void", "Grace", 2, None)
    facts = sorted((booth / "runs" / "facts").glob("*.jsonl"))
    kept = [json.loads(line)["record"] for path in facts for line in path.read_text().splitlines()]
    assert [one["outcome"] for one in kept] == ["yes", "void"]
    assert all(one["statement"] == now["statement"] for one in kept)


def test_what_is_stated_while_a_run_holds_the_folder_is_kept(booth: Path) -> None:
    key = said(booth, "list", "-n", "1")[0]["key"]
    with hold(booth / "runs"):
        done = typed(booth, "ledger", "resolve", key, "yes", *SOURCE)
        assert done.returncode == 0, done.stderr
        assert "held by another process" in done.stdout
        assert said(booth, "list", "--resolved") == []
    other = said(booth, "list", "-n", "2")[1]["key"]
    said(booth, "resolve", other, "yes", *SOURCE)
    assert {one["key"] for one in said(booth, "list", "--resolved")} == {key, other}


def test_text_that_would_write_to_the_terminal_is_printed_without_it(booth: Path) -> None:
    key = said(booth, "list", "-n", "1")[0]["key"]
    note = "a \x1b[31mred\x1b[0m \u202enote\u202c\nof two lines"
    done = typed(booth, "ledger", "resolve", key, "yes", *SOURCE, "--note", note)
    again = typed(booth, "ledger", "resolve", key, "yes", "--source", "https://example.org/else")
    shown = done.stdout + again.stdout + typed(booth, "ledger", "list", "--resolved").stdout
    assert "red note of two lines" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    with open_store(booth / "runs") as store:
        assert ledger(store, state="resolved")[0].resolutions == 2


def test_a_few_resolved_ones_are_scored_with_a_warning(booth: Path) -> None:
    assert "nothing to score" in typed(booth, "ledger", "score", "--all-models").stdout
    for one in said(booth, "list", "-n", "3"):
        said(booth, "resolve", one["id"], "yes", *SOURCE)
    shown = typed(booth, "ledger", "score", "--all-models").stdout
    for word in ("3 of 200 predictions resolved", "left out: 197 open, 0 void", "warning: fewer than 10",
                 "not defined: all came out alike"):
        assert word in shown
    narrow = typed(booth, "ledger", "score", "--all-models", COLUMNS="30").stdout
    assert "…" not in narrow


MISTAKES = [
    (("resolve", "ffffffffffff", "yes", *SOURCE), ("no prediction 'ffffffffffff'", "ledger list")),
    (("resolve", "", "yes", *SOURCE), ("no prediction ''",)),
    (("resolve", "KEY", "maybe", *SOURCE), ("'maybe'", "yes, no, void")),
    (("resolve", "KEY", "yes"), ("needs a source", "--source URL")),
    (("resolve", "KEY", "no", "--early"), ("needs a source",)),
    (("resolve", "KEY", "yes", "--note", "seen"), ("needs a source",)),
    (("resolve", "KEY", "void"), ("needs a note",)),
    (("resolve", "KEY", "yes", "--source", "ftp://example.org/a"), ("http or https",)),
    (("resolve", "KEY", "yes", "--source", "javascript:alert(1)"), ("http or https",)),
    (("resolve", "KEY", "yes", "--source", "https://"), ("http or https",)),
    (("resolve", "KEY", "yes", "--source", "https://me:secret@example.org"), ("http or https",)),
    (("resolve", "KEY", "yes", "--source", "https://[x"), ("http or https",)),
    (("resolve", "KEY", "yes", "--source", "https://a.org/b c"), ("http or https",)),
    (("resolve", "KEY", "void", "--note", "x", "--source", "page"), ("http or https",)),
    (("resolve", "KEY", "no", *SOURCE), ("end of 2030-12", "--early")),
    (("resolve", "KEY"), ("give ID and yes, no or void",)),
    (("resolve", "KEY", "yes", "--from", "a.csv"), ("--from takes",)),
    (("resolve", "--from", "missing.csv"), ("missing.csv", "No such file")),
    (("resolve", "--from", "a.txt"), ("a.txt", ".csv or .jsonl")),
    (("list", "--persona", "nobody"), ("'nobody'", "futurist")),
    (("list", "--model", "gone"), ("'gone'", "scripted")),
    (("list", "--tool", "zzz"), ("'zzz'",)),
    (("list", "--open", "--resolved"), ("--open", "--resolved")),
    (("due", "--as-of", "2026-13-01"), ("--as-of 2026-13-01", "YYYY-MM-DD")),
    (("score", "--plot", "plot.gif"), ("plot.gif", ".svg, .png, .pdf")),
    (("score", "--plot", "gone/plot.svg"), ("gone/plot.svg", "folder")),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_mistakes_are_one_line_and_change_nothing(
    reviewed: Path, words: tuple[str, ...], expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open_store(reviewed / "runs") as store:
        key = ledger(store, limit=1)[0].key
    monkeypatch.chdir(reviewed)
    monkeypatch.setattr(sys, "argv", ["ship-panel", "ledger", *(key if word == "KEY" else word for word in words)])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with pytest.raises(SystemExit) as ended:
        main()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    complaint = capsys.readouterr()
    assert (ended.value.code, complaint.out) == (2, "")
    line, = complaint.err.splitlines()
    for word in ("ship-panel: ", *expected):
        assert word in line
    assert not (reviewed / "runs" / "facts").exists()


def test_an_id_that_several_begin_with_names_them(reviewed: Path) -> None:
    keys = [one["key"] for one in said(reviewed, "list")]
    digit = max("0123456789abcdef", key=lambda each: sum(key.startswith(each) for key in keys))
    candidates = sorted(key for key in keys if key.startswith(digit))
    done = typed(reviewed, "ledger", "resolve", digit, "yes", *SOURCE)
    assert len(candidates) > 5
    one_line(done, 2, "several predictions", *(key[:12] for key in candidates[:5]), " on tool-", ", ...")


def test_every_bad_line_of_a_file_is_named_and_nothing_is_kept(booth: Path) -> None:
    first, second, third, *_ = (one["id"] for one in said(booth, "list"))
    (booth / "bad.csv").write_text(
        "id,outcome,source,note,by\n"
        f"{first},yes,https://example.org/1,,\n"
        "ffffffff,yes,https://example.org/2,,\n"
        f"{second},perhaps,https://example.org/3,,\n"
        f"{second},yes\n"
        f"{third},yes,example.org,,\n"
        f",yes,https://example.org/4,,\n"
        f"{first},void,,\"on\ntwo lines\",\n")
    done = typed(booth, "ledger", "resolve", "--from", "bad.csv")
    one_line(done, 2, "bad.csv:3: no prediction", "bad.csv:4: outcome 'perhaps'", "bad.csv:5: has 2 columns",
             "bad.csv:6: source", "bad.csv:7: id must be a text", "bad.csv:9:", "line 2 already",
             "6 of 7 lines cannot be taken; nothing was kept")
    (booth / "bad.jsonl").write_text(f'{{"id": "{first}", "outcome": "yes", "source": "https://example.org/1"}}\n'
                                     'nonsense\n[1]\n\n{"id": 3, "outcome": "yes"}\n{"id": "x", "result": "yes"}\n')
    done = typed(booth, "ledger", "resolve", "--from", "bad.jsonl")
    one_line(done, 2, "bad.jsonl:2: is not a JSON object", "bad.jsonl:3: is not a JSON object", "bad.jsonl:5: id must",
             "bad.jsonl:6: does not know 'result'", "4 of 5 lines")
    for text, word in (("", "first line"), ("id,result\n", "first line"), ("id,outcome,id\n", "first line"),
                       ("id,outcome\n", "holds no line"), ("id,outcome\n\"a", "is not CSV")):
        (booth / "odd.csv").write_text(text)
        one_line(typed(booth, "ledger", "resolve", "--from", "odd.csv"), 2, "odd.csv", word)
    (booth / "odd.csv").write_bytes(b"id,outcome\n\xff\xfe,yes\n")
    one_line(typed(booth, "ledger", "resolve", "--from", "odd.csv"), 2, "UTF-8")
    assert not (booth / "runs" / "facts").exists()


def test_nothing_reviewed_yet(desk: Path) -> None:
    for words in (("list",), ("due",), ("score",), ("resolve", "a", "yes")):
        one_line(typed(desk, "ledger", *words), 2, "nothing is reviewed yet", "ship-panel review")


def test_reviews_without_predictions(desk: Path) -> None:
    (desk / "one.jsonl").write_text('{"name": "One", "tagline": "copies files"}')
    assert command(desk, "review", "one.jsonl", "--model", "scripted", "--depth", "verdict").returncode == 0
    for words in ("list", "score"):
        done = typed(desk, "ledger", words)
        assert (done.returncode, done.stdout.startswith("no predictions yet")) == (0, True), done.stdout
    assert "nothing is due" in typed(desk, "ledger", "due", "--all-models").stdout


def test_equal_predictions_are_one_forecast_and_the_latest_made_before_it_came_out_counts() -> None:
    def draft(number: int, percent: int, day: int, outcome: str | None = None, **more: Any) -> LedgerEntry:
        return entry(number, percent, outcome, statement="It happens.", finished_at=f"2026-01-{day:02d}T00:00:00Z",
                     resolved_at="2026-01-15T00:00:00Z" if outcome else None, **more)

    drafts = [draft(1, 10, 1), draft(2, 40, 3, "yes"), draft(3, 99, 20), draft(4, 70, 2)]
    found, = forecasts_of(drafts)
    assert (found.entry.key, found.entry.probability, found.entry.outcome) == (drafts[1].key, 40, "yes")
    assert found.keys == tuple(drafts[number].key for number in (2, 1, 3, 0))
    others = [draft(5, 20, 1, by="2026-07"), draft(6, 20, 1, tool_id="else"), draft(7, 20, 1, persona_id="builder"),
              entry(8, 20, None)]
    score = score_predictions([*drafts, *others])
    assert (score.predictions, score.resolved, score.open) == (5, 1, 4)
    assert score.brier == pytest.approx(0.36)


@pytest.fixture(scope="module")
def redrafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tool drafted twice by a model and once by the scripted one: four personas, four forecasts of the model."""
    desk = tmp_path_factory.mktemp("redrafted")
    (desk / "one.jsonl").write_text('{"name": "One", "tagline": "copies files to a disk"}')
    for words in (("memory_models:First", "--repeats", "2"), ("scripted",)):
        assert typed(desk, "review", "one.jsonl", "--quiet", "--model", *words).returncode == 0
    return desk


def test_made_up_forecasters_are_left_out_and_said_to_be(redrafted: Path) -> None:
    shown = typed(redrafted, "ledger", "due", "--as-of", "2031-02-01").stdout
    assert shown.count("over for") == 4
    assert "[2 drafts; this is the latest that counts]" in shown
    assert "left out: 4 predictions by scripted and the starter (--all-models, or --model NAME)" in shown
    named = typed(redrafted, "ledger", "due", "--as-of", "2031-02-01", "-m", "scripted").stdout
    assert (named.count("over for"), "left out" in named, "drafts" in named) == (4, False, False)
    one_line(typed(redrafted, "ledger", "due", "-m", "gone"), 2, "'gone'", "memory_models:First")
    plain = json.loads(typed(redrafted, "ledger", "score", "--json").stdout)
    assert (plain["all"]["predictions"], plain["left_out"], plain["redrafts"]) == (4, 4, 4)
    every = said(redrafted, "score")
    assert (every["all"]["predictions"], every["left_out"], every["redrafts"]) == (4, 0, 8)
    assert [one["predictions"] for one in every["by_model"]] == [4, 4]
    assert made_up("scripted:always=ship")
    assert made_up("local:starter")
    assert not made_up("local:qwen")
    assert not made_up("scripted-by-hand/model")


def test_resolving_one_draft_resolves_all_and_the_same_again_writes_nothing(redrafted: Path, tmp_path: Path) -> None:
    shutil.copytree(redrafted / "runs", tmp_path / "runs")
    one = said(tmp_path, "list", "-m", "memory_models:First")[0]
    assert (len(one["drafts"]), one["drafts"][0]) == (2, one["key"])
    first = typed(tmp_path, "ledger", "resolve", one["drafts"][1], "yes", *SOURCE)
    assert "(3 drafts)" in first.stdout  # the scripted one said the same

    def kept() -> list[dict[str, Any]]:
        return [json.loads(line)["record"] for path in (tmp_path / "runs" / "facts").iterdir()
                for line in path.read_text().splitlines()]

    stated = kept()
    assert {one["prediction"] for one in stated} >= set(one["drafts"])
    assert len(stated) == 3
    again = typed(tmp_path, "ledger", "resolve", one["id"], "yes", *SOURCE)
    assert again.stdout == f"{one['id']}: already so since {stated[0]['at'][:10]} (yes)\n"
    assert kept() == stated
    assert "before it stood as yes" in typed(tmp_path, "ledger", "resolve", one["id"], "yes", *SOURCE, "--note",
                                             "seen again").stdout
    assert len(kept()) == 6
    assert len(said(tmp_path, "due", "--as-of", "2031-02-01")) == 3
    (tmp_path / "both.csv").write_text("id,outcome,source\n" + "".join(
        f"{key},{outcome},https://example.org/b\n" for key, outcome in zip(one["drafts"], ("yes", "no"), strict=True)))
    one_line(typed(tmp_path, "ledger", "resolve", "--from", "both.csv", "--early"), 2,
             "both.csv:3:", "a draft of the prediction of line 2, which says yes")


def test_at_eighty_columns_no_line_of_the_ledger_is_wider(booth: Path) -> None:
    for one in said(booth, "list", "-n", "3", "--persona", "competitor_analyst"):
        said(booth, "resolve", one["id"], "yes", *SOURCE)
    for words in (("list", "-n", "3"), ("due", "--as-of", "2031-02-01"), ("score", "--all-models"), ("score",)):
        shown = typed(booth, "ledger", *words, COLUMNS="80").stdout
        assert max(map(len, shown.splitlines())) <= 80, shown
        assert "…" not in shown
    shown = typed(booth, "ledger", "score", "--all-models", COLUMNS="80").stdout
    assert "not shown: 3 personas with none resolved" in shown
    assert "competitor analyst" in shown
    assert "competitor_analyst" not in shown


# ---- the plot

def has_matplotlib() -> bool:
    return subprocess.run([sys.executable, "-c", "import matplotlib"], capture_output=True).returncode == 0


def test_the_plot_is_the_same_bytes_and_says_what_it_shows(booth: Path) -> None:
    need(has_matplotlib(), "matplotlib is not installed")
    write_outcomes(booth / "outcomes.csv", said(booth, "list"))
    said(booth, "resolve", "--from", "outcomes.csv", "--early")
    pictures = []
    for name, seed in (("one.svg", "1"), ("two.svg", "2")):
        done = command(booth, "ledger", "score", "--all-models", "--plot", name, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        assert f"plot: {name}" in done.stdout
        pictures.append((booth / name).read_bytes())
    assert pictures[0] == pictures[1]
    assert b"<svg" in pictures[0]
    assert b"<dc:date>" not in pictures[0]
    for name, start in (("plot.png", b"\x89PNG"), ("plot.PDF", b"%PDF")):
        assert typed(booth, "ledger", "score", "--all-models", "--plot", name).returncode == 0
        assert (booth / name).read_bytes().startswith(start)


def test_without_matplotlib_one_line_names_what_to_install(reviewed: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('No module', name='matplotlib')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = command(reviewed, "ledger", "score", "--all-models", "--plot", str(tmp_path / "plot.svg"), PYTHONPATH=path)
    one_line(done, 2, 'pip install "ship-panel[plots]"')
    assert not (tmp_path / "plot.svg").exists()
    assert command(reviewed, "ledger", "score", "--all-models", PYTHONPATH=path).returncode == 0
