"""The nightly funnel: what is taken in, what is drafted, and that the same command goes on where a night ended."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from feed_server import FeedServer

from panel.errors import ConfigError
from panel.instrument import Instrument
from panel.journal import read_lines, segments
from panel.models.budget import usd_text
from panel.models.scripted import scripted_score
from panel.schema import Dossier
from panel.settings import read_settings
from panel.sources.feed import SourceDown, fetch
from panel.takes import most_of_all, takes_of
from panel.watch.shortlist import read_shortlists

PERSONAS = ("builder", "competitor_analyst", "futurist", "investor")
SUBJECTS = ("search over mail archives", "notebooks of field geologists", "transcripts of radio shows",
            "flash cards for teachers")
SCRIPTED = '[panel.triage]\nmodel = "scripted"\n[panel.editorial]\nmodel = "scripted:latency=0"\n'


def watch(desk: Path, *words: str, **environment: str) -> tuple[int, dict[str, str], str]:
    """One night as cron starts it: exit code, the fields of its last line, and all it said."""
    done = subprocess.run([sys.executable, "-m", "panel", "watch", *words], cwd=desk, capture_output=True, text=True,
                          timeout=120, env={**os.environ, **environment})
    return done.returncode, last_fields(done.stderr), done.stdout + done.stderr


def last_fields(said: str) -> dict[str, str]:
    line = said.splitlines()[-1] if said else ""
    return dict(part.split("=", 1) for part in line.split()) if line.startswith("run=") else {}


def settings_file(desk: Path, source: object, more: str = "", panels: str = SCRIPTED, **watch: Any) -> Path:
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in {"source": source, **watch}.items())
    path = desk / "panel.toml"
    path.write_text(f"{more}\n{panels}\n[watch]\n{lines}")
    return path


def launches(*numbers: int, **more: str) -> list[dict[str, str]]:
    return [{"name": f"Nr{number} tool", "tagline": f"Careful {SUBJECTS[number % 4]}, made by team {number}", **more}
            for number in numbers]


def write_jsonl(path: Path, records: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def outcomes(runs: Path) -> list[dict[str, Any]]:
    """Every review, brief and comparison journalled."""
    return [line["record"] for path in segments(runs) for line in read_lines(path)
            if line["t"] in ("review", "brief", "compare")]


def reviewed(runs: Path, depth: str) -> set[str]:
    return {record["tool_id"] for record in outcomes(runs) if record["kind"] == "review" and record["depth"] == depth}


def rank(name: str) -> tuple[float, float, str]:
    """What a tool is ordered by, from the scripted rule alone."""
    scores = [scripted_score(name, persona) for persona in PERSONAS]
    return -sum(score >= 50 for score in scores), -sum(scores), tool_id(name)


def tool_id(name: str) -> str:
    return name.lower().replace(" ", "-")


def best(numbers: range | list[int], top: int) -> set[str]:
    return {one[2] for one in sorted(rank(f"Nr{number} tool") for number in numbers)[:top]}


def test_a_night_drafts_the_best_and_the_next_asks_nothing(desk: Path) -> None:
    settings_file(desk, "launches.jsonl", top=3, pairs=2)
    write_jsonl(desk / "launches.jsonl", launches(*range(12)))
    code, line, said = watch(desk)
    assert (code, line["exit"], line["tools"], line["left"]) == (0, "0", "12/12", "0"), said
    assert reviewed(desk / "runs", "verdict") == {f"nr{number}-tool" for number in range(12)}
    assert reviewed(desk / "runs", "full") == best(range(12), 3)
    asked = len(outcomes(desk / "runs"))
    assert int(line["scored"]) == asked
    code, line, _ = watch(desk)
    assert (code, line["tools"], line["scored"], line["run"]) == (0, "0/0", "0", "-")
    assert len(outcomes(desk / "runs")) == asked


def test_a_night_that_can_read_nothing_is_no_success(desk: Path) -> None:
    settings_file(desk, "launches.jsonl")
    (desk / "launches.jsonl").write_bytes(b"\x1f\x8b not what it seems\n")
    code, fields, said = watch(desk)
    assert (code, fields["exit"]) == (2, "2"), said
    assert "none of the" in (desk / "runs" / "latest" / "night.json").read_text()


def test_a_night_with_nothing_to_do_leaves_what_the_last_one_came_to(desk: Path) -> None:
    write_jsonl(desk / "launches.jsonl", launches(*range(4)))
    settings_file(desk, "launches.jsonl", top=2)
    assert watch(desk)[0] == 0
    before = (desk / "runs" / "latest" / "night.json").read_bytes()
    assert watch(desk)[0] == 0
    assert (desk / "runs" / "latest" / "night.json").read_bytes() == before


def test_each_launch_is_considered_once_and_a_version_drafted_once(desk: Path) -> None:
    settings_file(desk, "launches.jsonl", top=2, pairs=0)
    write_jsonl(desk / "launches.jsonl", launches(*range(6), version="1"))
    watch(desk)
    first = best(range(6), 2)
    assert reviewed(desk / "runs", "full") == first
    # The file grows; the tools drafted last night come again with another tagline, all others as they were.
    again = [{**one, "tagline": "Now in other words"} if tool_id(one["name"]) in first else one
             for one in launches(*range(6), version="1")]
    write_jsonl(desk / "launches.jsonl", again + launches(*range(6, 10), version="1"))
    code, line, said = watch(desk)
    assert (code, line["tools"]) == (0, "6/6"), said
    assert reviewed(desk / "runs", "full") == first | best(range(6, 10), 2)
    newer = next(one for one in again if tool_id(one["name"]) in first)
    write_jsonl(desk / "launches.jsonl", [{**newer, "version": "2"}])
    watch(desk)
    drafts = [tool.tool_id for each in read_shortlists(desk / "runs") for tool in each.tools]
    assert len(drafts) == 5
    assert drafts.count(tool_id(newer["name"])) == 2


def test_the_path_given_is_where_relative_paths_count_from(desk: Path) -> None:
    (desk / "nightly").mkdir()
    file = settings_file(desk / "nightly", "launches.jsonl", top=1, pairs=0)
    file.rename(desk / "nightly" / "mine.toml")
    write_jsonl(desk / "nightly" / "launches.jsonl", launches(1, 2))
    code, _, said = watch(desk, "nightly/mine.toml")
    assert code == 0, said
    assert (desk / "nightly" / "runs" / "panel.duckdb").exists()
    assert not (desk / "runs").exists()


def test_newer_content_of_an_id_wins_and_broken_records_are_counted(desk: Path) -> None:
    settings_file(desk, ["a.jsonl", "b"], top=0)
    write_jsonl(desk / "a.jsonl", [{"id": "x", "name": "X", "tagline": "The old words"}, *launches(1)])
    (desk / "b").mkdir()
    (desk / "b" / "one.json").write_text(json.dumps({"id": "x", "name": "X", "tagline": "The new words"}))
    (desk / "b" / "two.jsonl").write_text('{"name": \n' + json.dumps(launches(2)[0]) + "\n")
    code, line, said = watch(desk)
    assert (code, line["tools"]) == (0, "3/3"), said
    assert "left out" in said
    night = json.loads((desk / "runs" / "latest" / "night.json").read_text())
    assert night["bad_records"] == 1
    taglines = {line["record"]["tagline"] for path in segments(desk / "runs") for line in read_lines(path)
                if line["t"] == "dossier" and line["record"]["id"] == "x"}
    assert taglines == {"The new words"}
    assert watch(desk)[1]["tools"] == "0/0"


def test_what_is_given_wrong_is_one_line_before_anything_is_asked(desk: Path) -> None:
    for content, told in [
        (SCRIPTED, "[watch] source"), (f'[watch]\nsource = "x"\nuntil = "25:00"\n{SCRIPTED}', "watch.until"),
        (f'[watch]\nsource = [" "]\n{SCRIPTED}', "watch.source.0"),
        (f'[watch]\nsource = ""\n{SCRIPTED}', "watch.source.0"),
        (f'[watch]\nsource = "x.jsonl"\ntop = -1\n{SCRIPTED}', "watch.top"),
        ('[budget]\nrun = 1.0\n[watch]\nsource = "x"\n[panel.triage]\nmodel = "http://192.0.2.1/v1#m"\n', "price of"),
    ]:
        (desk / "panel.toml").write_text(content)
        code, _, said = watch(desk)
        assert (code, said.count("\n")) == (2, 1), said
        assert told in said
    (desk / "panel.toml").unlink()
    code, _, said = watch(desk)
    assert (code, "no such file" in said) == (2, True)
    assert not list(desk.glob("runs/*/journal-*"))


def test_a_source_that_is_not_there_leaves_the_night_to_what_is_left(desk: Path) -> None:
    settings_file(desk, ["gone.jsonl", "launches.jsonl"], top=0)
    write_jsonl(desk / "launches.jsonl", launches(1))
    code, line, said = watch(desk)
    assert (code, line["exit"], line["tools"]) == (2, "2", "1/1")
    assert "gone.jsonl: there is no such file" in said


def test_a_feed_is_kept_as_it_came_and_a_feed_that_is_down_is_no_night_lost(desk: Path) -> None:
    with FeedServer() as feed:
        settings_file(desk, feed.url, top=1, pairs=0)
        feed.serve(launches(1, 2))
        assert watch(desk)[0] == 0
        assert [path.read_bytes() for path in (desk / "runs" / "imports").glob("*.jsonl")] == [feed.body]
        feed.down()
        code, line, said = watch(desk)
        assert (code, line["exit"]) == (6, "6")
        assert "answers 503" in said
        feed.serve(b"[]", Content_Type="application/json")
        assert watch(desk)[0] == 0
        assert len(list((desk / "runs" / "imports").iterdir())) == 1
    assert watch(desk)[0] == 6
    assert len(feed.asked) == 3


def fetched(address: str, **options: Any) -> bytes:
    return asyncio.run(fetch(address, **options)).body


def test_a_feed_has_a_cap_of_size_and_time_and_a_type(desk: Path) -> None:
    with FeedServer() as feed:
        feed.serve(launches(*range(50)))
        assert fetched(feed.url) == feed.body
        with pytest.raises(SourceDown, match="more than 0 MB"):
            fetched(feed.url, most_bytes=1000)
        feed.drip_s = 0.05
        with pytest.raises(SourceDown, match="not whole after 0 s"):
            fetched(feed.url, seconds=0.3)
        feed.drip_s = 0.0
        feed.serve(b"<html>Log in</html>", Content_Type="text/html")
        with pytest.raises(SourceDown, match="is text/html"):
            fetched(feed.url)
        feed.serve(b"name,tagline\nX,does\n", Content_Type="text/csv; charset=utf-8")
        assert asyncio.run(fetch(feed.url)).suffix == ".csv"
        feed.serve(launches(1), Content_Type="text/plain")
        assert asyncio.run(fetch(feed.url)).suffix == ".jsonl"
        with pytest.raises(SourceDown, match="is text/plain"):
            fetched(feed.url.removesuffix("launches.jsonl"))


@pytest.mark.parametrize("target", ["http://localhost:{port}/x.jsonl", "http://127.0.0.2:{port}/x.jsonl",
                                    "http://[::1]:{port}/x.jsonl", "http://169.254.169.254/latest/x.jsonl",
                                    "http://10.0.0.1/x.jsonl", "http://[::ffff:127.0.0.1]:{port}/x.jsonl",
                                    "http://2130706433:{port}/x.jsonl", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_into_this_network_is_not_followed(target: str) -> None:
    with FeedServer() as feed:
        port = feed.url.split(":")[2].split("/")[0]
        feed.serve(launches(1), status=302, Location=target.format(port=port))
        with pytest.raises(SourceDown):
            fetched(feed.url)
        assert len(feed.asked) == 1


@pytest.mark.parametrize("host", ["64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
                                  "::7f00:1", "::ffff:10.0.0.1", "2001:0:7f00:1::"])
def test_an_address_of_this_network_in_the_clothes_of_another_is_not_dialled(host: str) -> None:
    with FeedServer() as feed:
        feed.serve(launches(1), status=302, Location=f"http://[{host}]/launches.jsonl")
        with pytest.raises(SourceDown, match="an address of this network; not followed"):
            fetched(feed.url)


SECRETS = ("hunter2secret", "tok-en-0123456789")


@contextmanager
def garbage(said: bytes) -> Iterator[int]:
    """The port of a server that answers this, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@pytest.mark.parametrize("address", [
    "http://user:hunter2secret@127.0.0.1:9/f.jsonl?token=tok-en-0123456789", "http://hunter2secret@127.0.0.1:9/f.jsonl",
    "http://user:hunter2secret@[::1/f.jsonl", "http://user:hunter2secret@127.0.0.1:port/f.jsonl",
    "http://user:a/hunter2secret@h/f", "ftp://user:hunter2secret@127.0.0.1/f.jsonl", "http://:hunter2secret@/f.jsonl",
    "http://127.0.0.1:tok-en-0123456789/?x", " HTTP://user:hunter2secret@127.0.0.1:9/f.jsonl",
    "http://user:hunter2secret@a\u2100.example/f.jsonl", "http://h..h/f?tok-en-0123456789"])
