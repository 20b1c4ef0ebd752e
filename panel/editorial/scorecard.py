"""A scorecard read into the words every surface prints: terminal, Markdown, JSON twin.

Knows nothing of colours, columns or Markdown. Text from models and dossiers comes out as it went in: whoever shows it
must pass it through `panel.editorial.plain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from panel.schema.persona import Persona
from panel.schema.review import Review
from panel.schema.score import PanelScore
from panel.schema.scorecard import Scorecard

DISCLOSURE = "Written by AI personas that have not used the tool."
PERSONA_ORDER = ("builder", "competitor_analyst", "futurist", "investor")
NONE = "—"


@dataclass(frozen=True)
class Seated:
    """One seat of the panel and all its takes, the one to show first among them."""

    persona_id: str
    model: str
    name: str
    persona: Persona | None
    takes: tuple[Review, ...]
    shown: Review | None
    """The first take that decided as most of the seat's takes did; an unscored one if none is scored."""

    @property
    def verdict_words(self) -> str:
        """ship, skip, unscored, or that nobody was asked yet."""
        if self.shown is None:
            return "not reviewed"
        return self.shown.verdict.verdict if self.shown.verdict else "unscored"

    @property
    def takes_words(self) -> str | None:
        """"2 of 3 takes ship", when there was more than one; takes without a verdict are said."""
        if len(self.takes) < 2:
            return None
        scored = [take for take in self.takes if take.verdict]
        ships = sum(take.verdict is not None and take.verdict.verdict == "ship" for take in scored)
        words = f"{ships} of {counted(len(scored), 'take')} {'ships' if len(scored) == 1 else 'ship'}"
        unscored = len(self.takes) - len(scored)
        return words + (f", {unscored} unscored" if unscored else "")

    @property
    def probe_words(self) -> str | None:
        """What the one-token probe said of the take shown, and that it decided where it did."""
        if self.shown is None or self.shown.probe is None:
            return None
        probe = self.shown.probe
        words = f"P(ship) {probe.p_ship:.2f} by probe (coverage {probe.coverage:.2f})"
        return words + (", which decided the verdict" if self.shown.decided_by == "probe" else "")

    @property
    def fallback_words(self) -> str | None:
        """Which takes another model answered, because the seat's own could not."""
        named = [take.fallback for take in self.takes if take.fallback]
        if not named:
            return None
        of = "" if len(self.takes) == 1 else f"{len(named)} of {len(self.takes)} takes "
        who = " and ".join(dict.fromkeys(named))
        return f"{of}answered by {who}, the fallback: another instrument than the panel's"


def counted(number: float, noun: str) -> str:
    """"1 line", "3 lines", "2.5 seats"."""
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"


def line_numbers(numbers: Iterable[int]) -> str:
    """"line 3", "lines 3, 7-9"; empty for none."""
    ordered = sorted(set(numbers))
    spans: list[list[int]] = []
    for number in ordered:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    if not spans:
        return ""
    words = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)
    return f"{'line' if len(ordered) == 1 else 'lines'} {words}"


def spoken(identifier: str) -> str:
    """"dx_bet" as people say it: "dx bet"."""
    return identifier.replace("_", " ")


def seat_order(persona_ids: Iterable[str]) -> list[str]:
    """The ids once each: the four known personas first, in the order every page has them, others as they came."""
    seen = list(dict.fromkeys(persona_ids))
    return [one for one in PERSONA_ORDER if one in seen] + [one for one in seen if one not in PERSONA_ORDER]


