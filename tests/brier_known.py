"""Makes tests/data/brier_known.json: 200 forecasts and their Brier parts, exactly, each straight from its definition.

Forecast by forecast and in fractions, nothing shared with the program: python tests/brier_known.py
"""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

FILE = Path(__file__).resolve().parent / "data" / "brier_known.json"
Known = list[tuple[int, bool]]


def known_parts(forecasts: Known) -> dict[str, Fraction]:
    """Brier (1950) as a mean of squares over forecasts; Murphy's (1973) parts as means over forecasts too.

    Each forecast is set beside the mean outcome of all forecasts that state the same.
    """
    size = len(forecasts)
    stated = [Fraction(percent, 100) for percent, _ in forecasts]
    outcome = [Fraction(int(came)) for _, came in forecasts]
    alike = [[outcome[other] for other in range(size) if stated[other] == stated[one]] for one in range(size)]
    observed = [sum(group, Fraction(0)) / len(group) for group in alike]
    rate = sum(outcome, Fraction(0)) / size

    def mean(values: list[Fraction]) -> Fraction:
        return sum(values, Fraction(0)) / size

    return {
        "brier": mean([(stated[one] - outcome[one]) ** 2 for one in range(size)]),
        "reliability": mean([(stated[one] - observed[one]) ** 2 for one in range(size)]),
        "resolution": mean([(observed[one] - rate) ** 2 for one in range(size)]),
        "uncertainty": mean([(each - rate) ** 2 for each in outcome]),
        "base_rate": rate,
    }


def main() -> None:
    chance = random.Random("two hundred forecasts")
    stated = [chance.choice((0, 3, 10, 20, 35, 50, 57, 62, 75, 80, 90, 97, 100)) for _ in range(200)]
    forecasts = [(percent, chance.random() < 0.1 + 0.6 * percent / 100) for percent in stated]
    parts = known_parts(forecasts)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps({
        "made_by": "tests/brier_known.py",
        "exact": {name: f"{value.numerator}/{value.denominator}" for name, value in parts.items()},
        "forecasts": forecasts}, indent=None) + "\n")


if __name__ == "__main__":
    main()
