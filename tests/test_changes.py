"""Why two panels differ and what a retest does to one: the rules and the arithmetic alone, over any combination.

What real runs give is in `test_memory`.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.changes import difference, explain
from panel.editorial.changes import (
    as_markdown,
    as_text,
    change_words,
    check_words,
    explanation_json,
    explanation_sections,
)
from panel.retests import at_least, beyond_noise, floor_of, newcombe, student_t, wilson
from panel.schema import Line, Panel, Persona, Sampling, Seat
from panel.schema.change import PanelSeen, Retests, SeatChange, SeatSeen, TakeSeen
from panel.schema.verdict import Flag
from panel.text_changes import field_changes, flag_changes, line_changes

PERSONA = Persona.model_validate({**yaml.safe_load((ROOT / "personas" / "builder.yaml").read_text()), "id": "builder"})
VERSIONS = {one.digest: one for one in (PERSONA, PERSONA.model_copy(update={"motto": "another"}))}
IDS = ("builder", "futurist", "investor")


@st.composite
def seats_of(draw: st.DrawFn, persona_id: str, model: str, seen: dict[str, Any]) -> SeatSeen:
    scores = draw(st.lists(st.integers(0, 100) | st.none(), max_size=3))
    ships = [score >= 50 for score in scores if score is not None]
    known = [score for score in scores if score is not None]
    vote = None if not ships else 1.0 if sum(ships) * 2 > len(ships) else 0.0 if sum(ships) * 2 < len(ships) else 0.5
    made = draw(st.fixed_dictionaries({
        "persona_digest": st.sampled_from(sorted(VERSIONS)), "prompts_digest": st.sampled_from(["p1", "p2", None]),
        "lines_digest": st.sampled_from(["l1", "l2", None]),
        **{name: st.lists(st.sampled_from("abc"), max_size=2).map(tuple)
           for name in ("answered", "fingerprints", "fallbacks", "rungs", "decided_by")}}))
    key = json.dumps([persona_id, model, made, seen], sort_keys=True)
    return SeatSeen(
        persona_id=persona_id, model=model, vote=vote, mean_score=sum(known) / len(known) if known else None,
        takes=tuple(TakeSeen(key=f"{key} {number}", repeat=number, score=score,
                             verdict=None if score is None else "ship" if score >= 50 else "skip")
                    for number, score in enumerate(scores)), **made)


@st.composite
def panels_seen(draw: st.DrawFn) -> PanelSeen:
    who = draw(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(["m", "n"])), min_size=1, max_size=4,
                        unique=True))
    about = {"seed": draw(st.sampled_from([None, 1, 2])), "temperature": draw(st.sampled_from([None, 0.2])),
             "dossier": draw(st.sampled_from(["d1", "d2"]))}
    seats = tuple(draw(seats_of(persona_id, model, about)) for persona_id, model in who)
    means = [seat.mean_score for seat in seats if seat.mean_score is not None]
    return PanelSeen(
        tool_id="tool", run_id="run", asked_at="2026", reviewed_at="2026", dossier_digest=about["dossier"],
        panel=Panel(seats=tuple(Seat(persona_id=seat.persona_id, persona_digest=seat.persona_digest, model=seat.model)
                                for seat in seats),
                    prompts=draw(st.sampled_from(["review", "small", "review+small"])), prompts_digest="p",
                    depth=draw(st.sampled_from(["verdict", "full"])), repeats=draw(st.integers(1, 3)),
                    sampling=Sampling(seed=about["seed"], temperature=about["temperature"])),
        outcome="ship", ships=1, voting=1, mean_score=sum(means) / len(means) if means else None, score_range=None,
        seats=seats, lines=(Line(number=1, field="version", text=f"version: {about['dossier']}"),), personas=VERSIONS)


def retests_with(persona_id: str, model: str, panel_seen: PanelSeen, deviation: float, pairs: int = 60) -> Retests:
    return Retests(persona_id=persona_id, model=model, depth=panel_seen.panel.depth,
                   sampling=panel_seen.panel.sampling.model_copy(update={"seed": None}), pairs=pairs, flips=0,
                   squares=deviation**2 * pairs, freedom=pairs)


@given(panels_seen(), panels_seen(), st.lists(panels_seen(), max_size=3), st.sampled_from([None, 0.0, 3.0]))
@settings(deadline=None, max_examples=100)
def test_any_two_panels_are_explained_and_the_other_way_round_by_the_same_factors(
        one: PanelSeen, other: PanelSeen, between: list[PanelSeen], deviation: float | None) -> None:
    known = [] if deviation is None else [retests_with(who, model, panel_seen, deviation) for panel_seen in (one, other)
                                          for who in IDS for model in ("m", "n", "a", "b", "c")]
    found, back = explain(one, other, between, known), explain(other, one, between, known)
    assert set(difference(one, other).kinds) == set(difference(other, one).kinds)
    assert {(factor.kind, factor.what, factor.before, factor.after) for factor in found.factors} == {
        (factor.kind, factor.what, factor.after, factor.before) for factor in back.factors
    } or any("seat " in factor.what for factor in found.factors)
    if found.cause not in ("none", "noise", "several"):
        assert found.kinds == (found.cause,)
        assert found.cause in {factor.kind for factor in found.factors}
    if not found.factors:
        assert found.cause in ("none", "noise")
    json.dumps(explanation_json(found))
    assert as_text(explanation_sections(found))
    assert as_markdown(explanation_sections(found))
    assert change_words(one, other)


@given(panels_seen(), st.data())
@settings(deadline=None, max_examples=100)
def test_takes_and_seed_alone_are_noise_however_much_it_moves(one: PanelSeen, data: st.DataObject) -> None:
    def retaken(seat: SeatSeen) -> SeatSeen:
        score = data.draw(st.integers(0, 100))
        take = TakeSeen(key=f"again {seat.persona_id} {seat.model}", repeat=1, score=score, verdict="ship")
        return seat.model_copy(update={"takes": (take,), "vote": 1.0, "mean_score": float(score)})

    other = one.model_copy(update={
        "seats": tuple(map(retaken, one.seats)),
        "panel": one.panel.model_copy(update={"repeats": 9, "sampling": one.panel.sampling.model_copy(
            update={"seed": 77})})})
    floors = [retests_with(who, model, one, 0.0) for who in IDS for model in ("m", "n")]
    moved = any(seat.moved for seat in explain(one, other).seats)
    assert explain(one, other, [], floors).cause == ("noise" if moved else "none")


# --- the arithmetic


def simulated(chance: random.Random, seats: int, takes: int, deviation: float, effect: float) -> bool | None:
    """Whether a panel that moved by `effect` is beyond noise, with floors from 12 retests a persona."""
    pairs, floors = [], []
    for number in range(seats):
        scores = [[chance.gauss(60 + effect * side, deviation) for _ in range(takes)] for side in (0, 1)]
        sides = [SeatSeen(persona_id=str(number), persona_digest="", model="m", vote=1.0, mean_score=sum(given) / takes,
                          takes=tuple(TakeSeen(key=f"{side} {take}", repeat=take, verdict="ship", score=0)
                                      for take in range(takes))) for side, given in enumerate(scores)]
        pairs.append(SeatChange(seat=str(number), before=sides[0], after=sides[1]))
        squares = sum(chance.gauss(0, deviation) ** 2 for _ in range(8))
        floor = Retests(persona_id=str(number), model="m", depth="full", sampling=Sampling(), pairs=12, flips=0,
                        squares=squares, freedom=8)
        floors.append((floor, floor))
    return beyond_noise(pairs, floors)[0]


def test_retests_pass_for_a_change_in_at_most_a_twentieth_and_large_changes_are_seen() -> None:
    chance = random.Random(4)
    false = sum(simulated(chance, 4, 2, 5.0, 0.0) is True for _ in range(1000))
    seen = sum(simulated(chance, 4, 2, 5.0, 15.0) is True for _ in range(300))
    assert 5 <= false <= 50, false
    assert seen >= 270, seen


def test_a_flip_no_retest_ever_made_is_beyond_and_says_why() -> None:
    def moved(name: str, floor: Retests) -> tuple[SeatChange, tuple[Retests, Retests]]:
        sides = [SeatSeen(persona_id=name, persona_digest="", model="m", vote=vote, mean_score=50.0, takes=(
            TakeSeen(key=f"{name} {vote}", repeat=1, verdict="ship", score=50),)) for vote in (1.0, 0.0)]
        return SeatChange(seat=name, before=sides[0], after=sides[1]), (floor, floor)

    still = Retests(persona_id=None, model="m", depth="full", sampling=Sampling(), pairs=6, flips=0, squares=0.0,
                    freedom=4)
    loose = still.model_copy(update={"flips": 3, "squares": 90.0})

    def words(*seats: tuple[SeatChange, tuple[Retests, Retests]]) -> str:
        beyond, checks = beyond_noise([seat for seat, _ in seats], [floors for _, floors in seats])
        assert beyond is (any(floors[0] is still for _, floors in seats))
        return check_words(checks[-1])

    assert words(moved("a", still)) == "votes: 1 flipped, and no retest of these seats ever moved: beyond"
    assert words(moved("a", still), moved("b", loose)) == "votes: 2 flipped, and no retest of a ever moved: beyond"
    assert "which retests alone do" in words(moved("b", loose))


def test_flags_that_hold_go_by_their_words_and_notes_by_number() -> None:
    def seat(*takes: list[Flag]) -> SeatSeen:
        return SeatSeen(persona_id="a", persona_digest="", model="m", takes=tuple(
            TakeSeen(key=str(number), repeat=number, flags=tuple(flags)) for number, flags in enumerate(takes)))

    def flag(kind: str, text: str) -> Flag:
        return Flag(kind=kind, reason="r", text=text)

    old, new = flag("wrong_price", "$20"), flag("wrong_price", "$30")
    change = SeatChange(seat="a", before=seat([old, flag("to_check", "x")]),
                        after=seat([new, flag("to_check", "x"), flag("to_check", "y")], [new, flag("to_check", "x")]))
    assert [(one.kind, one.text, one.before, one.after) for one in flag_changes(change)] == [
        ("wrong_price", "$20", 1, 0), ("wrong_price", "$30", 0, 1), ("to_check", None, 1, 2)]
    again = SeatChange(seat="a", before=seat([old]), after=seat([old], [old]))
    assert flag_changes(again) == ()


@pytest.mark.parametrize(("level", "freedom", "known"), [
    (0.975, 3, 3.1824), (0.975, 10, 2.2281), (0.995, 3, 5.8409), (0.995, 5, 4.0321), (0.9975, 8, 3.8325),
    (0.975, 1e9, 1.95996)])
def test_quantiles_of_student_are_those_of_the_tables(level: float, freedom: float, known: float) -> None:
    assert student_t(level, freedom) == pytest.approx(known, rel=0.01)


def test_intervals_are_those_of_the_papers() -> None:
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert newcombe(0.0, 1.0, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)  # table II, (h), the other way round
    assert newcombe(0.5, 0.5, 4)[0] == -newcombe(0.5, 0.5, 4)[1]


@given(st.lists(st.floats(0, 1), max_size=6), st.integers(0, 6))
def test_the_chance_of_so_many_flips_counts_every_way_they_come_about(rates: list[float], number: int) -> None:
    counted = 0.0
    for way in range(2 ** len(rates)):
        if way.bit_count() >= number:
            weight = 1.0
            for place, rate in enumerate(rates):
                weight *= rate if way >> place & 1 else 1 - rate
            counted += weight
    assert at_least(number, rates) == pytest.approx(counted, abs=1e-9)


def test_a_persona_with_few_retests_takes_the_floor_of_its_model_at_the_same_sampling() -> None:
    seat = SeatSeen(persona_id="builder", persona_digest="", model="m")
    here = Panel(seats=(Seat(persona_id="builder", persona_digest="", model="m"),), prompts="review",
                 prompts_digest="p", sampling=Sampling(seed=3))
    made = Retests(persona_id="builder", model="m", depth="full", sampling=Sampling(), pairs=3, flips=1, squares=4.0,
                   freedom=2)
    others = [made.model_copy(update={"persona_id": "investor"}), made.model_copy(update={"persona_id": "futurist"})]
    pooled = floor_of([made, *others], seat, here)
    assert pooled is not None
    assert (pooled.persona_id, pooled.pairs, pooled.freedom, pooled.deviation) == (None, 9, 6, 2.0**0.5)
    own = floor_of([made.model_copy(update={"pairs": 6}), *others], seat, here)
    assert own is not None
    assert (own.persona_id, own.flip_rate) == ("builder", 1 / 6)
    assert floor_of([made], seat, here) is None
    hot = [one.model_copy(update={"sampling": Sampling(temperature=1.0), "pairs": 50}) for one in (made, *others)]
    assert floor_of(hot, seat, here) is None


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_line_changes_turn_one_dossier_into_the_other(before: list[str], after: list[str]) -> None:
    texts = [[Line(number=number, field="", text=text) for number, text in enumerate(given, 1)]
             for given in (before, after)]
    changes = line_changes(*texts)
    kept = [text for number, text in enumerate(before, 1) if number not in {one.before_number for one in changes}]
    assert kept == [text for number, text in enumerate(after, 1) if number not in {one.after_number for one in changes}]
    for change in changes:
        assert change.before is None or before[(change.before_number or 0) - 1] == change.before
        assert change.after is None or after[(change.after_number or 0) - 1] == change.after
    assert (changes == ()) == (before == after)


def test_a_field_that_differs_is_named_with_its_entry() -> None:
    other = PERSONA.model_copy(update={"points": {**PERSONA.points, "primitive": "the one thing"}, "name": "Maker"})
    assert [(one.field, one.after) for one in field_changes(PERSONA, other)] == [
        ("name", "Maker"), ("points.primitive", "the one thing")]
    turned = PERSONA.model_copy(update={"points": dict(reversed(PERSONA.points.items()))})
    assert field_changes(PERSONA, turned) == ()  # JSON knows no order of keys, nor does the digest
