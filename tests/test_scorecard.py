"""The scorecard in the terminal, as Markdown and as JSON; the leaderboard; and that no text can break out of them."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from sample_cards import (
    AIDER,
    COLOUR,
    FOUR,
    MODEL,
    STARTER,
    WIDTHS,
    brief,
    card,
    cards_of,
    flagged,
    hrefs,
    lines_of,
    review,
    ruling,
    screen,
    unanswered,
    verdict,
    words_of,
)

from panel.dossiers import cut_lines, read_dossiers
from panel.editorial.leaderboard import leaderboard_row, print_leaderboard
from panel.editorial.markdown import report_markdown, scorecard_markdown
from panel.editorial.pricing import price_read
from panel.editorial.scorecard import DISCLOSURE, line_numbers, seated
from panel.editorial.twins import card_json, leaderboard_json
from panel.schema import Claim, Panel, Price, Probe, Run, Seat


@pytest.mark.parametrize(
    ("decisions", "outcome", "votes", "rate"),
    [
        (("ship", "skip", "ship", "ship"), "ship", "3 ship / 1 skip of 4 seats, 0 unscored", "75% (3 of 4)"),
        (("skip", "skip", "skip", "skip"), "skip", "0 ship / 4 skip of 4 seats, 0 unscored", "0% (0 of 4)"),
        (("ship", "skip", "ship", "skip"), "split", "2 ship / 2 skip of 4 seats, 0 unscored", "50% (2 of 4)"),
        (("ship", "ship", "unscored", "skip"), "ship", "2 ship / 1 skip of 4 seats, 1 unscored", "67% (2 of 3)"),
        (("ship", "unscored", "unscored", "unscored"), "no quorum", "1 ship / 0 skip of 4 seats, 3 unscored", None),
    ],
)
def test_outcome_with_its_denominators(
    decisions: tuple[str, ...], outcome: str, votes: str, rate: str | None
) -> None:
    page = card(ruling(*decisions))
    markdown = scorecard_markdown(page)
    assert f"- **Panel:** **{outcome}**, {votes}, 0 withdrawn" in markdown
    shown = words_of(screen(page))
    assert f"verdict {outcome} votes {votes}, 0 withdrawn" in shown
    if rate:
        assert f"- **Ship rate:** {rate}" in markdown
        assert f"ship rate {rate}" in shown
    for text in (markdown, shown):
        assert DISCLOSURE in text
        assert "— (no votes)" in text


def test_a_withdrawn_seat_is_counted_in_words() -> None:
    page = card(ruling("ship", "ship", "ship", "skip"))
    score = page.score.model_copy(update={"withdrawn": 1, "voting": 3, "ships": 2.0, "skips": 1.0, "ship_rate": 2 / 3})
    assert "2 ship / 1 skip of 4 seats, 0 unscored, 1 withdrawn" in scorecard_markdown(
        page.model_copy(update={"score": score})
    )


def test_unscored_seat_says_why_and_is_no_skip() -> None:
    page = card(ruling("ship", "ship", "unscored", "ship"))
    assert "## Futurist: unscored" in scorecard_markdown(page)
    assert "Unscored: this reviewer gave no readable answer." in scorecard_markdown(page)
    assert "the answer was cut three times" not in scorecard_markdown(page)  # `show` and the JSON twin have it
    assert "UNSCORED name the thesis unreadable: the answer was cut three times" in words_of(screen(page))


def test_a_seat_nobody_asked_yet_is_said() -> None:
    page = card(ruling("ship", "ship", "ship", "ship")[:3])
    assert "3 ship / 0 skip of 4 seats" in scorecard_markdown(page)
    assert "## Investor: not reviewed" in scorecard_markdown(page)


def test_repeats_are_takes_and_the_majority_take_is_shown() -> None:
    takes = [
        review("builder", verdict("builder", "skip", 35, quote="No."), repeat=0),
        review("builder", verdict("builder", "ship", 70, quote="Yes, at last."), repeat=1),
        review("builder", verdict("builder", "ship", 66, quote="Yes again."), repeat=2),
        unanswered("builder", repeat=3),
    ]
    page = card(takes, seats=(("builder", MODEL),), repeats=4)
    markdown = scorecard_markdown(page)
    assert "## Builder: ship, 70/100" in markdown
    assert "2 of 3 takes ship, 1 unscored" in markdown
    assert "> Yes, at last." in markdown
    assert "SHIP 70/100, confidence 70; 2 of 3 takes ship, 1 unscored" in words_of(screen(page))
    assert "- **P(ship) by probe:** —" in markdown
    assert "- **P(ship) by repeats:** 0.67 (3 takes)" in markdown
    assert [take["repeat"] for take in card_json(page)["seats"][0]["takes"]] == [0, 1, 2, 3]


def test_takes_that_split_evenly_count_half_on_each_side() -> None:
    torn = [review("builder", verdict(decision=said), repeat=at) for at, said in enumerate(("ship", "skip"))]
    page = card([*torn, *ruling("ship", "ship", "ship", "ship")[1:]])
    assert "3.5 ship / 0.5 skip of 4 seats" in scorecard_markdown(page)
    assert "1 of 2 takes ship" in scorecard_markdown(page)


def test_a_verdict_the_probe_decided_says_so() -> None:
    said = review("builder", verdict(), decided_by="probe", probe=Probe(p_ship=0.62, coverage=0.97))
    page = card([said, *ruling("ship", "ship", "ship", "ship")[1:]])
    for text in (scorecard_markdown(page), words_of(screen(page))):
        assert "P(ship) 0.62 by probe (coverage 0.97), which decided the verdict" in text
    assert "- **P(ship) by probe:** 0.62 (1 seat)" in scorecard_markdown(page)
    assert "- **P(ship) by repeats:** —" in scorecard_markdown(page)


def test_seats_stand_in_page_order_and_a_fifth_persona_comes_last() -> None:
    reviews = [review("sceptic", verdict()), *reversed(ruling("ship", "skip", "ship", "skip"))]
    page = card(reviews, seats=(("sceptic", MODEL), *((who, MODEL) for who in reversed(FOUR))))
    assert [seat.persona_id for seat in seated(page)] == [*FOUR, "sceptic"]
    order = re.findall(r"^## (\w+)", scorecard_markdown(page), re.MULTILINE)
    assert order[:5] == ["Builder", "Competitor", "Futurist", "Investor", "Sceptic"]


def test_a_persona_on_two_models_is_two_seats_with_the_model_named() -> None:
    page = card(
        [review("builder", verdict(), model="m1"), review("builder", verdict(decision="skip"), model="m2")],
        seats=(("builder", "m1"), ("builder", "m2")),
    )
    assert "## Builder (m1): ship" in scorecard_markdown(page)
    assert "## Builder (m2): skip" in scorecard_markdown(page)


def test_claims_show_the_lines_they_stand_on() -> None:
    said = verdict(claims=(
        Claim(text="It commits.", lines=(8, 4)), Claim(text="Rivals do too."), Claim(text="It is odd.", lines=(99,)),
    ))
    page = card([review("builder", said)], seats=(("builder", MODEL),))
    markdown = scorecard_markdown(page)
    assert "It commits. (lines 4, 8)" in markdown
    assert "\\[8\\] Aider automatically commits changes" in markdown
    assert "Rivals do too. (general knowledge, no line)" in markdown
    assert "\\[99\\] (not shown here)" in markdown
    shown = words_of(screen(page))
    assert "[8] Aider automatically commits changes" in shown
    assert "(general knowledge, no line)" in shown
    assert card_json(page)["seats"][0]["takes"][0]["cited_lines"]["99"] is None


def test_everything_a_reviewer_said_is_on_both_pages() -> None:
    page = card([flagged(one) for one in ruling("ship", "skip", "ship", "skip")], brief=brief())
    for text in (words_of(scorecard_markdown(page)).replace("*0.86.2*", "0.86.2"), words_of(screen(page))):
        for one in page.reviews:
            said = one.verdict
            assert said is not None
            for piece in (*said.points.values(), *said.missing, said.because.text, said.change_my_mind, said.quote):
                assert piece
                assert piece in text
        assert "skip as a business, ship as infrastructure" in text
        assert "(by 2028-01, 55%)" in text
        assert "fact 0.86.2: builder (quote), competitor analyst (quote), futurist (quote)" in text
        assert "developers who review by commit (says the brief)" in text


def test_what_a_reader_must_know_of_the_material() -> None:
    thin = lines_of("aider-chat", ("Name: Aider",), words=41, left_out=(9, 10), removed=("2 invisible characters",))
    page = card(ruling("ship", "ship", "ship", "ship"), lines=thin, captions=(STARTER,))
    for text in (scorecard_markdown(page), words_of(screen(page))):
        assert "Aider (first look)" in text
        assert "2 lines left out to fit the model's context" in text
        assert "suspicious text: 2 invisible characters" in text
        assert STARTER in text


PLANS = (
    Price(plan="Hobby", amount=0, currency="USD", unit="per month"),
    Price(plan="Individual", amount=20, currency="USD", unit="per month", source_url="https://prices.example/a"),
    Price(plan="Enterprise"),
)


@pytest.mark.parametrize(
    ("plans", "read", "short", "full"),
    [
        ((), None, "unknown", "unknown"),
        (PLANS, None, "free plan; Individual: 20 USD per month, +1 more",
         "Hobby: free; Individual: 20 USD per month; Enterprise: no amount given"),
        (PLANS[:1], None, "free", "Hobby: free"),
        (PLANS[2:], None, "no amount given", "Enterprise: no amount given"),
        ((Price(amount=0.006, currency="EUR", unit="per minute"),), None, *["0.006 EUR per minute"] * 2),
        ((Price(amount=1299.5, currency="EUR"),), None, "1,299.50 EUR", "1,299.50 EUR"),
        ((), {"entry": "unknown"}, "unknown", "unknown"),
        ((), {"entry": "free"}, "free", "free"),
        ((), {"entry": "paid"}, "paid, amount unknown", "paid, amount unknown"),
        ((), {"entry": "freemium", "amount": 9, "currency": "USD", "unit": "per month", "lines": (4,)},
         "freemium, 9 USD per month", "freemium, 9 USD per month"),
        (PLANS[:1], {"entry": "paid", "amount": 9}, "free", "Hobby: free"),
    ],
)
def test_pricing_read(plans: tuple[Price, ...], read: dict[str, Any] | None, short: str, full: str) -> None:
    dossier = AIDER.model_copy(update={"pricing": plans})
    page = card(ruling("ship", "ship", "ship", "ship"), dossier=dossier, brief=brief(**read) if read else None)
    found = price_read(page)
    assert (found.short, found.full) == (short, full)
    assert bool(found.where) == (found.source != "unknown")


def test_pricing_says_where_it_was_read() -> None:
    page = card(ruling("ship", "ship", "ship", "ship"), brief=brief(entry="paid", amount=9, lines=(4, 5, 7)))
    assert price_read(page).where == "brief, lines 4-5, 7"
    assert "- **Pricing:** 9 (brief, lines 4-5, 7)" in scorecard_markdown(page)
    dossier = AIDER.model_copy(update={"pricing": PLANS})
    page = card(ruling("ship", "ship", "ship", "ship"), dossier=dossier)
    assert price_read(page).where == "dossier, its pricing field"
    assert price_read(page).origin == "source prices.example"


def test_prices_of_real_products_name_the_lines_they_stand_on(shared_data: Path) -> None:
    dossiers = list(read_dossiers([str(shared_data / "products")], report=pytest.fail))
    assert len(dossiers) == 12
    for dossier in dossiers:
        lines = cut_lines(dossier)
        one = review("builder", verdict(claims=(Claim(text="x", lines=(1,)),)), tool=dossier.id)
        page = card([one], dossier=dossier, lines=lines, seats=(("builder", MODEL),))
        found = price_read(page)
        assert found.lines
        cited = " ".join(lines.by_number[number].text for number in found.lines)
        assert all(f"{plan.amount:g}" in cited for plan in dossier.pricing if plan.amount)
        for width in WIDTHS:
            assert all(cell_len(line) <= width for line in screen(page, width=width).splitlines())
        assert hrefs(scorecard_markdown(page)) == ([dossier.url] if dossier.url else [])


def test_strongest_dissent_and_how_it_was_made_are_on_the_page() -> None:
    reviews = ruling("ship", "skip", "ship", "ship")
    reviews[0] = reviews[0].model_copy(update={"reasked": True, "model_answered": "gpt-5-mini-2026-05"})
    markdown = scorecard_markdown(card(reviews))
    assert "**Competitor analyst** says **skip** (34/100, confidence 70): Vendors bundle" in markdown
    assert "- **Asked again:** 1 of 4 reviews" in markdown
    assert "answered by gpt-5-mini-2026-05" in markdown
    for digest in ("b" * 12, "f" * 12, "d" * 12):
        assert digest in markdown
    agreed = card(ruling("ship", "ship", "ship", "ship"))
    assert "None: no seat voted against the outcome." in scorecard_markdown(agreed)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("terminal", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, count: int, terminal: bool) -> None:
    for line in COLOUR.sub("", screen(*cards_of(count), width=width, terminal=terminal)).splitlines():
        assert cell_len(line) <= width, line


def test_reviewers_stand_side_by_side_only_where_there_is_room() -> None:
    beside, stacked = (screen(*cards_of(2), width=width) for width in (120, 80))
    assert re.search(r"^Builder on Aider +Builder on marimo", beside, re.MULTILINE)
    assert not re.search(r"^Builder on Aider +Builder on marimo", stacked, re.MULTILINE)


def test_plain_where_there_is_no_terminal_and_without_colour_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    text = screen(*cards_of(2), width=120)
    assert not re.search("[\x1b\u2500-\u257f]", text)
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")
    assert not coloured.search(screen(*cards_of(2), terminal=True))
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert coloured.search(screen(*cards_of(2), terminal=True))


@pytest.mark.parametrize(
    ("numbers", "words"), [((), ""), ((3,), "line 3"), ((7, 3, 8, 9), "lines 3, 7-9"), ((2, 2, 1), "lines 1-2")]
)
def test_line_numbers_in_words(numbers: tuple[int, ...], words: str) -> None:
    assert line_numbers(numbers) == words


def test_json_twin_is_json_and_keeps_the_numbers() -> None:
    page = card([flagged(one) for one in ruling("ship", "skip", "ship", "unscored")], brief=brief(amount=0, lines=(3,)))
    found = json.loads(json.dumps(card_json(page)))
    assert set(found) == {
        "tool", "thin", "lines_left_out", "removed", "pricing", "score", "community", "best_for", "seats",
        "held", "holds", "cleared", "to_check", "warnings", "strongest_dissent", "made", "disclosure",
    }
    assert found["community"] is None
    assert found["score"]["ships"] == 2
    assert (found["score"]["seats"], found["score"]["unscored"]) == (4, 1)
    assert found["pricing"]["lines"] == [3]
    assert [seat["verdict"] for seat in found["seats"]] == ["ship", "skip", "ship", "unscored"]
    assert found["seats"][3]["takes"][0]["unscored"] == "the answer was cut three times"
    assert found["strongest_dissent"]["persona_id"] == "competitor_analyst"


@pytest.mark.parametrize("width", WIDTHS)
def test_leaderboard_keeps_order_and_width(width: int) -> None:
    out = io.StringIO()
    rows = [leaderboard_row(one) for one in cards_of(2)]
    print_leaderboard(rows, Console(file=out, width=width))
    lines = out.getvalue().splitlines()
    assert all(cell_len(line) <= width for line in lines)
    assert out.getvalue().index("Aider") < out.getvalue().index("marimo")
    assert "2 ship / 1 skip of 4" in words_of(out.getvalue())  # one seat is unscored: the denominator is said
    assert DISCLOSURE in out.getvalue()
    assert [row["tool_id"] for row in leaderboard_json(rows)] == ["aider-chat", "marimo"]


def test_leaderboard_of_nothing_says_so() -> None:
    out = io.StringIO()
    print_leaderboard([], Console(file=out))
    assert out.getvalue() == "No tool has been reviewed yet.\n"


def test_report_has_every_tool_and_how_it_was_run() -> None:
    run = Run(
        id="2026-07-01-a", command="review examples", started_at="2026-07-01T09:59:00Z", program_version="0.1.0",
        package_versions={}, models={MODEL: "api.openai.com"}, captions=(STARTER,), personas=(),
        panel=Panel(seats=(Seat(persona_id="builder", persona_digest="f" * 32, model=MODEL),), prompts="review",
                    prompts_digest="b" * 32),
    )
    text = report_markdown(cards_of(2), [leaderboard_row(card) for card in cards_of(2)], 2, run)
    headings = re.findall(r"^#{1,2} .*", text, re.MULTILINE)
    assert headings == ["# Panel report 2026-07-01-a", "## Aider", "## marimo"]
    assert text.index(DISCLOSURE) < text.index("## Aider")
    assert f"**{STARTER}**" in text[:text.index("## Aider")]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "No tool was reviewed." in report_markdown([], [], 0, run)


def test_a_split_panel_names_the_strongest_of_each_side() -> None:
    page = scorecard_markdown(card(ruling("ship", "skip", "ship", "skip")))
    assert "The panel is split: " in page
    said = page.partition("The panel is split: ")[2].partition(".\n")[0]
    assert " for ship, " in said
    assert said.endswith(" for skip")
