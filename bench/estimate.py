"""Whether a run costs what was expected of it: `python -m bench.estimate [trials] [--seed N]`.

Each trial draws a model (prices, tokens a byte, how long its answers are and how much they differ, re-asks, faults),
a panel and two lists of tools, and makes two runs over HTTP against tests/priced_server.py: a cold one, of a model
nobody has asked before, and a warm one over the other list. For each, what it came to cost (the run's own account,
failed calls at their most) against the range given before it. Printed apart, with how wide the ranges were.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from priced_server import PricedServer, Tariff

from panel.cli.estimating import estimate_run
from panel.dossiers import read_dossiers
from panel.instrument import Instrument
from panel.run import Terms, review_dossiers
from panel.schema import Estimate
from panel.settings import ModelEntry, Retry, SeatEntry, Settings

LAUNCHES = Path(__file__).resolve().parents[2] / "shared" / "data" / "launches.jsonl"
PERSONAS = ("builder", "competitor_analyst", "futurist", "investor")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    pool = [json.loads(line) for line in LAUNCHES.read_text(encoding="utf-8").splitlines()]
    found: dict[str, list[tuple[Estimate, float]]] = {"cold": [], "warm": []}
    with PricedServer(given.seed) as server:
        for number in range(given.trials):
            cold, warm = trial(server, random.Random(given.seed * 10_000 + number), pool)
            found["cold"].append(cold)
            found["warm"].append(warm)
    for name, results in found.items():
        report(name, results)


def trial(server: PricedServer, rng: random.Random, pool: list[dict[str, str]]) -> list[tuple[Estimate, float]]:
    """A cold run and a warm one of the same panel: estimate and cost of each."""
    mean = 10 ** rng.uniform(2.2, 3.2)  # 160 to 1,600 tokens
    low = rng.uniform(0.19, 0.3)
    tariff = Tariff(
        price_in=10 ** rng.uniform(-7.5, -5), price_out=10 ** rng.uniform(-7, -4.5), tokens_a_byte=(low, low * 1.15),
        tokens_out=(mean, mean * rng.uniform(0.05, 0.5)), absolute=True,
        fates={"ok": 1.0, "garbage": rng.choice((0.0, 0.02, 0.1)), "failing": rng.choice((0.0, 0.0, 0.02)),
               "limited": rng.choice((0.0, 0.05))})
    server.tariffs = {"*": tariff}
    settings = Settings(
        model="m", models={"m": ModelEntry(model=f"{server.url}#m", price_in=tariff.price_in * 1e6,
                                           price_out=tariff.price_out * 1e6)},
        depth=rng.choice(("verdict", "full")), retry=Retry(wait=0.001, longest_wait=0.01),
        seats=tuple(SeatEntry(persona=name) for name in rng.sample(PERSONAS, rng.choice((1, 2, 4)))))
    folder = Path(tempfile.mkdtemp(prefix="ship-panel-estimate-"))
    try:
        settings = settings.model_copy(update={"runs": str(folder / "runs")})
        return [night(settings, folder / f"{name}.jsonl", tools_of(rng, pool)) for name in ("cold", "warm")]
    finally:
        shutil.rmtree(folder)


def tools_of(rng: random.Random, pool: list[dict[str, str]]) -> list[dict[str, str]]:
    """A list of real launches, some of them with a page of text."""
    tools = rng.sample(pool, rng.choice((10, 30, 80)))
    pages = rng.choice((0.0, 0.5))
    return [{**tool, "description": " ".join(str(other["tagline"]) for other in rng.sample(pool, 60))}
            if rng.random() < pages else tool for tool in tools]


def night(settings: Settings, path: Path, tools: list[dict[str, str]]) -> tuple[Estimate, float]:
    path.write_text("".join(json.dumps(tool) + "\n" for tool in tools), encoding="utf-8")
    instrument = Instrument(settings, "")
    expected = estimate_run([str(path)], None, None, instrument, Terms())
    assert expected is not None
    end = review_dossiers(read_dossiers([str(path)], report=print), instrument, Terms(estimate=expected)).end
    assert end.cost_usd is not None
    return expected, end.cost_usd


def report(name: str, results: list[tuple[Estimate, float]]) -> None:
    inside, widths, errors = 0, [], []
    for estimate, cost in results:
        low, expected, high = estimate.low or 0.0, estimate.expected or 0.0, estimate.high or 0.0
        within = low <= cost <= high
        inside += within
        widths.append(high / max(low, 1e-12))
        errors.append(abs(expected / cost - 1))
        if not within:
            print(f"  {name}: {cost:.5f} outside {low:.5f} {expected:.5f} {high:.5f}: {estimate.assumptions}")
    print(f"{name}: actual inside the range in {inside} of {len(results)} runs; high / low median "
          f"{statistics.median(widths):.2f}, largest {max(widths):.1f}; expected off by "
          f"{statistics.median(errors):.1%} median")


if __name__ == "__main__":
    main()
