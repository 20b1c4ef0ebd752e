"""One endpoint: how many calls may be under way there, when the next may go, and whether anything answers at all.

Every wait is here: for a slot (`slots`), for the pace (`pace`), for the time a server asked for, for an endpoint that
does not answer (`circuit`). Time is the event loop's. Knows nothing of what is asked or what it costs.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from typing import Any

from panel.errors import ModelError, ModelUnavailable, PanelError
from panel.models.circuit import Circuit
from panel.models.pace import Pace
from panel.models.slots import FIRST, Lots, Slots

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 8.0
"""The pause after a rejection that does not say how long; doubled each time nothing was answered in between."""
IDLE_S = 1.0
"""An endpoint that nobody asked for so long is opened gently again."""
BY_RATE = 0.75
"""Rejected while it held less than this share of what it has held before: too often, not too many at once."""


class _Call:
    """A call under way: when it was sent and, itself counted, how many were under way then."""

    __slots__ = ("held", "sent_at")

    def __init__(self, sent_at: float, held: int) -> None:
        self.sent_at = sent_at
        self.held = held


class _Burst:
    """Rejections of calls that were all sent before the first of them came back: one episode."""

    def __init__(self, moment: float, under_way: int) -> None:
        self.moment = moment
        self.held = under_way


class Endpoint:
    """One endpoint's limits. To be used on one event loop; `lane` names the model that asks, for fair turns.

    A call is `enter`, then `answered` or `failed`, then `leave`, all in one task. `most` calls may be under way at
    once. `patience` is how many seconds of rejections without an answer make it gone, those it asked for not counted;
    `give_up_s` how long it may not answer at all.
    """

    def __init__(self, name: str, most: int, *, patience: float = 600.0, give_up_s: float = 120.0,
                 chance: random.Random | None = None) -> None:
        self.name = name
        self.most = most
        self._slots = Slots(most)
        self._lots = Lots()
        self._pace = Pace()
        self._circuit = Circuit(patience, give_up_s)
        self._chance = chance or random.Random()
        self._lanes: dict[str, deque[asyncio.Future[_Call]]] = {}
        self._calls: dict[Any, _Call] = {}
        self._in_flight = 0
        self._last_sent = -math.inf
        self._shut_until: float | None = None
        self._shut_at = -math.inf
        self._burst: _Burst | None = None
        self._bursts = 0
        """Bursts in a row without an answer to a call sent after the last one."""
        self._by_lot = False
        self._alone = False
        """Whether one call goes first, and no other before it is answered."""
        self._probe: _Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped: PanelError | None = None

    async def enter(self, lane: str) -> None:
        """Wait for a turn. Raises ModelUnavailable when the endpoint is gone, or what `stop` was given."""
        self._refuse()
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._lanes and self._wait(now) <= 0.0:
            self._calls[asyncio.current_task()] = self._send(now)
            return
        turn: asyncio.Future[_Call] = loop.create_future()
        self._lanes.setdefault(lane, deque()).append(turn)
        self._admit()
        try:
            call = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._end(turn.result())
            raise
        if self._stopped is not None or self._circuit.gone:  # since the turn was given
            self._end(call)
            self._refuse()
        self._calls[asyncio.current_task()] = call

    def leave(self) -> None:
        """The call of this task is over."""
        self._end(self._calls.pop(asyncio.current_task()))

    def answered(self, seconds: float) -> None:
        """An answer came after `seconds`, whatever it said."""
        now = asyncio.get_running_loop().time()
        call = self._calls[asyncio.current_task()]
        self._alive(call, now)
        self._slots.answered(now, seconds, call.held, sure=call.sent_at > self._shut_at)

    def failed(self, error: ModelError, about: object = None) -> None:
        """A call failed; a status means that somebody answered. `about` is what was asked about (default: this task).

        What always fails alone, about one thing, is no sign that the endpoint is dead.
        """
        now = asyncio.get_running_loop().time()
        call = self._calls[asyncio.current_task()]
        if not isinstance(error, ModelUnavailable) or error.cut:
            self._alive(call, now)
        elif error.status == 429:
            self._rejected(call, error, now)
        else:
            self._slots.strained(now, silent=error.status is None and not error.refused)
            pause = self._circuit.failed(error, now, about or asyncio.current_task(), probe=call is self._probe)
            if pause is not None:
                self._alone = True
                self._shut(now, pause)
            if error.retry_after is not None:
                self._shut(now, error.retry_after)
        if self._circuit.gone:
            self._tell_all()

    def stop(self, why: PanelError) -> None:
        """Let nobody in any more: whoever waits raises `why`."""
        self._stopped = self._stopped or why
        self._tell_all()

    @property
    def gone(self) -> bool:
        """Whether nothing has answered here for too long."""
        return self._circuit.gone

    @property
    def silent(self) -> bool:
        """Whether nobody is answered at present: what fails now is no fault of what is asked."""
        return self._circuit.open or self._circuit.gone

    def check(self) -> None:
        """Raises ModelUnavailable when the endpoint is gone, instead of burning the list."""
        if self._circuit.gone:
            raise ModelUnavailable(self._circuit.why, refused=True)

    def _refuse(self) -> None:
        if self._stopped is not None:
            raise self._stopped
        self.check()

    def _wait(self, now: float) -> float:
        """Seconds until a call may go; infinite where it has to wait for the end of another."""
        if self._shut_until is not None:
            if now < self._shut_until:
                return self._shut_until - now
            self._open(now)
        if self._alone:
            return 0.0 if self._probe is None else math.inf
        if self._in_flight == 0 and now - self._last_sent > IDLE_S:
            self._slots.open_from(now, FIRST)
        if self._in_flight >= self._slots.cap(now):
            return self._slots.grows_in(now)
        return self._pace.wait(now)

    def _send(self, now: float) -> _Call:
        self._in_flight += 1
        self._last_sent = now
        self._pace.sent(now)
        call = _Call(now, self._in_flight)
        if self._in_flight >= self._slots.limit:
            self._slots.full = True
        if self._alone:
            self._probe = call
        return call

    def _end(self, call: _Call) -> None:
        self._in_flight -= 1
        if call is self._probe:
            self._probe = None
        if self._lanes:
            self._admit()

    def _admit(self) -> None:
        """Let in who may go, lane by lane, and come back when the next may."""
        loop = asyncio.get_running_loop()
        while self._lanes:
            now = loop.time()
            wait = self._wait(now)
            if wait > 0.0:
                self._come_back(loop, now + wait)
                return
            turn = self._next_turn()
            if turn is not None:
                turn.set_result(self._send(now))

    def _next_turn(self) -> asyncio.Future[_Call] | None:
        """The first of the lane whose turn it is; the lane goes to the end. None when that one has given up."""
        lane, turns = next(iter(self._lanes.items()))
        del self._lanes[lane]
        turn = turns.popleft()
        if turns:
            self._lanes[lane] = turns
        return None if turn.done() else turn

    def _come_back(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
            self._timer = None
        if when < math.inf:
            self._timer = loop.call_at(when, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._admit()

    def _tell_all(self) -> None:
        why = self._stopped or ModelUnavailable(self._circuit.why, refused=True)
        lanes, self._lanes = self._lanes, {}
        for turns in lanes.values():
            for turn in turns:
                if not turn.done():
                    turn.set_exception(why)

    def _alive(self, call: _Call, now: float) -> None:
        """A call was answered. A good end of the one that went first lets the others follow."""
        self._circuit.answered()
        self._lots.answered()
        if call.sent_at <= self._shut_at:
            return
        if self._bursts > 1:
            self._pace.refilled(call.sent_at, now)
        self._bursts = 0
        if self._alone:
            self._alone = False
            self._slots.open_from(now, self._in_flight + 1)

    def _rejected(self, call: _Call, error: ModelUnavailable, now: float) -> None:
        """A 429: nothing goes out until the server's time, or ours, is over."""
        self._pace.rejected()
        if call.sent_at <= self._shut_at:  # sent before we knew
            if self._burst is not None:
                self._burst.held -= 1
        else:
            self._shut_at = now
            self._bursts += 1
            self._burst = _Burst(now, self._in_flight - 1)
            self._by_lot = self._lots.rejected() if self._bursts == 1 else self._by_lot
            self._alone = self._bursts > 1
            self._shut(now, self._own_pause(call, error, now))
        if error.retry_after is not None:
            self._shut(now, error.retry_after)
        self._circuit.rejected(error, now)

    def _own_pause(self, call: _Call, error: ModelUnavailable, now: float) -> float:
        """Long enough for the rest of the burst to come back; growing where the server does not say how long."""
        back = min(max(1.2 * (now - call.sent_at), 0.001), LONGEST_PAUSE_S)
        if error.retry_after is not None and self._bursts <= 2:
            return back
        first = max(FIRST_PAUSE_S, 2 * self._pace.interval())
        pause = min(first * 2.0 ** min(self._bursts - 1, 16), LONGEST_PAUSE_S)
        return max(back, pause * self._chance.uniform(0.75, 1.25))

    def _shut(self, now: float, seconds: float) -> None:
        self._shut_until = max(self._shut_until or -math.inf, now + seconds)

    def _open(self, now: float) -> None:
        """The pause is over: learn from what was rejected, and open gently."""
        self._shut_until = None
        burst, self._burst = self._burst, None
        if burst is not None:
            paced = self._pace.known and not self._slots.full
            by_rate = paced or burst.held < BY_RATE * self._slots.proved
            self._pace.exhausted(burst.moment, now, by_rate=by_rate)
            if self._by_lot:
                self._slots.keep_some()
            elif not by_rate:
                self._slots.shrink(now, burst.held)
        self._last_sent = now  # shut, not idle
        self._slots.open_from(now, self._in_flight + 1)
