"""The JSON schemas of what is asked: a verdict, a brief, a comparison. DESIGN.md section 5 fixes fields and order.

They go over the wire, so they hold what every endpoint that enforces a schema accepts: every property required, none
other allowed, null as a type, and no bounds or lengths (those are checked when the answer is read).
Knows nothing of answers.
"""

from __future__ import annotations

from typing import Any

from panel.schema import Depth, Persona
from panel.schema.category import CATEGORIES

TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
TEXT_OR_NULL = {"type": ["string", "null"]}
LINES = {"type": "array", "items": INTEGER}
VERDICTS = ("ship", "skip")
ENTRIES = ("free", "paid", "freemium", "unknown")
PICKS = ("a", "b", "neither", "not_comparable")


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """As strict mode wants it: every property required and no other allowed."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _array(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _choice(words: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def answer_schema(persona: Persona, depth: Depth) -> dict[str, Any]:
    """JSON schema of a verdict of this persona, in the order of DESIGN.md section 5, without bounds or lengths."""
    points = tuple(persona.points)
    fields: dict[str, Any] = {
        "points": _object(dict.fromkeys(points, TEXT)),
        "claims": _array(_object({"text": TEXT, "lines": LINES})),
        "missing": _array(TEXT),
        "because": _object({"point": _choice(points), "text": TEXT}),
        "score": INTEGER,
        "verdict": _choice(VERDICTS),
        "confidence": INTEGER,
    }
    if depth == "full":
        prediction = _object({"statement": TEXT, "by": TEXT, "probability": INTEGER})
        always = persona.prediction == "always"
        fields |= {"quote": TEXT, "best_for": TEXT, "change_my_mind": TEXT, "caveat": TEXT_OR_NULL,
                   "prediction": prediction if always else {"anyOf": [prediction, {"type": "null"}]}}
    return _object(fields)


def brief_schema() -> dict[str, Any]:
    """JSON schema of the neutral brief."""
    cited = _object({"text": TEXT, "lines": LINES})
    price = _object({"amount": {"type": ["number", "null"]}, "currency": TEXT_OR_NULL, "unit": TEXT_OR_NULL,
                     "as_of": TEXT_OR_NULL, "lines": LINES})
    return _object({"description": cited, "entry": _choice(ENTRIES), "price": price, "best_for": cited,
                    "not_for": cited, "category": _choice(tuple(CATEGORIES))})


def compare_schema() -> dict[str, Any]:
    """JSON schema of a persona's answer over two dossiers."""
    difference = _object({"axis": TEXT, "a_lines": LINES, "b_lines": LINES})
    return _object({"differences": _array(difference), "pick": _choice(PICKS), "pick_a_if": TEXT, "pick_b_if": TEXT,
                    "quote": TEXT})
