"""Which predictions are flagged as vague: not those a capable model recorded, but those nobody could score."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.checks.predictions import MOST_READ, vague_prediction
from panel.dossiers import cut_lines
from panel.fieldwise.wording import fill, load_frames
from panel.prompts import load_prompts
from panel.schema import Dossier, DossierLines, Line, Prediction

ROOT = Path(__file__).resolve().parents[1]
VAGUE = """
Tidewater will be important for the way teams back up their machines.
The product gains traction among small businesses.
Cursor becomes the standard editor for professional developers.
Agents will matter more than editors.
The community around the project continues to grow.
The library sees broad adoption in data teams.
Pinecone will remain the leader in vector search.
The maker will improve its documentation substantially.
Most developers will use an assistant of this kind every day.
The market for note takers will consolidate around a handful of vendors.
Vector databases will become a commodity.
The company will struggle to keep its margins.
Voice cloning is going to be everywhere.
Larger vendors will put pressure on its pricing.
The tool will mature into a dependable choice.
Competition from open models intensifies.
Local models will be good enough for everyday coding.
The framework will lose relevance as models get better.
The startup finds its niche with journalists.
Enterprises will take evaluation seriously.
Its approach will influence how other tools are built.
The category will look very different.
Datasette will have a much larger ecosystem of plugins.
Rabbit will fade from public attention.
Otter will be squeezed by the meeting platforms.
Users will expect an agent in every editor.
Several competitors will copy the feature.
GitHub Copilot will still be ahead of its rivals.
Prices for inference will come down significantly.
The project will thrive under its new maintainers.
Prompt frameworks will be seen as a passing phase.
The wearable will fail to find an audience.
The company will expand into new markets.
The interface becomes the default way people talk to data.
More teams will choose hosted vector search over running their own.
It will be hard to justify paying for a wrapper.
Developer tools with strong opinions will win.
The product will evolve from a recorder into an assistant.
Trust in synthetic voices will erode.
Evaluation will become a key part of every release process.
The API will be stable and reliable.
The vendor will invest heavily in safety.
Small teams will find the pricing attractive.
The plugin market could take off.
The tool will likely be popular with researchers.
People will care less about which model they use.
Multi-agent frameworks converge on similar designs.
The maker releases many useful features.
The company ships significant improvements to its editor.
Tidewater will be widely known among administrators.
The service will get cheaper and faster.
Regulators will pay closer attention to recording tools.
The brand will be damaged by its early hardware.
The project will keep its momentum.
Structured output will no longer be a differentiator.
The tool will offer real value to agencies.
Memory for agents will be a solved problem.
Its users will move on to something simpler.
The Gen-5 model will change film making by 2028.
By 2029 the Llama 4 family will be the obvious base for private assistants.
"""
GOOD = """
Tidewater publishes a release on PyPI with a version number of 2.0 or higher.
The repository of Tidewater has more than 5,000 stars on GitHub.
Pinecone is acquired by another company, announced by either of them.
The public repository of crewai is archived.
Anysphere announces a funding round at a valuation of at least 20 billion dollars.
The project changes its licence from MIT to any other.
Rabbit shuts down the cloud service of the R1.
npm shows at least 100,000 weekly downloads of the package.
Microsoft announces the end of support for the extension.
OpenAI publishes a price below $1 per million output tokens for its main model.
Otter.ai raises the monthly price of its Pro plan above 20 USD.
HP removes the Ai Pin support pages from its site.
The maintainers publish a post that says the project is no longer developed.
The founder resigns as chief executive.
A court finds against ElevenLabs in at least one case on voice rights.
Apple ships a phone with an on-device model of 10 billion parameters or more.
The package drops support for Python 3.11.
GitHub lists fewer than 50 open issues for the repository.
Intercom files for an IPO.
Notion announces more than 200 million users.
Datasette Cloud leaves its preview and is open to new accounts.
JetBrains releases an official plugin for the tool.
The European Commission opens a formal investigation into Otter.ai.
Runway signs a licence agreement with at least one of the five largest film studios.
The documentation lists support for Windows.
Midjourney launches a public API.
The State of JS survey reports a share of users above 30 percent for Bun.
The free plan is removed from the pricing page.
Zoom sues Fireflies.ai or is sued by it.
The package has had no release for 12 months on PyPI.
LangChain releases version 2.0 of langgraph.
Cursor's status page reports an outage of more than 24 hours.
The top model on the SWE-bench leaderboard scores at least 90 percent.
Anthropic deprecates the Claude 4 family in its API.
Stack Overflow's survey ranks the editor among its top three.
Mistral publishes weights of a model with more than 200 billion parameters.
The vendor states SOC 2 certification on its security page.
Google discontinues the product.
The company lays off at least 10% of its staff, as reported by a newspaper.
A paper on the tool is accepted at NeurIPS.
"""
MORE_VAGUE = """
The tool carves out a place in the stack of modern data teams.
Writers warm to the idea of synthetic narration.
Its price will be hard to defend against bundled assistants.
The maker doubles down on enterprise features.
Agent frameworks will be simpler than today.
Buyers will ask for more evidence before they sign.
The product becomes something people cannot do without.
Evaluation tools will merge into observability platforms.
Its open source roots will pay off.
This launch will be forgotten within a year.
Local inference gets cheap enough to be a habit.
The team behind it will ship faster than its rivals.
The product will win the trust of hospitals.
Developers will stop writing boilerplate by hand.
Hardware assistants will make a comeback.
The library will be a solid foundation for many products.
The company stays independent and healthy.
A new generation of tools will replace it.
The service will support more languages.
Meeting notes become a feature rather than a product.
The tool will be used by journalists around the world.
Big platforms will absorb this functionality.
The maker will close the gap to its larger rivals.
The editor will show that small teams can compete.
There will be a backlash against recording bots.
The maker will open up about how its models are trained.
Customers will see the benefit of a shared archive.
The startup will raise its profile abroad.
The ecosystem will settle on one protocol.
Vendors will announce closer ties with model makers.
The tool gets the attention it deserves.
Founders come to see verification as the bottleneck.
The market rewards tools that own the data layer.
Editors without agents will feel old.
Its moat will prove thin.
The pricing model turns out to be a mistake.
Privacy concerns slow the sale of recorders.
The company will report healthy demand from enterprises.
Customers of the incumbent will start to look elsewhere.
The library settles into a quiet role in research code.
Agents will be the main readers of documentation.
The service will be a natural target for a larger company.
Copyright disputes will weigh on the sector.
The project will attract contributors from large companies.
The maker will announce more ambitious plans.
Model vendors will offer the same thing for nothing.
The tool shows that local first is possible.
In 2027 the tool remains relevant.
Its developer experience will set the bar.
Hospitals will be open to ambient scribes.
"""
MORE_GOOD = """
Pinecone's home page names a chief executive other than the one named today.
Chroma announces a Series B round.
The crewai package on PyPI is yanked or deleted.
Amazon lists Datasette Cloud on its marketplace.
The project's README states that it needs Python 3.13 or newer.
Cursor raises its individual plan above 25 USD a month.
ElevenLabs publishes a model with at least 80 languages.
Anthropic or OpenAI acquires the maker of langgraph.
Otter.ai is fined by a data protection authority.
The GitHub repository is moved to a foundation such as the Linux Foundation.
The number of monthly downloads on pypistats.org falls below 10,000.
The vendor's changelog shows no entry for three months in a row.
Rabbit announces a second hardware device.
The instructor repository merges a pull request that removes the tenacity dependency.
Microsoft includes the tool in its Azure price list.
At least five companies are named as customers on the vendor's site.
Copilot's free tier is limited to fewer than 1,000 completions a month.
The Homebrew formula for the tool is accepted into homebrew-core.
Docker Hub shows over 1 million pulls of the official image.
The maker publishes SWE-bench results for the tool.
A book about the library is sold by O'Reilly.
The extension is removed from the Chrome Web Store.
The tool's licence file names BSL or SSPL.
Meta stops offering the weights for download.
Otter.ai launches a native desktop app for Linux.
The vendor cuts the price of the Scale plan by half.
Wikipedia has an article on the product.
The company reports revenue of more than 100 million dollars for 2026.
Notion's pricing page no longer lists a free plan.
The paper behind the method has at least 500 citations on Google Scholar.
Anysphere discloses a security breach that exposed source code of customers.
GitHub's trending page lists the repository at least once.
The European Union adds ElevenLabs to its list of general-purpose model providers.
Pinecone lowers its Standard minimum to zero.
The docling package moves from IBM to the Linux Foundation.
Ragas tags a stable 1.0 release.
OpenAI hires the founder of the project.
The price of the Creator plan rises to 25 USD or more.
DeepEval passes 20,000 GitHub stars.
Google Trends shows a higher score for Cursor than for Copilot in the United States.
Apple rejects the app from its store.
The Python Software Foundation lists the company as a sponsor.
Humane's former staff publish the firmware of the Ai Pin.
Two or more of the top ten browsers ship a built-in agent.
The vendor opens an office in Tokyo.
Mozilla's site says that the add-on is no longer available.
The next Gartner magic quadrant for coding assistants names Cursor.
The maintainer answers fewer than half of the issues opened in May 2027.
Spotify publishes audiobooks narrated with ElevenLabs voices.
The public demo is offline.
"""


def statements(text: str) -> list[str]:
    return text.strip().splitlines()


def lines_of(*texts: tuple[str, str]) -> DossierLines:
    numbered = tuple(Line(number=number, field=field, text=text) for number, (field, text) in enumerate(texts, start=1))
    return DossierLines(tool_id="tidewater", name="Tidewater", lines=numbered, words=100)


LINES = lines_of(("name", "name: Tidewater"), ("as_of", "as of: 2026-11"))


def reason_of(statement: str, by: str = "2027-06", lines: DossierLines = LINES) -> str | None:
    flags = vague_prediction(Prediction(statement=statement, by=by, probability=50), lines)
    assert len(flags) <= 1
    if not flags:
        return None
    assert (flags[0].kind, flags[0].field) == ("vague_prediction", "prediction.statement")
    if flags[0].span is not None:
        assert statement[slice(*flags[0].span)] == flags[0].text
    return flags[0].reason


def test_of_sixty_vague_ones_nine_in_ten_are_flagged() -> None:
    missed = [statement for statement in statements(VAGUE) if reason_of(statement) is None]
    assert len(statements(VAGUE)) == 60
    assert len(missed) <= 6, missed


def test_of_forty_good_ones_at_most_two_are_flagged() -> None:
    wrong = {statement: reason for statement in statements(GOOD) if (reason := reason_of(statement)) is not None}
    assert len(statements(GOOD)) == 40
    assert len(wrong) <= 2, wrong


def test_no_recorded_prediction_of_a_capable_model_is_flagged() -> None:
    found = []
    for line in (ROOT / "bench" / "quality" / "answers.jsonl").read_text().splitlines():
        answer = json.loads(line)["answer"]
        said = json.loads(answer[answer.index("{"):answer.rindex("}") + 1])["prediction"]
        found.append(said["statement"])
        assert reason_of(said["statement"], by="2028-12") is None, said
    assert len(found) == 48


def test_of_further_ones_written_after_the_rules_most_are_told_apart() -> None:
    """Fifty of each; half of them were written and run once before the rules were mended on them."""
    missed = [statement for statement in statements(MORE_VAGUE) if reason_of(statement) is None]
    wrong = [statement for statement in statements(MORE_GOOD) if reason_of(statement) is not None]
    assert (len(statements(MORE_VAGUE)), len(statements(MORE_GOOD))) == (50, 50)
    assert len(missed) <= 5, missed
    assert len(wrong) <= 5, wrong


@pytest.mark.parametrize(("version", "name"), [("1.1.0", "Tidewater"), ("v3", "Code Llama 4"), ("2026.10", "llm"),
                                               ("0.86.2", "GPT-5 Desk"), ("12", "notes")])
def test_the_forecasts_of_the_starter_are_not_vague(version: str, name: str) -> None:
    frames = load_frames(load_prompts("small")).predictions
    assert len(frames) == 3
    for frame in frames.values():
        statement = fill(frame, by="2027-06", name=name, version=version)
        assert reason_of(statement) is None, statement


@pytest.mark.parametrize(("statement", "word"), [
    ("It will be important.", "important"),
    ("The tool gains traction.", "traction"),
    ("It may be archived.", "may"),
    ("Cursor becomes the standard for editors.", "the standard"),
])
def test_the_flag_names_the_words_nobody_can_look_up(statement: str, word: str) -> None:
    flag, = vague_prediction(Prediction(statement=statement, by="2027-06", probability=50), LINES)
    assert flag.text == word
    assert word in flag.reason
    assert flag.span is not None


@pytest.mark.parametrize(("statement", "missing", "there"), [
    ("The project is well known.", ("event", "threshold"), ()),
    ("The project is 3 times as well known.", ("event",), ("threshold",)),
    ("The maker publishes plans.", ("threshold",), ("event",)),
])
def test_the_reason_says_what_is_missing(statement: str, missing: tuple[str, ...], there: tuple[str, ...]) -> None:
    reason = reason_of(statement) or ""
    assert all(word in reason for word in missing), reason
    assert not any(word in reason for word in there), reason


@pytest.mark.parametrize("statement", [
    "Gen-5 gains users.", "Llama 4 gains users.", "Python 3.14 gains users.", "By 2027 it gains users.",
    "In the next 12 months it gains users.", "By 3 May it gains users.", "Q3 shows it gaining users.",
])
def test_a_number_that_is_a_name_or_a_time_is_no_threshold(statement: str) -> None:
    assert "threshold" in (reason_of(statement) or ""), statement


@pytest.mark.parametrize("statement", [
    "It gains 5,000 users.", "It gains 2000 users.", "It gains over 2000 of them as users.", "It gains $5m of funding.",
    "It gains two thousand users.", "It gains 20% more users.", "It has twice the users.",
])
def test_a_number_of_something_that_can_be_counted_is_event_and_threshold(statement: str) -> None:
    assert reason_of(statement) is None


@pytest.mark.parametrize(("texts", "by", "past"), [
    ((("as_of", "as of: 2026-11-20"),), "2026-10", True),
    ((("as_of", "as of: 2026-11-20"),), "2026-11", False),
    ((("as_of", "as of: November 2026"),), "2026-10", True),
    ((("as_of", "as of: 2024-05"), ("facts", "Seen again on 2026-11-02.")), "2025-01", False),
    ((("released", "released: 2026-03"), ("facts", "Version 2 came in June 2026.")), "2026-05", True),
    ((("facts", "Handles files of 2048-10 blocks and 2026 of them."),), "2024-05", False),
    ((("facts", "Handles 2026 files."),), "2024-05", False),
    ((), "1999-01", False),
])
def test_the_date_must_lie_after_the_dossiers_own(texts: tuple[tuple[str, str], ...], by: str, past: bool) -> None:
    reason = reason_of("PyPI lists version 2.0 or higher.", by, lines_of(("name", "name: Tidewater"), *texts))
    assert (reason is not None and "already past" in reason) == past


def test_a_statement_that_speaks_of_a_later_year_than_its_date() -> None:
    assert "2030" in (reason_of("By the end of 2030 PyPI lists version 2.0 or higher.", "2027-06") or "")
    assert reason_of("By the end of 2027 PyPI lists version 2.0 or higher.", "2027-06") is None


@given(st.text(max_size=400))
def test_any_text_is_read(statement: str) -> None:
    reason_of(statement)


@given(st.lists(st.sampled_from(re.findall(r"\S+", VAGUE + GOOD)), max_size=60).map(" ".join))
def test_any_words_are_read(statement: str) -> None:
    reason_of(statement)


def test_only_the_beginning_of_an_endless_statement_is_read() -> None:
    assert reason_of("word " * 1_000_000 + "PyPI lists 2 releases.") is not None
    assert reason_of("PyPI lists 2 releases " + "word " * 1_000_000) is None
    assert MOST_READ < 10_000


def test_the_dossiers_date_is_found_in_real_lines() -> None:
    dossier = Dossier(id="t", name="T", as_of="2026-10-07", description="It copies files.")
    assert "already past" in (reason_of("PyPI lists version 2.0 or higher.", "2026-09", cut_lines(dossier)) or "")


def test_most_of_another_authors_vague_predictions_are_found_and_most_good_ones_pass() -> None:
    """A set whose author has not seen the rules; they were not changed after it was run."""
    lines = (ROOT / "tests" / "sets" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    flagged = {label: [bool(reason_of(row["statement"], row["by"])) for row in rows if row["label"] == label]
               for label in ("vague", "good")}
    assert len(flagged["vague"]) == len(flagged["good"]) == 70
    assert sum(flagged["vague"]) >= 50  # 52 of 70
    assert sum(flagged["good"]) <= 14  # 13 of 70