def seated(card: Scorecard) -> tuple[Seated, ...]:
    """The panel's seats in page order, each with its takes by repeat. A seat nobody answered yet has none."""
    takes: dict[tuple[str, str], list[Review]] = {(seat.persona_id, seat.model): [] for seat in card.panel.seats}
    for review in card.reviews:
        takes.setdefault((review.persona_id, review.model), []).append(review)
    personas = {persona.id: persona for persona in card.personas}
    models_of = {who: [model for persona, model in takes if persona == who] for who, _ in takes}
    found = []
    for who in seat_order(persona for persona, _ in takes):
        for model in models_of[who]:
            persona = personas.get(who)
            name = persona.name if persona else spoken(who)
            if len(models_of[who]) > 1:
                name = f"{name} ({model})"
            ordered = tuple(sorted(takes[who, model], key=lambda take: (take.repeat, take.finished_at)))
            found.append(Seated(who, model, name, persona, ordered, _take_to_show(ordered)))
    return tuple(found)


def persona_name(card: Scorecard, persona_id: str) -> str:
    """The persona's own name, else its id as spoken."""
    return next((one.name for one in card.personas if one.id == persona_id), spoken(persona_id))


def _take_to_show(takes: Sequence[Review]) -> Review | None:
    scored = [take for take in takes if take.verdict]
    if not scored:
        return takes[0] if takes else None
    words = [take.verdict.verdict for take in scored if take.verdict]
    usual = max(words, key=words.count)  # max keeps the first of equals
    return scored[words.index(usual)]


def no_dissent_words(card: Scorecard) -> str:
    """Why there is no strongest dissent: nobody is against the outcome, or there is none to be against."""
    if card.score.outcome != "split":
        return "none: no seat voted against the outcome"
    sides = []
    for word, strongest in (("ship", max), ("skip", min)):
        said = [(one.shown.verdict.score, one.name) for one in seated(card)
                if one.shown and one.shown.verdict and one.shown.verdict.verdict == word]
        if said:
            score, name = strongest(said)
            sides.append(f"{name} {score} for {word}")
    return f"the panel is split: {', '.join(sides)}" if sides else "the panel is split"


def unscored_words(review: Review) -> str:
    """Why a seat has no verdict, for a reader of the page: what exactly went wrong is for `show` and the JSON twin."""
    return {
        "unreadable": "this reviewer gave no readable answer", "declined": "the model declined to answer",
        "quarantined": "the model could not be asked", "unavailable": "the model could not be reached",
        "budget": "the money was spent before it was asked",
    }.get(review.unscored_kind or "", "no reason was kept")


def titled(card: Scorecard) -> str:
    """The tool's name, with the label of a thin dossier."""
    return f"{card.dossier.name} (first look)" if card.lines.thin else card.dossier.name


def outcome_words(score: PanelScore) -> str:
    """ship, skip, split, no quorum."""
    return spoken(score.outcome)


def votes_words(score: PanelScore) -> str:
    """"3 ship / 1 skip"; an even split of a seat's takes counts half on each side."""
    return f"{score.ships:g} ship / {score.skips:g} skip"


def seats_words(score: PanelScore) -> str:
    """The denominator, with what did not vote: "of 4 seats, 0 unscored, 0 withdrawn"."""
    words = f"of {counted(score.seats, 'seat')}, {score.unscored} unscored, {score.withdrawn} withdrawn"
    silent = score.seats - score.voting - score.unscored - score.withdrawn
    return words + (f", {silent} not reviewed" if silent > 0 else "")


def ship_rate_words(score: PanelScore) -> str:
    """"75% (3 of 4)", over voting seats."""
    if score.ship_rate is None:
        return NONE
    return f"{score.ship_rate:.0%} ({score.ships:g} of {score.voting})"


def mean_words(score: PanelScore) -> str:
    """"61 (4 seats)"."""
    return NONE if score.mean_score is None else f"{score.mean_score:.0f} ({counted(score.voting, 'seat')})"


def range_words(score: PanelScore) -> str:
    """"38 (34 to 72)": highest minus lowest seat, and the two."""
    if score.score_range is None:
        return NONE
    means = [seat.mean_score for seat in score.by_persona if seat.mean_score is not None]
    ends = f" ({min(means):.0f} to {max(means):.0f})" if means else ""
    return f"{score.score_range:.0f}{ends}"


