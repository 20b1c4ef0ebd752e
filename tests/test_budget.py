"""Caps on money and time: the reservations alone, under every order of events, and whole runs against a server that
bills. Bigger numbers: bench/budget.py.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fault_server import FaultServer
from hypothesis import given, settings
from hypothesis import strategies as st
from priced_server import PricedServer, Tariff
from test_road import command

from panel.errors import BudgetExceeded, ConfigError, TimeUp
from panel.gate import Gate, parse_until
from panel.instrument import Instrument
from panel.models.budget import Allotment, Budget
from panel.models.scripted import Scripted
from panel.run import Terms, review_dossiers
from panel.schema import Completion, Dossier, ModelInfo, Request
from panel.settings import Caps, ModelEntry, SeatEntry, Settings

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GUARD_S = 60
"""A deadlock would hang the test for ever."""

calls = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=4)
"""Most and cost of a seat's calls, one after another, in cents of a dollar; a cost above the most is all of it."""
tools = st.lists(st.tuples(st.integers(0, 30), st.lists(calls, min_size=1, max_size=4)), max_size=12)
"""Cents too few that are set aside for the tool, and its seats."""


class Day:
    """A number of tools under a budget, each call a turn or several of the loop long."""

    def __init__(self, budget: Budget, seed: int) -> None:
        self.budget = budget
        self.sent = 0.0
        self.most_at_risk = 0.0
        self.halves: list[int] = []
        self.left: list[int] = []
        self._at_risk = 0.0
        self._chance = random.Random(seed)

    async def tool(self, number: int, short: int, seats: list[list[tuple[int, int]]]) -> None:
        """One tool: all seats at once. Short of nothing, it must never be left half."""
        needs = sum(most for seat in seats for most, _ in seat) / 100
        try:
            purse = await self.budget.allot(max(0.0, needs - short / 100))
        except BudgetExceeded:
            self.left.append(number)
            return
        assert purse is not None
        with purse:
            ended = await asyncio.gather(*(self._seat(purse, seat) for seat in seats))
        if not all(ended):
            self.halves.append(number)
            assert short, "all it could need was set aside"

    async def _seat(self, purse: Allotment, seat: list[tuple[int, int]]) -> bool:
        with purse.seat():
            for most, cost in seat:
                try:
                    await purse.reserve(most / 100)
                except BudgetExceeded:
                    return False
                self._at_risk += most / 100
                self.most_at_risk = max(self.most_at_risk, self.sent + self._at_risk)
                for _ in range(self._chance.randrange(4)):
                    await asyncio.sleep(0)
                paid = min(most, cost) / 100
                self._at_risk -= most / 100
                self.sent += paid
                purse.settle(most / 100, None if cost > most else paid)
        return True


@settings(max_examples=300, deadline=None)
@given(tools=tools, cap=st.integers(0, 400), seed=st.integers(0, 99))
def test_no_order_of_events_passes_the_cap_or_comes_to_a_standstill(
    tools: list[tuple[int, list[list[tuple[int, int]]]]], cap: int, seed: int
) -> None:
    budget = Budget(Caps(run=cap / 100))
    day = Day(budget, seed)

    async def all_of_them() -> None:
        async with asyncio.timeout(GUARD_S):
            await asyncio.gather(*(day.tool(number, *tool) for number, tool in enumerate(tools)))

    asyncio.run(all_of_them())
    assert day.most_at_risk <= cap / 100 + 1e-9
    assert budget.spent == pytest.approx(day.sent)
    assert budget.reserved == 0


def test_a_tool_under_way_goes_before_a_new_one() -> None:
    async def story() -> list[str]:
        budget, told = Budget(Caps(run=1.0)), []
        first, second = await budget.allot(0.5), await budget.allot(0.4)
        assert first is not None
        assert second is not None

        async def more() -> None:
            with first.seat():
                await first.reserve(0.8)
                told.append("under way")
                first.settle(0.8, 0.1)
            first.__exit__()

        async def new() -> None:
            assert await budget.allot(0.2) is not None
            told.append("new")

        waiting = [asyncio.create_task(new()), asyncio.create_task(more())]
        await asyncio.sleep(0)
        second.__exit__()
        await asyncio.gather(*waiting)
        return told

    assert asyncio.run(story()) == ["under way", "new"]


