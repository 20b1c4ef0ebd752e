"""Scorecards for the page tests: two real tools, verdicts in our own words, the rest settable; readers of pages."""

from __future__ import annotations

import io
import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from panel.editorial.terminal import print_scorecards
from panel.schema import (
    Because,
    Brief,
    BriefPrice,
    BriefText,
    Cited,
    Claim,
    Comparison,
    ComparisonText,
    Difference,
    Dossier,
    DossierLines,
    Flag,
    Line,
    Panel,
    Persona,
    Prediction,
    Probe,
    Review,
    Seat,
    Verdict,
)
from panel.schema.scorecard import Scorecard
from panel.scoring import score_panel

WIDTHS = (60, 80, 120)
STARTER = "starter model: for trying the software, not for publishing"
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

FOUR = ("builder", "competitor_analyst", "futurist", "investor")
MOTTOS = {
    "builder": "name the primitive", "competitor_analyst": "name the competitor",
    "futurist": "name the thesis", "investor": "name the buyer",
}
MODEL = "gpt-5-mini"

AIDER_LINES = (
    "Name: Aider", "Tagline: AI pair programming in your terminal", "License: Apache-2.0", "Version: 0.86.2",
    "Aider lets you pair program with LLMs to start a new project or build on your existing codebase.",
    "Aider works best with Claude 3.7 Sonnet, DeepSeek R1 & Chat V3, OpenAI o1, o3-mini & GPT-4o, but can connect to "
    "almost any LLM, including local models.",
    "Aider makes a map of your entire codebase, which helps it work well in larger projects.",
    "Aider automatically commits changes with sensible commit messages. Use familiar git tools to easily diff, manage "
    "and undo AI changes.",
    "python -m pip install aider-install",
)
MARIMO_LINES = (
    "Name: marimo", "Tagline: A library for making reactive notebooks and apps", "License: Apache-2.0",
    "Version: 0.25.2",
    "A reactive Python notebook that's reproducible, git-friendly, and deployable as scripts or apps.",
    "reactive: run a cell, and marimo reactively runs all dependent cells or marks them as stale",
    "git-friendly: stored as `.py` files",
    "shareable: deploy as an interactive web app or slides, run in the browser via WASM",
)

WORDS: dict[str, dict[str, Any]] = {
    "builder": {
        "points": {
            "primitive": "an edit loop whose unit of output is a git commit",
            "dx_bet": "complexity sits in the repository map, so the user names no files",
            "moment_of_truth": "two install commands, then a model key; the key is the step likeliest to fail",
            "weekend_alternative": "a script around git apply and one chat call, without the map",
        },
        "because": ("primitive", "Every change lands as a commit, so undoing a bad one costs a git command."),
        "quote": "Every change lands as a commit, and that decides it: a bad edit would cost me one git command to "
        "take back instead of an afternoon of reading diffs. The README claims a map of the whole codebase, which is "
        "the "
        "hard part a weekend script would leave out, and two pip commands stand between me and a first edit. What I "
        "would "
        "watch is the key: the listed models are mostly hosted ones, and a local model is named without a figure. I "
        "would put it on one repository on Monday and keep it if the commits stay small.",
        "best_for": "people who live in a terminal and review by commit",
        "change_my_mind": "a default that commits work nobody has looked at",
    },
    "competitor_analyst": {
        "points": {
            "category": "terminal coding agents",
            "direct_competitors": "Claude Code, Codex CLI, Cline",
            "breaking_scenario": "a model vendor bundles its own terminal agent with the subscription",
            "killer_in_12_months": "Claude Code, which the vendor can sell below cost",
        },
        "because": ("direct_competitors", "Vendors bundle the same loop with the model they sell."),
        "quote": "Vendors bundle the same loop with the model they sell, and the dossier shows no difference they "
        "would need more than one release to copy. Commits and a repository map are named; both are documented "
        "behaviour of "
        "rivals by now. The open licence would keep it alive, yet alive is not ahead. Freedom to pick any model is the "
        "one card a vendor cannot play, and the page spends one line on it. I would skip it as a bet on the category "
        "and look again when that line becomes the pitch.",
        "best_for": "teams that must not depend on one model vendor",
        "change_my_mind": "published figures against the vendors' own agents on the same tasks",
        "caveat": "skip as a bet on the category, ship as insurance against one vendor",
        "prediction": ("A model vendor's terminal agent passes 150,000 GitHub stars", "2027-06", 60),
    },
    "futurist": {
        "points": {
            "thesis": "by 2028 most commits in small repositories are proposed by an agent and reviewed by a person",
            "has_to_go_right": "models keep getting cheaper per accepted line",
            "second_order_effect": "review, not typing, becomes the scarce skill",
            "trend_and_timing": "on time",
            "infrastructure_future": "the commit is the interface between agents",
        },
        "because": ("thesis", "It makes the commit the interface, which outlives any one model."),
        "quote": "It makes the commit the interface, and an interface outlives the model behind it. Connecting to "
        "almost any LLM, local ones included, would let the same habit survive three generations of vendors. The "
        "thesis needs "
        "prices per accepted line to keep falling and people to accept reviewing more than they write; both look on "
        "time. If agents end up talking to each other through repositories, a tool that already speaks in commits "
        "would need to change the least. I would ship it for the shape of the work rather than for today's version "
        "0.86.2.",
        "best_for": "teams rehearsing for a year in which most diffs are proposed",
        "change_my_mind": "agents standardising on something other than git",
        "prediction": ("Half of the 50 most starred Python projects accept agent-authored commits", "2028-01", 55),
    },
    "investor": {
        "points": {
            "buyer": "nobody named; the developer brings a key", "money": "not stated", "moat": "habit",
            "value_capture": "the model vendors", "survives_platform_move": "yes, as open source",
        },
        "because": ("value_capture", "The user pays the model vendor; the lines name no payer for the tool."),
        "quote": "The user pays the model vendor, and no line names anybody who would pay for the tool itself. Two pip "
        "commands and an Apache-2.0 licence are how a habit spreads, not how one is billed. As infrastructure it would "
        "feed the revenue of whoever sells tokens, which is a case for a sponsor and not for a cheque. The lines do "
        "not say who funds the maintainers, and that is the first thing I would ask. I would pass until there is a "
        "payer.",
        "best_for": "token sellers looking for a channel",
        "change_my_mind": "a paid tier, or a sponsor named in the README",
        "caveat": "skip as a business, ship as infrastructure",
    },
}


