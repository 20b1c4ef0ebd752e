"""How much a panel moves when nothing changed, from reviews that differ only in take, seed or wave; and intervals.

Pure arithmetic: no file, clock or chance. Knows nothing of what the seats were asked, or why they may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum, inf, sqrt
from statistics import NormalDist

from panel.schema.change import Check, Retests, SeatChange, SeatSeen
from panel.schema.panel import Panel

ENOUGH_PAIRS = 5
"""Pairs of takes from which a persona's own floor is used; with fewer, that of all personas of the model."""
ALPHA = 0.05
"""How often retests alone may pass for a change, over all the checks of one move together."""


def floor_of(retests: Iterable[Retests], seat: SeatSeen, panel: Panel) -> Retests | None:
    """The retests that say how much this seat moves: its persona's, else those of all personas of its model.

    Only those at the same depth and sampling: a higher temperature moves more. Null: fewer than ENOUGH_PAIRS pairs.
    """
    model = seat.fallbacks[-1] if seat.fallbacks else seat.model
    sampling = panel.sampling.model_copy(update={"seed": None})
    fitting = [one for one in retests
               if (one.model, one.depth, one.sampling) == (model, panel.depth, sampling) and one.persona_id is not None]
    own = _pooled([one for one in fitting if one.persona_id == seat.persona_id], seat.persona_id)
    if own is not None and own.pairs >= ENOUGH_PAIRS:
        return own
    pooled = _pooled(fitting, None)
    return pooled if pooled is not None and pooled.pairs >= ENOUGH_PAIRS else None


def _pooled(retests: Sequence[Retests], persona_id: str | None) -> Retests | None:
    if not retests:
        return None
    return retests[0].model_copy(update={
        "persona_id": persona_id, "pairs": sum(one.pairs for one in retests),
        "flips": sum(one.flips for one in retests), "squares": fsum(one.squares for one in retests),
        "freedom": sum(one.freedom for one in retests)})


Floors = tuple[Retests | None, Retests | None]
"""Of a seat before and after."""


def beyond_noise(seats: Sequence[SeatChange], floors: Sequence[Floors]) -> tuple[bool | None, tuple[Check, ...]]:
    """Whether these seats moved more than retests move them, and the checks that say so.

    Checked are the mean score over the seats, the score of each, and the number of votes flipped. The move of a score
    is beyond noise when it is more than t SD sqrt(1/n + 1/m - 2 c/(n m)) for n and m takes, c of them in both panels;
    the bound of the mean is that of independent seats. t is Student's, two-sided, at ALPHA shared among the checks
    (Bonferroni); degrees of freedom by Welch and Satterthwaite. Flips: Poisson-binomial, with each seat's flip rate
    counted as (flips + 1) / (pairs + 2). Null when no check is beyond and a seat that moved has no floor.
    """
    known = [(seat, before, after) for seat, (before, after) in zip(seats, floors, strict=True)
             if seat.comparable and before is not None and after is not None]
    unknown = any(seat.moved and None in floor for seat, floor in zip(seats, floors, strict=True))
    if not known:
        return (None if unknown else False), ()
    each = ALPHA / (len(known) + 2)
    checks = [_score_check(f"score of {seat.seat}", seat.score_move, _variances(seat, before, after), each)
              for seat, before, after in known]
    if len(known) > 1 and not unknown:
        size = len(known)
        parts = [(variance / size**2, floor) for one in known for variance, floor in _variances(*one)]
        checks.append(_score_check("mean score", fsum(seat.score_move for seat, _, _ in known) / size, parts, each))
    checks.append(_flip_check(known, each))
    if any(check.beyond for check in checks):
        return True, tuple(checks)
    return (None if unknown else False), tuple(checks)


Known = tuple[SeatChange, Retests, Retests]
"""A seat and its floors before and after."""
Variance = tuple[float, Retests]
"""Part of the variance of a move, and the floor it is known from."""


