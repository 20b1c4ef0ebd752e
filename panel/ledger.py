"""Predictions and how they came out → Brier score, its parts, what chance would give, calibration.

Pure arithmetic: no file or clock; chance is seeded, so the same predictions give the same figures. Takes outcomes to be
independent of each other. Knows nothing of where predictions are kept or how a score is shown.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import accumulate
from math import exp, lgamma, log, sqrt
from typing import NamedTuple

from panel.schema.ledger import CalibrationBin, LedgerEntry, LedgerReport, LedgerScore, NullRange

Forecast = tuple[int, bool]
"""A probability in percent, and whether it came true."""
STARTER = "local:starter"
FEW = 10
"""With fewer resolved predictions than this a score says little."""
DRAWS, SEED = 2000, 20070601
LEFT_OUT = 0.025
"""The share of draws left out on each side of a range: 95% stay."""
Z95 = 1.959963984540054
BIN_WIDTH = 10


class BrierParts(NamedTuple):
    """The Brier score and its parts, exactly: brier = reliability - resolution + uncertainty."""

    brier: Fraction
    reliability: Fraction
    resolution: Fraction
    uncertainty: Fraction
    base_rate: Fraction
    mean_stated: Fraction


def brier_parts(forecasts: Sequence[Forecast]) -> BrierParts | None:
    """The Brier score of forecasts and its decomposition, over each distinct probability; null without forecasts.

    With n_k forecasts of p_k, of which the share o_k came true, and the share o of all N that did:
    reliability = sum n_k (p_k - o_k)^2 / N, resolution = sum n_k (o_k - o)^2 / N, uncertainty = o (1 - o).
    Murphy (1973), A new vector partition of the probability score, Journal of Applied Meteorology 12, 595-600.
    """
    if not forecasts:
        return None
    given, true = _counts(forecasts)
    total = len(forecasts)
    rate = Fraction(sum(true.values()), total)
    brier = reliability = resolution = stated = Fraction(0)
    for percent, count in given.items():
        probability, came = Fraction(percent, 100), true[percent]
        observed = Fraction(came, count)
        brier += came * (1 - probability) ** 2 + (count - came) * probability ** 2
        reliability += count * (probability - observed) ** 2
        resolution += count * (observed - rate) ** 2
        stated += count * probability
    return BrierParts(brier / total, reliability / total, resolution / total, rate * (1 - rate), rate, stated / total)


def wilson(came_true: int, count: int) -> tuple[float, float]:
    """The 95% score interval of a share, `count` above 0.

    (s + z^2/2n -+ z sqrt(s (1 - s) / n + z^2/4n^2)) / (1 + z^2/n). Wilson (1927), Probable inference, the law of
    succession, and statistical inference, JASA 22, 209-212.
    """
    share, square = came_true / count, Z95 * Z95 / count
    middle = share + square / 2
    half = Z95 * sqrt(share * (1 - share) / count + square / (4 * count))
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return low if came_true else 0.0, high if came_true < count else 1.0  # rounding would leave 5e-17


def calibrated_draws(given: Mapping[int, int], draws: int = DRAWS, seed: int = SEED) -> dict[int, list[int]]:
    """percent → how many of so many forecasts come true, `draws` times over, where every probability is true.

    Consistency resampling: outcomes are drawn from the stated probabilities, which stay as they are. Bröcker & Smith
    (2007), Increasing the reliability of reliability diagrams, Weather and Forecasting 22, 651-661.
    """
    chance = random.Random(seed)
    drawn = {}
    for percent in sorted(given):
        shares = _binomial_shares(given[percent], percent / 100)
        drawn[percent] = [bisect_right(shares, chance.random()) for _ in range(draws)]
    return drawn


class Drafts(NamedTuple):
    """One forecast: the draft that counts, as it came out, and the keys of all drafts of it, newest first."""

    entry: LedgerEntry
    keys: tuple[str, ...]


def forecasts_of(entries: Iterable[LedgerEntry]) -> list[Drafts]:
    """One forecast for all predictions equal in tool, persona, statement and month, in the order of first sight.

    What counts is the latest of them (its probability, model and version of the persona) that was made before the first
    was resolved: later ones could know. How it came out is what was stated last of any.
    """
    groups: dict[tuple[str, ...], list[LedgerEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.tool_id, entry.persona_id, entry.statement, entry.by), []).append(entry)
    found = []
    for group in groups.values():
        newest = sorted(group, key=lambda one: (one.finished_at, one.key), reverse=True)
        resolved = sorted((one for one in group if one.outcome is not None), key=lambda one: one.resolved_at or "")
        counted = newest[0]
        if resolved:
            counted = next((one for one in newest if one.finished_at <= (resolved[0].resolved_at or "")), newest[-1])
            counted = counted.model_copy(update={name: getattr(resolved[-1], name) for name in (
                "outcome", "source", "note", "resolved_by", "resolved_at", "resolutions")})
        found.append(Drafts(counted, tuple(one.key for one in newest)))
    return found


def made_up(model: str) -> bool:
    """Whether nobody foretells anything by this model: a rule, or the starter, whose sentences are ours."""
    return model.partition(":")[0] == "scripted" or model == STARTER


def score_predictions(entries: Iterable[LedgerEntry]) -> LedgerScore:
    """What these predictions score, redrafts as one forecast: the latest one (see `forecasts_of`).

    Void ones never count, vague ones where they are resolved yes or no.
    """
    entries = [one.entry for one in forecasts_of(entries)]
    forecasts = [(entry.probability, entry.outcome == "yes") for entry in entries if entry.outcome in ("yes", "no")]
    still_open = [entry for entry in entries if entry.outcome is None]
    counted = LedgerScore(
        predictions=len(entries), resolved=len(forecasts), came_true=sum(came for _, came in forecasts),
        open=len(still_open), vague_open=sum(entry.vague is not None for entry in still_open),
        void=sum(entry.outcome == "void" for entry in entries), few=len(forecasts) < FEW)
    parts = brier_parts(forecasts)
    if parts is None:
        return counted.model_copy(update={"undefined": {"brier": "no prediction is resolved yes or no"}})
    given, true = _counts(forecasts)
    drawn = calibrated_draws(given)
    skill, why = _skill(parts)
    return counted.model_copy(update={
        **{name: float(value) for name, value in parts._asdict().items()}, "skill": skill,
        "brier_range": _range(given, true, drawn, _brier_terms),
        "reliability_range": _range(given, true, drawn, _reliability_terms),
        "bins": _bins(given, true, drawn), "undefined": {"skill": why} if why else {}})


def ledger_report(entries: Sequence[LedgerEntry], *, by_version: bool = False) -> LedgerReport:
    """The score of all, and by persona (and its version, when asked), by model, and by both.

    Redrafts are one forecast within what is scored: where two models drafted the same, each has it in its own score.
    """
    def persona(entry: LedgerEntry) -> dict[str, str]:
        version = {"persona_digest": entry.persona_digest} if by_version else {}
        return {"persona_id": entry.persona_id, **version}

    return LedgerReport(
        all=score_predictions(entries),
        by_persona=_scores_by(entries, persona),
        by_model=_scores_by(entries, lambda entry: {"model": entry.model}),
        by_seat=_scores_by(entries, lambda entry: {**persona(entry), "model": entry.model}))


def days_over(by: str, today: date) -> int:
    """Days since the last day of a month, YYYY-MM; 0 or less while it lasts or lies ahead."""
    year, month = map(int, by.split("-"))
    return (today - date(year, month, monthrange(year, month)[1])).days if year else today.toordinal()


def months_ahead(today: date, months: int) -> str:
    """The month so many after today's, as YYYY-MM."""
    number = today.year * 12 + today.month - 1 + months
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _counts(forecasts: Sequence[Forecast]) -> tuple[dict[int, int], Counter[int]]:
    """percent → how many, and how many of them came true, in the order of percents."""
    given = Counter(percent for percent, _ in forecasts)
    return {percent: given[percent] for percent in sorted(given)}, Counter(percent for percent, came in forecasts
                                                                           if came)


