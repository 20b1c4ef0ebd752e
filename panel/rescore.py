"""Read every kept answer again with today's parser and checks: the tail of the road, without a model.

The readings go to the journal of a run of their own; the older ones stay in theirs. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from panel.checks import flag_review
from panel.errors import StoreError, VerdictError
from panel.journal import Journal, hold, mend_tails, new_run_id, read_lines, segments, stamp, utc_now, write_file
from panel.schema import DossierLines, Persona, Record, Review, Run, Verdict
from panel.store import load
from panel.verdicts import parse_verdict


class RescoreReport(Record):
    """How many reviews were read again, came out otherwise, and are unscored now."""

    run_id: str
    read: int
    changed: int
    unscored: int


class Kept(Record):
    """One review as its run left it, and the answers it may be read from, the re-asked one first.

    There are none where no one answer holds a whole verdict (one field at a time).
    """

    review: Review
    answers: tuple[str, ...]


def rescore_runs(runs: Path) -> RescoreReport:
    """Read all reviews under `runs/` again and load the store. Raises StoreError when `runs/` is held."""
    with hold(runs):
        mend_tails(runs)
        personas, latest = _personas(runs)
        run_id = new_run_id(runs, utc_now())
        kept = list(_kept(runs).values())
        read = changed = unscored = 0
        if latest is not None:
            run = latest.model_copy(update={"id": run_id, "command": "ship-panel rescore", "started_at":
                                            stamp(utc_now()), "personas": tuple(personas.values())})
            write_file(runs / run_id / "run.json", run.model_dump_json(indent=1).encode())
            journal = Journal(runs / run_id)
            lines = _lines(runs)
            for one in kept:
                again = _read_again(one, personas, lines)
                read += 1
                unscored += again.verdict is None
                if again != one.review:
                    changed += 1
                    journal.append(again.key, "review", {"record": again.model_dump(mode="json")})
            journal.close()
        load(runs)
    return RescoreReport(run_id=run_id, read=read, changed=changed, unscored=unscored)


def _personas(runs: Path) -> tuple[dict[str, Persona], Run | None]:
    """Every persona any run was made with, by digest, and the latest run."""
    personas: dict[str, Persona] = {}
    run = None
    for path in sorted(runs.glob("*/run.json")):
        try:
            run = Run.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise StoreError(f"{path}: not what a run wrote; move its folder away and rebuild") from error
        personas.update({persona.digest: persona for persona in run.personas})
    return personas, run


def _all_lines(runs: Path) -> Iterator[dict[str, Any]]:
    for path in segments(runs):
        yield from read_lines(path)


def _lines(runs: Path) -> dict[str, DossierLines]:
    return {line["key"]: DossierLines.model_validate(line["record"]) for line in _all_lines(runs)
            if line["t"] == "lines"}


def _kept(runs: Path) -> dict[str, Kept]:
    """The last review of each key, with the answer it was read from."""
    answers: dict[str, dict[str, str]] = {}
    kept: dict[str, Kept] = {}
    for line in _all_lines(runs):
        key = line["key"]
        if line["t"] == "answer" and line["result"] == "ok" and line["step"] in ("review", "reask"):
            answers.setdefault(key, {})[line["step"]] = line["completion"]["text"]
        elif line["t"] == "review":
            texts = answers.get(key, {})
            try:
                review = Review.model_validate(line["record"])
            except (KeyError, ValidationError) as error:
                raise StoreError(f"{runs}: the journals' review of key {key} is not what a run wrote; move its file "
                                 "away and run `ship-panel rebuild`") from error
            found = tuple(texts[step] for step in ("reask", "review") if step in texts)
            kept[key] = Kept(review=review, answers=found)
    return kept


def _read_again(kept: Kept, personas: dict[str, Persona], lines: dict[str, DossierLines]) -> Review:
    review = kept.review
    if review.persona_digest not in personas or review.lines_digest not in lines:
        return review  # a run.json or lines row is gone: what was read of it stands
    persona, shown = personas[review.persona_digest], lines[review.lines_digest]
    verdict, why = review.verdict, review.unscored
    if kept.answers and review.unscored_kind in (None, "unreadable"):
        verdict, why = _first_readable(kept.answers, persona, shown, review)
    models = tuple(filter(None, (review.fallback or review.model, review.model_answered)))
    flags = flag_review(verdict, shown, persona, review.depth, models=models) if verdict else ()
    return Review.model_validate({
        **dict(review), "verdict": verdict, "unscored": why, "flags": flags,
        "unscored_kind": None if verdict else review.unscored_kind or "unreadable",
    })


def _first_readable(
    answers: tuple[str, ...], persona: Persona, shown: DossierLines, review: Review
) -> tuple[Verdict | None, str | None]:
    """The verdict of the first answer that can be read, or why the last could not be."""
    why = ""
    for answer in answers:
        try:
            return parse_verdict(answer, persona, shown, review.depth), None
        except VerdictError as error:
            why = why or str(error)
    return None, why
