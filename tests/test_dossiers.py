"""Reading dossiers: every format, every error with its file and line, and the real data."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.dossiers import cut_lines, read_dossiers
from panel.dossiers.fields import slug_of
from panel.dossiers.prices import price_text, read_prices
from panel.errors import DossierError
from panel.schema import Dossier, Price
from panel.schema.dossier import SLUG


def read(*paths: str | Path, **options: object) -> tuple[list[Dossier], list[str]]:
    mistakes: list[DossierError] = []
    found = list(read_dossiers(map(str, paths), report=mistakes.append, **options))  # type: ignore[arg-type]
    return found, [str(mistake) for mistake in mistakes]


def write(desk: Path, name: str, text: str | bytes) -> str:
    (desk / name).write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return name


WHOLE = {
    "name": "Paper Crane", "tagline": "Folds invoices", "version": "1.10", "country": "no", "pricing": "$10/month",
    "facts": ["It folds.", {"text": "It unfolds.", "source_url": "https://a.example/x"}], "source": "a leaflet",
}  # fmt: skip
WHOLE_YAML = """\
name: Paper Crane
tagline: Folds invoices
version: 1.10
country: no
pricing: $10/month
facts:
  - It folds.
  - text: It unfolds.
    source_url: https://a.example/x
source: a leaflet
as_of: null
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", WHOLE_YAML),
        ("a.yml", "# a comment\n---\n" + WHOLE_YAML + "...\n"),
        ("list.yaml", "-\n" + "".join(f"  {line}\n" for line in WHOLE_YAML.splitlines())),
        ("a.json", json.dumps(WHOLE, indent=1).replace('"1.10"', "1.10")),
        ("array.json", f"[{json.dumps(WHOLE)}]"),
        ("a.jsonl", "\ufeff" + json.dumps(WHOLE) + "\r\n\n"),
        ("a.ndjson", json.dumps(WHOLE)),
        ("a.md", f"---\n{WHOLE_YAML}---\n"),
    ],
)
def test_every_format_gives_the_same_dossier(desk: Path, name: str, text: str) -> None:
    [dossier], mistakes = read(write(desk, name, text))
    assert mistakes == []
    assert dossier == Dossier.model_validate(
        {
            "id": "paper-crane", "name": "Paper Crane", "tagline": "Folds invoices", "version": "1.10", "country": "no",
            "pricing": [Price(amount=10, currency="USD", unit="per month")], "sources": ["a leaflet"],
            "facts": [{"text": "It folds."}, {"text": "It unfolds.", "source_url": "https://a.example/x"}],
        }
    )  # fmt: skip


def test_csv_by_alias_and_by_mapping(desk: Path) -> None:
    text = 'Title;Summary;Licence;Stars\n"Crane";"Folds;\nand ""unfolds""";MIT;1200\n\nHeron;Stands;;\n'
    [crane, heron], mistakes = read(write(desk, "a.csv", text))
    assert mistakes == []
    assert (crane.name, crane.tagline, crane.license) == ("Crane", 'Folds;\nand "unfolds"', "MIT")
    assert crane.model_extra == {"Stars": "1200"}
    assert heron.license is None
    mapped = write(desk, "b.tsv", "tool_x\twhat\tname\nCrane\tFolds\tnot this\n")
    [dossier], mistakes = read(mapped, columns={"name": "TOOL_X", "summary": "what"})
    assert (dossier.id, dossier.tagline, mistakes) == ("crane", "Folds", [])
    assert dossier.model_extra == {"name (as given)": "not this"}


def test_columns_that_are_not_there(desk: Path) -> None:
    file = write(desk, "a.csv", "name,what\nCrane,Folds\n")
    assert read(file, columns={"tagline": "pitch"}) == (
        [], ["a.csv:1: tagline: there is no column 'pitch'; the columns are name, what"])  # fmt: skip
    with pytest.raises(DossierError, match="columns: 'tagine' is no field of a dossier"):
        read(file, columns={"tagine": "what"})