def test_of_tools_that_all_wait_only_the_one_that_spent_least_gives_way() -> None:
    async def story() -> tuple[list[bool], float]:
        budget = Budget(Caps(run=1.0))
        purses = [await budget.allot(0.33) for _ in range(3)]

        async def tool(purse: Allotment | None, paid: float) -> bool:
            assert purse is not None
            with purse:
                return await seat(purse, paid)

        async def seat(purse: Allotment, paid: float) -> bool:
            with purse.seat():
                await purse.reserve(0.3)
                await asyncio.sleep(0)
                purse.settle(0.3, paid)
                try:
                    await purse.reserve(0.33)
                except BudgetExceeded:
                    return False
                await asyncio.sleep(0)
                purse.settle(0.33, 0.05)
                return True

        ended = await asyncio.gather(*(tool(purse, paid) for purse, paid in zip(purses, (0.3, 0.02, 0.3),
                                                                                strict=True)))
        return ended, budget.spent

    ended, spent = asyncio.run(story())
    assert ended == [True, False, True]
    assert spent <= 1.0


def test_what_one_tool_came_to_need_is_set_aside_for_the_next() -> None:
    async def story() -> float:
        budget = Budget(Caps(run=1.0))
        first = await budget.allot(0.1)
        assert first is not None
        with first:
            for _ in range(3):
                await first.reserve(0.1)
                first.settle(0.1, None)
        await budget.allot(0.1)
        return budget.reserved

    assert asyncio.run(story()) == pytest.approx(0.3)


def test_a_server_that_bills_more_than_was_reserved_is_believed_and_asked_no_more() -> None:
    async def story() -> Budget:
        budget = Budget(Caps(run=1.0))
        one, other = await budget.allot(0.5), await budget.allot(0.5)
        assert one is not None
        assert other is not None
        with one, other:
            await one.reserve(0.25)
            one.settle(0.25, 0.9)
            for purse in (one, other):
                with purse.seat(), pytest.raises(BudgetExceeded, match=r"1\.00 USD a run"):
                    await purse.reserve(0.25, wait=False)
        return budget

    budget = asyncio.run(story())
    assert budget.known_spent == 0.9
    assert budget.reserved == 0


def test_midnight_opens_the_cap_of_the_next_day_and_not_that_of_the_month() -> None:
    days = ["2026-11-29"]

    async def spend(budget: Budget) -> None:
        purse = await budget.allot(1.0)
        assert purse is not None
        with purse:
            await purse.reserve(1.0)
            purse.settle(1.0, None)

    async def story() -> None:
        budget = Budget(Caps(day=1.5, month=3.2), {"2026-10-31": 9.0, "2026-11-28": 1.0}, today=lambda: days[0])
        await spend(budget)
        with pytest.raises(BudgetExceeded, match=r"pass the cap of 1\.50 USD a day \(0\.5000 USD left\)"):
            await spend(budget)
        days[0] = "2026-11-30"
        await spend(budget)
        days[0] = "2026-11-31"
        with pytest.raises(BudgetExceeded, match=r"3\.20 USD a month"):
            await spend(budget)
        days[0] = "2026-12-01"
        await spend(budget)
        assert budget.spent_lately() == (1.0, 1.0)

    asyncio.run(story())


def test_a_call_cancelled_after_its_tool_was_given_up_leaves_nothing_set_aside() -> None:
    async def story() -> Budget:
        budget = Budget(Caps(run=1.0))
        purse = await budget.allot(0.5)
        assert await budget.allot(0.25) is not None
        assert purse is not None
        with purse:
            await purse.reserve(0.2)
        purse.settle(0.2, 0.1)
        return budget

    budget = asyncio.run(story())
    assert (budget.reserved, budget.spent) == (pytest.approx(0.25), 0.1)


def test_what_is_billed_too_much_is_paid_by_the_tool_itself_as_far_as_it_can() -> None:
    async def story() -> Budget:
        budget = Budget(Caps(run=1.0))
        one, other = await budget.allot(0.5), await budget.allot(0.5)
        assert one is not None
        assert other is not None
        with one, other:
            await one.reserve(0.25)
            one.settle(0.25, 0.4)
            await other.reserve(0.5, wait=False)
            other.settle(0.5, 0.5)
        return budget

    assert asyncio.run(story()).spent == pytest.approx(0.9)


