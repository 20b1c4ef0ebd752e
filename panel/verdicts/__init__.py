"""Text → Verdict (brief, comparison) or why not, and the schemas of what is asked. Import from here."""

from panel.verdicts.extraction import extract_object
from panel.verdicts.reading import parse_brief, parse_comparison, parse_verdict
from panel.verdicts.wire import answer_schema, brief_schema, compare_schema

__all__ = [
    "answer_schema", "brief_schema", "compare_schema", "extract_object", "parse_brief", "parse_comparison",
    "parse_verdict",
]
