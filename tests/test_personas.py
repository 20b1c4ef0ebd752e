from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from panel.errors import PersonaError
from panel.personas import DEFAULT_SEATS, MAX_ALIASES, choose, load_personas, read_persona
from panel.places import builtin_folder

BUILT_IN = builtin_folder("personas")


def write(folder: Path, file: str, /, **changes: object) -> Path:
    """A whole persona file with some fields changed; a field of ... is left out."""
    content: dict[str, object] = {
        "name": "Teacher",
        "motto": "name the lesson",
        "lens": "You teach.",
        "excited_by": ["a first lesson"],
        "tired_of": ["slides"],
        "points": {"lesson": "what is learnt"},
        "decision_rule": "SKIP if nothing is learnt, otherwise SHIP.",
        "anchors": {10: "a", 30: "b", 50: "c", 70: "d", 90: "e"},
    }
    content.update(changes)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not ...}), "utf-8")
    return path


def fault(path: Path, text: str | None = None) -> str:
    """What is said of a broken file: always one line, always naming the file."""
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(PersonaError) as caught:
        read_persona(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_the_four_are_built_in_with_the_points_of_the_design(desk: Path) -> None:
    personas = load_personas()
    assert tuple(personas) == DEFAULT_SEATS
    assert [list(personas[seat].points) for seat in DEFAULT_SEATS] == [
        ["primitive", "dx_bet", "moment_of_truth", "weekend_alternative"],
        ["category", "direct_competitors", "breaking_scenario", "killer_in_12_months"],
        ["thesis", "has_to_go_right", "second_order_effect", "trend_and_timing", "infrastructure_future"],
        ["buyer", "money", "moat", "value_capture", "survives_platform_move"],
    ]
    assert [seat for seat in DEFAULT_SEATS if personas[seat].prediction == "always"] == [
        "competitor_analyst", "futurist"]


@pytest.mark.parametrize("seat", DEFAULT_SEATS)
def test_a_built_in_persona_says_when_it_skips_and_when_it_ships(desk: Path, seat: str) -> None:
    persona = load_personas()[seat]
    assert "SKIP" in persona.decision_rule
    assert "SHIP" in persona.decision_rule
    own = {phrase for phrase in persona.never_says
           if not all(phrase in other.never_says for other in load_personas().values())}
    assert len(own) >= 5
    assert len(persona.never_says) == len(set(persona.never_says))
    text = " ".join([persona.lens, persona.decision_rule, *persona.points.values(), *persona.anchors.values()]).lower()
    assert not [phrase for phrase in persona.never_says if f" {phrase} " in text]


def test_overlays_replace_file_by_file_and_the_given_folder_wins(desk: Path, tmp_path: Path) -> None:
    write(desk / "personas", "builder.yaml", motto="from here")
    write(desk / "personas", "investor.yaml", motto="from here")
    given = tmp_path / "given"
    write(given, "investor.yml", motto="from the path")
    assert load_personas()["investor"].motto == "from here"
    personas = load_personas(given)
    assert personas["builder"].motto == "from here"
    assert personas["investor"].motto == "from the path"
    assert personas["futurist"].motto == "name the thesis"


def test_a_fifth_persona_is_a_file_dropped_in(desk: Path) -> None:
    write(desk / "personas", "teacher.yaml")
    personas = load_personas()
    assert list(personas) == sorted([*DEFAULT_SEATS, "teacher"])
    assert [persona.id for persona in choose(personas, ["teacher", "builder"])] == ["teacher", "builder"]


def test_other_files_in_the_folder_are_left_alone(desk: Path) -> None:
    write(desk / "personas", ".hidden.yaml", name=...)
    (desk / "personas" / "README.md").write_text("not a persona")
    (desk / "personas" / "old.yaml").mkdir()
    assert tuple(load_personas()) == DEFAULT_SEATS


def test_a_missing_folder_is_said(desk: Path) -> None:
    with pytest.raises(PersonaError, match=r"personas folder nowhere is not there: give a folder"):
        load_personas(Path("nowhere"))


def test_two_files_of_one_persona_are_refused(desk: Path) -> None:
    write(desk / "personas", "teacher.yaml")
    write(desk / "personas", "teacher.yml")
    with pytest.raises(PersonaError, match=r"both teacher\.yaml and teacher\.yml are there: keep one"):
        load_personas()


@pytest.mark.parametrize(("names", "said"), [
    (["bulider"], "no persona 'bulider'; did you mean 'builder'?"),
    (["zzz"], "no persona 'zzz' (there are: builder, competitor_analyst, futurist, investor)"),
    (["builder", "builder"], "persona 'builder' is named twice"),
    ([], "no persona is named: name at least one of builder"),
])
def test_choosing_what_is_not_there(desk: Path, names: list[str], said: str) -> None:
    with pytest.raises(PersonaError) as caught:
        choose(load_personas(), names)
    assert said in str(caught.value)


@pytest.mark.parametrize(("changes", "said"), [
    ({"motto": ..., "moto": "name it"}, "unknown field 'moto'; did you mean 'motto'?"),
    ({"zzz": "x"}, "unknown field 'zzz' (the fields are: id, name, motto"),
    ({"id": "builder"}, "field 'id' is 'builder' but the file name says 'teacher': rename the file to builder.yaml"),
    ({"motto": ...}, "field 'motto' is missing: add it"),
    ({"motto": "  "}, "field 'motto' is empty"),
    ({"motto": None}, "field 'motto' is empty"),
    ({"motto": False}, "field 'motto' must be text, and YAML reads a bare yes, no"),
    ({"motto": 3.5}, "field 'motto' must be text, and YAML reads 3.5 as a float: put it in quotes"),
    ({"tired_of": ["slides", True]}, "field 'tired_of[2]' must be text, and YAML reads a bare yes"),
    ({"tired_of": [{"a thing": "that"}]}, "field 'tired_of[1]' must be text, and a colon in it"),
    ({"tired_of": []}, "field 'tired_of' is empty: give at least one"),
    ({"tired_of": "slides"}, "field 'tired_of' must be a list: begin each entry with '- '"),
    ({"motto": ["a"]}, "field 'motto' must be one text"),
    ({"points": ["lesson"]}, "field 'points' must be 'key: text' lines"),
    ({"points": {"lesson": ["a", "b"]}}, "field 'points.lesson' must be text, and YAML reads ['a', 'b'] as a list"),
    ({"points": {"lesson": {"what": "learnt"}}}, "field 'points.lesson' must be text, and a colon in it"),
    ({"points": {"lesson": False}}, "field 'points.lesson' must be text"),
    ({"points": {True: "x"}}, "field 'points' has the key True, which YAML does not read as text: put it in quotes"),
    ({"points": {"The Lesson": "x"}}, "field 'points': point 'The Lesson' must be lower case"),
    ({"points": {}}, "field 'points' is empty: give at least one"),
    ({"anchors": {10: "a", 30: "b", 50: "c", 70: "d"}}, "field 'anchors': must have exactly the keys 10, 30"),
    ({"anchors": {"ten": "a"}}, "field 'anchors' has the key 'ten', which YAML does not read as a whole number"),
    ({"prediction": "sometimes"}, "field 'prediction' must be always or optional"),
])
def test_a_wrong_field_is_one_line_that_says_what_to_do(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    assert said in fault(write(tmp_path, "teacher.yaml", **changes))


@pytest.mark.parametrize(("text", "said"), [
    ("", "must be 'field: value' lines"),
    ("- a\n- b\n", "must be 'field: value' lines"),
    ("name: [a\nmotto: b\n", "line 2: not valid YAML"),
    ("name: a\nname: b\n", "line 2: not valid YAML: 'name' is given twice"),
    ("points:\n  a: x\n  a: y\n", "line 3: not valid YAML: 'a' is given twice"),
    ("name: !!python/object:os.system x\n", "line 1: not valid YAML: could not determine a constructor"),
    ("? [a, b]\n: c\n", "line 1: not valid YAML: found unhashable key"),
    ("name: 2025-13-45\n", "holds a value YAML cannot read"),
    ("name: a\x07\n", "not valid YAML: unacceptable character"),
    ("x: " + "[" * 5000, "is nested too deeply"),
    ("x: &x [a]\ny: [" + "*x, " * (MAX_ALIASES + 1) + "]\n", f"line 2: not valid YAML: more than {MAX_ALIASES}"),
    ("x: " + "a" * 300_000, "is larger than 256 KB"),
])
def test_a_file_that_is_no_persona(tmp_path: Path, text: str, said: str) -> None:
    assert said in fault(tmp_path / "teacher.yaml", text)


def test_a_file_of_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "teacher.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    assert "is not UTF-8 text (byte 6)" in fault(path)


def test_a_file_name_that_is_no_id(tmp_path: Path) -> None:
    assert "use lower case letters" in fault(write(tmp_path, "My Teacher.yaml"))


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert "cannot be read" in fault(tmp_path / "gone.yaml")


def test_the_id_may_be_written_and_numbers_quoted(tmp_path: Path) -> None:
    path = write(tmp_path, "teacher.yaml", id="teacher", anchors={str(at): "x" for at in (10, 30, 50, 70, 90)})
    assert read_persona(path).anchors[90] == "x"


def test_a_copy_of_a_built_in_file_is_the_same_persona(desk: Path) -> None:
    before = load_personas()["builder"].digest
    (desk / "personas").mkdir()
    shutil.copy(BUILT_IN / "builder.yaml", desk / "personas" / "builder.yaml")
    assert load_personas()["builder"].digest == before
