"""The calls of one assignment: asked through its caller, again after a fault, and what they took together.

An answer that an earlier, killed run has paid for is taken from its journal and not asked again. Knows nothing of
what the answers mean.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from panel.errors import ModelDeclined, ModelError, ModelUnavailable
from panel.models.budget import Allotment
from panel.models.caller import Caller, Step
from panel.schema import Assignment, Completion, Prompt, Request, Rung, Sampling, Spent

MAX_FAILURES = 5
"""Failures other than 429 after which an assignment is quarantined."""
MAX_CUTS = 3
"""How often a cut answer is asked again: one cut by max_tokens each time with twice the room."""


class Quarantined(ModelError):
    """An assignment failed too often on an endpoint that answers others; it is not asked again."""


class Asker:
    """The calls of one assignment, and what they took together."""

    def __init__(self, caller: Caller, assignment: Assignment, purse: Allotment,
                 replay: Sequence[dict[str, Any]]) -> None:
        self.caller = caller
        self.assignment = assignment
        self.purse = purse
        self.completions: list[Completion] = []
        self.attempts = 0
        """Calls sent, the failed ones included."""
        self._replay: dict[str, list[Completion]] = {}
        for line in replay:
            answer = Completion.model_validate(line["completion"])
            self._replay.setdefault(line["step"], []).append(answer)

    async def __call__(self, step: str, kind: str, prompt: Prompt, *, answer_schema: dict[str, Any] | None = None,
                       rung: Rung = "prompt", grammar: str | None = None, max_tokens: int | None = None,
                       top_logprobs: int = 0, stop: tuple[str, ...] = (), **sampling: Any) -> Completion:
        """Ask, with retries; an answer cut short is asked again with more room.

        Raises ModelUnavailable when patience ends, Quarantined after MAX_FAILURES, ModelDeclined, ModelRejected.
        """
        base: Sampling = self.assignment.sampling
        room = max_tokens or base.max_tokens
        options = {**dict(base), "max_tokens": room, **sampling}
        request = Request(prompt=prompt, answer_schema=answer_schema, rung=rung, grammar=grammar, stop=stop,
                          top_logprobs=top_logprobs, **options)
        may_be_cut = max_tokens is not None
        attempts = itertools.count(1)
        for cuts in range(MAX_CUTS + 1):
            completion = await self._ask_until_answered(Step(step=step, kind=kind), request, attempts)
            self.completions.append(completion)
            if completion.finish_reason == "content_filter":
                raise ModelDeclined(f"{self.caller.name}: the provider's content policy withheld the answer")
            if completion.finish_reason != "length" or may_be_cut:
                return completion
            if cuts < MAX_CUTS:
                request = request.model_copy(update={"max_tokens": request.max_tokens * 2})
        raise Quarantined(f"{self.caller.name}: the answer was cut {MAX_CUTS + 1} times, last at {request.max_tokens} "
                          "tokens")

    @property
    def models(self) -> tuple[str, ...]:
        """The model as asked, and as its endpoint names it."""
        answered = [answer.model for answer in self.completions[-1:] if answer.model]
        return tuple(dict.fromkeys((self.caller.name, *answered)))

    def go_on_from(self, other: Asker) -> None:
        """Count what another model was asked for the same assignment, in vain, as part of what it took."""
        self.attempts += other.attempts
        self.completions.extend(other.completions)

    async def check(self, request: Request, step: str) -> Completion:
        """One of the small calls that show what an endpoint can do; journalled like any other."""
        completion = await self._ask_until_answered(Step(step=step, kind="check"), request, itertools.count(1))
        self.completions.append(completion)
        return completion

    async def _ask_until_answered(self, step: Step, request: Request, attempts: itertools.count[int]) -> Completion:
        kept = self._replay.get(step.step)
        if kept:
            next(attempts)
            self.attempts += 1
            return kept.pop(0)
        trials = _Trials(self, step, request, attempts)
        first: list[ModelUnavailable] = []
        try:
            return await trials.next()
        except ModelUnavailable as error:
            first.append(error)
        # Only now: setting up tenacity would cost every call more than all else that is done for it here.
        async for trial in self.caller.retrying():
            with trial:
                if first:
                    raise first.pop()
                return await trials.next()
        raise AssertionError("tenacity raises when it stops")

    @property
    def spent(self) -> Spent:
        """What all answered calls took; the cost is null when one of them has no price."""
        costs = [answer.cost_usd for answer in self.completions]
        known = [cost for cost in costs if cost is not None]
        return Spent(
            calls=len(self.completions),
            tokens_in=sum(answer.tokens_in or 0 for answer in self.completions),
            tokens_cached=sum(answer.tokens_cached or 0 for answer in self.completions),
            tokens_out=sum(answer.tokens_out or 0 for answer in self.completions),
            cost_usd=sum(known) if len(known) == len(costs) else None,
            seconds=round(sum(answer.seconds for answer in self.completions), 3),
        )


class _Trials:
    """The attempts at one call, and how many of them failed in which way."""

    def __init__(self, asker: Asker, step: Step, request: Request, attempts: itertools.count[int]) -> None:
        self._asker = asker
        self._step = step
        self._request = request
        self._attempts = attempts
        self._failures = 0
        self._cuts = 0

    async def next(self) -> Completion:
        """Send it once more. Raises Quarantined instead of what came when that came too often."""
        asker = self._asker
        asker.attempts += 1
        try:
            return await asker.caller.send(asker.assignment, asker.purse, self._step, self._request,
                                           next(self._attempts))
        except ModelUnavailable as error:
            self._cuts += error.cut
            # Where nobody is answered it is no fault of what this one asks.
            self._failures += error.status != 429 and not (
                error.refused or error.cut or asker.caller.endpoint.silent)
            if self._failures >= MAX_FAILURES or self._cuts > MAX_CUTS:
                raise Quarantined(f"{self._failures + self._cuts} failures, the last: {error}") from error
            raise