def _variances(seat: SeatChange, before: Retests, after: Retests) -> list[Variance]:
    assert seat.before is not None
    assert seat.after is not None
    first = {take.key for take in seat.before.takes if take.score is not None}
    second = {take.key for take in seat.after.takes if take.score is not None}
    common = len(first & second) / (len(first) * len(second))
    return [(before.deviation**2 * (1 / len(first) - common), before),
            (after.deviation**2 * (1 / len(second) - common), after)]


def _freedom(parts: Sequence[Variance]) -> float:
    """Welch and Satterthwaite: (sum of variances)² / sum of variance² / freedom, a floor used twice counted once."""
    by_floor: dict[Retests, float] = {}
    for variance, floor in parts:
        by_floor[floor] = by_floor.get(floor, 0.0) + variance
    below = fsum(variance**2 / floor.freedom for floor, variance in by_floor.items() if floor.freedom)
    return fsum(by_floor.values()) ** 2 / below if below > 0 else inf


def _score_check(of: str, moved: float, parts: Sequence[Variance], chance: float) -> Check:
    variance = fsum(part for part, _ in parts)
    bound = student_t(1 - chance / 2, _freedom(parts)) * sqrt(variance) if variance > 0 else 0.0
    return Check(of=of, moved=moved, bound=bound, beyond=abs(moved) > bound + 1e-9)


def _flip_check(known: Sequence[Known], level: float) -> Check:
    rates, flips, still = [], 0, []
    for seat, *floors in known:
        assert seat.before is not None
        assert seat.after is not None
        flips += {seat.before.vote, seat.after.vote} == {0.0, 1.0}
        rates.append(max((floor.flips + 1) / (floor.pairs + 2) for floor in floors))
        if all(floor.flips == 0 and floor.deviation == 0 for floor in floors):
            still += [seat.seat] * (seat.before.vote != seat.after.vote)  # where nothing ever moved, any move is one
    chance = at_least(flips, rates)
    return Check(of="votes", moved=flips, chance=chance, still=tuple(still),
                 beyond=bool(still) or (flips > 0 and chance <= level))


def at_least(number: int, rates: Sequence[float]) -> float:
    """The chance of at least `number` events among independent ones of these rates (Poisson-binomial)."""
    chances = [1.0]
    for rate in rates:
        chances = [fsum(pair) for pair in zip(
            [chance * (1 - rate) for chance in chances] + [0.0], [0.0] + [chance * rate for chance in chances],
            strict=True)]
    return min(1.0, fsum(chances[number:]))


def student_t(level: float, freedom: float) -> float:
    """The quantile of Student's t at `level` (above 0.5), from the normal one.

    Abramowitz and Stegun, 26.7.5: within 1% from 3 degrees of freedom on, up to a level of 0.998.
    """
    z = NormalDist().inv_cdf(level)
    if freedom == inf:
        return z
    terms = (
        (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160)
    return z + fsum(term / freedom**power for power, term in enumerate(terms, start=1))


_Z = NormalDist().inv_cdf(0.975)


def wilson(rate: float, number: float) -> tuple[float, float]:
    """The 95% interval of a proportion seen in `number` trials (Wilson 1927). (0, 1) for none."""
    if number <= 0:
        return 0.0, 1.0
    middle = rate + _Z**2 / (2 * number)
    width = _Z * sqrt(rate * (1 - rate) / number + _Z**2 / (4 * number**2))
    below = 1 + _Z**2 / number
    return max(0.0, (middle - width) / below), min(1.0, (middle + width) / below)


def newcombe(before: float, after: float, number: float) -> tuple[float, float]:
    """The 95% interval of `after` minus `before`, each seen in `number` trials (Newcombe 1998, method 10)."""
    (low_1, high_1), (low_2, high_2) = wilson(before, number), wilson(after, number)
    change = after - before
    return (max(-1.0, change - sqrt((after - low_2) ** 2 + (high_1 - before) ** 2)),
            min(1.0, change + sqrt((high_2 - after) ** 2 + (before - low_1) ** 2)))
