"""What earlier runs already have, read through the indexes beside segments and without them."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import zlib
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
        "text": 'a "review" that says {"unscored_kind":null}', "cost_usd": cost, "endpoint": "scripted:"}}


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


def change(path: Path, old: str, new: str) -> None:
    """Write other bytes of the same length into a file."""
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode()))


def test_an_index_is_trusted_unless_it_is_of_another_size_or_another_end(tmp_path: Path) -> None:
    filling = [("0" * 32, "part", {"text": "x" * 1000}) for _ in range(70)]
    write(tmp_path, "r1", [review(KEYS[1]), *filling, review(KEYS[3])])
    path = segments(tmp_path)[0]
    change(path, KEYS[1], KEYS[2])  # far from the end: shows what is read
    assert [Done.read(tmp_path, ASKED_AGAIN).has(key) for key in KEYS[1:4]] == [True, False, True]
    change(path, KEYS[3], KEYS[4])
    assert [Done.read(tmp_path, ASKED_AGAIN).has(key) for key in KEYS[1:5]] == [False, True, False, True]
    change(path, KEYS[2], KEYS[1])
    with path.open("ab") as file:
        file.write(path.read_bytes().splitlines(keepends=True)[0].replace(KEYS[1].encode(), KEYS[5].encode()))
    assert [Done.read(tmp_path, ASKED_AGAIN).has(key) for key in KEYS[1:6]] == [True, False, False, True, True]


def signed(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "big")


def reindexed(index: Path, changes: dict[str, Any]) -> bytes:
    """The index with other fields in its head and a CRC that matches."""
    head, _, keys = index.read_bytes()[:-4].partition(b"\n")
    changed = {name: value for name, value in (json.loads(head) | changes).items() if value != "missing"}
    return signed(json.dumps(changed).encode() + b"\n" + keys)


FORGED = [
    *({name: wrong} for name in ("answers", "outcomes", "unanswered", "late", "spent", "unpriced", "tail", "size")
      for wrong in ("missing", "text", 7.5, None, [7], [[None, 1, 2]], [["x", 10**400]], {"x": "y"}, -1)),
    {"outcomes": [[None, 2]]}, {"outcomes": [[None, 10**12]]}, {"outcomes": [[None, -1], [None, 2]]},
    {"outcomes": [["happy", 1]]}, {"outcomes": [[None, True]]}, {"outcomes": []},
    {"answers": [["ab", 0]]}, {"answers": [["zz" * 16, 0]]}, {"answers": [[KEYS[1], 10**6]]},
    {"answers": [[KEYS[1], "0"]]}, {"answers": [[KEYS[2], 0]]}, {"answers": [[KEYS[2], -5]]},
    {"answers": [[KEYS[2], 1]]},
    {"unanswered": [[KEYS[3], 3, "today", 0.5]]}, {"unanswered": [[KEYS[3], 3, "2026-11-01", "x"]]},
    {"unanswered": [[KEYS[3], 3, ["2026-11-01"], 0.5]]}, {"unanswered": [[KEYS[3], [3], "2026-11-01", 0.5]]},
    {"late": [[KEYS[3], 3, "1"]]}, {"late": [[KEYS[3], 3, -1]]}, {"late": [[KEYS[3], 3, float("nan")]]},
    {"spent": {"2026-11-01": float("nan")}}, {"spent": {"2026-11-01": float("inf")}}, {"spent": {"2026-11-01": -1}},
    {"spent": {"2026-11-01": 10**400}}, {"spent": {"2026-11-01": None}}, {"spent": {"2026-11-01": True}},
    {"spent": {"soon": 1}},
]


def some_run(runs: Path) -> Path:
    """A run with something of all that an index keeps but `late`; its index."""
    write(runs, "r1", [sent(KEYS[1], 1), answer(KEYS[1], 1), review(KEYS[1]), sent(KEYS[2], 2), answer(KEYS[2], 2),
                       sent(KEYS[3], 3)])
    return index_path(segments(runs)[0])


@pytest.mark.parametrize("changes", FORGED, ids=str)
def test_an_index_that_nobody_wrote_is_made_again_though_its_crc_is_right(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    index = some_run(tmp_path)
    whole = index.read_bytes()
    index.write_bytes(reindexed(index, changes))
    found = seen(Done.read(tmp_path, ASKED_AGAIN))
    if changes not in ({"answers": [[KEYS[2], 0]]}, {"answers": [[KEYS[2], 1]]}):  # seen when the answer is taken
        assert found == expected(tmp_path, ASKED_AGAIN)
    assert found["answers"] == expected(tmp_path, ASKED_AGAIN)["answers"]
    assert index.read_bytes() == whole


@pytest.mark.parametrize("body", [
    b"", b"\n", b"[]\n", b"7\n", b'"text"\n', b"null\n", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\n",
    b"9" * 5000 + b"\n", b'{"format":"ship-panel index 2"}\n',
], ids=lambda body: repr(body[:12]))
def test_a_file_with_a_crc_alone_is_no_index(tmp_path: Path, body: bytes) -> None:
    index = some_run(tmp_path)
    whole = index.read_bytes()
    index.write_bytes(signed(body))
    assert seen(Done.read(tmp_path, ASKED_AGAIN)) == expected(tmp_path, ASKED_AGAIN)
    assert index.read_bytes() == whole


@pytest.mark.parametrize("what", ["fifo", "link", "device"])
def test_an_index_that_is_no_file_of_its_own_is_not_read(tmp_path: Path, what: str) -> None:
    index = some_run(tmp_path)
    whole = index.read_bytes()
    kept = Path(shutil.move(index, tmp_path / "elsewhere"))
    if what == "fifo":
        os.mkfifo(index)
    else:
        index.symlink_to(kept if what == "link" else "/dev/zero")
    assert seen(Done.read(tmp_path, ASKED_AGAIN)) == expected(tmp_path, ASKED_AGAIN)
    assert index.is_file()
    assert not index.is_symlink()
    assert index.read_bytes() == whole == kept.read_bytes()


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


@pytest.mark.parametrize(("old", "new"), [
    ('"reserved_usd":0.5', '"reserved_usd":"x"'), ('"reserved_usd":0.5', '"reserved_usd":-1'),
    ('"reserved_usd":0.5', '"reserved_usd":NaN'), ('"reserved_usd":0.5', '"reserved_usd":1e999'),
    ('"reserved_usd":0.5', '"reserved_usd":true'), ('"reserved_usd":0.5', f'"reserved_usd":1{"0" * 400}'),
    ('"cost_usd":0.25', '"cost_usd":-0.25'), ('"cost_usd":0.25', '"cost_usd":NaN'),
    ('"cost_usd":0.25', '"cost_usd":[]'),
    ('"seq":2', '"seq":[2]'), ('"seq":2', '"seq":null'), ('"at":"2026', '"at":"MMXXVI'), ('"at":"', '"at":7,"b":"'),
    ('"completion":{', '"completion":5,"b":{'), ('"completion":{', f'"b":{"[" * 100_000},"completion":{{'),
    ('"unscored_kind":"quarantined"', '"unscored_kind":"happy"'),
    ('"unscored_kind":"quarantined"', '"unscored_kind":[]'),
])
def test_a_tampered_line_is_named(tmp_path: Path, old: str, new: str) -> None:
    write(tmp_path, "r1", [review(KEYS[1]), sent(KEYS[2], 2), answer(KEYS[2], 2), review(KEYS[3], "quarantined")])
    path = segments(tmp_path)[0]
    lines = path.read_text().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if old in line)
    lines[number] = lines[number].replace(old, new)
    path.write_text("".join(lines))
    with pytest.raises(StoreError, match=rf"journal-0001\.jsonl:{number + 1}: not a journal line"):
        Done.read(tmp_path, ASKED_AGAIN)


@pytest.mark.parametrize(("old", "new"), [
    ('"text":"a', '"text":5,"reasoning":"a'), ('"endpoint":"scripted:"', '"model":"scripted:"'),
    ('"step":"review"', '"step":["review"]'), ('"step":"review",', ""),
    ('"endpoint":"scripted:"', '"endpoint":"scripted:","mood":1'), ('"completion":{', '"completion":null,"b":{'),
])
def test_an_answer_that_cannot_be_read_again_is_named(tmp_path: Path, old: str, new: str) -> None:
    write(tmp_path, "r1", [review(KEYS[1]), answer(KEYS[2], 2)])
    path = segments(tmp_path)[0]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    done = Done.read(tmp_path, ASKED_AGAIN)
    with pytest.raises(StoreError, match=r"journal-0001\.jsonl:2: not a journal line"):
        done.take_answers(KEYS[2])


@pytest.mark.parametrize(("old", "new"), [
    ('"completion":{"text":"', '"completion":{"text":5,"reasoning":"'), ('"reserved_usd":', '"reserved_usd":"x","b":'),
    ('"finish_reason":"', '"finish_reason":7,"text":"'),
])
def test_a_run_over_a_tampered_journal_ends_with_one_line(desk: Path, old: str, new: str) -> None:
    """Killed after its answers, before its reviews; then somebody changes a line."""
    (desk / "launches.jsonl").write_text('{"name": "Tool", "tagline": "It does the thing for teams."}\n')
    words = [sys.executable, "-m", "panel", "review", "launches.jsonl", "--model", "scripted", "--quiet"]
    first = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert first.returncode == 0, first.stderr
    path, = segments(desk / "runs")
    index_path(path).unlink()
    lines = [line for line in path.read_text().splitlines(keepends=True)
             if not re.search(r'"t":"(review|brief|ended)"', line)]
    number = next(number for number, line in enumerate(lines) if old in line and '"t":"' in line)
    lines[number] = lines[number].replace(old, new)
    path.write_text("".join(lines))
    second = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 5, second.stderr
    assert f"{path.name}:{number + 1}: not a journal line" in second.stderr
    assert "Traceback" not in second.stderr


@given(st.lists(st.tuples(st.lists(st.sampled_from([0, 1]), min_size=16, max_size=16).map(bytes),
                          st.sampled_from([0, 1, 255])), max_size=60))
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
    table.put(bytes(8) + b"\1\2\3\4\5\6\7\10", 7)
    table.put(bytes(16), 9)
    across = b"\0" + b"\4\5\6\7\10" + b"\7" + bytes(9)  # of the same first 12 bits
    assert table.get(across) is None
    table.put(across, 3)
    assert [table.get(across), table.get(bytes(16))] == [3, 9]
