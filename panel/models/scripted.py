"""A model that is a function of the messages: for tests, demonstrations of the machinery, and timing.

It answers every schema of the panel with an answer that reads: its claims stand on lines that are shown, its score is
`scripted_score`, its verdict is ship from 50 up. The same messages and seed get the same answer in any order, in any
process. Knows nothing of templates but the fence, the line numbers and the line `Persona: <id>`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from panel.errors import ConfigError, ModelDeclined, ModelRejected, ModelUnavailable
from panel.schema import Completion, ModelInfo, Record, Request, TokenLogprob

CAPTION = "scripted answers: made up by a rule, for trying the software, not for publishing"
LINES_READ = 12
"""Lines at the top of a dossier it looks at."""
QUOTE_WORDS = 60
"""A quote of 60 words is of right length for thin dossiers and others."""
COVERAGE = 0.95
"""The share of a probed token's probability that falls on ship or skip."""

Words = Literal["ship", "skip"]

_LINE = re.compile(r"^\[(\d+)\] (.*)$", re.M)
_PERSONA = re.compile(r"^Persona: *([a-z0-9][a-z0-9._-]*)[ \t]*$", re.M)
_WORD = re.compile(r"\b[a-z]{5,14}\b")


class Options(Record):
    """What may stand after `scripted:`, as name=value, commas between."""

    always: Words | None = None
    """Every review says this."""
    prefer: Literal["first", "second"] | None = None
    """Every comparison picks what is shown first (second): a biased reader."""
    broken: Literal["reask", "always"] | None = None
    """First answers cannot be read (and re-asked ones neither)."""
    fail: Literal["unavailable", "declined", "rejected"] | None = None
    """Every call ends in this error."""
    latency: float = Field(default=0.0, ge=0)
    """Seconds a call takes."""
    p_ship: float | None = Field(default=None, ge=0, le=1)
    """P(ship) of every probe; without it, score / 100."""
    price: float = Field(default=0.0, ge=0)
    """US dollars a token, in and out."""


class Scripted:
    """The model `scripted` or `scripted:OPTIONS`. Costs nothing unless `price` says so."""

    def __init__(self, options: str = "") -> None:
        text = options.removeprefix("scripted").removeprefix(":")
        self._options = parse_options(text)
        self._name = f"scripted:{text}" if text else "scripted"
        price = self._options.price
        self._info = ModelInfo(
            name=self._name, endpoint=self._name, max_in_flight=256, rung="json_schema", logprobs=True, price_in=price,
            price_cached=price, price_out=price, price_version="scripted", caption=CAPTION,
        )

    def info(self) -> ModelInfo:
        """What is known without asking it."""
        return self._info

    async def complete(self, request: Request) -> Completion:
        """The answer to these messages. Raises what the option `fail` names, else nothing."""
        await asyncio.sleep(self._options.latency)  # 0 too: whoever waits for signals gets a turn
        if self._options.fail is not None:
            raise _FAILURES[self._options.fail](f"{self._name}: fails as its options say")
        text, logprobs = answer_to(request, self._options)
        tokens_in = sum(len(message.content) for message in request.prompt.messages) // 4
        tokens_out = len(text) // 4 + 1
        return Completion(
            text=text, finish_reason="stop", tokens_in=tokens_in, tokens_cached=0, tokens_out=tokens_out,
            cost_usd=(tokens_in + tokens_out) * self._options.price, price_version="scripted",
            seconds=self._options.latency, model=self._name, endpoint=self._name, logprobs=logprobs,
        )

    async def close(self) -> None:
        """Nothing to give back."""


def scripted_score(tool_name: str, persona_id: str, repeat_seed: int | None = None) -> int:
    """The score 0-100 of a review: SHA-256 of "tool name \\n persona id \\n seed" (no seed: empty), modulo 101.

    `tool_name` is the name as line 1 shows it; `repeat_seed` the seed of the request.
    """
    seed = "" if repeat_seed is None else str(repeat_seed)
    return _number(tool_name, persona_id, seed) % 101


def scripted_verdict(score: int) -> Words:
    """Ship from 50 up."""
    return "ship" if score >= 50 else "skip"


def parse_options(text: str) -> Options:
    """Options from "name=value,name=value". Raises ConfigError naming the options there are."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    try:
        return Options.model_validate({name.strip(): value.strip() for name, _, value in pairs})
    except ValidationError as error:
        first = error.errors()[0]
        there = ", ".join(Options.model_fields)
        wrong = f"{first['loc'][0]}: {first['msg'].lower()}"
        raise ConfigError(f"model scripted:{text}: {wrong} (options: {there})") from error


def answer_to(request: Request, options: Options) -> tuple[str, tuple[TokenLogprob, ...]]:
    """The text, and its tokens' probabilities where they are asked for."""
    view = read_request(request, options)
    last = request.prompt.messages[-1] if request.prompt.messages else None
    if request.top_logprobs:
        begun = last is not None and last.role == "assistant"
        return _probed(view, options, begun)
    reasked = any(message.role == "assistant" for message in request.prompt.messages)
    if options.broken == "always" or (options.broken == "reask" and not reasked):
        return f"I would {view.verdict} {view.name}, I think.", ()
    if request.answer_schema is None:
        return _quote(view), ()
    return json.dumps(_object(view, request.answer_schema, options), ensure_ascii=False), ()


