"""A model that replays answers from a file: for exactly the messages they were given to, and no others.

The file is JSON lines. The first may be a header: {"caption": ..., "model": ..., "vendor": ...}. Every other line is
an answer: {"messages_digest": ..., "text": ...} and, if known, model, finish_reason, reasoning, tokens_in,
tokens_cached, tokens_out. Knows nothing of how the answers were got.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from panel.errors import ConfigError, ModelDeclined
from panel.schema import Completion, ModelInfo, Record, Request

CAPTION = "recorded answers, replayed"


class Header(Record):
    """The first line, if it is one."""

    model_config = {"frozen": True, "extra": "ignore"}

    caption: str = CAPTION
    model: str | None = None
    vendor: str | None = None


class RecordedAnswer(Record):
    """One line: what was answered to the messages of this digest. Other keys are for people and are ignored."""

    model_config = {"frozen": True, "extra": "ignore"}

    messages_digest: str
    text: str
    model: str | None = None
    finish_reason: str | None = "stop"
    reasoning: str | None = None
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None


class Recorded:
    """The model `recorded:FILE`. A call costs nothing.

    Raises ConfigError, naming file and line, when the file cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._header, self._answers = read_recording(self._path)
        self._info = ModelInfo(
            name=f"recorded:{path}", endpoint="recorded", max_in_flight=256, rung="prompt", logprobs=False,
            price_in=0.0, price_cached=0.0, price_out=0.0, price_version="recorded", vendor=self._header.vendor,
            caption=self._header.caption,
        )

    def info(self) -> ModelInfo:
        """What is known without asking it."""
        return self._info

    async def complete(self, request: Request) -> Completion:
        """What was answered to these messages; of several takes, the one the seed counts to.

        Raises ModelDeclined when the file has no answer to them.
        """
        await asyncio.sleep(0)
        digest = request.prompt.messages_digest
        takes = self._answers.get(digest)
        if not takes:
            raise ModelDeclined(
                f"recorded:{self._path}: no recorded answer for these messages (digest {digest}); "
                "the prompts or the dossier changed since it was recorded, or it asks for the second time"
            )
        take = takes[(request.seed or 0) % len(takes)]
        return Completion(
            text=take.text, finish_reason=take.finish_reason, reasoning=take.reasoning, tokens_in=take.tokens_in,
            tokens_cached=take.tokens_cached, tokens_out=take.tokens_out, cost_usd=0.0, price_version="recorded",
            model=take.model or self._header.model, endpoint="recorded",
        )

    async def close(self) -> None:
        """Nothing to give back."""


def read_recording(path: Path) -> tuple[Header, dict[str, list[RecordedAnswer]]]:
    """Header and answers by messages digest. Raises ConfigError naming file and line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would cut inside a text at U+2028
    except OSError as error:
        raise ConfigError(f"recorded:{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"recorded:{path}: is not UTF-8 text (byte {error.start})") from error
    header = Header()
    answers: dict[str, list[RecordedAnswer]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        content = _object(line, f"recorded:{path} line {number}")
        try:
            if number == 1 and "messages_digest" not in content:
                header = Header.model_validate(content)
                continue
            answer = RecordedAnswer.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"recorded:{path} line {number}: {field}: {first['msg'].lower()}") from error
        answers.setdefault(answer.messages_digest, []).append(answer)
    if not answers:
        raise ConfigError(f"recorded:{path}: holds no answers; each line needs messages_digest and text")
    return header, answers


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: not a JSON object")
    return content
