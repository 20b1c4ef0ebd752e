"""One run's assignments: which are left, in what order they are asked, and what an answer becomes.

Knows nothing of the store or of how a run is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from panel.brief import read_brief
from panel.errors import ModelDeclined, ModelError, ModelRejected, ModelUnavailable, PanelError, VerdictError
from panel.instrument import Instrument
from panel.journal import Done, Journal, stamp, utc_now
from panel.models.caller import Asker, Caller, Quarantined
from panel.models.ladder import Ladder
from panel.models.limits import Budget
from panel.pairwise import read_comparison
from panel.schema import Assignment, Brief, Comparison, Dossier, DossierLines, Outcome, Review, Rung, Seat

PREFIX_WORTH_WAITING = 1024
"""Prompt tokens (four characters each) from which providers cache a prefix: a tool's first seat then goes alone."""
OUTCOMES: dict[str, type[Outcome]] = {"review": Review, "brief": Brief, "compare": Comparison}


class Take(NamedTuple):
    """One assignment, who answers it (nobody in particular: a brief), and the dossiers it is about."""

    assignment: Assignment
    seat: Seat | None
    dossiers: tuple[Dossier, ...]
    lines: tuple[DossierLines, ...]


class Sitting:
    """One run under way: the instrument, its callers, the journal, and what earlier runs have.

    `stopped` is why no further call is begun: the user, the budget, a rejected key, a full disk, a dead endpoint.
    """

    def __init__(self, instrument: Instrument, run_id: str, journal: Journal, done: Done,
                 callers: dict[str, Caller], checks: Path, budget: Budget) -> None:
        self.instrument = instrument
        self.run_id = run_id
        self.callers = callers
        self.budget = budget
        self.stopped: PanelError | None = None
        self._journal = journal
        self._done = done
        self._ladder = Ladder(checks)

    def stop(self, why: PanelError) -> None:
        """Begin no further call; what is in flight is waited for, its answers are paid. On the event loop only."""
        self.stopped = self.stopped or why
        for caller in self.callers.values():
            caller.stop(self.stopped)

    @property
    def tools_at_once(self) -> int:
        """Enough tools under way to keep every endpoint's slots full."""
        return max(caller.info.max_in_flight for caller in self.callers.values())

    def assign(self, dossier: Dossier) -> tuple[Take, ...]:
        """What this dossier is asked; journals the dossier, its lines and the panel's assignments."""
        instrument, panel = self.instrument, self.instrument.panel
        lines = {name: instrument.lines(dossier, name) for name in instrument.models}
        first = lines[panel.seats[0].model]
        takes = [
            Take(instrument.review_assignment(seat, lines[seat.model], repeat), seat, (dossier,), (lines[seat.model],))
            for repeat in range(panel.repeats) for seat in panel.seats
        ]
        if panel.depth == "full":
            takes.insert(0, Take(instrument.brief_assignment(first), None, (dossier,), (first,)))
        self._write_dossier(dossier, lines.values())
        self._journal.append_once(f"{panel.digest}/{dossier.digest}", "assigned", lambda: {
            "panel_digest": panel.digest, "tool_id": dossier.id, "dossier_digest": dossier.digest,
            "lines_digest": first.digest, "seats": len(panel.seats),
            "keys": [{"key": take.assignment.key, "kind": take.assignment.kind, "model": take.assignment.model,
                      "persona_id": take.assignment.persona_id, "repeat": take.assignment.repeat} for take in takes],
        })
        return tuple(takes)

    def pair(self, first: Dossier, second: Dossier) -> tuple[Take, ...]:
        """Both orders of two dossiers, by every seat."""
        takes = []
        for pair in ((first, second), (second, first)):
            for seat in self.instrument.panel.seats:
                lines = tuple(self.instrument.lines(dossier, seat.model) for dossier in pair)
                takes.append(Take(self.instrument.compare_assignment(seat, lines), seat, pair, lines))
        return tuple(takes)

    def _write_dossier(self, dossier: Dossier, all_lines: Iterable[DossierLines]) -> None:
        self._journal.append_once(dossier.digest, "dossier", lambda: {"record": dossier.model_dump(mode="json")})
        for lines in all_lines:
            self._write_lines(dossier, lines)

    def _write_lines(self, dossier: Dossier, lines: DossierLines) -> None:
        self._journal.append_once(lines.digest, "lines", lambda: {
            "dossier_digest": dossier.digest, "record": lines.model_dump(mode="json")})

    def write(self, outcome: Outcome) -> None:
        """Journal what an assignment came to."""
        self._journal.append(outcome.key, outcome.kind, {"record": outcome.model_dump(mode="json")})

    def left(self, takes: Sequence[Take]) -> list[Take]:
        """Those that no earlier run has finished."""
        return [take for take in takes if not self._done.has(take.assignment.key)]

    def kept_unscored(self, takes: Sequence[Take]) -> int:
        """How many of them an earlier run has finished without an answer."""
        return sum(bytes.fromhex(take.assignment.key) in self._done.unscored for take in takes)

    async def outcomes(self, takes: Sequence[Take]) -> AsyncIterator[Outcome]:
        """What the assignments come to, as they come: all at once, but one by one on an endpoint with one slot.

        Where a prefix is worth caching the first goes alone, so that the others find it.
        """
        waiting = list(takes)
        while waiting:
            head = 1 if self._goes_alone(waiting[0], first=len(waiting) == len(takes)) else len(waiting)
            now, waiting = waiting[:head], waiting[head:]
            for finished in asyncio.as_completed([asyncio.ensure_future(self._carry_out(take)) for take in now]):
                outcome = await finished
                if outcome is not None:
                    yield outcome

    def _goes_alone(self, take: Take, first: bool) -> bool:
        info = self.callers[take.assignment.model].info
        if info.max_in_flight == 1:
            return True
        size = sum(len(line.text) for lines in take.lines for line in lines.lines)
        return first and bool(info.price_cached) and size / 4 > PREFIX_WORTH_WAITING

    async def _carry_out(self, take: Take) -> Outcome | None:
        """One assignment; None when the run must stop, so that the next run asks again."""
        caller = self.callers[take.assignment.model]
        asker = caller.asker(take.assignment, self._done.answers.pop(take.assignment.key, ()))
        rung: Rung | None = None
        try:
            if self.stopped is not None:
                return None
            rung = await self._ladder.rung_for(caller.info, asker.check)
            rung, answer = await self._read_lower(take, asker, rung)
        except (ModelError, VerdictError) as error:
            kind = unscored_kind(error, caller)
            if kind is None:
                self.stop(error)
                return None
            answer = {"unscored": str(error), "unscored_kind": kind, "reasked": kind == "unreadable"}
        except PanelError as error:
            self.stop(error)
            return None
        return OUTCOMES[take.assignment.kind](**self._common(take, asker, rung), **self._about(take), **answer)

    async def _read_lower(self, take: Take, asker: Asker, rung: Rung) -> tuple[Rung, dict[str, Any]]:
        """Read on the given rung, or lower when the endpoint now refuses what its check found."""
        while True:
            try:
                return rung, await self._read(take, asker, rung)
            except ModelRejected as error:
                lower = self._ladder.demote(asker.caller.info, rung, error)
                if lower is None:
                    raise
                rung = lower

    async def _read(self, take: Take, asker: Asker, rung: Rung) -> dict[str, Any]:
        """Ask and read one assignment; the fields are those of its outcome."""
        folder = self.instrument.folders[take.assignment.model]
        if take.seat is None:
            return dict(await read_brief(asker, folder, take.lines[0], rung))
        if len(take.lines) == 2:
            persona = self.instrument.personas[take.seat.persona_id]
            return dict(await read_comparison(asker, folder, (take.lines[0], take.lines[1]), persona, rung))
        return dict(await self.instrument.reviewer(take.seat, rung).review(asker, take.lines[0]))

    def _common(self, take: Take, asker: Asker, rung: Rung | None) -> dict[str, Any]:
        assignment = take.assignment
        answered = [answer.model for answer in asker.completions if answer.model]
        return {
            "key": assignment.key, "run_id": self.run_id, "wave": assignment.wave, "repeat": assignment.repeat,
            "model": assignment.model, "model_answered": answered[-1] if answered else None,
            "prompts_digest": assignment.prompts_digest, "rung": rung, "attempts": asker.attempts,
            "spent": asker.spent, "finished_at": stamp(utc_now()),
        }

    def _about(self, take: Take) -> dict[str, Any]:
        """Which persona and which dossiers an outcome is of."""
        who: dict[str, Any] = {}
        if take.seat is not None:
            who = {"persona_id": take.seat.persona_id, "persona_digest": take.seat.persona_digest,
                   "panel_digest": self.instrument.panel.digest}
        if len(take.lines) == 2:
            return {**who, "tool_a": take.dossiers[0].id, "tool_b": take.dossiers[1].id,
                    "lines_digests": tuple(lines.digest for lines in take.lines)}
        lines = take.lines[0]
        what = {"tool_id": lines.tool_id, "dossier_digest": take.dossiers[0].digest, "lines_digest": lines.digest}
        if take.seat is None:
            return what
        return {**who, **what, "depth": self.instrument.depth, "thin": lines.thin,
                "lines_left_out": len(lines.left_out)}


def unscored_kind(error: ModelError | VerdictError, caller: Caller) -> str | None:
    """Which kind of unscored a failure makes; None when every further call would fail alike and the run must stop."""
    if isinstance(error, VerdictError):
        return "unreadable"
    if isinstance(error, Quarantined):
        return "quarantined"
    if isinstance(error, ModelDeclined):
        return "declined"
    if isinstance(error, ModelUnavailable) and not caller.endpoint.gone:
        return "unavailable"
    return None
