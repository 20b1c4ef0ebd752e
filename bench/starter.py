"""The starter over the real dossiers: reviews all, checks what is required of them, prints P(ship) by persona.

    python bench/starter.py DOSSIERS [--prompts] [--quotes 20]

It asks panel.fieldwise directly, one call after another, so that the seconds are the model's. `--prompts` measures
instead how well the probe of each persona tells good tools from bad, on tools that do not exist: the share of pairs
put in the right order (AUC), and the mean P(ship) of either kind, whose middle should lie near one half.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import re
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from panel.checks import flag_review
from panel.dossiers import cut_lines, read_dossiers
from panel.fieldwise import FieldReview, review_by_fields
from panel.fieldwise.choosing import Chooser
from panel.fieldwise.facts import word_runs
from panel.models.llama_cpp import LlamaCpp
from panel.personas import DEFAULT_SEATS, load_personas
from panel.prompts import load_prompts
from panel.schema import Completion, Dossier, DossierLines, Prompt, Request

DOSSIER_TOKENS = 900
TODAY = "2026-11-23"
SEED = 20

class Direct:
    """Asks a model without journal or retry."""

    def __init__(self, model: LlamaCpp) -> None:
        self.model = model
        self.calls: list[Completion] = []

    async def __call__(self, step: str, kind: str, prompt: Prompt, *, max_tokens: int | None = None,
                       **options: Any) -> Completion:
        answer = await self.model.complete(Request(prompt=prompt, max_tokens=max_tokens or 100, **options))
        self.calls.append(answer)
        return answer


Done = dict[tuple[str, str], tuple[FieldReview, DossierLines, float]]


async def review_all(model: LlamaCpp, dossiers: list[Dossier]) -> Done:
    personas, folder = load_personas(), load_prompts("small")
    done: Done = {}
    for dossier in dossiers:
        lines = cut_lines(dossier, DOSSIER_TOKENS)
        for seat in DEFAULT_SEATS:
            started = time.perf_counter()
            found = await review_by_fields(Direct(model), folder, lines, personas[seat], "full", today=TODAY)
            done[lines.name, seat] = (found, lines, time.perf_counter() - started)
    return done


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def faults(done: Done) -> list[str]:
    """Every way in which the reviews fall short of what is required."""
    personas, found = load_personas(), []
    names = sorted({name for name, _ in done})
    terms = {name: set(words(" ".join(line.text for line in done[name, "builder"][1].lines))) for name in names}
    common = Counter(term for each in terms.values() for term in each)
    quotes = Counter(review.verdict.quote for review, _, _ in done.values())
    found += [f"said {times} times: {quote}" for quote, times in quotes.items() if times > 1]
    for (name, seat), (review, lines, _) in done.items():
        quote = review.verdict.quote or ""
        rare = [term for term in set(words(quote)) & terms[name] if common[term] <= 3]
        if len(rare) < 2:
            found.append(f"{name} {seat}: fewer than two rare terms: {rare}")
        for claim in review.verdict.claims:
            if not claim.lines or not set(claim.lines) <= set(lines.by_number):
                found.append(f"{name} {seat}: claim on no line: {claim.text}")
        found += [f"{name} {seat}: {flag.kind}: {flag.reason}"
                  for flag in flag_review(review.verdict, lines, personas[seat], "full")]
    for name, (one, other) in itertools.product(names, itertools.combinations(DEFAULT_SEATS, 2)):
        first, second = (word_runs(done[name, seat][0].verdict.quote or "", 6) for seat in (one, other))
        shared = first & second
        if shared:
            found.append(f"{name}: {one} and {other} share six words: {' '.join(min(shared))}")
    return found


def table(done: Done) -> None:
    print(f"{'persona':20} ships skips  mean    sd   min   max  scores")
    for seat in DEFAULT_SEATS:
        mine = [review for (_, each), (review, _, _) in done.items() if each == seat]
        chances = [review.probe.p_ship for review in mine]
        scores = [review.verdict.score for review in mine]
        ships = sum(review.verdict.verdict == "ship" for review in mine)
        spread = f"{statistics.mean(chances):.3f} {statistics.pstdev(chances):.3f}"
        print(f"{seat:20} {ships:5} {len(mine) - ships:5} {spread} "
              f"{min(chances):.3f} {max(chances):.3f}  {min(scores)}-{max(scores)}")
    print("\n" + f"{'tool':22}" + "".join(f"{seat[:18]:>20}" for seat in DEFAULT_SEATS))
    for name in sorted({name for name, _ in done}):
        print(f"{name:22}" + "".join(f"{done[name, seat][0].probe.p_ship:20.3f}" for seat in DEFAULT_SEATS))


async def measure_prompts(model: LlamaCpp) -> None:
    personas, folder = load_personas(), load_prompts("small")
    tools = yaml.safe_load((Path(__file__).parent / "starter_tools.yaml").read_text("utf-8"))
    for seat in DEFAULT_SEATS:
        chances: dict[str, list[float]] = {"good": [], "bad": []}
        for kind, found in chances.items():
            for tool in tools[kind]:
                dossier = Dossier(id=tool["name"].lower(), name=tool["name"], tagline=tool["tagline"], license="MIT",
                                  description="\n\n".join(tool["lines"]))
                chooser = Chooser(Direct(model), folder, cut_lines(dossier), personas[seat])
                found.append((await chooser.probe()).p_ship)
        pairs = list(itertools.product(chances["good"], chances["bad"]))
        auc = statistics.mean((good > bad) + (good == bad) / 2 for good, bad in pairs)
        means = "   ".join(f"{kind} {statistics.mean(found):.3f}" for kind, found in chances.items())
        print(f"{seat:20} AUC {auc:.2f}   {means}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dossiers", nargs="*")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--prompts", action="store_true")
    parser.add_argument("--quotes", type=int, default=0)
    asked = parser.parse_args()
    model = LlamaCpp(asked.model)
    if asked.prompts:
        await measure_prompts(model)
    else:
        done = await review_all(model, list(read_dossiers(asked.dossiers, report=lambda error: print(error))))
        table(done)
        seconds = [taken for _, _, taken in done.values()]
        print(f"\n{len(done)} reviews, {statistics.mean(seconds):.2f} s each (at most {max(seconds):.1f})")
        found = faults(done)
        print(f"{len(found)} faults", *found, sep="\n  ")
        for name, seat in random.Random(SEED).sample(sorted(done), min(asked.quotes, len(done))):
            verdict = done[name, seat][0].verdict
            print(f"\n{name} / {seat} / {verdict.verdict}\n{verdict.quote}")
    await model.close()


if __name__ == "__main__":
    asyncio.run(main())
