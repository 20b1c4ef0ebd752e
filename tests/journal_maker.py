"""Journals on disk as a run writes them, from schema records and a seed: for the tests and benches of the store.

Every line has the shape the run loop gives it. Knows nothing of models; the words are drawn from a short list.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from panel.journal import SEGMENT_BYTES, dump_line
from panel.schema import (
    Because,
    Brief,
    BriefPrice,
    BriefText,
    Cited,
    Claim,
    Clearance,
    ClearedFlag,
    Comparison,
    ComparisonText,
    Depth,
    Difference,
    Dossier,
    DossierLines,
    Estimate,
    Fact,
    Flag,
    Line,
    Panel,
    Persona,
    Prediction,
    Price,
    Probe,
    Quarantined,
    Resolution,
    Review,
    Run,
    RunEnd,
    Seat,
    Spent,
    Verdict,
    digest_of,
)
from panel.statements import state

_WORD_LIST = (
    "agent api batch cache chart cheap cloud code data deploy desk edge editor endpoint export fast feature file "
    "format free grid hosted import index journal kernel latency library licence line local memory model note open "
    "panel paid parser phone plan price prompt query queue repo review ring run schema script search seat self "
    "server small source stable stack store stream table team tenant test token tool vector weight wire work"
)
WORDS = tuple(_WORD_LIST.split())
POINTS = {
    "builder": ("primitive", "dx_bet", "moment_of_truth", "weekend_alternative"),
    "competitor_analyst": ("category", "direct_competitors", "breaking_scenario", "killer_in_12_months"),
    "futurist": ("thesis", "has_to_go_right", "second_order_effect", "trend_and_timing", "infrastructure_future"),
    "investor": ("buyer", "money", "moat", "value_capture", "survives_platform_move"),
}
CATEGORIES = ("Developer Tools", "Data", "Design", "Writing")
PERSONAS = {
    name: Persona(
        id=name, name=name.replace("_", " ").title(), motto=f"name what a {name} names", lens="the lines",
        excited_by=("a first result",), tired_of=("wrappers",), points=dict.fromkeys(points, "say it"),
        decision_rule="skip when the lines do not say it", prediction="optional",
        anchors={10: "no", 30: "hardly", 50: "even", 70: "mostly", 90: "yes"},
    )
    for name, points in POINTS.items()
}


@dataclass(frozen=True)
class Making:
    """What a made run is like. `unscored` is the share of reviews without a verdict, `reasked` of second calls.

    `template` is put before every quote.
    """

    run_id: str = "20260101T000000-01"
    depth: Depth = "full"
    model: str = "scripted"
    repeats: int = 1
    seed: int = 1
    unscored: float = 0.05
    reasked: float = 0.05
    probes: bool = True
    briefs: bool = True
    personas: tuple[str, ...] = tuple(PERSONAS)
    unscored_kind: str = "unreadable"
    template: str = ""
    prompts_digest: str = field(default_factory=lambda: digest_of("prompts"))


def made_panel(making: Making) -> Panel:
    """The panel of a made run."""
    seats = tuple(
        Seat(persona_id=name, persona_digest=PERSONAS[name].digest, model=making.model) for name in making.personas
    )
    return Panel(seats=seats, prompts="review", prompts_digest=making.prompts_digest, depth=making.depth,
                 repeats=making.repeats)


def made_run(making: Making) -> Run:
    """The run.json of a made run."""
    return Run(
        id=making.run_id, command="review", started_at="2026-01-01T00:00:00.000Z", program_version="0.1.0",
        package_versions={"duckdb": "2.0.0"}, panel=made_panel(making),
        personas=tuple(PERSONAS[name] for name in making.personas), models={making.model: "scripted:"},
        captions=("made by a test, not by a model",),
    )


def made_end(making: Making, **more: Any) -> RunEnd:
    """What a made run came to."""
    return RunEnd.model_validate({
        "run_id": making.run_id, "started_at": "2026-01-01T00:00:00.000Z", "ended_at": "2026-01-01T00:02:00.000Z",
        "seconds": 120.5, "exit_code": 3, "stopped_by": "the budget is reached", "tools_asked": 3, "tools_done": 2,
        "tools_left": 1, "kept": 4, "scored": 11, "unscored": 1, "unscored_kinds": {"declined": 1}, "reasked": 1,
        "calls": 13, "faults": 2, "cost_usd": 0.5, "cap_usd": 0.75,
        "estimate": Estimate(low=0.25, expected=0.5, high=1.0, assumptions=("four calls a tool",)),
        "quarantined": (Quarantined(tool_id="tool-000001", persona_id="builder", kind="declined", reason="policy"),),
        **more})


def end_line(end: RunEnd) -> dict[str, Any]:
    """The journal line of a run's end."""
    return {"key": end.run_id, "t": "ended", "record": end.model_dump(mode="json")}