def probe_words(score: PanelScore) -> str:
    """P(ship) by the one-token probe with the seats it is the mean of; a dash where no seat was probed."""
    if score.p_ship_probe is None:
        return NONE
    probed = sum(seat.p_ship_probe is not None for seat in score.by_persona)
    return f"{score.p_ship_probe:.2f} ({counted(probed, 'seat')})"


def repeats_words(score: PanelScore) -> str:
    """P(ship) by repeats with the takes it is the mean of; a dash where no seat was asked twice."""
    if score.p_ship_repeats is None:
        return NONE
    takes = sum(seat.ships + seat.skips for seat in score.by_persona)
    return f"{score.p_ship_repeats:.2f} ({counted(takes, 'take')})"


def best_for(card: Scorecard) -> tuple[str, str] | None:
    """Who the tool is best for, and who says so: the brief, else the highest scorer on the winning side."""
    if card.brief and card.brief.brief and card.brief.brief.best_for.text.strip():
        return card.brief.brief.best_for.text, "the brief"
    side = "skip" if card.score.outcome == "skip" else "ship"
    said = [
        (seat.shown.verdict.score, seat.shown.verdict.best_for, seat.name)
        for seat in seated(card)
        if seat.shown and seat.shown.verdict and seat.shown.verdict.best_for and seat.shown.verdict.verdict == side
    ]
    if not said:
        return None
    _, text, name = max(said, key=lambda one: one[0])
    return text, f"the {name.lower()}"


def category(card: Scorecard) -> str:
    """The dossier's category, else the one the brief chose, else a dash."""
    if card.dossier.category:
        return card.dossier.category
    return card.brief.brief.category if card.brief and card.brief.brief else NONE


def notes(card: Scorecard) -> list[str]:
    """What a reader must know of the material before the verdicts: captions, thin, trimmed, cleaned."""
    found = list(card.captions)
    if card.lines.thin:
        found.append(f"first look: the dossier has only {counted(card.lines.words, 'word')}")
    if card.lines.left_out:
        found.append(f"{counted(len(card.lines.left_out), 'line')} left out to fit the model's context")
    found += [f"suspicious text: {removed}" for removed in card.lines.removed]
    return found


def cited(card: Scorecard, numbers: Iterable[int]) -> list[tuple[int, str | None]]:
    """The lines by number with their text; null text for a line this card does not hold."""
    return [(n, card.lines.by_number[n].text if n in card.lines.by_number else None) for n in sorted(set(numbers))]


def made_by(card: Scorecard) -> list[tuple[str, str]]:
    """Label and words of everything needed to name how the card was made. Digests are cut to 12 hex digits."""
    asked = dict.fromkeys(_model_words(one) for one in card.reviews)
    reasked = sum(one.reasked for one in card.reviews)
    takes = counted(card.panel.repeats, "take")
    personas = ", ".join(f"{seat.persona_id} {seat.persona_digest[:12]}" for seat in card.panel.seats)
    return [
        ("Model", ", ".join(asked) or ", ".join(dict.fromkeys(seat.model for seat in card.panel.seats))),
        ("Panel", f"{card.score.panel_digest[:12]}, depth {card.panel.depth}, {takes} a seat"),
        ("Prompts", f"{card.panel.prompts} {card.panel.prompts_digest[:12]}"),
        ("Personas", personas),
        ("Dossier", f"{card.score.dossier_digest[:12]}, {counted(card.lines.words, 'word')}"),
        ("Reviewed", card.reviewed_at),
        ("Asked again", f"{reasked} of {counted(len(card.reviews), 'review')}"),
        ("Runs", ", ".join(card.runs) or NONE),
    ]


def _model_words(review: Review) -> str:
    if review.model_answered and review.model_answered != review.model:
        return f"{review.model} (answered by {review.model_answered})"
    return review.model
