"""The only reader of the environment and of panel.toml. Knows nothing of what the settings are used for."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

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
    """`[retry]`: seconds. `patience` is how long a call is tried again before its assignment is left for later."""

    wait: float = Field(default=0.5, gt=0)
    longest_wait: float = Field(default=60.0, gt=0)
    patience: float = Field(default=600.0, gt=0)


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

    def named_secrets(self) -> tuple[str, ...]:
        """The values of the variables that `key_env` names."""
        names = [entry.key_env for entry in self.models.values() if entry.key_env]
        return tuple(value for value in map(secret, names) if value)

    def with_given(self, **given: Any) -> Settings:
        """These settings with what the command line (or a caller) gave; None means not given. Raises ConfigError."""
        changes = {name: value for name, value in given.items() if value is not None}
        return _validated({**self.model_dump(), **changes}, "the command line")


def read_settings(folder: Path | None = None) -> Settings:
    """Settings from panel.toml in `folder` (default: here), if there is one, and the environment.

    Raises ConfigError naming file and field.
    """
    path = (folder or Path()) / FILE_NAME
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
