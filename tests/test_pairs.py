"""Which tools are compared: checked against the pairs an editor would choose of the real dossiers."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.dossiers import read_dossiers
from panel.journal import read_lines, segments
from panel.nearness import Rival, Tool, nearest
from panel.pairs import choose_pairs, dossiers_of, drafts_in, items_of, price_of
from panel.schema import Dossier
from panel.store import open_store
from panel.topics import SIGNS, signs_in

SENSIBLE = {
    "aider-chat": "cursor github-copilot llm", "bespokelabs-curator": "edsl instructor dspy outlines verdict",
    "browser-use": "smolagents crewai langgraph", "chromadb-client": "pinecone mem0ai",
    "crewai": "langgraph smolagents browser-use", "datasette": "marimo", "deepeval": "ragas verdict inspect-ai",
    "docling": "", "dspy": "outlines instructor langgraph verdict guardrails-ai",
    "edsl": "bespokelabs-curator verdict inspect-ai", "guardrails-ai": "instructor outlines",
    "inspect-ai": "deepeval ragas verdict", "instructor": "outlines guardrails-ai dspy",
    "langgraph": "crewai smolagents", "llm": "aider-chat xllamacpp", "marimo": "datasette",
    "mem0ai": "chromadb-client pinecone langgraph", "outlines": "instructor guardrails-ai dspy",
    "ragas": "deepeval inspect-ai verdict", "smolagents": "crewai langgraph browser-use",
    "verdict": "deepeval ragas inspect-ai dspy", "xllamacpp": "llm",
    "cursor": "github-copilot aider-chat", "github-copilot": "cursor aider-chat", "elevenlabs": "runway",
    "fireflies-ai": "otter-ai notion", "otter-ai": "fireflies-ai notion", "humane-ai-pin": "rabbit-r1",
    "rabbit-r1": "humane-ai-pin", "fin-ai-agent": "", "midjourney": "runway", "runway": "midjourney",
    "notion": "otter-ai fireflies-ai", "pinecone": "chromadb-client",
}
"""Marked before the formula was set: with which of the others an editor would put each on a page."""
CHOSEN_BY_BRIEFS = {
    "AI coding assistant": "aider-chat cursor github-copilot", "Agent framework": "browser-use crewai langgraph "
    "smolagents", "Data pipelines and documents": "bespokelabs-curator docling", "Vector search and retrieval":
    "chromadb-client pinecone", "Data analysis and notebooks": "datasette marimo", "Evaluation and testing":
    "deepeval inspect-ai ragas verdict", "LLM application library": "dspy instructor mem0ai outlines",
    "Science and research": "edsl", "Safety and guardrails": "guardrails-ai", "Developer tools": "llm",
    "Inference and serving": "xllamacpp", "Voice and audio": "elevenlabs", "Meetings and productivity":
    "fireflies-ai otter-ai", "Hardware": "humane-ai-pin rabbit-r1", "Customer support": "fin-ai-agent",
    "Image and video": "midjourney runway", "Writing and notes": "notion",
}
"""What a careful brief would choose of the fixed list."""


def tool_of(dossier: Dossier, category: str | None = None) -> Tool:
    entry, price, unit = price_of([plan.model_dump() for plan in dossier.pricing])
    return Tool(dossier.id, dossier.digest, dossier.name, dossier.tagline, dossier.description, category=category,
                said=dossier.category, vendor=dossier.vendor, url=dossier.url, entry=entry, price=price, unit=unit)


def rivals(tools: Sequence[Tool], most: int = 3) -> dict[str, list[Rival]]:
    return nearest(tools, lambda: iter([tools]), most)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[Dossier]:
    found = list(read_dossiers([str(shared_data / "dossiers"), str(shared_data / "products")], report=pytest.fail))
    assert {dossier.id for dossier in found} == set(SENSIBLE)
    return found


@pytest.mark.parametrize(("briefs", "right", "most"), [(False, 35, 46), (True, 38, 46)])
def test_the_rivals_are_those_an_editor_would_choose(
    real: list[Dossier], briefs: bool, right: int, most: int
) -> None:
    """Of about 44 rivals chosen for 34 tools at least 80% (85% with briefs) are among those marked."""
    chosen = {tool: name for name, tools in CHOSEN_BY_BRIEFS.items() for tool in tools.split()} if briefs else {}
    found = rivals([tool_of(dossier, chosen.get(dossier.id)) for dossier in real])
    marked = [(draft, rival.tool.tool_id, rival.tool.tool_id in SENSIBLE[draft].split())
              for draft, near in found.items() for rival in near]
    assert sum(good for _, _, good in marked) >= right, [each for each in marked if not each[2]]
    assert len(marked) <= most
    surest = [("cursor", "github-copilot"), ("otter-ai", "fireflies-ai"), ("humane-ai-pin", "rabbit-r1"),
              ("deepeval", "ragas"), ("midjourney", "runway"), *([("pinecone", "chromadb-client")] if briefs else [])]
    for one, other in surest:
        assert [rival.tool.tool_id for rival in found[one]][:1] == [other]


def test_the_order_of_the_tools_and_the_portions_do_not_matter(real: list[Dossier]) -> None:
    tools = [tool_of(dossier) for dossier in real]
    mixed = random.Random(3).sample(tools, len(tools))
    portions = [mixed[:5], mixed[5:6], mixed[6:]]
    assert nearest(mixed, lambda: iter(portions), 3) == rivals(tools)


def test_a_tool_is_no_rival_of_its_own_maker() -> None:
    text = "Reviews pull requests with a large grammar of linting rules and explains each finding to its author"
    tools = [Tool(name, name, name, text, vendor=vendor, url=url) for name, vendor, url in [
        ("lintly", "Acme", None), ("rulebook", "acme", None), ("mender", None, "https://github.com/zed/mender"),
        ("tender", None, "https://github.com/zed/tender"), ("lintly-cli", None, None), ("other", None, "bad://[")]]
    others = [Tool(f"t{number}", "d", f"t{number}", f"something else {number}") for number in range(20)]
    found = rivals([*tools, *others], most=9)
    near = {draft: {rival.tool.tool_id for rival in found[draft]} for draft in ("lintly", "mender", "other")}
    assert near["lintly"] == {"mender", "tender", "other"}
    assert near["mender"] == {"lintly", "rulebook", "lintly-cli", "other"}
    assert near["other"] == {"lintly", "rulebook", "mender", "tender", "lintly-cli"}


def test_prices_alike_come_first_among_equals() -> None:
    text = "Transcribes interviews of radio reporters and finds the quotes in them by speaker and topic"
    price = {"far": ("paid", 900.0, "usd per month"), "alike": ("freemium", 12.0, "usd per month"),
             "unknown": ("unknown", None, None)}
    draft = Tool("draft", "d", "Draft", text, entry="freemium", price=10.0, unit="usd per month")
    tools = [Tool(name, "d", name, text, entry=entry, price=amount, unit=unit)
             for name, (entry, amount, unit) in price.items()]
    others = [Tool(f"t{number}", "d", f"t{number}", f"something else {number}") for number in range(20)]
    found = nearest([draft], lambda: iter([[draft, *tools, *others]]), 3)["draft"]
    assert [rival.tool.tool_id for rival in found] == ["alike", "unknown", "far"]
    assert "both freemium" in found[0].because


def test_nothing_near_is_no_rival() -> None:
    assert rivals([Tool("a", "d", "A", "Bakes bread"), Tool("b", "d", "B", "Launches rockets")]) == {"a": [], "b": []}
    assert rivals([Tool("a", "d", "")]) == {"a": []}


@given(st.text(max_size=300))
def test_any_text_has_signs_of_the_fixed_categories_only(text: str) -> None:
    assert set(signs_in(text.lower())) <= set(SIGNS)


def command(desk: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "panel", *words], cwd=desk, capture_output=True, text=True,
                          timeout=120)


def compared(runs: Path) -> list[tuple[str, str]]:
    return [(line["record"]["tool_a"], line["record"]["tool_b"]) for path in segments(runs)
            for line in read_lines(path) if line["t"] == "compare"]


@pytest.fixture
def reviewed(desk: Path, shared_data: Path) -> Path:
    done = command(desk, "review", str(shared_data / "dossiers"), str(shared_data / "products"), "--model", "scripted",
                   "--depth", "verdict", "--quiet")
    assert done.returncode == 0, done.stderr
    done = command(desk, "review", *(str(shared_data / "products" / f"{name}.json") for name in (
        "cursor", "otter-ai", "fireflies-ai")), "--model", "scripted", "--quiet")
    assert done.returncode == 0, done.stderr
    return desk


def test_pairs_are_shown_then_asked_once_whichever_end_is_the_draft(reviewed: Path) -> None:
    shown = command(reviewed, "pairs", "--model", "scripted", "--dry-run", "--json")
    pairs = [(pair["draft"], pair["rival"]) for pair in json.loads(shown.stdout)]
    assert {draft for draft, _ in pairs} <= {"cursor", "otter-ai", "fireflies-ai"}
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) > 2
    assert not compared(reviewed / "runs")
    done = command(reviewed, "pairs", "--model", "scripted")
    assert done.returncode == 0, done.stderr
    made = compared(reviewed / "runs")
    assert sorted(made) == sorted([*pairs, *((b, a) for a, b in pairs)] * 4)
    again = command(reviewed, "pairs", "github-copilot", "cursor", "--model", "scripted", "--per-draft", "1")
    assert again.returncode == 0, again.stderr
    assert "cursor" in again.stdout
    assert len(compared(reviewed / "runs")) == len(made)


def test_what_cannot_be_compared_is_said(reviewed: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    done = command(reviewed, "pairs", "no-such-tool", "--dry-run")
    assert (done.returncode, "no tool 'no-such-tool'" in done.stderr) == (2, True)
    done = command(tmp_path_factory.mktemp("empty"), "pairs")
    assert (done.returncode, "nothing is reviewed yet" in done.stderr) == (2, True)


def test_a_store_gives_its_dossiers_back_as_they_were_read(desk: Path, shared_data: Path) -> None:
    """Else a draft would be another assignment than its triage, and a pair would be asked again."""
    odd: list[dict[str, Any]] = [
        {"name": "Odd", "tagline": "x", "pricing": [{"plan": "P", "amount": 0.1}, {"plan": "Q"}], "stars": 12,
         "nested": {"b": [1, 2.50, None, True], "a": {}}, "facts": ["One.", {"text": "Two.", "source_url": "http://x"}],
         "big": 123456789012345678901234567890, "text with \u2028 and \x7f": "\ud83d\ude00 end"},
        {"name": "Empty", "tagline": "y", "pricing": [], "facts": [], "sources": [], "empty": "", "list": []},
    ]
    (desk / "odd.json").write_text(json.dumps(odd))
    given_paths = [str(shared_data / "dossiers"), str(shared_data / "products"), "odd.json"]
    done = command(desk, "review", *given_paths, "--model", "scripted", "--depth", "verdict", "--quiet")
    assert done.returncode == 0, done.stderr
    read = {dossier.digest: dossier for dossier in read_dossiers(given_paths, report=pytest.fail)}
    with open_store(desk / "runs") as store:
        kept = dossiers_of(store, list(read))
        assert drafts_in(store, 5) == []
        pairs = choose_pairs(store, ["cursor", "deepeval"], 2)
        assert [[dossier.digest for dossier in pair] for pair in items_of(store, pairs)] == [
            [pair.draft_digest, pair.rival_digest] for pair in pairs]
    assert {digest: dossier.digest for digest, dossier in kept.items()} == {digest: digest for digest in read}
