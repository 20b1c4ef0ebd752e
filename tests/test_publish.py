"""`flags`, `clear`, `publish` through the command line, over real stores: what is held, cleared, written, refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import need
from journal_maker import Making, made_dossier, run_lines, write_run

from panel.editorial.publishing import AT_ONCE, MAKERS, Candidate
from panel.editorial.publishing import publish as publish_tools
from panel.errors import ConfigError
from panel.journal import hold
from panel.schema import Dossier, Flag
from panel.store import load, open_store, rebuild, scorecard
from panel.store.narrowing import scorecards

MAKING = Making(unscored=0.0, probes=False, model="gpt-5")
FIRST, SECOND, THIRD = (f"tool-{number:06d}" for number in range(3))
WRONG = Flag(kind="wrong_price", reason='price "$9" is not on line 3', field="claims[0].text", text="$9")
USED = Flag(kind="invented_experience", reason='"I ran it" speaks of use', field="quote", text="I ran it")
NOTE = Flag(kind="length", reason="9 words; 60 to 170 expected", field="quote")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `ship-panel` as an editor would, in the desk the test is in."""
    return subprocess.run([sys.executable, "-m", "panel", *words], capture_output=True, text=True, timeout=120,
                          check=False, env={**os.environ, "COLUMNS": "100"})


def store_of(
    runs: Path, flags: dict[str, Sequence[Flag]], making: Making = MAKING, dossiers: Sequence[Dossier] | None = None
) -> Path:
    """A store of three tools; the builder's review of each has these flags, the others none."""
    lines = []
    for line in run_lines(making, dossiers or [made_dossier(number) for number in range(3)]):
        if line["t"] == "review":
            record = line["record"]
            mine = flags.get(record["tool_id"], ()) if record["persona_id"] == "builder" else ()
            line = {**line, "record": {**record, "flags": [one.model_dump(mode="json") for one in mine]}}
        lines.append(line)
    write_run(runs, making, lines)
    with hold(runs):
        load(runs)
    return runs


