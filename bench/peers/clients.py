"""The commands that do the job: a peer's script in its environment, or our own program; and the prompts they share."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.peers.environments import HERE, REPOSITORY, Peer, cache_folder, our_python, python_of
from bench.peers.measuring import Cell, Client, serving

LAUNCHES = REPOSITORY.parent / "shared" / "data" / "launches.jsonl"
MOST_LAUNCHES = 1000
STORM_TIMEOUT_S = 5
_COUNT = "import duckdb, sys; print(*duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchone())"
_SCORED = "SELECT count(*) FILTER (WHERE verdict IS NOT NULL), count(*) FILTER (WHERE verdict IS NULL) FROM reviews"
_PERSONA = "\nPersona: "


def client_of(peer: Peer) -> Client:
    """The peer's script, in its environment."""
    python, prompts = python_of(peer), prompts_file()

    def words(url: str, folder: Path, launches: int, cell: Cell) -> list[str]:
        return [str(python), str(HERE / "asking" / peer.script), url, str(prompts), str(launches), str(cell.in_flight),
                "1" if cell.storm else "0", str(folder / "report.json")]

    def count(folder: Path) -> tuple[int, list[Any]]:
        said = json.loads((folder / "report.json").read_text())
        return said["got"], said["errors"]

    return Client(words, count)


def our_client() -> Client:
    """`python -m panel review`, journal, checks and store included; verdicts are counted in its database."""

    def words(url: str, folder: Path, launches: int, cell: Cell) -> list[str]:
        _first_launches(launches, folder / "launches.jsonl")
        if cell.storm:
            (folder / "panel.toml").write_text(f"timeout = {STORM_TIMEOUT_S}.0\n")
        return _review(folder / "launches.jsonl", url, folder / "runs", cell.in_flight)

    def count(folder: Path) -> tuple[int, list[Any]]:
        done = subprocess.run([our_python(), "-c", _COUNT, folder / "runs" / "panel.duckdb", _SCORED], check=True,
                              capture_output=True, text=True, timeout=60)
        scored, unscored = map(int, done.stdout.split())
        return scored, [["unscored", unscored]] if unscored else []

    return Client(words, count)


def prompts_file() -> Path:
    """The prompts our program sends for the launches at depth verdict, taken off the wire once and kept."""
    path = cache_folder() / "prompts.json"
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory() as folder:
        path.write_text(json.dumps(_taken(Path(folder))))
    return path


def _taken(folder: Path) -> dict[str, Any]:
    """One run of ours against a server that keeps what it is sent."""
    kept, some = folder / "kept.jsonl", folder / "launches.jsonl"
    _first_launches(MOST_LAUNCHES, some)
    with serving(Cell("prompts", 0.0, 64), keep=kept) as address:
        subprocess.run(_review(some, f"{address}/v1", folder / "runs", 64), check=True, capture_output=True,
                       timeout=300, cwd=folder)
    return _parted(kept)


def _first_launches(launches: int, to: Path) -> None:
    to.write_text("".join(LAUNCHES.read_text().splitlines(keepends=True)[:launches]))


def _review(launches: Path, url: str, runs: Path, in_flight: int) -> list[str]:
    return [str(our_python()), "-m", "panel", "review", str(launches), "--depth", "verdict", "--model", f"{url}#m",
            "--max-in-flight", str(in_flight), "--runs", str(runs), "--quiet"]


def _parted(kept: Path) -> dict[str, Any]:
    """The system message, the part of the user's message that is the dossier's, and the part that is the persona's."""
    system = ""
    launches: dict[str, None] = {}
    personas: dict[str, None] = {}
    with kept.open() as lines:
        for line in lines:
            messages = json.loads(line)["messages"]
            if len(messages) != 2 or _PERSONA not in messages[1]["content"]:
                continue  # the check of the endpoint
            system = messages[0]["content"]
            launch, _, persona = messages[1]["content"].partition(_PERSONA)
            launches[launch] = personas[_PERSONA + persona] = None
    if len(personas) != 4 or not launches:
        raise SystemExit(f"bench.peers: {len(personas)} persona texts found in what our program sends, 4 expected; "
                         f"the prompt's layout has changed, see _PERSONA in {Path(__file__).name}")
    return {"system": system, "launches": list(launches), "personas": list(personas)}