def made_dossier(number: int, *, words: int = 40) -> Dossier:
    """Tool number `number`; the same number and words give the same dossier."""
    chance = random.Random(f"dossier {number}")
    return Dossier.model_validate({
        "id": f"tool-{number:06d}", "name": f"Tool {number}", "vendor": _words(chance, 1), "tagline": _words(chance, 6),
        "category": chance.choice(CATEGORIES), "url": f"https://tools.example/{number}", "license": "MIT",
        "pricing": [Price(plan="Team", amount=float(chance.randint(1, 90)), currency="USD", unit="seat")],
        "released": "2026-01", "description": _words(chance, words), "facts": [Fact(text=_words(chance, 8))],
        "sources": [f"https://tools.example/{number}/about"],
        "stars": chance.randint(0, 10**6), "tags": [_words(chance, 1)], "maintainer": None,
    })


def made_lines(dossier: Dossier) -> DossierLines:
    """Numbered lines of a made dossier, the fields first."""
    texts = [("name", dossier.name), ("tagline", dossier.tagline or "-"), ("license", dossier.license or "-")]
    words = (dossier.description or "").split()
    texts += [("description", " ".join(words[at:at + 12])) for at in range(0, len(words), 12)]
    lines = tuple(Line(number=number, field=name, text=text) for number, (name, text) in enumerate(texts, start=1))
    return DossierLines(tool_id=dossier.id, name=dossier.name, lines=lines, words=len(words) + 10)


def run_lines(making: Making, dossiers: Iterable[Dossier]) -> Iterator[dict[str, Any]]:
    """Every journal line of a run over `dossiers`, in the order a run loop appends them."""
    panel = made_panel(making)
    seq = _Sequence()
    parts: set[str] = set()
    for dossier in dossiers:
        for line in _tool_lines(making, panel, dossier, seq):
            if line["t"] != "part":
                yield line
            elif line["key"] not in parts:
                parts.add(line["key"])
                yield line


def review_key(making: Making, lines: DossierLines, persona_id: str, repeat: int) -> str:
    """The key of one made assignment: the same question has the same key in every run."""
    return digest_of([lines.digest, persona_id, making.model, making.depth, making.prompts_digest, repeat])


def made_review(making: Making, dossier: Dossier, persona_id: str, repeat: int = 0) -> Review:
    """One review; the same making, tool, persona and repeat give the same review."""
    lines = made_lines(dossier)
    key = review_key(making, lines, persona_id, repeat)
    chance = random.Random(f"{making.seed} {making.run_id} {key}")
    scored = chance.random() >= making.unscored
    common: dict[str, Any] = {} if scored else {
        "unscored": "the answer is not JSON", "unscored_kind": making.unscored_kind}
    verdict = _verdict(chance, making, lines, persona_id) if scored else None
    reasked = chance.random() < making.reasked
    p_ship = round(chance.random(), 6)
    return Review(
        key=key, run_id=making.run_id, repeat=repeat, model=making.model, model_answered=f"{making.model}-2026",
        prompts_digest=making.prompts_digest, rung="json_schema", messages_digest=digest_of([key, "messages"]),
        attempts=2 if reasked else 1, reasked=reasked, finished_at="2026-01-01T00:00:09Z", tool_id=dossier.id,
        dossier_digest=dossier.digest, lines_digest=lines.digest, persona_id=persona_id,
        persona_digest=PERSONAS[persona_id].digest, panel_digest=made_panel(making).digest, depth=making.depth,
        thin=lines.thin, verdict=verdict, probe=Probe(p_ship=p_ship, coverage=0.99) if making.probes else None,
        flags=(Flag(kind="to_check", reason="a number", field="quote", span=(1, 4), text="90"),
               Flag(kind="thin", reason="few words")) if scored and chance.random() < 0.3 else (),
        spent=Spent(calls=2 if reasked else 1, tokens_in=900, tokens_cached=800, tokens_out=300, cost_usd=0.0004,
                    seconds=1.25),
        **common,
    )


def made_comparison(making: Making, tools: tuple[Dossier, Dossier], persona_id: str) -> Comparison:
    """One persona over two tools, in the order given."""
    a, b = (made_lines(tool) for tool in tools)
    key = digest_of(["compare", a.digest, b.digest, persona_id, making.model])
    chance = random.Random(key)
    text = ComparisonText(
        differences=(Difference(axis="price", a_lines=(1, 2), b_lines=(3,)),),
        pick=chance.choice(("a", "b", "neither")),
        pick_a_if=_words(chance, 6), pick_b_if=_words(chance, 6), quote=_words(chance, 45))
    return Comparison(
        key=key, run_id=making.run_id, model=making.model, prompts_digest=making.prompts_digest,
        finished_at="2026-01-01T00:01:00Z", tool_a=a.tool_id, tool_b=b.tool_id, lines_digests=(a.digest, b.digest),
        persona_id=persona_id, persona_digest=PERSONAS[persona_id].digest, panel_digest=made_panel(making).digest,
        comparison=text, flags=(Flag(kind="to_check", reason="not in the lines", span=None),))


