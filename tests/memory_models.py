"""Models for the tests of the memory: functions of the whole prompt, some with chance that the seed decides.

The plug-ins of `tests/test_memory.py`, named `memory_models:First` and so on.
"""

from __future__ import annotations

import hashlib
import json
import random
import re

from panel.models.scripted import answer_to, parse_options
from panel.schema import Completion, ModelInfo, Prompt, Request


class First:
    """Scores by a digest of all it reads; the same prompt gets the same score."""

    salt = "first"
    noise = 0.0
    """Standard deviation of a score over seeds."""
    spread = 90
    """Scores lie in so many points about the middle."""
    answered_as: str | None = None
    fingerprint: str | None = None

    def info(self) -> ModelInfo:
        return ModelInfo(name=type(self).__name__, endpoint=f"test:{type(self).__name__}", rung="json_schema",
                         price_in=0.0, price_cached=0.0, price_out=0.0, price_version="test")

    async def complete(self, request: Request) -> Completion:
        text = whole(request.prompt)
        read = self.reads(text)
        score = self.pure_score(read)
        if self.noise:
            score += round(random.Random(f"{self.salt} {request.seed} {text}").gauss(0, self.noise))
        score = min(100, max(0, score))
        written, _ = answer_to(request, parse_options(""))
        if "Your motto: unreadable" in text:
            written = "{}"
        answer = {**json.loads(written), "score": score, "verdict": "ship" if score >= 50 else "skip"}
        return Completion(text=json.dumps(answer), finish_reason="stop", tokens_in=100, tokens_cached=0, tokens_out=100,
                          cost_usd=0.0, price_version="test", model=self.answered_as or type(self).__name__,
                          endpoint=self.info().endpoint, fingerprint=self.fingerprint)

    def pure_score(self, read: str) -> int:
        """What chance is added to."""
        return 50 - self.spread // 2 + _number(self.salt, read) % self.spread

    def reads(self, text: str) -> str:
        """As much of the messages as its score depends on."""
        return text

    async def close(self) -> None:
        """Nothing to give back."""


class Second(First):
    """Another reader: the same prompt gets another score."""

    salt = "second"


class Steady(First):
    """Always the same score."""

    spread = 1


class Boastful(Steady):
    """The same score, and says it tried the tool."""

    async def complete(self, request: Request) -> Completion:
        made = await super().complete(request)
        answer = json.loads(made.text)
        if "quote" in answer:  # a brief has none
            answer["quote"] = "I tried it twice last week. " + answer["quote"]
        return made.model_copy(update={"text": json.dumps(answer)})


class Loose(First):
    """Its score differs by 4 points from take to take."""

    noise = 4.0


class LooseToo(Loose):
    """Another reader who is no steadier."""

    salt = "too"


class Deaf(First):
    """Looks at who asks and at the name of the tool only: no other change reaches it, and takes differ by 6 points."""

    noise = 6.0
    spread = 40

    def reads(self, text: str) -> str:
        return "".join(re.findall(r"^(?:Persona: .*|\[1\] .*)$", text, re.M))


class DeafToo(Deaf):
    """Another who hears no more."""

    salt = "deaf too"
    spread = 90


class Renamed(First):
    """Answers under the name the test last gave it, and reads by it."""

    def reads(self, text: str) -> str:
        return f"{self.answered_as} {text}"


def whole(prompt: Prompt) -> str:
    """All that is said."""
    return "\n".join(message.content for message in prompt.messages)


def _number(*texts: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(texts).encode()).digest()[:8])