def _binomial_shares(count: int, probability: float) -> list[float]:
    """The distribution function of a binomial at 0 to `count`; by logarithms, so that no power is too small."""
    if probability in (0.0, 1.0):
        return [1.0 - probability] * count + [1.0]
    yes, no = log(probability), log(1 - probability)
    whole = lgamma(count + 1)
    shares = list(accumulate(exp(whole - lgamma(true + 1) - lgamma(count - true + 1) + true * yes + (count - true) * no)
                             for true in range(count + 1)))
    return [share / shares[-1] for share in shares]


Terms = Callable[[int, int], Sequence[float]]
"""(percent, how many) → what they add to a figure where 0, 1, ... of them came true; in 1/10,000 of the figure."""


def _brier_terms(percent: int, count: int) -> Sequence[float]:
    return [true * (100 - percent) ** 2 + (count - true) * percent ** 2 for true in range(count + 1)]


def _reliability_terms(percent: int, count: int) -> Sequence[float]:
    return [(percent * count - 100 * true) ** 2 / count for true in range(count + 1)]


def _range(given: Mapping[int, int], true: Mapping[int, int], drawn: Mapping[int, list[int]],
           terms: Terms) -> NullRange:
    """The middle 95% of a figure's draws, and whether the observed one is among them.

    The observed figure is summed as the draws are: the same counts must give the same number to the last bit.
    """
    observed: float = 0
    sums: list[float] = [0] * len(next(iter(drawn.values())))
    for percent, count in given.items():
        term = terms(percent, count)
        observed += term[true[percent]]
        sums = [total + term[came] for total, came in zip(sums, drawn[percent], strict=True)]
    low, high = _middle(sums)
    scale = 10_000 * sum(given.values())
    return NullRange(low=low / scale, high=high / scale, inside=low <= observed <= high)


