"""One sitting. Knows nothing of how it went beyond its totals."""

from __future__ import annotations

from panel.schema.panel import Panel
from panel.schema.persona import Persona
from panel.schema.record import Record
from panel.schema.review import ASKED_AGAIN


class Run(Record):
    """What a run was made with; written to run.json before the first call. Times are UTC, ISO 8601."""

    id: str
    command: str
    started_at: str
    program_version: str
    package_versions: dict[str, str]
    panel: Panel
    personas: tuple[Persona, ...]
    models: dict[str, str]
    """Model as asked -> endpoint."""
    captions: tuple[str, ...] = ()


class Estimate(Record):
    """What a run was expected to cost before its first call, in US dollars. Null: a price is not known."""

    low: float | None = None
    expected: float | None = None
    high: float | None = None
    assumptions: tuple[str, ...] = ()
    """In words: calls, tokens a call, where they were taken from."""


class Quarantined(Record):
    """An assignment that is not asked again until somebody says so, and why."""

    tool_id: str
    persona_id: str | None = None
    kind: str
    """declined, unreadable or quarantined."""
    reason: str


class RunEnd(Record):
    """What a run came to, journalled as its last line (`ended`). Numbers are of this run unless they say otherwise."""

    run_id: str
    started_at: str
    ended_at: str
    seconds: float
    exit_code: int
    stopped_by: str | None = None
    """The line that says why it ended early; null when it did not."""
    tools_asked: int = 0
    """Tools that were given."""
    tools_done: int = 0
    """Of those, the ones of which nothing is left to ask, in this run or an earlier one."""
    tools_left: int | None = None
    """Of those given, the ones left for the next run; null when the rest of the input was not read."""
    kept: int = 0
    """Assignments an earlier run had finished."""
    scored: int = 0
    """Reviews, briefs and comparisons that could be read."""
    unscored: int = 0
    unscored_kinds: dict[str, int] = {}
    reasked: int = 0
    calls: int = 0
    """Requests answered."""
    faults: int = 0
    """Requests that failed (429, 5xx, timeouts, cut answers): the extra calls."""
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    """Spent, calls without an answer at their most; null when a price is not known."""
    cap_usd: float | None = None
    """The tightest cap that held when the run began: of the run, or what the day or month had left."""
    estimate: Estimate | None = None
    quarantined: tuple[Quarantined, ...] = ()
    """The first of them, at most a hundred."""

    def after(self, before: RunEnd) -> RunEnd:
        """This end of a run that was carried through before, and ended as `before` then: of the whole of it.

        What `before` had finished is kept now; the cost is that of the whole run already.
        """
        kinds = {kind: count for kind, count in before.unscored_kinds.items() if kind not in ASKED_AGAIN}
        finished = before.scored + sum(kinds.values())
        for kind, count in self.unscored_kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
        summed = {name: getattr(self, name) + getattr(before, name) for name in (
            "scored", "reasked", "calls", "faults", "tokens_in", "tokens_cached", "tokens_out")}
        return self.model_copy(update={
            **summed, "unscored": sum(kinds.values()), "unscored_kinds": kinds, "kept": self.kept - finished,
            "quarantined": (*before.quarantined, *self.quarantined)[:100]})
