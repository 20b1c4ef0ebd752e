"""Settings → the instrument of a run: personas seated, prompts chosen, models opened, rungs found.

Knows nothing of dossiers' files, journals' contents or scores.
"""

from __future__ import annotations

from pathlib import Path

from panel.dossiers import cut_lines
from panel.errors import ConfigError, ModelError
from panel.models import Model
from panel.models.opening import open_model
from panel.personas import DEFAULT_SEATS, choose, load_personas
from panel.prompts import PromptFolder, load_prompts, rehearse
from panel.reviewer import Reviewer
from panel.schema import (
    Assignment,
    Depth,
    Dossier,
    DossierLines,
    ModelInfo,
    Panel,
    Persona,
    Rung,
    Sampling,
    Seat,
    digest_of,
)
from panel.settings import Settings
from panel.verdicts import answer_schema, brief_schema, compare_schema

PROMPT_TOKENS = 2600
"""Room kept for the rules and the persona beside the dossier."""
MOST_DOSSIER_TOKENS = 12_000
"""A longer dossier is trimmed whatever the model could hold: it buys nothing and costs every seat."""
SMALL_DOSSIER_TOKENS = 900


class Instrument:
    """Everything a run asks with, fixed before its first call. Models are opened, not yet asked."""

    def __init__(self, settings: Settings, default_model: str, *, depth: Depth | None = None) -> None:
        self.settings = settings
        self.depth: Depth = depth or settings.depth
        self.default_model = settings.model or default_model
        known = load_personas(Path(settings.personas_folder) if settings.personas_folder else None)
        self.personas: dict[str, Persona] = {}
        self.models: dict[str, Model] = {}
        self.infos: dict[str, ModelInfo] = {}
        self.folders: dict[str, PromptFolder] = {}
        self._reviewers: dict[tuple[Seat, Rung], Reviewer] = {}
        seats = []
        for entry_persona, entry_model in self._seat_names():
            persona = choose(known, [entry_persona])[0]
            self.personas[persona.id] = persona
            name = entry_model or self.default_model
            self._open(name)
            seats.append(Seat(persona_id=persona.id, persona_digest=persona.digest, model=name))
        for name, folder in self.folders.items():
            if self.infos[name].rung != "fields":
                rehearse(folder, list(self.personas.values()))
        self.seat_models = tuple(self.models)
        """The models of the panel; `models` has the fallback too."""
        folders = sorted({folder.name: folder for folder in self.folders.values()}.items())
        self.fallback = settings.fallback
        if self.fallback is not None:
            self._open(self.fallback)
            if self.infos[self.fallback].rung == "fields":
                raise ConfigError(f"--fallback {self.fallback}: a small model asked field by field cannot stand in for "
                                  "another; name one that answers whole")
        self.panel = Panel(
            seats=tuple(seats), prompts="+".join(name for name, _ in folders),
            prompts_digest=digest_of([folder.digest for _, folder in folders]), depth=self.depth,
            sampling=settings.sampling, repeats=settings.repeats,
        )
        self._schema_digests: dict[str, str] = {
            persona.id: digest_of(answer_schema(persona, self.depth)) for persona in self.personas.values()
        }

    def _seat_names(self) -> list[tuple[str, str | None]]:
        if self.settings.seats and not self.settings.personas:
            return [(seat.persona, seat.model) for seat in self.settings.seats]
        return [(name, None) for name in self.settings.personas or DEFAULT_SEATS]

    def _open(self, name: str) -> None:
        if name in self.models:
            return
        model = open_model(name, self.settings)
        limit = self.settings.max_in_flight
        self.models[name] = model
        self.infos[name] = model.info().model_copy(
            update={"name": name, **({"max_in_flight": limit} if limit else {})})
        folder_name = self.settings.prompts or ("small" if self.infos[name].rung == "fields" else "review")
        root = Path(self.settings.prompts_folder) if self.settings.prompts_folder else None
        self.folders[name] = load_prompts(folder_name, root)

    @property
    def captions(self) -> tuple[str, ...]:
        """What every page made with these models must say."""
        return tuple(sorted({info.caption for info in self.infos.values() if info.caption}))

    def lines(self, dossier: Dossier, model: str) -> DossierLines:
        """The dossier as this model is shown it, trimmed to its context."""
        info = self.infos[model]
        if info.rung == "fields":
            return cut_lines(dossier, SMALL_DOSSIER_TOKENS)
        room = MOST_DOSSIER_TOKENS
        if info.context is not None:
            room = min(room, max(400, info.context - PROMPT_TOKENS - self.panel.sampling.max_tokens))
        return cut_lines(dossier, room)

    def probes(self, model: str) -> bool:
        """Whether verdicts of this model are probed: by default where it runs locally."""
        wanted = self.settings.probe
        info = self.infos[model]
        return (info.continues if wanted is None else wanted) and info.logprobs is not False

    def reviewer(self, seat: Seat, rung: Rung) -> Reviewer:
        """How one seat answers, once its model's rung is known."""
        known = self._reviewers.get((seat, rung))
        if known is None:
            known = self._reviewers[seat, rung] = Reviewer(
                self.personas[seat.persona_id], self.folders[seat.model], self.depth, rung, self.probes(seat.model))
        return known

    def review_assignment(self, seat: Seat, lines: DossierLines, repeat: int) -> Assignment:
        """What one take of one seat is asked."""
        return Assignment(
            kind="review", tool_ids=(lines.tool_id,), lines_digests=(lines.digest,), persona_id=seat.persona_id,
            persona_digest=seat.persona_digest, prompts_digest=self.folders[seat.model].digest,
            schema_digest=self._schema_digests[seat.persona_id], model=seat.model, depth=self.depth,
            sampling=self._sampling(repeat), repeat=repeat,
        )

    def brief_assignment(self, lines: DossierLines) -> Assignment:
        """The one neutral call a dossier, by the panel's first model."""
        model = self.panel.seats[0].model
        return Assignment(
            kind="brief", tool_ids=(lines.tool_id,), lines_digests=(lines.digest,),
            prompts_digest=self.folders[model].digest, schema_digest=digest_of(brief_schema()), model=model,
            depth=self.depth, sampling=self.panel.sampling,
        )

    def compare_assignment(self, seat: Seat, pair: tuple[DossierLines, ...]) -> Assignment:
        """One seat asked about two dossiers, in this order."""
        return Assignment(
            kind="compare", tool_ids=(pair[0].tool_id, pair[1].tool_id),
            lines_digests=(pair[0].digest, pair[1].digest), persona_id=seat.persona_id,
            persona_digest=seat.persona_digest, prompts_digest=self.folders[seat.model].digest,
            schema_digest=digest_of(compare_schema()), model=seat.model, depth="full", sampling=self.panel.sampling,
        )

    def _sampling(self, repeat: int) -> Sampling:
        """A fixed seed moves with the repeat: the same seed would answer every repeat alike."""
        sampling = self.panel.sampling
        if sampling.seed is None or repeat == 0:
            return sampling
        return sampling.model_copy(update={"seed": sampling.seed + repeat})

    async def close(self) -> None:
        """Close every model."""
        for model in self.models.values():
            try:
                await model.close()
            except ModelError:
                continue
