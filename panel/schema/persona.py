"""One reviewer as a file. Knows nothing of YAML or prompts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from panel.schema.dossier import SLUG
from panel.schema.record import Record

ANCHORS = (10, 30, 50, 70, 90)


class Persona(Record):
    """A reviewer: who it is, what it must say, when it skips, and what its scores mean in words."""

    id: str = Field(pattern=SLUG)
    name: str
    motto: str
    lens: str
    excited_by: tuple[str, ...] = Field(min_length=1)
    tired_of: tuple[str, ...] = Field(min_length=1)
    never_says: tuple[str, ...] = ()
    points: dict[str, str] = Field(min_length=1)
    """What it must answer: id of the point -> what to say. The ids are keys of the answer's schema, in this order."""
    decision_rule: str
    anchors: dict[int, str]
    """What a score of 10, 30, 50, 70 and 90 means to this persona."""
    prediction: Literal["always", "optional"] = "optional"

    @field_validator("points")
    @classmethod
    def _point_ids(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not name.isidentifier() or not name.islower():
                raise ValueError(f"point {name!r} must be lower case letters, digits and underscores")
        return value

    @field_validator("anchors")
    @classmethod
    def _all_anchors(cls, value: dict[int, str]) -> dict[int, str]:
        if tuple(sorted(value)) != ANCHORS:
            raise ValueError(f"must have exactly the keys {', '.join(map(str, ANCHORS))}")
        return value
