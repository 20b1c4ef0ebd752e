"""The arithmetic of a panel: who votes, what the outcome is, and that the order of reviews never matters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.schema import Because, Claim, Comparison, ComparisonText, PanelScore, Probe, Review, Verdict
from panel.scoring import score_panel, stable_pick, strongest_dissent

HEX = "0" * 32


def verdict(word: str, score: int, confidence: int = 60) -> Verdict:
    return Verdict(points={"moat": "none"}, claims=(Claim(text="it is free", lines=(1,)),),
                   because=Because(point="moat", text="none"), score=score, verdict=word, confidence=confidence)


def review(who: str, word: str | None, score: int = 50, **changes: Any) -> Review:
    """One take; a word of null is unscored."""
    confidence = changes.pop("confidence", 60)
    p_ship = changes.pop("p_ship", None)
    fields: dict[str, Any] = {
        "key": f"{who}/{changes.get('model', 'm')}/{changes.get('repeat', 0)}", "run_id": "r", "model": "m",
        "prompts_digest": HEX, "finished_at": "2026-10-05T10:00:00Z", "tool_id": "aider", "dossier_digest": HEX,
        "lines_digest": HEX, "persona_id": who, "persona_digest": HEX, "panel_digest": HEX, "depth": "verdict",
        "verdict": verdict(word, score, confidence) if word else None, "unscored": None if word else "timed out",
        "unscored_kind": None if word else "unavailable",
        "probe": None if p_ship is None else Probe(p_ship=p_ship, coverage=1.0),
    }
    return Review(**(fields | changes))


def votes(*words: str | None) -> list[Review]:
    return [review(f"p{number}", word) for number, word in enumerate(words)]


@pytest.mark.parametrize(("words", "seats", "outcome", "rate", "unscored"), [
    (["ship", "ship", "ship", "skip"], 4, "ship", 0.75, 0),
    (["ship", "skip", "skip", "skip"], 4, "skip", 0.25, 0),
    (["ship", "ship", "skip", "skip"], 4, "split", 0.5, 0),
    (["ship", "ship", "skip", None], 4, "ship", 2 / 3, 1),
    (["ship", "ship", None, None], 4, "no_quorum", 1.0, 2),
    (["ship", None, None, None], 4, "no_quorum", 1.0, 3),
    ([None, None, None, None], 4, "no_quorum", None, 4),
    (["ship", "ship"], 4, "no_quorum", 1.0, 2),
    (["ship", "ship", "skip"], 4, "ship", 2 / 3, 1),
    (["skip"], 1, "skip", 0.0, 0),
    (["ship", "ship"], 3, "ship", 1.0, 1),
    (["ship"], 2, "no_quorum", 1.0, 1),
])
def test_outcome_rate_and_quorum(
    words: list[str | None], seats: int, outcome: str, rate: float | None, unscored: int
) -> None:
    score = score_panel(votes(*words), seats=seats)
    assert (score.outcome, score.ship_rate, score.unscored) == (outcome, rate, unscored)
    assert score.seats == score.voting + score.unscored + score.withdrawn == seats


@pytest.mark.parametrize(("takes", "vote"), [
    (["ship", "ship", "skip"], 1.0), (["skip", "ship", "skip"], 0.0), (["ship", "skip"], 0.5),
    (["ship", "skip", None], 0.5), (["ship", None, None], 1.0), ([None, None], None),
])
def test_a_seat_votes_by_the_majority_of_its_scored_takes(takes: list[str | None], vote: float | None) -> None:
    score = score_panel([review("p", word, repeat=number) for number, word in enumerate(takes)], seats=1)
    seat = score.by_persona[0]
    assert seat.vote == vote
    assert (seat.takes, seat.ships + seat.skips + seat.unscored) == (len(takes), len(takes))


def test_an_even_split_of_a_seat_counts_half_and_can_split_the_panel() -> None:
    takes = [*votes("ship", "skip"), review("p9", "ship"), review("p9", "skip", repeat=1)]
    score = score_panel(takes, seats=3)
    assert (score.ships, score.skips, score.outcome) == (1.5, 1.5, "split")
    assert score_panel([*takes, review("p8", "ship")], seats=4).outcome == "ship"


def test_scores_are_means_over_seats_not_over_takes() -> None:
    takes = [review("a", "ship", 90), review("b", "skip", 10), review("b", "skip", 20, repeat=1), review("c", None)]
    score = score_panel(takes, seats=4)
    assert [seat.mean_score for seat in score.by_persona] == [90, 15, None]
    assert (score.mean_score, score.score_range) == (52.5, 75)


def test_probe_and_repeats_are_two_figures_over_their_own_seats() -> None:
    takes = [review("a", "ship", p_ship=0.9), review("a", "skip", repeat=1, p_ship=0.7), review("b", "ship"),
             review("c", "skip", p_ship=0.2)]
    score = score_panel(takes, seats=4)
    assert score.p_ship_probe == pytest.approx((0.8 + 0.2) / 2)
    assert score.p_ship_repeats == 0.5
    assert score_panel(takes[2:], seats=4).p_ship_repeats is None
    assert score_panel(takes[2:3], seats=4).p_ship_probe is None


def test_a_withdrawn_seat_has_no_vote_and_stays_in_the_quorum_and_on_the_page() -> None:
    takes = votes("ship", "ship", "skip", "skip")
    score = score_panel(takes, seats=4, withdrawn={("p3", "m")})
    assert (score.ships, score.skips, score.withdrawn, score.unscored, score.outcome) == (2, 1, 1, 0, "ship")
    assert (score.by_persona[3].skips, score.by_persona[3].vote, score.by_persona[3].mean_score) == (1, None, None)
    both = score_panel(takes, seats=4, withdrawn={("p2", "m"), ("p3", "m")})
    assert (both.outcome, both.withdrawn) == ("no_quorum", 2)


def test_one_persona_on_two_models_is_two_seats() -> None:
    score = score_panel([review("a", "ship"), review("a", "skip", model="n")], seats=2)
    assert (score.voting, score.outcome) == (2, "split")


@pytest.mark.parametrize("reviews", [
    [], [review("a", "ship"), review("b", "ship", tool_id="other")],
    [review("a", "ship"), review("b", "ship", dossier_digest="1" * 32)],
    [review("a", "ship"), review("b", "ship", panel_digest="1" * 32)], votes("ship", "ship", "ship"),
])
def test_what_is_not_one_panel_over_one_dossier_is_refused(reviews: list[Review]) -> None:
    with pytest.raises(ValueError, match="reviews"):
        score_panel(reviews, seats=2)


def test_reviews_of_another_panel_may_serve_a_named_one() -> None:
    score = score_panel([review("a", "ship"), review("b", "ship", panel_digest="1" * 32)], 2, panel_digest="2" * 32)
    assert score.panel_digest == "2" * 32


TAKES = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["ship", "skip", None]), st.integers(0, 100),
                           st.none() | st.floats(0, 1)), min_size=1, max_size=14)


def taken(takes: list[tuple[str, str | None, int, float | None]]) -> list[Review]:
    return [review(who, word, score, repeat=number, p_ship=p_ship)
            for number, (who, word, score, p_ship) in enumerate(takes)]


@given(TAKES, st.randoms(use_true_random=False), st.sets(st.sampled_from("abcd")))
def test_the_order_of_reviews_does_not_matter(takes: Any, chance: Any, dropped: set[str]) -> None:
    reviews = taken(takes)
    shuffled = list(reviews)
    chance.shuffle(shuffled)
    withdrawn = {(who, "m") for who in dropped}
    score = score_panel(reviews, seats=4, withdrawn=withdrawn)
    again = score_panel(shuffled, seats=4, withdrawn=list(withdrawn))
    assert again.model_dump_json() == score.model_dump_json()
    assert strongest_dissent(shuffled, again) == strongest_dissent(reviews, score)


@given(TAKES, st.integers(4, 9))
def test_counts_add_up_and_rates_stay_in_bounds(takes: Any, seats: int) -> None:
    score = score_panel(taken(takes), seats=seats)
    assert score.voting + score.unscored + score.withdrawn == seats
    assert score.ships + score.skips == score.voting
    assert (score.ship_rate is None) == (score.voting == 0) == (score.mean_score is None)
    for share in (score.ship_rate, score.p_ship_probe, score.p_ship_repeats):
        assert share is None or 0 <= share <= 1
    scores = [score for _, word, score, _ in takes if word]
    if score.mean_score is not None and score.score_range is not None:
        assert min(scores) <= score.mean_score <= max(scores)
        assert 0 <= score.score_range <= max(scores) - min(scores)
    assert (score.outcome == "no_quorum") == (2 * score.voting <= seats)
    assert sum(seat.takes for seat in score.by_persona) == len(takes)


@given(TAKES)
def test_turning_every_verdict_round_turns_the_score_round(takes: Any) -> None:
    turned = {"ship": "skip", "skip": "ship", None: None}
    score = score_panel(taken(takes), seats=4)
    other = score_panel(taken([(who, turned[word], points, None) for who, word, points, _ in takes]), seats=4)
    assert (other.ships, other.skips) == (score.skips, score.ships)
    opposite = {"ship": "skip", "skip": "ship", "split": "split", "no_quorum": "no_quorum"}
    assert other.outcome == opposite[score.outcome]


@given(TAKES)
def test_an_unscored_take_changes_no_vote(takes: Any) -> None:
    score = score_panel(taken(takes), seats=4)
    more = score_panel([*taken(takes), review("a", None, repeat=99)], seats=4)
    assert (more.outcome, more.ship_rate, more.mean_score) == (score.outcome, score.ship_rate, score.mean_score)


def dissent(reviews: list[Review], **how: Any) -> str | None:
    score: PanelScore = score_panel(reviews, seats=4, **how)
    found = strongest_dissent(reviews, score)
    return found.key if found else None


def test_the_strongest_dissent_is_the_most_confident_of_the_fewer() -> None:
    assert dissent([review("a", "ship"), review("b", "ship"), review("c", "ship"), review("d", "skip")]) == "d/m/0"
    # Of the three on the larger side none is a dissent, however confident.
    assert dissent([review("a", "skip", 20, confidence=99), review("b", "skip"), review("c", "skip"),
                    review("d", "ship", confidence=5)]) == "d/m/0"
    five = [review("a", "ship"), review("b", "ship"), review("c", "ship"), review("d", "skip", 30, confidence=70)]
    more = [*five, review("e", "skip", 30, confidence=80)]
    assert strongest_dissent(more, score_panel(more, seats=5)) == more[-1]


def test_equal_confidence_is_settled_by_distance_from_the_mean() -> None:
    takes = [review("a", "ship", 80), review("b", "ship", 80), review("c", "ship", 80), review("d", "skip", 30),
             review("e", "skip", 10)]
    assert strongest_dissent(takes, score_panel(takes, seats=5)) == takes[-1]


@pytest.mark.parametrize("words", [["ship"] * 4, ["skip"] * 4, ["ship", "ship", "skip", "skip"], [None] * 4])
def test_no_dissent_where_all_agree_or_as_many_stand_on_each_side(words: list[str | None]) -> None:
    assert dissent(votes(*words)) is None


def test_an_odd_take_of_an_agreeing_seat_and_a_withdrawn_seat_are_no_dissent() -> None:
    takes = [review("a", "ship"), review("a", "ship", repeat=1), review("a", "skip", repeat=2), review("b", "ship")]
    assert dissent(takes) is None
    assert dissent([*takes, review("c", "skip"), review("d", "ship")], withdrawn={("c", "m")}) is None
    torn = [review("a", "ship"), review("b", "ship"), review("c", "ship"), review("c", "skip", repeat=1)]
    assert dissent(torn) == "c/m/1"


def comparison(first: str, second: str, pick: str | None) -> Comparison:
    text = ComparisonText(differences=(), pick=pick, pick_a_if="x", pick_b_if="y", quote="z") if pick else None
    return Comparison(
        key=f"{first}/{second}", run_id="r", model="m", prompts_digest=HEX, finished_at="2026-10-05T10:00:00Z",
        tool_a=first, tool_b=second, lines_digests=(HEX, HEX), persona_id="a", persona_digest=HEX, panel_digest=HEX,
        comparison=text, unscored=None if pick else "timed out",
    )


@pytest.mark.parametrize(("one", "other", "stable"), [
    ("a", "b", "aider"), ("b", "a", "cursor"), ("a", "a", None), ("b", "b", None), ("neither", "neither", "neither"),
    ("not_comparable", "not_comparable", "not_comparable"), ("a", "neither", None), ("neither", "not_comparable", None),
    (None, "a", None), ("a", None, None), (None, None, None),
])
def test_a_pick_is_stable_when_both_orders_name_the_same_tool(
    one: str | None, other: str | None, stable: str | None
) -> None:
    found = stable_pick(comparison("aider", "cursor", one), comparison("cursor", "aider", other), "aider", "cursor")
    assert found == stable


def test_an_order_not_asked_gives_no_stable_pick_and_a_wrong_order_is_refused() -> None:
    asked = comparison("aider", "cursor", "a")
    assert stable_pick(asked, None, "aider", "cursor") is None
    assert stable_pick(None, None, "aider", "cursor") is None
    with pytest.raises(ValueError, match="aider first"):
        stable_pick(asked, asked, "aider", "cursor")


@given(st.sampled_from(["a", "b"]))
def test_a_seat_that_goes_by_position_is_never_stable(always: str) -> None:
    found = stable_pick(comparison("x", "y", always), comparison("y", "x", always), "x", "y")
    assert found is None
