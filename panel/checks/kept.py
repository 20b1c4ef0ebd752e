"""What was made of a dossier, kept while its personas need it: each of them looks into the same one.

Knows nothing of what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Made = TypeVar("Made")

MOST = 256
"""More dossiers than are read at once; the oldest goes first."""


class Kept(Generic[Made]):
    """The last MOST things made, by digest. Two threads at once make the same thing twice."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Made] = {}

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key`, or what `make` gives."""
        found = self._made.get(key)
        if found is None:
            found = make()
            if len(self._made) >= MOST:
                self._made.pop(next(iter(self._made)), None)
            self._made[key] = found
        return found
