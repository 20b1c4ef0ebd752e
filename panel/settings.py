"""The only reader of the environment and of panel.toml. Knows nothing of what the settings are used for."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator

from panel.errors import ConfigError
from panel.schema import Depth, Record, Sampling

FILE_NAME = "panel.toml"


class ModelEntry(Record):
    """`[models.NAME]`: an alias for a model, and what cannot be looked up. Prices: US dollars a million tokens."""

    model: str
    key_env: str | None = None
    context: int | None = Field(default=None, gt=0)
    price_in: float | None = Field(default=None, ge=0)
    price_out: float | None = Field(default=None, ge=0)
    max_in_flight: int | None = Field(default=None, gt=0)
    rung: str | None = None


class SeatEntry(Record):
    """`[[seats]]`: a persona, and the model that answers for it (default: the panel's)."""

    persona: str
    model: str | None = None


class Retry(Record):
    """`[retry]`: seconds. `patience` is how long an endpoint may reject everything (429) before
    it is given up; what it asked for is borne once."""

    wait: float = Field(default=0.5, gt=0)
    longest_wait: float = Field(default=60.0, gt=0)
    patience: float = Field(default=600.0, gt=0)
    give_up: float = Field(default=120.0, gt=0)
    """How long an endpoint that had answered and fell silent is tried now and then before it is given up."""


class Caps(Record):
    """`[budget]`: most US dollars a run, a UTC day and a UTC month may cost; null: no cap."""

    run: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    day: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    month: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @property
    def any(self) -> bool:
        """Whether there is a cap at all."""
        return self.run is not None or self.day is not None or self.month is not None


class PanelEntry(Record):
    """`[panel.NAME]`: a panel of its own; what it does not say is as the rest of panel.toml says."""

    model: str | None = None
    depth: Depth | None = None
    personas: tuple[str, ...] | None = None
    seats: tuple[SeatEntry, ...] | None = None
    repeats: int | None = Field(default=None, ge=1)
    probe: bool | None = None
    prompts: str | None = None
    fallback: str | None = None
    sampling: Sampling | None = None


class Watch(Record):
    """`[watch]`: the nightly funnel, `ship-panel watch`."""

    source: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...] = ()
    """Files, folders, and http(s) addresses of launches."""
    top: int = Field(default=20, ge=0)
    """Tools of a night that get a full draft."""
    pairs: int = Field(default=3, ge=0)
    """Rivals each draft is compared with; 0: none."""
    until: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """Local time of day, HH:MM: no tool is begun that would not be done by then."""

    @field_validator("source", mode="before")
    @classmethod
    def _one_is_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Settings(Record):
    """panel.toml, overlaid by SHIP_PANEL_MODEL and SHIP_PANEL_RUNS, overlaid by the command line."""

    model: str | None = None
    depth: Depth = "full"
    repeats: int = Field(default=1, ge=1)
    personas: tuple[str, ...] = ()
    seats: tuple[SeatEntry, ...] = ()
    prompts: str | None = None
    probe: bool | None = None
    runs: str = "runs"
    timeout: float = Field(default=120.0, gt=0)
    max_in_flight: int | None = Field(default=None, gt=0)
    max_unscored: float = Field(default=0.01, ge=0, le=1)
    personas_folder: str | None = None
    prompts_folder: str | None = None
    sampling: Sampling = Sampling()
    retry: Retry = Retry()
    models: dict[str, ModelEntry] = {}
    fallback: str | None = None
    """The model that answers where a seat's own cannot; only when named, and marked on the review."""
    budget: Caps = Caps()
    panel: dict[Literal["triage", "editorial"], PanelEntry] = {}
    watch: Watch = Watch()

    def of_panel(self, name: Literal["triage", "editorial"]) -> Settings:
        """These settings as `[panel.NAME]` changes them."""
        entry = self.panel.get(name, PanelEntry())
        changes = {field: value for field, value in dict(entry).items() if value is not None}
        return self.model_copy(update=changes)

    def named_secrets(self) -> tuple[str, ...]:
        """The values of the variables that `key_env` names."""
        names = [entry.key_env for entry in self.models.values() if entry.key_env]
        return tuple(value for value in map(secret, names) if value)

    def with_given(self, **given: Any) -> Settings:
        """These settings with what the command line (or a caller) gave; None means not given. Raises ConfigError."""
        changes = {name: value for name, value in given.items() if value is not None}
        return _validated({**self.model_dump(), **changes}, "the command line")


def read_settings(where: Path | None = None) -> Settings:
    """Settings from the file `where`, or from panel.toml in that folder (default: here) if there is one, and the
    environment. Raises ConfigError naming file and field.
    """
    path = where if where is not None and where.is_file() else (where or Path()) / FILE_NAME
    content: dict[str, Any] = {}
    if path.is_file():
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not valid TOML: {error}") from error
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    for field in ("model", "runs"):
        value = os.environ.get(f"SHIP_PANEL_{field.upper()}")
        if value:
            content[field] = value
    return _validated(content, str(path))


def _validated(content: dict[str, Any], source: str) -> Settings:
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        # The value of a field nobody knows may be a key written in the wrong place: it is not shown.
        given = "" if first["type"] == "extra_forbidden" else f" (given: {first['input']!r})"
        raise ConfigError(f"{source}: {where}: {first['msg'].lower()}{given}"[:400]) from None


def secret(name: str) -> str | None:
    """The value of an environment variable that holds a key, or None when it is not set or empty."""
    return os.environ.get(name) or None


def secrets() -> tuple[str, ...]:
    """Every value in the environment that looks like a key by its variable's name; for redaction only."""
    words = ("KEY", "TOKEN", "SECRET", "PASSWORD")
    return tuple(
        value for name, value in os.environ.items() if len(value) >= 8 and any(word in name.upper() for word in words)
    )


def cache_folder() -> Path:
    """The user's cache directory for this program."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ship-panel"
