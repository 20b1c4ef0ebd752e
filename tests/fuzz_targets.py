"""What must hold for any bytes: reading, cutting, cleaning, fencing a dossier, and reading an answer.

Each target takes bytes and raises AssertionError, or whatever the program raises beyond its own errors. Used with
hypothesis (tests/test_fuzz.py) and with atheris (bench/fuzz.py). The rules are written here a second time, from what
is promised, and not taken from the code they judge.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from panel.dossiers import cut_lines, read_dossiers
from panel.dossiers.clean import clean_line, clean_text
from panel.dossiers.fields import read_fields
from panel.dossiers.formats import READERS, sniffed_records
from panel.dossiers.source import Source, read_chunks
from panel.errors import DossierError, VerdictError
from panel.personas import load_personas
from panel.prompts import load_prompts, render_compare, render_review
from panel.schema import Dossier, DossierLines, Line, Persona, Prompt
from panel.verdicts import parse_brief, parse_comparison, parse_verdict

KINDS = (*READERS, "-")
"""What the first byte of a file chooses from: the suffix, or no name at all."""
PART = "\x1e"
"""Parts the fields of a dossier."""
LINE_END = re.compile(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
NEVER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls other than tab and line end
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional
    "\xad\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0001"  # print nothing, or part lines
    "\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"  # halves of characters, private use
)
LIVE = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|begin_of_text|start_header_id|end_header_id|system|user|assistant|end)\|>"
    r"|<(?:start_of_turn|end_of_turn|bos|eos|/?s|think|/think)>|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)
SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")

_folder = load_prompts("review")
_persona: Persona = load_personas()["futurist"]
_lines = DossierLines(tool_id="x", name="X", words=200, left_out=(5,),
                      lines=tuple(Line(number=number, field="description", text=f"Line {number}.")
                                  for number in range(1, 61) if number != 5))  # fmt: skip


def check_read(data: bytes) -> None:
    """A file of any format: dossiers, or errors of one line that begin with the file's name."""
    kind, content = KINDS[data[0] % len(KINDS)] if data else "-", data[1:]
    errors: list[DossierError] = []
    if kind == "-":
        place = "standard input"
        found = list(_sniffed(place, content, errors.append))
    else:
        with tempfile.TemporaryDirectory() as folder:
            place = f"{folder}/a{kind}"
            Path(place).write_bytes(content)
            found = list(read_dossiers([place], report=errors.append))
    for error in errors:
        said = str(error)
        assert said.startswith(place), f"an error does not say where: {said!r}"
        assert not LINE_END.search(said), f"an error of several lines: {said!r}"
        said.encode()
    for dossier in found:
        assert SLUG.fullmatch(dossier.id), f"an id that is no slug: {dossier.id!r}"
        assert dossier.name.strip(), "a dossier without a name"
        dossier.model_dump_json().encode()
        _check_lines(cut_lines(dossier, 900))


def _sniffed(place: str, content: bytes, report: Callable[[DossierError], None]) -> Iterator[Dossier]:
    """What a pipe without a name gives; `read_dossiers` can only be given the process's own."""
    try:
        for record in sniffed_records(Source(place, read_chunks(io.BytesIO(content)))):
            try:
                if isinstance(record, DossierError):
                    raise record
                yield read_fields(record, {})
            except DossierError as error:
                report(error)
    except DossierError as error:
        report(error)


def make_dossier(data: bytes) -> tuple[Dossier, int | None]:
    """A dossier out of bytes: description, name, tagline and facts, parted by PART; and a number of tokens."""
    text = data[1:].decode("utf-8", "replace")
    description, name, tagline, *facts = (*text.split(PART), "", "")
    tokens = data[0] * 4 if data and data[0] else None
    made = Dossier.model_validate({"id": "x", "name": name if name.strip() else "X", "tagline": tagline or None,
                                   "description": description or None, "facts": [{"text": fact} for fact in facts]})
    return made, tokens


def check_lines(data: bytes) -> None:
    """A dossier's lines: numbered without gaps, on one line each, clean, and the same when cut again."""
    dossier, tokens = make_dossier(data)
    lines = cut_lines(dossier, tokens)
    _check_lines(lines)
    assert cut_lines(dossier, tokens).digest == lines.digest, "cut twice, other lines"
    assert [line for line in cut_lines(dossier).lines if line.number not in lines.left_out] == list(lines.lines), \
        "trimming changed the lines that stay"


def _check_lines(lines: DossierLines) -> None:
    numbers = [line.number for line in lines.lines]
    assert sorted([*numbers, *lines.left_out]) == list(range(1, len(numbers) + len(lines.left_out) + 1)), "a gap"
    assert numbers == sorted(numbers), "lines out of order"
    assert lines.lines[0].field == "name", "the first line is not the name's"
    for line in lines.lines:
        assert line.text.strip(), f"line {line.number} is empty"
        assert not LINE_END.search(line.text), f"a line end inside line {line.number}: {line.text!r}"
        _check_clean(line.text)
    assert not any(lines.marker in line.text for line in lines.lines), "the fence's marker stands in a line"


