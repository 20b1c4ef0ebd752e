"""The journal: what is appended is there after a kill, torn tails are cut, one process holds `runs/`."""

from __future__ import annotations

import json
import multiprocessing
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.done import Done
from panel.errors import StoreError
from panel.journal import Journal, dump_line, hold, mend_tails, read_lines, segments
from panel.schema.review import ASKED_AGAIN

KEY = "0123456789abcdef0123456789abcdef"


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_survives_a_line(text: str, other: str) -> None:
    line = dump_line({"key": KEY, "t": "part", "text": text, "other": other})
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"key": KEY, "t": "part", "text": text, "other": other}


def test_segments_are_cut_at_their_size_and_keep_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "runs" / "r1", segment_bytes=500)
    for number in range(20):
        journal.append(KEY, "part", {"text": "x" * 100, "number": number})
    journal.close()
    found = segments(tmp_path / "runs")
    assert len(found) > 3
    assert all(path.stat().st_size <= 500 for path in found)
    numbers = [line["number"] for path in found for line in read_lines(path)]
    assert numbers == list(range(20))


@given(cut=st.integers(min_value=0, max_value=400))
def test_a_torn_tail_is_cut_back_to_whole_lines(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    runs = tmp_path_factory.mktemp("runs")
    journal = Journal(runs / "r1")
    for number in range(5):
        journal.append(KEY, "part", {"number": number, "text": "y" * 40})
    journal.close()
    path = segments(runs)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    mend_tails(runs)
    left = path.read_bytes()
    assert whole.startswith(left)
    assert left == b"" or left.endswith(b"\n")
    assert len(whole[: max(0, len(whole) - cut)]) - len(left) < 120
    assert mend_tails(runs) == []


def test_a_line_that_no_later_run_could_read_is_not_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r1")
    call = {"seq": 1, "at": "2026-11-23T21:14:35.000Z", "reserved_usd": 0.5}
    journal.append(KEY, "sent", call)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(StoreError, match=rf"a line 'sent' of {KEY} was not written: no amount of money"):
            journal.append(KEY, "sent", {**call, "seq": 2, "reserved_usd": wrong})
    journal.append(KEY, "sent", {**call, "seq": 3})
    journal.close()
    assert [line["seq"] for line in read_lines(segments(tmp_path)[0])] == [1, 3]
    assert Done.read(tmp_path, ASKED_AGAIN).spent_by_day == {"2026-11-23": 1.0}


def test_a_line_nested_too_deep_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal-0001.jsonl"
    deep = b"[" * 100_000 + b"]" * 100_000
    path.write_bytes(b'{"key":"a","t":"part"}\n{"key":"b","t":"part","text":' + deep + b"}\n")
    with pytest.raises(StoreError, match=r"journal-0001\.jsonl:2"):
        list(read_lines(path))


def test_a_line_broken_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal-0001.jsonl"
    path.write_bytes(b'{"key":"a","t":"part"}\nnot json\n{"key":"b","t":"part"}\n')
    with pytest.raises(StoreError, match=r"journal-0001\.jsonl:2"):
        list(read_lines(path))


def test_an_old_run_is_gone_on_with_in_its_next_segment(tmp_path: Path) -> None:
    for number in range(3):
        journal = Journal(tmp_path / "r1", segment_bytes=200)
        journal.append(KEY, "part", {"text": "x" * 100, "number": 2 * number})
        journal.append(KEY, "part", {"text": "x" * 100, "number": 2 * number + 1})
        journal.close()
        if number == 0:
            (tmp_path / "r1" / "journal-0001.jsonl").unlink()  # moved away: its number is not free for later lines
    assert [path.name for path in segments(tmp_path)] == [f"journal-000{number}.jsonl" for number in range(2, 7)]
    assert [line["number"] for path in segments(tmp_path) for line in read_lines(path)] == [1, 2, 3, 4, 5]


def _holder(runs: Path, ready: object) -> None:
    with hold(runs):
        ready.set()  # type: ignore[attr-defined]
        time.sleep(30)


def test_the_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=_holder, args=(tmp_path, ready))
    other.start()
    try:
        assert ready.wait(20)
        with pytest.raises(StoreError, match=rf"process {other.pid} on .+ since \d{{4}}-"), hold(tmp_path):
            pass
    finally:
        other.kill()
        other.join()
    with hold(tmp_path):  # a killed holder lets go
        pass


WRITER = """
import sys
from pathlib import Path
from panel.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    journal.append("%032x" % number, "part", {"text": "z" * 200})
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_reported(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "r1")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(200):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        reported = 200 + len(process.stdout.readlines())
    mend_tails(tmp_path)
    kept = sum(1 for path in segments(tmp_path) for _ in read_lines(path))
    assert kept >= reported - 1  # the last number may be a torn line of its own


LIMITED = """
import resource, signal, sys
from pathlib import Path
from panel.errors import StoreError
from panel.journal import Journal, mend_tails, read_lines, segments
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
runs = Path(sys.argv[1])
journal = Journal(runs / "r1")
written = 0
try:
    while True:
        journal.append("%032x" % written, "part", {"text": "z" * 200})
        written += 1
except StoreError as error:
    assert "full" in str(error), error
assert sum(1 for path in segments(runs) for _ in read_lines(path)) == written
assert mend_tails(runs) == []
print(written)
"""


def test_a_full_disk_keeps_whole_lines_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 5000
    assert (tmp_path / "r1" / "journal-0001.jsonl").exists()