def test_what_is_said_of_an_address_holds_no_key(address: str) -> None:
    with pytest.raises(SourceDown) as caught:
        fetched(address)
    said = str(caught.value)
    assert said.startswith(address.strip().partition("://")[0])
    assert not [secret for secret in SECRETS if secret in said and "a/hunter" not in address], said


@pytest.mark.parametrize("said", [
    b"echo tok-en-0123456789\r\n\r\n", b"HTTP/1.1 200 OK\r\necho tok-en-0123456789\r\n\r\n",
    b"HTTP/1.1 403 echo tok-en-0123456789 and hunter2secret\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/tok-en-0123456789\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://[::1]:tok-en-0123456789/\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\ntok-en-0123456789\r\n"])
def test_what_a_server_says_shows_no_key_anywhere(desk: Path, said: bytes) -> None:
    with garbage(said) as port:
        settings_file(desk, f"http://user:hunter2secret@127.0.0.1:{port}/f.jsonl?token=tok-en-0123456789")
        code, _, told = watch(desk)
    assert code == 6
    assert f"http://127.0.0.1:{port}/f.jsonl: " in told
    for content in (told, (desk / "runs" / "latest" / "night.json").read_text()):
        assert not [secret for secret in (*SECRETS, "echo") if secret in content], content


def unfinished(desk: Path) -> Path:
    """A night whose triage is through and of whose drafts none was asked; the shortlist's file."""
    dead = '[panel.triage]\nmodel = "scripted"\n[panel.editorial]\nmodel = "http://127.0.0.1:9/v1#gone"\n'
    write_jsonl(desk / "launches.jsonl", launches(*range(4)))
    settings_file(desk, "launches.jsonl", "[retry]\nwait = 0.01\ngive_up = 0.1\n", dead, top=2, pairs=1)
    assert watch(desk)[0] == 6
    settings_file(desk, "launches.jsonl", top=2, pairs=1)
    (path,) = (desk / "runs" / "shortlists").iterdir()
    assert json.loads(path.read_text())["finished_at"] is None
    return path


