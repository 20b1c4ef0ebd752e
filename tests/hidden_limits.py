"""Limits that a server keeps to itself: so many calls under way, or so many in a span of time. Times are in seconds."""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol


class Limit(Protocol):
    """What a server allows. `admit` returns null when it lets a request in, else seconds to wait (its Retry-After)."""

    def admit(self, now: float) -> float | None: ...
    def over(self) -> None: ...
    def capacity(self, seconds: float, latency: float) -> float:
        """Calls it lets through in so long, each of which takes `latency`."""
        ...


@dataclass
class InFlight:
    most: int
    wait: float = 1.0
    under_way: int = 0

    def admit(self, now: float) -> float | None:
        if self.under_way >= self.most:
            return self.wait
        self.under_way += 1
        return None

    def over(self) -> None:
        self.under_way -= 1

    def capacity(self, seconds: float, latency: float) -> float:
        return self.most * seconds / latency


@dataclass
class Bucket:
    """Tokens come back one by one; `burst` of them at most."""

    count: float
    burst: float
    span: float = 60.0
    tokens: float = -1.0
    at: float = 0.0

    def admit(self, now: float) -> float | None:
        if self.tokens < 0:
            self.tokens, self.at = self.burst, now
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.count / self.span)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) * self.span / self.count
        self.tokens -= 1
        return None

    def over(self) -> None: ...

    def capacity(self, seconds: float, latency: float) -> float:
        return self.count * seconds / self.span


@dataclass
class FixedWindow:
    count: int
    begins: float = 0.0
    span: float = 60.0
    window: int = -1
    used: int = 0

    def admit(self, now: float) -> float | None:
        window = math.floor((now + self.begins) / self.span)
        if window != self.window:
            self.window, self.used = window, 0
        if self.used >= self.count:
            return (window + 1) * self.span - (now + self.begins)
        self.used += 1
        return None

    def over(self) -> None: ...

    def capacity(self, seconds: float, latency: float) -> float:
        return self.count * seconds / self.span


@dataclass
class SlidingWindow:
    count: int
    span: float = 60.0
    accepted: deque[float] = field(default_factory=deque)

    def admit(self, now: float) -> float | None:
        while self.accepted and self.accepted[0] <= now - self.span:
            self.accepted.popleft()
        if len(self.accepted) >= self.count:
            return self.accepted[0] + self.span - now
        self.accepted.append(now)
        return None

    def over(self) -> None: ...

    def capacity(self, seconds: float, latency: float) -> float:
        return self.count * seconds / self.span


@dataclass
class Meter:
    """A limit, and the counts of what came up against it.

    `tells` says that a rejection names the seconds to wait, whole ones and rounded up, as in HTTP. `inside` counts
    requests that came before that time; what may have been on its way when it was named is not counted.
    """

    limit: Limit
    tells: bool
    grace: float = 0.05
    requests: int = 0
    rejected: int = 0
    inside: int = 0
    held: int = 0
    held_most: int = 0
    accepted: list[float] = field(default_factory=list)
    _told_at: float = -1.0
    _not_before: float = -1.0

    def admit(self, now: float) -> str | None:
        """Null: let in (`leave` when done); else the Retry-After, empty where the server does not tell."""
        self.requests += 1
        self.inside += self._told_at + self.grace < now < self._not_before
        wait = self.limit.admit(now)
        if wait is None:
            self.accepted.append(now)
            self.held += 1
            self.held_most = max(self.held_most, self.held)
            return None
        self.rejected += 1
        if not self.tells:
            return ""
        self._told_at, self._not_before = now, max(self._not_before, now + math.ceil(wait))
        return str(math.ceil(wait))

    def leave(self) -> None:
        self.held -= 1
        self.limit.over()

    def used(self, latency: float, after: float = 0.0) -> float:
        """The share of the capacity that was used from `after` seconds after the first request to the last."""
        if not self.accepted or self.accepted[-1] <= self.accepted[0] + after:
            return 0.0
        began = self.accepted[0] + after
        count = sum(moment > began for moment in self.accepted)
        return count / self.limit.capacity(self.accepted[-1] - began, latency)

    def counts(self, latency: float) -> dict[str, float]:
        """The counts, and the share of the capacity that was used: from the first request on, and after a minute."""
        return {"requests": self.requests, "rejected": self.rejected, "inside": self.inside,
                "accepted": len(self.accepted), "held_most": self.held_most,
                "seconds": self.accepted[-1] - self.accepted[0] if self.accepted else 0.0,
                "used": self.used(latency), "used_after_a_minute": self.used(latency, after=60.0)}


NAME = re.compile(r"(crowded|metered|sliding|bucket)-(\d+)(?:in(\d+))?(-told)?")


def meter_of(name: str) -> Meter | None:
    """The meter of a mode: `crowded-10` (under way), `metered-600` (a minute), `metered-60in2` (in 2 s), ...

    `sliding-` and `bucket-` likewise; with `-told` behind it rejections say how long to wait.
    """
    found = NAME.fullmatch(name)
    if found is None:
        return None
    count, span = int(found[2]), float(found[3] or 60)
    limits: dict[str, Limit] = {
        "crowded": InFlight(count), "metered": FixedWindow(count, span=span),
        "sliding": SlidingWindow(count, span=span), "bucket": Bucket(count, burst=max(1.0, count / span), span=span),
    }
    return Meter(limits[found[1]], tells=bool(found[4]))
