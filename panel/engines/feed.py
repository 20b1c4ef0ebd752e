"""Items of a slow or blocking source, read ahead by a thread, for a consumer on an event loop.

A source that blocks (standard input, a pipe) then blocks nobody else. Knows nothing of what the items are.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")

AHEAD = 256
"""Items read ahead at most."""
AT_ONCE = 64
"""The reader is woken when so many have been taken: waking it for each would cost more than reading does."""


class Feed(Generic[Item]):
    """`async for item in Feed(source)`. An exception of the source is raised where its item would have come."""

    def __init__(self, source: Iterable[Item]) -> None:
        self._source = source
        self._items: deque[Item] = deque()
        self._room = threading.Semaphore(AHEAD)
        self._taken = 0
        self.ended = False
        """Whether the source has been read to its end."""
        self._woken = False
        self._error: BaseException | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._waits = False
        threading.Thread(target=self._read, name="ship-panel-feed", daemon=True).start()

    def close(self) -> None:
        """Read no further. A reader that is blocked in its source is left to it."""
        self._closed = True
        self._room.release()
        self._arrived.set()

    def wake(self) -> None:
        """End the iteration under way when nothing more is at hand; a new one goes on from there."""
        self._woken = True
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Item]:
        self._woken = False
        while not self._closed:
            if self._items:
                yield self._items.popleft()
                self._taken += 1
                if self._taken == AT_ONCE:
                    self._taken = 0
                    self._room.release(AT_ONCE)
                continue
            self._arrived.clear()
            self._waits = True
            if not self._items:
                if self.ended or self._woken:
                    break
                await self._arrived.wait()
            self._waits = False
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for item in self._source:
                self._room.acquire()
                if self._closed:
                    return
                self._items.append(item)
                self._tell()
        except BaseException as error:  # the consumer raises it
            self._error = error
        finally:
            self.ended = True
            self._tell(last=True)

    def _tell(self, last: bool = False) -> None:
        if (self._waits or last) and not self._loop.is_closed():
            self._waits = False
            self._loop.call_soon_threadsafe(self._arrived.set)