class View(NamedTuple):
    """What was read out of the messages."""

    name: str
    persona: str
    dossiers: tuple[tuple[tuple[int, str], ...], ...]
    """The first lines of each dossier: number and text."""
    score: int
    verdict: Words
    rival: str
    """The name of the second dossier, if there are two."""

    def numbers(self, which: int = 0) -> list[int]:
        """The line numbers of one dossier, after the name's."""
        lines = self.dossiers[which] if which < len(self.dossiers) else ()
        return [number for number, _ in lines[1:] or lines]


def read_request(request: Request, options: Options) -> View:
    """Tool, persona and lines out of the first message a person wrote: a re-ask changes none of them."""
    asked = next((message for message in request.prompt.messages if message.role == "user"), None)
    bodies, rest = _fenced(asked.content if asked else "")
    dossiers = tuple(_top_lines(body) for body in bodies)
    found = _PERSONA.findall(rest)
    own = asked.parts[-1] if asked and asked.parts else ""
    persona = found[-1] if found else hashlib.sha256(own.encode("utf-8", "replace")).hexdigest()[:8]
    name = _name_of(dossiers[0])
    score = scripted_score(name, persona, request.seed)
    if options.always is not None:
        score = 50 + score // 2 if options.always == "ship" else score // 2 - (score >= 100)
    rival = _name_of(dossiers[1]) if len(dossiers) > 1 else ""
    return View(name, persona, dossiers, score, scripted_verdict(score), rival)


def _fenced(text: str) -> tuple[list[str], str]:
    """The bodies of the fenced dossiers and what stands after the last; without a fence, the text is both."""
    bodies, at = [], 0
    while (start := text.find("<<<dossier ", at)) >= 0:
        head = text.find("\n", start)
        closing = f"\n{text[start + 11 : head].strip()}>>>"
        end = text.find(closing, head)
        if head < 0 or end < 0:
            break
        bodies.append(text[head:end])
        at = end + len(closing)
    return bodies or [text], text[at:]


def _top_lines(body: str) -> tuple[tuple[int, str], ...]:
    lines = []
    for found in _LINE.finditer(body):
        lines.append((int(found[1]), found[2]))
        if len(lines) == LINES_READ:
            break
    return tuple(lines)


def _name_of(lines: tuple[tuple[int, str], ...]) -> str:
    for _, text in lines:
        if text.startswith("name: "):
            return text[6:].strip()
    return lines[0][1] if lines else ""


def _number(*texts: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(texts).encode("utf-8", "replace")).digest()[:8])


def _quote(view: View) -> str:
    """Sixty words: a frame, and words of the dossier between its commas."""
    end = (f"A reader would weigh these lines against one rule and nothing else, so this seat says {view.verdict}: the "
           "case would turn only with a line that is not there yet.")
    start = f"The dossier of {view.name or 'this tool'} stands on"
    seen = dict.fromkeys(_WORD.findall(" ".join(text for lines in view.dossiers for _, text in lines)))
    wanted = QUOTE_WORDS - len(start.split()) - len(end.split())
    words = [*seen, *(word for word in _FILLING if word not in seen)][: max(1, wanted)]
    return f"{start} {', '.join(words)}. {end}"


_FILLING = tuple(f"{stem} {word}".replace(" ", "-") for stem in ("plain", "short", "bare") for word in
                 ("words", "lines", "notes", "names", "terms", "facts", "signs", "parts", "claims", "labels"))