def test_a_shortlist_is_gone_on_with_when_the_store_was_deleted(desk: Path) -> None:
    path = unfinished(desk)
    for store in (desk / "runs").glob("panel.duckdb*"):
        store.unlink()
    code, line, said = watch(desk)
    assert (code, line["left"]) == (0, "0"), said
    assert reviewed(desk / "runs", "full") == best(range(4), 2)
    assert json.loads(path.read_text())["finished_at"]


@pytest.mark.parametrize("another", [False, True])
def test_a_shortlist_whose_run_is_gone_is_named_and_deleting_it_heals(desk: Path, another: bool) -> None:
    path = unfinished(desk)
    for segment in segments(desk / "runs"):
        shutil.rmtree(segment.parent, ignore_errors=True)
    if another:
        (desk / "one.json").write_text(json.dumps(launches(7)[0]))
        subprocess.run([sys.executable, "-m", "panel", "review", "one.json", "--model", "scripted", "-q"], cwd=desk,
                       check=True, capture_output=True, timeout=60)
    code, line, said = watch(desk)
    assert (code, line["exit"], "Traceback" in said) == (5, "5", False), said
    assert path.name in said
    assert "delete this file" in said
    path.unlink()
    assert watch(desk)[0] == 0
    assert reviewed(desk / "runs", "full") - {"nr7-tool"} == best(range(4), 2)


