"""The loop around one call: journal what is sent, wait for a slot, ask, journal the answer, try again.

An answer that an earlier, killed run has paid for is taken from its journal and not asked again. Knows nothing of
what the answer means.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tenacity

from panel.errors import ModelDeclined, ModelError, ModelUnavailable, PanelError
from panel.journal import Journal, stamp, utc_now
from panel.models import Model
from panel.models.limits import Budget, Endpoint
from panel.models.redact import redact
from panel.schema import Assignment, Completion, ModelInfo, Prompt, Record, Request, Rung, Sampling, Spent, digest_of
from panel.settings import Retry

MAX_FAILURES = 5
"""Failures other than 429 after which an assignment is quarantined."""
MAX_CUTS = 3
"""How often a cut answer is asked again: one cut by max_tokens each time with twice the room."""


class Quarantined(ModelError):
    """An assignment failed too often on an endpoint that answers others; it is not asked again."""


class Step(Record):
    """Which call of an assignment this is. `step` is unique within the assignment and the same on every run."""

    step: str
    kind: str


class Caller:
    """One model, its endpoint's limits, the run's journal and budget."""

    def __init__(self, model: Model, info: ModelInfo, journal: Journal, budget: Budget, retry: Retry,
                 secrets: Sequence[str] = ()) -> None:
        self.model = model
        self.name = info.name
        self.info = info
        self.endpoint = Endpoint(self.info.max_in_flight)
        self.on_answer: Callable[[Completion], None] = lambda completion: None
        self._journal = journal
        self._budget = budget
        self._stopping: PanelError | None = None
        self._stopped = asyncio.Event()
        self._retry = retry
        self._secrets = tuple(secrets)
        self._sequence = itertools.count(1)

    def asker(self, assignment: Assignment, replay: Sequence[dict[str, Any]] = ()) -> Asker:
        """What one assignment asks through. `replay` are `answer` lines of earlier runs for its key."""
        return Asker(self, assignment, replay)

    def most_usd(self, request: Request) -> float | None:
        """The most a call can cost: a token is at least one UTF-8 byte. Null when a price is unknown."""
        if self.info.price_in is None or self.info.price_out is None:
            return None
        size = sum(len(message.content.encode("utf-8", "replace")) for message in request.prompt.messages)
        return size * self.info.price_in + request.max_tokens * self.info.price_out

    async def send(self, assignment: Assignment, step: Step, request: Request, attempt: int) -> Completion:
        """One journalled attempt. Raises ModelError, BudgetExceeded or StoreError."""
        async with self.endpoint.slots:
            self.endpoint.check()
            if self._stopping:
                raise self._stopping
            most = self.most_usd(request)
            self._budget.reserve(most)
            number = next(self._sequence)
            self._write_sent(assignment, step, request, {"seq": number, "attempt": attempt, "reserved_usd": most})
            cost: float | None = None
            completion, failure = None, None
            try:
                completion = self._without_secrets(await self.model.complete(request))
                cost = completion.cost_usd
                self.endpoint.answered()
            except ModelError as error:
                failure = error
                cost = 0.0 if costs_nothing(error) else None
                self.endpoint.failed(error)
                raise
            finally:
                self._budget.settle(most, cost)
                self._write_answer(assignment.key, step, {"seq": number, "attempt": attempt}, completion, failure)
        self.on_answer(completion)
        return completion

    def stop(self, why: PanelError) -> None:
        """Begin no further call, and wake those that wait to try again. To be called on the event loop."""
        self._stopping = self._stopping or why
        self._stopped.set()

    def _without_secrets(self, completion: Completion) -> Completion:
        """The completion as it came, unless a server echoes a key in it: keys are kept out of the journal."""
        changes = {}
        for field in ("text", "reasoning", "model", "fingerprint"):
            said = getattr(completion, field)
            if said and any(secret in said for secret in self._secrets):
                changes[field] = redact(said, self._secrets)
        return completion.model_copy(update={**changes, "logprobs": ()}) if changes else completion

    def retrying(self) -> tenacity.AsyncRetrying:
        """When a transport fault is tried again, and after how long."""
        wait = tenacity.wait_random_exponential(multiplier=self._retry.wait, max=self._retry.longest_wait)

        def wait_as_told(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            told = getattr(error, "retry_after", None)
            return float(told) if told is not None else wait(state)

        def may_help(error: BaseException) -> bool:
            return isinstance(error, ModelUnavailable) and not self.endpoint.gone

        async def sleep(seconds: float) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), seconds)

        return tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(may_help), wait=wait_as_told, sleep=sleep,
            stop=tenacity.stop_after_delay(self._retry.patience), reraise=True,
        )

    def _write_sent(self, assignment: Assignment, step: Step, request: Request, fields: dict[str, Any]) -> None:
        digest = self.write_messages(request.prompt)
        self._journal.append(assignment.key, "sent", {
            **fields, "step": step.step, "kind": step.kind, "tool_id": "+".join(assignment.tool_ids),
            "persona_id": assignment.persona_id, "repeat": assignment.repeat, "wave": assignment.wave,
            "messages": digest, "model": self.name, "endpoint": self.info.endpoint, "rung": request.rung,
            "params": request.model_dump(mode="json", exclude={"prompt", "answer_schema", "rung", "grammar"},
                                         exclude_defaults=True),
            "at": stamp(utc_now()),
        })

    def write_messages(self, prompt: Prompt) -> str:
        """Journal the messages, each distinct part once; returns their digest."""
        digest = prompt.messages_digest

        def whole() -> dict[str, Any]:
            rows = []
            for message in prompt.messages:
                parts = [digest_of(part) for part in message.parts]
                for name, part in zip(parts, message.parts, strict=True):
                    self._journal.append_once(name, "part", lambda part=part: {"text": part})  # type: ignore[misc]
                rows.append({"role": message.role, "parts": parts})
            return {"messages": rows}

        self._journal.append_once(digest, "messages", whole)
        return digest

    def _write_answer(self, key: str, step: Step, fields: dict[str, Any], completion: Completion | None,
                      failure: ModelError | None) -> None:
        if completion is None and failure is None:
            return  # cancelled: sent and not answered counts as spent
        self._journal.append(key, "answer", {
            **fields, "step": step.step, "result": result_word(failure),
            "error": str(failure) if failure else None,
            "http_status": completion.http_status if completion else getattr(failure, "status", None),
            "at": stamp(utc_now()),
            "completion": completion.model_dump(mode="json") if completion else None,
        })


def costs_nothing(error: ModelError) -> bool:
    """Whether nobody bills for a call that ended so; a timeout or a 5xx may have been worked on and billed."""
    return getattr(error, "refused", False) or error.status in (400, 401, 402, 403, 404, 429)


def result_word(failure: ModelError | None) -> str:
    """How the journal names the end of a call."""
    if failure is None:
        return "ok"
    if isinstance(failure, ModelUnavailable):
        return "unavailable"
    return "declined" if isinstance(failure, ModelDeclined) else "rejected"


class Asker:
    """The calls of one assignment, and what they took together."""

    def __init__(self, caller: Caller, assignment: Assignment, replay: Sequence[dict[str, Any]]) -> None:
        self.caller = caller
        self.assignment = assignment
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
        options = {**base.model_dump(exclude={"max_tokens"}), **sampling}
        request = Request(prompt=prompt, answer_schema=answer_schema, rung=rung, grammar=grammar, stop=stop,
                          max_tokens=room, top_logprobs=top_logprobs, **options)
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
        failures = cuts = 0
        async for trial in self.caller.retrying():
            with trial:
                try:
                    self.attempts += 1
                    return await self.caller.send(self.assignment, step, request, next(attempts))
                except ModelUnavailable as error:
                    cuts += error.cut
                    failures += error.status != 429 and not (error.refused or error.cut)
                    if failures >= MAX_FAILURES or cuts > MAX_CUTS:
                        raise Quarantined(f"{failures + cuts} failures, the last: {error}") from error
                    raise
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
