"""What is known of one tool, and the numbered lines a reviewer is shown.

Knows nothing of files, cleaning or trimming: see `panel.dossiers`.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import ConfigDict, field_validator

from panel.schema.record import Record, digest_of

THIN_WORDS = 60
"""A dossier with fewer words than this is *thin*: its review is a "first look"."""

SLUG = r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$"


class Price(Record):
    """One price the dossier names. `amount` null means the plan is named without a number (custom, contact sales)."""

    plan: str | None = None
    amount: float | None = None
    currency: str | None = None
    unit: str | None = None
    as_of: str | None = None
    source_url: str | None = None


class Fact(Record):
    """One sentence somebody wrote of the tool, and where."""

    text: str
    source_url: str | None = None


class Dossier(Record):
    """What is known of one tool: untrusted text, and the maker speaking. Unknown keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    name: str
    vendor: str | None = None
    tagline: str | None = None
    category: str | None = None
    url: str | None = None
    version: str | None = None
    license: str | None = None
    pricing: tuple[Price, ...] = ()
    released: str | None = None
    as_of: str | None = None
    description: str | None = None
    facts: tuple[Fact, ...] = ()
    sources: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value


class Line(Record):
    """One numbered line: `number` counts from 1 over the whole dossier, `field` is where the text came from."""

    number: int
    field: str
    text: str


class DossierLines(Record):
    """A dossier as a reviewer sees it: clean numbered lines, some perhaps left out to fit the model's context.

    Numbers are given before anything is left out, so a line has the same number for every model.
    `left_out` holds the numbers that were trimmed; `removed` says in words what cleaning took away
    (invisible characters, hidden HTML). `words` counts the words of all lines, trimmed ones included.
    """

    tool_id: str
    name: str
    lines: tuple[Line, ...]
    left_out: tuple[int, ...] = ()
    removed: tuple[str, ...] = ()
    words: int

    @property
    def thin(self) -> bool:
        """Under THIN_WORDS words of text: the review is a first look."""
        return self.words < THIN_WORDS

    @cached_property
    def marker(self) -> str:
        """The fence around the lines: from their SHA-256, and absent from them (lengthened until it is)."""
        text = "\n".join(line.text for line in self.lines)
        full = digest_of([line.text for line in self.lines])
        size = 8
        while full[:size] in text and size < len(full):
            size += 4
        return full[:size]

    @cached_property
    def by_number(self) -> dict[int, Line]:
        """The lines that are shown, by their number."""
        return {line.number: line for line in self.lines}
