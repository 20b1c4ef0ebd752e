"""Caps on money, held to a server's account: `python -m bench.budget [runs] [--seed N] [--kills N] [--overbilled]`.

Makes that many runs (default 1,000) of random panels, dossiers, prices, faults and caps through the whole road over
HTTP against tests/priced_server.py, several in a row over the same list as nights follow each other. What the server
billed is held against the caps of the run, the day and the month; a tool with calls in a run that leaves some of its
assignments unasked for money is half a panel. `--kills` nights more end in SIGKILL at a random moment. `--overbilled`
instead has the server count every token twice, beyond what a request allows: then the cap can be passed by what is in
flight, no more, and what it says of failed calls is less than it bills.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from priced_server import PricedServer, Tariff

from panel.instrument import Instrument
from panel.journal import segments
from panel.run import RunResult, Terms, review_dossiers
from panel.schema import Dossier, Sampling
from panel.settings import Caps, ModelEntry, Retry, SeatEntry, Settings
from panel.takes import most_of_all, takes_of

PERSONAS = ("builder", "competitor_analyst", "futurist", "investor")
WORDS = ("repository", "streams", "latency", "résumé", "моделями", "製品の説明", "🚀🚀", "queue", "offline", "cache")
NIGHTS = 4
ROUNDING = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--overbilled", action="store_true")
    parser.add_argument("--night", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.night:
        review(json.load(sys.stdin))
        return
    found: Counter[str] = Counter()
    began = time.monotonic()
    number = given.seed * 1_000_000
    with PricedServer(given.seed) as server:
        while found["runs"] < given.runs or found["kills"] < given.kills:
            number += 1
            for line in several_nights(server, number, found["kills"] < given.kills, given.overbilled, found):
                print(f"trial {number}: {line}", flush=True)
    print(f"{dict(found)}\n{found['runs']} runs, {found['kills']} of them killed, in {time.monotonic() - began:.0f} s: "
          f"overrun {found['overrun']}, half panels by the cap {found['half']}")


def trial(server: PricedServer, seed: int, overbilled: bool) -> dict[str, Any]:
    """What all nights of a trial have in common, as JSON; the server's tariffs are set."""
    rng = random.Random(seed)
    fates = {"ok": 1.0, "garbage": rng.choice((0.0, 0.1, 0.5)), "length": rng.choice((0.0, 0.0, 0.1)),
             "failing": rng.choice((0.0, 0.05, 0.2)), "truncated": rng.choice((0.0, 0.05)),
             "limited": rng.choice((0.0, 0.1)), "hang": rng.choice((0.0, 0.0, 0.02))}
    models = [f"m{number}" for number in range(rng.choice((1, 1, 1, 2)))]
    least = rng.choice((0.05, 0.2, 0.9))
    server.tariffs = {name: Tariff(
        price_in=10 ** rng.uniform(-8, -5), price_out=10 ** rng.uniform(-7, -4), fates=fates,
        tokens_a_byte=rng.choice(((0.2, 0.3), (0.9, 1.0))), tokens_out=(least / 2, least),
        overbills=2.0 if overbilled else 1.0) for name in models}
    server.latency = rng.choice((0.0, 0.002, 0.01))
    seats = [(persona, rng.choice(models)) for persona in rng.sample(PERSONAS, rng.randint(1, 4))]
    return {
        "seed": seed, "url": server.url, "seats": seats, "depth": rng.choice(("verdict", "full")),
        "prices": {name: (tariff.price_in, tariff.price_out) for name, tariff in server.tariffs.items()},
        "fallback": rng.choice((None, None, None, models[0])), "repeats": rng.choice((1, 1, 2)),
        "max_tokens": rng.choice((200, 1000, 4000)), "rung": rng.choice((None, "json_schema")),
        "at_once": rng.choice((1, 4, 32)), "timeout": 0.4 if fates["hang"] else 20.0,
        "tools": [words_of(rng) for _ in range(rng.randint(1, 14))],
    }


def words_of(rng: random.Random) -> str:
    """A description, short or long."""
    return " ".join(rng.choices(WORDS, k=rng.choice((5, 50, 50, 1500))))


def dossiers_of(spec: dict[str, Any]) -> list[Dossier]:
    return [Dossier(id=f"tool-{spec['seed']}-{number}", name=f"Tool {number}", description=text)
            for number, text in enumerate(spec["tools"])]


def instrument_of(spec: dict[str, Any], runs: str) -> Instrument:
    models = {name: ModelEntry(model=f"{spec['url']}#{name}", price_in=prices[0] * 1e6, price_out=prices[1] * 1e6,
                               rung=spec["rung"]) for name, prices in spec["prices"].items()}
    return Instrument(Settings(
        model=next(iter(models)), models=models, runs=runs, depth=spec["depth"], repeats=spec["repeats"],
        seats=tuple(SeatEntry(persona=persona, model=model) for persona, model in spec["seats"]),
        fallback=spec["fallback"], sampling=Sampling(max_tokens=spec["max_tokens"]), timeout=spec["timeout"],
        max_in_flight=spec["at_once"], retry=Retry(wait=0.001, longest_wait=0.01, patience=30)), "")


