"""What the store refuses, and what a fault leaves: one clear line, and the old store."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from journal_maker import (
    made_dossier,
    run_lines,
    write_run,
)
from store_desk import FIRST, ROOT, TOOLS, contents, rows

from panel.errors import StoreError
from panel.store import (
    load,
    open_store,
    rebuild,
)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("broken", [b'{"key":"a","t":"review",\n', b"\xff\xfe\n", b'{"no":"key"}\n', b"[1]\n", b"7\n",
                                    b'{"t":"review","key":"a","record":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
                                    b'{"key":"a","t":"review","record":' + b"[" * 100_000 + b"]" * 100_000 +
                                    b'}\n{"key":"a","t":"review",\n'],
                         ids=lambda broken: repr(broken[:24]))
def test_a_broken_line_is_named_and_the_old_store_stays(runs: Path, broken: bytes) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = contents(runs)
    second = replace(FIRST, run_id="20260102T000000-01")
    path = write_run(runs, second, run_lines(second, TOOLS))[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], broken, *lines[5:]]))
    with pytest.raises(StoreError) as caught:
        load(runs)
    assert f"{path}:6: " in str(caught.value)
    assert contents(runs) == before
    assert list(runs.glob(".panel.*")) == []


def test_a_broken_run_json_is_named(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    path = runs / FIRST.run_id / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "panel": {}}))
    with pytest.raises(StoreError) as caught:
        load(runs)
    assert str(caught.value).startswith(f"{path}: panel.seats: ")


def set_version(runs: Path, version: int) -> None:
    with duckdb.connect(str(runs / "panel.duckdb")) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'tables_version'", [str(version)])
        connection.execute("UPDATE meta SET value = '9.9.9' WHERE name = 'program_version'")


def test_a_newer_store_is_refused_and_not_touched(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    set_version(runs, 99)
    before = (runs / "panel.duckdb").read_bytes()
    second = replace(FIRST, run_id="20260102T000000-01")
    write_run(runs, second, run_lines(second, TOOLS))
    with pytest.raises(StoreError, match=r"ship-panel 9\.9\.9 \(tables version 99"):
        load(runs)
    with pytest.raises(StoreError, match=r"ship-panel 9\.9\.9"), open_store(runs):
        pass
    assert (runs / "panel.duckdb").read_bytes() == before


def test_an_older_store_is_made_anew(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = contents(runs)
    set_version(runs, 0)
    with pytest.raises(StoreError, match="run `ship-panel rebuild`"), open_store(runs):
        pass
    assert load(runs).rebuilt == "the tables are of an older version"
    assert contents(runs) == before


@pytest.mark.parametrize("content", [b"", b"junk" * 5000, b"\x00" * 20000])
def test_a_file_that_is_no_database_is_named_and_rebuild_heals_it(runs: Path, content: bytes) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = contents(runs)
    (runs / "panel.duckdb").write_bytes(content)
    with pytest.raises(StoreError, match="ship-panel rebuild"):
        load(runs)
    with pytest.raises(StoreError, match="ship-panel rebuild"), open_store(runs):
        pass
    rebuild(runs)
    assert contents(runs) == before


def test_somebody_elses_database_is_refused(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    with duckdb.connect(str(runs / "panel.duckdb")) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    with pytest.raises(StoreError, match="not a store of ship-panel"):
        load(runs)


def test_a_store_open_for_writing_elsewhere_is_said_in_one_line(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    script = ("import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE TABLE held (i INT)'); "
              "print('held', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", script, str(runs / "panel.duckdb")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=rf"open for writing elsewhere: .*PID {holder.pid}") as caught, \
                open_store(runs):
            pass
        assert "\n" not in str(caught.value)
        holder.communicate("")


def test_readers_never_meet_the_writer(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    seen: list[int] = []
    failed: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                with open_store(runs) as connection:
                    seen.append(connection.execute("SELECT count(*) FROM runs").fetchall()[0][0])
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with open_store(runs) as old:
        for number in range(2, 6):
            making = replace(FIRST, run_id=f"2026010{number}T000000-01")
            write_run(runs, making, run_lines(making, TOOLS))
            load(runs)
            with open_store(runs) as connection:
                assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(number,)]
        assert old.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]
    stop.set()
    for reader in readers:
        reader.join()
    assert failed == []
    assert set(seen) <= {1, 2, 3, 4, 5}


def test_what_a_killed_loader_left_is_removed(runs: Path) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    (runs / ".panel.1.tmp").write_bytes(b"half")
    (runs / ".panel.1.spill").mkdir()
    (runs / ".panel.1.spill" / "block").write_bytes(b"x")
    (runs / "panel.duckdb.wal").write_bytes(b"of another file")
    load(runs)
    assert list(runs.glob(".panel.*")) == []
    assert rows(runs, "SELECT count(*) FROM reviews") == [(12,)]


FULL_DISK = """
import resource, sys
from pathlib import Path
from panel.errors import StoreError
from panel.store import load, rebuild
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    {"load": load, "rebuild": rebuild}[sys.argv[3]](Path(sys.argv[1]))
except StoreError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("limit", [4_000, 40_000, 400_000, 1_500_000])
@pytest.mark.parametrize("what", ["load", "rebuild"])
def test_a_full_disk_leaves_the_old_store(runs: Path, limit: int, what: str) -> None:
    write_run(runs, FIRST, run_lines(FIRST, TOOLS))
    load(runs)
    before = (runs / "panel.duckdb").read_bytes()
    second = replace(FIRST, run_id="20260102T000000-01")
    write_run(runs, second, run_lines(second, [made_dossier(number) for number in range(60)]))
    ended = subprocess.run([sys.executable, "-c", FULL_DISK, str(runs), str(limit), what], capture_output=True,
                           text=True, check=False, cwd=ROOT)
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "is full" in ended.stdout
    assert ended.stdout.count("\n") == 1
    assert (runs / "panel.duckdb").read_bytes() == before
    assert list(runs.glob(".panel.*")) == []
    load(runs)
    assert rows(runs, "SELECT count(*) FROM runs") == [(2,)]
