"""What a dossier is asked: its takes, the messages each begins with, and the most they can cost.

Knows nothing of how they are carried out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from panel.instrument import Instrument
from panel.models.asker import MAX_FAILURES
from panel.models.caller import most_usd
from panel.models.ladder import RUNGS, check_request
from panel.prompts import render_brief, render_compare, render_review
from panel.reviewer import PROBE_ROOM
from panel.schema import Assignment, Dossier, DossierLines, ModelInfo, Prompt, Request, Rung, Seat
from panel.verdicts import brief_schema, compare_schema

REASK_BYTES = 600
"""What a re-ask adds beside the answer it quotes: the reason and the wish for another."""
BYTES_A_TOKEN = 6
"""An answer of so many tokens has at most so many bytes, on average over an answer: what a re-ask quotes of it."""
FIELD_CALLS = 24
"""Calls that asking field by field takes at most; each answers with a word or two."""
BILLED_FAILURES = MAX_FAILURES - 1
"""A tool has money for one of its assignments to fail as often as it may and be answered in the end, each failure
billed: else a bad minute of the endpoint would leave half a panel."""


class Take(NamedTuple):
    """One assignment, who answers it (nobody in particular: a brief), and the dossiers it is about."""

    assignment: Assignment
    seat: Seat | None
    dossiers: tuple[Dossier, ...]
    lines: tuple[DossierLines, ...]


def takes_of(instrument: Instrument, dossier: Dossier) -> tuple[Take, ...]:
    """What the panel asks of one dossier: at full depth a brief, then every repeat of every seat."""
    panel = instrument.panel
    lines = {name: instrument.lines(dossier, name) for name in instrument.seat_models}
    first = lines[panel.seats[0].model]
    takes = [
        Take(instrument.review_assignment(seat, lines[seat.model], repeat), seat, (dossier,), (lines[seat.model],))
        for repeat in range(panel.repeats) for seat in panel.seats
    ]
    if panel.depth == "full":
        takes.insert(0, Take(instrument.brief_assignment(first), None, (dossier,), (first,)))
    return tuple(takes)


def pair_takes(instrument: Instrument, first: Dossier, second: Dossier) -> tuple[Take, ...]:
    """Both orders of two dossiers, by every seat."""
    takes = []
    for pair in ((first, second), (second, first)):
        for seat in instrument.panel.seats:
            lines = tuple(instrument.lines(dossier, seat.model) for dossier in pair)
            takes.append(Take(instrument.compare_assignment(seat, lines), seat, pair, lines))
    return tuple(takes)


def first_request(instrument: Instrument, take: Take, rung: Rung, model: str | None = None) -> Request:
    """The first call of a take, as its reviewer asks it (not for rung `fields`, which asks field by field).

    `model`: who answers, where it is not the take's own (the fallback).
    """
    name = model or take.assignment.model
    folder = instrument.folders[name]
    sampling = take.assignment.sampling.model_dump()
    prompt: Prompt
    if take.seat is None:
        prompt, schema = render_brief(folder, take.lines[0]), brief_schema()
    elif len(take.lines) == 2:
        persona = instrument.personas[take.seat.persona_id]
        prompt, schema = render_compare(folder, take.lines[0], take.lines[1], persona), compare_schema()
    else:
        reviewer = instrument.reviewer(take.seat, rung)
        prompt = render_review(folder, take.lines[0], reviewer.persona, instrument.depth)
        schema = reviewer.schema
    return Request(prompt=prompt, answer_schema=schema, rung=rung, **sampling)


def most_of_all(instrument: Instrument, takes: Iterable[Take], unchecked: Collection[str] = ()) -> float:
    """The most these takes can cost with one re-ask each and one of them failing again and again, in US dollars.

    `unchecked`: models whose rung has to be found first, which costs calls too. A model whose price is not known
    counts nothing: who runs it under a cap has been asked about it.
    """
    total = dearest = 0.0
    number = 0
    for take in takes:
        number += 1
        models = dict.fromkeys(filter(None, (take.assignment.model, instrument.fallback)))
        needs, call = max(_most_of_take(instrument, take, name) for name in models)
        total += needs
        dearest = max(dearest, call)
    if number > 1:  # one alone that is not asked leaves no half panel
        total += BILLED_FAILURES * dearest
    return total + sum(_most_of_checks(instrument.infos[name]) for name in unchecked)


def _most_of_take(instrument: Instrument, take: Take, model: str) -> tuple[float, float]:
    """The most one take can cost when `model` answers it, and the most one of its calls can."""
    info = instrument.infos[model]
    if info.price_in is None or info.price_out is None or not (info.price_in or info.price_out):
        return 0.0, 0.0
    request = first_request(instrument, take, "prompt" if info.rung == "fields" else info.rung or "json_schema", model)
    once = most_usd(info, request) or 0.0
    answer = request.max_tokens * info.price_out
    if info.rung == "fields":
        return FIELD_CALLS * (once - answer) + answer, once
    again = once + (request.max_tokens * BYTES_A_TOKEN + REASK_BYTES) * info.price_in
    probe = 0.0
    if take.assignment.kind == "review" and instrument.probes(model):
        probe = once - answer + PROBE_ROOM * info.price_out
    return once + again + probe, again


def _most_of_checks(info: ModelInfo) -> float:
    """The most it can cost to find a model's rung."""
    return sum(most_usd(info, check_request(rung)) or 0.0 for rung in RUNGS[:-1])
