"""What is said of a run's cost before it, against what a server bills for it. Bigger numbers: bench/estimate.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from priced_server import PricedServer, Tariff

from panel.cli.estimating import (
    SAMPLE,
    dry_run,
    duration_text,
    estimate_items,
    estimate_line,
    estimate_run,
    range_text,
    sample_of,
)
from panel.dossiers import read_dossiers
from panel.estimate import within
from panel.instrument import Instrument
from panel.run import Terms, review_dossiers
from panel.schema import Dossier, Estimate, RunEnd
from panel.settings import Caps, ModelEntry, Settings


@pytest.fixture
def server() -> Iterator[PricedServer]:
    with PricedServer(3) as server:
        server.tariffs = {"*": Tariff(1e-6, 4e-6, tokens_out=(300, 60), absolute=True)}
        yield server


def instrument(desk: Path, server: PricedServer, depth: str = "verdict") -> Instrument:
    entry = ModelEntry(model=f"{server.url}#m", price_in=1, price_out=4)
    return Instrument(Settings.model_validate(
        {"model": "m", "models": {"m": entry}, "depth": depth, "runs": str(desk / "runs")}), "")


def listed(desk: Path, name: str, count: int, words: int = 30) -> str:
    path = desk / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"name": f"{name} {number}", "description": "streams rows " * words}) + "\n"
                            for number in range(count)))
    return str(path)


def expected_of(path: str, panel: Instrument, terms: Terms | None = None) -> Estimate:
    found = estimate_run([path], None, None, panel, terms or Terms())
    assert found is not None
    return found


def review(path: str, panel: Instrument, terms: Terms | None = None) -> RunEnd:
    return review_dossiers(read_dossiers([path], report=print), panel, terms).end


def bounds(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.low is not None
    assert estimate.expected is not None
    assert estimate.high is not None
    return estimate.low, estimate.expected, estimate.high


@pytest.mark.parametrize("depth", ["verdict", "full"])
def test_cold_the_range_is_wide_and_with_history_narrow_and_both_hold(
    desk: Path, server: PricedServer, depth: str
) -> None:
    first, second = listed(desk, "Monday", 12), listed(desk, "Tuesday", 25, words=90)
    low, _, high = bounds(expected_of(first, instrument(desk, server, depth)))
    assert high > 3 * low
    end = review(first, instrument(desk, server, depth))
    assert low <= server.billed <= high
    server.open_account()
    before = expected_of(second, instrument(desk, server, depth))
    low, expected, high = bounds(before)
    assert high < 2 * low
    assert low < expected < high
    assert any("as its last" in line for line in before.assumptions)
    end = review(second, instrument(desk, server, depth), Terms(estimate=before))
    assert low <= server.billed <= high
    assert end.estimate == before


def test_what_is_done_costs_nothing(desk: Path, server: PricedServer) -> None:
    path = listed(desk, "Monday", 10)
    review(path, instrument(desk, server))
    assert bounds(expected_of(path, instrument(desk, server))) == (0, 0, 0)
    more = listed(desk, "Monday", 20)
    half = bounds(expected_of(more, instrument(desk, server)))
    all_of_it = bounds(expected_of(listed(desk, "Friday", 20), instrument(desk, server)))
    assert half[1] == pytest.approx(all_of_it[1] / 2, rel=0.1)


def test_a_long_list_is_judged_by_a_sample_of_all_of_it(desk: Path, server: PricedServer) -> None:
    path = listed(desk, "Monday", 600)
    sample = sample_of([path], None)
    assert (len(sample.dossiers), sample.read, sample.whole) == (SAMPLE, 600, True)
    numbers = [int(dossier.name.split()[1]) for dossier in sample.dossiers if isinstance(dossier, Dossier)]
    assert 40 < sum(number >= 400 for number in numbers) < 95
    whole = expected_of(path, instrument(desk, server))
    assert f"{SAMPLE} of 600 tools were looked at" in whole.assumptions[0]
    third = expected_of(listed(desk, "Third", 200), instrument(desk, server))
    assert bounds(whole)[1] == pytest.approx(3 * bounds(third)[1], rel=0.02)


def test_an_unknown_price_is_no_number_and_is_said(desk: Path) -> None:
    panel = Instrument(Settings(model="http://10.255.255.1/v1#m", runs=str(desk / "runs")), "")
    found = expected_of(listed(desk, "Monday", 3), panel)
    assert (found.low, found.expected, found.high) == (None, None, None)
    assert found.assumptions[-1] == "the price of http://10.255.255.1/v1#m is not known"
    assert "a price is not known" in range_text(found)


def test_under_a_cap_no_more_is_expected_than_the_cap_leaves(desk: Path, server: PricedServer) -> None:
    path = listed(desk, "Monday", 40)
    free = bounds(expected_of(path, instrument(desk, server)))
    cap = 0.4
    assert free[2] > cap
    capped = expected_of(path, instrument(desk, server), Terms(caps=Caps(run=cap)))
    assert "the caps leave 0.4000 USD" in capped.assumptions[-1]
    end = review(path, instrument(desk, server), Terms(caps=Caps(run=cap)))
    assert end.cost_usd is not None
    assert bounds(capped)[0] <= end.cost_usd <= bounds(capped)[2] <= cap
    assert within(capped, 99.0, 0.1) == capped


def test_pairs_to_compare_are_expected_too(desk: Path, server: PricedServer) -> None:
    tools = [Dossier(id=f"t{number}", name=f"T{number}", tagline="copies files") for number in range(2)]
    panel = instrument(desk, server, "full")
    found = estimate_items([*tools, (tools[0], tools[1])], 3, panel, Terms())
    assert any("m, comparisons: 8 to ask" in line for line in found.assumptions)
    assert any("m, reviews at depth full: 8 to ask" in line for line in found.assumptions)
    assert any("m, briefs: 2 to ask" in line for line in found.assumptions)


def test_standard_input_has_no_estimate(desk: Path, server: PricedServer) -> None:
    assert estimate_run(["-"], None, None, instrument(desk, server), Terms()) is None
    assert "standard input" in estimate_line(None)


def test_without_a_store_no_database_is_loaded(desk: Path) -> None:
    path = listed(desk, "Monday", 3)
    program = (
        "import sys\nfrom panel.cli.estimating import estimate_run\nfrom panel.instrument import Instrument\n"
        "from panel.run import Terms\nfrom panel.settings import Settings\n"
        f"print(estimate_run([{path!r}], None, 3, Instrument(Settings(model='scripted:price=0.001'), ''), Terms()))\n"
        "sys.exit('duckdb' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], cwd=desk, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_dry_run_says_it_all_and_leaves_no_trace(
    desk: Path, server: PricedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listed(desk, "Monday", 10)
    terms = Terms(caps=Caps(run=0.5, day=2.0))
    dry_run([path], None, None, instrument(desk, server), terms, as_json=False)
    assert "not known: no earlier run" in capsys.readouterr().out
    assert not (desk / "runs").exists()
    review(path, instrument(desk, server))
    calls = server.calls
    files = {file: file.read_bytes() for file in (desk / "runs").rglob("*") if file.is_file()}
    (desk / "bad.jsonl").write_text('{"tagline": "no name"}\n')
    dry_run([listed(desk, "Monday", 30), str(desk / "bad.jsonl")], None, None, instrument(desk, server), terms,
            as_json=False)
    said = capsys.readouterr().out
    for part in ("tools    30 (1 more cannot be read)", "to ask   80 assignments, 40 kept", "cap      0.5000 USD a run",
                 "2.00 USD a day, 0.", "by the pace of earlier runs", "because  m, reviews", "bad.jsonl:1",
                 "Nothing was asked."):
        assert part in said
    dry_run([listed(desk, "Monday", 10)], None, None, instrument(desk, server), terms, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["forecast"]["left"], facts["forecast"]["kept"], facts["forecast"]["estimate"]["high"]) == (0, 40, 0)
    assert facts["spent_day"] == pytest.approx(server.billed)
    assert files == {file: file.read_bytes() for file in (desk / "runs").rglob("*") if file.is_file()}
    assert server.calls == calls


def test_durations_are_told_as_people_do() -> None:
    assert [duration_text(seconds) for seconds in (40, 720, 12600)] == ["40 s", "12 min", "3.5 h"]
