"""What a machine has of what the program needs, in plain words. Changes nothing."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from panel import __version__
from panel.errors import StoreError
from panel.models.registry import is_pulled, model_path
from panel.models.wires import ENDPOINTS
from panel.schema import Record
from panel.settings import read_settings, secret
from panel.store import open_store

STOLEN = ("1.82.7", "1.82.8")
"""Releases of litellm that carried a credential stealer (March 2026)."""
LEAST_FREE_MB = 500


class Finding(Record):
    """One thing looked at. `ok` false: something does not work, and `detail` says what to do."""

    what: str
    ok: bool
    detail: str


def examine(runs: Path) -> list[Finding]:
    """Look at everything. Raises ConfigError for a panel.toml that cannot be read."""
    return [*_program(), *_models(), _disk(runs), _store(runs)]


def _program() -> Iterator[Finding]:
    yield Finding(what="ship-panel", ok=True, detail=f"{__version__}, Python {sys.version.split()[0]}")
    read_settings()
    here = Path("panel.toml").is_file()
    yield Finding(what="panel.toml", ok=True, detail="read" if here else "none here; defaults hold")
    try:
        other = metadata.version("panel")
    except metadata.PackageNotFoundError:
        pass
    else:
        yield Finding(what="HoloViz Panel", ok=False, detail=f"{other} is installed too and has the same import name; "
                      "install ship-panel into an environment of its own")
    for package in ("duckdb", "litellm", "aiohttp", "pydantic"):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            yield Finding(what=package, ok=False, detail=f"not installed; run: pip install {package}")
            continue
        stolen = package == "litellm" and version in STOLEN
        yield Finding(what=package, ok=not stolen, detail=f"{version} steals credentials; upgrade and change your "
                      "keys" if stolen else version)


def _models() -> Iterator[Finding]:
    engine = importlib.util.find_spec("xllamacpp") is not None
    yield Finding(what="local models", ok=True, detail="xllamacpp is here" if engine else
                  "xllamacpp is not installed; for local: models run: pip install 'ship-panel[local]'")
    path = model_path("starter") if is_pulled("starter") else None
    yield Finding(what="starter model", ok=True, detail=str(path) if path else
                  "not here yet; the first review without --model fetches it, or: ship-panel models pull starter")
    names = sorted({endpoint.key_env for endpoint in ENDPOINTS.values() if endpoint.key_env} | {"ANTHROPIC_API_KEY"})
    keys = [name for name in names if secret(name)]
    yield Finding(what="keys", ok=True, detail=", ".join(keys) + " set" if keys else "none set (none is needed for "
                  "local models)")


def _disk(runs: Path) -> Finding:
    where = runs if runs.exists() else Path()
    free = shutil.disk_usage(where).free / 1e6
    return Finding(what="disk", ok=free >= LEAST_FREE_MB, detail=f"{free / 1000:.1f} GB free for {runs}")


def _store(runs: Path) -> Finding:
    if not (runs / "panel.duckdb").exists():
        return Finding(what="store", ok=True, detail=f"nothing reviewed yet in {runs}")
    try:
        with open_store(runs) as store:
            row = store.execute("SELECT count(*), count(DISTINCT tool_id) FROM reviews").fetchall()[0]
    except StoreError as error:
        return Finding(what="store", ok=False, detail=str(error))
    return Finding(what="store", ok=True, detail=f"{row[0]} reviews of {row[1]} tools in {runs}/panel.duckdb")
