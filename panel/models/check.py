"""What a model can do, found out by asking it: for `ship-panel models check`.

Says in plain words what is missing. Knows nothing of reviews; retries nothing.
"""

from __future__ import annotations

import json
from typing import Any

from panel.errors import ModelDeclined, ModelError, ModelRejected
from panel.models import Model
from panel.models.ladder import RUNGS, binds, check_request
from panel.schema import Completion, Message, ModelInfo, Prompt, Record, Request, Rung

NOT_A_LOGPROB = -9000.0
"""OpenAI writes -9999 for a token it gives no probability; servers that fake logprobs write 0."""
_RUNG_WORDS = {
    "json_schema": "enforces a JSON schema",
    "tool": "ignores JSON schemas, follows a forced tool call",
    "json_object": "ignores schemas, gives JSON when asked for it",
    "prompt": "enforces no structure: answers are asked for in words and read strictly",
    "fields": "is asked one field at a time",
}


class CheckReport(Record):
    """What was found out. Null means: could not be found out, because nothing answered or it was not tried."""

    name: str
    endpoint: str
    reachable: bool
    local: bool = False
    problem: str | None = None
    """Why it cannot be used, in one line."""
    rung: Rung | None = None
    logprobs: bool | None = None
    counts_tokens: bool | None = None
    counts_cached: bool | None = None
    price_in: float | None = None
    price_out: float | None = None
    price_version: str | None = None
    context: int | None = None
    model_answered: str | None = None
    seconds: float | None = None
    """Of the first answer."""
    cost_usd: float | None = None
    """Of the whole check; null when a price is unknown."""

    @property
    def usable(self) -> bool:
        """Whether a panel can sit with it."""
        return self.reachable and self.problem is None

    def lines(self) -> list[str]:
        """The report in plain words, one thing a line."""
        if self.problem is not None:
            return [self.problem]
        return [
            f"{self.name} answers at {self.endpoint} ({self.seconds or 0:.1f} s"
            + (f", as {self.model_answered})" if self.model_answered else ")"),
            f"structure: {_RUNG_WORDS[self.rung or 'prompt']}",
            "probabilities: given" if self.logprobs else "probabilities: not given, so no P(ship) by probe",
            "tokens: counted" + (", cached ones apart" if self.counts_cached else "") if self.counts_tokens
            else "tokens: not counted, so its cost cannot be known",
            self._price_line(),
            f"context: {self.context:,} tokens" if self.context else
            f"context: unknown; long dossiers may not fit (set context under [models.\"{self.name}\"] in panel.toml)",
        ]

    def _price_line(self) -> str:
        if self.local and self.price_in is None:
            return "price: free"
        if self.price_in is None or self.price_out is None:
            return (f"price: unknown, so --budget cannot be used "
                    f"(set price_in and price_out under [models.\"{self.name}\"] in panel.toml)")
        if self.price_in == self.price_out == 0:
            return "price: free"
        return f"price: {self.price_in * 1e6:g} USD a million tokens in, {self.price_out * 1e6:g} out"


async def check_model(model: Model) -> CheckReport:
    """Ask `model` a handful of small questions. Never raises a ModelError: what goes wrong is in the report."""
    info = model.info()
    answers: list[Completion] = []
    try:
        rung = await _rung(model, info, answers)
        logprobs = await _gives_logprobs(model, answers)
    except ModelError as error:
        return _report(info, answers, reachable=bool(answers) or error.status is not None, problem=str(error))
    return _report(info, answers, reachable=True, rung=rung, logprobs=logprobs)


def really_logprobs(completion: Completion) -> bool:
    """Whether an answer carries probabilities that say something: some neither 0 nor a stand-in for none."""
    values = [token.logprob for token in completion.logprobs]
    values += [value for token in completion.logprobs for _, value in token.top]
    return any(NOT_A_LOGPROB < value < 0 for value in values)


async def _rung(model: Model, info: ModelInfo, answers: list[Completion]) -> Rung:
    """The best rung that binds; every refusal of a structure is one step down."""
    if info.rung == "fields":
        answers.append(await model.complete(_word_request(top_logprobs=0)))
        return "fields"
    refusal: ModelRejected | None = None
    for rung in RUNGS[:-1]:
        try:
            completion = await model.complete(check_request(rung))
        except ModelRejected as error:
            if error.status not in (400, 404, 422) or error.parameter == "model":
                raise
            refusal = error
            continue
        answers.append(completion)
        if binds(rung, completion.text):
            return rung
    if refusal is not None and not answers:  # every structure refused: is it the structure, or everything?
        answers.append(await model.complete(_word_request(top_logprobs=0)))
    return "prompt"


async def _gives_logprobs(model: Model, answers: list[Completion]) -> bool:
    try:
        completion = await model.complete(_word_request(top_logprobs=5))
    except (ModelRejected, ModelDeclined):
        return False
    answers.append(completion)
    return really_logprobs(completion)


def _word_request(top_logprobs: int) -> Request:
    """A question whose first word nobody can be sure of."""
    prompt = Prompt(messages=(Message(role="user", parts=("Say one English word, whichever you like.",)),))
    return Request(prompt=prompt, rung="prompt", max_tokens=16, top_logprobs=top_logprobs)


def _report(info: ModelInfo, answers: list[Completion], **found: Any) -> CheckReport:
    first = answers[0] if answers else None
    costs = [answer.cost_usd for answer in answers if answer.cost_usd is not None]
    return CheckReport(
        name=info.name, endpoint=info.endpoint, local=info.local, price_in=info.price_in, price_out=info.price_out,
        price_version=info.price_version, context=info.context,
        counts_tokens=first.tokens_in is not None and first.tokens_out is not None if first else None,
        counts_cached=any(answer.tokens_cached is not None for answer in answers) if first else None,
        model_answered=first.model if first else None, seconds=first.seconds if first else None,
        cost_usd=sum(costs) if first and len(costs) == len(answers) else None, **found,
    )


def report_json(report: CheckReport) -> str:
    """The report as one JSON object, for --json."""
    return json.dumps({**report.model_dump(mode="json"), "usable": report.usable})
