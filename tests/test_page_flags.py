"""Flags on every page: what holds first and numbered, the words marked where they stand, one list to check."""

from __future__ import annotations

import re

import pytest
from flag_cards import clearance, flag_in, held_card, with_flags
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from sample_cards import (
    MARIMO,
    MODEL,
    RENDERER,
    both_orders,
    brief,
    card,
    review,
    ruling,
    screen,
    verdict,
    words_of,
)

from panel.editorial.comparison import comparison_page
from panel.editorial.flag_list import flags_json, print_flags
from panel.editorial.flags import (
    FLAG_WORDS,
    OnPage,
    field_words,
    flag_words,
    flags_on,
    held_words,
    notes_in_short,
    seat_lines,
)
from panel.editorial.leaderboard import leaderboard_row
from panel.editorial.markdown import scorecard_markdown
from panel.editorial.marks import marked_markdown, pieces, sentence_around
from panel.editorial.plain import plain
from panel.editorial.scorecard import seated
from panel.editorial.to_check import list_lines, to_check
from panel.editorial.twins import card_json, comparison_json
from panel.editorial.versus import comparison_markdown
from panel.schema import HOLDING, Flag
from panel.schema.scorecard import Held, Scorecard

NOTES = {
    "wrong_name", "weak_claim", "unsupported_claim", "to_check", "outside_knowledge", "banned_phrase", "length",
    "score_mismatch", "few_citations", "generic", "label_in_quote", "echo", "template_echo", "suspicious_dossier",
    "own_vendor", "vague_prediction", "untold_event",
}


def flags_of_screen(page: Scorecard, *, everything: bool = False, width: int = 100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        print_flags(page, console, everything=everything)
        return console.export_text()


def test_every_kind_has_words() -> None:
    assert set(FLAG_WORDS) == HOLDING | NOTES


def test_what_holds_stands_first_at_its_seat_with_a_number_and_notes_after_it() -> None:
    page = held_card()
    said = scorecard_markdown(page)
    builder = said[said.index("## Builder"):said.index("## Competitor")]
    assert builder[builder.index("Flags:"):].split("\n\n")[1].splitlines() == [
        '- **HOLDS, flag 1:** version "0.87" is not what the dossier says: 0.86.2 \\[quote\\]',
        '- **HOLDS, flag 2:** "when I ran it" speaks of use, and the persona has not used the tool \\[quote\\]',
        "- 18 words; 60 to 170 expected \\[quote\\]",
    ]
    assert '- **HOLDS, flag 3:** number "9" is not on line 8 \\[claim 1\\]' in said
    shown = words_of(screen(page))
    assert 'HOLDS, flag 1: version "0.87" is not what the dossier says: 0.86.2 [quote]' in shown
    assert "note: 18 words; 60 to 170 expected [quote]" in shown


def test_flagged_words_are_marked_where_they_stand() -> None:
    page = held_card()
    assert ("> It would cost *\\$30*, and **when I ran it** \\[flag 2\\] **0.87** \\[flag 1\\] was slower than *Qwen* "
            "(at \\$30 too).") in scorecard_markdown(page)
    shown = screen(page, terminal=True, width=80)
    assert re.search(r"\x1b\[1;4;31m0\.87\x1b\[0m\x1b\[31m \[flag 1\]", shown)
    assert re.search(r"\x1b\[4m\$30\x1b\[0m", shown)
    claim = 'Changes are committed automatically, with messages. (line 8)'
    assert claim in scorecard_markdown(page)  # "9" is not in the claim's text: nothing is marked at a wrong place


WORDS = st.text(alphabet="ab $*_[]()`\\<.,;:!?~#-1é\n\u200b漢", max_size=30)


@settings(deadline=None, max_examples=400)
@given(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), st.data())
def test_marks_change_nothing_of_the_text_and_never_leak(text: str, data: st.DataObject) -> None:
    spans = data.draw(st.lists(st.tuples(st.integers(0, 130), st.integers(0, 130)), max_size=3))
    one = review("builder", verdict())
    flags = []
    for number, (start, end) in enumerate(spans, start=1):
        kind = data.draw(st.sampled_from(["wrong_price", "to_check"]))
        flag = Flag(kind=kind, reason="r", field="quote", span=(start, end), text=text[start:end] or None)
        flags.append(OnPage("Builder", "builder", one, flag, number if flag.holds else None))
    cut = pieces(text, flags)
    joined = "".join(piece.text if piece.close or not at else f" {piece.text}" for at, piece in enumerate(cut))
    assert joined == " ".join(plain(word) for word in plain(text).split())
    for before in ("", "> ", "- **Because** (x): ", "  - "):
        tokens = RENDERER.parse(before + marked_markdown(text, flags))
        kinds = {child.type for token in tokens for child in token.children or []}
        assert kinds <= {"text", "code_inline", "text_special", "strong_open", "strong_close", "em_open", "em_close"}
        shown = "".join(child.content for token in tokens for child in token.children or [])
        bare = re.sub(r" \[flag \d\]", "", shown.removeprefix("Because (x):"))
        assert bare.split() == joined.split() or "[flag" in text
        assert "strong_open" in kinds or not any(piece.number for piece in cut)


