"""Whether anything answers at an endpoint, when to try again where nothing does, and when to give up.

Knows no clock of its own: every moment (`now`) is given, in seconds of the event loop.
"""

from __future__ import annotations

from panel.errors import ModelUnavailable

NEVER_ANSWERED = 5
"""Failures after which an endpoint that never answered is gone: an address with a typing mistake."""
SILENT = 3
"""Calls in a row without any answer that open the circuit of an endpoint that had answered."""
FAILING = 10
"""Failures in a row, of whatever kind, that do."""
FIRST_PROBE_S, LONGEST_PROBE_S = 1.0, 30.0
"""Seconds to the first probe of an open circuit, doubled after each up to the second."""


class Circuit:
    """Closed while calls are answered; open: one call at growing distances; gone: nobody is asked any more.

    `patience` is how long rejections (429) without one answer are borne, the wait that the server asks for not
    counted; it is counted when the server breaks its word and rejects again. `give_up_s` is how long an open circuit
    is probed.
    """

    def __init__(self, patience: float, give_up_s: float) -> None:
        self.open = False
        self.gone = False
        self.why = "the endpoint is gone"
        """What the last failure said."""
        self._patience = patience
        self._give_up_s = give_up_s
        self._answers = False
        self._opened_at = 0.0
        self._distance = FIRST_PROBE_S
        self._reset()

    def _reset(self) -> None:
        self._silent = self._failed = 0
        self._about: object = None
        self._several = False
        self._until: float | None = None
        self._told = False
        self.open = False

    def answered(self) -> None:
        """A call was answered, whatever the answer said."""
        self._answers = True
        if self._failed or self._until is not None:
            self._reset()

    def rejected(self, error: ModelUnavailable, now: float) -> None:
        """A call was rejected with 429: somebody is there and does not answer."""
        self._silent = 0
        self.open = False
        self._answers = True
        if self._until is None:
            self._until = now + self._patience
        if error.retry_after is not None and not self._told:
            self._told = True
            self._until += error.retry_after
        if now >= self._until:
            self._end(f"{error}; and so for {self._patience:g} s")

    def failed(self, error: ModelUnavailable, now: float, about: object, *, probe: bool) -> float | None:
        """A call failed otherwise.

        `about` is what was asked about; `probe` says that it was the one call that an open circuit lets go.
        Returns the seconds to the next probe where that is now known.
        """
        self.why = str(error)
        if self.open:
            return self._probed_in_vain(now) if probe else None
        self._failed += 1
        self._silent = self._silent + 1 if error.status is None else 0
        self._several |= self._about is not None and self._about != about
        self._about = about
        if not self._answers and self._silent >= NEVER_ANSWERED:
            self._end(self.why)
        elif self._is_dead(error):
            self.open = True
            self._opened_at = now
            self._distance = FIRST_PROBE_S
            return self._distance
        return None

    def _is_dead(self, error: ModelUnavailable) -> bool:
        """Whether it is the endpoint's fault: failures about one thing alone may be the fault of that."""
        if not self._answers:
            return self._failed >= NEVER_ANSWERED
        if self._silent >= SILENT and (self._several or error.refused):
            return True
        return self._failed >= FAILING and self._several

    def _probed_in_vain(self, now: float) -> float | None:
        if now - self._opened_at >= self._give_up_s:
            self._end(f"{self.why}; and so for {now - self._opened_at:.0f} s")
            return None
        self._distance = min(2 * self._distance, LONGEST_PROBE_S)
        return self._distance

    def _end(self, why: str) -> None:
        self.gone = True
        self.why = why
