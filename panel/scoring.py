"""Reviews of one dossier by one panel → its PanelScore; the strongest dissent; the pick that both orders agree on.

Pure arithmetic: no file, clock or chance, and the order in which reviews come does not matter. An unscored review is
never a skip, and every rate has its denominator beside it. Knows nothing of how a review was made; reads only verdict,
score and probe.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from math import fsum
from typing import TypeVar

from panel.schema import Comparison, PanelScore, Review, SeatScore
from panel.schema.score import PanelOutcome

T = TypeVar("T")
SeatId = tuple[str, str]
"""A persona id and the model it is seated on."""


def score_panel(
    reviews: Sequence[Review], seats: int, *, withdrawn: Collection[SeatId] = (), panel_digest: str | None = None
) -> PanelScore:
    """The score of one dossier by a panel of `seats` seats; a seat may have several takes, or none yet.

    A seat votes by the majority of its scored takes, an even split counts half. A seat without a scored take counts as
    unscored and an editor's withdrawn one as withdrawn: neither votes, both count in the quorum. `panel_digest` names
    the panel where reviews made under another serve this one too. Give each review once.
    Raises ValueError without reviews, or when they are of several dossiers, panels, or more seats than there are.
    """
    tool_id, dossier_digest = _the_one(((each.tool_id, each.dossier_digest) for each in reviews), "dossier")
    digest = panel_digest or _the_one((each.panel_digest for each in reviews), "panel")
    sitting = [_seat_score(who, takes, who in withdrawn) for who, takes in _by_seat(reviews)]
    dropped = len(set(withdrawn))
    voting = [seat for seat in sitting if seat.vote is not None]
    if len({(seat.persona_id, seat.model) for seat in sitting} | set(withdrawn)) > seats:
        raise ValueError(f"reviews and withdrawals of more than the {seats} seats of the panel")
    ships = fsum(seat.vote for seat in voting if seat.vote is not None)
    means = [seat.mean_score for seat in voting if seat.mean_score is not None]
    shares = [seat.ships / (seat.ships + seat.skips) for seat in voting if seat.ships + seat.skips > 1]
    return PanelScore(
        tool_id=tool_id, dossier_digest=dossier_digest, panel_digest=digest, seats=seats, voting=len(voting),
        ships=ships, skips=len(voting) - ships, unscored=seats - len(voting) - dropped, withdrawn=dropped,
        ship_rate=ships / len(voting) if voting else None, outcome=_outcome(ships, len(voting), seats),
        mean_score=_mean(means), score_range=max(means) - min(means) if means else None,
        p_ship_probe=_mean([seat.p_ship_probe for seat in sitting if seat.p_ship_probe is not None]),
        p_ship_repeats=_mean(shares), by_persona=tuple(sitting),
    )


def strongest_dissent(reviews: Iterable[Review], score: PanelScore) -> Review | None:
    """The review that speaks loudest for the verdict fewer seats voted for; null when none did, or as many.

    Loudest is most confident, then farthest from the panel's mean score. Only takes of seats that voted against the
    majority count, or were split themselves: one odd take of a seat that voted with the others is no dissent.
    """
    if score.ships == score.skips:
        return None
    minority = "skip" if score.ships > score.skips else "ship"
    against = {(seat.persona_id, seat.model) for seat in score.by_persona
               if seat.vote is not None and seat.vote != (0 if minority == "ship" else 1)}
    mean = score.mean_score or 0.0
    dissents = [(each.verdict.confidence, abs(each.verdict.score - mean), each)
                for each in sorted(reviews, key=lambda each: (each.persona_id, each.model, each.repeat, each.key))
                if each.verdict is not None and each.verdict.verdict == minority
                and (each.persona_id, each.model) in against]
    return max(dissents, key=lambda dissent: dissent[:2])[2] if dissents else None


def stable_pick(a_first: Comparison | None, b_first: Comparison | None, tool_a: str, tool_b: str) -> str | None:
    """What a seat picks in both orders: a tool's id, "neither" or "not_comparable".

    Null when an order has no answer, or when the pick changes with the order: no stable preference.
    Raises ValueError when the comparisons are not of these two tools in these two orders.
    """
    for comparison, order in ((a_first, (tool_a, tool_b)), (b_first, (tool_b, tool_a))):
        if comparison is not None and (comparison.tool_a, comparison.tool_b) != order:
            raise ValueError(f"the comparison shows {comparison.tool_a} first, then {comparison.tool_b}; not {order}")
    first, second = _picked(a_first), _picked(b_first)
    return first if first == second else None


def _picked(comparison: Comparison | None) -> str | None:
    if comparison is None or comparison.comparison is None:
        return None
    pick = comparison.comparison.pick
    return {"a": comparison.tool_a, "b": comparison.tool_b}.get(pick, pick)


def _the_one(values: Iterable[T], what: str) -> T:
    found = set(values)
    if len(found) != 1:
        raise ValueError(f"reviews of {len(found)} {what}s; a score is of exactly one")
    return found.pop()


def _by_seat(reviews: Iterable[Review]) -> Iterable[tuple[SeatId, list[Review]]]:
    def seat_of(review: Review) -> SeatId:
        return review.persona_id, review.model

    for who, takes in groupby(sorted(reviews, key=seat_of), key=seat_of):
        yield who, list(takes)


def _seat_score(who: SeatId, takes: list[Review], withdrawn: bool) -> SeatScore:
    """One seat. A withdrawn one keeps its counts and has no vote, mean or probability."""
    verdicts = [take.verdict for take in takes if take.verdict is not None]
    ships = sum(1 for verdict in verdicts if verdict.verdict == "ship")
    skips = len(verdicts) - ships
    vote = None if withdrawn or not verdicts else 1.0 if ships > skips else 0.0 if ships < skips else 0.5
    probes = [take.probe.p_ship for take in takes if take.probe is not None]
    return SeatScore(
        persona_id=who[0], model=who[1], takes=len(takes), ships=ships, skips=skips,
        unscored=len(takes) - len(verdicts), vote=vote,
        mean_score=None if withdrawn else _mean([verdict.score for verdict in verdicts]),
        p_ship_probe=None if withdrawn else _mean(probes),
    )


def _outcome(ships: float, voting: int, seats: int) -> PanelOutcome:
    if voting * 2 <= seats:
        return "no_quorum"
    if ships * 2 == voting:
        return "split"
    return "ship" if ships * 2 > voting else "skip"


def _mean(values: Sequence[float]) -> float | None:
    """The mean, the same to the last bit in whatever order the values come."""
    return fsum(values) / len(values) if values else None
