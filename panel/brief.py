"""One assignment of kind brief → a neutral reading of the dossier. Knows nothing of personas or runs."""

from __future__ import annotations

from panel.checks import flag_brief
from panel.errors import VerdictError
from panel.fieldwise import brief_by_fields
from panel.models.asker import Asker
from panel.prompts import PromptFolder, render_brief, render_reask
from panel.schema import BriefText, DossierLines, Flag, Record, Rung
from panel.verdicts import brief_schema, parse_brief


class BriefReading(Record):
    """What reading the answers of a brief came to."""

    brief: BriefText
    flags: tuple[Flag, ...]
    reasked: bool = False
    messages_digest: str


async def read_brief(asker: Asker, folder: PromptFolder, lines: DossierLines, rung: Rung) -> BriefReading:
    """Ask for the brief of one dossier, twice if need be. Raises VerdictError or ModelError."""
    prompt = render_brief(folder, lines)
    if rung == "fields":
        brief = await brief_by_fields(asker, folder, lines)
        return BriefReading(brief=brief, flags=flag_brief(brief, lines), messages_digest=prompt.messages_digest)
    schema = brief_schema()
    first = await asker("brief", "brief", prompt, answer_schema=schema, rung=rung)
    reasked = False
    try:
        brief = parse_brief(first.text, lines)
    except VerdictError as error:
        again = render_reask(folder, prompt, first.text, str(error))
        second = await asker("reask", "reask", again, answer_schema=schema, rung=rung)
        brief = parse_brief(second.text, lines)
        reasked = True
    return BriefReading(brief=brief, flags=flag_brief(brief, lines), reasked=reasked,
                        messages_digest=prompt.messages_digest)
