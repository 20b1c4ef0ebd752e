"""Panels of one tool as they answered, and why two of them differ. Knows nothing of how either is found out."""

from __future__ import annotations

from typing import Literal

from panel.schema.dossier import Line
from panel.schema.panel import Panel, Sampling
from panel.schema.persona import Persona
from panel.schema.record import Record
from panel.schema.verdict import Flag

FactorKind = Literal["model", "prompt", "persona", "dossier", "sampling"]
Cause = Literal["model", "prompt", "persona", "dossier", "sampling", "noise", "several", "none"]


class TakeSeen(Record):
    """One take of a seat; null verdict and score: unscored."""

    key: str
    repeat: int
    verdict: str | None = None
    score: int | None = None
    because: str | None = None
    flags: tuple[Flag, ...] = ()


class SeatSeen(Record):
    """A seat and everything its answers were made with, of all its takes. `vote` and `mean_score` as in SeatScore."""

    persona_id: str
    persona_digest: str
    model: str
    takes: tuple[TakeSeen, ...] = ()
    vote: float | None = None
    mean_score: float | None = None
    prompts_digest: str | None = None
    """Of the folder this seat was asked from; null: it has no review yet."""
    lines_digest: str | None = None
    messages_digest: str | None = None
    answered: tuple[str, ...] = ()
    """Models as the endpoint named them."""
    fingerprints: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    rungs: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()


class PanelSeen(Record):
    """One panel score of a tool (a dossier under a panel) with all that may explain it."""

    tool_id: str
    run_id: str
    """The last run that asked for it."""
    asked_at: str
    reviewed_at: str
    command: str | None = None
    programs: tuple[str, ...] = ()
    dossier_digest: str
    panel: Panel
    outcome: str
    ships: float
    voting: int
    mean_score: float | None
    score_range: float | None
    holds: int = 0
    seats: tuple[SeatSeen, ...]
    lines: tuple[Line, ...] = ()
    """As shown to the first seat."""
    personas: dict[str, Persona] = {}
    """By digest."""


class Retests(Record):
    """Reviews that differ only in take, seed or wave, summed over their cells (same question, same instrument).

    `flips` of `pairs` have two verdicts; `squares` is the sum of squares of scores about their cell's mean, `freedom`
    its degrees of freedom.
    """

    persona_id: str | None
    """Null: of all personas of the model."""
    model: str
    depth: str
    sampling: Sampling
    """Without the seed."""
    pairs: int
    flips: int
    squares: float
    freedom: int

    @property
    def deviation(self) -> float:
        """Standard deviation of a score from one take to the next, in points."""
        return float((self.squares / self.freedom) ** 0.5) if self.freedom else 0.0

    @property
    def flip_rate(self) -> float:
        """Share of pairs of takes whose verdicts differ."""
        return self.flips / self.pairs if self.pairs else 0.0


class Factor(Record):
    """Something that differs between two panels by its digest or name. `seats`: those it reaches."""

    kind: FactorKind
    what: str
    """asked, answered, fallback, fingerprint, rung, decided_by; file, seat added, seat removed; folder; lines, cut;
    or a field of the sampling."""
    before: str
    after: str
    seats: tuple[str, ...]
    slight: bool = False
    """Endpoints change it from call to call: it explains a change only where nothing else does."""


class SeatChange(Record):
    """One seat in both panels; null: it does not sit there."""

    seat: str
    before: SeatSeen | None
    after: SeatSeen | None
    kinds: tuple[FactorKind, ...] = ()
    """What differs for this seat; empty: nothing but takes and seed."""

    @property
    def comparable(self) -> bool:
        """Whether both sides have a readable answer."""
        return (self.before is not None and self.after is not None and self.before.mean_score is not None
                and self.after.mean_score is not None)

    @property
    def score_move(self) -> float:
        """After minus before; 0 where there is nothing to compare."""
        if self.before is None or self.after is None or self.before.mean_score is None or self.after.mean_score is None:
            return 0.0
        return self.after.mean_score - self.before.mean_score

    @property
    def moved(self) -> bool:
        """Whether a vote or a score that can be compared is another."""
        if not self.comparable or self.before is None or self.after is None:
            return False
        return self.score_move != 0 or self.before.vote != self.after.vote