def review(spec: dict[str, Any]) -> RunResult:
    """One night."""
    instrument = instrument_of(spec, spec["runs"])
    return review_dossiers(dossiers_of(spec), instrument, Terms(caps=Caps(**spec["caps"])))


def caps_of(spec: dict[str, Any], rng: random.Random) -> dict[str, float]:
    """Caps between a part of one tool and more than all of them, some exactly what tools can cost."""
    instrument = instrument_of(spec, ".")
    tools = [most_of_all(instrument, takes_of(instrument, dossier)) for dossier in dossiers_of(spec)]
    caps = {"run": rng.choice((*tools, sum(tools))) * rng.choice((0, 0.3, 0.99, 1, 1, 1.5, 2, 5))}
    for name in ("day", "month"):
        if rng.random() < 0.4:
            caps[name] = rng.choice(tools) * rng.choice((0.5, 1, 3, 10))
    return caps


def several_nights(server: PricedServer, seed: int, kill: bool, overbilled: bool, found: Counter[str]) -> list[str]:
    """The same command night after night until all is reviewed; what went wrong, in words."""
    rng = random.Random(-seed)
    spec = trial(server, seed, overbilled)
    caps = caps_of(spec, rng)
    folder = Path(tempfile.mkdtemp(prefix="ship-panel-budget-"))
    spec |= {"runs": str(folder), "caps": caps}
    wrong: list[str] = []
    billed = 0.0
    month = time.strftime("%Y-%m-%d", time.gmtime())
    try:
        for _ in range(NIGHTS):
            server.open_account()
            killed = kill and rng.random() < 0.7
            result = cut_short(spec, rng.uniform(0.5, 2.0)) if killed else review(spec)
            found["runs"] += 1
            found["kills"] += killed
            billed += server.billed
            wrong += over(spec, server.billed, billed, month, found)
            if result is None:
                continue
            found[f"exit {result.exit_code}"] += 1
            wrong += half_panels(folder, result, found)
            wrong += untrue(result, server.billed, spec, found)
            if not result.end.tools_left:
                break
            if not server.calls:  # not even one tool fits
                spec["caps"] = {name: cap * 10 for name, cap in caps.items() if name == "run"}
    finally:
        shutil.rmtree(folder)
    return [f"{line}; {spec | {'tools': len(spec['tools'])}}" for line in wrong]


def over(spec: dict[str, Any], night: float, all_nights: float, day: str, found: Counter[str]) -> list[str]:
    """Caps that the server's account has passed."""
    if day != time.strftime("%Y-%m-%d", time.gmtime()):
        return []  # midnight came between: the account is not by day
    caps = spec["caps"]
    spent = {"run": night, "day": all_nights, "month": all_nights}
    passed = [f"cap {name} {cap!r} passed: {spent[name]!r}" for name, cap in caps.items()
              if spent[name] > cap + ROUNDING]
    found["overrun"] += len(passed)
    return passed


def half_panels(folder: Path, result: RunResult, found: Counter[str]) -> list[str]:
    """Tools with calls in this run of which something was left unasked."""
    keys: dict[str, set[str]] = {}
    called, ended = set(), defaultdict(set)
    for path in segments(folder):
        for raw in path.read_bytes().splitlines():
            line = json.loads(raw)
            if line["t"] == "assigned":
                keys[line["tool_id"]] = {given["key"] for given in line["keys"]}
            elif line["t"] == "sent" and path.parent.name == result.run_id:
                called.add(line["key"])
            elif line["t"] in ("review", "brief"):
                ended[path.parent.name].add(line["key"])
    over = set().union(*ended.values())
    half = [tool for tool, given in keys.items() if given & over and given & called and given - over]
    found["half"] += len(half)
    return [f"half a panel: {tool}; {result.stopped_by}" for tool in half]


def untrue(result: RunResult, billed: float, spec: dict[str, Any], found: Counter[str]) -> list[str]:
    """What the run says of itself: never less than it was billed, and left when it is left."""
    wrong = []
    if result.end.cost_usd is None or result.end.cost_usd < billed - ROUNDING:
        wrong.append(f"says it cost {result.end.cost_usd}, billed {billed}")
    if (result.exit_code == 3) != bool(result.end.tools_left) and result.exit_code in (0, 3):
        wrong.append(f"exit {result.exit_code} with {result.end.tools_left} left")
    if result.end.tools_done + (result.end.tools_left or 0) != len(spec["tools"]):
        wrong.append(f"{result.end.tools_done} done and {result.end.tools_left} left")
    found["untrue"] += len(wrong)
    return wrong


def cut_short(spec: dict[str, Any], seconds: float) -> None:
    """A night in a process of its own that is killed."""
    words = [sys.executable, "-m", "bench.budget", "--night"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          text=True) as night:
        assert night.stdin is not None
        night.stdin.write(json.dumps(spec))
        night.stdin.close()
        try:
            night.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(night.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
