"""The shape DuckDB reads a record by, from the record's own fields. Knows nothing of tables."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from panel.schema import Record

_SCALARS = {str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}


def shape_of(
    record: type[Record], *, only: frozenset[str] | None = None, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Field to DuckDB type: a type name, a list of one shape, or a dict of shapes.

    Of all fields, of those in `only`, or of all but those in `without`.
    """
    return {name: _shape(field.annotation) for name, field in record.model_fields.items()
            if name not in without and (only is None or name in only)}


def shape_literal(shape: dict[str, Any]) -> str:
    """The shape as an SQL string literal for from_json."""
    return "'" + json.dumps(shape).replace("'", "''") + "'"


def _shape(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        kinds = [argument for argument in arguments if argument is not NoneType]
        return "DOUBLE" if set(kinds) == {int, float} else _shape(kinds[0])
    if origin is Literal:
        return _SCALARS[type(arguments[0])]
    if origin is tuple:
        return [_shape(arguments[0])]
    if origin is dict:
        return "MAP(VARCHAR, VARCHAR)" if arguments == (str, str) else "JSON"
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return shape_of(annotation)
    return _SCALARS.get(annotation, "JSON")
