"""`python -m bench.peers [NAME ...] [--small] [--again] [--limit SECONDS] [--table]`: measure, then write TABLE.md.

Environments and figures are kept in the user's cache folder, so a stopped run goes on where it was; `--again` measures
what has a figure already. NAME: a peer, or ship-panel.
"""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import subprocess
import sys
from typing import Any

from bench.peers.clients import client_of, our_client
from bench.peers.environments import OURS, PEERS, Peer, cache_folder, our_version, python_of, versions_of
from bench.peers.measuring import Cell, Client, Seen, measured
from bench.peers.table import write_table

CELLS = (Cell("64", 0.5, 64), Cell("256", 0.5, 256), Cell("0s", 0.0, 64), Cell("storm", 0.0, 64, storm=True))
FULL, SMALL = (232, 1000), (64, 256)
"""Launches of the two runs whose difference is taken; 4 verdicts each. The differences are whole rounds of 256."""
STORM_LAUNCHES = 250
SHORT_S, TAKES = 12.0, 3
"""A run shorter than this is made so often, and the middle one of them by CPU counts."""


def main() -> None:
    """Measure whoever is named (default: all), one after the other, and write the table after each."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("names", nargs="*", help="peers, or ship-panel; default all")
    parser.add_argument("--small", action="store_true", help=f"{SMALL} launches for every peer")
    parser.add_argument("--again", action="store_true", help="measure what has figures already, too")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a run may take")
    parser.add_argument("--table", action="store_true", help="only write the table")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the client and the server are ended too
    known = {peer.name: peer for peer in PEERS}
    names = given.names or [OURS, *known]
    for name in names if not given.table else []:
        if name != OURS and name not in known:
            parser.error(f"no peer {name}; there are {OURS}, {', '.join(known)}")
        measure(name, known.get(name), given)
        write_table(read_results())
    write_table(read_results())


def measure(name: str, peer: Peer | None, given: argparse.Namespace) -> None:
    """All cells of one peer (None: ours); each is kept as soon as it is there."""
    results = read_results()
    entry = {} if given.again else results.get(name, {})
    results[name] = entry
    entry.setdefault("cells", {})
    entry["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    entry.pop("problem", None)
    try:
        client = client_of(peer) if peer else our_client()
        entry["versions"] = versions_of(python_of(peer), peer.distributions) if peer else our_version()
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", None) or str(error).encode()
        lines = [line for line in said.decode(errors="replace").splitlines() if line.startswith(("ERROR", "error"))]
        entry["problem"] = (lines or said.decode(errors="replace").splitlines() or [""])[0][:300]
        write_results(results)
        return
    # Ours ends with a report of its first 200 tools: both sizes must hold so many, or the difference holds it.
    sizes = SMALL if peer and (given.small or peer.slow) else FULL
    for cell in CELLS:
        done = entry["cells"].get(cell.name, {"problem": "not measured"})["problem"] is None
        if done or (cell.storm and peer and not peer.storm):
            continue
        entry["cells"][cell.name] = figures = measure_cell(client, cell, sizes, given.limit)
        print(name, cell.name, json.dumps({key: value for key, value in figures.items() if key != "runs"}), flush=True)
        write_results(results)


def measure_cell(client: Client, cell: Cell, sizes: tuple[int, int], limit: float) -> dict[str, Any]:
    """One run in the storm; else two sizes, and what the larger took more than the smaller."""
    if cell.storm:
        seen = measured(client, cell, STORM_LAUNCHES, limit)
        return {"problem": seen.problem, "launches": seen.launches, "runs": [seen.kept()]}
    less, more = (typical(client, cell, size, limit) for size in sizes)
    figures: dict[str, Any] = {"problem": less.problem or more.problem, "launches": sizes[1], "peak_mb": more.peak_mb,
                               "calls": more.stats["calls"], "got": more.got, "runs": [less.kept(), more.kept()]}
    verdicts = more.got - less.got
    if not figures["problem"] and verdicts > 0:
        figures["rate"] = verdicts / (more.wall_s - less.wall_s)
        figures["cpu_ms"] = (more.cpu_s - less.cpu_s) / verdicts * 1000
    return figures


def typical(client: Client, cell: Cell, launches: int, limit: float) -> Seen:
    """One run, or of short ones the middle of three."""
    runs = [measured(client, cell, launches, limit)]
    while runs[0].wall_s < SHORT_S and len(runs) < TAKES:
        runs.append(measured(client, cell, launches, limit))
    return sorted(runs, key=lambda seen: seen.cpu_s)[len(runs) // 2]


def read_results() -> dict[str, Any]:
    """The figures kept so far, by name."""
    path = cache_folder() / "results.json"
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def write_results(results: dict[str, Any]) -> None:
    """Keep the figures."""
    (cache_folder() / "results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
