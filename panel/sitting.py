"""One run's assignments: which are left, in what order they are asked, and what an answer becomes.

Knows nothing of the store or of how a run is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from panel.brief import read_brief
from panel.done import Done
from panel.errors import (
    BudgetExceeded,
    LeftForLater,
    ModelDeclined,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    PanelError,
    StoreError,
    VerdictError,
)
from panel.instrument import Instrument
from panel.journal import Journal, stamp, utc_now
from panel.models.asker import Asker, Quarantined
from panel.models.budget import Allotment
from panel.models.caller import Caller
from panel.models.ladder import Ladder
from panel.pairwise import read_comparison
from panel.schema import Brief, Comparison, Dossier, DossierLines, Outcome, Review, Rung
from panel.takes import Take, most_of_all, pair_takes, takes_of

PREFIX_WORTH_WAITING = 1024
"""Prompt tokens (four characters each) from which providers cache a prefix: a tool's first seat then goes alone."""
OUTCOMES: dict[str, type[Outcome]] = {"review": Review, "brief": Brief, "compare": Comparison}


class Sitting:
    """One run under way: the instrument, its callers, the journal, and what earlier runs have.

    `stopped` is why no further call is begun: the user, a rejected key, a full disk, a dead endpoint.
    """

    def __init__(self, instrument: Instrument, run_id: str, journal: Journal, done: Done,
                 callers: dict[str, Caller]) -> None:
        self.instrument = instrument
        self.run_id = run_id
        self.callers = callers
        self.stopped: PanelError | None = None
        self.short: BudgetExceeded | LeftForLater | None = None
        """Why some assignment of a tool under way was left for the next run, null while none was."""
        self.journal = journal
        self._done = done
        self._ladder = Ladder(journal.folder.parent / "checks.json")

    def stop(self, why: PanelError) -> None:
        """Begin no further call; what is in flight is waited for, its answers are paid. On the event loop only."""
        self.stopped = self.stopped or why
        for caller in self.callers.values():
            caller.stop(self.stopped)

    @property
    def tools_at_once(self) -> int:
        """Enough tools under way to keep every endpoint's slots full, also where a tool's first seat goes alone.

        A tool of four seats then has two calls under way on average; fewer seats need more tools.
        """
        slots = max(self.callers[name].info.max_in_flight for name in self.instrument.seat_models)
        return slots // max(1, len(self.instrument.panel.seats) // 2) + 2

    def takes(self, dossier: Dossier) -> tuple[Take, ...]:
        """What the panel asks of this dossier."""
        return takes_of(self.instrument, dossier)

    def pair(self, first: Dossier, second: Dossier) -> tuple[Take, ...]:
        """Both orders of two dossiers, by every seat."""
        return pair_takes(self.instrument, first, second)

    def most_usd(self, takes: Iterable[Take]) -> float:
        """The most these takes can cost, the checks of endpoints that were never asked included."""
        asked = [take for take in takes if self.waits_for(take) is None]
        models = {name for take in asked for name in self._who_answers(take)}
        unchecked = [name for name in models if self._ladder.known(self.callers[name].info) is None]
        return most_of_all(self.instrument, asked, unchecked)

    def waits_for(self, take: Take) -> str | None:
        """The run that has asked this in a provider batch which is not brought home, null when there is none."""
        return self._done.waits_for(take.assignment.key)

    def begin(self, takes: Sequence[Take]) -> None:
        """Journal the dossier of these takes, its lines and the panel's assignments."""
        panel, dossier, first = self.instrument.panel, takes[0].dossiers[0], takes[0].lines[0]
        self._write_dossier(dossier, [take.lines[0] for take in takes])
        self.journal.append_once(f"{panel.digest}/{dossier.digest}", "assigned", lambda: {
            "panel_digest": panel.digest, "tool_id": dossier.id, "dossier_digest": dossier.digest,
            "lines_digest": first.digest, "seats": len(panel.seats),
            "keys": [{"key": take.assignment.key, "kind": take.assignment.kind, "model": take.assignment.model,
                      "persona_id": take.assignment.persona_id, "repeat": take.assignment.repeat} for take in takes],
        })

    def _write_dossier(self, dossier: Dossier, all_lines: Iterable[DossierLines]) -> None:
        self.journal.append_once(dossier.digest, "dossier", lambda: {"record": dossier.model_dump(mode="json")})
        for lines in all_lines:
            self._write_lines(dossier, lines)

    def _write_lines(self, dossier: Dossier, lines: DossierLines) -> None:
        self.journal.append_once(lines.digest, "lines", lambda: {
            "dossier_digest": dossier.digest, "record": lines.model_dump(mode="json")})

    def left(self, takes: Sequence[Take]) -> list[Take]:
        """Those that no earlier run has finished."""
        return [take for take in takes if not self._done.has(take.assignment.key)]

    def kept_unscored(self, takes: Sequence[Take]) -> int:
        """How many of them an earlier run has finished without an answer."""
        return sum(self._done.is_unscored(take.assignment.key) for take in takes)

    async def carry_out(self, takes: Sequence[Take], purse: Allotment, take_in: Callable[[Outcome], None]) -> None:
        """Carry out the takes and journal what each comes to, then give it to `take_in`, as they come.

        All at once, but one by one on an endpoint with one slot; where a prefix is worth caching the first goes alone,
        so that the others find it. A journal that cannot be written stops the run.
        """

        async def one(take: Take) -> None:
            with purse.seat():
                outcome = await self._carry_out(take, purse)
            if outcome is None:
                return
            try:
                self.journal.append(outcome.key, outcome.kind, {"record": outcome.model_dump(mode="json")})
            except StoreError as error:
                self.stop(error)
            else:
                take_in(outcome)

        waiting = list(takes)
        while waiting:
            head = 1 if self._goes_alone(waiting[0], first=len(waiting) == len(takes)) else len(waiting)
            now, waiting = waiting[:head], waiting[head:]
            await asyncio.gather(*map(one, now))

    def _goes_alone(self, take: Take, first: bool) -> bool:
        info = self.callers[take.assignment.model].info
        if info.max_in_flight == 1:
            return True
        size = sum(len(line.text) for lines in take.lines for line in lines.lines)
        return first and bool(info.price_cached) and size / 4 > PREFIX_WORTH_WAITING

    async def _carry_out(self, take: Take, purse: Allotment) -> Outcome | None:
        """One assignment, by the seat's model or else by the fallback; None when it is left for the next run."""
        waits_for = self.waits_for(take)
        if waits_for is not None:
            self.short = self.short or LeftForLater(f"run {waits_for} waits for a provider batch that asks this; "
                                                    f"`ship-panel collect {waits_for}` brings the answers home")
            return None
        answers = self._done.take_answers(take.assignment.key)
        asker: Asker | None = None
        rung: Rung | None = None
        failure: ModelError | VerdictError
        for name in self._who_answers(take):
            if self.stopped is not None:
                return None
            asker = self._asker(name, take, purse, answers, asker)
            try:
                rung = await self._ladder.rung_for(asker.caller.info, asker.check)
                rung, answer = await self._read_lower(take, asker, rung)
                return self._outcome(take, asker, rung, answer)
            except (BudgetExceeded, LeftForLater) as error:
                self.short = self.short or error
                return None
            except (ModelError, VerdictError) as error:
                failure = error
                if not isinstance(error, ModelUnavailable | Quarantined):
                    break
            except PanelError as error:
                self.stop(error)
                return None
        assert asker is not None
        kind = unscored_kind(failure, asker.caller)
        if kind is None:
            self.stop(failure)
            return None
        return self._outcome(take, asker, rung, {"unscored": str(failure), "unscored_kind": kind,
                                                 "reasked": kind == "unreadable"})

    def _who_answers(self, take: Take) -> list[str]:
        """The seat's model, and the fallback where one was named."""
        fallback = self.instrument.fallback
        return list(dict.fromkeys(filter(None, (take.assignment.model, fallback))))

    def _asker(self, name: str, take: Take, purse: Allotment, answers: Sequence[dict[str, Any]],
               before: Asker | None) -> Asker:
        """What asks the model `name`; of the answers an earlier run paid for, it reads those of its endpoint."""
        caller = self.callers[name]
        kept = [line for line in answers if line["completion"]["endpoint"] in (None, caller.info.endpoint)]
        asker = Asker(caller, take.assignment, purse, kept)
        if before is not None:
            asker.go_on_from(before)
        return asker

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
        folder = self.instrument.folders[asker.caller.name]
        if take.seat is None:
            return dict(await read_brief(asker, folder, take.lines[0], rung))
        if len(take.lines) == 2:
            persona = self.instrument.personas[take.seat.persona_id]
            return dict(await read_comparison(asker, folder, (take.lines[0], take.lines[1]), persona, rung))
        seat = take.seat.model_copy(update={"model": asker.caller.name}) if asker.caller.name != take.seat.model \
            else take.seat
        return dict(await self.instrument.reviewer(seat, rung).review(asker, take.lines[0]))

    def _outcome(self, take: Take, asker: Asker, rung: Rung | None, answer: dict[str, Any]) -> Outcome:
        kind = OUTCOMES[take.assignment.kind]
        return kind(**self._common(take, asker, rung), **self._about(take), **answer)

    def _common(self, take: Take, asker: Asker, rung: Rung | None) -> dict[str, Any]:
        assignment = take.assignment
        answered = [answer.model for answer in asker.completions if answer.model]
        return {
            "key": assignment.key, "run_id": self.run_id, "wave": assignment.wave, "repeat": assignment.repeat,
            "model": assignment.model, "model_answered": answered[-1] if answered else None,
            "fallback": asker.caller.name if asker.caller.name != assignment.model else None,
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
