"""What is flagged for an editor, what is left alone, and where in the text it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.checks import RE_ASK, flag_brief, flag_comparison, flag_review, grounding, kept, reask_reason, to_check_list
from panel.checks.grounding import ground_of
from panel.checks.words import words_of
from panel.dossiers import cut_lines, read_dossiers
from panel.schema import (
    Because,
    BriefPrice,
    BriefText,
    Cited,
    Claim,
    ComparisonText,
    Depth,
    Difference,
    Dossier,
    DossierLines,
    Flag,
    Line,
    Persona,
    Prediction,
    Verdict,
)
from panel.schema.verdict import HOLDING

PERSONA = Persona(
    id="investor", name="Investor", motto="name the buyer", lens="who signs within the first ten minutes",
    excited_by=("a payer",), tired_of=("stars",), never_says=("game-changer", "at the end of the day", "sticky"),
    points={"buyer": "who pays", "moat": "what holds them", "survives_platform_move": "what is left"},
    decision_rule="skip without a payer", anchors={10: "a", 30: "b", 50: "c", 70: "d", 90: "e"},
)
TEXTS = (
    ("name", "name: Tidewater"), ("vendor", "vendor: Harbour Labs"),
    ("license", "license: Apache-2.0"), ("version", "version: 0.86.2"), ("released", "released: 2026-10-05"),
    ("pricing", "price: Teams: 40 USD per user per month"), ("pricing", "price: Hobby: 0 USD per month"),
    ("facts", "Bugbot reviews pull requests on GitHub, GitLab and Bitbucket."),
    ("facts", "The index holds two million vectors and answers in 25 ms on 12k repositories."),
    ("description", "Tidewater keeps settings, keybindings and themes, and bills usage beyond a monthly pool."),
)
LINES = DossierLines(
    tool_id="tidewater", name="Tidewater", words=300,
    lines=tuple(Line(number=number, field=field, text=text) for number, (field, text) in enumerate(TEXTS, start=1)),
)
THIN = LINES.model_copy(update={"words": 30})
QUOTE = (
    "Teams at 40 dollars per user a month says who signs: a manager with a tools budget and a headcount to multiply it "
    "by. The unit grows with the customer, and the monthly pool keeps heavy usage from being eaten by the maker. What "
    "holds a team is thinner, since settings and keybindings can go back to where they came from, while Bugbot on "
    "GitHub and GitLab would be missed by whoever reviews pull requests. I would ship it for the payer it names."
)


def verdict(**changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "points": {"buyer": "a manager with a tools budget", "moat": "settings and keybindings",
                   "survives_platform_move": "Bugbot"},
        "claims": (Claim(text="Teams costs 40 dollars per user per month", lines=(6,)),
                   Claim(text="Bugbot reviews pull requests on GitLab", lines=(8,))),
        "because": Because(point="buyer", text="A seat price of 40 dollars names a payer."), "score": 68,
        "verdict": "ship", "confidence": 66, "quote": QUOTE, "best_for": "teams that review by pull request",
        "change_my_mind": "If the pool shrank twice in a year", "caveat": None,
        "prediction": None,
    }
    return Verdict(**(fields | changes))


def flags(kind: str | None = None, lines: DossierLines = LINES, depth: Depth = "full", **changes: Any) -> list[Flag]:
    found = flag_review(verdict(**changes), lines, PERSONA, depth)
    return [flag for flag in found if kind is None or flag.kind == kind]


def texts(found: Iterable[Flag]) -> list[str | None]:
    return [flag.text for flag in found]


def quote_with(sentence: str) -> str:
    return QUOTE.replace("I would ship it", f"{sentence} I would ship it")


def test_a_sound_review_has_no_flag() -> None:
    assert flags() == []


def test_at_depth_verdict_a_review_without_a_quote_has_no_flag() -> None:
    assert flags(depth="verdict", quote=None, best_for=None, change_my_mind=None) == []


# Lengths, score, the last word, labels


@pytest.mark.parametrize(("words", "lines", "flagged"), [
    (59, LINES, True), (60, LINES, False), (170, LINES, False), (171, LINES, True),
    (24, THIN, True), (25, THIN, False), (60, THIN, False), (61, THIN, True),
])
def test_length_of_the_quote(words: int, lines: DossierLines, flagged: bool) -> None:
    quote = " ".join(["pool"] * (words - 3) + ["I", "would", "ship."])
    assert [flag.field for flag in flags("length", lines, quote=quote)] == (["quote"] if flagged else [])


def test_a_dash_that_stands_alone_is_no_word_and_because_has_25() -> None:
    assert flags("length", because=Because(point="buyer", text="pool – " * 25)) == []
    found = flags("length", because=Because(point="buyer", text="pool " * 26))
    assert [(flag.field, flag.reason) for flag in found] == [("because.text", "26 words; 1 to 25 expected")]


@pytest.mark.parametrize(("word", "score", "flagged"), [
    ("ship", 39, True), ("ship", 40, False), ("skip", 60, False), ("skip", 61, True), ("ship", 100, False),
    ("skip", 0, False),
])
def test_score_mismatch(word: str, score: int, flagged: bool) -> None:
    assert bool(flags("score_mismatch", verdict=word, score=score)) is flagged


@pytest.mark.parametrize(("word", "last", "flagged"), [
    ("ship", "Skip it.", True), ("skip", "I would ship it.", True), ("skip", "I would not ship it.", False),
    ("ship", "I would not ship it.", True), ("ship", "I wouldn't skip this.", False),
    ("ship", "Nothing here would make me skip it.", False), ("ship", "It is not cheap, but I would ship it.", False),
    ("skip", "Skip as a business, ship as infrastructure.", False), ("skip", "It ships with no price.", False),
    ("skip", "For teams that ship weekly it is noise.", False), ("ship", "A pool to watch.", False),
    ("skip", "No payer, no price: skip.", False), ("skip", "Ship it? The lines say skip.", False),
])
def test_the_last_sentence_must_not_use_the_other_word(word: str, last: str, flagged: bool) -> None:
    quote = QUOTE.rpartition("I would")[0] + last
    found = flags("wrong_verdict_word", verdict=word, score=50, quote=quote)
    assert bool(found) is flagged
    for flag in found:
        assert flag.span is not None
        assert quote[slice(*flag.span)] == flag.text


@pytest.mark.parametrize(("sentence", "label"), [
    ("Moat: settings.", "Moat"), ("Moat – settings.", "Moat"), ("The moat is thin.", None),
    ("It survives platform move by Bugbot.", "survives platform move"), ("The buyer signs.", None),
    ("Survives-platform-move is weak.", "Survives-platform-move"),
])
def test_a_label_of_a_point_in_the_quote(sentence: str, label: str | None) -> None:
    assert texts(flags("label_in_quote", quote=quote_with(sentence))) == ([label] if label else [])


# Wording


@pytest.mark.parametrize(("sentence", "phrase"), [
    ("It is a game-changer.", "game-changer"), ("A GAME CHANGER, then.", "GAME CHANGER"),
    ("At the end  of the day it holds.", "At the end  of the day"), ("The stickyness is low.", None),
    ("Sticky settings.", "Sticky"), ("The end of the day.", None),
])
def test_a_banned_phrase_wherever_it_stands(sentence: str, phrase: str | None) -> None:
    expected = [phrase] if phrase else []
    assert texts(flags("banned_phrase", quote=quote_with(sentence))) == expected
    assert texts(flags("banned_phrase", change_my_mind=sentence)) == expected
    assert texts(flags("banned_phrase", points={"buyer": sentence})) == expected


@pytest.mark.parametrize("sentence", [
    "I ran it on three repositories and it held.", "In my tests it stayed quick.", "We have used it for months.",
    "After using it for a week the appeal fades.", "I tried the CLI and it stalled.", "I've installed it twice.",
    "We benchmarked it against others.", "Our team uses it daily.", "I use it every day.", "On my laptop it stalled.",
    "When I tested it, the index broke.", "It took me ten minutes to a result.", "Having tried both, I prefer this.",
    "I am using it for client work.", "It could be faster, but I ran it on a cluster.", "I spoke with two customers.",
    "As a daily user, I like it.", "I pointed it at our monorepo.", "We rolled it out to the office.",
    "I got a result in minutes.", "I shipped a feature with it.", "My team spent a week with it.", "we tested this",
])
def test_invented_experience_is_flagged(sentence: str) -> None:
    found = flags("invented_experience", points={"moat": sentence})
    assert [flag.field for flag in found] == ["points.moat"] * len(found)
    assert found
    assert all(flag.span and sentence[slice(*flag.span)] == flag.text for flag in found)


@pytest.mark.parametrize("sentence", [
    "I would run it on a repository.", "If I ran it I would look at memory first.", "I'd try it before paying.",
    "I have not used it.", "I haven't tried it.", "We would need to test it.", "Nobody here has used it.",
    "I tried to find a price and there is none.", "I ran through the README and found no limit.",
    "I used to think memory was a feature.", 'The README says "we benchmarked it against others".',
    "I will ship it once it names a price.", "I could have used it last year.", "Until I have tested it, I wait.",
    "I know who pays.", "In my view it is late.", "Teams that used it can leave.", "I looked for a licence.",
    "I gave it a 68 because the payer is named.", "I found no price in the lines.",
    "After a week the trial ends.", "I run a small shop and would skip this.", "I saw no licence.",
    "Teams churn after using it for a month.", "It needs hands-on work.",
])
def test_what_is_conditional_denied_quoted_or_about_the_dossier_is_not(sentence: str) -> None:
    assert flags("invented_experience", points={"moat": sentence}) == []


def test_the_two_kinds_that_are_asked_again_say_what_to_change() -> None:
    found = flags(quote=quote_with("In my tests this game-changer held."))
    assert {flag.kind for flag in found} == RE_ASK
    reason = reask_reason(found)
    assert reason is not None
    assert '"my tests" in `quote`' in reason
    assert '"game-changer" in `quote`' in reason
    assert reask_reason(flags(score=10, quote="short")) is None
    assert reask_reason(()) is None


def test_six_words_of_an_example_are_an_echo_and_five_are_not() -> None:
    example = "Nobody signs here: a lamp is bought once and kept for twenty years."
    six = verdict(quote=quote_with("Nobody signs here: a lamp IS, they say."))
    five = verdict(quote=quote_with("Nobody signs here: a lamp, they say."))
    assert texts(flag_review(six, LINES, PERSONA, "full", examples=(example,))) == ["nobody signs here a lamp is"]
    assert flag_review(five, LINES, PERSONA, "full", examples=(example,)) == ()
    assert flag_review(six, LINES, PERSONA, "full") == ()


# Facts against the dossier


@pytest.mark.parametrize("sentence", [
    "It costs $40 a seat.", "It costs forty dollars.", "USD 40 it is.", "Apache 2.0 keeps it open.",
    "Version 0.86 is out.", "It came out in October 2026.", "Since 5 October 2026 it bills.", "In 2026 it came.",
    "It holds 2,000,000 vectors.", "It holds 2M vectors.", "It covers 12,000 repositories.",
    "Twelve thousand repositories are read.", "Harbour Labs says so.",
    "The API and the SDK, CLI and AI parts matter to any CTO.", "Paying for it is easy.", "However, that may change.",
    "Tidewater's pool holds.", "One thing decides, 24/7, and two more follow.", "It says \"Nothing else\".",
    "Q4 2026 was the start.", "The first ten minutes decide.", "Free at 0 dollars.", "On the 1st look it is fine.",
])
def test_what_the_dossier_says_in_any_form_and_common_terms_are_not_to_check(sentence: str) -> None:
    assert flags("to_check", best_for=sentence) == []


UNKNOWN = ("to_check", "outside_knowledge", "wrong_price", "wrong_licence")


@pytest.mark.parametrize(("sentence", "kind", "text", "about"), [
    ("It costs $45 a seat.", "price", "$45", "USD:45"), ("It costs €40.", "price", "€40", "EUR:40"),
    ("It costs 45 dollars.", "price", "45 dollars", "USD:45"),
    ("fifty dollars a seat", "price", "fifty dollars", "USD:50"),
    ("It covers 13k repositories.", "number", "13k", "n:13000"), ("Of them, 55%, stay.", "number", "55%", "%:55"),
    ("It covers twelve million repositories.", "number", "twelve million", "n:12000000"),
    ("Under MIT it is open.", "licence", "MIT", "l:mit"), ("It is GPL-3.0 code.", "licence", "GPL-3.0", "l:gpl-3"),
    ("Apache 1.1 keeps it open.", "licence", "Apache 1.1", "l:apache-1.1"),
    ("Since June 2026 it bills.", "date", "June 2026", "d:2026-06"), ("Since 2024 it bills.", "date", "2024", "d:2024"),
    ("On 6 October 2026 it came.", "date", "6 October 2026", "d:2026-10-06"),
    ("If version 0.87.1 is out, fine.", "version", "0.87.1", "version:0.87.1"),
    ("Beside Quayside it is thin.", "name", "Quayside", "name:quayside"),
    ("Quayside, Berth and others do it.", "name", "Quayside", "name:quayside"),
    ("It runs on Hugging Face.", "name", "Hugging Face", "name:hugging face"),
    ("It needs crewAI.", "name", "crewAI", "name:crewai"), ("GPT-5 does it.", "name", "GPT-5", "name:gpt"),
    ("It has SOC 2.", "name", "SOC", "name:soc"),
])
def test_what_the_dossier_does_not_say_is_flagged_in_one_form(sentence: str, kind: str, text: str, about: str) -> None:
    found = [flag for flag in flags(best_for=sentence) if flag.kind in UNKNOWN]
    assert text in texts(found)
    flag = found[texts(found).index(text)]
    assert (flag.reason.split()[0], flag.about) == (kind, about)
    assert flag.span is not None
    assert sentence[slice(*flag.span)] == text


@pytest.mark.parametrize(("sentence", "kind"), [
    ("It costs $45 a seat.", "wrong_price"), ("Tidewater is 50 dollars a month.", "wrong_price"),
    ("Teams is €40 per user.", "wrong_price"), ("A seat is $4 a month, and that is all.", "wrong_price"),
    ("It would have to charge $50 a seat.", "to_check"), ("By 2028 it will cost $90.", "to_check"),
    ("A company of ten pays $400 a month.", "to_check"), ("Quayside costs $15.", "to_check"),
    ("Windsurf costs $15.", "to_check"), ("If it cost $20 more, few would stay.", "to_check"),
    ("It is under the MIT license.", "wrong_licence"), ("Tidewater is GPL-3.0 code.", "wrong_licence"),
    ("Apache 1.1 keeps it open.", "wrong_licence"), ("It is Apache-2.0 and not GPL.", "to_check"),
    ("Quayside is under the MIT license.", "to_check"), ("If it moved to BSL, I would leave.", "to_check"),
])
def test_a_price_or_licence_that_contradicts_the_dossier_holds_where_the_sentence_is_of_the_tool(
    sentence: str, kind: str
) -> None:
    found = [flag for flag in flags(best_for=sentence) if flag.reason.startswith(("price", "licence"))]
    assert [flag.kind for flag in found] == [kind]
    assert found[0].holds is kind.startswith("wrong")


def test_where_the_dossier_names_no_price_a_price_is_only_to_check() -> None:
    free = LINES.model_copy(update={"lines": tuple(line for line in LINES.lines if line.field != "pricing")})
    assert [flag.kind for flag in flags(lines=free, best_for="It costs $45.") if flag.text == "$45"] == ["to_check"]


def test_a_contradiction_says_what_the_dossier_says() -> None:
    found = flags("wrong_licence", best_for="It is under the MIT license.")
    assert found[0].reason == 'licence "MIT license" contradicts the dossier, which says Apache-2.0'


@pytest.mark.parametrize(("category", "kind"), [
    ("AI coding assistant", "outside_knowledge"), ("Hardware", "to_check"), ("shiny things", "outside_knowledge"),
    (None, "outside_knowledge"),
])
def test_known_names_of_the_category_are_outside_knowledge(category: str | None, kind: str) -> None:
    added = (Line(number=11, field="category", text=f"category: {category}"),) if category else ()
    lines = LINES.model_copy(update={"lines": LINES.lines + added})
    assert [flag.kind for flag in flags(lines=lines, best_for="It is thin beside Codeium.")] == [kind]
    assert [flag.kind for flag in flags(lines=lines, best_for="It runs on Azure.")] == ["outside_knowledge"]
    assert [flag.kind for flag in flags(lines=lines, best_for="It is thin beside Quayside.")] == ["to_check"]


def test_a_fact_is_listed_once_where_it_stands_first() -> None:
    found = flags("to_check", quote=quote_with("Against Quayside it would need those."),
                  points={"moat": "Quayside has the same", "buyer": "Quayside users"})
    assert [(flag.field, flag.text) for flag in found] == [("quote", "Quayside")]
    assert found[0].reason == 'name "Quayside" is not in the dossier (3 places)'


def test_a_number_that_belongs_to_an_unknown_name_is_not_listed_apart() -> None:
    assert texts(flags(best_for="It beats GPT-5 and Claude 9.")) == ["GPT-5", "Claude"]
    assert texts(flags(best_for="It beats Quayside at $15.")) == ["$15", "Quayside"]


def test_the_dates_and_thresholds_of_a_forecast_are_not_facts() -> None:
    due = Prediction(statement="A third plan is listed on the pricing page", by="2028-03", probability=40)
    for sentence in ("By 2028 it names a third plan.", "March 2028 will tell.", "By 2027 over 30% of teams will pay.",
                     "Both would have to hold through 2028.", "It bets that by end 2027 at least 10% will pay."):
        assert flags("to_check", best_for=sentence, prediction=due) == []
    assert texts(flags("to_check", best_for="By 2028 it will cost $90.", prediction=due)) == ["$90"]
    assert texts(flags("to_check", best_for="It was 2019 that will matter.", prediction=due)) == ["2019"]


def test_a_price_is_not_excused_by_a_count_of_the_same_size() -> None:
    # 25 ms and 12k repositories stand in the dossier; 25 dollars do not.
    assert texts(flags("wrong_price", best_for="It costs $25.")) == ["$25"]


# A panel's list


def fact(kind: str, about: str, text: str, field: str = "quote", reason: str = "name x") -> Flag:
    return Flag(kind=kind, reason=reason, field=field, text=text, about=about)


def test_what_is_to_check_is_merged_over_the_reviews_and_counted_by_places() -> None:
    found = to_check_list([
        ("builder", [fact("to_check", "n:42", "42", reason='number "42" ...'),
                     fact("to_check", "name:claude", "Claude"), fact("outside_knowledge", "name:aws", "AWS")]),
        ("investor", [fact("to_check", "name:claude code", "Claude Code", "points.moat"),
                      fact("wrong_price", "USD:9", "$9"), fact("to_check", "name:claude", "Claude", "caveat")]),
        ("futurist", [fact("to_check", "n:42", "forty-two", "best_for", 'number "forty-two" ...')]),
    ])
    assert [(item.about, item.text, item.fact) for item in found] == [
        ("name:claude code", "Claude Code", "name"), ("n:42", "42", "number")]
    assert found[0].places == (("investor", "points.moat"), ("builder", "quote"), ("investor", "caveat"))
    assert found[1].places == (("builder", "quote"), ("futurist", "best_for"))
    assert to_check_list([]) == []


@pytest.mark.parametrize(("abouts", "left"), [
    (("name:qwen", "name:qwen2"), ["name:qwen2"]), (("name:qwen2", "name:qwen3"), ["name:qwen2", "name:qwen3"]),
    (("name:code", "name:claude code"), ["name:code", "name:claude code"]),
    (("name:java", "name:javascript"), ["name:java", "name:javascript"]),
    (("name:a", "name:a b", "name:a b c"), ["name:a b c"]), (("n:4", "n:42"), ["n:4", "n:42"]),
])
def test_a_longer_name_takes_in_the_shorter_that_begins_it(abouts: tuple[str, ...], left: list[str]) -> None:
    flags_of = [fact("to_check", about, about, reason="number" if about[:2] == "n:" else "name") for about in abouts]
    for order in (flags_of, flags_of[::-1]):
        found = to_check_list([("builder", order)])
        assert sorted(item.about for item in found) == sorted(left)
        assert {place for item in found for place in item.places} == {("builder", "quote")}


# Claims and the lines they cite


CLAIM = Claim(text="Teams costs 40 dollars per user per month", lines=(6,))


def claimed(text: str, *lines: int) -> list[Flag]:
    return [flag for flag in flags(claims=(CLAIM, CLAIM, Claim(text=text, lines=lines)))
            if flag.field == "claims[2].text"]


@pytest.mark.parametrize(("text", "lines"), [
    ("Teams costs $40 a user", (6,)), ("The price is forty dollars", (6,)), ("It is licensed under Apache 2.0", (3,)),
    ("Apache License, Version 2.0 is the license", (3,)), ("It is Apache-licensed", (3,)),
    ("Version 0.86.2 was released on October 5, 2026", (4, 5)), ("It stands at 0.86", (4,)),
    ("Released in Q4 2026, on 05.10.2026", (5,)), ("Bugbot reviews pull requests on GitLab", (8,)),
    ("Tidewater reviews pull requests in three places", (8,)),
    ("The index answers in 25 ms over 12,000 repositories", (9,)), ("It is on some 12k repositories", (9,)),
    ("Over twelve thousand repositories are in an index that answers in 0.025 seconds", (9,)),
    ("Harbour Labs bills usage beyond the pool", (10,)), ("There is a free Hobby plan at 0 dollars", (7,)),
    ("Millions of vectors fit the index", (9,)), ("No price of support is stated", (10,)),
    ("It holds 2 million vectors", (9,)), ("Plans cost forty dollars or nothing per month, two plans in all", (6, 7)),
    ("Settings, keybindings and themes: three things that Tidewater keeps", (10,)),
])
def test_a_claim_that_its_lines_support_is_left_alone(text: str, lines: tuple[int, ...]) -> None:
    assert claimed(text, *lines) == []


@pytest.mark.parametrize(("text", "lines", "kind", "reason"), [
    ("Teams costs $45 a user", (6,), "wrong_price",
     'price "$45" is not on line 6, which says 40 USD; it is nowhere in the dossier'),
    ("Hobby costs $40 a user", (7,), "wrong_price",
     'price "$40" is not on line 7, which says 0 USD; it is on line 6'),
    ("Hobby costs $40 a user", (6, 7), "wrong_price", 'price "$40" is of Teams on lines 6, 7'),
    ("Teams costs €40 a user", (6,), "wrong_price",
     'price "€40" is not on line 6, which says 40 USD; it is nowhere in the dossier'),
    ("It is licensed under MIT", (3,), "wrong_licence",
     'licence "MIT" is not on line 3, which says Apache-2.0; it is nowhere in the dossier'),
    ("Released in November 2026", (5,), "wrong_date",
     'date "November 2026" is not on line 5, which says 2026-10-05; it is nowhere in the dossier'),
    ("It stands at version 0.87", (4,), "wrong_version",
     'version "0.87" is not on line 4, which says 0.86.2; it is nowhere in the dossier'),
    ("Bugbot reviews pull requests on Gitea", (8,), "wrong_name",
     'name "Gitea" is not on line 8; it is nowhere in the dossier'),
    ("Bugbot reviews pull requests with gpt-4o", (8,), "wrong_name",
     'name "gpt-4o" is not on line 8; it is nowhere in the dossier'),
    ("The index holds three million vectors", (9,), "wrong_number",
     'number "three million" is not on line 9, which says two million and 12k; it is nowhere in the dossier'),
    ("Bugbot reviews pull requests in four places", (8,), "wrong_number",
     'number "four" is not on line 8; it is nowhere in the dossier'),
    ("The index answers in 25 seconds", (9,), "wrong_number",
     'number "25 seconds" is not on line 9, which says 25 ms; it is nowhere in the dossier'),
    ("It answers in 25 ms", (6, 10), "wrong_number", 'number "25 ms" is not on lines 6, 10; it is on line 9'),
    ("Kubernetes clusters scale without operators", (10,), "wrong_name",
     'name "Kubernetes" is not on line 10; it is nowhere in the dossier'),
    ("The clusters scale by clever operators", (10,), "unsupported_claim",
     "words of the claim are hardly found on line 10"),
    ("Themes and settings travel between machines over encrypted channels", (10,), "weak_claim",
     "4 of 6 words of the claim are not found on line 10"),
    ("Bugbot never reviews pull requests on GitHub", (8,), "weak_claim",
     "the claim denies what is not denied on line 8"),
    ("Teams costs $40 a user", (6, 12), "missing_line", "line 12, which the claim cites, does not exist"),
])
def test_a_claim_that_its_lines_do_not_support_says_which_part(
    text: str, lines: tuple[int, ...], kind: str, reason: str
) -> None:
    found = claimed(text, *lines)
    assert [(flag.kind, flag.reason) for flag in found] == [(kind, reason)]
    if found[0].span:
        assert text[slice(*found[0].span)] == found[0].text


def test_a_line_that_was_trimmed_is_missing_for_the_claim_that_cites_it() -> None:
    shown = LINES.model_copy(update={"lines": LINES.lines[:8], "left_out": (9, 10)})
    found = flags("missing_line", lines=shown, claims=(Claim(text="It keeps themes", lines=(10,)),))
    assert [(flag.reason, flag.about) for flag in found] == [
        ("line 10, which the claim cites, was left out of what was shown", "line:10")]
    assert found[0].holds


def test_the_facts_of_a_claim_without_lines_are_to_check() -> None:
    claims = (CLAIM, CLAIM, Claim(text="Rivals ask 15 dollars for the same seat", lines=()))
    assert [(flag.kind, flag.about) for flag in flags(claims=claims)] == [("to_check", "USD:15")]


def test_names_without_a_line_are_outside_knowledge_and_then_not_to_check() -> None:
    claims = (CLAIM, CLAIM, Claim(text="Windsurf and GitHub Copilot sell the same seat as Tidewater", lines=()))
    found = flags(claims=claims, quote=quote_with("Against Copilot it would need those."))
    assert [(flag.kind, flag.text) for flag in found if flag.kind in ("outside_knowledge", "to_check")] == [
        ("outside_knowledge", "Windsurf"), ("outside_knowledge", "GitHub Copilot")]


def test_a_quote_must_take_up_two_claims_and_speak_of_this_dossier() -> None:
    bland = "It would be of use to many people who do such things, and it is early. " * 5 + "I would ship it."
    assert [flag.field for flag in flags("generic", quote=bland)] == ["quote"]
    assert [flag.field for flag in flags("few_citations", quote=bland)] == ["quote"]
    one_fact = bland.replace("it is early", "it is 40 dollars per user", 1)
    assert len(flags("few_citations", quote=one_fact)) == 1
    assert flags("few_citations", lines=THIN, quote=one_fact) == []
    assert flags("few_citations", quote=one_fact + " Bugbot reviews pull requests.") == []


def test_a_trimmed_line_supports_nothing() -> None:
    shown = LINES.model_copy(update={"lines": LINES.lines[:8], "left_out": (9, 10)})
    assert "12k" in texts(flags("to_check", lines=shown, best_for="teams with 12k repositories"))


# Briefs and comparisons


def brief(**changes: Any) -> BriefText:
    fields: dict[str, Any] = {
        "description": Cited(text="Tidewater bills usage beyond a monthly pool. " * 8, lines=(10,)),
        "entry": "freemium", "price": BriefPrice(amount=40, currency="USD", unit="per user", lines=(6,)),
        "best_for": Cited(text="teams"), "not_for": Cited(text="nobody"), "category": "Developer tools",
    }
    return BriefText(**(fields | changes))


def test_a_brief_is_checked_for_length_facts_and_its_price() -> None:
    assert flag_brief(brief(), LINES) == ()
    found = flag_brief(brief(description=Cited(text="For $99.", lines=(6,))), LINES)
    assert [(flag.kind, flag.field) for flag in found] == [("length", "description"), ("wrong_price", "description")]
    wrong = [BriefPrice(amount=41, currency="USD", lines=(6,)), BriefPrice(amount=40, currency="EUR", lines=(6,)),
             BriefPrice(amount=40, currency="USD", lines=(7,))]
    for price in wrong:
        found = flag_brief(brief(price=price), LINES)
        assert [(flag.kind, flag.field) for flag in found] == [("wrong_price", "price.amount")]
        assert found[0].about == f"{price.currency}:{price.amount:g}"
    assert flag_brief(brief(price=BriefPrice()), LINES) == ()


def test_a_comparison_is_checked_against_both_dossiers() -> None:
    other = DossierLines(tool_id="eddy", name="Eddy", words=90, lines=(
        Line(number=1, field="pricing", text="price: Solo: 15 USD per month"),))
    quote = "Tidewater at $40 and Eddy at $15 differ in who pays for the pool. " * 4
    found = ComparisonText(differences=(Difference(axis="price", a_lines=(6,), b_lines=(1,)),), pick="a",
                           pick_a_if="you review pull requests", pick_b_if="you pay 15 dollars yourself", quote=quote)
    assert flag_comparison(found, LINES, other, PERSONA) == ()
    worse = found.model_copy(update={
        "quote": "I tried both, Eddy at $16.", "differences": (Difference(axis="price"),)})
    assert [(flag.kind, flag.field) for flag in flag_comparison(worse, LINES, other, PERSONA)] == [
        ("length", "quote"), ("invented_experience", "quote"), ("wrong_price", "quote"),
        ("unsupported_claim", "differences[0]")]


# All real dossiers, and anything at all


def real_lines(folder: Path) -> list[DossierLines]:
    files = sorted([*folder.glob("dossiers/*.json"), *folder.glob("products/*.json")])

    def fail(error: Exception) -> None:
        raise error

    found: list[Dossier] = list(read_dossiers([str(file) for file in files], strict=True, columns=None, report=fail))
    return [cut_lines(dossier) for dossier in found]


def flagged_claim(text: str, number: int, lines: DossierLines) -> list[Flag]:
    answer = verdict(claims=(Claim(text=text, lines=(number,)),), quote=None, points={}, best_for=text)
    return [flag for flag in flag_review(answer, lines, PERSONA, "verdict")
            if flag.field in ("claims[0].text", "best_for")]


def test_every_line_of_the_real_dossiers_supports_itself(shared_data: Path) -> None:
    dossiers = real_lines(shared_data)
    assert len(dossiers) == 34
    for lines in dossiers:
        for line in lines.lines:
            found = {flag.kind for flag in flagged_claim(line.text, line.number, lines)}
            found.discard("invented_experience")  # READMEs say "we used it"
            assert found.isdisjoint({*HOLDING, "to_check", "outside_knowledge"}), (lines.tool_id, line)


def test_a_changed_price_in_the_real_products_is_found(shared_data: Path) -> None:
    changed = caught = 0
    for lines in real_lines(shared_data):
        for line in lines.lines:
            price = re.search(r"(\d+)(?= (?:USD|dollars))", line.text)
            if price is None:
                continue
            wrong = f"{line.text[:price.start()]}{int(price[0]) * 3 + 1}{line.text[price.end():]}"
            changed += 1
            caught += any(flag.kind == "wrong_price" for flag in flagged_claim(wrong, line.number, lines))
    assert changed > 40
    assert caught == changed


ODD = st.text(alphabet="Iwe ran it in my tests,.!?:;-–—'’\"“”$€%0123456789kMB/ApacheMITGPLv\nŸİßéxj", max_size=200)


@settings(max_examples=200, deadline=None)
@given(ODD | st.text(max_size=80), ODD)
def test_any_text_gives_flags_whose_spans_are_its_own(first: str, second: str) -> None:
    answer = verdict(quote=first or None, points={"moat": second}, best_for=second,
                     claims=(Claim(text=first, lines=(6,)),))
    fields = {"quote": first, "points.moat": second, "best_for": second, "claims[0].text": first}
    for flag in flag_review(answer, LINES, PERSONA, "full"):
        if flag.span is not None and flag.field in fields:
            assert fields[flag.field][slice(*flag.span)] == flag.text
        assert flag.reason


@pytest.mark.parametrize("text", [
    "a" * 50_000, " " * 50_000, "I " * 20_000, "1" * 4_000, "1," * 20_000, "A " * 20_000, "A." * 20_000,
    "two " * 10_000, "20 " * 10_000, "it is " * 10_000, "ship " * 10_000, "- " * 20_000, "." * 50_000,
    "after a week " * 4_000, '"' * 9_999, "I tried it " * 5_000, "$1 " * 10_000, "Windsurf 2 " * 5_000,
    "May 1 " * 9_000, "I have tried it, " * 4_000, "MIT 1.2.3 Q4 " * 4_000, "20 dollars and €9,99 " * 3_000,
])
def test_a_long_and_silly_text_is_read_to_its_end(text: str) -> None:
    found = flags(quote=text, best_for=text)
    assert "length" in {flag.kind for flag in found}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.text(st.characters(codec="ascii"), max_size=80))
def test_words_are_cut_alike_with_and_without_other_scripts(text: str) -> None:
    assert words_of(text) == re.findall(r"[^\W_]+", text.casefold())
    assert words_of(f"{text} é")[:-1] == words_of(text)


def test_what_is_kept_of_dossiers_does_not_grow_with_them_and_belongs_to_each() -> None:
    for number in range(2 * kept.MOST):
        word = f"tool{number}"
        lines = DossierLines(tool_id=word, name=word, words=9, lines=(Line(number=1, field="facts", text=word),))
        assert word in ground_of(lines).source.words
        assert word in ground_of(lines).own
    assert len(grounding._grounds._made) == kept.MOST


ONEA = cut_lines(Dossier.model_validate({
    "id": "onea", "name": "Onea", "vendor": "Onea Labs", "tagline": "Time tracking for small studios", "version": "2.3",
    "license": "AGPL-3.0", "released": "2026-10-02",
    "pricing": [{"plan": "Studio", "amount": 8, "currency": "USD", "unit": "a seat a month"}],
    "description": "Studios of up to three people use it free. It works beside Toggl exports."}))


@pytest.mark.parametrize(("quote", "held"), [
    ("The Studio plan of Onea costs 80 dollars a seat and a studio of up to thirty people is free.", {"wrong_price"}),
    ("Twelve dollars a seat is what Onea asks, under the MIT licence.", {"wrong_price", "wrong_licence"}),
    ("The MIT licence lets me ship it inside a closed product of my own.", {"wrong_licence"}),
    ("Version 3.1 arrived and nothing else moved.", {"wrong_version"}),
    ("Onea 3.1 keeps the hours of a studio.", {"wrong_version"}),
    ("Toggl 3.1 keeps the hours of a studio.", set()),
    ("I would pay for Onea, and nobody here will skip it.", set()),
    ("I would leave Onea on the shelf: skip it.", {"wrong_verdict_word"}),
    ("Toggl costs 10 dollars a seat, and Onea asks 8.", set()),
    ("Copilot, at 10 dollars, costs less than Onea.", set()),
    ("Onea would have to charge 12 dollars to live.", set()),
    ("Clockify is under the MIT licence and Onea is not.", set()),
    ("Its price of 8 dollars a seat is fair; Harvest asks 12 dollars.", set()),
    ("By 2028 Onea charges 12 dollars a seat.", set()),
    ("I would take Onea on Monday; skip the cloud, keep the container.", set()),
    ("In my portfolio such seats renew.", {"invented_experience"}),
    ("I moved two studios off Toggl last year and regretted it.", {"invented_experience"}),
])
def test_what_a_quote_says_of_the_tool_holds_and_what_it_says_of_others_does_not(quote: str, held: set[str]) -> None:
    found = [flag for flag in flag_review(verdict(quote=quote), ONEA, PERSONA, "full")
             if flag.holds and flag.field == "quote"]
    assert {flag.kind for flag in found} == held
    assert len(found) == len(held)


def test_a_line_word_for_word_is_never_wrong() -> None:
    lines = cut_lines(Dossier.model_validate({
        "id": "a", "name": "apache-airflow-providers-ailake", "version": "2.3",
        "tagline": "Up to three people use version 2 of the apache-airflow hooks, MIT-licensed, for $5"}))
    for line in lines.lines:
        answer = verdict(claims=(Claim(text=line.text, lines=(line.number,)),) * 2)
        assert not [flag for flag in flag_review(answer, lines, PERSONA, "verdict") if flag.holds], line.text
