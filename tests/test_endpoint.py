"""One endpoint's limits, in virtual time against servers that hide theirs, and through the real command line."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_server import FaultServer
from hidden_limits import Bucket, FixedWindow, InFlight, Limit, SlidingWindow
from hypothesis import given, settings
from hypothesis import strategies as st
from test_road import command, journal_lines, write_dossier
from virtual_time import Server, in_virtual_time, keep_asking, one_call

from panel.errors import ModelUnavailable, PanelError, RunStopped
from panel.models.endpoint import Endpoint

MANY = 10**9
"""As a limit: none."""


def endpoint(most: int = 64, **options: float) -> Endpoint:
    return Endpoint("e", most, chance=random.Random(3), **options)  # type: ignore[arg-type]


def used(server: Server, seconds: float, most: int = 64) -> Endpoint:
    asked = endpoint(most)
    in_virtual_time(keep_asking(asked, server, seconds))
    assert server.meter.inside == 0
    # The eight calls before the first answer may all be too many.
    assert server.meter.rejected <= 8 + 0.05 * server.meter.requests
    return asked


@settings(max_examples=15, deadline=None)
@given(most=st.integers(2, 60), latency=st.floats(0.3, 8.0), tells=st.booleans(), jitter=st.floats(0.0, 0.5))
def test_a_hidden_number_of_calls_under_way_is_found(most: int, latency: float, tells: bool, jitter: float) -> None:
    server = Server(InFlight(most), latency=latency, tells=tells, jitter=jitter)
    used(server, 30 + 60 * latency)
    assert server.meter.used(latency) >= 0.85


@settings(max_examples=15, deadline=None)
@given(kind=st.sampled_from(["full bucket", "bucket", "fixed", "sliding"]), count=st.integers(300, 2400),
       tells=st.booleans(), begins=st.floats(0, 59), rejects_after=st.floats(0.001, 0.05))
def test_a_hidden_number_of_calls_a_minute_is_found(
    kind: str, count: int, tells: bool, begins: float, rejects_after: float
) -> None:
    limits: dict[str, Limit] = {
        "full bucket": Bucket(count, count), "bucket": Bucket(count, max(2.0, count / 60)),
        "fixed": FixedWindow(count, begins), "sliding": SlidingWindow(count)}
    server = Server(limits[kind], tells=tells, rejects_after=rejects_after)
    used(server, 420)
    assert server.meter.used(0.5) >= 0.85
    assert server.meter.used(0.5, after=60) >= 0.85


def test_it_is_opened_gently_and_quickly() -> None:
    server = Server(InFlight(MANY), latency=1.0, jitter=0.0)
    in_virtual_time(keep_asking(endpoint(), server, 10))
    first, rest = [moment for moment in server.at if moment < 1.0], [moment for moment in server.at if moment >= 1.0]
    assert len(first) == 8
    assert len([moment for moment in rest if moment < 1.05]) < 30
    assert server.meter.held_most == 64
    assert len([moment for moment in server.at if moment < 1.3]) >= 64


def test_never_more_than_it_may() -> None:
    for most in (1, 3, 20):
        server = Server(InFlight(MANY))
        in_virtual_time(keep_asking(endpoint(most), server, 10))
        assert server.meter.held_most == most


def test_after_a_long_wait_not_everybody_goes_at_once() -> None:
    class Away(InFlight):
        def admit(self, now: float) -> float | None:
            return 900.0 if len(server.at) == 1000 else super().admit(now)

    server = Server(Away(MANY))
    asked = endpoint()
    in_virtual_time(keep_asking(asked, server, 1000))
    away, back = server.at[999], server.at[1000]
    assert back - away >= 900
    assert len([moment for moment in server.at if back <= moment < back + 0.01]) <= 2
    assert len([moment for moment in server.at if back <= moment < back + 1.0]) >= 64
    assert not asked.gone


async def _fail(error: ModelUnavailable, after: float = 0.0) -> None:
    await asyncio.sleep(after)
    raise error


async def _good() -> None:
    await asyncio.sleep(0.1)


async def _until_gone(asked: Endpoint, error: ModelUnavailable, workers: int = 100, after: float = 0.0) -> list[float]:
    """When calls were sent, by workers that ask again and again and always meet this error."""
    sent: list[float] = []

    async def work() -> None:
        while True:
            try:
                await one_call(asked, ask)
            except ModelUnavailable:
                return

    async def ask() -> None:
        sent.append(asyncio.get_running_loop().time())
        await _fail(error, after)

    await asyncio.gather(*(work() for _ in range(workers)))
    assert asked.gone
    with pytest.raises(ModelUnavailable):
        asked.check()
    return sent


REFUSED = ModelUnavailable("no server answers", refused=True)
RESET = ModelUnavailable("broke off the connection")
FAILING = ModelUnavailable("in trouble (500)", status=500)


@pytest.mark.parametrize("error", [REFUSED, RESET])
def test_an_address_where_nobody_ever_answered_is_given_up_at_once(error: ModelUnavailable) -> None:
    assert len(in_virtual_time(_until_gone(endpoint(), error, after=0.01))) <= 12


@pytest.mark.parametrize(("error", "after"), [(REFUSED, 0.001), (RESET, 0.001), (RESET, 2.0), (FAILING, 0.1)])
def test_an_endpoint_that_dies_is_probed_and_then_given_up(error: ModelUnavailable, after: float) -> None:
    async def work() -> list[float]:
        asked = endpoint()
        await asyncio.gather(*(one_call(asked, _good) for _ in range(20)))
        return await _until_gone(asked, error, after=after)

    sent = in_virtual_time(work())
    begun = [moment for moment in sent if moment > sent[0] + after]
    assert len(begun) <= (20 if error is FAILING else 12)
    assert 120 <= sent[-1] - sent[0] <= 180


def test_an_endpoint_that_comes_back_is_asked_again() -> None:
    async def work() -> tuple[int, int]:
        asked = endpoint()
        await one_call(asked, _good)

        async def ask() -> None:
            if asyncio.get_running_loop().time() < 40:
                raise REFUSED
            await asyncio.sleep(0.1)

        async def until_answered() -> int:
            tries = 1
            while not await one_call(asked, ask):
                tries += 1
            return tries

        tries = await asyncio.gather(*(until_answered() for _ in range(200)))
        return sum(tries) - 200, int(asyncio.get_running_loop().time())

    wasted, ended = in_virtual_time(work())
    assert wasted <= 20
    assert ended <= 75


def test_one_call_alone_condemns_no_endpoint() -> None:
    async def work() -> None:
        asked = endpoint()
        await one_call(asked, _good)
        for _ in range(30):
            assert not await one_call(asked, lambda: _fail(RESET))
            assert not asked.silent
            await asyncio.sleep(1)
        assert await one_call(asked, _good)

    in_virtual_time(work())


async def _rejected(rejection: ModelUnavailable, until: float) -> tuple[int, float]:
    """How often one call is rejected, and when that ends, where a server rejects all calls until then."""
    asked, loop, rejections = endpoint(patience=60.0), asyncio.get_running_loop(), 0

    async def ask() -> None:
        nonlocal rejections
        if loop.time() < until:
            rejections += 1
            raise rejection

    try:
        while not await one_call(asked, ask):
            pass
    except ModelUnavailable:
        assert asked.gone
    return rejections, loop.time()


def test_a_long_wait_that_is_kept_is_borne() -> None:
    told = ModelUnavailable("slow down (429)", status=429, retry_after=900.0)
    assert in_virtual_time(_rejected(told, until=899.0)) == (1, pytest.approx(900, abs=1))
    assert in_virtual_time(_rejected(told, until=905.0)) == (2, pytest.approx(1800, abs=2))


@pytest.mark.parametrize("wait", [None, 0.0, 1.0, 900.0])
def test_rejections_without_end_are_not(wait: float | None) -> None:
    error = ModelUnavailable("slow down (429)", status=429, retry_after=wait)
    rejections, ended = in_virtual_time(_rejected(error, until=1e9))
    assert 60 <= ended <= 2 * 900 + 60
    assert rejections <= 25


def test_lanes_take_turns_and_each_is_served_in_order() -> None:
    async def work() -> list[str]:
        asked, order = endpoint(1), []

        async def call(name: str) -> None:
            await asked.enter(name[0])
            order.append(name)
            await asyncio.sleep(0.1)
            asked.answered(0.1)
            asked.leave()

        await asyncio.gather(*(call(f"a{number}") for number in range(6)), *(call(f"b{number}") for number in range(3)))
        return order

    assert in_virtual_time(work()) == ["a0", "a1", "b0", "a2", "b1", "a3", "b2", "a4", "a5"]


def test_stop_wakes_everybody_who_waits() -> None:
    async def work() -> list[BaseException | bool]:
        asked = endpoint(1)
        calls = [asyncio.ensure_future(one_call(asked, _good)) for _ in range(50)]
        await asyncio.sleep(0.05)
        asked.stop(RunStopped("interrupted"))
        with pytest.raises(RunStopped):
            await asked.enter("m")
        return await asyncio.gather(*calls, return_exceptions=True)

    ends = in_virtual_time(work())
    assert ends[0] is True
    assert all(isinstance(end, RunStopped) for end in ends[1:])


@settings(max_examples=60, deadline=None)
@given(most=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_no_slot_is_ever_lost(most: int, seed: int) -> None:
    """Whoever gives up, while waiting or under way, leaves the others their turns."""

    async def work() -> None:
        chance, asked = random.Random(seed), endpoint(most)
        under_way = 0

        async def ask() -> None:
            nonlocal under_way
            under_way += 1
            assert under_way <= most
            try:
                await asyncio.sleep(chance.choice((0.0, 0.01, 0.3)))
                if chance.random() < 0.2:
                    raise ModelUnavailable("slow down (429)", status=429, retry_after=chance.choice((None, 0.0, 1.0)))
                if chance.random() < 0.2:
                    raise FAILING
            finally:
                under_way -= 1

        calls = []
        for number in range(60):
            calls.append(asyncio.ensure_future(one_call(asked, ask, f"lane {number % 3}")))
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice((0.0, 0.01, 0.1)))
            if chance.random() < 0.5:
                chance.choice(calls).cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        async with asyncio.timeout(300):
            while not await one_call(asked, _good):
                pass
            assert await asyncio.gather(*(one_call(asked, _good) for _ in range(3 * most))) == [True] * 3 * most

    in_virtual_time(work())


def test_a_server_in_trouble_is_not_asked_less() -> None:
    async def work() -> float:
        asked, held, chance, seen = endpoint(), 0, random.Random(5), []

        async def ask() -> None:
            nonlocal held
            held += 1
            if asyncio.get_running_loop().time() > 30:
                seen.append(held)
            await asyncio.sleep(chance.uniform(0.4, 0.6))
            held -= 1
            if chance.random() < 0.1:
                raise FAILING

        async def worker() -> None:
            while asyncio.get_running_loop().time() < 60:
                await one_call(asked, ask)

        await asyncio.gather(*(worker() for _ in range(100)))
        return sum(seen) / len(seen)

    assert in_virtual_time(work()) > 62


def test_a_line_at_the_server_is_kept_short_and_costs_no_answers() -> None:
    """A server that lets everybody in and works on four at a time, two seconds each."""

    async def work() -> tuple[float, float]:
        loop, at_work, asked = asyncio.get_running_loop(), asyncio.Semaphore(4), endpoint()
        answers, held, seen = 0, 0, []

        async def ask() -> None:
            nonlocal answers, held
            held += 1
            if loop.time() > 300:
                seen.append(held)
            async with at_work:
                await asyncio.sleep(2.0)
            held -= 1
            answers += 1

        async def worker() -> None:
            while loop.time() < 600:
                await one_call(asked, ask)

        await asyncio.gather(*(worker() for _ in range(100)))
        return answers / loop.time(), sum(seen) / len(seen)

    a_second, under_way = in_virtual_time(work())
    assert a_second >= 0.95 * 4 / 2.0
    assert under_way < 25


def test_long_answers_are_no_reason_to_ask_less() -> None:
    async def work() -> int:
        asked, loop, held, most = endpoint(), asyncio.get_running_loop(), 0, 0

        async def ask() -> None:
            nonlocal held, most
            held += 1
            if loop.time() > 200:
                most = max(most, held)
            await asyncio.sleep(0.3 if loop.time() < 2 else 9.0)
            held -= 1

        async def worker() -> None:
            while loop.time() < 400:
                await one_call(asked, ask)

        await asyncio.gather(*(worker() for _ in range(100)))
        return most

    assert in_virtual_time(work()) == 64


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(latency=0.1) as running:
        yield running


def _launches(desk: Path, shared_data: Path, tools: int) -> None:
    rows = (shared_data / "launches.jsonl").read_text().splitlines()[:tools]
    (desk / "some.jsonl").write_text("\n".join(rows))


@pytest.mark.parametrize("mode", ["crowded-5-told", "bucket-60in2"])
def test_hidden_limits_through_the_command(desk: Path, server: FaultServer, shared_data: Path, mode: str) -> None:
    _launches(desk, shared_data, 40)
    done = command(desk, "review", "some.jsonl", "--model", f"{server.url(mode)}#m", "--depth", "verdict", "--json")
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout)["run"]["totals"]
    assert totals["scored"] == 160
    meter = server.meters[mode]
    assert meter.rejected > 0
    assert meter.inside == 0
    assert meter.rejected <= 0.4 * meter.requests  # a short run: the first burst weighs


def test_what_poisons_the_server_is_quarantined_and_nobody_else(desk: Path, server: FaultServer) -> None:
    (desk / "panel.toml").write_text("[retry]\nwait = 0.02\n")
    write_dossier(desk)
    (desk / "poison.yaml").write_text("name: Poison\ntagline: Breaks the server that reads it.\n")
    done = command(desk, "review", "poison.yaml", "tidewater.yaml", "--model", f"{server.url('poison')}#m", "--json")
    assert done.returncode == 4, done.stderr
    reviews = [line["record"] for line in journal_lines(desk / "runs") if line["t"] == "review"]
    kinds = Counter((review["tool_id"], review["unscored_kind"]) for review in reviews)
    assert kinds == {("poison", "quarantined"): 4, ("tidewater", None): 4}


def test_a_gone_endpoint_is_a_panel_error_of_exit_code_six() -> None:
    async def work() -> PanelError:
        asked = endpoint()
        await _until_gone(asked, REFUSED)
        with pytest.raises(ModelUnavailable) as caught:
            await asked.enter("m")
        return caught.value

    assert in_virtual_time(work()).exit_code == 6