def persona(who: str) -> Persona:
    return Persona(
        id=who, name=who.replace("_", " ").capitalize(), motto=MOTTOS.get(who, "name the catch"), lens="-",
        excited_by=("x",), tired_of=("y",), points={"primitive": "what it is"}, decision_rule="-",
        anchors=dict.fromkeys((10, 30, 50, 70, 90), "-"),
    )


def verdict(who: str = "builder", decision: str = "ship", score: int = 72, **changes: Any) -> Verdict:
    said = WORDS.get(who, WORDS["builder"])
    prediction = said.get("prediction")
    fields: dict[str, Any] = {
        "points": said["points"],
        "claims": (
            Claim(text="Changes are committed automatically, with messages.", lines=(8,)),
            Claim(text="It can connect to almost any LLM, including local models.", lines=(6,)),
            Claim(text="Claude Code is the nearest rival."),
        ),
        "missing": ("what a day of use costs in tokens", "who maintains it"),
        "because": Because(point=said["because"][0], text=said["because"][1]),
        "score": score, "verdict": decision, "confidence": 70, "quote": said["quote"], "best_for": said["best_for"],
        "change_my_mind": said["change_my_mind"], "caveat": said.get("caveat"),
        "prediction": Prediction(statement=prediction[0], by=prediction[1], probability=prediction[2])
        if prediction else None,
    }
    return Verdict(**(fields | changes))


def review(
    who: str, said: Verdict | None, *, tool: str = "aider-chat", repeat: int = 0, model: str = MODEL, **changes: Any
) -> Review:
    fields: dict[str, Any] = {
        "key": f"{tool}-{who}-{model}-{repeat}".ljust(32, "0"), "run_id": "2026-07-01-a", "repeat": repeat,
        "model": model, "prompts_digest": "b" * 32, "rung": "json_schema", "finished_at": "2026-07-01T10:00:00Z",
        "tool_id": tool, "dossier_digest": "d" * 32, "lines_digest": "e" * 32, "persona_id": who,
        "persona_digest": "f" * 32, "panel_digest": "a" * 32, "depth": "full", "verdict": said,
    }
    if said is None:
        fields |= {"unscored": "the answer was cut three times", "unscored_kind": "unreadable"}
    return Review(**(fields | changes))


def unanswered(who: str, **changes: Any) -> Review:
    return review(who, None, **changes)


def ruling(*decisions: str, tool: str = "aider-chat") -> list[Review]:
    """One review a seat of the four: ship, skip or unscored, in page order."""
    scores = {"ship": 72, "skip": 34}
    return [
        unanswered(who, tool=tool) if said == "unscored" else review(who, verdict(who, said, scores[said]), tool=tool)
        for who, said in zip(FOUR, decisions, strict=True)
    ]


def lines_of(tool: str, texts: tuple[str, ...], **changes: Any) -> DossierLines:
    numbered = tuple(Line(number=at, field="description", text=text) for at, text in enumerate(texts, start=1))
    return DossierLines(**({"tool_id": tool, "name": tool, "lines": numbered, "words": 620} | changes))


