"""How much may be asked at once, for how much money, and whether the endpoint is there at all.

Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio

from panel.errors import BudgetExceeded, ModelError, ModelUnavailable

DEAD_AFTER = 5
"""Connections refused in a row, with no answer in between, before an endpoint is called gone."""


class Budget:
    """Money, by reservation: what a call could cost at most is set aside before it is sent.

    `cap` null means no cap. A call whose answer never came keeps its reservation: it may have been paid.
    """

    def __init__(self, cap: float | None = None) -> None:
        self.cap = cap
        self.spent = 0.0
        self.reserved = 0.0
        self.unknown = False
        """Whether some call's cost is not known."""

    def reserve(self, most: float | None) -> None:
        """Set aside `most` dollars. Raises BudgetExceeded when the cap could be passed."""
        if self.cap is None:
            return
        if most is None:
            raise BudgetExceeded("the price of the next call is not known, and a budget was given")
        if self.spent + self.reserved + most > self.cap + 1e-12:
            raise BudgetExceeded(f"the next call could cost {most:.4f} USD and pass the cap of {self.cap:.2f} USD "
                                 f"({self.spent:.4f} spent, {self.reserved:.4f} reserved)")
        self.reserved += most

    def settle(self, most: float | None, cost: float | None) -> None:
        """Replace a reservation by what the call cost; an unknown cost is taken to be the whole reservation."""
        if self.cap is not None:
            self.reserved -= most or 0.0
        self.unknown |= cost is None and most is None
        self.spent += (most or 0.0) if cost is None else cost

    @property
    def known_spent(self) -> float | None:
        """What was spent, calls without an answer at their most; null when a price is not known."""
        return None if self.unknown else self.spent


class Endpoint:
    """One endpoint's in-flight limit, and whether anything answers there."""

    def __init__(self, max_in_flight: int) -> None:
        self.max_in_flight = max_in_flight
        self.slots = asyncio.Semaphore(max_in_flight)
        self._refused = 0
        self._why: str | None = None

    def answered(self) -> None:
        """An answer came, whatever it said."""
        self._refused = 0

    def failed(self, error: ModelError) -> None:
        """A call failed; a status means that somebody answered."""
        if isinstance(error, ModelUnavailable) and error.refused:
            self._refused += 1
            self._why = str(error)
        else:
            self._refused = 0

    @property
    def gone(self) -> bool:
        """Whether nothing has answered here for too long."""
        return self._refused >= DEAD_AFTER

    def check(self) -> None:
        """Raises ModelUnavailable when the endpoint is gone, instead of burning the list."""
        if self.gone:
            raise ModelUnavailable(self._why or "the endpoint is gone", refused=True)