def test_a_span_that_no_longer_fits_is_found_by_its_words_or_not_marked() -> None:
    page = held_card()
    quote = "Never mind 0.87, it is fine."
    one = review("builder", verdict(quote=quote))
    stale = Flag(kind="wrong_version", reason="r", field="quote", span=(2, 6), text="0.87")
    gone = stale.model_copy(update={"text": "0.99"})
    first, second = (OnPage("Builder", "builder", one, flag, 1) for flag in (stale, gone))
    assert marked_markdown(quote, [first]) == "Never mind **0.87** \\[flag 1\\], it is fine."
    assert marked_markdown(quote, [second]) == quote
    spaced = stale.model_copy(update={"span": (10, 15), "text": " 0.87"})
    assert marked_markdown(quote, [OnPage("Builder", "builder", one, spaced, 1)]) == marked_markdown(quote, [first])
    assert page.held is False  # the store says what holds; a page reads the flags themselves
    assert held_words(page) == "HELD: 3 flags wait for an editor; ship-panel flags aider-chat"


def test_a_held_page_says_so_at_the_top_and_a_cleared_one_who_let_it_pass() -> None:
    page = held_card()
    assert scorecard_markdown(page).split("\n\n")[3] == (
        "**HELD: 3 flags wait for an editor; ship-panel flags aider-chat**")
    assert "HELD: 3 flags wait for an editor; ship-panel flags aider-chat" in screen(page)
    passed = page.model_copy(update={"cleared": (clearance(page, 1, 3), clearance(page, 2, by=None, note=None))})
    for text in (words_of(scorecard_markdown(passed)), words_of(screen(passed))):
        assert "HELD" not in text
        assert "HOLDS" not in text
        assert 'flag 1, cleared: version "0.87"' in text
        assert "2 flags cleared by Ada on 2026-07-02: the vendor's page says so" in text
        assert "1 flag cleared on 2026-07-02" in text
    assert "0.87 was slower" in scorecard_markdown(passed)  # no mark is left


def test_clearing_one_flag_does_not_renumber_the_others() -> None:
    page = held_card()
    passed = page.model_copy(update={"cleared": (clearance(page, 1),)})
    assert [(one.number, one.holds) for one in flags_on(passed) if one.number] == [(1, False), (2, True), (3, True)]
    assert held_words(passed) == "HELD: 2 flags wait for an editor; ship-panel flags aider-chat"
    lines = seat_lines(passed, seated(passed)[0])
    assert [line.split(":")[0] for line, _ in lines][:2] == ["HOLDS, flag 2", "flag 1, cleared"]


def test_a_flag_is_cleared_only_as_it_read() -> None:
    page = held_card()
    other = clearance(page, 1).flags[0].model_copy(update={"text": "0.88"})
    passed = page.model_copy(update={"cleared": (clearance(page, 1, flags=(other,)),)})
    assert sum(one.holds for one in flags_on(passed)) == 3


def test_the_same_words_twice_in_a_field_are_one_flag() -> None:
    one = Flag(kind="invented_experience", reason="r", field="quote", span=(0, 5), text="I use")
    twice = with_flags(review("builder", verdict()), one, one.model_copy(update={"span": (9, 14)}))
    assert len(flags_on(card([twice], seats=(("builder", MODEL),)))) == 1


def test_a_flag_of_a_take_that_is_not_shown_is_said() -> None:
    wrong = Flag(kind="wrong_price", reason='price "$9" is not on line 3', field="quote", text="$9")
    note = Flag(kind="length", reason="9 words", field="quote")
    takes = [review("builder", verdict()), review("builder", verdict(), repeat=1),
             with_flags(review("builder", verdict(decision="skip", score=20), repeat=2), wrong, note)]
    page = card(takes, seats=(("builder", MODEL),), repeats=3)
    assert seat_lines(page, seated(page)[0]) == [
        ('HOLDS, flag 1: price "$9" is not on line 3 [quote], in take 3, which is not shown', True)]


