"""What a persona's quotes have in common: counted by hand against `echoes_of`, then through the store."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from journal_maker import Making, made_dossier, made_lines, made_review, run_lines, write_run
from store_desk import FIRST, contents, rows

from panel.checks.words import STOP
from panel.store import load, open_store, persona_record, rebuild, scorecard
from panel.store.phrases import CONTENT, LEAST, OPENING, PHRASE, Echo, Quote, echoes_of, masks

TEMPLATE = "Consider gravity carefully before lunch"


def quote(number: int, text: str, tool: int | None = None, masked: frozenset[str] = frozenset()) -> Quote:
    return Quote(f"key-{number}", f"tool-{number if tool is None else tool}", text, masked)


def filler(number: int) -> str:
    """Sentences that no other number has a phrase of."""
    chance = random.Random(number)
    return " ".join("".join(chance.choices("klmnopqrstuv", k=9)) for _ in range(8)) + ". "


def quotes_with(texts: dict[int, str], of: int) -> list[Quote]:
    """`of` quotes, each unlike the others but for the texts given to some of them."""
    return [quote(number, filler(number) + texts.get(number, "")) for number in range(of)]


@pytest.mark.parametrize(("having", "of", "echo"), [
    (2, 2, False), (2, 9, False), (3, 3, True), (3, 9, True), (2, 10, False), (3, 10, True), (3, 14, True),
    (3, 15, False), (4, 15, True), (10, 50, False), (11, 50, True), (50, 50, True),
])
def test_a_phrase_is_an_echo_in_over_a_fifth_of_the_quotes_and_in_three(having: int, of: int, echo: bool) -> None:
    found = echoes_of(quotes_with(dict.fromkeys(range(having), f"{TEMPLATE}."), of))
    assert [(one.key, one.quotes, one.of) for one in found] == [
        (f"key-{number}", having, of) for number in range(having)] * echo
    assert {one.phrase for one in found} <= {"consider gravity carefully before"}
    assert {one.kind for one in found} <= {"phrase"}


@pytest.mark.parametrize(("having", "of", "echo"), [(2, 9, False), (3, 9, True), (3, 15, False), (11, 50, True)])
def test_an_opening_is_three_words_of_any_kind(having: int, of: int, echo: bool) -> None:
    quotes = [quote(number, ("This is an " if number < having else "") + filler(number)) for number in range(of)]
    found = echoes_of(quotes)
    assert found == [Echo(f"key-{number}", "opening", "this is an", having, of, (0, 10)) for number in range(having)
                     ] * echo
    inside = [quote(number, filler(number) + ("This is an " if number < having else "")) for number in range(of)]
    assert echoes_of(inside) == []


@pytest.mark.parametrize(("phrase", "echo"), [
    ("as far as the", False), ("I would ship it", False), ("a thin wrapper around", True), ("it is what it", False),
    ("would put it on", False), ("of the whole repository", False), ("the whole repository map", True),
])
def test_a_phrase_has_two_words_of_content(phrase: str, echo: bool) -> None:
    assert bool(echoes_of(quotes_with(dict.fromkeys(range(3), f"{phrase}."), 3))) == echo


def test_a_phrase_ends_with_its_sentence_and_goes_over_a_comma_and_a_line() -> None:
    for text, echo in (("consider gravity. Carefully before", False), ("consider gravity! carefully before", False),
                       ("consider gravity\n\ncarefully before", False), ("consider gravity, carefully before", True),
                       ("consider gravity\ncarefully “before”", True), ("Consider GRAVITY carefully: before", False)):
        assert bool(echoes_of(quotes_with(dict.fromkeys(range(3), f"{text} "), 3))) == echo, text


def test_a_number_with_a_point_is_no_end_of_a_sentence() -> None:
    found = echoes_of(quotes_with(dict.fromkeys(range(3), "gravity version 3.14 carefully."), 3))
    assert [one.phrase for one in found] == ["gravity version 3 14"] * 3


def test_takes_on_one_tool_are_no_echo() -> None:
    """Five takes and five models say the same of one tool because they are about it."""
    texts = [f"{filler(number)}{TEMPLATE}." for number in range(10)]
    assert echoes_of([quote(number, text, tool=number % 2) for number, text in enumerate(texts)]) == []
    assert len(echoes_of([quote(number, text, tool=number % 3) for number, text in enumerate(texts)])) == 10


def test_words_of_the_dossier_are_masked_where_they_are_its_own() -> None:
    masked = masks("Aider", ["It does consider the gravity of every change", "It commits"])
    for text, echo in ((TEMPLATE, False), ("Aider carefully plans lunch", False),
                       ("commit carefully plans lunch", False),
                       ("every lunch carefully planned", True), ("the carefully planned lunch", True)):
        quotes = [quote(number, f"{filler(number)}{text}.", masked=masked) for number in range(3)]
        assert bool(echoes_of(quotes)) == echo, text
    # Where only some dossiers have the words, it is an echo in the quotes of the others.
    quotes = [quote(number, f"{filler(number)}{TEMPLATE}.", masked=masked if number < 2 else frozenset())
              for number in range(6)]
    assert [(one.key, one.quotes) for one in echoes_of(quotes)] == [(f"key-{number}", 4) for number in range(2, 6)]


def test_a_masked_word_is_no_opening() -> None:
    texts = [f"{name} brings gravity {filler(number)}" for number, name in enumerate(("Aider", "Aider", "Aider"))]
    assert len(echoes_of([quote(number, text) for number, text in enumerate(texts)])) == 3
    masked = masks("aider", [])
    assert echoes_of([quote(number, text, masked=masked) for number, text in enumerate(texts)]) == []


def test_overlapping_phrases_are_one_flag_and_the_commonest_stands() -> None:
    long, short = "quite consider gravity carefully before lunch tomorrow.", "then consider gravity carefully before."
    found = echoes_of(quotes_with({0: long, 1: long, 2: long, 3: short}, 8))
    assert [(one.key, one.phrase, one.quotes) for one in found] == [
        (f"key-{number}", "consider gravity carefully before", 4) for number in range(4)]
    apart = echoes_of(quotes_with(dict.fromkeys(range(3), f"{TEMPLATE} {filler(99)}".rstrip()), 3))
    assert len(apart) == 3
    twice = echoes_of(quotes_with({n: f"{TEMPLATE}. {filler(n + 50)}{TEMPLATE}." for n in range(3)}, 3))
    assert [one.quotes for one in twice] == [3] * 6


def by_hand(quotes: list[Quote]) -> set[tuple[str, str]]:
    """Key and phrase of every echoing phrase of quotes that are small letters and blanks, by the definition."""
    def phrases(one: Quote) -> set[str]:
        words = ["" if word in one.masked else word for word in one.text.split()]
        four = [words[at:at + PHRASE] for at in range(len(words) - PHRASE + 1)]
        return {" ".join(each) for each in four if all(each) and sum(
            len(word) > 2 and word not in STOP for word in each) >= CONTENT}

    found = set()
    for one in quotes:
        for phrase in phrases(one):
            having = [other for other in quotes if phrase in phrases(other)]
            if len(having) >= 3 and len(having) > len(quotes) / 5 and len({other.tool_id for other in having}) >= 3:
                found.add((one.key, phrase))
    return found


TEXTS = st.lists(st.lists(st.sampled_from(["amber", "brook", "cedar", "delta", "the", "of", "it"]), max_size=9)
                 .map(" ".join), min_size=1, max_size=20)


@settings(max_examples=300, deadline=None)
@given(texts=TEXTS, tools=st.lists(st.integers(0, 5), min_size=20, max_size=20),
       masked=st.lists(st.sets(st.sampled_from(["amber", "brook", "the"])), min_size=20, max_size=20))
@example(texts=["amber brook cedar delta"] * 3, tools=list(range(20)), masked=[set()] * 20)
def test_what_is_reported_is_what_the_definition_says(
    texts: list[str], tools: list[int], masked: list[set[str]]) -> None:
    quotes = [quote(number, text, tools[number], frozenset(masked[number])) for number, text in enumerate(texts)]
    found = echoes_of(quotes)
    about = {one.key: one for one in quotes}
    expected = by_hand(quotes)
    for echo in found:
        text = about[echo.key].text[slice(*echo.span)]
        assert text == echo.phrase
        assert len(text.split()) == (PHRASE if echo.kind == "phrase" else OPENING)
        assert LEAST <= echo.quotes <= echo.of == len(quotes)
        assert echo.quotes * 5 > echo.of
        if echo.kind == "phrase":
            assert (echo.key, echo.phrase) in expected
        else:
            assert echo.span[0] == 0
    # Nothing is silent: a quote with an echoing phrase has a flag.
    assert {key for key, _ in expected} <= {echo.key for echo in found}
    assert [(one.key, one.span) for one in found] == sorted(
        ((one.key, one.span) for one in found), key=lambda pair: (list(about).index(pair[0]), pair[1]))


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(max_size=80), max_size=12), name=st.text(max_size=12), line=st.text(max_size=40))
def test_any_text_is_cut(texts: list[str], name: str, line: str) -> None:
    masked = masks(name, [line])
    quotes = [quote(number, text, masked=masked) for number, text in enumerate(texts * 2)]
    for echo in echoes_of(quotes):
        start, end = echo.span
        assert 0 <= start < end <= len(quotes[int(echo.key.removeprefix("key-"))].text)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


MAKING = replace(FIRST, unscored=0, template=f"{TEMPLATE}. Perhaps gravity bends carefully. ")
FOUR = [made_dossier(number) for number in range(4)]


def making_of(day: int, **changes: object) -> Making:
    return replace(MAKING, run_id=f"202601{day:02d}T000000-01", **changes)  # type: ignore[arg-type]


def dated(lines: object, day: int) -> list[dict[str, object]]:
    found = []
    for line in lines:  # type: ignore[attr-defined]
        if line["t"] == "review":
            line["record"]["finished_at"] = f"2026-01-{day:02d}T00:00:00Z"
        found.append(line)
    return found


def test_a_load_flags_what_the_quotes_share(runs: Path) -> None:
    write_run(runs, MAKING, run_lines(MAKING, FOUR))
    load(runs)
    found = rows(runs, "SELECT DISTINCT kind, phrase, quotes, \"of\", text, span FROM echoes ORDER BY span")
    assert found == [
        ("opening", "consider gravity carefully", 4, 4, "Consider gravity carefully", [0, 26]),
        ("phrase", "perhaps gravity bends carefully", 4, 4, "Perhaps gravity bends carefully", [41, 72])]
    assert rows(runs, "SELECT count(*), count(DISTINCT key) FROM echoes") == [(32, 16)]
    flags = rows(runs, "SELECT reason, field, text, about, holds, \"of\" FROM flags WHERE kind = 'template_echo' AND "
                       "persona_id = 'competitor_analyst' AND tool_id = 'tool-000002' ORDER BY position")
    assert flags == [
        ("the first three words of 4 of the competitor analyst's last 4 quotes, one a tool", "quote",
         "Consider gravity carefully",
         "consider gravity carefully", False, "review"),
        ("4 words in 4 of the competitor analyst's last 4 quotes, one a tool", "quote",
         "Perhaps gravity bends carefully",
         "perhaps gravity bends carefully", False, "review")]
    assert rows(runs, "SELECT holds FROM latest") == [(0,)] * 4
    assert rows(runs, "SELECT key, position FROM flags GROUP BY ALL HAVING count(*) > 1") == []
    with open_store(runs) as connection:
        card = scorecard(connection, "tool-000001")
        assert {(one.persona_id, one.flag.text) for one in card.echoes} == {
            (name, text) for name in MAKING.personas
            for text in ("Consider gravity carefully", "Perhaps gravity bends carefully")}
        assert {one.key for one in card.echoes} == {review.key for review in card.reviews}
        assert all(one.flag.kind == "template_echo" and not one.flag.holds for one in card.echoes)
        assert persona_record(connection, "builder").flags["template_echo"] == 4


def test_redrafts_of_a_tool_are_one_quote_the_latest(runs: Path) -> None:
    tools = FOUR[:3]
    for day in (2, 3):
        making = making_of(day, personas=("builder",), model=f"model-{day}")
        write_run(runs, making, dated(run_lines(making, tools), day))
        load(runs)
    assert rows(runs, "SELECT count(*) FROM reviews") == [(6,)]
    assert rows(runs, "SELECT DISTINCT quotes, \"of\" FROM echoes") == [(3, 3)]
    assert rows(runs, "SELECT DISTINCT finished_at[:10] FROM echoes JOIN reviews USING (key)") == [("2026-01-03",)]
    assert rows(runs, "SELECT count(DISTINCT tool_id) FROM echoes") == [(3,)]


def test_words_of_the_tools_own_lines_are_no_echo(runs: Path) -> None:
    """The same template in every dossier: then it is theirs."""
    tools = [tool.model_copy(update={"tagline": f"{TEMPLATE}; perhaps gravity bends"}) for tool in FOUR]
    assert "gravity" in made_lines(tools[0]).lines[1].text
    write_run(runs, MAKING, run_lines(MAKING, tools))
    load(runs)
    assert rows(runs, "SELECT count(*) FROM echoes") == [(0,)]


def test_depth_verdict_and_the_unscored_have_no_quotes(runs: Path) -> None:
    shallow, silent = making_of(2, depth="verdict"), making_of(3, unscored=1.0)
    for making in (shallow, silent):
        write_run(runs, making, run_lines(making, FOUR))
    load(runs)
    assert rows(runs, "SELECT count(*) FROM echoes") == [(0,)]


def test_only_the_last_fifty_count_and_a_persona_that_says_nothing_new_keeps_its_flags(runs: Path) -> None:
    old, new = making_of(2), making_of(3, template="", personas=("builder",))
    write_run(runs, old, dated(run_lines(old, [made_dossier(number) for number in range(60)]), 2))
    load(runs)
    assert rows(runs, "SELECT DISTINCT persona_id, quotes, \"of\" FROM echoes ORDER BY 1") == [
        (name, 50, 50) for name in sorted(MAKING.personas)]
    last = sorted(made_review(old, made_dossier(number), "builder").key for number in range(60))[10:]
    assert rows(runs, "SELECT DISTINCT key FROM echoes WHERE persona_id = 'builder' ORDER BY key") == [
        (key,) for key in last]
    write_run(runs, new, dated(run_lines(new, [made_dossier(number) for number in range(100, 139)]), 3))
    load(runs)
    counts = "SELECT persona_id, count(DISTINCT key), max(quotes) FROM echoes GROUP BY ALL ORDER BY 1"
    assert rows(runs, counts) == [("builder", 11, 11), *((name, 50, 50) for name in sorted(MAKING.personas)[1:])]
    more = making_of(4, template="", personas=("builder",))
    write_run(runs, more, dated(run_lines(more, [made_dossier(139)]), 4))
    load(runs)
    assert rows(runs, counts) == [(name, 50, 50) for name in sorted(MAKING.personas)[1:]]
    added = contents(runs, without=("loaded",))
    rebuild(runs)
    assert contents(runs, without=("loaded",)) == added
    assert rows(runs, "SELECT DISTINCT key FROM flags WHERE kind = 'template_echo' AND persona_id = 'builder'") == []
