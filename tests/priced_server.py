"""A loopback endpoint that bills: it counts tokens, charges its prices, fails, and keeps the only true account.

What a call is billed never passes what its request allows: a token of input is at least a byte, output ends at
max_tokens. `price_out` and the rest are US dollars a token. Fates are drawn from `rng`, one a call.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from fault_server import asked_of

from panel.models.scripted import Options, answer_to

NO_FAULTS = {"ok": 1.0}


@dataclass
class Tariff:
    """What one model costs, how it counts and how it fails."""

    price_in: float
    price_out: float
    fates: dict[str, float] = field(default_factory=lambda: dict(NO_FAULTS))
    """Fate -> weight: ok, garbage (is asked again), length (cut by max_tokens), failing, truncated, hang, limited."""
    tokens_a_byte: tuple[float, float] = (0.2, 0.3)
    tokens_out: tuple[float, float] = (0.1, 1.0)
    """Shares of max_tokens; both 1 or less, unless `absolute`."""
    absolute: bool = False
    """`tokens_out` are tokens, drawn as a normal of mean and deviation."""
    overbills: float = 1.0
    """Times the tokens that it counts: some that nobody sees."""


class PricedServer:
    """`with PricedServer() as server: server.url`. Runs in a thread with a loop of its own."""

    def __init__(self, seed: int = 0, latency: float = 0.0) -> None:
        self.rng = random.Random(seed)
        self.latency = latency
        self.tariffs: dict[str, Tariff] = {}
        """Model name -> tariff; `*` for all others."""
        self.billed = 0.0
        """US dollars, since the account was last opened."""
        self.calls = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def open_account(self) -> None:
        """Begin to count at nothing."""
        self.billed, self.calls = 0.0, 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> PricedServer:
        self._thread.start()
        assert self._ready.wait(10), "the priced server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        tariff = self.tariffs.get(body["model"]) or self.tariffs["*"]
        fate = self.rng.choices(list(tariff.fates), list(tariff.fates.values()))[0]
        if fate == "limited":
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "0.01"})
        usage, cost = self._bill(body, tariff, fate)
        self.calls += 1
        self.billed += cost
        if self.latency:
            await asyncio.sleep(self.rng.uniform(0, 2 * self.latency))
        return await self._said(request, body, fate, usage)

    def _bill(self, body: dict[str, Any], tariff: Tariff, fate: str) -> tuple[dict[str, Any], float]:
        most = body.get("max_tokens") or body["max_completion_tokens"]
        size = sum(len(message["content"].encode()) for message in body["messages"])
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        size += len(json.dumps(schema)) if schema else 0
        tokens_in = int(size * self.rng.uniform(*tariff.tokens_a_byte))
        if tariff.absolute:
            tokens_out = max(1, min(most, round(self.rng.gauss(*tariff.tokens_out))))
        else:
            tokens_out = max(1, int(most * self.rng.uniform(*tariff.tokens_out)))
        if fate == "length":
            tokens_out = most
        tokens_in, tokens_out = int(tokens_in * tariff.overbills), int(tokens_out * tariff.overbills)
        cost = tokens_in * tariff.price_in + tokens_out * tariff.price_out
        return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}, cost

    async def _said(self, request: web.Request, body: dict[str, Any], fate: str,
                    usage: dict[str, Any]) -> web.StreamResponse:
        if fate == "failing":
            return web.json_response({"error": {"message": "the server had an error"}}, status=500)
        if fate == "hang":
            await asyncio.sleep(3600)
        text = "I think so." if fate == "garbage" else answer_to(asked_of(body), Options())[0]
        answer = json.dumps({
            "model": body["model"], "usage": usage,
            "choices": [{"index": 0, "finish_reason": "length" if fate == "length" else "stop",
                         "message": {"role": "assistant", "content": text}}]})
        if fate == "truncated":
            answer = answer[: len(answer) // 2]
        return web.Response(text=answer, content_type="application/json")