class Check(Record):
    """One look at a move against what a retest does: beyond it when `moved` is more than `bound`.

    For votes `moved` is the number of flips, and `chance` how often retests alone flip as many. `still` names the seats
    whose votes moved though no retest of them ever did: then they are beyond, whatever the chance.
    """

    of: str
    moved: float
    bound: float | None = None
    chance: float | None = None
    still: tuple[str, ...] = ()
    beyond: bool


class Move(Record):
    """Seats for which the same kinds of things differ, and whether they moved more than a retest moves them."""

    kinds: tuple[FactorKind, ...]
    seats: tuple[str, ...]
    moved: bool
    beyond: bool | None
    """Null: how much a retest moves them is not known."""
    mean_move: float
    checks: tuple[Check, ...] = ()


class Step(Record):
    """Part of the way between two panels, over a panel of the store that lies between them."""

    start: str
    end: str
    """Panel and dossier digests of either end, shortened, with a slash."""
    kinds: tuple[FactorKind, ...]
    beyond: bool | None
    mean_move: float | None


class LineChange(Record):
    """A line of the dossier: added, removed or changed. Numbers are those shown; null where it is not there."""

    kind: Literal["added", "removed", "changed"]
    before_number: int | None = None
    after_number: int | None = None
    before: str | None = None
    after: str | None = None


class FieldChange(Record):
    """A field of a persona file (`points.moat` for one of its entries), before and after. Empty: not there."""

    persona_id: str
    field: str
    before: str
    after: str


class PromptLine(Record):
    """A line of the messages that differs. Empty: not there."""

    role: str
    before: str
    after: str


class FlagChange(Record):
    """A flag that one of two panels has and the other has not, or the number of notes of a kind.

    A flag that holds stands for itself, with the words it is of; notes are counted over the seat.
    """

    seat: str
    kind: str
    holds: bool
    text: str | None = None
    reason: str | None = None
    before: int
    after: int


class Explanation(Record):
    """Why two panels of one tool differ, and what that is concluded from."""

    before: PanelSeen
    after: PanelSeen
    cause: Cause
    beyond_noise: bool | None
    """Whether what moved moved more than a retest; null: not known, or nothing moved."""
    factors: tuple[Factor, ...] = ()
    retaken: tuple[str, ...] = ()
    """What differs and is no factor, in words: takes, seed."""
    notes: tuple[str, ...] = ()
    seats: tuple[SeatChange, ...] = ()
    moves: tuple[Move, ...] = ()
    steps: tuple[Step, ...] = ()
    kinds: tuple[FactorKind, ...] = ()
    """The kinds a movement is put down to: one for a single cause, several for `several` where they can be told."""
    open: tuple[FactorKind, ...] = ()
    """Kinds that cannot be told apart."""
    floors: tuple[Retests, ...] = ()
    """The noise floors of the seats that were used."""
    lines: tuple[LineChange, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    prompt_lines: tuple[PromptLine, ...] = ()
    flags: tuple[FlagChange, ...] = ()
    """That came or went."""


class VersionChange(Record):
    """This version against the one before, over the `shared` questions (tool, model, depth) both were asked."""

    shared: int
    rate_before: float
    rate_after: float
    low: float
    high: float
    """95% interval of the change of the ship rate."""
    score_move: float


class Version(Record):
    """A version of a persona or of a prompt folder and what its reviews came to.

    `cells` are the distinct questions behind them (tool, lines, model, persona, prompts): takes of one are no new
    evidence, so the interval counts each question once.
    """

    of: Literal["persona", "prompts"]
    name: str
    version: str
    """The digest of the persona file or prompt folder."""
    first_at: str
    last_at: str
    models: tuple[str, ...]
    reviews: int
    scored: int
    ships: int
    cells: int
    mean_score: float | None
    changed: tuple[str, ...] = ()
    """Fields of the persona file that differ from the version before."""
    against: VersionChange | None = None

    @property
    def ship_rate(self) -> float | None:
        """Of scored reviews."""
        return self.ships / self.scored if self.scored else None