AIDER = Dossier(
    id="aider-chat", name="Aider", tagline="AI pair programming in your terminal", category="Developer Tools",
    url="https://github.com/Aider-AI/aider", version="0.86.2", license="Apache-2.0",
)
MARIMO = Dossier(
    id="marimo", name="marimo", tagline="A library for making reactive notebooks and apps", category="Developer Tools",
    url="https://github.com/marimo-team/marimo", version="0.25.2", license="Apache-2.0",
)


def brief(tool: str = "aider-chat", **price: Any) -> Brief:
    return Brief(
        key="9" * 32, run_id="2026-07-01-a", model=MODEL, prompts_digest="b" * 32, finished_at="2026-07-01T10:00:00Z",
        tool_id=tool, dossier_digest="d" * 32, lines_digest="e" * 32,
        brief=BriefText(
            description=Cited(text="Pairs a chat model with a git repository.", lines=(5,)),
            entry=price.pop("entry", "free"), price=BriefPrice(**price),
            best_for=Cited(text="developers who review by commit", lines=(8,)), not_for=Cited(text="designers"),
            category="AI coding assistant",
        ),
    )


def card(
    reviews: list[Review], *, dossier: Dossier = AIDER, lines: DossierLines | None = None, repeats: int = 1,
    seats: tuple[tuple[str, str], ...] = tuple((who, MODEL) for who in FOUR), **changes: Any,
) -> Scorecard:
    texts = MARIMO_LINES if dossier.id == "marimo" else AIDER_LINES
    fields: dict[str, Any] = {
        "dossier": dossier, "lines": lines or lines_of(dossier.id, texts),
        "score": score_panel(reviews, len(seats)), "reviews": tuple(reviews),
        "panel": Panel(
            seats=tuple(Seat(persona_id=who, persona_digest="f" * 32, model=model) for who, model in seats),
            prompts="review", prompts_digest="b" * 32, repeats=repeats,
        ),
        "personas": tuple(persona(who) for who in dict.fromkeys(who for who, _ in seats)),
        "reviewed_at": "2026-07-01T10:00:00Z", "runs": ("2026-07-01-a",),
    }
    return Scorecard(**(fields | changes))


def flagged(one: Review) -> Review:
    return one.model_copy(update={
        "flags": (Flag(kind="to_check", reason="0.86.2 stands on no cited line", field="quote", text="0.86.2"),),
        "probe": Probe(p_ship=0.62, coverage=0.97),
    })


def comparison(who: str, first: str, second: str, pick: str, **changes: Any) -> Comparison:
    """`first` is shown as A; `pick` is a, b, neither or not_comparable."""
    fields: dict[str, Any] = {
        "key": f"{who}-{first}".ljust(32, "0"), "run_id": "2026-07-01-a", "model": MODEL, "prompts_digest": "b" * 32,
        "finished_at": "2026-07-01T10:00:00Z", "tool_a": first, "tool_b": second,
        "lines_digests": ("e" * 32, "c" * 32), "persona_id": who, "persona_digest": "f" * 32, "panel_digest": "a" * 32,
        "comparison": ComparisonText(
            differences=(
                Difference(axis="Where work is kept", a_lines=(8,), b_lines=(7,)),
                Difference(axis=f"What the {who} looks at", a_lines=(5,), b_lines=(5, 6)),
            ),
            pick=pick, pick_a_if=f"Pick {first} if you want what {first} does, says {who}.",
            pick_b_if=f"If you want what {second} does, says {who}.",
            quote=f"Between the two, {first} was shown to me first, and what would decide is where the work is kept: "
            "in commits or in plain files that run again when a cell changes.",
        ),
    }
    return Comparison(**(fields | changes))


def both_orders(who: str, ab: str, ba: str, **changes: Any) -> list[Comparison]:
    """Aider against marimo: the pick with aider first, and with marimo first, each as a, b, ..."""
    return [
        comparison(who, "aider-chat", "marimo", ab, **changes), comparison(who, "marimo", "aider-chat", ba, **changes),
    ]


def cards_of(count: int) -> list[Scorecard]:
    first = card([flagged(one) for one in ruling("ship", "skip", "ship", "unscored")], brief=brief())
    second = card(ruling("skip", "skip", "ship", "ship", tool="marimo"), dossier=MARIMO, captions=(STARTER,))
    return [first, second, first][:count]


def screen(*cards: Scorecard, width: int = 80, terminal: bool = False, detail: bool = True) -> str:
    out = io.StringIO()
    print_scorecards(cards, Console(file=out, width=width, force_terminal=terminal, no_color=None), detail=detail)
    return out.getvalue()


def words_of(text: str) -> str:
    return " ".join(COLOUR.sub("", text).split())


def tokens_of(markdown: str) -> list[Token]:
    found = []
    for token in RENDERER.parse(markdown):
        found += [token, *(token.children or [])]
    return found


def hrefs(markdown: str) -> list[Any]:
    return [token.attrGet("href") for token in tokens_of(markdown) if token.type == "link_open"]
