"""The object of an answer → Verdict, BriefText or ComparisonText, or the reason why not, worded for the model.

A type that is wrong is refused, never converted; what could only mean one thing is taken (`SHIP`, 85.0, a caveat of
"none"). Knows nothing of prompts, models or flags; lengths and style are for `panel.checks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from panel.errors import VerdictError
from panel.schema import (
    Because,
    BriefPrice,
    BriefText,
    Cited,
    Claim,
    ComparisonText,
    Depth,
    Difference,
    DossierLines,
    Persona,
    Prediction,
    Verdict,
)
from panel.schema.category import CATEGORIES
from panel.verdicts.echo import refuse_echo
from panel.verdicts.extraction import Refused, extract_object, shown
from panel.verdicts.wire import ENTRIES, PICKS, VERDICTS

MOST_CLAIMS = 4
MOST_CLAIMS_WITHOUT = 2
"""Claims of general knowledge (a rival named) may come beside those with lines: capable models add one as a fifth."""
MOST_FAULTS = 3
"""A reason names at most so many faults: there is one re-ask, so more than the first, and it must stay short."""

MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
FREE_NUMBER = re.compile(r"(?<![A-Za-z0-9])(?:v|q|h)?[0-9]", re.IGNORECASE)
"""A digit that begins a word, or a version or quarter: not the one inside a name such as n8n, Neo4j or S3."""
NO_CAVEAT = frozenset({"", "null", "none", "n/a"})


def parse_verdict(text: str, persona: Persona, lines: DossierLines, depth: Depth) -> Verdict:
    """The verdict in the text of an answer. Unknown keys are ignored, and at depth `verdict` the published fields too.

    Raises VerdictError naming up to MOST_FAULTS faults, worded for the model, or when the answer is one that stands
    in the dossier.
    """
    form = _Form(extract_object(text))
    points = form.take("points", lambda value: _points(value, persona))
    claims = form.take("claims", lambda value: _claims(value, lines))
    missing = form.take("missing", lambda value: tuple(_text(item, "missing") for item in _list(value, "missing")))
    because = form.take("because", lambda value: _because(value, persona))
    score = form.take("score", lambda value: _percent(value, "score"))
    verdict = form.take("verdict", lambda value: _word(value, "verdict", VERDICTS))
    confidence = form.take("confidence", lambda value: _percent(value, "confidence"))
    published: dict[str, Any] = {}
    if depth == "full":
        for name in ("quote", "best_for", "change_my_mind"):
            published[name] = form.text(name)
        published["caveat"] = form.take("caveat", _caveat)
        published["prediction"] = form.take("prediction", lambda value: _prediction(value, persona))
    form.refuse_if_faulty(text)
    refuse_echo((*points.values(), because.text, published.get("quote")), text, lines)
    return Verdict(points=points, claims=claims, missing=missing, because=because, score=score, verdict=verdict,
                   confidence=confidence, **published)


def parse_brief(text: str, lines: DossierLines) -> BriefText:
    """The neutral brief in the text of an answer. Raises VerdictError."""
    form = _Form(extract_object(text))
    description = form.take("description", lambda value: _cited(value, "description", lines, at_least=1))
    entry = form.take("entry", lambda value: _word(value, "entry", ENTRIES))
    price = form.take("price", lambda value: _price(value, lines))
    best_for = form.take("best_for", lambda value: _cited(value, "best_for", lines))
    not_for = form.take("not_for", lambda value: _cited(value, "not_for", lines))
    category = form.take("category", lambda value: _word(value, "category", tuple(CATEGORIES)))
    form.refuse_if_faulty(text)
    refuse_echo((description.text,), text, lines)
    return BriefText(description=description, entry=entry, price=price, best_for=best_for, not_for=not_for,
                     category=category)


def parse_comparison(text: str, a: DossierLines, b: DossierLines) -> ComparisonText:
    """A persona's answer over two dossiers, A shown first. Raises VerdictError."""
    form = _Form(extract_object(text))
    differences = form.take("differences", lambda value: _differences(value, a, b))
    pick = form.take("pick", lambda value: _word(value, "pick", PICKS))
    texts = {name: form.text(name) for name in ("pick_a_if", "pick_b_if", "quote")}
    if differences == () and pick != "not_comparable":
        form.faults.append("`differences` names none, although a pick is made.")
    form.refuse_if_faulty(text)
    refuse_echo((texts["quote"], texts["pick_a_if"], texts["pick_b_if"]), text, a, b)
    return ComparisonText(differences=differences, pick=pick, **texts)


class _Form:
    """One answer being read field by field; keeps the faults, so that a single re-ask can name them all."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found
        self.faults: list[str] = []

    def take(self, name: str, read: Callable[[Any], Any]) -> Any:
        """The field as `read` gives it, or null with the fault noted."""
        if name not in self.found:
            self.faults.append(f"`{name}` is missing.")
            return None
        try:
            return read(self.found[name])
        except Refused as fault:
            self.faults.append(f"{fault}.")
            return None

    def text(self, name: str) -> Any:
        """A field that must be text, and not empty."""
        return self.take(name, lambda value: _text(value, name))

    def refuse_if_faulty(self, text: str) -> None:
        """Raise VerdictError with the first faults."""
        if not self.faults:
            return
        more = len(self.faults) - MOST_FAULTS
        tail = [f"There are {more} more faults."] if more > 1 else ["There is one more fault."] if more == 1 else []
        raise VerdictError(" ".join(self.faults[:MOST_FAULTS] + tail), text)


def _dict(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"`{name}` must be an object")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(f"`{name}` must be a list")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"`{name}` must be text")
    if not value.strip():
        raise Refused(f"`{name}` is empty")
    return value.strip()


def _integer(value: Any, name: str) -> int:
    """An integer; 85.0 is one, "85" and true are not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"`{name}` must be an integer, not {shown(value)}")
    return value


