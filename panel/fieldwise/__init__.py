"""The `fields` rung: reviews, briefs and comparisons by a model too small to write one. Import from here."""

from panel.fieldwise.choosing import Ask
from panel.fieldwise.reviewing import FieldReview, review_by_fields
from panel.fieldwise.summing import brief_by_fields, compare_by_fields

__all__ = ["Ask", "FieldReview", "brief_by_fields", "compare_by_fields", "review_by_fields"]
