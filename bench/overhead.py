"""Our own cost of a verdict on one-line launches: CPU a verdict, and throughput against a bare aiohttp loop.

`python -m bench.overhead [TOOLS]`. Server and client are separate processes on the same machine; both loops send the
same bodies to the same server, one after the other in one run, so read the ratio and not the seconds.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from panel.dossiers import read_dossiers
from panel.instrument import Instrument
from panel.models.chat import chat_body
from panel.prompts import render_review
from panel.run import review_dossiers
from panel.schema import Dossier, Request
from panel.settings import Settings

LAUNCHES = Path(__file__).resolve().parents[2] / "shared" / "data" / "launches.jsonl"
SERVER = Path(__file__).resolve().parents[1] / "tests" / "fault_server.py"
IN_FLIGHT = 256
LATENCY = 0.5
"""Seconds the server takes to answer, as DESIGN.md section 4 measured with."""


def cpu() -> float:
    """CPU seconds of this process so far, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def bare(url: str, bodies: list[bytes]) -> None:
    """The same bodies, sent by aiohttp alone and read as JSON."""
    waiting = iter(bodies)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            for body in waiting:
                async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
                    json.loads(await response.read())

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


def main() -> None:
    """Print CPU a verdict of both, and the ratio of their throughputs."""
    tools = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    words = [sys.executable, str(SERVER), "0", str(LATENCY)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base = server.stdout.readline().split()[-1].rstrip("/")
        url = base if base.endswith("/v1") else f"{base}/ok/v1"
        try:
            compare(url, tools)
        finally:
            server.kill()


def compare(url: str, tools: int) -> None:
    """One run of ours, then the bare loop over the very bodies it sent."""
    def fail(error: Exception) -> None:
        raise error

    found: list[Dossier] = []
    for dossier in read_dossiers([str(LAUNCHES)], strict=True, report=fail):
        found.append(dossier)
        if len(found) == tools:
            break
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(model=f"{url}#m", depth="verdict", runs=folder, max_in_flight=IN_FLIGHT,
                            models={f"{url}#m": {"model": f"{url}#m", "rung": "json_schema"}})
        instrument = Instrument(settings, "")
        review_dossiers(found[:10], instrument)  # warm: imports, the thread, the first connections
        bodies = []
        for dossier in found:
            for seat in instrument.panel.seats:
                reviewer = instrument.reviewer(seat, "json_schema")
                prompt = render_review(reviewer.folder, instrument.lines(dossier, seat.model), reviewer.persona,
                                       "verdict")
                request = Request(prompt=prompt, answer_schema=reviewer.schema, max_tokens=2000)
                bodies.append(json.dumps(chat_body(request, "m")).encode())
        before, begin = cpu(), time.perf_counter()
        asyncio.run(bare(f"{url}/chat/completions", bodies))
        bare_cpu, bare_wall = cpu() - before, time.perf_counter() - begin
        before, begin = cpu(), time.perf_counter()
        result = review_dossiers(found[10:], Instrument(settings, ""))
        our_cpu, our_wall = cpu() - before, time.perf_counter() - begin
    verdicts = result.totals.scored
    print(f"ours: {our_cpu / verdicts * 1000:.2f} ms CPU a verdict, {verdicts / our_wall:.0f} verdicts/s "
          f"({verdicts} verdicts, store loaded)")
    print(f"bare aiohttp: {bare_cpu / len(bodies) * 1000:.2f} ms CPU a call, {len(bodies) / bare_wall:.0f} calls/s")
    print(f"throughput ratio: {verdicts / our_wall / (len(bodies) / bare_wall):.2f}")


if __name__ == "__main__":
    main()
