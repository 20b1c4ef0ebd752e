"""The job every peer does: the prompts, the shape of a verdict, and the report at the end.

Runs in a peer's own environment, so it needs nothing but pydantic. Words: URL PROMPTS_FILE LAUNCHES IN_FLIGHT
STORM(0|1) REPORT_FILE.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

TIMEOUT = 5
"""Seconds a call may take in the storm, where the library can be told; a normal one takes 0.5 at most."""
PLENTY = 1_000_000_000
"""Where a library wants a rate limit a minute: none."""


class Point(BaseModel):
    point: str
    text: str


class Claim(BaseModel):
    text: str
    lines: list[int]


class Because(BaseModel):
    point: str
    text: str


class Verdict(BaseModel):
    points: list[Point]
    claims: list[Claim]
    missing: list[str]
    because: Because
    score: int = Field(ge=0, le=100)
    verdict: Literal["ship", "skip"]
    confidence: int = Field(ge=0, le=100)


class Ask(NamedTuple):
    """One assignment: what stands before and in the user's message."""

    system: str
    user: str

    @property
    def messages(self) -> list[dict[str, str]]:
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]


class Job:
    """What was asked for on the command line, and the count of what came."""

    def __init__(self) -> None:
        self.url, prompts, launches, in_flight, storm, report = sys.argv[1:7]
        self.in_flight = int(in_flight)
        self.storm = storm == "1"
        self.report_file = Path(report)
        said = json.loads(Path(prompts).read_text())
        self.asks = [Ask(said["system"], launch + persona)
                     for launch in said["launches"][: int(launches)] for persona in said["personas"]]
        self.good = 0
        self.errors: Counter[str] = Counter()

    def lost(self, error: object) -> None:
        """Note why a verdict did not come."""
        said = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)
        self.errors[" ".join(said.split())[:120]] += 1

    def got(self, text: str | dict[str, object] | BaseModel | None) -> None:
        """Count an answer, validated here unless the library did it."""
        try:
            if isinstance(text, str):
                Verdict.model_validate_json(text)
            elif not isinstance(text, Verdict):
                Verdict.model_validate(text.model_dump() if isinstance(text, BaseModel) else text)
            self.good += 1
        except ValueError as error:
            self.lost(error)

    async def run(self, ask_one: Callable[[Ask], Awaitable[str | BaseModel | None]]) -> None:
        """Every assignment through `ask_one`, `in_flight` workers at once."""
        waiting: Iterator[Ask] = iter(self.asks)

        async def worker() -> None:
            for ask in waiting:
                try:
                    self.got(await ask_one(ask))
                except Exception as error:  # whatever a library raises is a lost verdict
                    self.lost(error)

        await asyncio.gather(*(worker() for _ in range(self.in_flight)))

    def report(self) -> None:
        """Write what came."""
        said = {"got": self.good, "asked": len(self.asks), "errors": self.errors.most_common(20)}
        self.report_file.write_text(json.dumps(said))