def test_who_waits_for_money_is_told_when_the_run_is_stopped() -> None:
    async def story() -> Allotment | None:
        budget = Budget(Caps(run=1.0))
        assert await budget.allot(0.9) is not None
        waiting = asyncio.create_task(budget.allot(0.5))
        await asyncio.sleep(0)
        budget.stop()
        async with asyncio.timeout(GUARD_S):
            return await waiting

    assert asyncio.run(story()) is None


@pytest.mark.parametrize(("text", "seconds"), [
    ("12:01", 60), ("13:00", 3600), ("11:59", 24 * 3600 - 60), ("12:00", 24 * 3600), (" 6:30", 18.5 * 3600),
    ("2026-11-25T12:00+00:00", 24 * 3600), ("2026-11-24 12:00:30Z", 30)])
def test_until_is_the_next_such_time(text: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    local(monkeypatch, "UTC")
    assert parse_until(text, NOON) == NOON + timedelta(seconds=seconds)


def test_until_is_local_also_where_a_day_has_23_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    local(monkeypatch, "CET-1CEST,M3.5.0,M10.5.0/3")
    before = datetime(2027, 3, 27, 20, 0, tzinfo=UTC)  # 21:00 there, and the clocks go forward that night
    assert parse_until("06:00", before) == datetime(2027, 3, 28, 4, 0, tzinfo=UTC)
    assert parse_until("2027-03-28T06:00", before) == datetime(2027, 3, 28, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "6", "24:00", "06:60", "2026-11-25", "tomorrow", "2026-11-24T11:00+00:00"])
def test_until_that_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--until"):
        parse_until(text, NOON)


