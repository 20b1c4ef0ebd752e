"""Our own cost of a verdict: CPU, throughput and memory of the real command line against a bare aiohttp loop.

    python -m bench.overhead [--tools 2000] [--latency 0.5] [--in-flight 256] [--readme] [--litellm CALLS] [--cold]

One row a case. The endpoint is `bench.server`, in a process of its own on the same machine. Ours is `ship-panel
review --depth verdict` in a child process, with journal, checks and store. The bare loop posts the very bodies that
ours would, over one aiohttp session, reads the JSON and validates the verdict with our `parse_verdict`; it runs before
and after ours, and the mean counts. Each is run twice, over FEW tools and over all, and what is printed is the
difference: what does not grow with the work (start-up, the import of DuckDB, an empty store made, the end of the
interpreter, the wait for the first answer) falls out of both alike, what does (asking, journal, checks, the load of
the store) is in it. Wall seconds of ours run from its first review sent to the end of the process. `whole` is the
ratio with nothing taken off but what comes before that first request. Read ratios and CPU: wall seconds move with
whatever else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from bench.server import serving
from panel.dossiers import cut_lines, read_dossiers
from panel.models.chat import chat_body
from panel.personas import DEFAULT_SEATS, load_personas
from panel.prompts import load_prompts, render_review
from panel.schema import DossierLines, Persona, Request
from panel.verdicts import answer_schema, parse_verdict

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FEW = 10
MOST_TOKENS = 12_000
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Seen(NamedTuple):
    """What a run took: CPU seconds, wall seconds, verdicts, MB at its peak, seconds to its first verdict."""

    cpu: float
    wall: float
    verdicts: int
    peak: float = 0.0
    first: float = 0.0

    def less(self, other: Seen) -> Seen:
        """What this run took more than a smaller one."""
        return Seen(self.cpu - other.cpu, self.wall - other.wall, self.verdicts - other.verdicts)

    @property
    def milliseconds(self) -> float:
        """CPU a verdict."""
        return 1000 * self.cpu / self.verdicts

    @property
    def rate(self) -> float:
        """Verdicts a second."""
        return self.verdicts / self.wall


class Asked(NamedTuple):
    """One request of the bare loop, and what its answer is validated against."""

    body: bytes
    persona: Persona
    lines: DossierLines


def launches(tools: int) -> list[dict[str, Any]]:
    """The first one-line launches."""
    with (DATA / "launches.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in itertools.islice(file, tools)]


def readmes(tools: int) -> list[dict[str, Any]]:
    """The README-sized dossiers, over and over; each line of a copy is made its own, so that no cache knows it."""
    whole = [json.loads(path.read_text("utf-8")) for path in sorted((DATA / "dossiers").glob("*.json"))]
    found = []
    for number in range(tools):
        record = dict(whole[number % len(whole)])
        described = str(record["description"]).splitlines()
        record["description"] = "\n".join(f"{line} {number}." if line.endswith(".") else line for line in described)
        found.append({**record, "name": f"{record['name']} {number}"})
    return found


def written(records: Iterable[dict[str, Any]], path: Path) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def bodies(path: Path) -> Iterator[Asked]:
    """What ours would send for these dossiers."""
    def fail(error: Exception) -> None:
        raise error

    folder, personas = load_prompts("review"), load_personas()
    for dossier in read_dossiers([str(path)], strict=True, report=fail):
        lines = cut_lines(dossier, MOST_TOKENS)
        for seat in DEFAULT_SEATS:
            persona = personas[seat]
            request = Request(prompt=render_review(folder, lines, persona, "verdict"), max_tokens=2000,
                              answer_schema=answer_schema(persona, "verdict"))
            yield Asked(json.dumps(chat_body(request, "m")).encode(), persona, lines)


def cpu() -> float:
    """CPU seconds of this process so far, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def bare(url: str, asked: list[Asked], in_flight: int) -> Seen:
    """aiohttp alone: post, read the JSON, validate the verdict."""
    waiting = iter(asked)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def worker() -> None:
            for one in waiting:
                async with session.post(f"{url}/chat/completions", data=one.body) as response:
                    answer = json.loads(await response.read())
                parse_verdict(answer["choices"][0]["message"]["content"], one.persona, one.lines, "verdict")

        before, begin = cpu(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return Seen(cpu() - before, time.perf_counter() - begin, len(asked))


async def bare_litellm(url: str, asked: list[Asked], in_flight: int) -> Seen:
    """litellm.acompletion, one event loop; the first call, which opens and imports, is not counted."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    async def one(item: Asked) -> None:
        body = json.loads(item.body)
        answer = await litellm.acompletion(model="openai/m", api_base=url, api_key="none", max_retries=0,
                                           messages=body["messages"], max_tokens=body["max_tokens"],
                                           response_format=body["response_format"])
        parse_verdict(answer.choices[0].message.content, item.persona, item.lines, "verdict")

    await one(asked[0])
    waiting = iter(asked)

    async def worker() -> None:
        for item in waiting:
            await one(item)

    before, begin = cpu(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return Seen(cpu() - before, time.perf_counter() - begin, len(asked))


def ours(url: str, dossiers: Path, in_flight: int) -> Seen:
    """The command line over these dossiers, from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        words = [sys.executable, "-m", "panel", "review", str(dossiers), "--depth", "verdict", "--model", f"{url}#m",
                 "--max-in-flight", str(in_flight), "--runs", str(runs), "--quiet"]
        began = time.time()
        said = Path(folder) / "said"
        with said.open("wb") as file:
            process = subprocess.Popen(words, stdout=file, stderr=file, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.time()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"ship-panel review ended in {process.returncode}: {said.read_text()[-1000:]}")
        first_sent, first_review, verdicts = journal_of(runs)
    return Seen(usage.ru_utime + usage.ru_stime, ended - first_sent, verdicts, usage.ru_maxrss / 1024,
                first_review - began)


def journal_of(runs: Path) -> tuple[float, float, int]:
    """When the first review was sent, when the first was done, and how many have a verdict."""
    sent = review = 0.0
    verdicts = 0
    for path in sorted(runs.glob("*/journal-*.jsonl")):
        for line in path.open("rb"):
            if not sent and b'"t":"sent"' in line and b'"kind":"review"' in line:
                sent = datetime.fromisoformat(json.loads(line)["at"]).timestamp()
            elif b'"t":"review"' in line:
                verdicts += b'"unscored":null' in line
                review = review or datetime.fromisoformat(json.loads(line)["record"]["finished_at"]).timestamp()
    return sent, review, verdicts


def compare(name: str, url: str, records: list[dict[str, Any]], in_flight: int) -> None:
    """One row: bare, ours (few and all), bare again."""
    with tempfile.TemporaryDirectory() as folder:
        whole = written(records, Path(folder) / "all.jsonl")
        few = written(records[:FEW], Path(folder) / "few.jsonl")
        asked = list(bodies(whole))
        gc.collect()
        gc.freeze()  # what waits here for the bare loop is not to cost it a collection
        first = asyncio.run(bare(url, asked[:FEW * len(DEFAULT_SEATS)], in_flight))
        before = asyncio.run(bare(url, asked, in_flight))
        small, large = ours(url, few, in_flight), ours(url, whole, in_flight)
        after = asyncio.run(bare(url, asked, in_flight))
    mine = large.less(small)
    mean = Seen((before.cpu + after.cpu) / 2, (before.wall + after.wall) / 2, before.verdicts)
    limit = mean.less(first)
    print(f"{name:34s} {mine.milliseconds:8.2f} {limit.milliseconds:8.2f} {mine.rate:8.0f} {limit.rate:8.0f} "
          f"{mine.rate / limit.rate:7.2f} {large.rate / mean.rate:7.2f} {large.peak:7.0f}", flush=True)


def litellm_row(url: str, records: list[dict[str, Any]], in_flight: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asked = list(bodies(written(records, Path(folder) / "all.jsonl")))
    seen = asyncio.run(bare_litellm(url, asked, in_flight))
    print(f"{f'litellm.acompletion, {len(asked)} calls':34s} {'':8} {seen.milliseconds:8.2f} {'':8} {seen.rate:8.0f}",
          flush=True)


def cold(records: list[dict[str, Any]]) -> None:
    """From the command to the first verdict, of a server that answers at once."""
    with serving(0) as url, tempfile.TemporaryDirectory() as folder:
        one = written(records[:1], Path(folder) / "one.jsonl")
        seconds = sorted(ours(url, one, 4).first for _ in range(5))
    print(f"first verdict from a cold process: fastest {seconds[0]:.2f} s, median {seconds[2]:.2f} s")


def main(words: Sequence[str] = ()) -> None:
    """Print a row a case."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead")
    parser.add_argument("--tools", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds the server takes to answer")
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--readme", action="store_true", help="README-sized dossiers instead of one-line launches")
    parser.add_argument("--litellm", type=int, default=0, metavar="CALLS", help="bare litellm too, so many calls")
    parser.add_argument("--cold", action="store_true", help="the first verdict of a cold process too")
    given = parser.parse_args(words)
    records = readmes(given.tools) if given.readme else launches(given.tools)
    kind = "READMEs" if given.readme else "launches"
    print(f"{'':34s} {'ours':>8} {'bare':>8} {'ours':>8} {'bare':>8} {'ratio':>7} {'whole':>7} {'peak':>7}\n"
          f"{'':34s} {'ms CPU':>8} {'ms CPU':>8} {'/s':>8} {'/s':>8} {'':>7} {'':>7} {'MB':>7}")
    with serving(given.latency) as url:
        compare(f"{len(records)} {kind}, {given.in_flight} in flight, {given.latency:g} s", url, records,
                given.in_flight)
        if given.litellm:
            litellm_row(url, records[:given.litellm // len(DEFAULT_SEATS)], given.in_flight)
    if given.cold:
        cold(records)


if __name__ == "__main__":
    main(sys.argv[1:])
