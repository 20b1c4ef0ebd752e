"""Two panels of one tool → why they differ: what is another by its digests, and whether it moved more than a retest.

Pure: no file, clock or chance. A review reads one dossier and knows no other seat, so what differs at one seat explains
that seat only. Knows nothing of how panels are kept or how an explanation is worded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from panel.retests import Floors, beyond_noise, floor_of
from panel.schema.change import (
    Cause,
    Explanation,
    Factor,
    FactorKind,
    Move,
    PanelSeen,
    Retests,
    SeatChange,
    SeatSeen,
    Step,
)
from panel.text_changes import field_changes, flag_changes, line_changes

Kinds = tuple[FactorKind, ...]
_ORDER: Kinds = get_args(FactorKind)
SAMPLING_FIELDS = ("temperature", "top_p", "max_tokens", "reasoning_effort")
OWN_FOLDERS = frozenset({"review", "small"})
"""Prompt folders a panel takes by its model where nobody names one: small for a model asked field by field."""
_ENDPOINT = (("fingerprints", "fingerprint"), ("rungs", "rung"), ("decided_by", "decided_by"))


class Difference(NamedTuple):
    """What differs between two panels, seat by seat, before anything is concluded from it."""

    seats: tuple[SeatChange, ...]
    factors: tuple[Factor, ...]

    @property
    def kinds(self) -> Kinds:
        """Of all seats."""
        return _kinds(kind for seat in self.seats for kind in seat.kinds)


def difference(before: PanelSeen, after: PanelSeen) -> Difference:
    """What differs by digest or by name. The same panels the other way round give the same kinds."""
    seats, factors = [], []
    for label, first, second in _paired(before.seats, after.seats):
        found = _seat_factors(label, (before, after), first, second)
        plain = _kinds(factor.kind for factor in found if not factor.slight)
        seats.append(SeatChange(seat=label, before=first, after=second,
                                kinds=plain or _kinds(factor.kind for factor in found)))
        factors += found
    return Difference(tuple(seats), _merged(factors))


def explain(before: PanelSeen, after: PanelSeen, others: Sequence[PanelSeen] = (),
            retests: Sequence[Retests] = ()) -> Explanation:
    """Why `after` is another than `before`.

    `others` are further panels of the tool: one that lies between the two, sharing with either end what differs from
    the other, tells factors apart. `retests` give the noise floor. Raises ValueError for panels of two tools.
    """
    if before.tool_id != after.tool_id:
        raise ValueError(f"panels of {before.tool_id} and {after.tool_id}: they must be of one tool")
    found = difference(before, after)
    concluded = _conclude(before, after, found, others, retests)
    reached = [seat for seat in found.seats if seat.kinds] or found.seats
    floors = [floor for seat in reached for floor in _floors(seat, before, after, retests) if floor is not None]
    return Explanation(
        before=before, after=after, cause=concluded.cause, beyond_noise=concluded.beyond, factors=found.factors,
        retaken=_retaken(before, after, found), notes=_notes(before, after, found), seats=found.seats,
        moves=concluded.moves, steps=concluded.steps, kinds=concluded.kinds, open=concluded.open,
        floors=tuple(dict.fromkeys(floors)), lines=line_changes(before.lines, after.lines),
        flags=tuple(change for seat in found.seats for change in flag_changes(seat)),
        fields=tuple(change for seat in found.seats if seat.before is not None and seat.after is not None
                     for change in field_changes(before.personas.get(seat.before.persona_digest),
                                                 after.personas.get(seat.after.persona_digest))))


class Conclusion(NamedTuple):
    """What is concluded from a difference; the fields are those of Explanation."""

    cause: Cause
    beyond: bool | None
    moves: tuple[Move, ...] = ()
    steps: tuple[Step, ...] = ()
    kinds: Kinds = ()
    open: Kinds = ()


def _conclude(before: PanelSeen, after: PanelSeen, found: Difference, others: Sequence[PanelSeen],
              retests: Sequence[Retests]) -> Conclusion:
    moves = _moves(before, after, found, retests)
    if not any(move.moved for move in moves):
        return Conclusion("none", None, moves)
    live = [move for move in moves if move.moved and move.kinds and move.beyond is not False]
    if not live:
        return Conclusion("noise", False, moves)
    beyond = True if any(move.beyond for move in live) else None
    told = _kinds(kind for move in live if len(move.kinds) == 1 for kind in move.kinds)
    mixed = _kinds(kind for move in live if len(move.kinds) > 1 for kind in move.kinds)
    if not mixed:
        return Conclusion(_cause(told), beyond, moves, kinds=told)
    steps, kinds, still_open = _on_the_way(before, after, found.kinds, others, retests)
    if not steps or not (kinds or still_open):
        return Conclusion("several", beyond, moves, steps, told, mixed)
    return Conclusion("several" if still_open else _cause(kinds), beyond, moves, steps, kinds, still_open)


def _cause(kinds: Kinds) -> Cause:
    return kinds[0] if len(kinds) == 1 else "several"


def _on_the_way(before: PanelSeen, after: PanelSeen, kinds: Kinds, others: Sequence[PanelSeen],
                retests: Sequence[Retests]) -> tuple[tuple[Step, ...], Kinds, Kinds]:
    """The steps over a panel in between, the kinds that moved the panel beyond noise, those still not told apart.

    In between is a panel that differs from one end in some of `kinds` and from the other in all the rest.
    """
    splits = []
    for number, other in enumerate(others):
        first, second = difference(before, other), difference(other, after)
        one, two = set(first.kinds), set(second.kinds)
        if one and two and not one & two and one | two == set(kinds):
            splits.append((min(len(one), len(two)), -number, other, first, second))
    if not splits:
        return (), (), ()
    _, _, middle, first, second = min(splits, key=lambda split: split[:2])
    rest = [other for other in others if other is not middle]
    steps: list[Step] = []
    moving: list[FactorKind] = []
    still_open: list[FactorKind] = []
    for start, end, part in ((before, middle, first), (middle, after, second)):
        found = _conclude(start, end, part, rest, retests)
        move = None if start.mean_score is None or end.mean_score is None else end.mean_score - start.mean_score
        steps += found.steps or (Step(start=name_of(start), end=name_of(end), kinds=part.kinds, beyond=found.beyond,
                                      mean_move=move),)
        moving += found.kinds
        still_open += found.open
    return tuple(steps), _kinds(moving), _kinds(still_open)


def name_of(panel: PanelSeen) -> str:
    """Beginnings of the digests of a panel and of the dossier it read."""
    return f"{panel.panel.digest[:8]}/{panel.dossier_digest[:8]}"


def _moves(before: PanelSeen, after: PanelSeen, found: Difference, retests: Sequence[Retests]) -> tuple[Move, ...]:
    """The seats in groups for which the same kinds differ. A seat added or removed moves the panel, retest or not."""
    moves = []
    for kinds in dict.fromkeys(seat.kinds for seat in found.seats):
        group = [seat for seat in found.seats if seat.kinds == kinds]
        both = [seat for seat in group if seat.before is not None and seat.after is not None]
        beyond, checks = beyond_noise(both, [_floors(seat, before, after, retests) for seat in both])
        compared = [seat.score_move for seat in both if seat.comparable]
        come_or_gone = len(both) < len(group)
        moves.append(Move(
            kinds=kinds, seats=tuple(seat.seat for seat in group),
            moved=come_or_gone or any(seat.moved for seat in both), beyond=True if come_or_gone else beyond,
            mean_move=sum(compared) / len(compared) if compared else 0.0, checks=checks))
    return tuple(moves)


def _floors(seat: SeatChange, before: PanelSeen, after: PanelSeen, retests: Sequence[Retests]) -> Floors:
    return (None if seat.before is None else floor_of(retests, seat.before, before.panel),
            None if seat.after is None else floor_of(retests, seat.after, after.panel))


def _paired(before: Sequence[SeatSeen], after: Sequence[SeatSeen]) -> list[
        tuple[str, SeatSeen | None, SeatSeen | None]]:
    """Each seat with itself: the same persona on the same model, else the same persona. Labels name the persona."""
    left = list(after)
    pairs: list[tuple[SeatSeen | None, SeatSeen | None]] = []
    waiting = []
    for seat in before:
        same = next((one for one in left if (one.persona_id, one.model) == (seat.persona_id, seat.model)), None)
        if same is None:
            waiting.append(seat)
        else:
            left.remove(same)
            pairs.append((seat, same))
    for seat in waiting:
        same = next((one for one in left if one.persona_id == seat.persona_id), None)
        if same is not None:
            left.remove(same)
        pairs.append((seat, same))
    pairs += [(None, seat) for seat in left]
    often = Counter((first or second).persona_id for first, second in pairs if first or second)  # type: ignore[union-attr]
    return [(_label(first, second, often), first, second) for first, second in pairs]


def _label(first: SeatSeen | None, second: SeatSeen | None, often: Counter[str]) -> str:
    seat = first or second
    assert seat is not None
    if often[seat.persona_id] == 1:
        return seat.persona_id
    models = dict.fromkeys(one.model for one in (first, second) if one is not None)
    return f"{seat.persona_id} on {' -> '.join(models)}"


Both = tuple[PanelSeen, PanelSeen]


def _seat_factors(label: str, panels: Both, first: SeatSeen | None, second: SeatSeen | None) -> list[Factor]:
    if first is None or second is None:
        return [_come_or_gone(label, panels, first, second)]

    def factor(kind: FactorKind, what: str, values: Sequence[str], *, slight: bool = False) -> Factor:
        return Factor(kind=kind, what=what, before=values[0], after=values[1], seats=(label,), slight=slight)

    found = [*_endpoint_factors(label, first, second)]
    if first.persona_digest != second.persona_digest:
        found.append(factor("persona", "file", (first.persona_digest, second.persona_digest)))
    folders = _folder(panels[0], first), _folder(panels[1], second)
    if folders[0] != folders[1] and not _by_model(panels, first, second):
        found.append(factor("prompt", "folder", folders))
    dossiers = panels[0].dossier_digest, panels[1].dossier_digest
    if first.lines_digest and second.lines_digest and first.lines_digest != second.lines_digest:
        if dossiers[0] != dossiers[1]:
            found.append(factor("dossier", "lines", dossiers))
        elif first.model == second.model:
            found.append(factor("dossier", "cut", (first.lines_digest, second.lines_digest)))
    panel, other = panels[0].panel, panels[1].panel
    if panel.depth != other.depth:
        found.append(factor("sampling", "depth", (panel.depth, other.depth)))
    for name in SAMPLING_FIELDS:
        values = getattr(panel.sampling, name), getattr(other.sampling, name)
        if values[0] != values[1]:
            found.append(factor("sampling", name, ["default" if value is None else str(value) for value in values]))
    return found


def _come_or_gone(label: str, panels: Both, first: SeatSeen | None, second: SeatSeen | None) -> Factor:
    """A persona that sits or no longer sits; where it sits in both panels, a model more or less for it."""
    seat = first or second
    assert seat is not None
    elsewhere = panels[1] if second is None else panels[0]
    kind: FactorKind = "model" if any(one.persona_id == seat.persona_id for one in elsewhere.seats) else "persona"
    return Factor(kind=kind, what="seat removed" if second is None else "seat added", seats=(label,),
                  before=seat.model if second is None else "", after="" if second is None else seat.model)


def _endpoint_factors(label: str, first: SeatSeen, second: SeatSeen) -> list[Factor]:
    """The model as asked; under the same name, what the endpoint says of itself where no value is in both."""
    def factor(what: str, one: Sequence[str], two: Sequence[str], *, slight: bool = False) -> Factor:
        return Factor(kind="model", what=what, before=", ".join(one), after=", ".join(two), seats=(label,),
                      slight=slight)

    if first.model != second.model:
        return [factor("asked", [first.model], [second.model])]
    if set(first.fallbacks) != set(second.fallbacks):
        return [factor("fallback", first.fallbacks or ["none"], second.fallbacks or ["none"])]
    found = []
    if _disjoint(first.answered, second.answered):
        found.append(factor("answered", first.answered, second.answered))
    found += [factor(what, getattr(first, name), getattr(second, name), slight=True) for name, what in _ENDPOINT
              if _disjoint(getattr(first, name), getattr(second, name))]
    return found


def _disjoint(one: Sequence[str], other: Sequence[str]) -> bool:
    return bool(one) and bool(other) and not set(one) & set(other)


def _folder(panel: PanelSeen, seat: SeatSeen) -> str:
    return seat.prompts_digest or panel.panel.prompts_digest


def _by_model(panels: Both, first: SeatSeen, second: SeatSeen) -> bool:
    """Whether the prompt folder is another only because the model is asked another way."""
    by_field = ["fields" in seat.rungs for seat in (first, second)]
    names = {name for panel in panels for name in panel.panel.prompts.split("+")}
    return first.model != second.model and by_field[0] != by_field[1] and names <= OWN_FOLDERS


def _merged(factors: Iterable[Factor]) -> tuple[Factor, ...]:
    """One factor for all seats it reaches in the same way; persona files stay one each."""
    seats: dict[tuple[object, ...], list[Factor]] = {}
    for factor in factors:
        apart = factor.seats if factor.what.startswith("seat ") else ()
        key = (factor.kind, factor.what, factor.before, factor.after, factor.slight, apart)
        seats.setdefault(key, []).append(factor)
    return tuple(group[0].model_copy(update={"seats": tuple(seat for one in group for seat in one.seats)})
                 for group in seats.values())


def _kinds(kinds: Iterable[FactorKind]) -> Kinds:
    found = set(kinds)
    return tuple(kind for kind in _ORDER if kind in found)


def _retaken(before: PanelSeen, after: PanelSeen, found: Difference) -> tuple[str, ...]:
    """What a retest changes, in words."""
    said = []
    if before.panel.repeats != after.panel.repeats:
        said.append(f"takes {before.panel.repeats} -> {after.panel.repeats}")
    seeds = ["none" if one.panel.sampling.seed is None else str(one.panel.sampling.seed) for one in (before, after)]
    if seeds[0] != seeds[1]:
        said.append(f"seed {seeds[0]} -> {seeds[1]}")
    other = [seat for seat in found.seats if not seat.kinds and seat.before is not None and seat.after is not None
             and {take.key for take in seat.before.takes} != {take.key for take in seat.after.takes}]
    return tuple(said or (["other takes"] if other else []))


def _notes(before: PanelSeen, after: PanelSeen, found: Difference) -> tuple[str, ...]:
    """What differs and reached no seat, or cannot be compared."""
    said = []
    reached = any(factor.kind == "dossier" for factor in found.factors)
    if before.dossier_digest != after.dossier_digest and not reached:
        said.append("the dossier file differs, the lines shown to the seats do not")
    if set(before.programs).isdisjoint(after.programs) and before.programs and after.programs:
        said.append(f"made by ship-panel {', '.join(before.programs)}, then {', '.join(after.programs)}")
    for seat in found.seats:
        sides = seat.before, seat.after
        unread = ["before" if side is seat.before else "after" for side in sides
                  if side is not None and side.mean_score is None]
        if unread:
            said.append(f"{seat.seat} has no readable answer {' and '.join(unread)}")
    return tuple(said)
