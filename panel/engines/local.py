"""The engine of one process: an event loop on a background thread, and a bounded map on it.

Knows nothing of reviews.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

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


class _End(NamedTuple):
    """The end of a map: of itself (null) or by an exception."""

    error: Exception | None = None


async def map_bounded(
    function: Callable[[Item], Awaitable[Result]], items: AsyncIterable[Item], at_once: int
) -> AsyncIterator[Result]:
    """Results of `function` over `items` as they come, at most `at_once` under way; items are pulled one by one.

    Waiting for an item holds up no result. An exception of `function` or of `items` cancels what is under way and is
    raised.
    """
    room = asyncio.Semaphore(at_once)
    results: asyncio.Queue[tuple[Result] | _End] = asyncio.Queue()
    under_way: set[asyncio.Task[None]] = set()

    async def carry_out(item: Item) -> None:
        try:
            results.put_nowait((await function(item),))
        except Exception as error:  # whoever iterates raises it
            results.put_nowait(_End(error))
        finally:
            room.release()

    async def start_all() -> None:
        try:
            async for item in items:
                await room.acquire()
                task = asyncio.create_task(carry_out(item))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            for _ in range(at_once):
                await room.acquire()
            results.put_nowait(_End())
        except Exception as error:  # the same
            results.put_nowait(_End(error))

    starter = asyncio.create_task(start_all())
    try:
        while not isinstance(found := await results.get(), _End):
            yield found[0]
        if found.error is not None:
            raise found.error
    finally:
        left = [*under_way, starter]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