def _object(view: View, schema: dict[str, Any], options: Options) -> Any:
    """An object for a schema of the panel, field by field; fields it does not know are filled by their type."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return _by_type(view, schema, schema)
    known = _REVIEW if "score" in properties else _COMPARE if "pick" in properties else {}
    if "entry" in properties:
        known = _BRIEF
    found = {}
    for name, part in properties.items():
        write = known.get(name)
        found[name] = write(view, part, options) if write else _by_type(view, part, schema, name)
    if "verdict" in properties and "score" not in properties:
        found["verdict"] = view.verdict
    return found


Writer = Callable[[View, dict[str, Any], Options], Any]


def _points(view: View, part: dict[str, Any], _: Options) -> dict[str, str]:
    texts = [text for _, text in view.dossiers[0][1:]] or [view.name or "not stated"]
    return {name: " ".join(texts[index % len(texts)].split()[:20]) or "not stated"
            for index, name in enumerate(part.get("properties", {}))}


def _claims(view: View, _: dict[str, Any], __: Options) -> list[dict[str, Any]]:
    lines = view.dossiers[0]
    if not lines:
        return [{"text": "nothing is stated", "lines": []}]
    first = _number(view.name, view.persona) % len(lines)
    picked = [lines[(first + step) % len(lines)] for step in (0, 1)]
    return [{"text": " ".join(text.split()[:20]) or "not stated", "lines": [number]} for number, text in picked]


def _because(view: View, part: dict[str, Any], _: Options) -> dict[str, str]:
    points = part.get("properties", {}).get("point", {}).get("enum") or ["point"]
    point = points[_number(view.persona, view.name) % len(points)]
    return {"point": point, "text": f"The lines on this point of {view.name} decide it."}


def _pick(view: View, _: dict[str, Any], options: Options) -> str:
    """The better score of the two whatever their order, unless told to prefer a place."""
    if options.prefer is not None:
        return "a" if options.prefer == "first" else "b"
    mine, other = scripted_score(view.name, view.persona), scripted_score(view.rival, view.persona)
    return "a" if mine > other else "b" if other > mine else "neither"


def _differences(view: View, _: dict[str, Any], __: Options) -> list[dict[str, Any]]:
    return [{"axis": axis, "a_lines": view.numbers(0)[place : place + 1], "b_lines": view.numbers(1)[place : place + 1]}
            for place, axis in enumerate(("what it is for", "how it is sold"))]


_REVIEW: dict[str, Writer] = {
    "points": _points,
    "claims": _claims,
    "missing": lambda *_: ["who uses it"],
    "because": _because,
    "score": lambda view, *_: view.score,
    "verdict": lambda view, *_: view.verdict,
    "confidence": lambda view, *_: 50 + abs(view.score - 50),
    "quote": lambda view, *_: _quote(view),
    "best_for": lambda view, *_: f"readers who would try the software with {view.name}",
    "change_my_mind": lambda *_: "A line that names a paying user.",
    "caveat": lambda *_: None,
    "prediction": lambda view, *_: {
        "statement": f"A new version of {view.name} is announced in public at least once", "by": "2030-12",
        "probability": view.score,
    },
}
_COMPARE: dict[str, Writer] = {
    "differences": _differences,
    "pick": _pick,
    "pick_a_if": lambda view, *_: f"Pick {view.name} if its lines fit the work at hand.",
    "pick_b_if": lambda view, *_: f"Pick {view.rival} if its lines fit the work at hand.",
    "quote": lambda view, *_: _quote(view),
}
_BRIEF: dict[str, Writer] = {
    "description": lambda view, *_: {"text": _quote(view), "lines": view.numbers()[:2]},
    "entry": lambda *_: "unknown",
    "price": lambda *_: {"amount": None, "currency": None, "unit": None, "as_of": None, "lines": []},
    "best_for": lambda view, *_: {"text": f"readers of the dossier of {view.name}", "lines": view.numbers()[:1]},
    "not_for": lambda *_: {"text": "not stated", "lines": []},
    "category": lambda view, part, _: part["enum"][_number(view.name) % len(part["enum"])],
}


def _by_type(view: View, part: dict[str, Any], root: dict[str, Any], name: str = "") -> Any:
    """Something of the right type for a schema nobody wrote for this model; what it allows only once, exactly."""
    if "$ref" in part:
        part = root.get("$defs", {}).get(str(part["$ref"]).rpartition("/")[2], {})
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return part["enum"][_number(view.name, view.persona, name) % len(part["enum"])]
    for choices in ("anyOf", "oneOf"):
        if choices in part:
            return _by_type(view, part[choices][0], root, name)
    kind = part.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {key: _by_type(view, inner, root, key) for key, inner in part.get("properties", {}).items()}
    if kind == "array":
        return view.numbers()[:1] if name.endswith("lines") else [_by_type(view, part.get("items", {}), root, name)]
    simple = {"integer": view.score, "number": float(view.score), "boolean": view.score >= 50, "null": None}
    return simple.get(kind, view.name or "not stated")


def _probed(view: View, options: Options, begun: bool) -> tuple[str, tuple[TokenLogprob, ...]]:
    """The verdict, and its token's probabilities; only the word where the object was begun for the model."""
    p_ship = options.p_ship if options.p_ship is not None else min(0.98, max(0.02, view.score / 100))
    shares = {"ship": COVERAGE * p_ship, "skip": COVERAGE * (1 - p_ship), "maybe": 1 - COVERAGE}
    word = "ship" if p_ship >= 0.5 else "skip"
    top = sorted(((text, math.log(share)) for text, share in shares.items() if share > 0), key=lambda pair: -pair[1])
    token = TokenLogprob(token=word, logprob=math.log(shares[word]), top=tuple(top))
    if begun:
        return word, (token,)
    frame = [TokenLogprob(token=text, logprob=0.0) for text in ('{"verdict":"', '"}')]
    return f'{{"verdict":"{word}"}}', (frame[0], token, frame[1])


_FAILURES: dict[str, Callable[[str], Exception]] = {
    "unavailable": ModelUnavailable, "declined": ModelDeclined, "rejected": ModelRejected,
}
