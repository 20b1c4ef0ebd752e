"""One assignment of kind compare → a persona's answer over two dossiers in one order.

Both orders are two assignments; what a change of order does to the pick is for `panel.scoring`. Knows nothing of runs.
"""

from __future__ import annotations

from panel.checks import flag_comparison
from panel.errors import VerdictError
from panel.fieldwise import compare_by_fields
from panel.models.asker import Asker
from panel.prompts import PromptFolder, render_compare, render_reask
from panel.schema import ComparisonText, DossierLines, Flag, Persona, Record, Rung
from panel.schema.review import DecidedBy
from panel.verdicts import compare_schema, parse_comparison


class ComparisonReading(Record):
    """What reading the answers of a comparison came to."""

    comparison: ComparisonText
    flags: tuple[Flag, ...]
    reasked: bool = False
    decided_by: DecidedBy = "answer"
    messages_digest: str


async def read_comparison(
    asker: Asker, folder: PromptFolder, pair: tuple[DossierLines, DossierLines], persona: Persona, rung: Rung
) -> ComparisonReading:
    """Ask a persona to choose between two dossiers, twice if need be. Raises VerdictError or ModelError."""
    first_lines, second_lines = pair
    prompt = render_compare(folder, first_lines, second_lines, persona)
    reasked = False
    if rung == "fields":
        found = await compare_by_fields(asker, folder, first_lines, second_lines, persona)
    else:
        schema = compare_schema()
        first = await asker("compare", "compare", prompt, answer_schema=schema, rung=rung)
        try:
            found = parse_comparison(first.text, first_lines, second_lines)
        except VerdictError as error:
            again = render_reask(folder, prompt, first.text, str(error))
            second = await asker("reask", "reask", again, answer_schema=schema, rung=rung)
            found = parse_comparison(second.text, first_lines, second_lines)
            reasked = True
    flags = flag_comparison(found, first_lines, second_lines, persona)
    return ComparisonReading(comparison=found, flags=flags, reasked=reasked, messages_digest=prompt.messages_digest,
                             decided_by="probe" if rung == "fields" else "answer")