def compare_lines(making: Making, tools: tuple[Dossier, Dossier]) -> Iterator[dict[str, Any]]:
    """The journal lines of a comparison by every persona in both orders."""
    for pair in (tools, tools[::-1]):
        for persona_id in making.personas:
            comparison = made_comparison(making, pair, persona_id)
            yield {"key": comparison.key, "t": "compare", "record": comparison.model_dump(mode="json")}


def write_run(runs: Path, making: Making, lines: Iterable[dict[str, Any]], cuts: Sequence[int] = ()) -> list[Path]:
    """Write run.json and the segments: a new one begins at each line number in `cuts`, and where one is full."""
    folder = runs / making.run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(made_run(making).model_dump_json(), encoding="utf-8")
    paths = [folder / "journal-0001.jsonl"]
    file = paths[0].open("wb")
    for number, line in enumerate(lines):
        if number in cuts or file.tell() > SEGMENT_BYTES - 1_000_000:
            file.close()
            paths.append(folder / f"journal-{len(paths) + 1:04d}.jsonl")
            file = paths[-1].open("wb")
        file.write(dump_line(line))
    file.close()
    return paths


def made_resolution(review: Review, outcome: str = "yes", at: str = "2027-07-01T00:00:00.000Z") -> Resolution:
    """How the prediction of a review came out."""
    assert review.verdict is not None
    assert review.verdict.prediction is not None
    return Resolution.model_validate({
        "prediction": review.key, "statement": review.verdict.prediction.statement, "outcome": outcome,
        "source": "https://news.example/1", "note": "as announced", "by": "an editor", "at": at})


def made_clearance(reviews: Sequence[Review], kinds: Sequence[str] = (), at: str = "2026-01-03T00:00:00.000Z",
                   ) -> Clearance:
    """An editor lets the flags of these reviews of one panel pass: those that hold it, or those of these kinds."""
    flags = [ClearedFlag(key=review.key, kind=flag.kind, field=flag.field, text=flag.text)
             for review in reviews for flag in review.flags if (flag.kind in kinds if kinds else flag.holds)]
    return Clearance(tool_id=reviews[0].tool_id, dossier_digest=reviews[0].dossier_digest,
                     panel_digest=reviews[0].panel_digest, flags=tuple(flags), note="looked it up", by="an editor",
                     at=at)


def state_of_each(runs: Path, making: Making, dossiers: Sequence[Dossier]) -> None:
    """A resolution of every prediction, and a clearance of every panel that has flags to look up."""
    for dossier in dossiers:
        reviews = [made_review(making, dossier, name) for name in making.personas]
        predicted = [one for one in reviews if one.verdict is not None and one.verdict.prediction is not None]
        looked_up = [one for one in reviews if any(flag.kind == "to_check" for flag in one.flags)]
        state(runs, [*map(made_resolution, predicted),
                     *([made_clearance(looked_up, ("to_check",))] if looked_up else [])])


SYSTEM = "You review one tool. " * 60