def test_a_shortlist_is_written_where_it_was_read(desk: Path) -> None:
    path = unfinished(desk)
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": "../../evilname"}))
    assert watch(desk)[0] == 0
    assert json.loads(path.read_text())["finished_at"]
    assert not list(desk.rglob("evilname*"))


def test_a_redirect_on_the_address_the_owner_typed_is_followed() -> None:
    with FeedServer() as feed:
        feed.serve(launches(1), status=301, Location="/launches.jsonl?page=1")
        with pytest.raises(SourceDown, match="more than 5 times"):
            fetched(feed.url)
        assert feed.asked == ["/launches.jsonl"] + ["/launches.jsonl?page=1"] * 5


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_in_any_stage_it_ends_gracefully_and_the_same_command_goes_on(
    desk: Path, number: int, code: int
) -> None:
    slow = '[panel.triage]\nmodel = "scripted:latency=0.02"\n[panel.editorial]\nmodel = "scripted:latency=0.05"\n'
    settings_file(desk, "launches.jsonl", panels="max_in_flight = 1\n" + slow, top=4, pairs=2)
    write_jsonl(desk / "launches.jsonl", launches(*range(20)))
    codes = []
    place = desk / "runs"
    for kind, many in [("review", 30), ("brief", 2), ("compare", 3)]:
        with subprocess.Popen([sys.executable, "-m", "panel", "watch"], cwd=desk, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and sum(one["kind"] == kind for one in outcomes(place)) < many:
                time.sleep(0.02)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        line = last_fields(said)
        assert line["exit"] == str(process.returncode), said
        assert int(line["left"]) > 0, said
        codes.append(process.returncode)
    assert codes == [code, code, code]
    status, line, said = watch(desk)
    assert (status, line["left"]) == (0, "0"), said
    keys = [one["key"] for one in outcomes(desk / "runs")]
    assert len(keys) == len(set(keys))
    assert reviewed(desk / "runs", "full") == best(range(20), 4)
    assert all(each.finished_at for each in read_shortlists(desk / "runs"))


def test_too_many_unscored_lets_the_night_go_on(desk: Path) -> None:
    panels = '[panel.triage]\nmodel = "scripted:broken=always"\n[panel.editorial]\nmodel = "scripted"\n'
    settings_file(desk, "launches.jsonl", panels=panels, top=2)
    write_jsonl(desk / "launches.jsonl", launches(1, 2, 3))
    code, line, said = watch(desk)
    assert (code, line["unscored"], line["no_quorum"], line["left"]) == (4, "12", "3", "0"), said
    assert reviewed(desk / "runs", "full") == set()
    assert watch(desk)[1]["tools"] == "0/0"


def test_two_watches_at_once_do_not_meet(desk: Path) -> None:
    settings_file(desk, "launches.jsonl", panels="max_in_flight = 1\n" + SCRIPTED.replace(
        '"scripted"', '"scripted:latency=0.05"'), top=0)
    write_jsonl(desk / "launches.jsonl", launches(*range(30)))
    with subprocess.Popen([sys.executable, "-m", "panel", "watch"], cwd=desk, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        while not outcomes(desk / "runs"):
            time.sleep(0.02)
        code, line, said = watch(desk)
        process.terminate()
        process.communicate(timeout=30)
    assert (code, line, "is held by process" in said) == (5, {}, True), said


def test_a_panel_of_its_own_for_each_depth(desk: Path) -> None:
    settings_file(desk, "launches.jsonl", top=2, pairs=0, panels=(
        'model = "scripted"\n[panel.triage]\npersonas = ["builder", "investor"]\n[panel.editorial]\nrepeats = 2\n'))
    write_jsonl(desk / "launches.jsonl", launches(1, 2, 3))
    code, _, said = watch(desk)
    assert code == 0, said
    made = [(one["depth"], one["persona_id"], one["repeat"]) for one in outcomes(desk / "runs")
            if one["kind"] == "review"]
    assert {persona for depth, persona, _ in made if depth == "verdict"} == {"builder", "investor"}
    assert {repeat for depth, _, repeat in made if depth == "full"} == {0, 1}


def test_the_settings_take_one_source_or_several(desk: Path) -> None:
    (desk / "panel.toml").write_text('[watch]\nsource = "one.jsonl"\n')
    assert read_settings().watch.source == ("one.jsonl",)
    (desk / "panel.toml").write_text('[watch]\nsource = ["one.jsonl", "two"]\nunti = "06:00"\n')
    with pytest.raises(ConfigError, match=r"watch\.unti"):
        read_settings()


def test_one_budget_is_the_whole_nights_and_the_next_night_drafts_what_is_left(desk: Path) -> None:
    panels = ('[panel.triage]\nmodel = "cheap"\n[panel.editorial]\nmodel = "good"\n'
              '[models.cheap]\nmodel = "scripted:price=0.000001"\n[models.good]\nmodel = "scripted:price=0.000002"\n'
              '[sampling]\nmax_tokens = 400\n')
    write_jsonl(desk / "launches.jsonl", launches(*range(10)))
    settings_file(desk, "launches.jsonl", panels=panels, top=1, pairs=0)
    watch(desk, SHIP_PANEL_RUNS="alone")
    spent = {depth: sum(one["spent"]["cost_usd"] for one in outcomes(desk / "alone") if one["model"] == depth)
             for depth in ("cheap", "good")}
    instrument = Instrument(read_settings().of_panel("editorial"), "", depth="full")
    most = most_of_all(instrument, takes_of(instrument, Dossier(id="nr9-tool", **launches(9)[0])))
    # Enough for the triage, and then for two drafts: the third would need all that is set aside for one.
    cap = round(spent["cheap"] + most + 1.5 * spent["good"], 4)
    settings_file(desk, "launches.jsonl", f"[budget]\nrun = {cap}", panels, top=6, pairs=0)
    code, line, said = watch(desk)
    assert (code, line["exit"], line["tools"]) == (3, "3", f"{10 - int(line['left'])}/10"), said
    assert spent["cheap"] < float(line["cost_usd"]) <= cap
    assert 3 <= int(line["left"]) < 6, said
    assert f"the cap of {usd_text(cap)} a night" in said
    assert "USD a run" not in said
    assert "USD a run" not in (desk / "runs" / "latest" / "night.json").read_text()
    left = int(line["left"])
    code, line, said = watch(desk)
    assert line["kept"] == str(5 * (6 - left)), said
    while code == 3:
        code, line, said = watch(desk)
    assert (code, line["tools"], line["left"]) == (0, "6/6", "0"), said
    assert len(reviewed(desk / "runs", "verdict")) == 10
    assert reviewed(desk / "runs", "full") == best(range(10), 6)
    keys = [one["key"] for one in outcomes(desk / "runs")]
    assert len(keys) == len(set(keys))


def test_no_tool_is_begun_that_would_not_be_done_by_the_time_given(desk: Path) -> None:
    """The clock of the process is set so that it starts three seconds before six."""
    panels = '[panel.triage]\nmodel = "scripted:latency=0.1"\n[panel.editorial]\nmodel = "scripted"\n'
    settings_file(desk, "launches.jsonl", "max_in_flight = 1", panels, until="06:00")
    write_jsonl(desk / "launches.jsonl", launches(*range(60)))
    now = time.gmtime(time.time() + 3)
    ahead = (6 * 3600 - (now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)) % 86400
    sign, ahead = ("-", ahead) if ahead <= 43200 else ("+", 86400 - ahead)
    zone = f"XXX{sign}{ahead // 3600:02d}:{ahead // 60 % 60:02d}:{ahead % 60:02d}"
    code, line, said = watch(desk, TZ=zone)
    assert (code, line["exit"]) == (3, "3"), said
    assert 0 < int(line["left"]) < 60
    assert "until 06:00" in said
    assert not list((desk / "runs" / "shortlists").glob("*"))
    by_tool = [one["tool_id"] for one in outcomes(desk / "runs")]
    assert {by_tool.count(tool) for tool in by_tool} == {4}


def test_how_often_triage_and_editorial_disagree_is_in_the_summary(desk: Path) -> None:
    panels = '[panel.triage]\nmodel = "scripted:always=ship"\n[panel.editorial]\nmodel = "scripted"\n'
    settings_file(desk, "launches.jsonl", panels=panels, top=8, pairs=0)
    write_jsonl(desk / "launches.jsonl", launches(*range(8)))
    _, _, said = watch(desk)
    others = sorted(tool_id(name) for name in (f"Nr{number} tool" for number in range(8)) if rank(name)[0] > -3)
    assert 0 < len(others) < 8
    told = json.loads((desk / "runs" / "latest" / "night.json").read_text())["disagreement"]
    assert (told["compared"], told["disagree"], sorted(told["which"])) == (8, len(others), others)
    assert f"disagree on {len(others)} of all 8 drafts so far" in said


def test_stopped_at_any_moment_the_last_line_says_how_it_ended(desk: Path) -> None:
    slow = '[panel.triage]\nmodel = "scripted:latency=0.02"\n[panel.editorial]\nmodel = "scripted:latency=0.02"\n'
    settings_file(desk, "launches.jsonl", "max_in_flight = 2", slow, top=3, pairs=1)
    chance = random.Random(5)
    for number in range(8):
        write_jsonl(desk / "launches.jsonl", launches(*range(8 * number, 8 * number + 8)))
        before = set(segments(desk / "runs"))
        with subprocess.Popen([sys.executable, "-m", "panel", "watch"], cwd=desk, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and not set(segments(desk / "runs")) - before:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 1.2))
            process.terminate()
            _, said = process.communicate(timeout=60)
        assert process.returncode in (0, 143), said
        assert last_fields(said)["exit"] == str(process.returncode), said
    assert watch(desk)[0] == 0
    keys = [one["key"] for one in outcomes(desk / "runs")]
    assert len(keys) == len(set(keys))
    assert len(reviewed(desk / "runs", "verdict")) == 64
    assert all(each.finished_at for each in read_shortlists(desk / "runs"))


def test_the_settings_that_init_writes_are_settings(desk: Path) -> None:
    subprocess.run([sys.executable, "-m", "panel", "init"], cwd=desk, check=True, capture_output=True, timeout=60)
    lines = (desk / "panel.toml").read_text().splitlines()
    shown = [line.removeprefix("# ") for line in lines if re.match(r"# (\[|[a-z_]+ = )", line)]
    (desk / "panel.toml").write_text("\n".join(shown))
    settings = read_settings()
    assert (settings.watch.source, settings.watch.top, settings.watch.until) == (("launches.jsonl",), 20, "06:00")
    assert (settings.of_panel("triage").model, settings.budget.day) == ("house", 10.0)