def check_clean(data: bytes) -> None:
    """Cleaning: nothing forbidden is left, NFC, and cleaning twice is cleaning once."""
    text = _text(data)
    for clean in (clean_text, clean_line):
        once = clean(text)
        _check_clean(once.text)
        again = clean(once.text)
        assert again.text == once.text, f"cleaned twice it is another text: {once.text!r} -> {again.text!r}"
        assert not again.removed, f"cleaned twice, more was removed: {dict(again.removed)}"
    assert not LINE_END.search(clean_line(text).text), "a cleaned line has a line end"


def _text(data: bytes) -> str:
    """Bytes as text, halves of characters included."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def _check_clean(text: str) -> None:
    found = NEVER.search(text)
    assert not found, f"a forbidden character is left: {found and found[0]!r} in {text!r}"
    live = LIVE.search(text)
    assert not live, f"a live template token is left: {live and live[0]!r}"
    assert unicodedata.is_normalized("NFC", text), f"not NFC: {text!r}"


def check_fence(data: bytes) -> None:
    """The prompt: one fence, closed once, all of the dossier in it, and around it what stands there for any other."""
    dossier, tokens = make_dossier(data)
    lines = cut_lines(dossier, tokens)
    other = lines.model_copy(update={"lines": (Line(number=1, field="name", text="name: any"),)})
    before, inside, after = _fenced(_user_text(render_review(_folder, lines, _persona, "full")), lines)
    same_before, _, same_after = _fenced(_user_text(render_review(_folder, other, _persona, "full")), other)
    assert (before, after) == (same_before, same_after), "text outside the fence"
    shown = [re.fullmatch(r"\[(\d+)\] (.*)", row) for row in inside.split("\n")]
    assert [row and int(row[1]) for row in shown] == [line.number for line in lines.lines], "a line of no number"
    pair = _user_text(render_compare(_folder, _lines, lines, _persona))
    assert pair.count(f"<<<dossier {lines.marker}\n") == pair.count(f"\n{lines.marker}>>>\n") == 1, "fence of a pair"
    alone = _user_text(render_review(_folder, _lines, _persona, "full"))
    assert pair.startswith(alone[: alone.index(_lines.marker + ">>>")]), "one dossier changed another's part"


def _user_text(prompt: Prompt) -> str:
    return prompt.messages[1].content


def _fenced(text: str, lines: DossierLines) -> tuple[str, str, str]:
    """What stands before, in and after the fence. The marker is in the fence's two lines only."""
    start, end = f"<<<dossier {lines.marker}\n", f"\n{lines.marker}>>>\n"
    assert text.count(lines.marker) == 2, f"the marker stands {text.count(lines.marker)} times in the prompt"
    assert text.count(start) == text.count(end) == 1, "the fence is not opened and closed once"
    before, _, rest = text.partition(start)
    inside, _, after = rest.partition(end)
    return before, inside, after


def check_answer(data: bytes) -> None:
    """An answer: refused, or a verdict that stands in it as one whole JSON object with nothing around it."""
    text = data.decode("utf-8", "replace")
    for depth in ("verdict", "full"):
        verdict = _or_none(lambda text, depth=depth: parse_verdict(text, _persona, _lines, depth), text)
        if verdict is None:
            continue
        said = _only_object(text)
        assert said.get("verdict", "").strip().casefold() == verdict.verdict, "a verdict that is not in the answer"
        assert said["score"] == verdict.score, "another score than the answer's"
        assert said["confidence"] == verdict.confidence, "another confidence than the answer's"
        assert verdict.quote is None or verdict.quote == said["quote"].strip(), "another quote than the answer's"
        verdict.model_dump_json().encode()
        closed = text.rstrip().removesuffix("```").rstrip()
        for cut in (closed[:-1], closed[: len(closed) // 2], closed + closed, f"Sure: {closed}"):
            assert _or_none(lambda cut, depth=depth: parse_verdict(cut, _persona, _lines, depth), cut) is None, \
                f"a verdict out of a broken answer: {cut!r}"
    brief = _or_none(lambda text: parse_brief(text, _lines), text)
    assert brief is None or _only_object(text)["category"].strip().casefold() == brief.category.casefold()
    comparison = _or_none(lambda text: parse_comparison(text, _lines, _lines), text)
    assert comparison is None or _only_object(text)["pick"].strip().casefold() == comparison.pick


def _or_none(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except VerdictError as error:
        reason = str(error)
    assert reason.strip(), "refused without a reason"
    assert len(reason.encode()) < 2000, f"a reason of {len(reason)} characters"
    return None


def _only_object(text: str) -> dict[str, Any]:
    """The one JSON object of an answer, read by rules of our own: all of the text but a fence and a first thought."""
    body = text.strip().lstrip("\ufeff")
    body = re.sub(r"\A<think>.*?</think>", "", body, count=1, flags=re.DOTALL).strip()
    fence = re.fullmatch(r"```(?:json)?[ \t]*\n(.*)```", body, re.DOTALL | re.IGNORECASE)
    found = json.loads(fence[1] if fence else body)
    assert isinstance(found, dict)
    return found


TARGETS: dict[str, Callable[[bytes], None]] = {
    "read": check_read, "lines": check_lines, "clean": check_clean, "fence": check_fence, "answer": check_answer,
}
