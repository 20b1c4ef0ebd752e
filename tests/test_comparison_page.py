"""The "A vs B" page: sentences, picks in both orders, differences with lines, in terminal, Markdown and JSON."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from sample_cards import COLOUR, FOUR, MARIMO, both_orders, brief, card, comparison, ruling, tokens_of, words_of

from panel.editorial.comparison import ComparisonPage, comparison_page, overall_words, pick_words
from panel.editorial.scorecard import DISCLOSURE
from panel.editorial.twins import comparison_json
from panel.editorial.versus import comparison_markdown, pick_if, print_comparison
from panel.schema import Comparison, ComparisonText, Difference, Flag

AIDER_WINS, MARIMO_WINS, FIRST_WINS = ("a", "b"), ("b", "a"), ("a", "a")


def page_of(*picks: tuple[str, str], comparisons: list[Comparison] | None = None) -> ComparisonPage:
    """Aider against marimo, a pair of picks (Aider first, marimo first) for each of the first personas."""
    asked = [one for who, pick in zip(FOUR, picks, strict=False) for one in both_orders(who, *pick)]
    return comparison_page(
        card(ruling("ship", "skip", "ship", "ship"), brief=brief()),
        card(ruling("ship", "skip", "unscored", "ship", tool="marimo"), dossier=MARIMO),
        asked if comparisons is None else comparisons,
    )


def screen(page: ComparisonPage, width: int = 80, terminal: bool = False) -> str:
    out = io.StringIO()
    print_comparison(page, Console(file=out, width=width, force_terminal=terminal))
    return out.getvalue()


@pytest.mark.parametrize(
    ("picks", "overall"),
    [
        ([AIDER_WINS, AIDER_WINS, MARIMO_WINS, AIDER_WINS],
         "Aider (3 of 4 stable picks; 4 of 4 seats with a stable pick)"),
        ([AIDER_WINS, FIRST_WINS, MARIMO_WINS, AIDER_WINS],
         "Aider (2 of 3 stable picks; 3 of 4 seats with a stable pick)"),
        ([AIDER_WINS, MARIMO_WINS, MARIMO_WINS, AIDER_WINS], "no overall pick (4 of 4 seats with a stable pick)"),
        ([AIDER_WINS, FIRST_WINS, FIRST_WINS, FIRST_WINS], "no overall pick (1 of 4 seats with a stable pick)"),
        ([FIRST_WINS] * 4, "no overall pick (0 of 4 seats with a stable pick)"),
        ([("neither", "neither")] * 4, "neither (4 of 4 stable picks; 4 of 4 seats with a stable pick)"),
        ([("not_comparable", "not_comparable")] * 4,
         "not comparable (4 of 4 stable picks; 4 of 4 seats with a stable pick)"),
        ([], "nobody was asked about both"),
    ],
)
def test_overall_pick_with_its_denominators(picks: list[tuple[str, str]], overall: str) -> None:
    page = page_of(*picks)
    assert overall_words(page) == overall
    assert overall in words_of(screen(page))
    assert f"**Overall:** {overall}" in comparison_markdown(page)


@pytest.mark.parametrize(
    ("pick", "words"),
    [
        (AIDER_WINS, "Aider (Aider first: Aider; marimo first: Aider)"),
        (MARIMO_WINS, "marimo (Aider first: marimo; marimo first: marimo)"),
        (FIRST_WINS, "no stable preference (Aider first: Aider; marimo first: marimo)"),
        (("b", "b"), "no stable preference (Aider first: marimo; marimo first: Aider)"),
        (("neither", "a"), "no stable preference (Aider first: neither; marimo first: marimo)"),
    ],
)
def test_both_orders_are_shown(pick: tuple[str, str], words: str) -> None:
    page = page_of(pick)
    assert pick_words(page, page.seats[0]) == words
    assert f"- **Builder:** {words}" in comparison_markdown(page)


def test_a_position_biased_panel_never_has_a_preference() -> None:
    page = page_of(*[FIRST_WINS] * 4)
    assert [seat.stable for seat in page.seats] == [None] * 4
    assert comparison_markdown(page).count("no stable preference") == 4
    assert "> Between the two" not in comparison_markdown(page)  # a quote would argue for an order


def test_an_order_that_is_missing_or_unscored_is_no_preference() -> None:
    ab, ba = both_orders("builder", "a", "b")
    unscored = ba.model_copy(update={"comparison": None, "unscored": "timed out", "unscored_kind": "unavailable"})
    page = page_of(comparisons=[ab])
    assert pick_words(page, page.seats[0]) == "no stable preference (Aider first: Aider; marimo first: not asked)"
    page = page_of(comparisons=[ab, unscored])
    said = "no stable preference (Aider first: Aider; marimo first: unscored, timed out)"
    assert pick_words(page, page.seats[0]) == said


def test_a_scored_answer_counts_over_a_later_one_without_answer_and_other_pairs_are_left_aside() -> None:
    ab, ba = both_orders("builder", "a", "b")
    lost = ab.model_copy(update={
        "comparison": None, "unscored": "x", "unscored_kind": "budget", "finished_at": "2026-08-01T00:00:00Z",
    })
    other = comparison("builder", "aider-chat", "crewai", "b")
    assert page_of(comparisons=[lost, ab, ba, other]).seats[0].stable == "aider-chat"


def test_the_page_opens_with_the_two_if_sentences() -> None:
    page = page_of(FIRST_WINS, MARIMO_WINS, AIDER_WINS, AIDER_WINS)
    first = "Pick Aider if you want what aider-chat does, says futurist (says the futurist)."
    second = "Pick marimo if you want what marimo does, says competitor_analyst (says the competitor analyst)."
    assert words_of(screen(page)).startswith(f"{first} {second}")
    blocks = comparison_markdown(page).split("\n\n")
    assert blocks[0] == "# Aider vs marimo"
    assert blocks[1] == first
    assert blocks[2] == second


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Pick A if you review by commit.", "Pick Aider if you review by commit (says the builder)."),
        ("If the model must be local...", "Pick Aider if the model must be local (says the builder)."),
        ("You live in a terminal", "Pick Aider if you live in a terminal (says the builder)."),
        ("LLM cost matters", "Pick Aider if LLM cost matters (says the builder)."),
        ("choose Aider Chat, if it must stay open", "Pick Aider if it must stay open (says the builder)."),
        ("  ", "Pick Aider if: no persona gave a reason."),
    ],
)
def test_the_if_sentence_is_one_sentence(said: str, shown: str) -> None:
    ab, _ = both_orders("builder", "a", "b")
    assert ab.comparison is not None
    changed = ab.model_copy(update={"comparison": ab.comparison.model_copy(update={"pick_a_if": said})})
    page = page_of(comparisons=[changed])
    assert pick_if("Aider", page.pick_a_if) == shown


def test_without_comparisons_the_page_still_stands() -> None:
    page = page_of()
    markdown = comparison_markdown(page)
    assert "Pick Aider if: no persona gave a reason." in markdown
    assert "No persona named one." in markdown
    assert DISCLOSURE in markdown
    assert "nobody was asked about both" in words_of(screen(page))


def test_differences_name_the_lines_of_each_tool_whatever_the_order() -> None:
    ba = comparison("builder", "marimo", "aider-chat", "a")
    page = page_of(comparisons=[ba, *both_orders("futurist", "a", "b")])
    kept = page.contrasts[0]
    assert kept.axis == "Where work is kept"
    assert kept.named_by == ("Builder", "Futurist")
    # the builder saw marimo first: its a_lines are marimo's
    assert (kept.a_lines, kept.b_lines) == ((7, 8), (7, 8))
    markdown = comparison_markdown(page)
    assert "\\[8\\] Aider automatically commits changes" in markdown
    assert "\\[7\\] git-friendly: stored as" in markdown
    assert "[8] Aider automatically commits changes" in words_of(screen(page))


def test_reviewers_decision_dissent_and_changes_of_mind_are_on_both_pages() -> None:
    page = page_of(AIDER_WINS, AIDER_WINS, AIDER_WINS, AIDER_WINS)
    markdown, shown = comparison_markdown(page), words_of(screen(page, width=60))
    rows = re.findall(r"^\| (Builder|Competitor analyst|Futurist|Investor) \|", markdown, re.MULTILINE)
    assert rows == ["Builder", "Competitor analyst", "Futurist", "Investor"]
    assert "| Community | — (no votes) | — (no votes) |" in markdown
    assert re.search(r"^\| Panel \| .*3 ship / 1 skip of 4 seats, 0 unscored.* 2 ship / 1 skip of 4 seats, 1 unscored",
                     markdown, re.MULTILINE)
    assert re.search(r"^votes +3 ship / 1 skip of 4 seats.* 2 ship / 1 skip of 4 seats", screen(page, 99), re.MULTILINE)
    assert "unscored: the answer was cut three times |" in markdown
    for text in (markdown, shown):
        assert "Every change lands as a commit, and that decides it" in text
        assert "a default that commits work nobody has looked at" in text
        assert "Competitor analyst" in text
        assert "published figures against the vendors' own agents" not in text  # it is on the losing side
        assert DISCLOSURE in text


def test_flags_of_an_answer_are_shown_in_plain_words() -> None:
    flags = (Flag(kind="to_check", reason="2028 is on no line"),)
    page = page_of(comparisons=both_orders("builder", "a", "b", flags=flags))
    assert comparison_markdown(page).count("note: to check: 2028 is on no line") == 1
    assert "note: to check: 2028 is on no line" in words_of(screen(page))


def test_json_twin() -> None:
    found = json.loads(json.dumps(comparison_json(page_of(AIDER_WINS, FIRST_WINS))))
    assert [(one["a_first"], one["b_first"], one["stable"]) for one in found["picks"]] == [
        ("aider-chat", "aider-chat", "aider-chat"), ("aider-chat", "marimo", None),
    ]
    assert found["overall"] == {"pick": None, "votes": 1, "stable": 1, "asked": 2}
    assert found["a"]["tool"]["id"] == "aider-chat"
    assert found["pick_a_if"]["said_by"] == "Builder"
    assert len(found["picks"][0]["answers"]) == 2


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("terminal", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, terminal: bool) -> None:
    text = COLOUR.sub("", screen(page_of(AIDER_WINS, FIRST_WINS, MARIMO_WINS), width, terminal))
    assert all(cell_len(line) <= width for line in text.splitlines())


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="\\`*_{}[]()<>#+-.!|~&:$@/^= \n\x1bab1", max_size=30),
    st.sampled_from((
        "![x](https://evil.example/x.png)", "<script>alert(1)</script>", "# no\n\n| a |\n| --- |",
        "\x1b[2J\x1b]0;x\x07",
        "[bold]x[/bold]", "https://evil.example", "pick | if | <b>", "```\ncode",
    )),
)


@settings(deadline=None, max_examples=60)
@given(HOSTILE, st.sampled_from([60, 80, 120]))
def test_no_text_breaks_out_of_the_page(text: str, width: int) -> None:
    said = ComparisonText(
        differences=(Difference(axis=text, a_lines=(1,), b_lines=(2,)),), pick="a", pick_a_if=text, pick_b_if=text,
        quote=text,
    )
    flags = (Flag(kind="to_check", reason=text),)
    page = page_of(comparisons=both_orders("builder", "a", "b", comparison=said, flags=flags))
    markdown = comparison_markdown(page)
    tokens = tokens_of(markdown)
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "image", "fence", "code_block", "hr", "link_open"}
    assert sum(token.type == "heading_open" for token in tokens) == 8
    assert sum(token.type == "table_open" for token in tokens) == 2
    assert "<" not in markdown
    shown = COLOUR.sub("", screen(page, width, terminal=True))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert all(cell_len(line) <= width for line in shown.split("\n"))
