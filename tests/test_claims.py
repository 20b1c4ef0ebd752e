"""Claims against their lines: the labelled set, the forms in which a fact may be written, and hostile texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.claims import FACTS, SETS, Seen, flag_claims, rates, read_set, read_tools
from panel.checks import flag_review
from panel.checks.facts import facts_in, source_of
from panel.checks.listed import list_sizes
from panel.checks.words import stem
from panel.schema import Because, Claim, DossierLines, Flag, Line, Persona, Verdict

PERSONA = Persona(
    id="builder", name="Builder", motto="m", lens="l", excited_by=("a",), tired_of=("b",), never_says=("c",),
    points={"primitive": "p", "stumble": "s"}, decision_rule="d", anchors={10: "a", 30: "b", 50: "c", 70: "d", 90: "e"},
)


@pytest.fixture(scope="module")
def seen(shared_data: Path) -> list[Seen]:
    return flag_claims(read_set(SETS / "claims_dev.jsonl"), read_tools(shared_data))


def test_the_development_set_is_whole(seen: list[Seen]) -> None:
    labels = [one.row["label"] for one in seen]
    assert {label: labels.count(label) for label in set(labels)} == {
        "supported": 84, "wrong": 80, "entity": 36, "unsupported": 40}


@pytest.mark.parametrize(("row", "recall", "precision"), [
    *((f"wrong {kind}", 0.95, 0.95) for kind in FACTS),
    ("number, price, date, licence", 0.97, 0.97), ("all wrong facts", 0.97, 0.97), ("swapped name", 0.95, 0.95),
    ("unsupported or weak", 0.6, 0.85),
])
def test_the_development_set_is_told_apart(seen: list[Seen], row: str, recall: float, precision: float) -> None:
    rate = rates(seen)[row]
    assert rate.recall >= recall
    assert rate.precision >= precision


# Lines and claims of a tool that does not exist

TEXTS = (
    ("name", "name: Tidewater"),
    ("pricing", "price: Solo, billed monthly: 12 USD per month"),
    ("pricing", "price: Solo, billed yearly: 10 USD per month"),
    ("pricing", "price: Crew: 30 USD per user per month"),
    ("facts", "Solo includes 300 minutes a month, and calls end after 30 minutes; a Harbour plan has no cap."),
    ("facts", "Crew gives 1,200 minutes and ten file imports, and Harbour gives 6,000."),
    ("facts", "Fees are 10, 30 and 60 dollars for Solo, Crew and Harbour."),
    ("facts", "It was shown in October and sold from 4 May 2026."),
    ("facts", "Exports go to CSV (plain, quoted, zipped), Parquet, Arrow, and more."),
    ("released", "released: 2025"),
    ("facts", "A test of 50 files read 38 of them in 1.09 s each; Pro had 300 requests and Pro+ five times that."),
    ("license", "license: GPL-2.0"),
    ("facts", "It began on 2025.02.26 with version 0.32a0, needs Python 3.9 - 3.13 and serves on port=8000."),
    ("facts", "Uploads are limited to 5 MB and half a million rows, for over 100,000 people."),
    ("facts", "Model | Score | Tokens"),
    ("facts", "Reef | 71.4 | 7.0K"),
)
LINES = DossierLines(
    tool_id="tidewater", name="Tidewater", words=300,
    lines=tuple(Line(number=number, field=field, text=text) for number, (field, text) in enumerate(TEXTS, start=1)))


def flags_of(text: str, *lines: int, dossier: DossierLines = LINES) -> list[Flag]:
    verdict = Verdict(points={}, claims=(Claim(text=text, lines=lines),), because=Because(point="", text="-"),
                      score=50, verdict="skip", confidence=50)
    return [flag for flag in flag_review(verdict, dossier, PERSONA, "verdict") if flag.field == "claims[0].text"]


@pytest.mark.parametrize(("text", "lines"), [
    ("Solo costs twelve dollars, or $10 by the year.", (2, 3)), ("A Crew seat is US$30.", (4,)),
    ("Crew is 30 bucks.", (4,)), ("Crew: 30.00 USD.", (4,)),
    ("Paying by the year saves two dollars.", (2, 3)), ("Calls end after half an hour.", (5,)),
    ("Five hours a month come with Solo.", (5,)), ("Solo is ten dollars and Crew 30 dollars.", (7,)),
    ("Solo and Crew are ten and thirty dollars.", (7,)), ("Shown in October 2025.", (8, 10)),
    ("Sold since May 4th, 2026, in the second quarter of 2026.", (8,)), ("On sale from 04.05.2026.", (8,)),
    ("Three kinds of CSV are written.", (9,)), ("At least three formats besides are written.", (9,)),
    ("76 percent of the files were read.", (11,)), ("Thirty-eight of fifty files were read.", (11,)),
    ("Roughly three quarters of the files were read.", (11,)), ("Pro+ had fifteen hundred requests.", (11,)),
    ("The GNU General Public License, version 2, applies.", (12,)), ("GPLv2 applies.", (12,)),
    ("It is GPL code.", (12,)), ("It started on 26 February 2025.", (13,)), ("It is at 0.32a0.", (13,)),
    ("Any Python from 3.9 to 3.13 will do.", (13,)), ("It listens on port eight thousand.", (13,)),
    ("Five-megabyte uploads of 500k rows.", (14,)), ("More than a hundred thousand people use it.", (14,)),
    ("Hundreds of thousands of rows fit.", (14,)), ("Reef scores 71.4 at seven thousand tokens.", (15, 16)),
    ("Over a thousand minutes come with Crew.", (6,)), ("One plan has no cap.", (5,)),
    ("Two plans, Solo and Crew, have a price.", (2, 4)), ("It costs nothing extra, 24/7, on the 1st of a month.", (5,)),
])
def test_no_wrong_fact_in_a_claim_that_says_it_in_another_form(text: str, lines: tuple[int, ...]) -> None:
    assert [flag.reason for flag in flags_of(text, *lines) if flag.holds] == []


@pytest.mark.parametrize(("text", "lines", "kind", "wrong"), [
    ("Solo costs thirty dollars.", (2, 4), "price", "thirty dollars"), ("Crew is $12 a seat.", (2, 4), "price", "$12"),
    ("Crew is £30.", (4,), "price", "£30"), ("Crew is 30 Canadian dollars.", (4,), "price", "30 Canadian dollars"),
    ("Solo is 144 dollars for the year.", (2, 3), "price", "144 dollars"), ("Crew is 3 USD.", (4,), "price", "3 USD"),
    ("Solo has 1,200 minutes.", (5, 6), "number", "1,200 minutes"), ("Crew allows 6,000 minutes.", (6,), "number",
                                                                     "6,000 minutes"),
    ("Calls end after 30 hours.", (5,), "number", "30 hours"),
    ("Solo has 300k minutes.", (5,), "number", "300k minutes"),
    ("Four kinds of CSV are written.", (9,), "number", "Four"), ("Uploads stop at 5 GB.", (14,), "number", "5 GB"),
    ("Millions of people use it.", (14,), "number", "Millions"), ("66 percent were read.", (11,), "number",
                                                                  "66 percent"),
    ("Two thirds of the files were read.", (11,), "number", "Two thirds"),
    ("Each took 10.9 seconds.", (11,), "number", "10.9 seconds"), ("A quarter of a million rows.", (14,), "number",
                                                                   "quarter of a million"),
    ("Crew has only one file import.", (6,), "number", "only one file"),
    ("Sold from 4 June 2026.", (8,), "date", "4 June 2026"), ("Sold since May 2025.", (8,), "date", "May 2025"),
    ("Shown in November.", (8,), "date", "November"), ("Released in 2024.", (10,), "date", "2024"),
    ("Sold since Q3 2026.", (8,), "date", "Q3 2026"), ("It is under GPL-3.0.", (12,), "licence", "GPL-3.0"),
    ("LGPL code.", (12,), "licence", "LGPL"), ("The MIT licence applies.", (12,), "licence", "MIT licence"),
    ("It is at version 0.23.", (13,), "version", "0.23"), ("Python 3.14 will do.", (13,), "version", "3.14"),
])
def test_a_wrong_fact_is_flagged_where_it_stands_and_nothing_else(
    text: str, lines: tuple[int, ...], kind: str, wrong: str
) -> None:
    found = [flag for flag in flags_of(text, *lines) if flag.holds]
    assert [(flag.kind, flag.text) for flag in found] == [(f"wrong_{kind}", wrong)]
    assert found[0].about


@pytest.mark.parametrize(("text", "sizes"), [
    ("A, B and C", {3}), ("A and B", {2}), ("(MP4, AVI, MOV, MKV, and WebM)", {5}), ("`a`, `b`, `c`, and more", {3}),
    ("At launch, A, B and C ran", {3, 4}), ("Deutsch | English | 中文", {3}), ("one thing", set()),
])
def test_what_a_text_lists_is_counted(text: str, sizes: set[int]) -> None:
    assert list_sizes(text) - {2} == sizes - {2}
    assert (2 in list_sizes(text)) >= (2 in sizes)


# Properties

ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen",
        "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def spoken(number: int) -> str:
    if number >= 1_000_000:
        return f"{spoken(number // 1_000_000)} million {spoken(number % 1_000_000)}".strip()
    if number >= 1000:
        return f"{spoken(number // 1000)} thousand {spoken(number % 1000)}".strip()
    if number >= 100:
        rest = spoken(number % 100)
        return f"{ONES[number // 100]} hundred" + (f" and {rest}" if rest else "")
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


@given(st.integers(2, 999_999_999))
def test_a_number_in_words_is_the_number_in_digits(number: int) -> None:
    words = f"It has {spoken(number)} of them."
    assert [fact.keys[0] for fact in facts_in(words)] == [f"n:{number:.12g}"]
    assert all(source_of(f"It has {number:,} of them.").supports(fact) for fact in facts_in(words))
    assert all(source_of(words).supports(fact) for fact in facts_in(f"It costs {number:,} of them."))


@given(st.integers(1, 99_999), st.sampled_from(["${}", "{} dollars", "USD {}", "{} USD", "US${}", "{}-dollar"]),
       st.sampled_from(["${}", "{} dollars", "USD {}", "{} USD", "US${}", "{} US dollars"]))
def test_a_price_is_one_price_however_written_and_no_other(amount: int, one: str, other: str) -> None:
    line = source_of(f"It costs {one.format(amount)} a month.")
    assert all(line.supports(fact) for fact in facts_in(f"It is {other.format(amount)}."))
    assert not any(line.supports(fact) for fact in facts_in(f"It is {other.format(amount + 1)}."))
    assert not any(line.supports(fact) for fact in facts_in(f"It is €{amount}."))


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%b %d, %Y", "%Y.%m.%d", "%d.%m.%Y"]),
       st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%B %Y", "%Y-%m"]))
def test_a_date_is_one_date_however_written(date: Any, one: str, other: str) -> None:
    if not 1990 <= date.year < 2060:
        date = date.replace(year=2000 + date.year % 50, day=1)
    line = source_of(f"It came on {date.strftime(one)} at last.")
    assert all(line.supports(fact) for fact in facts_in(f"Since {date.strftime(other)} it bills."))
    later = date.replace(year=date.year + 1, day=1)
    assert not any(line.supports(fact) for fact in facts_in(f"Since {later.strftime(other)} it bills."))


@given(st.text(max_size=30))
def test_a_stem_is_made_of_any_word(word: str) -> None:
    assert isinstance(stem(word or "a"), str)


@pytest.mark.parametrize("unit", [
    "thousands ", "20 ", "$1 ", "May-May-", "1-", "0.", "3.3.", "a and b ", "(a, ", "a, ", "hundred and ", "gpt-4-",
    "A. ",
    "Crew is 30 dollars and ", "half a ", "a third of ", "GNU ", "CC BY-AA-", "2-clause BSD ", "one point ", "no ", "|",
    "Windsurf 2 ", "twenty twenty ", "-1", "'22 ",
])
def test_a_long_and_silly_claim_or_line_is_read_to_its_end(unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    silly = LINES.model_copy(update={"lines": (*LINES.lines, Line(number=17, field="pricing", text=text))})
    assert len(flags_of(text, 4, 5)) < 40
    assert len(flags_of("Crew is 31 dollars for five things since May 2025.", 4, 17, dossier=silly)) < 40
