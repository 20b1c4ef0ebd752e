"""Personas from files: the built-in ones, overlaid file by file by the user's own.

Knows nothing of prompts or models, nor which persona sits: a persona is a YAML file and its file name is its id.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from panel.errors import PersonaError
from panel.places import builtin_folder
from panel.schema import Persona

DEFAULT_SEATS = ("builder", "competitor_analyst", "futurist", "investor")
"""Who sits when nobody is named."""

MAX_BYTES = 256 * 1024
MAX_ALIASES = 32
_SUFFIXES = (".yaml", ".yml")
_FAULTS = {
    "too_short": "is empty: give at least one",
    "tuple_type": "must be a list: begin each entry with '- '",
    "string_type": "must be one text: write it after the colon",
    "dict_type": "must be 'key: text' lines",
}
"""Pydantic's types of fault in our words."""


def load_personas(folder: Path | None = None) -> dict[str, Persona]:
    """Every persona by id, in the order of the ids.

    The built-in files, overlaid one by one by `./personas`, then by `folder` if given. Raises PersonaError for the
    first file that is not a persona, whether or not it would sit, and for a `folder` that is not there.
    """
    if folder is not None and not folder.is_dir():
        raise PersonaError(f"personas folder {folder} is not there: give a folder of persona files (*.yaml)")
    paths: dict[str, Path] = {}
    for place in (builtin_folder("personas"), Path("personas"), folder):
        if place is not None and place.is_dir():
            paths.update(_persona_files(place))
    return {persona_id: read_persona(paths[persona_id]) for persona_id in sorted(paths)}


def choose(personas: Mapping[str, Persona], names: Iterable[str]) -> list[Persona]:
    """The personas called `names`, in that order. Raises PersonaError for an unknown, doubled or missing name."""
    chosen: dict[str, Persona] = {}
    for name in names:
        if name not in personas:
            raise PersonaError(f"no persona {name!r}{_did_you_mean(name, personas)} (there are: {', '.join(personas)})")
        if name in chosen:
            raise PersonaError(f"persona {name!r} is named twice: name each seat once")
        chosen[name] = personas[name]
    if not chosen:
        raise PersonaError(f"no persona is named: name at least one of {', '.join(personas)}")
    return list(chosen.values())


def read_persona(path: Path) -> Persona:
    """One persona file. Raises PersonaError naming the file, the field and what to do."""
    content = _parse(path)
    _check_keys(path, content)
    stem = path.stem
    if content.setdefault("id", stem) != stem:
        raise PersonaError(
            f"{path}: field 'id' is {content['id']!r} but the file name says {stem!r}: "
            f"rename the file to {content['id']}{path.suffix} or leave 'id' out"
        )
    cleaned = {name: _clean(path, name, value) for name, value in content.items()}
    try:
        return Persona.model_validate(cleaned)
    except ValidationError as error:
        raise PersonaError(f"{path}: {_first_fault(error)}") from error


def _persona_files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in _SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise PersonaError(f"{folder}: both {found[path.stem].name} and {path.name} are there: keep one")
        found[path.stem] = path
    return found


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PersonaError(f"{path}: is larger than {MAX_BYTES // 1024} KB: a persona is a page of text")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise PersonaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise PersonaError(f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    try:
        content = yaml.load(text, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise PersonaError(f"{path}: {line}not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise PersonaError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise PersonaError(f"{path}: is nested too deeply: a persona needs no more than two levels") from error
    except ValueError as error:  # a date or number that no calendar has: `by: 2025-13-45`
        raise PersonaError(f"{path}: holds a value YAML cannot read ({error}): put it in quotes") from error
    if not isinstance(content, dict):
        raise PersonaError(f"{path}: must be 'field: value' lines ({', '.join(Persona.model_fields)})")
    return content


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key given twice and a document made of aliases."""

    aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.MarkedYAMLError(problem=f"more than {MAX_ALIASES} aliases", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _check_keys(path: Path, content: dict[Any, Any]) -> None:
    for name in content:
        if name not in Persona.model_fields:
            shown = str(name)
            hint = _did_you_mean(shown, Persona.model_fields)
            known = "" if hint else f" (the fields are: {', '.join(Persona.model_fields)})"
            raise PersonaError(f"{path}: unknown field {shown!r}{hint}{known}")


def _clean(path: Path, field: str, value: Any) -> Any:
    """`value` with its texts stripped; whatever YAML turned into something else than text is refused by name."""
    if isinstance(value, list):
        return tuple(_text(path, f"{field}[{place}]", item) for place, item in enumerate(value, 1))
    if isinstance(value, dict):
        return {_key(path, field, key): _text(path, f"{field}.{key}", item) for key, item in value.items()}
    return _text(path, field, value)


def _text(path: Path, field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise PersonaError(f"{path}: field '{field}' {_what_yaml_made(value)}")
    if not value.strip():
        raise PersonaError(f"{path}: field '{field}' is empty: write it or leave it out")
    return value.strip()


def _key(path: Path, field: str, key: Any) -> str | int:
    wanted = int if field == "anchors" else str
    if field == "anchors" and isinstance(key, str) and key.isdecimal():
        return int(key)
    if type(key) is not wanted:
        raise PersonaError(f"{path}: field '{field}' has the key {key!r}, which YAML does not read as "
                           f"{'a whole number' if wanted is int else 'text: put it in quotes'}")
    return key


def _what_yaml_made(value: Any) -> str:
    if value is None:
        return "is empty: write it or leave it out"
    if isinstance(value, bool):
        return "must be text, and YAML reads a bare yes, no, on or off as true or false: put it in quotes"
    if isinstance(value, dict):
        return "must be text, and a colon in it made YAML read a mapping: put the text in quotes"
    return f"must be text, and YAML reads {value} as a {type(value).__name__}: put it in quotes"


def _first_fault(error: ValidationError) -> str:
    """The first of pydantic's faults as one line in our words."""
    faults = error.errors(include_url=False, include_context=False)
    missing = [f"'{'.'.join(map(str, fault['loc']))}'" for fault in faults if fault["type"] == "missing"]
    if len(missing) > 1:
        return f"fields {', '.join(missing)} are missing: add them"
    fault = faults[0]
    field = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"field '{field}' is missing: add it"
    if fault["type"] in _FAULTS:
        return f"field '{field}' {_FAULTS[fault['type']]}"
    if field == "id":
        return "the file name is the persona's id: use lower case letters, digits and _ - . only"
    if field == "prediction":
        return "field 'prediction' must be always or optional"
    message = fault["msg"].removeprefix("Value error, ")
    return f"field '{field}': {message[:1].lower()}{message[1:]}"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
