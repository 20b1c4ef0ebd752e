"""How long a resumed run takes to know what is done: `python -m bench.resume [assignments] [--end-to-end]`.

Makes a run of that many finished assignments (default 1,000,000) in a temporary folder: 5.5 KB each, copies of the
lines that a real run with the scripted model wrote, with keys, digests, tool ids and numbers of their own, and the
indexes that `Journal` writes beside closed segments. Then reads it in a process of its own, with the indexes and
without. `--end-to-end` also loads the store (minutes) and times `ship-panel review` of 2,000 launches that are done.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from panel.journal import SEGMENT_BYTES, index_path, segments, write_index
from panel.segment_index import SegmentIndex

LAUNCHES = Path(__file__).resolve().parents[2] / "shared" / "data" / "launches.jsonl"
MADE = "20260101T000000-01"
SEATS = 4
ROOM = 1.5
"""Bytes of free disk wanted for each byte of journal: the store comes to it."""

READER = """
import json, sys, time
from pathlib import Path
from panel.done import Done
from panel.journal import segments
from panel.schema.review import ASKED_AGAIN
from panel.segment_index import SegmentIndex

def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) / 1024

runs, before = Path(sys.argv[1]), status("VmRSS")
wall, cpu = time.perf_counter(), time.process_time()
done = Done.read(runs, ASKED_AGAIN)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
kept, peak = status("VmRSS") - before, status("VmHWM")
path = segments(runs)[0]
index = SegmentIndex.load(path.with_suffix(".index").read_bytes(), path.stat().st_size)
keys = [key.hex() for key in index.outcomes] + [f"{number:032x}" for number in range(len(index.outcomes))]
began = time.process_time()
found = sum(map(done.has, keys))
each = (time.process_time() - began) / len(keys)
assert found == len(index.outcomes) and not any(map(done.take_answers, keys))
print(f"{wall:8.2f} s wall {cpu:8.2f} s CPU, peak RSS {peak:4.0f} MB, {kept:4.0f} MB of it what is known; "
      f"a look-up {each * 1e6:.2f} us")
"""


class Block:
    """The lines of one tool in a journal, to be copied under other names."""

    def __init__(self, tool_id: str, lines: list[dict[str, Any]]) -> None:
        text = b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)
        names = {part for line in lines for part in line["key"].split("/")[-1:]}
        pattern = b"(" + b"|".join([name.encode() for name in sorted(names)]) + rb'|"seq":\d+|"(?:id|tool_id)":"' + \
            re.escape(tool_id.encode()) + b'")'
        self._pieces = re.split(pattern, text)
        self._names = {name.encode() for name in names}
        self._calls = [line for line in lines if line["t"] in ("sent", "answer", "review")]
        self.size = len(text) + 2000

    def copy(self, number: int, offset: int, index: SegmentIndex) -> bytes:
        """The lines of tool number `number`, which will begin at `offset`; the index takes them."""
        fresh = {name: os.urandom(16).hex().encode() for name in self._names}
        pieces = list(self._pieces)
        for at in range(1, len(pieces), 2):
            old = pieces[at]
            if old in fresh:
                pieces[at] = fresh[old]
            elif old.startswith(b'"seq"'):
                pieces[at] = b'"seq":%d' % (number * 1000 + int(old[6:]))
            else:
                pieces[at] = old[:-1] + b'-%d"' % number
        for line in self._calls:
            fields = {**line, "seq": number * 1000 + line.get("seq", 0)}
            index.take(fresh[line["key"].encode()].decode(), line["t"], fields, offset)
        return b"".join(pieces)


def blocks_of(run: Path) -> list[Block]:
    """One block for each tool of a run: the lines that no other tool shares."""
    lines = [json.loads(line) for path in segments(run.parent) for line in path.open("rb")]
    owner: dict[str, str | None] = {}

    def own(name: str, tool_id: str) -> None:
        owner[name] = tool_id if owner.get(name, tool_id) == tool_id else None

    messages = {line["key"]: line for line in lines if line["t"] == "messages"}
    for line in lines:
        if line["t"] == "sent":
            parts = [part for message in messages[line["messages"]]["messages"] for part in message["parts"]]
            for name in (line["key"], line["messages"], *parts):
                own(name, line["tool_id"])
        elif line["t"] == "assigned":
            for name in (line["key"], line["dossier_digest"], line["lines_digest"]):
                own(name, line["tool_id"])
    tools: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        tool_id = owner.get(line["key"])
        if tool_id is not None:
            tools.setdefault(tool_id, []).append(line)
    return [Block(tool_id, own_lines) for tool_id, own_lines in tools.items()
            if sum(line["t"] == "review" for line in own_lines) == SEATS]


def make(runs: Path, assignments: int, blocks: list[Block]) -> None:
    """A run of so many finished assignments, segment by segment, with the index of each."""
    folder = runs / MADE
    folder.mkdir()
    tools, number = assignments // SEATS, 0
    for count in range(1, 10_000):
        path, index, size = folder / f"journal-{count:04d}.jsonl", SegmentIndex(), 0
        with path.open("wb") as file:
            while number < tools and size + blocks[number % len(blocks)].size < SEGMENT_BYTES:
                size += file.write(blocks[number % len(blocks)].copy(number, size, index))
                number += 1
        write_index(path, index, size)
        if number == tools:
            return


def review(runs: Path, launches: Path) -> str:
    """Review the launches with the scripted model; what it took."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "panel", "review", str(launches), "--model", "scripted", "--depth", "verdict",
               "--runs", str(runs)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        assert process.stderr is not None
        sys.exit(process.stderr.read().decode())
    cpu = usage.ru_utime + usage.ru_stime
    # The peak is never below what this process has in memory: it reads only the few launches it copies.
    return f"{time.perf_counter() - began:8.2f} s wall {cpu:8.2f} s CPU, peak RSS {usage.ru_maxrss / 1024:4.0f} MB"


def first_lines(folder: Path, count: int) -> Path:
    """A file with the first launches."""
    path = folder / f"first-{count}.jsonl"
    path.write_bytes(b"".join(LAUNCHES.read_bytes().splitlines(keepends=True)[:count]))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignments", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--end-to-end", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        runs = Path(name) / "runs"
        review(runs, first_lines(Path(name), 40))
        blocks = blocks_of(next(path for path in runs.iterdir() if path.is_dir()))
        wanted = int(given.assignments / SEATS * blocks[0].size * ROOM)
        if shutil.disk_usage(name).free < wanted:
            sys.exit(f"{name}: {wanted / 1e9:.0f} GB of free disk are needed; give fewer assignments")
        if given.end_to_end:
            review(runs, first_lines(Path(name), 2000))
        make(runs, given.assignments, blocks)
        made = segments(runs)
        print(f"{given.assignments:,} finished assignments, {len(made)} segments, "
              f"{sum(path.stat().st_size for path in made) / 1e9:.2f} GB, indexes "
              f"{sum(index_path(path).stat().st_size for path in made) / 1e6:.1f} MB", flush=True)
        for what in ("with the indexes", "without (made on the way)", "again, with those"):
            print(f"{what:28s}", end="", flush=True)
            subprocess.run([sys.executable, "-c", READER, str(runs)], check=True)
            if what == "with the indexes":
                for path in made:
                    index_path(path).unlink()
        if given.end_to_end:
            subprocess.run([sys.executable, "-m", "panel", "rebuild", "--runs", str(runs)], check=True)
            for count in (1, 2000):
                print(f"review, {count:5,} done launches  {review(runs, first_lines(Path(name), count))}", flush=True)


if __name__ == "__main__":
    main()