def local(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()


@pytest.fixture(autouse=True)
def _own_zone() -> Iterator[None]:
    import time

    yield
    time.tzset()


def test_no_tool_starts_that_would_not_be_done_by_then() -> None:
    now = [NOON]
    gate = Gate(Budget(), NOON + timedelta(seconds=100), now=lambda: now[0])

    async def admitted() -> bool:
        return await gate.admit(lambda: 0.0) is not None

    assert asyncio.run(admitted())  # nothing is known yet but the clock
    gate._took.append(60.0)
    assert asyncio.run(admitted())
    now[0] = NOON + timedelta(seconds=50)
    assert not asyncio.run(admitted())
    assert isinstance(gate.closed_by, TimeUp)
    assert "a tool takes 60 s and 50 s are left" in str(gate.closed_by)


# Whole runs


PRICES = "[models.m]\nmodel = \"{url}#m\"\nprice_in = 1.0\nprice_out = 4.0\nrung = \"json_schema\"\n"


@pytest.fixture
def server() -> Iterator[PricedServer]:
    with PricedServer() as server:
        server.tariffs = {"*": Tariff(1e-6, 4e-6)}
        yield server


def write_list(desk: Path, *words: int) -> str:
    """Tools with so many words each."""
    path = desk / "tools.jsonl"
    path.write_text("".join(json.dumps({"id": f"t{number}", "name": f"T{number}", "description": "größer " * count})
                            + "\n" for number, count in enumerate(words)), encoding="utf-8")
    return str(path)


def ended(desk: Path) -> dict[str, object]:
    """The end of the last run."""
    last = sorted((desk / "runs").glob("*/journal-*.jsonl"))[-1].read_text(encoding="utf-8").splitlines()[-1]
    line: dict[str, dict[str, object]] = json.loads(last)
    return line["record"]


@pytest.mark.parametrize("budget", ["0", "0.001"])
def test_a_cap_smaller_than_any_tool_says_so_and_spends_nothing(desk: Path, server: PricedServer, budget: str) -> None:
    (desk / "panel.toml").write_text(PRICES.format(url=server.url))
    done = command(desk, "review", write_list(desk, 20, 20), "--model", "m", "--budget", budget)
    assert done.returncode == 3, done.stderr
    assert "the next tool could cost" in done.stderr
    assert server.calls == 0
    assert (ended(desk)["tools_left"], ended(desk)["cost_usd"]) == (2, 0)


def test_every_night_of_the_same_command_does_whole_panels_for_the_cap_until_all_is_done(
    desk: Path, server: PricedServer
) -> None:
    server.tariffs = {"*": Tariff(1e-6, 4e-6, fates={"ok": 0.8, "garbage": 0.2})}
    (desk / "panel.toml").write_text(PRICES.format(url=server.url))
    words = ["review", write_list(desk, *(20,) * 12), "--model", "m", "--depth", "verdict", "--budget", "0.45",
             "--max-unscored", "1"]
    nights, code = 0, 3
    while code == 3 and nights < 20:
        server.open_account()
        code = command(desk, *words).returncode
        nights += 1
        assert server.billed <= 0.45
        end = ended(desk)
        assert end["cost_usd"] == pytest.approx(server.billed)
        assert int(str(end["tools_done"])) + int(str(end["tools_left"])) == 12
        assert (int(str(end["scored"])) + int(str(end["unscored"]))) % 4 == 0, "half a panel"
    assert code == 0
    assert 1 < nights < 20
    server.open_account()
    assert command(desk, *words).returncode == 0
    assert server.calls == 0


def test_a_dossier_too_big_for_the_cap_is_left_and_the_small_ones_are_done(desk: Path, server: PricedServer) -> None:
    (desk / "panel.toml").write_text(PRICES.format(url=server.url))
    path = write_list(desk, 5, 4000, 5, 5)
    done = command(desk, "review", path, "--model", "m", "--depth", "verdict", "--budget", "0.5")
    assert done.returncode == 3, done.stderr
    assert (ended(desk)["tools_done"], ended(desk)["tools_left"]) == (3, 1)


def test_the_day_cap_counts_what_earlier_runs_spent(desk: Path, server: PricedServer) -> None:
    (desk / "panel.toml").write_text(PRICES.format(url=server.url) + "[budget]\nday = 0.4\n")
    words = ["review", write_list(desk, *(20,) * 12), "--model", "m", "--depth", "verdict"]
    for _ in range(3):
        assert command(desk, *words).returncode == 3
        assert 0 < server.billed <= 0.4


class Unpriced:
    """A model that nobody has priced."""

    def __init__(self) -> None:
        self._model = Scripted()

    def info(self) -> ModelInfo:
        return self._model.info().model_copy(update={"price_in": None, "price_out": None})

    async def complete(self, request: Request) -> Completion:
        return (await self._model.complete(request)).model_copy(update={"cost_usd": None})

    async def close(self) -> None:
        await self._model.close()


def test_a_model_without_a_price_beside_one_with_a_price(desk: Path, server: PricedServer) -> None:
    """The known one is held to the cap, the other is not counted."""
    unpriced = "test_budget:Unpriced"
    found = Settings(
        models={"m": ModelEntry(model=f"{server.url}#m", price_in=1, price_out=4, rung="json_schema")},
        seats=(SeatEntry(persona="builder", model="m"), SeatEntry(persona="futurist", model=unpriced)),
        runs=str(desk / "runs"), depth="verdict")
    tools = [Dossier(id=f"t{number}", name=f"T{number}", tagline="a thing") for number in range(40)]
    result = review_dossiers(tools, Instrument(found, ""), Terms(caps=Caps(run=0.2), allow_unknown_price=True))
    assert result.exit_code == 3
    assert result.end.cost_usd is None
    assert 0 < server.billed <= 0.2
    assert result.end.scored == 2 * result.end.tools_done
    with pytest.raises(ConfigError, match=f"the price of {unpriced} is not known"):
        review_dossiers(tools, Instrument(found, ""), Terms(caps=Caps(run=0.2)))


def test_until_begins_nothing_that_would_end_too_late(desk: Path) -> None:
    (desk / "tools.jsonl").write_text("".join(f'{{"name": "T{number}", "tagline": "a thing"}}\n'
                                              for number in range(60)))
    with FaultServer(latency=0.7) as server:
        (desk / "panel.toml").write_text(f'[models.m]\nmodel = "{server.url()}#m"\nrung = "json_schema"\n')
        until = datetime.now().astimezone() + timedelta(seconds=5)
        done = command(desk, "review", "tools.jsonl", "--model", "m", "--depth", "verdict", "--max-in-flight", "8",
                       "--until", until.isoformat())
    assert done.returncode == 3, done.stderr
    assert f"--until {until:%H:%M}" in done.stderr
    end = ended(desk)
    assert end["scored"] == 4 * int(str(end["tools_done"]))
    assert 0 < int(str(end["tools_done"])) < 60
    assert int(str(end["tools_left"])) + int(str(end["tools_done"])) == 60
