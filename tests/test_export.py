"""Tables as files: the same bytes each time, spreadsheets that run nothing, whole files or none."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journal_maker import Making, compare_lines, made_dossier, run_lines, state_of_each, write_run

from panel.errors import ConfigError
from panel.store import export, load, rebuild, run_sql
from panel.store.exporting import EXPORTED, FORMATS

parquet = pytest.importorskip("pyarrow.parquet")
ROOT = Path(__file__).resolve().parents[1]
MAKING = Making(repeats=2, template="Consider gravity carefully before lunch. ")
TOOLS = [made_dossier(number) for number in range(4)]
HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  @x", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x",
    "=cmd|' /C calc'!A0", '"=1', "a\n=1", "plain", "", "'=1", "1-2", "x@y",
)
TRIGGERS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loaded") / "runs"
    write_run(folder, MAKING, [*run_lines(MAKING, TOOLS), *compare_lines(MAKING, (TOOLS[0], TOOLS[1]))])
    second = replace(MAKING, run_id="20260102T000000-01", model="other")
    write_run(folder, second, run_lines(second, TOOLS[2:]))
    state_of_each(folder, MAKING, TOOLS)
    load(folder)
    return folder


def hashes(paths: list[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_rebuilt_store_exports_the_same_bytes(loaded: Path, tmp_path: Path, file_format: str) -> None:
    runs = Path(shutil.copytree(loaded, tmp_path / "runs"))
    first = hashes(export(runs, tmp_path / "one", file_format))
    assert first == hashes(export(runs, tmp_path / "two", file_format))
    (runs / "panel.duckdb").unlink()
    rebuild(runs)
    assert first == hashes(export(runs, tmp_path / "three", file_format))
    assert set(first) == {f"{table.name}.{file_format}" for table in EXPORTED}


@pytest.mark.parametrize("table", EXPORTED, ids=lambda table: table.name)
def test_every_row_is_in_every_format(loaded: Path, tmp_path: Path, table: Any) -> None:
    count = run_sql(loaded, f'SELECT count(*) FROM "{table.name}"')[1][0][0]
    assert count > 0
    for file_format in FORMATS:
        path = export(loaded, tmp_path, file_format, [table.name])[0]
        if file_format == "parquet":
            found = parquet.read_table(path)
            assert found.num_rows == count
            assert found.column_names == [column.name for column in table.columns]
        elif file_format == "csv":
            assert len(list(cells(path))) == count + 1
        else:
            lines = path.read_text(encoding="utf-8").splitlines()
            assert len(lines) == count
            assert list(json.loads(lines[0])) == [column.name for column in table.columns]


def test_json_lines_and_parquet_hold_the_values_exactly(loaded: Path, tmp_path: Path) -> None:
    columns, rows = run_sql(loaded, "SELECT key, score, because, missing, cost_usd FROM reviews ORDER BY key")
    path, = export(loaded, tmp_path, "jsonl", ["reviews"])
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [tuple(row[name] for name in columns) for row in found] == rows
    path, = export(loaded, tmp_path, "parquet", ["reviews"])
    found = parquet.read_table(path, columns=columns).to_pylist()
    assert [tuple(row[name] for name in columns) for row in found] == rows


def cells(path: Path) -> Iterator[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.reader(file)


def test_no_cell_of_a_csv_starts_a_formula(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    tools = [made_dossier(number).model_copy(update={"tagline": text, "category": text})
             for number, text in enumerate(HOSTILE)]
    write_run(runs, MAKING, run_lines(MAKING, tools))
    load(runs)
    for path in export(runs, tmp_path / "csv", "csv"):
        for row in cells(path):
            assert not [cell for cell in row if cell.lstrip(" ").startswith(TRIGGERS)], path.name
    header, *body = cells(tmp_path / "csv" / "dossiers.csv")
    at, tool = header.index("tagline"), header.index("tool_id")
    for number, text in enumerate(HOSTILE):
        cell = next(row[at] for row in body if row[tool] == f"tool-{number:06d}")
        assert cell in (text, f"'{text}")
        assert (cell != text) == text.lstrip(" ").startswith(TRIGGERS)


def test_every_value_of_a_csv_is_quoted_and_null_is_not_an_empty_text(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    tool = made_dossier(1).model_copy(update={"vendor": "", "version": None})
    write_run(runs, MAKING, run_lines(MAKING, [tool]))
    load(runs)
    path, = export(runs, tmp_path, "csv", ["dossiers"])
    line = path.read_text(encoding="utf-8").splitlines()[1]
    assert line.startswith(f'"{tool.digest}","tool-000001","Tool 1","",')
    assert ',"https://tools.example/1",,"MIT",' in line


@pytest.mark.parametrize(("file_format", "tables", "said"), [
    ("xlsx", None, "format 'xlsx': must be one of parquet, csv, jsonl"),
    ("csv", ["reviews", "secrets"], "table 'secrets': must be one of calls, reviews"),
    ("csv", ["meta"], "table 'meta': must be one of"),
])
def test_what_is_not_there_is_named(loaded: Path, tmp_path: Path, file_format: str, tables: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        export(loaded, tmp_path / "out", file_format, tables)
    assert str(caught.value).startswith(said)
    assert not (tmp_path / "out").exists()


def whole(folder: Path, name: str, columns: list[str]) -> set[tuple[Any, ...]]:
    found = parquet.read_table(folder / f"{name}.parquet", columns=columns).to_pylist()
    return {tuple(row.values()) for row in found}


@pytest.mark.parametrize("since", ["20260102T000000-01", "2026-01-02", "2026-01-02T02:00:00+02:00"])
def test_since_a_run_or_a_date_leaves_out_what_is_older(loaded: Path, tmp_path: Path, since: str) -> None:
    """The second run asked another model about half of the tools, a day later."""
    runs = tmp_path / "runs"
    lines = [*run_lines(MAKING, TOOLS), *compare_lines(MAKING, (TOOLS[0], TOOLS[1]))]
    second = replace(MAKING, run_id="20260102T000000-01", model="other")
    write_run(runs, MAKING, lines)
    text = [json.loads(json.dumps(line).replace("2026-01-01T", "2026-01-02T")) for line in run_lines(second, TOOLS[2:])]
    write_run(runs, second, text)
    path = runs / second.run_id / "run.json"
    path.write_text(path.read_text().replace("2026-01-01T", "2026-01-02T"))
    load(runs)
    out = tmp_path / "out"
    assert len(export(runs, out, since=since)) == len(EXPORTED)
    for name in ("calls", "reviews", "briefs", "scores", "latest", "assigned", "runs", "loaded", "run_totals", "long"):
        assert whole(out, name, ["run_id"]) == {(second.run_id,)}, name
    for name in ("comparisons",):
        assert whole(out, name, ["run_id"]) == set()
    late = {(tool.id,) for tool in TOOLS[2:]}
    for name in ("reviews", "dossiers", "dossier_lines", "points", "claims", "lines", "seats", "assignments"):
        assert whole(out, name, ["tool_id"]) == late, name
    sent = whole(out, "calls", ["messages_digest"]) | whole(out, "reviews", ["messages_digest"])
    assert whole(out, "prompts", ["messages_digest"]) == sent - {(None,)}
    parts = {part for row in parquet.read_table(out / "messages.parquet").to_pylist() for part in row["parts"]}
    assert {row[0] for row in whole(out, "message_parts", ["part_digest"])} == parts
    assert len(whole(out, "panels", ["panel_digest"])) == 2
    everything = export(runs, tmp_path / "all", since="20260101T000000-01")
    assert hashes(everything) == hashes(export(runs, tmp_path / "plain"))


@pytest.mark.parametrize(("since", "said"), [
    ("20260102T000000-02", "no run of that id in the store, and no date like 2026-11-23; the nearest are "
                           "20260102T000000-01, 20260101T000000-01"),
    ("yesterday", "no run of that id in the store"), ("2026-02-30", "day is out of range for month"),
    ("2026-01-01 and more", "Invalid isoformat string"), ("0001-01-01T00:00+14:00", "date value out of range"),
    ("9999-12-31T23:59-14:00", "date value out of range"),
])
def test_since_a_run_that_is_not_there_names_the_nearest(loaded: Path, tmp_path: Path, since: str, said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "panel", "export", str(tmp_path / "out"), "--runs", str(loaded), "--since", since],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert said in ended.stderr
    assert not (tmp_path / "out").exists()


def test_since_a_year_of_three_digits_is_since_the_beginning(loaded: Path, tmp_path: Path) -> None:
    plain = hashes(export(loaded, tmp_path / "plain"))
    assert hashes(export(loaded, tmp_path / "since", since="0999-01-01")) == plain


def test_export_since_on_the_command_line(loaded: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "panel", "export", str(tmp_path), "--runs", str(loaded), "--tables", "reviews",
         "--since", "20260102T000000-01"], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert whole(tmp_path, "reviews", ["run_id"]) == {("20260102T000000-01",)}


SMALL_DISK = """
import resource, sys
from pathlib import Path
from panel.errors import StoreError
from panel.store import export
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    export(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], ["calls"])
except StoreError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_full_disk_leaves_the_older_file(loaded: Path, tmp_path: Path, file_format: str) -> None:
    before, = export(loaded, tmp_path / "out", file_format, ["calls"])
    content = before.read_bytes()
    ended = subprocess.run([sys.executable, "-c", SMALL_DISK, str(loaded), str(tmp_path / "out"), file_format],
                           capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "is full" in ended.stdout
    assert before.read_bytes() == content
    assert [path.name for path in (tmp_path / "out").iterdir()] == [before.name]


def test_a_folder_that_cannot_be_made_is_said(loaded: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, str(loaded), str(tmp_path / "file"), "csv"], capture_output=True, text=True,
        check=False, cwd=ROOT)
    assert (ended.returncode, ended.stdout.count("\n")) == (5, 1), ended.stderr
