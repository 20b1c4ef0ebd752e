"""What the tests share: the data beside the checkout, an empty desk, and sockets that reach loopback only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def need(present: bool, reason: str) -> None:
    """Skip with the reason where something is missing; with REQUIRE_ALL=1 (as in CI) fail instead."""
    if present:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL is set and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real dossiers, products and launches beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    need(folder.is_dir(), "../shared/data is not there")
    return folder


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with no settings and no keys from outside."""
    for name in list(os.environ):
        if name.startswith("SHIP_PANEL_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