@pytest.fixture
def held(desk: Path) -> Path:
    """The first tool has two flags that hold it, the second a note, the third nothing."""
    return store_of(desk / "runs", {FIRST: (NOTE, WRONG, USED), SECOND: (NOTE,)})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def said(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("making", [
    replace(MAKING, model="scripted"), replace(MAKING, model="local:starter"), replace(MAKING, depth="verdict"),
])
def test_what_is_for_trying_is_published_only_by_name(desk: Path, making: Making) -> None:
    store_of(desk / "runs", {FIRST: (WRONG,)}, making)
    done = command("publish", "site")
    assert done.returncode == 0, done.stderr
    assert "0 written" in done.stdout
    assert "3 left out: of the starter, scripted answers or depth verdict; name a tool" in done.stdout
    assert not (desk / "site").exists()
    assert said(command("publish", "site", SECOND, "--json"))["written"] == [SECOND]
    assert command("publish", "site", FIRST).returncode == 2


def test_where_nothing_holds_the_notes_are_counted(held: Path) -> None:
    done = command("flags", SECOND)
    assert "nothing holds it" in done.stdout
    assert f"1 note: ship-panel flags {SECOND} --all" in done.stdout
    assert "a flag that is right: leave it held" in command("flags", FIRST).stdout


def test_a_panel_can_be_named(held: Path, desk: Path) -> None:
    """A later run of another model is the newest panel; the earlier one can be seen, cleared and published."""
    query = f"SELECT panel_digest FROM latest WHERE tool_id = '{FIRST}'"
    earlier = said(command("sql", query, "--json"))[0]["panel_digest"]
    store_of(held, {}, replace(MAKING, run_id="20260201T000000-01", model="gpt-6"))
    assert said(command("flags", FIRST, "--json"))["held"] is False
    assert said(command("flags", FIRST, "--panel", earlier[:12], "--json"))["held"] is True
    refused = command("publish", "site", FIRST, "--panel", earlier[:12])
    assert refused.returncode == 2
    assert "is held: 2 flags hold it" in refused.stderr
    assert command("clear", FIRST, "--panel", earlier[:12], "--note", "seen").returncode == 0
    assert said(command("publish", "site", FIRST, "--panel", earlier[:12], "--json"))["written"] == [FIRST]
    assert earlier[:12] in (desk / "site" / f"{FIRST}.md").read_text()


@pytest.mark.parametrize("words", [
    ("publish", "runs"), ("publish", "runs/pages"), ("publish", "site", "--panel", "ab"),
])
def test_what_publish_refuses_besides(held: Path, words: tuple[str, ...]) -> None:
    done = command(*words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_flags_without_a_tool_lists_what_is_held(held: Path) -> None:
    done = command("flags")
    assert FIRST in done.stdout
    assert SECOND not in done.stdout
    assert "1 held; see each with: ship-panel flags TOOL" in done.stdout
    assert said(command("flags", "--json")) == [{"tool_id": FIRST, "name": "Tool 0", "holds": 2}]
    assert [row["held"] for row in said(command("list", "--json", "--sort", "name"))] == [True, False, False]
    assert "1 held: flags wait for an editor; ship-panel flags" in command("list").stdout


def test_flags_of_a_tool_with_its_lines_and_what_to_type(held: Path) -> None:
    done = command("flags", FIRST)
    assert "Tool 0 (tool-000000): 2 flags hold it" in done.stdout
    assert 'price "$9" is not on line 3' in done.stdout
    assert f'ship-panel clear {FIRST} --flag 2 --note "why"' in done.stdout
    assert "9 words" not in done.stdout
    assert "9 words" in command("flags", FIRST, "--all").stdout
    found = said(command("flags", FIRST, "--all", "--json"))
    assert [one["kind"] for one in found["flags"]] == ["wrong_price", "invented_experience"]
    assert found["flags"][0]["cited_lines"]
    assert [one["kind"] for one in found["notes"]] == ["length"]
    with open_store(held) as store:
        assert [one.flag.kind for one in scorecard(store, FIRST).holds] == ["wrong_price", "invented_experience"]


def test_clearing_flag_by_flag(held: Path) -> None:
    done = command("clear", FIRST, "--flag", "2", "--note", "asked the maker", "--by", "Ada")
    assert done.stdout == f"{FIRST}: 1 flag cleared, 1 flag left: 1\n"
    assert command("clear", FIRST, "--flag", "2", "--note", "again").stdout == (
        f"{FIRST}: nothing to clear; 1 flag left\n")
    found = said(command("clear", FIRST, "--note", "the page says so", "--json"))
    assert ([one["number"] for one in found["cleared"]], found["left"], found["held"]) == ([1], [], False)
    assert command("clear", FIRST, "--note", "once more").stdout == f"{FIRST}: nothing to clear\n"
    assert command("flags").stdout == "no tool is held\n"
    page = command("show", FIRST, "--markdown").stdout
    assert "1 flag cleared by Ada on " in page
    assert "asked the maker" in page
    assert len(list((held / "facts").iterdir())) == 2


def test_what_clear_refuses(held: Path) -> None:
    for words, reason in (
        ((FIRST, "--note", "x", "--flag", "3"), f"{FIRST} has no flag 3; it has 1 to 2: ship-panel flags {FIRST}"),
        ((SECOND, "--note", "x", "--flag", "1"), "has no flag 1; it has none that hold"),
        ((FIRST, "--note", "  "), "clear --note: say why the flags may be cleared"),
        (("nothing", "--note", "x"), "no tool 'nothing'"),
    ):
        done = command("clear", *words)
        assert done.returncode == 2
        assert reason in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert command("clear", FIRST).returncode == 2
    assert not (held / "facts").exists()


def test_a_clearance_while_a_run_holds_the_store_is_kept_and_shown_after(held: Path) -> None:
    with hold(held):
        done = command("clear", FIRST, "--note", "fine")
    assert done.returncode == 0
    assert "kept; it shows when the run that holds runs/ ends" in done.stdout
    assert said(command("flags", "--json"))[0]["holds"] == 2
    with hold(held):
        load(held)
    assert said(command("flags", "--json")) == []


def test_publish_writes_what_is_not_held_and_only_what_changed(held: Path, desk: Path) -> None:
    done = command("publish", "site")
    assert done.stdout == f"site: 2 written, 0 unchanged\n1 held back: {FIRST}; see: ship-panel flags\n"
    assert names(desk / "site") == sorted(f"{tool}{end}" for tool in (SECOND, THIRD) for end in (".md", ".json"))
    page = (desk / "site" / f"{SECOND}.md").read_text()
    front = yaml.safe_load(page.split("---\n")[1])
    twin = json.loads((desk / "site" / f"{SECOND}.json").read_bytes())
    assert (front["title"], front["tool"], front["draft"]) == ("Tool 1 (first look)", SECOND, False)
    assert front["outcome"] == twin["score"]["outcome"]
    assert front["ship_rate"] == pytest.approx(twin["score"]["ship_rate"])
    assert front["panel"] == twin["made"]["panel_digest"]
    assert "made by a test, not by a model" in page  # what a starter's page must carry
    assert "Written by AI personas that have not used the tool." in page
    assert not [line for line in page.splitlines() if line.startswith("# ")]
    (desk / "site" / f"{THIRD}.md").write_bytes((desk / "site" / f"{THIRD}.md").read_bytes() + b"edited\n")
    before = (desk / "site" / f"{SECOND}.md").stat().st_mtime_ns
    again = said(command("publish", "site", "--json"))
    assert (again["written"], again["unchanged"], again["held"]) == ([THIRD], [SECOND], [FIRST])
    assert (desk / "site" / f"{SECOND}.md").stat().st_mtime_ns == before


def test_a_held_tool_named_is_refused_and_nothing_of_the_call_is_written(held: Path, desk: Path) -> None:
    done = command("publish", "site", SECOND, FIRST)
    assert done.returncode == 2
    assert done.stderr == (f"ship-panel: {FIRST} is held: 2 flags hold it, nothing is written; see: ship-panel flags "
                           f"{FIRST}\n")
    assert not (desk / "site").exists()
    assert command("publish", "site", SECOND).returncode == 0
    assert names(desk / "site") == [f"{SECOND}.json", f"{SECOND}.md"]


def test_a_tool_that_is_held_since_loses_its_page_and_nothing_else_is_taken(held: Path, desk: Path) -> None:
    command("clear", FIRST, "--note", "fine")
    assert command("publish", "site").stdout == "site: 3 written, 0 unchanged\n"
    (desk / "site" / "about.md").write_text("ours\n")
    for path in (held / "facts").iterdir():
        path.unlink()
    with hold(held):
        rebuild(held)
    assert f"1 taken away, published before: {FIRST}" in command("publish", "site").stdout
    assert names(desk / "site") == sorted(
        ["about.md", *(f"{tool}{end}" for tool in (SECOND, THIRD) for end in (".md", ".json"))])
    (desk / "site" / f"{FIRST}.md").write_text("an editor's own page\n")
    found = said(command("publish", "site", "--json"))
    assert (found["held"], found["removed"], found["left_alone"]) == ([FIRST], [], [])
    assert (desk / "site" / f"{FIRST}.md").read_text() == "an editor's own page\n"


def test_files_that_are_not_ours_are_left_alone(held: Path, desk: Path) -> None:
    site = desk / "site"
    site.mkdir()
    (site / f"{SECOND}.md").write_text("mine\n")
    secret = desk / "secret"
    secret.write_text("---\ngenerator: ship-panel\n")
    (site / f"{THIRD}.json").symlink_to(secret)
    found = said(command("publish", "site", "--json"))
    assert (found["written"], len(found["left_alone"])) == ([], 2)
    assert (site / f"{SECOND}.md").read_text() == "mine\n"
    assert secret.read_text() == "---\ngenerator: ship-panel\n"
    done = command("publish", "site", SECOND)
    assert done.returncode == 2
    assert f"site/{SECOND}.md: was not made by publish and is left alone, nothing is written" in done.stderr


def test_the_same_store_gives_the_same_bytes(held: Path, desk: Path) -> None:
    command("publish", "one")
    with hold(held):
        rebuild(held)
    command("publish", "two")
    for name in names(desk / "one"):
        assert (desk / "one" / name).read_bytes() == (desk / "two" / name).read_bytes()
    assert names(desk / "one") == names(desk / "two")


def test_json_only(held: Path, desk: Path) -> None:
    assert command("publish", "site", "--format", "json").returncode == 0
    assert names(desk / "site") == [f"{SECOND}.json", f"{THIRD}.json"]
    done = command("publish", "site", "--format", "html")
    assert (done.returncode, done.stderr) == (2, "ship-panel: --format html: must be markdown or json\n")


def test_a_panel_without_a_quorum_has_no_page(desk: Path) -> None:
    store_of(desk / "runs", {}, replace(MAKING, unscored=1.0))
    done = command("publish", "site")
    assert done.stdout == f"site: 0 written, 0 unchanged\n3 without a quorum: {FIRST}, {SECOND}, {THIRD}\n"
    assert not (desk / "site").exists()
    assert "has no quorum" in command("publish", "site", FIRST).stderr


def test_folders_that_cannot_be_written(held: Path, desk: Path) -> None:
    (desk / "file").write_text("x")
    for folder in ("file", "file/below"):
        done = command("publish", folder)
        assert done.returncode == 2
        assert "file: is not a folder; publish writes a file a tool into one" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    need(Path("/proc/self").is_dir(), "there is no /proc, where nobody can write")
    done = command("publish", "/proc/self")
    assert done.returncode == 5
    assert "cannot write /proc/self/" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_store_says_what_to_do(desk: Path) -> None:
    for words in (("flags",), ("flags", "x"), ("clear", "x", "--note", "n"), ("publish", "site")):
        done = command(*words)
        assert done.returncode == 2
        assert "nothing is reviewed yet in runs" in done.stderr
    assert not (desk / "site").exists()


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/b", ".hidden", "a\nb", "UP", "x" * 300, "a b", ""])
def test_no_id_is_a_path(desk: Path, name: str) -> None:
    found = publish_tools([Candidate(name, 0, "ship"), Candidate(name, 1, "ship")], lambda ids: [], desk / "site",
                          MAKERS["markdown"])
    assert len(found.left_alone) == 2
    assert (found.written, found.removed) == ((), ())
    assert list(desk.iterdir()) == []


def test_an_evil_id_in_the_store_stays_inside(desk: Path) -> None:
    evil = made_dossier(0).model_copy(update={"id": "../evil"})
    store_of(desk / "runs", {}, dossiers=[evil, made_dossier(1)])
    done = command("publish", "site")
    assert "1 left alone, not made by publish: ../evil (no name for a file)" in done.stdout
    assert names(desk / "site") == [f"{SECOND}.json", f"{SECOND}.md"]
    assert not (desk / "evil.md").exists()
    assert command("publish", "site", "../evil").returncode == 2


def test_cards_in_one_go_are_the_cards_one_by_one(held: Path) -> None:
    with open_store(held) as store:
        single = [scorecard(store, tool) for tool in (THIRD, FIRST, SECOND)]
        assert list(scorecards(store, [THIRD, FIRST, SECOND])) == single
        assert list(scorecards(store, [])) == []
        assert scorecard(store, SECOND) == single[2]  # and the connection sees the whole store again
        with pytest.raises(ConfigError, match="no tool 'gone'"):
            list(scorecards(store, ["gone"]))


def test_many_tools_are_asked_for_a_few_at_a_time(held: Path, desk: Path) -> None:
    with open_store(held) as store:
        card = scorecard(store, SECOND)
    sizes = []

    def cards(tool_ids: Sequence[str]) -> Any:
        sizes.append(len(tool_ids))
        return (card.model_copy(update={"dossier": card.dossier.model_copy(update={"id": one})}) for one in tool_ids)

    tools = [Candidate(f"t{number}", 0, "ship") for number in range(AT_ONCE + 3)]
    found = publish_tools(iter(tools), cards, desk / "site", MAKERS["json"])
    assert sizes == [AT_ONCE, 3]
    assert len(found.written) == len(names(desk / "site")) == AT_ONCE + 3