class _Sequence:
    """Numbers the calls of a run from 1."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


def _verdict(chance: random.Random, making: Making, lines: DossierLines, persona_id: str) -> Verdict:
    full = making.depth == "full"
    score = chance.randint(0, 100)
    shown = [line.number for line in lines.lines]
    points = PERSONAS[persona_id].points
    return Verdict(
        points={point: _words(chance, 9) for point in points},
        claims=tuple(Claim(text=_words(chance, 10), lines=tuple(sorted(chance.sample(shown, size))))
                     for size in (1, 2, 0)),
        missing=(_words(chance, 3),), because=Because(point=next(iter(points)), text=_words(chance, 14)), score=score,
        verdict="ship" if score >= 50 else "skip", confidence=chance.randint(0, 100),
        quote=making.template + _words(chance, 80) if full else None, best_for=_words(chance, 6) if full else None,
        change_my_mind=_words(chance, 8) if full else None,
        caveat=_words(chance, 7) if full and chance.random() < 0.3 else None,
        prediction=Prediction(statement=_words(chance, 12), by="2027-06", probability=chance.randint(0, 100))
        if full and persona_id == "futurist" else None,
    )


def _part(text: str) -> dict[str, Any]:
    return {"key": digest_of(text), "t": "part", "text": text}


def _tool_lines(making: Making, panel: Panel, dossier: Dossier, seq: _Sequence) -> Iterator[dict[str, Any]]:
    lines = made_lines(dossier)
    yield {"key": dossier.digest, "t": "dossier", "record": dossier.model_dump(mode="json")}
    yield {"key": lines.digest, "t": "lines", "dossier_digest": dossier.digest,
           "record": lines.model_dump(mode="json")}
    reviews = [made_review(making, dossier, name, repeat)
               for name in making.personas for repeat in range(making.repeats)]
    brief = _brief(making, dossier, lines)
    asked = [brief, *reviews] if making.briefs and making.depth == "full" else reviews
    yield {"key": f"{panel.digest}/{dossier.digest}", "t": "assigned", "panel_digest": panel.digest,
           "tool_id": dossier.id, "dossier_digest": dossier.digest, "lines_digest": lines.digest,
           "seats": len(panel.seats),
           "keys": [{"key": one.key, "kind": one.kind, "model": one.model, "repeat": one.repeat,
                     "persona_id": one.persona_id if isinstance(one, Review) else None} for one in asked]}
    shown = "\n".join(f"[{line.number}] {line.text}" for line in lines.lines)
    yield _part(shown)
    if brief in asked:
        yield from _call_lines(brief, seq.next(), 1, "brief", "{}")
        yield {"key": brief.key, "t": "brief", "record": brief.model_dump(mode="json")}
    for review in reviews:
        yield from _review_lines(review, digest_of(shown), seq)


def _review_lines(review: Review, shown: str, seq: _Sequence) -> Iterator[dict[str, Any]]:
    asked = f"You are the {review.persona_id} of {review.prompts_digest}."
    yield _part(SYSTEM)
    yield _part(asked)
    messages = [{"role": "system", "parts": [digest_of(SYSTEM)]}, {"role": "user", "parts": [shown, digest_of(asked)]}]
    yield {"key": review.messages_digest, "t": "messages", "messages": messages}
    for attempt in range(1, review.attempts + 1):
        last = attempt == review.attempts
        text = review.verdict.model_dump_json() if review.verdict is not None and last else "I cannot say."
        yield from _call_lines(review, seq.next(), attempt, "review" if attempt == 1 else "reask", text)
    if review.probe is not None:
        yield from _call_lines(review, seq.next(), 1, "probe", "ship")
    yield {"key": review.key, "t": "review", "record": review.model_dump(mode="json")}


def _call_lines(of: Review | Brief, seq: int, attempt: int, kind: str, text: str) -> Iterator[dict[str, Any]]:
    yield {"key": of.key, "t": "sent", "seq": seq, "step": "review", "attempt": attempt, "kind": kind,
           "tool_id": of.tool_id, "persona_id": of.persona_id if isinstance(of, Review) else None,
           "repeat": of.repeat, "wave": of.wave, "messages": of.messages_digest, "model": of.model,
           "endpoint": "scripted:", "rung": "json_schema", "reserved_usd": 0.001,
           "params": {"temperature": 0.7, "max_tokens": 2000}, "at": "2026-01-01T00:00:01.000Z"}
    yield {"key": of.key, "t": "answer", "seq": seq, "step": "review", "attempt": attempt, "result": "ok",
           "error": None, "http_status": 200, "at": "2026-01-01T00:00:02.000Z",
           "completion": {"text": text, "finish_reason": "stop", "tokens_in": 900, "tokens_cached": 800,
                          "tokens_out": 300, "tokens_reasoning": None, "cost_usd": 0.0004, "price_version": "made",
                          "seconds": 1.0, "first_token_s": 0.25, "model": of.model_answered, "endpoint": "scripted:",
                          "fingerprint": "fp", "http_status": 200, "reasoning": None, "logprobs": [],
                          "params_sent": {"temperature": 0.7}, "params_dropped": ["seed"]}}


def _brief(making: Making, dossier: Dossier, lines: DossierLines) -> Brief:
    chance = random.Random(f"brief {lines.digest}")
    return Brief(
        key=digest_of(["brief", lines.digest, making.model]), run_id=making.run_id, model=making.model,
        prompts_digest=making.prompts_digest, finished_at="2026-01-01T00:00:05Z", tool_id=dossier.id,
        dossier_digest=dossier.digest, lines_digest=lines.digest,
        brief=BriefText(description=Cited(text=_words(chance, 60), lines=(1, 2)), entry="paid",
                        price=BriefPrice(amount=9.5, currency="USD", unit="seat", lines=(2,)),
                        best_for=Cited(text=_words(chance, 5), lines=(1,)), not_for=Cited(text=_words(chance, 5)),
                        category=dossier.category or "other"))
