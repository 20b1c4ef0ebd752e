"""One attempt at one call: set its money aside, wait for a slot, journal what is sent, ask, journal the answer.

Knows nothing of what the answer means, or of the assignment's other calls (`panel.models.asker`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import tenacity

from panel.errors import ModelDeclined, ModelError, ModelUnavailable, PanelError
from panel.journal import Journal, stamp, utc_now
from panel.models import Model
from panel.models.budget import Allotment
from panel.models.endpoint import Endpoint
from panel.models.redact import holds_secret, redact
from panel.schema import Assignment, Completion, ModelInfo, Prompt, Request, digest_of
from panel.settings import Retry


class Step(NamedTuple):
    """Which call of an assignment this is. `step` is unique within the assignment and the same on every run."""

    step: str
    kind: str


class Caller:
    """One model, its endpoint's limits (shared with other models there), and the run's journal."""

    def __init__(self, model: Model, info: ModelInfo, journal: Journal, endpoint: Endpoint, retry: Retry,
                 secrets: Sequence[str] = ()) -> None:
        self.model = model
        self.name = info.name
        self.info = info
        self.endpoint = endpoint
        self.faults = 0
        """Calls that failed and were, or may be, made again."""
        self._journal = journal
        self._stopped = asyncio.Event()
        self._retry = retry
        self._secrets = tuple(secrets)
        self.numbers: Iterator[int] = itertools.count(1)
        """Numbers the calls of a run: its callers share one."""

    async def send(self, assignment: Assignment, purse: Allotment, step: Step, request: Request,
                   attempt: int) -> Completion:
        """One journalled attempt. Raises ModelError, BudgetExceeded, StoreError or what the run was stopped with."""
        most = most_usd(self.info, request)
        # Others wait for what a check finds: it cannot wait for their money.
        await purse.reserve(most, wait=step.kind != "check")
        try:
            await self.endpoint.enter(self.name)
        except BaseException:
            purse.settle(most, 0.0)
            raise
        cost: float | None = 0.0
        try:
            number = next(self.numbers)
            which = {"seq": number, "attempt": attempt}
            self._write_sent(assignment, step, request, {**which, "reserved_usd": most})
            cost = None
            completion, failure = None, None
            began = time.monotonic()
            try:
                completion = without_secrets(await self.model.complete(request), self._secrets)
                cost = completion.cost_usd
                self.endpoint.answered(time.monotonic() - began)
            except ModelError as error:
                failure = error
                cost = 0.0 if costs_nothing(error) else None
                self.faults += 1
                self.endpoint.failed(error, assignment.tool_ids)
                raise
            finally:
                told = which if failure is None else {**which, "cost_usd": cost}
                self._write_answer(assignment.key, step, told, completion, failure)
        finally:
            self.endpoint.leave()
            purse.settle(most, cost)
        return completion

    def stop(self, why: PanelError) -> None:
        """Begin no further call, and wake those that wait to try again. To be called on the event loop."""
        self.endpoint.stop(why)
        self._stopped.set()

    def retrying(self) -> tenacity.AsyncRetrying:
        """When a transport fault is tried again, and after how long.

        What concerns everybody (429, Retry-After, nobody answers) is waited for in `Endpoint.enter`, for as long as
        the endpoint is not given up: a call that stands in line there has no patience of its own to lose. Here is the
        wait of one call after a fault of its own, jittered and growing.
        """
        own_faults = itertools.count()

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, ModelUnavailable) or error.status == 429 or error.retry_after is not None:
                return 0.0
            most = self._retry.wait if error.refused else self._retry.wait * 2.0 ** min(next(own_faults), 32)
            return random.uniform(0.0, min(most, self._retry.longest_wait))

        def may_help(error: BaseException) -> bool:
            return isinstance(error, ModelUnavailable) and not self.endpoint.gone

        async def sleep(seconds: float) -> None:
            if seconds > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), seconds)

        return tenacity.AsyncRetrying(retry=tenacity.retry_if_exception(may_help), wait=wait, sleep=sleep, reraise=True)

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
                parts = [_part_digest(part) for part in message.parts]
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
        self._journal.append(key, "answer", {**fields, **answer_fields(step, completion, failure)})


_ESCAPED = re.compile(r"\\u00([0-7][0-9a-fA-F])")


def without_secrets(completion: Completion, secrets: Sequence[str]) -> Completion:
    """The completion as it came, unless a server echoes a key in it: keys are kept out of the journal."""
    changes = {}
    for field in ("text", "reasoning", "model", "fingerprint", "finish_reason"):
        said = getattr(completion, field)
        if not said:
            continue
        if "\\u00" in said:  # a key may be written in escapes, which reading the answer would undo
            plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), said)
            said = plain if holds_secret(plain, secrets) else said
        if holds_secret(said, secrets):
            changes[field] = redact(said, secrets)
    return completion.model_copy(update={**changes, "logprobs": ()}) if changes else completion


def answer_fields(step: Step, completion: Completion | None, failure: ModelError | None) -> dict[str, Any]:
    """What an `answer` line says of a call, apart from its number."""
    return {
        "step": step.step, "result": result_word(failure), "error": str(failure) if failure else None,
        "http_status": completion.http_status if completion else getattr(failure, "status", None),
        "at": stamp(utc_now()), "completion": completion.model_dump(mode="json") if completion else None,
    }


@lru_cache(maxsize=512)
def _part_digest(text: str) -> str:
    """The digest of a part; rules, persona and the dossier of a tool under way come again and again."""
    return digest_of(text)


MESSAGE_BYTES = 32
"""Marks a chat template may put around a message, counted as tokens."""


def request_bytes(request: Request) -> int:
    """The most prompt tokens a request can be: a token is at least one UTF-8 byte; some providers count the schema."""
    size = sum(utf8_bytes(part) for message in request.prompt.messages for part in message.parts)
    return size + len(request.prompt.messages) * MESSAGE_BYTES + schema_bytes(request.answer_schema)


def utf8_bytes(text: str) -> int:
    """How long a text is as UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def most_usd(info: ModelInfo, request: Request) -> float | None:
    """The most one call of this model can cost, in US dollars; null when a price is not known."""
    if info.price_in is None or info.price_out is None:
        return None
    if info.price_in == 0 and info.price_out == 0:
        return 0.0
    return request_bytes(request) * info.price_in + request.max_tokens * info.price_out


_schema_sizes: list[tuple[dict[str, Any], int]] = []
MOST_SCHEMAS = 64


def schema_bytes(schema: dict[str, Any] | None) -> int:
    """The size of a schema as JSON; kept for the few that a run has."""
    if schema is None:
        return 0
    for kept, size in _schema_sizes:
        if kept == schema:  # every request has a copy, whose parts are the same objects: quick to compare
            return size
    if len(_schema_sizes) >= MOST_SCHEMAS:
        _schema_sizes.clear()
    size = len(json.dumps(schema))
    _schema_sizes.append((schema, size))
    return size


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