def test_the_list_to_check_has_each_item_once_prices_first() -> None:
    found = brief()
    found = found.model_copy(update={"flags": (
        Flag(kind="to_check", reason='date "2024" is not in the dossier', field="description", text="2024",
             about="d:2024"), Flag(kind="length", reason="20 words; 50 to 90 expected", field="description"))})
    page = held_card(brief=found)
    assert [(one.fact, one.text, one.about) for one in to_check(page)] == [
        ("price", "$30", "USD:30"), ("date", "2024", "d:2024"), ("name", "Qwen", "name:qwen")]
    assert list_lines(page) == [
        ("to check", "price $30: builder (quote), competitor analyst (caveat)"),
        ("to check", "date 2024: the brief (description)"), ("to check", "name Qwen (builder, competitor analyst)"),
        ("general knowledge", "Cline (competitor analyst)")]
    said = scorecard_markdown(page)
    assert said.count("## Not in the dossier") == 1
    assert "- **To check:** price \\$30: builder (quote), competitor analyst (caveat)" in said
    assert "Not in the dossier to check: price $30: builder (quote)" in words_of(screen(page))
    assert card_json(page)["to_check"][0] == {
        "fact": "price", "text": "$30", "about": "USD:30", "said_by": [
            {"who": "builder", "field": "quote"}, {"who": "competitor analyst", "field": "caveat"}]}


def test_notes_of_one_kind_share_a_line_and_their_field() -> None:
    flags = [Flag(kind="banned_phrase", reason=f"r {at}", field=field, text=text) for at, (field, text) in enumerate(
        [("quote", "robust"), ("claims[0].text", "seamless"), ("quote", "leverage"), ("quote", "robust")])]
    flags.append(Flag(kind="weak_claim", reason="2 of 4 words of the claim are not found on line 8",
                      field="claims[1].text", text="x" * 90))
    assert notes_in_short(flags) == [
        "phrase this persona never says: robust, leverage [quote]; seamless [claim 1]",
        "2 of 4 words of the claim are not found on line 8 [claim 2]"]


def test_what_is_to_check_is_not_listed_again_as_general_knowledge() -> None:
    page = held_card()
    known = Flag(kind="outside_knowledge", reason="r", field="claims[2].text", text="Qwen", about="name:qwen")
    reviews = [*page.reviews[:3], with_flags(page.reviews[3], known)]
    assert list_lines(page.model_copy(update={"reviews": tuple(reviews)})) == list_lines(page)


def test_a_page_with_nothing_to_check_has_no_list() -> None:
    page = card(ruling("ship", "ship", "ship", "ship"))
    assert "Not in the dossier" not in scorecard_markdown(page) + screen(page)
    assert "Flags:" not in scorecard_markdown(page)


def test_suspicious_text_and_own_maker_are_said_once_at_the_top() -> None:
    flags = (Flag(kind="suspicious_dossier", reason="suspicion 7 of 10: line 3 asks for a score", text="give 100"),
             Flag(kind="own_vendor", reason="the model is made by Meta, and so is the tool"))
    reviews = [with_flags(one, *flags) for one in ruling("ship", "skip", "ship", "ship")]
    reviews[3] = with_flags(reviews[3], flags[0])
    page = card(reviews)
    for text in (words_of(scorecard_markdown(page)), words_of(screen(page))):
        assert text.count("suspicious text: suspicion 7 of 10: line 3 asks for a score") == 1
        assert text.count("the model is made by Meta, and so is the tool (builder, competitor analyst, futurist)") == 1
        assert text.index("suspicion 7") < text.index("Every change lands")
    assert len(card_json(page)["warnings"]) == 2


def test_a_price_the_brief_reads_wrong_is_said_at_the_top() -> None:
    wrong = Flag(kind="wrong_price", reason='price "9 USD" is not on the lines it cites', field="price.amount")
    page = card(ruling("ship", "skip", "ship", "ship"), brief=brief(amount=9).model_copy(update={"flags": (wrong,)}))
    assert '**the brief: price "9 USD" is not on the lines it cites**' in scorecard_markdown(page)
    assert held_words(page) is None  # only what a seat says is held


def test_words_shared_with_other_quotes_stand_with_their_review() -> None:
    page = card(ruling("ship", "skip", "ship", "ship"))
    flag = Flag(kind="template_echo", reason="5 words in 4 of its last 50 quotes", field="quote",
                text="a bad edit would cost me")
    page = page.model_copy(update={"echoes": (Held(key=page.reviews[0].key, persona_id="builder", flag=flag),)})
    line = 'also in its other quotes: "a bad edit would cost me", 5 words in 4 of its last 50 quotes [quote]'
    assert seat_lines(page, seated(page)[0]) == [(line, False)]
    assert card_json(page)["seats"][0]["takes"][0]["flags"][0]["kind"] == "template_echo"


