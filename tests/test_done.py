"""What earlier runs already have, read through the indexes beside segments and without them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.done import Done, KeyTable
from panel.errors import StoreError
from panel.journal import Journal, index_path, mend_tails, read_lines, segments
from panel.schema.review import ASKED_AGAIN

KEY = "0123456789abcdef0123456789abcdef"
KEYS = [f"{number * 0x1111:032x}" for number in range(6)]
RETRIED = ASKED_AGAIN | {"quarantined", "declined", "unreadable"}
Event = tuple[str, str, dict[str, Any]]


def sent(key: str, seq: int, *, day: int = 1, reserved: float | None = 0.5) -> Event:
    return key, "sent", {"seq": seq, "attempt": 1, "reserved_usd": reserved, "step": "review",
                         "at": f"2026-11-{day:02d}T23:59:59.999Z"}


def answer(key: str, seq: int, cost: float | None = 0.25) -> Event:
    return key, "answer", {"seq": seq, "step": "review", "attempt": 1, "result": "ok", "error": None, "completion": {
        "text": 'a "review" that says {"unscored_kind":null}', "cost_usd": cost}}


def failed(key: str, seq: int, **cost: float | None) -> Event:
    return key, "answer", {"seq": seq, "step": "review", "attempt": 1, "result": "unavailable", "completion": None,
                           **cost}


def review(key: str, unscored_kind: str | None = None, kind: str = "review") -> Event:
    return key, kind, {"record": {"unscored": unscored_kind, "unscored_kind": unscored_kind}}


def write(runs: Path, run: str, events: Iterable[Event], segment_bytes: int = 10**6) -> None:
    journal = Journal(runs / run, segment_bytes=segment_bytes)
    for key, kind, fields in events:
        journal.append(key, kind, fields)
    journal.close()


def seen(done: Done, keys: Iterable[str] = KEYS) -> dict[str, Any]:
    """All that can be asked of a `Done`, its answers taken."""
    return {
        "has": [done.has(key) for key in keys], "unscored": [done.is_unscored(key) for key in keys],
        "answers": {key: [(line["key"], line["seq"]) for line in done.take_answers(key)] for key in keys},
        "spent": {day: round(usd, 6) for day, usd in done.spent_by_day.items()}, "unpriced": done.unpriced,
    }


def expected(runs: Path, asked_again: frozenset[str]) -> dict[str, Any]:
    """The same from the lines alone, in the plainest way."""
    outcome: dict[str, str | None] = {}
    answers: dict[str, list[tuple[str, int]]] = {}
    calls: dict[tuple[str, str, int], list[Any]] = {}
    for path in segments(runs):
        for line in read_lines(path):
            key = line["key"]
            if line["t"] == "sent":
                calls[path.parent.name, key, line["seq"]] = [line["at"][:10], line["reserved_usd"]]
            elif line["t"] == "answer":
                cost = line["completion"]["cost_usd"] if line["completion"] else line.get("cost_usd")
                if cost is not None and (path.parent.name, key, line["seq"]) in calls:
                    calls[path.parent.name, key, line["seq"]][1] = cost
                if line["result"] == "ok" and outcome.get(key, "none") is not None:
                    answers.setdefault(key, []).append((key, line["seq"]))
            elif line["t"] in ("review", "brief", "compare"):
                kind = line["record"]["unscored_kind"]
                if kind not in ASKED_AGAIN:
                    answers.pop(key, None)
                if kind not in ASKED_AGAIN or outcome.get(key, "unavailable") in ASKED_AGAIN:
                    outcome[key] = kind
    spent: dict[str, float] = {}
    for day, usd in calls.values():
        if usd is not None:
            spent[day] = spent.get(day, 0.0) + usd
    finished = [key in outcome and outcome[key] not in asked_again for key in KEYS]
    return {
        "has": finished,
        "unscored": [has and outcome[key] is not None for has, key in zip(finished, KEYS, strict=True)],
        "answers": {key: answers.get(key, []) for key in KEYS},
        "spent": {day: round(usd, 6) for day, usd in spent.items()},
        "unpriced": sum(usd is None for _, usd in calls.values()),
    }


def random_run(chance: random.Random) -> list[Event]:
    """Calls of a run, answered or not, at once or much later; outcomes of every kind between them; other lines."""
    events: list[Event] = []
    waiting: list[tuple[str, int]] = []
    for seq in range(chance.randrange(14)):
        key = chance.choice(KEYS)
        lot = chance.random()
        if lot < 0.5:
            events.append(sent(key, seq, day=chance.randint(1, 3), reserved=chance.choice([None, 0.5, 0.75])))
            waiting.append((key, seq))
        elif lot < 0.8:
            kinds = [None, None, "unavailable", "budget", "quarantined", "declined", "unreadable"]
            events.append(review(key, chance.choice(kinds), chance.choice(["review", "brief", "compare"])))
        else:
            events.append((f"20261101T000000-{seq:02d}", "ended", {"record": {"unscored_kind": None}}))
        while waiting and chance.random() < 0.6:
            call = waiting.pop(chance.randrange(len(waiting)))
            lot = chance.random()
            if lot < 0.6:
                events.append(answer(*call, cost=chance.choice([None, 0.125, 0.25])))
            else:
                events.append(failed(*call, **chance.choice([{}, {"cost_usd": 0.0}, {"cost_usd": None}])))
    return events


@settings(max_examples=150, deadline=None)
@given(chance=st.randoms(use_true_random=False), segment_bytes=st.sampled_from([300, 1500, 10**6]))
def test_indexes_scans_and_the_lines_agree(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random, segment_bytes: int
) -> None:
    runs = tmp_path_factory.mktemp("runs")
    for number in range(3):
        write(runs, f"20261101T00000{number}-01", random_run(chance), segment_bytes)
    written = {path: path.read_bytes() for path in map(index_path, segments(runs)) if path.exists()}
    for asked_again in (ASKED_AGAIN, RETRIED, frozenset[str]()):
        assert seen(Done.read(runs, asked_again)) == expected(runs, asked_again)
    for path in written:
        path.unlink()
    assert seen(Done.read(runs, ASKED_AGAIN)) == expected(runs, ASKED_AGAIN)
    assert {path: path.read_bytes() for path in written} == written


@given(chance=st.randoms(use_true_random=False))
def test_a_damaged_index_is_made_again(tmp_path_factory: pytest.TempPathFactory, chance: random.Random) -> None:
    runs = tmp_path_factory.mktemp("runs")
    write(runs, "r1", [sent(KEYS[1], 1), answer(KEYS[1], 1), review(KEYS[1]), sent(KEYS[2], 2), answer(KEYS[2], 2)])
    index = index_path(segments(runs)[0])
    whole = index.read_bytes()
    at = chance.randrange(len(whole))
    index.write_bytes(whole[:at] + chance.choice([b"", bytes([whole[at] ^ chance.randint(1, 255)]) + whole[at + 1:]]))
    assert seen(Done.read(runs, ASKED_AGAIN)) == expected(runs, ASKED_AGAIN)
    assert index.read_bytes() == whole


def test_an_index_is_trusted_and_one_of_another_size_is_not(tmp_path: Path) -> None:
    write(tmp_path, "r1", [review(KEYS[1])])
    write(tmp_path, "r2", [review(KEYS[2])])
    first, second = segments(tmp_path)
    index_path(first).write_bytes(index_path(second).read_bytes())  # as large, of another: shows what is read
    assert [Done.read(tmp_path, ASKED_AGAIN).has(key) for key in KEYS[1:3]] == [False, True]
    with first.open("ab") as file:
        file.write(second.read_bytes().replace(KEYS[2].encode(), KEYS[3].encode()))
    assert [Done.read(tmp_path, ASKED_AGAIN).has(key) for key in KEYS[1:4]] == [True, True, True]


def test_the_last_segment_of_a_killed_run_is_read_and_then_has_its_index(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r1")
    for key, kind, fields in [review(KEYS[1]), sent(KEYS[2], 1), answer(KEYS[2], 1), review(KEYS[3])]:
        journal.append(key, kind, fields)
    path = segments(tmp_path)[0]
    with path.open("ab") as file:
        file.write(path.read_bytes()[:100])  # torn in the middle
    assert seen(Done.read(tmp_path, ASKED_AGAIN)) == expected(tmp_path, ASKED_AGAIN)
    mend_tails(tmp_path)
    assert Done.read(tmp_path, ASKED_AGAIN).has(KEYS[3])
    kept = index_path(path).read_bytes()
    journal.close()
    assert index_path(path).read_bytes() == kept


def test_an_index_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    write(tmp_path, "r1", [review(KEYS[1])])
    index = index_path(segments(tmp_path)[0])
    index.unlink()
    (index / "in the way").mkdir(parents=True)
    assert Done.read(tmp_path, ASKED_AGAIN).has(KEYS[1])
    assert [path.name for path in (tmp_path / "r1").iterdir() if path.name.startswith(".")] == []


def test_done_is_what_was_finished_and_not_what_is_asked_again(tmp_path: Path) -> None:
    write(tmp_path, "r1", [
        answer(KEYS[0], 1), review(KEYS[0]), answer(KEYS[1], 2), review(KEYS[2], "unavailable"),
        review(KEYS[3], "quarantined"), review(KEYS[4]), failed(KEYS[5], 3),
    ])
    write(tmp_path, "r2", [review(KEYS[4], "budget")])  # done beats not done, as in the store
    now = seen(Done.read(tmp_path, ASKED_AGAIN))
    assert now["has"] == [True, False, False, True, True, False]
    assert now["unscored"] == [False, False, False, True, False, False]
    assert [key for key, lines in now["answers"].items() if lines] == [KEYS[1]]
    assert not Done.read(tmp_path, RETRIED).has(KEYS[3])


def test_answers_are_given_whole_and_once(tmp_path: Path) -> None:
    first, second = answer(KEYS[1], 1), answer(KEYS[1], 2, cost=None)
    write(tmp_path, "r1", [first, review(KEYS[2])])
    write(tmp_path, "r2", [review(KEYS[1], "unavailable"), second])
    done = Done.read(tmp_path, ASKED_AGAIN)
    assert done.take_answers(KEYS[1]) == [
        {"key": KEYS[1], "t": "answer", **json.loads(json.dumps(fields))} for _, _, fields in (first, second)]
    assert done.take_answers(KEYS[1]) == []


def test_an_answer_after_a_refusal_that_was_asked_again_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "r1", [answer(KEYS[1], 1), review(KEYS[1], "unreadable")])
    write(tmp_path, "r2", [answer(KEYS[1], 9)])  # killed before it was read
    done = Done.read(tmp_path, RETRIED)
    assert [line["seq"] for line in done.take_answers(KEYS[1])] == [9]


def test_money_is_of_the_day_it_was_sent(tmp_path: Path) -> None:
    write(tmp_path, "r1", [
        sent(KEYS[1], 1, day=1), answer(KEYS[1], 1, cost=0.25),
        sent(KEYS[1], 2, day=1), answer(KEYS[1], 2, cost=None),  # 0.50 at most
        sent(KEYS[1], 3, day=2), failed(KEYS[1], 3),  # may have been billed: 0.50
        sent(KEYS[1], 4, day=2), failed(KEYS[1], 4, cost_usd=0.0),
        sent(KEYS[1], 5, day=3, reserved=None), answer(KEYS[1], 5, cost=None),
        sent(KEYS[1], 6, day=3, reserved=None), answer(KEYS[1], 6, cost=0.125),
        sent(KEYS[1], 7, day=4),  # killed: 0.50
    ], segment_bytes=200)
    write(tmp_path, "r2", [answer(KEYS[1], 7, cost=0.0)])  # of another run's call
    assert len(segments(tmp_path)) > 10
    done = Done.read(tmp_path, ASKED_AGAIN)
    assert done.spent_by_day == {"2026-11-01": 0.75, "2026-11-02": 0.5, "2026-11-03": 0.125, "2026-11-04": 0.5}
    assert done.unpriced == 1


def test_one_number_used_by_two_callers_counts_twice(tmp_path: Path) -> None:
    for folder, size in (("one", 10**6), ("many", 100)):
        write(tmp_path / folder, "r1", [sent(KEYS[1], 1), sent(KEYS[1], 1), answer(KEYS[1], 1, cost=0.25)], size)
        assert Done.read(tmp_path / folder, ASKED_AGAIN).spent_by_day == {"2026-11-01": 0.75}


@pytest.mark.parametrize("kind", ["assigned", "dossier", "lines", "part", "messages", "ended", "batch"])
def test_only_outcome_lines_finish_a_key(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "r1", [(KEY, kind, {"record": {"unscored_kind": None}})])
    assert not Done.read(tmp_path, frozenset()).has(KEY)


def test_a_line_that_no_run_wrote_is_named(tmp_path: Path) -> None:
    write(tmp_path, "r1", [review(KEYS[1]), answer(KEYS[2], 1)])
    path = segments(tmp_path)[0]
    path.write_bytes(path.read_bytes().replace(b'"result":"ok",', b""))
    with pytest.raises(StoreError, match=r"journal-0001\.jsonl:2"):
        Done.read(tmp_path, ASKED_AGAIN)


@given(st.lists(st.tuples(st.lists(st.sampled_from([0, 1]), min_size=16, max_size=16).map(bytes),
                          st.integers(0, 255)), max_size=60))
def test_a_key_table_is_a_dictionary(items: list[tuple[bytes, int]]) -> None:
    """Of keys so alike that the end of one and the beginning of the next often spell a third."""
    table, plain = KeyTable(), dict[bytes, int]()
    for key, number in items:
        assert table.get(key) == plain.get(key)
        table.put(key, number)
        plain[key] = number
    assert {key: table.get(key) for key in plain} == plain


def test_a_key_across_two_entries_is_not_a_key() -> None:
    table = KeyTable()
    table.put(bytes(2) + b"x" + bytes(13), 0)
    table.put(bytes(16), 0)
    assert table.get(bytes(16)) == 0
    table = KeyTable()
    table.put(bytes(8) + b"abcdefgh", 7)
    table.put(bytes(16), 9)
    across = b"\0" + b"defgh" + b"\7" + bytes(9)
    assert table.get(across) is None
    table.put(across, 3)
    assert [table.get(across), table.get(bytes(16))] == [3, 9]
