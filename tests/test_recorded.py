"""Answers replayed from a file: for exactly the messages they were given to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import panel
from panel.errors import ConfigError, ModelDeclined
from panel.models.recorded import Recorded
from panel.schema import Completion, Message, Prompt, Request

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def prompt(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", parts=(text,)),))


def answer(text: str, to: str, **more: Any) -> dict[str, Any]:
    return {"messages_digest": prompt(to).messages_digest, "text": text, **more}


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def replay(path: Path, asked: Prompt, seed: int | None = None) -> Completion:
    return asyncio.run(Recorded(path).complete(Request(prompt=asked, seed=seed)))


HEADER = {"caption": "answers of a large hosted model, recorded, replayed", "model": "large-1", "vendor": "Maker",
          "recorded_at": "2026-11-01"}


def test_the_answer_to_these_messages_comes_back_unchanged(tmp_path: Path) -> None:
    odd = 'line one\u2028still line one\r\n"quoted" \u00e9'
    path = write(tmp_path / "r.jsonl", HEADER, answer(odd, "a", tokens_in=9, finish_reason="stop"),
                 answer("second", "b", model="other-2"))
    got = replay(path, prompt("a"))
    assert (got.text, got.model, got.tokens_in, got.cost_usd) == (odd, "large-1", 9, 0.0)
    assert replay(path, prompt("b")).model == "other-2"
    info = Recorded(path).info()
    assert (info.caption, info.vendor, info.local) == (HEADER["caption"], "Maker", False)


def test_how_messages_are_cut_into_parts_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", answer("yes", "ab"))
    assert replay(path, Prompt(messages=(Message(role="user", parts=("a", "b")),))).text == "yes"


def test_other_messages_are_declined_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, answer("x", "a"))
    with pytest.raises(ModelDeclined, match="no recorded answer for these messages") as caught:
        replay(path, prompt("a "))
    assert prompt("a ").messages_digest in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_takes_are_told_apart_by_the_seed(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", answer("first", "a"), answer("second", "a"))
    assert [replay(path, prompt("a"), seed).text for seed in (None, 0, 1, 2)] == ["first", "first", "second", "first"]


@pytest.mark.parametrize(("content", "words"), [
    ("", "holds no answers"),
    (json.dumps(HEADER), "holds no answers"),
    ("{broken", "line 1: not valid JSON"),
    (json.dumps(HEADER) + "\n[1]", "line 2: not a JSON object"),
    (json.dumps(HEADER) + '\n\n{"messages_digest": "d"}', "line 3: text: field required"),
    (json.dumps(HEADER) + '\n{"text": "t"}', "line 2: messages_digest: field required"),
    ('{"messages_digest": "d", "text": 5}', "line 1: text"),
])
def test_a_broken_file_is_said_by_line_and_field_before_any_call(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        Recorded(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Recorded(tmp_path / "none.jsonl")
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Recorded(tmp_path / "b.jsonl")


def test_a_readable_answer_stands_when_its_second_asking_is_declined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has no answer to the second asking: the first one is kept, with the flag that holds it."""
    lines = EXAMPLES.joinpath("recorded.jsonl").read_text(encoding="utf-8").splitlines()
    spoilt = [lines[0]]
    for line in lines[1:]:
        kept = json.loads(line)
        answer = json.loads(kept["text"]) if kept["text"].startswith("{") else {}
        if "quote" in answer and "because" in answer:
            answer["because"]["text"] = "I ran it for a week and it held."
            kept["text"] = json.dumps(answer)
        spoilt.append(json.dumps(kept))
    path = tmp_path / "spoilt.jsonl"
    path.write_text("\n".join(spoilt), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    card, = panel.review([EXAMPLES / "code-llama-4.yaml"], model=f"recorded:{path}")
    assert [review.reasked for review in card.reviews] == [True] * 4
    assert all(review.verdict is not None for review in card.reviews)
    assert {held.flag.kind for held in card.holds} == {"invented_experience"}
    assert len({held.key for held in card.holds}) == 4
