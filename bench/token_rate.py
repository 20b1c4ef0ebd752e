"""The embedded engine: tokens a second through our wire against what the same server reports for one bare call.

`python -m bench.token_rate`. Both generate the same number of tokens after the same cached prompt, in turns; ours is
timed on the wall and so includes HTTP, JSON and the event loop. Also: how much of the prompts of a real review (four
personas, one dossier) came from the cache.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from panel.dossiers import read_dossiers
from panel.instrument import Instrument
from panel.models.llama_cpp import LlamaCpp
from panel.run import review_dossiers
from panel.schema import Message, Prompt, Request
from panel.settings import Settings

TOKENS = 200
TURNS = 7
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "code-llama-4.yaml"


def bare(address: str, key: str, messages: list[dict[str, str]]) -> float:
    """Tokens a second the server reports for one call of nobody else's client."""
    body = {"messages": messages, "max_tokens": TOKENS, "temperature": 0}
    request = urllib.request.Request(f"{address}/v1/chat/completions", data=json.dumps(body).encode(), headers={
        "Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        timings: dict[str, Any] = json.load(answer)["timings"]
    return float(timings["predicted_per_second"])


async def main() -> None:
    """Print both rates, their ratio, and the cached share."""
    prompt = Prompt(messages=(Message(role="user", parts=("Write a long story of a lighthouse, with many names.",)),))
    request = Request(prompt=prompt, max_tokens=TOKENS, temperature=0.0)
    model = LlamaCpp("starter")
    await model.complete(request.model_copy(update={"max_tokens": 1}))
    server, key = model._server, model._wire._headers["Authorization"].removeprefix("Bearer ")  # type: ignore[union-attr]
    reported, ours = [], []
    for _ in range(TURNS):
        reported.append(await asyncio.to_thread(bare, server.listening_address, key, prompt.wire()))
        begin = time.perf_counter()
        answer = await model.complete(request)
        ours.append((answer.tokens_out or 0) / (time.perf_counter() - begin))
    await model.close()
    print(f"the server reports {statistics.median(reported):.1f} tokens/s for a bare call; through our wire "
          f"{statistics.median(ours):.1f} tokens/s on the wall; ratio "
          f"{statistics.median(ours) / statistics.median(reported):.3f} (promised: 0.90)")


def cached_share() -> None:
    """How much of the prompts of a review came from the cache."""
    with TemporaryDirectory() as folder:
        def fail(error: Exception) -> None:
            raise error

        settings = Settings(model="local:starter", runs=folder)
        totals = review_dossiers(read_dossiers([str(EXAMPLE)], report=fail), Instrument(settings, "")).totals
    print(f"of {totals.tokens_in} prompt tokens of one tool's review {totals.tokens_cached} came from the cache "
          f"({totals.tokens_cached / totals.tokens_in:.0%}); {totals.calls} calls")


if __name__ == "__main__":
    asyncio.run(main())
    cached_share()