def _percent(value: Any, name: str) -> int:
    number = _integer(value, name)
    if not 0 <= number <= 100:
        raise Refused(f"`{name}` is {shown(str(number))}; it must be from 0 to 100")
    return number


def _word(value: Any, name: str, words: tuple[str, ...]) -> str:
    """One of the words, in whatever case."""
    folded = value.strip().casefold() if isinstance(value, str) else None
    for word in words:
        if folded == word.casefold():
            return word
    allowed = ", ".join(f"`{word}`" for word in words)
    raise Refused(f"`{name}` must be one of {allowed}, not {shown(value)}")


def _cited_lines(value: Any, name: str, lines: DossierLines) -> tuple[int, ...]:
    """Numbers of lines that are shown, each once, in the order given."""
    numbers = tuple(dict.fromkeys(_integer(item, name) for item in _list(value, name)))
    for number in numbers:
        if number in lines.by_number:
            continue
        if number in lines.left_out:
            raise Refused(f"`{name}` cites line {number}, which is not shown")
        last = max((*lines.by_number, *lines.left_out), default=0)
        raise Refused(f"`{name}` cites line {shown(number)[1:-1]}; the dossier has lines 1 to {last}")
    return numbers


def _points(value: Any, persona: Persona) -> dict[str, str]:
    found = _dict(value, "points")
    lacking = [f"`{name}`" for name in persona.points if name not in found]
    if lacking:
        raise Refused(f"`points` lacks {', '.join(lacking)}")
    return {name: _text(found[name], f"points.{name}") for name in persona.points}


def _claims(value: Any, lines: DossierLines) -> tuple[Claim, ...]:
    items = _list(value, "claims")
    fewest = 1 if lines.thin else 2
    claims = tuple(_claim(item, f"claims[{index}]", lines) for index, item in enumerate(items))
    with_lines = sum(1 for claim in claims if claim.lines)
    if with_lines > MOST_CLAIMS or len(claims) - with_lines > MOST_CLAIMS_WITHOUT or len(claims) < fewest:
        raise Refused(f"`claims` has {len(claims)} entries; give {fewest} to {MOST_CLAIMS} with lines")
    if with_lines < fewest:
        wanted = "one claim" if fewest == 1 else "two claims"
        raise Refused(f"at least {wanted} must name dossier lines; {with_lines} of {len(claims)} do")
    return claims


def _claim(value: Any, name: str, lines: DossierLines) -> Claim:
    found = _dict(value, name)
    for key in ("text", "lines"):
        if key not in found:
            raise Refused(f"`{name}` lacks `{key}`")
    text = _text(found["text"], f"{name}.text")
    numbers = _cited_lines(found["lines"], f"{name}.lines", lines)
    if not numbers and FREE_NUMBER.search(text):
        raise Refused(f"`{name}` cites no line, so it must not name a number, date or version")
    return Claim(text=text, lines=numbers)


def _because(value: Any, persona: Persona) -> Because:
    found = _dict(value, "because")
    point = _word(found.get("point"), "because.point", tuple(persona.points))
    return Because(point=point, text=_text(found.get("text"), "because.text"))


def _caveat(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value.strip().casefold() in NO_CAVEAT):
        return None
    return _text(value, "caveat")


def _prediction(value: Any, persona: Persona) -> Prediction | None:
    if value is None:
        if persona.prediction == "always":
            raise Refused("`prediction` must not be null: give a statement, a month and a probability")
        return None
    found = _dict(value, "prediction")
    statement = _text(found.get("statement"), "prediction.statement")
    by = _text(found.get("by"), "prediction.by")
    if not MONTH.fullmatch(by):
        raise Refused(f"`prediction.by` must be a month as YYYY-MM, not {shown(by)}")
    probability = _percent(found.get("probability"), "prediction.probability")
    return Prediction(statement=statement, by=by, probability=probability)


def _cited(value: Any, name: str, lines: DossierLines, at_least: int = 0) -> Cited:
    found = _dict(value, name)
    text = _text(found.get("text"), f"{name}.text")
    numbers = _cited_lines(found.get("lines"), f"{name}.lines", lines)
    if len(numbers) < at_least:
        raise Refused(f"`{name}.lines` must name at least one dossier line")
    return Cited(text=text, lines=numbers)


def _price(value: Any, lines: DossierLines) -> BriefPrice:
    found = _dict(value, "price")
    amount = found.get("amount")
    if amount is not None and (isinstance(amount, bool) or not isinstance(amount, int | float)
                               or not 0 <= amount < float("inf")):
        raise Refused(f"`price.amount` must be a number or null, not {shown(amount)}")
    numbers = _cited_lines(found.get("lines"), "price.lines", lines)
    if amount is not None and not numbers:
        raise Refused("`price.amount` is given, so `price.lines` must name the line it was read on")
    words = {name: None if found.get(name) is None else _text(found[name], f"price.{name}")
             for name in ("currency", "unit", "as_of")}
    return BriefPrice(amount=amount, lines=numbers, **words)


def _differences(value: Any, a: DossierLines, b: DossierLines) -> tuple[Difference, ...]:
    differences = []
    for index, item in enumerate(_list(value, "differences")):
        name = f"differences[{index}]"
        found = _dict(item, name)
        differences.append(Difference(
            axis=_text(found.get("axis"), f"{name}.axis"),
            a_lines=_cited_lines(found.get("a_lines"), f"{name}.a_lines", a),
            b_lines=_cited_lines(found.get("b_lines"), f"{name}.b_lines", b),
        ))
    return tuple(differences)
