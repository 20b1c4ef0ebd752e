"""One assignment of kind review → one Review: render, ask, read, re-ask once, check.

Knows nothing of runs, journals (its Asker writes them) or other assignments.
"""

from __future__ import annotations

from panel.checks import flag_review, reask_reason
from panel.errors import ModelDeclined, VerdictError
from panel.fieldwise import review_by_fields
from panel.models.asker import Asker, Quarantined
from panel.probe import read_probe
from panel.prompts import PromptFolder, render_probe, render_reask, render_review
from panel.schema import Depth, DossierLines, Flag, Persona, Probe, Prompt, Record, Rung, Verdict
from panel.schema.review import DecidedBy
from panel.verdicts import answer_schema, parse_verdict

PROBE_ROOM = 12
"""Tokens a probe may take where the answer cannot be begun for the model: a brace, the key and the word."""


class Reading(Record):
    """What reading the answers of one assignment came to."""

    verdict: Verdict
    flags: tuple[Flag, ...]
    reasked: bool = False
    probe: Probe | None = None
    decided_by: DecidedBy = "answer"
    messages_digest: str


class Reviewer:
    """One seat's way of answering: persona, prompt folder, depth, rung."""

    def __init__(self, persona: Persona, folder: PromptFolder, depth: Depth, rung: Rung, probe: bool) -> None:
        self.persona = persona
        self.folder = folder
        self.depth: Depth = depth
        self.rung: Rung = rung
        self.probe = probe
        self.schema = answer_schema(persona, depth)

    async def review(self, asker: Asker, lines: DossierLines) -> Reading:
        """Ask for a verdict and read it.

        Raises VerdictError when the second answer cannot be read either, or ModelError when there is none.
        """
        if self.rung == "fields":
            return await self._by_fields(asker, lines)
        prompt = render_review(self.folder, lines, self.persona, self.depth)
        reading = await self._ask_twice(asker, lines, prompt)
        if not self.probe:
            return reading
        return reading.model_copy(update={"probe": await self._probe(asker, lines)})

    async def _ask_twice(self, asker: Asker, lines: DossierLines, prompt: Prompt) -> Reading:
        first = await asker("review", "review", prompt, answer_schema=self.schema, rung=self.rung)
        verdict: Verdict | None = None
        flags: tuple[Flag, ...] = ()
        try:
            verdict = parse_verdict(first.text, self.persona, lines, self.depth)
            flags = flag_review(verdict, lines, self.persona, self.depth, models=asker.models)
            reason = reask_reason(flags)
        except VerdictError as error:
            reason = str(error)
        if reason is None:
            assert verdict is not None
            return Reading(verdict=verdict, flags=flags, messages_digest=prompt.messages_digest)
        again = render_reask(self.folder, prompt, first.text, reason)
        # A first answer that could be read, and is only asked again for its wording, stands with its flags if need be.
        kept = Reading(verdict=verdict, flags=flags, reasked=True, messages_digest=prompt.messages_digest) \
            if verdict is not None else None
        try:
            second = await asker("reask", "reask", again, answer_schema=self.schema, rung=self.rung)
        except (ModelDeclined, Quarantined):
            if kept is None:
                raise
            return kept
        try:
            verdict = parse_verdict(second.text, self.persona, lines, self.depth)
        except VerdictError:
            if kept is None:
                raise
            return kept
        flags = flag_review(verdict, lines, self.persona, self.depth, models=asker.models)
        return Reading(verdict=verdict, flags=flags, reasked=True, messages_digest=prompt.messages_digest)

    async def _probe(self, asker: Asker, lines: DossierLines) -> Probe | None:
        prompt = render_probe(self.folder, lines, self.persona, self.depth)
        if asker.caller.info.continues:
            answer = await asker("probe", "probe", prompt, max_tokens=1, top_logprobs=20, temperature=0.0)
        else:
            # A hosted model does not continue a begun message: it is asked for the object and the word is found in it.
            begun = Prompt(messages=prompt.messages[:-1])
            answer = await asker("probe", "probe", begun, answer_schema=PROBE_SCHEMA, rung=self.rung,
                                 max_tokens=PROBE_ROOM, top_logprobs=20, temperature=0.0)
        return read_probe(answer)

    async def _by_fields(self, asker: Asker, lines: DossierLines) -> Reading:
        found = await review_by_fields(asker, self.folder, lines, self.persona, self.depth)
        flags = flag_review(found.verdict, lines, self.persona, self.depth, models=asker.models)
        return Reading(verdict=found.verdict, flags=flags, probe=found.probe, decided_by="probe",
                       messages_digest=found.messages_digest)


PROBE_SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["ship", "skip"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