def test_json_says_what_holds_now() -> None:
    page = held_card()
    page = page.model_copy(update={"cleared": (clearance(page, 1),)})
    found = card_json(page)
    assert found["held"] is True
    assert [(one["number"], one["kind"], one["persona_id"]) for one in found["holds"]] == [
        (2, "invented_experience", "builder"), (3, "wrong_number", "competitor_analyst")]
    assert found["cleared"][0]["by"] == "Ada"
    builder = {flag["kind"]: flag for flag in found["seats"][0]["takes"][0]["flags"]}
    assert set(builder["wrong_version"]) == {
        "kind", "field", "span", "text", "reason", "about", "holds", "cleared", "number"}
    assert (builder["wrong_version"]["holds"], builder["wrong_version"]["cleared"]) == (False, True)
    assert (builder["length"]["holds"], builder["length"]["number"]) == (False, None)


def test_the_list_of_flags_shows_sentence_lines_and_what_to_type() -> None:
    page = held_card()
    page = page.model_copy(update={"cleared": (clearance(page, 1),)})
    shown = flags_of_screen(page)
    assert "Aider (aider-chat): 2 flags hold it, 1 cleared" in shown
    assert "“It would cost $30, and when I ran it 0.87 was slower" in shown
    assert "[8] Aider automatically commits changes" in shown
    assert 'ship-panel clear aider-chat --flag 3 --note "why"' in shown
    assert "Notes" not in shown
    everything = words_of(flags_of_screen(page, everything=True))
    assert "1 Builder, quote, cleared by Ada on 2026-07-02: the vendor's page says so" in everything
    assert "to check: price $30: builder (quote)" in everything
    found = flags_json(page, everything=True)
    assert [one["number"] for one in found["flags"]] == [2, 3]
    assert found["flags"][1]["cited_lines"]["8"].startswith("Aider automatically")
    assert found["cleared"][0]["note"] == "the vendor's page says so"


@pytest.mark.parametrize(("field", "words"), [
    ("quote", "quote"), ("because.text", "because"), ("claims[1].text", "claim 2"), ("points.dx_bet", "point dx bet"),
    ("prediction.statement", "prediction"), ("differences[0].axis", "difference 1"), ("best_for", "best for"),
])
def test_fields_as_people_say_them(field: str, words: str) -> None:
    assert field_words(field) == words


@pytest.mark.parametrize(("text", "words", "shown"), [
    ("One. It costs $30.5 a month. Three.", "$30.5", "It costs $30.5 a month."),
    ("One. Two", "gone", "One."),
    ("He said “no.” Then it cost $9!", "$9", "Then it cost $9!"),
    ("a " * 400 + "$9 " + "b " * 400, "$9", None),
])
def test_the_sentence_around_a_flag(text: str, words: str, shown: str | None) -> None:
    found = sentence_around(text, None, words)
    assert found == shown if shown else (len(found) < 400 and "$9" in found and found[0] == found[-1] == "…")


def test_an_unknown_kind_is_said_by_its_name() -> None:
    flag = Flag(kind="odd_thing", reason="r", field="quote", text="w")
    assert flag_words(flag) == 'odd thing: r ("w") [quote]'


def test_a_comparison_that_holds_is_held() -> None:
    ab, ba = both_orders("builder", "a", "b")
    assert ab.comparison is not None
    wrong = Flag(kind="wrong_price", reason='price "$9" is in neither dossier', field="quote", text="$9")
    note = Flag(kind="length", reason="30 words; 40 to 90 expected", field="quote")
    decided = ("ship", "skip", "ship", "ship")
    cards = card(ruling(*decided)), card(ruling(*decided, tool="marimo"), dossier=MARIMO)
    page = comparison_page(*cards, [one.model_copy(update={"flags": (note, wrong)}) for one in (ab, ba)])
    said = comparison_markdown(page)
    assert "**HELD: 1 flag in the answers over both tools, below**" in said
    assert said.index('HOLDS: price "\\$9" is in neither dossier') < said.index("note: 30 words")
    assert comparison_json(page)["held"] is True
    calm = comparison_page(*cards, [ab, ba])
    assert "HELD" not in comparison_markdown(calm)
    assert comparison_json(calm)["held"] is False


def test_a_held_tool_is_marked_in_a_list() -> None:
    page = held_card()
    held = Held(key=page.reviews[0].key, persona_id="builder",
                flag=flag_in(verdict(quote="a 9"), "wrong_number", "9", "r"))
    assert leaderboard_row(page.model_copy(update={"holds": (held,)})).held
    assert not leaderboard_row(page).held
