"""An event loop whose clock jumps to the next timer, and a server with a hidden limit that lives on it.

What takes minutes takes no time here. The endpoint's limits under test are the real ones: only the network is not.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hidden_limits import Limit, Meter

from panel.errors import ModelError, ModelUnavailable
from panel.models.endpoint import Endpoint

Result = TypeVar("Result")


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: the time that it should wait is added to the loop's clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits and nothing will ever happen"
            self.now += max(0.0, timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def in_virtual_time(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


@dataclass
class Server:
    """Answers after about `latency` seconds, rejects after `rejects_after`."""

    limit: Limit
    latency: float = 0.5
    rejects_after: float = 0.002
    tells: bool = True
    jitter: float = 0.3

    def __post_init__(self) -> None:
        self.meter = Meter(self.limit, self.tells, grace=self.rejects_after + 1e-6)
        self.at: list[float] = []
        self._chance = random.Random(7)

    async def ask(self) -> None:
        """One request. Raises the 429 that the real wire would."""
        now = asyncio.get_running_loop().time()
        self.at.append(now)
        wait = self.meter.admit(now)
        if wait is not None:
            await asyncio.sleep(self.rejects_after)
            raise ModelUnavailable("slow down (429)", status=429, retry_after=float(wait) if wait else None)
        try:
            await asyncio.sleep(self.latency * self._chance.uniform(1 - self.jitter, 1 + self.jitter))
        finally:
            self.meter.leave()


async def one_call(endpoint: Endpoint, ask: Callable[[], Coroutine[Any, Any, None]], lane: str = "m") -> bool:
    """As the caller does it: true when it was answered."""
    loop = asyncio.get_running_loop()
    await endpoint.enter(lane)
    try:
        began = loop.time()
        await ask()
        endpoint.answered(loop.time() - began)
        return True
    except ModelError as error:
        endpoint.failed(error)
        return False
    finally:
        endpoint.leave()


async def keep_asking(endpoint: Endpoint, server: Server, seconds: float, workers: int = 256) -> None:
    """As many as want to ask, for so long."""
    loop = asyncio.get_running_loop()

    async def work() -> None:
        while loop.time() < seconds:
            await one_call(endpoint, server.ask)

    tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
