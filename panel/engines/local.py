"""The engine of one process: an event loop on a background thread, and a bounded map on it.

Knows nothing of reviews.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def submit(work: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Run `work` on the one event loop of this process, which a daemon thread owns for as long as the process lives.

    One loop for all model calls: sessions and semaphores of async libraries belong to the loop they were made on.
    """
    return asyncio.run_coroutine_threadsafe(work, _the_loop())


def tell(function: Callable[..., None], *arguments: Any) -> None:
    """Have the event loop call `function` soon."""
    _the_loop().call_soon_threadsafe(function, *arguments)


def _the_loop() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="ship-panel-loop", daemon=True).start()
        return _loop


async def map_bounded(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int
) -> AsyncIterator[Result]:
    """Results of `function` over `items` as they come, at most `at_once` under way; items are pulled one by one.

    An exception of `function` cancels what is under way and is raised.
    """
    source = iter(items)
    under_way: set[asyncio.Task[Result]] = set()
    exhausted = False
    try:
        while True:
            while not exhausted and len(under_way) < at_once:
                try:
                    item = next(source)
                except StopIteration:
                    exhausted = True
                    break
                under_way.add(asyncio.ensure_future(function(item)))
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
