"""The scorecard in the terminal, as Markdown and as JSON; the leaderboard; and that no text can break out of them."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console
from sample_cards import (
    AIDER,
    FOUR,
    MARIMO,
    MODEL,
    brief,
    card,
    flagged,
    lines_of,
    review,
    ruling,
    unanswered,
    verdict,
)

from panel.dossiers import cut_lines, read_dossiers
from panel.editorial.leaderboard import leaderboard_markdown, leaderboard_row, print_leaderboard
from panel.editorial.markdown import report_markdown, scorecard_markdown
from panel.editorial.plain import escaped, link, plain, shortened
from panel.editorial.pricing import price_read
from panel.editorial.scorecard import DISCLOSURE, line_numbers, seated
from panel.editorial.terminal import print_scorecards
from panel.editorial.twins import card_json, leaderboard_json
from panel.schema import Because, Claim, Dossier, Flag, Panel, Price, Probe, Run, Seat
from panel.schema.scorecard import Scorecard

WIDTHS = (60, 80, 120)
STARTER = "starter model: for trying the software, not for publishing"
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


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
    assert "Unscored (unreadable): the answer was cut three times" in scorecard_markdown(page)
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
    for text in (words_of(scorecard_markdown(page)), words_of(screen(page))):
        for one in page.reviews:
            said = one.verdict
            assert said is not None
            for piece in (*said.points.values(), *said.missing, said.because.text, said.change_my_mind, said.quote):
                assert piece
                assert piece in text
        assert "skip as a business, ship as infrastructure" in text
        assert "(by 2028-01, 55%)" in text
        assert "to check: 0.86.2 stands on no cited line" in text
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
        assert hrefs(scorecard_markdown(page)) == [dossier.url]


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


def cards_of(count: int) -> list[Scorecard]:
    first = card([flagged(one) for one in ruling("ship", "skip", "ship", "unscored")], brief=brief())
    second = card(ruling("skip", "skip", "ship", "ship", tool="marimo"), dossier=MARIMO, captions=(STARTER,))
    return [first, second, first][:count]


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


NASTY = (
    "[click](javascript:alert(1))", "![x](https://evil.example/p.png)", "<script>alert(1)</script>", "<img src=x>",
    "# heading", "- item", "1. item", "> quote", "---", "===", "| a | b |", "```", "~~~", "`code`", "**bold**", "_em_",
    "https://evil.example/a_b?x=1&y=2", "www.evil.example", "me@evil.example", "//evil.example", "&lt;b&gt;", "&#60;",
    "[a]: https://evil.example", "[^1]", "<https://evil.example>", "{{ config }}", "{% raw %}", "$x$", "a\\", "\\*",
    "[bold red]hello[/]", ":smile:", "\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x07link", "\x9b2J", "\x08\x7f",
    "a\nb", "a\n\n# b", "a\u2028b", "\u202eevil\u202c", "a\u200bb", "C #", "#hash", "f(x)_{i}", "evil.example/x",
    "`` ` ``", "snake_case_name", "2*3*4", "~~gone~~", "<!-- x -->", "a|b", "x" * 200, "漢字" * 60, "👩‍💻" * 30,
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="\\`*_{}[]()<>#+-.!|~&:$@/^=%'\" \n\tab1é漢", max_size=40),
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=3).map(" ".join),
    st.lists(st.sampled_from(NASTY), min_size=2, max_size=3).map("".join),
)
INLINE = {"text", "code_inline", "text_special", "strong_open", "strong_close"}


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_escaped_markdown_reads_as_the_text_and_as_nothing_else(text: str) -> None:
    wanted = plain(text)
    for page in ("{}", "- {}", "> {}", "# {}", "word {}", "**Name:** {}", "| a | b |\n| --- | --- |\n| {} | end |"):
        blocks = RENDERER.parse(page.format(escaped(text)))
        inline = [token for token in blocks if token.type == "inline" and token.content]
        kinds = {child.type for token in inline for child in token.children or []}
        assert kinds <= INLINE, (page, kinds)
        shown = "".join(child.content for token in inline for child in token.children or [])
        around = page.format("").replace("**", "").strip("-># ") if "|" not in page else None
        expected = "ab" + wanted + "end" if around is None else f"{around} {wanted}".strip()
        assert shown.strip() == expected
        assert not {token.type for token in blocks} & {"fence", "code_block", "html_block", "hr", "ordered_list_open"}


@settings(deadline=None)
@given(TEXTS)
def test_nothing_a_linkifier_looks_for_is_left_outside_code(text: str) -> None:
    markdown = escaped(text)
    assert "<" not in markdown
    inline = RENDERER.parseInline(markdown)[0].children or []
    for token in inline:
        if token.type == "text":
            assert not re.search(r"//[^\s]|www\.|\w@\w|[^\s.]\.[^\W\d_]{2}", token.content, re.IGNORECASE)


@given(st.text())
def test_plain_text_has_no_control_or_invisible_characters(text: str) -> None:
    found = plain(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", found)
    assert plain(found) == found
    assert len(shortened(text, 20)) <= 20


def hostile_card(text: str) -> Scorecard:
    said = verdict(
        points={"primitive": text}, claims=(Claim(text=text, lines=(1,)),), missing=(text,),
        because=Because(point="primitive", text=text), quote=text, best_for=text, change_my_mind=text, caveat=text,
    )
    one = review("builder", said, flags=(Flag(kind=text, reason=text, text=text, field=text),), model_answered=text)
    two = review("futurist", None, unscored=text or "x", unscored_kind="declined")
    dossier = Dossier(
        id="evil", name=text if text.strip() else "x", tagline=text, category=text, url=text, version=text,
        license=text, pricing=(Price(plan=text, amount=1, currency=text, unit=text, as_of=text, source_url=text),),
    )
    lines = lines_of("evil", (text,), removed=(text,))
    seats = (("builder", MODEL), ("futurist", MODEL))
    return card([one, two], dossier=dossier, lines=lines, seats=seats, captions=(text,))


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_no_text_breaks_out_of_the_markdown_page(text: str) -> None:
    markdown = scorecard_markdown(hostile_card(text))
    found = tokens_of(markdown)
    kinds = {token.type for token in found}
    assert not kinds & {"html_inline", "html_block", "image", "fence", "code_block", "hr", "table_open"}
    assert [token.tag for token in found if token.type == "heading_open"] == ["h1", "h2", "h2", "h2", "h2"]
    assert all(re.match(r"https?://", href) for href in hrefs(markdown))
    assert "<" not in markdown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", markdown)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from(WIDTHS), st.booleans())
def test_no_text_breaks_out_of_the_terminal(text: str, width: int, terminal: bool) -> None:
    page = hostile_card(text)
    shown = screen(page, card(ruling("ship", "skip", "ship", "ship")), width=width, terminal=terminal)
    bare = COLOUR.sub("", shown)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", bare)
    assert all(cell_len(line) <= width for line in bare.split("\n"))


def test_markup_of_the_terminal_is_shown_as_written() -> None:
    page = card([review("builder", verdict(quote="[bold red]Buy[/] :smile: [link=https://evil.example]now[/link]"))],
                seats=(("builder", MODEL),))
    assert "[bold red]Buy[/] :smile: [link=https://evil.example]now[/link]" in words_of(screen(page, terminal=True))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://github.com/Aider-AI/aider", "https://github.com/Aider-AI/aider"),
        ("http://a.example/x?y=1&z=2#f", "http://a.example/x?y=1&z=2#f"),
        ("https://a.example/(x)[y]<z>\"'`", "https://a.example/%28x%29%5By%5D%3Cz%3E%22%27%60"),
        ("javascript:alert(1)", None), ("data:text/html,x", None), ("JaVaScRiPt://a.example/%0aalert(1)", None),
        ("https://google.com@evil.example", None), ("https://", None), ("//evil.example", None),
        ("https://a.example/ x](javascript:1)", None), ("file:///etc/passwd", None), ("http://[::1", None),
    ],
)
def test_only_honest_http_addresses_become_links(url: str, target: str | None) -> None:
    assert hrefs(link(url)) == ([target] if target else [])


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
        "strongest_dissent", "made", "disclosure",
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


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_leaderboard_markdown_has_one_row_a_tool_whatever_its_name(text: str) -> None:
    found = tokens_of(leaderboard_markdown([leaderboard_row(hostile_card(text)), leaderboard_row(cards_of(1)[0])]))
    assert sum(token.type == "tr_open" for token in found) == 3
    assert sum(token.type == "td_open" for token in found) == 18
    assert not {token.type for token in found} & {"link_open", "image", "html_inline"}


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
    text = report_markdown(cards_of(2), run)
    headings = re.findall(r"^#{1,2} .*", text, re.MULTILINE)
    assert headings == ["# Panel report 2026-07-01-a", "## Aider", "## marimo"]
    assert text.index(DISCLOSURE) < text.index("## Aider")
    assert f"**{STARTER}**" in text[:text.index("## Aider")]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "No tool was reviewed." in report_markdown([], run)
