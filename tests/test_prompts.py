from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel import prompts
from panel.errors import PromptError
from panel.personas import DEFAULT_SEATS, load_personas
from panel.prompts import (
    PromptFolder,
    load_prompts,
    rehearse,
    render_brief,
    render_compare,
    render_file,
    render_probe,
    render_reask,
    render_review,
)
from panel.schema import DossierLines, Line, Persona, Prompt
from panel.schema.category import CATEGORIES

PERSONAS = load_personas()
BUILT_IN = load_prompts("review")


def dossier(
    *texts: str, fields: tuple[str, ...] = (), words: int = 200, left_out: tuple[int, ...] = ()
) -> DossierLines:
    pairs = zip(fields or ("description",) * len(texts), texts, strict=True)
    lines = tuple(Line(number=at, field=field, text=text) for at, (field, text) in enumerate(pairs, 1))
    return DossierLines(tool_id="tool", name="Tool", lines=lines, words=words, left_out=left_out)


def folder(**files: str) -> PromptFolder:
    return PromptFolder(name="mine", files={f"{name}.j2": text for name, text in files.items()})


def shown(prompt: Prompt) -> str:
    return "\n".join(message.content for message in prompt.messages)


# --- the folder and its overlays


def test_overlays_replace_file_by_file_and_change_the_digest(desk: Path, tmp_path: Path) -> None:
    (desk / "prompts" / "review").mkdir(parents=True)
    (desk / "prompts" / "review" / "probe.j2").write_text("here", "utf-8")
    (desk / "prompts" / "review" / "reask.j2").write_text("here", "utf-8")
    given_folder = tmp_path / "given"
    (given_folder / "review").mkdir(parents=True)
    (given_folder / "review" / "reask.j2").write_text("from the path", "utf-8")
    here, both = load_prompts("review"), load_prompts("review", given_folder)
    assert here.files == {**BUILT_IN.files, "probe.j2": "here", "reask.j2": "here"}
    assert both.files == {**here.files, "reask.j2": "from the path"}
    assert len({BUILT_IN.digest, here.digest, both.digest}) == 3


def test_a_folder_of_ones_own_needs_no_built_in_one(desk: Path) -> None:
    (desk / "prompts" / "mine").mkdir(parents=True)
    (desk / "prompts" / "mine" / "reask.j2").write_text("again: {{ reason }}", "utf-8")
    mine = load_prompts("mine")
    assert render_file(mine, "reask.j2", {"reason": "too short"}) == "again: too short"


@pytest.mark.parametrize(("name", "given_folder", "said"), [
    ("reveiw", None, "no prompt folder 'reveiw'; did you mean 'review'? (there are: "),
    ("review", "nowhere", "prompts folder nowhere is not there: give a folder that holds review/*.j2"),
    ("review", "flat", "prompts folder flat holds .j2 files itself: put them in flat/review"),
])
def test_a_folder_that_cannot_be_loaded(desk: Path, name: str, given_folder: str | None, said: str) -> None:
    (desk / "flat").mkdir()
    (desk / "flat" / "system.j2").write_text("x", "utf-8")
    with pytest.raises(PromptError, match=re.escape(said)):
        load_prompts(name, Path(given_folder) if given_folder else None)