def _middle(values: Iterable[float]) -> tuple[float, float]:
    ordered = sorted(values)
    out = int(len(ordered) * LEFT_OUT)
    return ordered[out], ordered[-1 - out]


def _bins(given: Mapping[int, int], true: Mapping[int, int],
          drawn: Mapping[int, list[int]]) -> tuple[CalibrationBin, ...]:
    """The bins that hold a prediction: 0-9, 10-19, ... 90-100 percent."""
    bins = []
    for low in range(0, 100, BIN_WIDTH):
        high = 100 if low + BIN_WIDTH == 100 else low + BIN_WIDTH - 1
        inside = [percent for percent in given if low <= percent <= high]
        count = sum(given[percent] for percent in inside)
        if not count:
            continue
        came = sum(true[percent] for percent in inside)
        expected = _middle(map(sum, zip(*(drawn[percent] for percent in inside), strict=True)))
        interval = wilson(came, count)
        bins.append(CalibrationBin(
            low=low, high=high, resolved=count, came_true=came,
            mean_stated=sum(percent * given[percent] for percent in inside) / (100 * count), observed=came / count,
            observed_low=interval[0], observed_high=interval[1], expected_low=expected[0] / count,
            expected_high=expected[1] / count))
    return tuple(bins)


def _skill(parts: BrierParts) -> tuple[float | None, str | None]:
    """1 - brier / uncertainty: against somebody who always states the base rate. Or null and why."""
    if not parts.uncertainty:
        return None, "all came out alike, so that always stating the base rate would be free of error"
    return float(1 - parts.brier / parts.uncertainty), None


def _scores_by(entries: Sequence[LedgerEntry],
               whose: Callable[[LedgerEntry], dict[str, str]]) -> tuple[LedgerScore, ...]:
    groups: dict[tuple[tuple[str, str], ...], list[LedgerEntry]] = {}
    for entry in entries:
        groups.setdefault(tuple(whose(entry).items()), []).append(entry)
    return tuple(score_predictions(groups[who]).model_copy(update=dict(who)) for who in sorted(groups))
