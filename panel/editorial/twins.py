"""The JSON twin of every page: what `--json` prints. Keys are only ever added.

Numbers stay numbers and texts stay as they were written: a reader in a program escapes for itself. Unknown is null.
Knows nothing of the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from panel.editorial import scorecard as read
from panel.editorial.comparison import ComparisonPage, SeatPick, holding_flags, picked
from panel.editorial.flags import OnPage, flags_on, warnings
from panel.editorial.pricing import price_read
from panel.editorial.to_check import to_check
from panel.schema.leaderboard import LeaderboardRow
from panel.schema.review import Review
from panel.schema.scorecard import Scorecard
from panel.schema.verdict import Flag
from panel.scoring import strongest_dissent

SCORE_KEYS = (
    "outcome", "seats", "voting", "ships", "skips", "unscored", "withdrawn", "ship_rate", "mean_score", "score_range",
    "p_ship_probe", "p_ship_repeats",
)


def card_json(card: Scorecard) -> dict[str, Any]:
    """One tool's card.

    `tool` (id, name, tagline, category, url, vendor, version, license), `thin`, `lines_left_out` and `removed` (what
    trimming and cleaning took), `pricing` (words, short, source, where, origin, lines, plans), `score` (SCORE_KEYS),
    `community` (null: no votes), `best_for`, `seats` (persona, vote, takes with the whole verdict and its flags),
    `held` (whether an editor must clear flags first), `holds` (those flags: number, key, seat, flag), `cleared` (what
    editors let pass), `to_check` (each fact once: fact, text, about, said_by), `warnings`, `strongest_dissent`, `made`
    (models, digests, dates, captions), `disclosure`.
    """
    dossier, price, best = card.dossier, price_read(card), read.best_for(card)
    flags = flags_on(card)
    return {
        "tool": {
            "id": dossier.id, "name": dossier.name, "tagline": dossier.tagline,
            "category": None if read.category(card) == read.NONE else read.category(card),
            "url": dossier.url, "vendor": dossier.vendor, "version": dossier.version,
            "license": dossier.license or None,
        },
        "thin": card.lines.thin,
        "lines_left_out": list(card.lines.left_out),
        "removed": list(card.lines.removed),
        "pricing": {
            "words": price.full, "short": price.short, "source": price.source, "where": price.where or None,
            "origin": price.origin or None, "lines": list(price.lines),
            "plans": [plan.model_dump(mode="json") for plan in dossier.pricing],
        },
        "score": _score(card.score.model_dump(mode="json")),
        "community": None,
        "best_for": {"text": best[0], "said_by": best[1]} if best else None,
        "seats": [_seat(card, seat, flags) for seat in read.seated(card)],
        "held": any(one.holds for one in flags),
        "holds": [flag_json(one) for one in flags if one.holds],
        "cleared": [one.model_dump(mode="json") for one in card.cleared],
        "to_check": [
            {"fact": one.fact, "text": one.text, "about": one.about,
             "said_by": [{"who": who, "field": where or None} for who, where in one.places]}
            for one in to_check(card)
        ],
        "warnings": warnings(card),
        "strongest_dissent": _dissent(card),
        "made": _made(card),
        "disclosure": read.DISCLOSURE,
    }


def _score(dumped: dict[str, Any]) -> dict[str, Any]:
    return {key: dumped[key] for key in SCORE_KEYS}


def flag_json(one: OnPage) -> dict[str, Any]:
    """A flag of a page: `number` where its kind holds, the seat and review it is on, and all that it says."""
    return {"number": one.number, "key": one.review.key, "persona_id": one.persona_id, "model": one.review.model,
            **_flag(one.flag), "holds": one.holds}


def _flag(flag: Flag) -> dict[str, Any]:
    return {**flag.model_dump(mode="json"), "holds": flag.holds}


def _seat(card: Scorecard, seat: read.Seated, flags: Sequence[OnPage]) -> dict[str, Any]:
    scores = [one for one in card.score.by_persona if (one.persona_id, one.model) == (seat.persona_id, seat.model)]
    return {
        "persona_id": seat.persona_id,
        "persona": seat.name,
        "motto": seat.persona.motto if seat.persona else None,
        "model": seat.model,
        "verdict": seat.verdict_words,
        "vote": scores[0].vote if scores else None,
        "takes": [_take(card, take, [one for one in flags if one.review.key == take.key]) for take in seat.takes],
    }


def _take(card: Scorecard, take: Review, flags: Sequence[OnPage]) -> dict[str, Any]:
    numbers = sorted({number for claim in take.verdict.claims for number in claim.lines}) if take.verdict else []
    return {
        "key": take.key,
        "run_id": take.run_id,
        "repeat": take.repeat,
        "verdict": take.verdict.model_dump(mode="json") if take.verdict else None,
        "unscored": take.unscored,
        "unscored_kind": take.unscored_kind,
        "decided_by": take.decided_by,
        "probe": take.probe.model_dump(mode="json") if take.probe else None,
        "flags": [{**_flag(one.flag), "holds": one.holds, "cleared": one.cleared is not None, "number": one.number}
                  for one in flags],
        "cited_lines": {str(number): text for number, text in read.cited(card, numbers)},
        "model_answered": take.model_answered,
        "fallback": take.fallback,
        "rung": take.rung,
        "reasked": take.reasked,
        "finished_at": take.finished_at,
    }


def _dissent(card: Scorecard) -> dict[str, Any] | None:
    review = strongest_dissent(card.reviews, card.score)
    if review is None or review.verdict is None:
        return None
    return {
        "persona_id": review.persona_id, "model": review.model, "verdict": review.verdict.verdict,
        "score": review.verdict.score, "confidence": review.verdict.confidence, "because": review.verdict.because.text,
    }


def _made(card: Scorecard) -> dict[str, Any]:
    return {
        "models": list(dict.fromkeys(seat.model for seat in card.panel.seats)),
        "models_answered": sorted({one.model_answered for one in card.reviews if one.model_answered}),
        "panel_digest": card.score.panel_digest,
        "prompts": card.panel.prompts,
        "prompts_digest": card.panel.prompts_digest,
        "personas": {seat.persona_id: seat.persona_digest for seat in card.panel.seats},
        "dossier_digest": card.score.dossier_digest,
        "depth": card.panel.depth,
        "repeats": card.panel.repeats,
        "reasked": sum(one.reasked for one in card.reviews),
        "reviewed_at": card.reviewed_at,
        "runs": list(card.runs),
        "captions": list(card.captions),
    }


def comparison_json(page: ComparisonPage) -> dict[str, Any]:
    """An "A vs B" page: `a` and `b` (card_json), `pick_a_if`, `pick_b_if`, `picks`, `overall`, `differences`, `held`.

    A pick is a tool's id, "neither", "not_comparable", or null: no answer, or (`stable`) no stable preference.
    """
    sentences = {"pick_a_if": page.pick_a_if, "pick_b_if": page.pick_b_if}
    return {
        "a": card_json(page.a),
        "b": card_json(page.b),
        **{key: {"text": one.condition, "said_by": one.said_by} if one else None for key, one in sentences.items()},
        "picks": [_pick(seat) for seat in page.seats],
        "held": bool(holding_flags(page)) or any(one.holds for card in (page.a, page.b) for one in flags_on(card)),
        "overall": {
            "pick": page.overall.pick, "votes": page.overall.votes, "stable": page.overall.stable,
            "asked": page.overall.asked,
        },
        "differences": [
            {"axis": one.axis, "a_lines": list(one.a_lines), "b_lines": list(one.b_lines),
             "named_by": list(one.named_by)}
            for one in page.contrasts
        ],
        "disclosure": read.DISCLOSURE,
    }


def _pick(seat: SeatPick) -> dict[str, Any]:
    return {
        "persona_id": seat.persona_id,
        "persona": seat.name,
        "model": seat.model,
        "a_first": picked(seat.a_first),
        "b_first": picked(seat.b_first),
        "stable": seat.stable,
        "answers": [
            {"first": one.tool_a, "comparison": text.model_dump(mode="json"),
             "flags": [_flag(flag) for flag in one.flags]}
            for one, text in seat.texts()
        ],
    }


def leaderboard_json(rows: Sequence[LeaderboardRow]) -> list[dict[str, Any]]:
    """One object a tool, in the order given: tool_id, name, category, thin, held, reviewed_at, panel_digest, score."""
    return [
        {
            "tool_id": row.score.tool_id, "name": row.name, "category": row.category, "thin": row.thin,
            "held": row.held, "reviewed_at": row.reviewed_at, "panel_digest": row.score.panel_digest,
            "score": _score(row.score.model_dump(mode="json")),
        }
        for row in rows
    ]
