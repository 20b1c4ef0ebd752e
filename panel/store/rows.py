"""Rows of the store back into the records they were made from. Knows nothing of where the rows come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import duckdb

from panel.schema import (
    Brief,
    BriefText,
    Cited,
    Comparison,
    ComparisonText,
    Dossier,
    DossierLines,
    PanelScore,
    Probe,
    Record,
    Review,
    Spent,
    Verdict,
)

Row = Mapping[str, Any]
_AnyRecord = TypeVar("_AnyRecord", bound=Record)
_SPENT = tuple(Spent.model_fields)
_VERDICT = tuple(name for name in Verdict.model_fields if name != "because")


def fetch(connection: duckdb.DuckDBPyConnection, query: str, values: Iterable[Any] = ()) -> list[dict[str, Any]]:
    """The rows of a query, each by column name."""
    result = connection.execute(query, list(values))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def review_from(row: Row) -> Review:
    """A row of `reviews`."""
    verdict = None
    if row["verdict"] is not None:
        fields = {name: row[name] for name in _VERDICT}
        verdict = Verdict(because={"point": row["because_point"], "text": row["because"]}, **fields)
    probe = None
    if row["p_ship_probe"] is not None:
        probe = Probe(p_ship=row["p_ship_probe"], coverage=row["probe_coverage"])
    return Review(**_named(Review, row, "verdict", "probe"), verdict=verdict, probe=probe)


def brief_from(row: Row) -> Brief:
    """A row of `briefs`."""
    text = None
    if row["description"] is not None:
        cited = {name: Cited(text=row[name], lines=row[f"{name}_lines"] or ())
                 for name in ("description", "best_for", "not_for")}
        text = BriefText(**cited, entry=row["entry"], price=row["price"], category=row["category"])
    return Brief(**_named(Brief, row, "brief"), brief=text)


def comparison_from(row: Row) -> Comparison:
    """A row of `comparisons`."""
    text = None
    if row["pick"] is not None:
        text = ComparisonText(**{name: row[name] for name in ComparisonText.model_fields})
    return Comparison(**_named(Comparison, row, "comparison"), comparison=text)


def dossier_from(row: Row) -> Dossier:
    """A row of `dossiers`, the unknown keys included."""
    known = {name: row[name] for name in Dossier.model_fields if name != "id"}
    more = json.loads(row["more"]) if row["more"] else {}
    return Dossier.model_validate({"id": row["tool_id"], **_without_null_lists(Dossier, known), **more})


def lines_from(row: Row) -> DossierLines:
    """A row of `dossier_lines`."""
    return DossierLines(**{name: row[name] for name in DossierLines.model_fields})


def score_from(row: Row) -> PanelScore:
    """A row of `scores` or `latest`."""
    return PanelScore(**{name: row[name] for name in PanelScore.model_fields})


def _named(record: type[_AnyRecord], row: Row, *apart: str) -> dict[str, Any]:
    """The fields of an outcome that have a column of their name, and what it took."""
    names = [name for name in record.model_fields if name not in {"kind", "spent", *apart}]
    values = _without_null_lists(record, {name: row[name] for name in names})
    spent = _without_null_lists(Spent, {name: row[name] for name in _SPENT})
    return {**values, "spent": Spent(**spent)}


def _without_null_lists(record: type[Record], values: dict[str, Any]) -> dict[str, Any]:
    """Leave out nulls where the record has a default of its own: an older journal may lack the field."""
    fields = record.model_fields
    return {name: value for name, value in values.items() if value is not None or fields[name].default is None}
