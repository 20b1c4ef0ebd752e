"""What earlier answers of a model took, as numbers. Knows nothing of where they were read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

ENOUGH = 8
"""Earlier assignments from which their mean says more than a guess."""


class Spread(NamedTuple):
    """Mean and standard deviation of so many numbers."""

    mean: float
    deviation: float
    number: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The deviation is that of a sample (n - 1)."""
        if not values:
            return cls(0.0, 0.0, 0)
        mean = sum(values) / len(values)
        squares = sum((value - mean) ** 2 for value in values)
        return cls(mean, math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else 0.0, len(values))


class Calls(NamedTuple):
    """All calls a model was sent in the runs that are looked at."""

    sent: int
    failed: int
    """Without an answer, and may have been billed: each counts what was reserved for it."""
    reserved_usd: float
    """For a call, on average."""
    a_second: float | None
    """In the quickest run."""


class Past(NamedTuple):
    """The assignments of one kind that a model has finished at one depth; re-asks and probes are in the numbers."""

    model: str
    kind: str
    depth: str
    tokens_out: Spread
    """Of an assignment."""
    tokens_a_byte: Spread
    """All prompt tokens of an assignment, by the UTF-8 bytes of its first messages."""
    cached_share: float
    calls_each: float
    """Calls an assignment was answered in."""
    calls: Calls

    @property
    def key(self) -> tuple[str, str, str]:
        """Model, kind and depth."""
        return self.model, self.kind, self.depth

    @property
    def enough(self) -> bool:
        """Whether to expect the same again."""
        return self.tokens_out.number >= ENOUGH and self.tokens_a_byte.number >= ENOUGH


class History(NamedTuple):
    """Pasts by model, kind and depth."""

    pasts: dict[tuple[str, str, str], Past]