def test_markdown_with_and_without_front_matter(desk: Path) -> None:
    front = write(desk, "a.md", "---\nid: crane\nlicence: MIT\n---\nIntro.\n\n# Paper Crane\n\nFolds invoices.\n")
    plain = write(desk, "b.md", "Heron\n=====\n\nStands in water.\n")
    [crane, heron], mistakes = read(front, plain)
    assert mistakes == []
    assert (crane.id, crane.name, crane.license) == ("crane", "Paper Crane", "MIT")
    assert crane.description is not None
    assert crane.description.split() == ["Intro.", "Folds", "invoices."]
    assert (heron.name, heron.description) == ("Heron", "Stands in water.")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(WHOLE), json.dumps(WHOLE, indent=2), json.dumps([WHOLE]), json.dumps(WHOLE) + "\n" + "\n",
        WHOLE_YAML, "# a dossier\n" + WHOLE_YAML, "---\n" + WHOLE_YAML, f"---\n{WHOLE_YAML}---\n\nA description.\n",
        "name,tagline\nPaper Crane,Folds invoices\n", "# Paper Crane\n\nFolds invoices.\n",
        "name: Paper Crane\ntagline: Folds\n---\nname: Paper Crane\ntagline: Folds\n",
    ],
)  # fmt: skip
def test_standard_input_is_sniffed(text: str, tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    typed.write_text(text)
    before = os.dup(0)
    try:
        with typed.open("rb") as file:
            os.dup2(file.fileno(), 0)
        [dossier], mistakes = read("-")
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert (dossier.name, mistakes) == ("Paper Crane", [])


def test_folder_is_read_in_order_without_its_readme(desk: Path) -> None:
    for name in ("b.json", "a.yaml", "README.md", ".c.yaml", "notes.txt"):
        write(desk, name, WHOLE_YAML.replace("Paper Crane", name) if "yaml" in name else
              json.dumps({**WHOLE, "name": name}) if "json" in name else "# readme\n\nread me")  # fmt: skip
    found, mistakes = read(desk)
    assert ([dossier.name for dossier in found], mistakes) == (["a.yaml", "b.json"], [])


def test_duplicates(desk: Path) -> None:
    first = write(desk, "a.yaml", WHOLE_YAML)
    same = write(desk, "b.jsonl", json.dumps(WHOLE) + "\n" + json.dumps({**WHOLE, "tagline": "Other"}) + "\n")
    found, mistakes = read(first, same, first)
    assert len(found) == 1
    assert mistakes == ["b.jsonl:2: id: 'paper-crane' is already taken by a.yaml:1, with other content; "
                        "give one of them another id, or remove it"]  # fmt: skip


GOOD = '{"name": "Heron", "tagline": "Stands"}\n'

BAD_LINES = [
    ('{"name": "x", "tagline": "t"', "a.jsonl:2: is not JSON (Expecting ',' delimiter, column 29); every line"),
    ('{"tagline": "t"}', "a.jsonl:2: name: is missing; give every record a name"),
    ('{"name": "  ", "tagline": "t"}', "a.jsonl:2: name: is missing"),
    ('{"title": "\\u200b", "tagline": "t"}', "a.jsonl:2: title: has no visible character"),
    ('{"name": "' + "x" * 201 + '", "tagline": "t"}', "a.jsonl:2: name: is 201 characters long, at most 200"),
    ('{"name": "x", "url": "https://x.example", "version": "1"}',
     "a.jsonl:2: description: the record says nothing about the tool 'x'"),
    ('{"name": "x", "name": "y", "tagline": "t"}', 'a.jsonl:2: "name": the key is given twice; keep one'),
    ('{"name": "x", "facts": [{"text": "a", "text": "b"}]}', 'a.jsonl:2: "text": the key is given twice'),
    ('{"name": "x", "tagline": "a\\u0000b"}', "a.jsonl:2: tagline: holds a NUL character; remove it"),
    ('{"name": "x", "tagline": "a\\ud800b"}', "a.jsonl:2: tagline: holds half a character"),
    ('{"name": "x", "deep": {"a": ["\\u0000"]}, "tagline": "t"}', "a.jsonl:2: deep: holds a NUL"),
    ('{"name": "x", "tagline": {"en": "t"}}', "a.jsonl:2: tagline: must be a text"),
    ('{"name": "x", "tagline": "t", "id": "Über X"}',
     'a.jsonl:2: id: "\\u00dcber X" cannot be an id (lower case letters and digits, joined by - _ or ., at most 80); '
     "write uber-x, or leave it out"),
    ('{"name": "x", "tagline": "t", "slug": "con"}', 'a.jsonl:2: slug: "con" cannot be an id'),
    ('{"name": "x", "tagline": "t", "id": "../x"}', 'a.jsonl:2: id: "../x" cannot be an id'),
    ('{"name": "x", "tagline": "t", "url": " JavaScript:alert(1)"}', "a.jsonl:2: url: must be an http(s) address"),
    ('{"name": "x", "pricing": [{"plan": "a", "amount": 1}, {"amount": "ten"}]}',
     "a.jsonl:2: pricing[2].amount: 'ten' is not an amount; write a number"),
    ('{"name": "x", "pricing": [{"amount": -1}]}', "a.jsonl:2: pricing[1].amount: '-1' is not an amount"),
    ('{"name": "x", "pricing": [{"amount": NaN}]}', "a.jsonl:2: pricing[1].amount: 'NaN' is not an amount"),
    ('{"name": "x", "pricing": [["a"]]}', "a.jsonl:2: pricing[1]: must be a text like $10/month"),
    ('{"name": "x", "facts": [{"source_url": "u"}]}', "a.jsonl:2: facts[1]: has no text"),
    ("[1]", "a.jsonl:2: is a list, not an object"),
    ("3", "a.jsonl:2: is a text or number, not an object"),
    ("{} {}", "a.jsonl:2: has more than one JSON value on a line"),
    ('{"name": "x", "tagline": ' + "[" * 100_000, "a.jsonl:2: is n"),
    ('{"name": "x", "tagline": "t", "tree": ' + "[" * 30 + "]" * 30 + "}", "a.jsonl:2: tree: is nested more than 12"),
    ('{"name": "x", "tagline": "' + "x" * 2_000_100 + '"}', "a.jsonl:2: is longer than 2 MB; shorten the record"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), BAD_LINES)
def test_a_bad_line_is_reported_and_the_rest_goes_on(desk: Path, line: str, expected: str) -> None:
    file = write(desk, "a.jsonl", GOOD + line + "\n" + GOOD.replace("Heron", "Stork"))
    found, [mistake] = read(file)
    assert [dossier.name for dossier in found] == ["Heron", "Stork"]
    assert mistake.startswith(expected)
    assert "\n" not in mistake
    with pytest.raises(DossierError) as stopped:
        read(file, strict=True)
    assert str(stopped.value) == mistake


BAD_FILES = [
    ("a.jsonl", b"\xff\xfe{\x00}\x00\n\x00", "a.jsonl:1: is UTF-16 text; save the file as UTF-8"),
    ("a.jsonl", b'{"name": "caf\xe9", "tagline": "t"}', "a.jsonl:1: is not UTF-8 (byte 0xe9)"),
    ("a.jsonl", b"\n\n", "a.jsonl:1: has no record in it"),
    ("a.json", b"", "a.json:1: is empty"),
    ("a.json", b'[\n{"name": "x",\n "tagline": t}]', "a.json:3: is not JSON (Expecting value, column 13); mend it"),
    ("a.json", b'[\n\n{"name": "x"}\n]', "a.json:3: description: the record says nothing"),
    ("a.json", b"[" * 100_000, "a.json:1: is n"),
    ("a.json", b'\n["x"]', "a.json:2: is a text or number, not an object"),
    ("a.yaml", b"", "a.yaml:1: is empty"),
    ("a.yaml", b"name: x\ntagline: [a", "a.yaml:2: is not YAML"),
    ("a.yaml", b"name: x\n\ntagline: a: b", "a.yaml:3: is not YAML (mapping values are not allowed in this context)"),
    ("a.yaml", b"name: x\ntagline: t\ntagline: u", "a.yaml:3: 'tagline': the key is given twice; keep one"),
    ("a.yaml", b"name: x\ntagline: a\x00b", "a.yaml:2: has the control character U+0000"),
    ("a.yaml", b"name: x\ntagline: !!python/object/apply:os.getcwd []", "a.yaml:2: the tag 'tag:yaml.org"),
    ("a.yaml", b"name: x\ntagline: *nowhere", "a.yaml:2: *nowhere stands for nothing"),
    ("a.yaml", b"a: &a {name: x}\nb:\n  <<: *a", "a.yaml:3: merge keys"),
    ("a.yaml", b"name: x\n? [a]\n: b", "a.yaml:2: a key must be one word or text"),
    ("a.yaml", b"just text", "a.yaml:1: is not a mapping; a record is lines of `field: value`"),
    ("a.yaml", b"name: x\ntagline: t\nurl: data:text/html,x", "a.yaml:3: url: must be an http(s)"),
    ("a.yaml", b"name: x\ndeep: " + b"[" * 5_000, "a.yaml:2: is nested more than 20 deep"),
    ("a.yaml", b"name: caf\xe9", "a.yaml:1: is not UTF-8"),
    ("a.csv", b"name,tagline\nx,t,u\n", "a.csv:2: has 3 cells, the header 2"),
    ("a.csv", b'name,tagline\nx,"t\nu"\n,no name\n', "a.csv:4: name: is missing"),
    ("a.csv", b"name,tagline\nx,caf\xe9\n", "a.csv:2: is not UTF-8"),
    ("a.csv", b"name,Name\nx,t\n", "a.csv:1: the header names the column 'name' twice"),
    ("a.csv", b"", "a.csv:1: has no header"),
    ("a.csv", b'name,tagline\nx,"' + b"y" * 2_100_000, "a.csv:2: cannot be read (field larger than field limit"),
    ("a.md", b"---\nname: x\n", "a.md:1: the front matter is not closed"),
    ("a.md", b"---\nname: x\ntagline: [\n---\n", "a.md:3: is not YAML"),
    ("a.md", b"+++\nname = 'x'\n+++\n", "a.md:1: has TOML front matter"),
    ("a.md", b"---\ntagline: x\n---\nno heading", "a.md:1: name: is missing"),
    ("a.md", b"---\nurl: https://x.example\n---\n\n# x\n", "a.md:1: description: the record says nothing"),
]


@pytest.mark.parametrize(("name", "raw", "expected"), BAD_FILES)
def test_a_bad_file_names_the_line(desk: Path, name: str, raw: bytes, expected: str) -> None:
    good = write(desk, "z.jsonl", GOOD)
    found, mistakes = read(write(desk, name, raw), good)
    assert found[-1].name == "Heron"
    assert mistakes[0].startswith(expected)


def test_a_broken_document_does_not_stop_the_next(desk: Path) -> None:
    text = "name: a\ntagline: t\n---\nname: [\n---\nname: c\ntagline: |\n  a\n  b\n--- # the last\nname: d\n"
    found, mistakes = read(write(desk, "a.yaml", text))
    assert [dossier.name for dossier in found] == ["a", "c"]
    assert [mistake.split(";")[0][:22] for mistake in mistakes] == ["a.yaml:4: is not YAML ", "a.yaml:11: description"]


def test_alias_bomb_is_refused_and_a_plain_alias_is_read(desk: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    found, [mistake] = read(write(desk, "bomb.yaml", "name: x\ntagline: t\n" + bomb))
    assert found == []
    assert "has too many YAML aliases" in mistake
    [dossier], _ = read(write(desk, "a.yaml", "name: &n Crane\ntagline: *n\n"))
    assert dossier.tagline == "Crane"


def test_paths_are_checked_before_anything_is_read(desk: Path) -> None:
    write(desk, "a.txt", "x")
    (desk / "empty").mkdir()
    for path, said in (("no.yaml", "there is no such file"), ("a.txt", "cannot tell the format"),
                       ("empty", "the folder has no dossier in it")):  # fmt: skip
        with pytest.raises(DossierError, match=said):
            read_dossiers([path], report=lambda _: None)
    (desk / "dir.yaml").symlink_to(desk / "nowhere.yaml")
    with pytest.raises(DossierError, match="there is no such file"):
        read_dossiers(["dir.yaml"], report=lambda _: None)


def test_other_names_of_fields(desk: Path) -> None:
    record = {"title": "Crane", "company": "Fold Ltd", "Short-Description": "Folds", "readme": "Long text.",
              "homepage": "pypi:crane", "license": ["MIT", "Apache-2.0"], "summary": "Second summary",
              "open": True, "stars": 12, "tags": ["a", "b"], "nested": {"a": None}, "price": None}  # fmt: skip
    [dossier], mistakes = read(write(desk, "a.json", json.dumps(record)))
    assert mistakes == []
    assert (dossier.vendor, dossier.tagline, dossier.description) == ("Fold Ltd", "Folds", "Long text.")
    assert (dossier.url, dossier.license) == ("pypi:crane", "MIT, Apache-2.0")
    assert dossier.model_extra == {"summary": "Second summary", "open": "true", "stars": "12", "tags": ["a", "b"],
                                   "nested": {"a": None}}  # fmt: skip
    texts = [line.text for line in cut_lines(dossier).lines]
    assert "Python package index project: crane" in texts
    assert "tags: a, b" in texts
    assert not any("nested" in text for text in texts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("free", ["free"]), ("Free: $0; Pro: $10/mo", ["Free: 0 USD", "Pro: 10 USD per month"]),
        ("$1,200 per year", ["1200 USD per year"]), ("from €9.99 / month", ["starting price: 9.99 EUR per month"]),
        ("Team $40/user/mo", ["Team: 40 USD per user per month"]), ("0.99 USD per call", ["0.99 USD per call"]),
        ("contact sales", ["contact sales"]), ("9,99 €", ["9,99 €"]), ("199 dollars one-time", ["199 USD one-time"]),
        ("Free trial, then $10/month", ["Free trial, then $10/month"]), ("version 3", ["version 3"]), ("", []),
    ],
)  # fmt: skip
def test_prices_are_read_where_they_are_clear(text: str, said: list[str]) -> None:
    assert [price_text(price) for price in read_prices(text)] == said


def test_prices_as_mappings_keep_what_is_not_known(desk: Path) -> None:
    prices = [{"tier": "Pro", "price": "$10", "per": "per month", "note": "billed yearly"}, {"plan": "Custom"}, "free"]
    [dossier], _ = read(write(desk, "a.json", json.dumps({"name": "x", "prices": prices})))
    assert [price_text(price) for price in dossier.pricing] == [
        "Pro (note: billed yearly): 10 USD per month", "Custom", "free"]  # fmt: skip


def test_slugs_of_real_names() -> None:
    names = {"Code Llama 4": "code-llama-4", "Café Nº5": "cafe-no5", "inspect_ai": "inspect-ai", "Ollama 🦙": "ollama"}
    assert {name: slug_of(name) for name in names} == names
    odd = ["C", "C++", "C#", "剧本分镜", "電影分鏡", "Ссылка", "CON", "..", "x" * 90, "x" * 91, "🚀", "!!"]
    assert len({slug_of(name) for name in odd}) == len(odd)


@given(st.text(min_size=1))
def test_every_name_has_a_slug_that_is_a_safe_path_part(name: str) -> None:
    slug = slug_of(name)
    assert Dossier(id=slug, name="x").id == slug
    assert re.fullmatch(SLUG, slug)
    assert len(slug) <= 80


MARKS = st.lists(st.sampled_from([*"-:{}[]\"',\n#&*|>!%\\ x1", "name", "\n---\n", "\x00", "\x85", "é", "\\ud800"]))


@given(st.binary(max_size=300) | MARKS.map("".join).map(str.encode),
       st.sampled_from([".yaml", ".json", ".jsonl", ".md", ".csv"]))  # fmt: skip
def test_no_bytes_raise_anything_but_a_report(tmp_path_factory: pytest.TempPathFactory, raw: bytes, kind: str) -> None:
    file = tmp_path_factory.mktemp("any") / f"a{kind}"
    file.write_bytes(raw)
    found, mistakes = read(file)
    assert found or mistakes
    assert all(mistake.startswith(f"{file}:") for mistake in mistakes)
    assert all(cut_lines(dossier).lines for dossier in found)


def test_reading_is_a_stream(desk: Path) -> None:
    lines = "".join(json.dumps({"name": f"tool {n}", "tagline": "t"}) + "\n" for n in range(2_000))
    stream = read_dossiers([write(desk, "a.jsonl", lines + "broken")], report=lambda _: pytest.fail("read too far"))
    assert [next(stream).id for _ in range(3)] == ["tool-0", "tool-1", "tool-2"]


def test_real_data_goes_through_unchanged(shared_data: Path) -> None:
    for name, count in (("dossiers", 22), ("products", 12), ("launches.jsonl", 2000)):
        found, mistakes = read(shared_data / name)
        assert (len(found), mistakes) == (count, [])
    products, _ = read(shared_data / "products")
    rabbit = next(dossier for dossier in products if dossier.id == "rabbit-r1")
    raw = json.loads((shared_data / "products" / "rabbit-r1.json").read_text())
    assert (rabbit.description, len(rabbit.facts)) == (raw["description"], len(raw["facts"]))
    assert [price.model_dump(exclude={"as_of"}) for price in rabbit.pricing] == raw["pricing"]


def test_examples_are_dossiers() -> None:
    folder = Path(__file__).resolve().parents[1] / "examples"
    found, mistakes = read(folder / "code-llama-4.yaml", folder / "mistral-4b-edge.yaml", folder / "launches.jsonl")
    assert (len(found), mistakes) == (12, [])
    assert [dossier.id for dossier in found[:2]] == ["code-llama-4", "mistral-4b-edge"]
    assert not any(cut_lines(dossier).thin for dossier in found[:2])
    assert all(cut_lines(dossier).thin for dossier in found[2:])