@pytest.mark.parametrize(("content", "said"), [
    (b"one\n{% if x %}\nthree", "prompts review/reask.j2 line 3: Unexpected end of template."),
    (b"one\ntwo {{ x", "prompts review/reask.j2 line 2: "),
    (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
    (b"a" * 300_000, "is larger than 256 KB"),
])
def test_a_broken_file_stops_at_loading(desk: Path, content: bytes, said: str) -> None:
    (desk / "prompts" / "review").mkdir(parents=True)
    (desk / "prompts" / "review" / "reask.j2").write_bytes(content)
    with pytest.raises(PromptError) as caught:
        load_prompts("review")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# --- rendering strictly, in a sandbox


@pytest.mark.parametrize(("text", "said"), [
    ("a\n{{ b }}", "prompts mine/x.j2 line 2: 'b' is undefined (it is given: word)"),
    ("a\n\n{{ word.b }}", "prompts mine/x.j2 line 3: 'str object' has no attribute 'b'"),
    ("{{ word.__class__.__mro__ }}", "prompts mine/x.j2 line 1: access to attribute '__class__'"),
    ("{{ ''.__class__ }}", "prompts mine/x.j2 line 1: access to attribute '__class__'"),
    ("{{ word.format.__globals__ }}", "prompts mine/x.j2 line 1: access to attribute '__globals__'"),
    ("{{ range(10000000) | list }}", "prompts mine/x.j2 line 1: Range too big"),
    ("{{ 1 / 0 }}", "prompts mine/x.j2 line 1: division by zero"),
    ("a\n{% include 'y.j2' %}", "prompts mine/y.j2 line 2: 'c' is undefined"),
    ("{% include '../../etc/passwd' %}", "prompts mine/x.j2 line 1: ../../etc/passwd"),
])
def test_what_fails_in_a_template_names_file_and_line(text: str, said: str) -> None:
    with pytest.raises(PromptError) as caught:
        render_file(folder(x=text, y="b\n{{ c }}"), "x.j2", {"word": "w"})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_cannot_change_what_it_is_given() -> None:
    given_list = ["a"]
    with pytest.raises(PromptError, match=r"mine/x\.j2 line 1: .*unsafe|not safely callable"):
        render_file(folder(x="{{ words.append('b') }}"), "x.j2", {"words": given_list})
    assert given_list == ["a"]


@pytest.mark.parametrize("value", [None, 1.5, object(), ("a",), Path("a"), {"a": {"b": [object()]}}, BUILT_IN])
def test_only_plain_data_is_passed(value: object) -> None:
    with pytest.raises(TypeError, match="template variable 'v' holds a"):
        render_file(folder(x="x"), "x.j2", {"v": value})


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(PromptError, match=r"prompt folder 'mine' has no file 'reask\.j2'; did you mean 'rease\.j2'"):
        render_file(folder(rease="x"), "reask.j2", {})


def test_trailing_newline_is_kept_and_nothing_is_escaped() -> None:
    assert render_file(folder(x="{% if true %}\n<{{ a }}>\n{% endif %}\n"), "x.j2", {"a": "&"}) == "<&>\n"


# --- the messages of a review


@pytest.mark.parametrize("depth", ["verdict", "full"])
def test_rules_and_dossier_are_one_prefix_for_all(depth: str) -> None:
    tool = dossier("MIT", "does things", fields=("license", "description"), left_out=(3, 4, 9))
    asked = [render_review(BUILT_IN, tool, persona, depth) for persona in PERSONAS.values()]
    asked += [render_probe(BUILT_IN, tool, PERSONAS["builder"], depth)]
    if depth == "full":
        asked += [render_brief(BUILT_IN, tool), render_compare(BUILT_IN, tool, dossier("b"), PERSONAS["investor"])]
    prefixes = {(prompt.messages[0].content, prompt.messages[1].parts[0]) for prompt in asked}
    assert len(prefixes) == 1
    assert len({prompt.messages_digest for prompt in asked}) == len(asked)
    assert [message.role for message in asked[0].messages] == ["system", "user"]
    (_, part), = prefixes
    assert "[1] MIT\n[2] does things\n" in part
    assert "lines 3-4, 9." in part


def test_what_is_rendered_does_not_depend_on_what_was_rendered_before() -> None:
    same_files = PromptFolder(name="same", files=BUILT_IN.files)
    first = [shown(render_review(BUILT_IN, dossier("one", "two"), persona, "full")) for persona in PERSONAS.values()]
    again = [shown(render_review(same_files, dossier("one", "two"), persona, "full"))
             for persona in reversed(PERSONAS.values())]
    assert again == first[::-1]


def test_the_texts_kept_are_bounded_and_a_dossier_is_rendered_once() -> None:
    tool = dossier("kept")
    first = render_review(BUILT_IN, tool, PERSONAS["builder"], "full").messages[1].parts[0]
    assert render_review(BUILT_IN, tool, PERSONAS["investor"], "full").messages[1].parts[0] is first
    for number in range(prompts._KEPT_TEXTS + 5):
        render_brief(BUILT_IN, dossier(f"tool {number}"))
    assert len(prompts._texts) <= prompts._KEPT_TEXTS


@pytest.mark.parametrize("seat", DEFAULT_SEATS)
def test_a_persona_is_asked_for_its_own_points_in_order(seat: str) -> None:
    persona = PERSONAS[seat]
    ask = render_review(BUILT_IN, dossier("x"), persona, "full").messages[1].parts[1]
    keys = re.findall(r'"(\w+)":', ask[ask.index('{"points"'):])
    assert keys == [
        "points", *persona.points, "claims", "text", "lines", "missing", "because", "point", "text", "score", "verdict",
        "confidence", "quote", "best_for", "change_my_mind", "caveat", "prediction", "statement", "by", "probability",
    ]
    for told in (persona.motto, persona.decision_rule, *persona.anchors.values(), *persona.never_says):
        assert told in ask
    assert ("integer} or null}" in ask) == (persona.prediction == "optional")


def test_depth_verdict_asks_for_nothing_published() -> None:
    asked = shown(render_review(BUILT_IN, dossier("x"), PERSONAS["futurist"], "verdict"))
    assert not re.search(r"quote|best_for|change_my_mind|caveat|YYYY", asked)
    assert '"confidence": integer}\n' in asked


def test_a_thin_dossier_is_called_thin_and_a_first_look() -> None:
    thin, normal = dossier("x", words=59), dossier("x", words=60)
    assert "Size: thin (59 words): a review of it is a first look." in render_brief(BUILT_IN, thin).messages[1].parts[0]
    assert "Size: normal." in render_brief(BUILT_IN, normal).messages[1].parts[0]


def test_no_prompt_has_a_quota_a_clock_or_an_example_answer() -> None:
    for text in BUILT_IN.files.values():
        assert not re.search(r"\b(at least|at most|about) (half|one in|a third|\d+ ?%)|\b20\d\d\b|\d ?%", text)
        assert "for example" not in text.lower()


def test_a_fifth_persona_needs_no_change_of_prompt() -> None:
    teacher = Persona(id="teacher", name="Teacher", motto="m", lens="l", excited_by=("e",), tired_of=("t",),
                      points={"items": "what is learnt", "keys": "by whom"}, decision_rule="SKIP never",
                      anchors=dict.fromkeys((10, 30, 50, 70, 90), "x"))
    ask = render_review(BUILT_IN, dossier("x"), teacher, "full").messages[1].parts[1]
    assert "- items: what is learnt\n- keys: by whom\n" in ask
    assert '{"points": {"items": string, "keys": string},' in ask
    assert "You never write" not in ask


# --- the other messages


def test_the_probe_ends_where_one_token_decides() -> None:
    prompt = render_probe(BUILT_IN, dossier("x"), PERSONAS["builder"])
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant"]
    assert prompt.messages[-1].content == '{"verdict":"'
    assert PERSONAS["builder"].decision_rule in prompt.messages[1].content


def test_the_brief_names_every_category() -> None:
    ask = render_brief(BUILT_IN, dossier("x")).messages[1].parts[1]
    assert ", ".join(CATEGORIES) in ask


def test_a_comparison_shows_both_in_their_order_and_fences() -> None:
    a, b = dossier("first tool"), dossier("second tool")
    text = render_compare(BUILT_IN, a, b, PERSONAS["builder"]).messages[1].content
    places = [text.index(f"<<<dossier {a.marker}"), text.index("first tool"), text.index(f"{a.marker}>>>"),
              text.index(f"<<<dossier {b.marker}"), text.index("second tool"), text.index(f"{b.marker}>>>")]
    assert places == sorted(places)
    assert a.marker != b.marker
    swapped = render_compare(BUILT_IN, b, a, PERSONAS["builder"])
    assert swapped.messages[1].parts[0] == render_brief(BUILT_IN, b).messages[1].parts[0]


def test_a_reask_carries_the_answer_and_the_reason_and_runs_neither() -> None:
    prompt = render_brief(BUILT_IN, dossier("x"))
    again = render_reask(BUILT_IN, prompt, "{{ 7 * 7 }}", "`score` is {{ 7 * 7 }}")
    assert again.messages[:2] == prompt.messages
    assert [message.role for message in again.messages[2:]] == ["assistant", "user"]
    assert again.messages[2].content == "{{ 7 * 7 }}"
    assert "`score` is {{ 7 * 7 }}" in again.messages[3].content
    assert render_reask(BUILT_IN, prompt, " ", "empty").messages[2].content == "(nothing)"


@pytest.mark.parametrize(("file", "said"), [
    ("reask.j2", "prompts review/reask.j2 line 2: 'typo' is undefined (it is given: reason)"),
    ("compare.j2", "prompts review/compare.j2 line 2: 'typo' is undefined"),
    ("who.j2", "prompts review/who.j2 line 2: 'typo' is undefined"),
    ("dossier.j2", "prompts review/dossier.j2 line 2: 'typo' is undefined"),
])
def test_a_rehearsal_finds_the_fault_of_a_message_sent_late(file: str, said: str) -> None:
    rehearse(BUILT_IN, list(PERSONAS.values()))
    broken = PromptFolder(name="review", files={**BUILT_IN.files, file: "one\n{{ typo }}"})
    with pytest.raises(PromptError, match=re.escape(said)):
        rehearse(broken, list(PERSONAS.values()))


# --- untrusted text


@pytest.mark.parametrize("text", [
    "{{7*7}}", "{% for x in y %}", "{# gone? #}", "{{ lines }}", "{% raw %}", "<b>&amp;</b>", "# line", "%s {0}",
])
def test_template_code_in_a_dossier_comes_out_unchanged(text: str) -> None:
    assert f"[1] {text}\n" in render_brief(BUILT_IN, dossier(text)).messages[1].parts[0]


ANY_TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("<>[]{}%0123456789abcdef\n ")), max_size=60)


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=6))
def test_no_text_closes_the_fence_or_forges_a_line(pairs: list[tuple[str, str]]) -> None:
    tool = dossier(*(text for text, _ in pairs), fields=tuple(field for _, field in pairs))
    part = render_brief(BUILT_IN, tool).messages[1].parts[0]
    opening, *rest = part.split("\n")
    marker = opening.removeprefix("<<<dossier ")
    assert set(marker) <= set(string.hexdigits)
    assert part.count(marker) == 2
    assert rest[len(pairs)] == f"{marker}>>>"
    assert [line.split("]")[0] for line in rest[: len(pairs)]] == [f"[{at}" for at in range(1, len(pairs) + 1)]


def test_real_dossiers_render_whole(shared_data: Path) -> None:
    paths = sorted((shared_data / "dossiers").glob("*.json"))
    assert paths
    for path in paths:
        texts = [" ".join(line.split()) for line in json.loads(path.read_text("utf-8"))["description"].splitlines()]
        part = render_brief(BUILT_IN, dossier(*texts)).messages[1].parts[0]
        assert part.split("\n")[1 : len(texts) + 1] == [f"[{at}] {text}" for at, text in enumerate(texts, 1)]
