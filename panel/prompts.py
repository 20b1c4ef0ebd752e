"""Prompt folders, and the messages rendered from them.

A folder holds Jinja2 files; they run in an immutable sandbox, strictly, and are given plain texts, numbers, lists and
dicts only. Knows nothing of models, nor of how an answer is read.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from panel.errors import PromptError
from panel.places import builtin_folder
from panel.schema import Depth, DossierLines, Line, Message, Persona, Prompt, Record
from panel.schema.category import CATEGORIES

MAX_BYTES = 256 * 1024
_SUFFIX = ".j2"
_KEPT_ENVIRONMENTS = 16
_KEPT_TEXTS = 512
"""Rendered texts kept at most, then all are let go: more dossiers than are in flight at once."""


class PromptFolder(Record):
    """The templates of one folder: file name -> text. Its digest is the version of the prompts."""

    name: str
    files: dict[str, str]


def load_prompts(name: str, folder: Path | None = None) -> PromptFolder:
    """The prompt folder `name`: the built-in files, overlaid one by one by ./prompts/<name>/, then <folder>/<name>/.

    Raises PromptError when no place has such a folder, a file cannot be read, or a template does not compile.
    """
    if folder is not None and not folder.is_dir():
        raise PromptError(f"prompts folder {folder} is not there: give a folder that holds {name}/*{_SUFFIX}")
    if folder is not None and not (folder / name).is_dir() and any(folder.glob(f"*{_SUFFIX}")):
        raise PromptError(f"prompts folder {folder} holds {_SUFFIX} files itself: put them in {folder / name}")
    files: dict[str, str] = {}
    places = [place for place in (builtin_folder("prompts"), Path("prompts"), folder) if place is not None]
    for place in places:
        if (place / name).is_dir():
            files.update({path.name: _read(path) for path in sorted((place / name).glob(f"*{_SUFFIX}"))})
    if not files:
        there = sorted({path.name for place in places if place.is_dir() for path in place.iterdir() if path.is_dir()})
        raise PromptError(f"no prompt folder {name!r}{_did_you_mean(name, there)} (there are: {', '.join(there)})")
    loaded = PromptFolder(name=name, files=files)
    for file in files:
        _template(loaded, file)
    return loaded


def render_file(folder: PromptFolder, file: str, variables: Mapping[str, Any]) -> str:
    """One template of `folder` with `variables`: texts, numbers, booleans, and lists and dicts of them.

    Raises PromptError naming file and line for an undefined variable and whatever else fails in the template;
    TypeError when a variable is anything but plain data.
    """
    for name, value in variables.items():
        _check_plain(name, value)
    template = _template(folder, file)
    try:
        return template.render(variables)
    except jinja2.UndefinedError as error:
        known = f" (it is given: {', '.join(sorted(variables))})"
        raise PromptError(f"{_where(folder, file, error)}: {error.message}{known}") from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise PromptError(f"{_where(folder, file, error)}: {_in_a_line(error)}") from error


def render_review(folder: PromptFolder, lines: DossierLines, persona: Persona, depth: Depth) -> Prompt:
    """The messages that ask `persona` for its review: rules; the dossier, then the persona.

    The rules and the dossier part are the same for every persona of the tool, byte for byte.
    """
    ask = _persona_part(folder, "persona.j2", persona, depth)
    return Prompt(messages=(_rules(folder, depth), _user(_dossier_part(folder, lines), ask)))


def render_probe(folder: PromptFolder, lines: DossierLines, persona: Persona, depth: Depth = "full") -> Prompt:
    """The messages whose next token is the verdict: the last one, the assistant's, ends in `{"verdict":"`.

    Give the depth of the review beside it, so that rules and dossier are a shared prefix with it.
    """
    ask = _persona_part(folder, "probe.j2", persona, depth)
    beginning = Message(role="assistant", parts=('{"verdict":"',))
    return Prompt(messages=(_rules(folder, depth), _user(_dossier_part(folder, lines), ask), beginning))


def render_brief(folder: PromptFolder, lines: DossierLines) -> Prompt:
    """The messages that ask for the neutral brief; the same prefix as the reviews at full depth."""
    ask = _kept(("brief", folder.digest), lambda: render_file(folder, "brief.j2", {"categories": list(CATEGORIES)}))
    return Prompt(messages=(_rules(folder, "full"), _user(_dossier_part(folder, lines), ask)))


def render_compare(folder: PromptFolder, a: DossierLines, b: DossierLines, persona: Persona) -> Prompt:
    """The messages that ask `persona` about two dossiers. Up to the end of `a` they are those of a review of `a`."""
    ask = _persona_part(folder, "compare.j2", persona, "full")
    parts = (_dossier_part(folder, a), "That was tool A. Tool B:\n\n", _dossier_part(folder, b), ask)
    return Prompt(messages=(_rules(folder, "full"), _user(*parts)))


def render_reask(folder: PromptFolder, prompt: Prompt, answer: str, reason: str) -> Prompt:
    """`prompt`, what the model answered to it, and why that is no answer."""
    said = Message(role="assistant", parts=(answer if answer.strip() else "(nothing)",))
    return Prompt(messages=(*prompt.messages, said, _user(render_file(folder, "reask.j2", {"reason": reason}))))


def rehearse(folder: PromptFolder, personas: Sequence[Persona]) -> None:
    """Render every message of a review folder once for a made-up dossier, so that a fault shows before money is spent.

    Raises PromptError for the first file that is missing or fails.
    """
    line = Line(number=1, field="description", text="one line")
    for words, left_out in ((1, ()), (1000, (2, 3))):
        lines = DossierLines(tool_id="rehearsal", name="Rehearsal", lines=(line,), left_out=left_out, words=words)
        brief = render_brief(folder, lines)
        render_reask(folder, brief, "an answer", "a reason")
        for persona in personas:
            render_review(folder, lines, persona, "verdict")
            render_review(folder, lines, persona, "full")
            render_probe(folder, lines, persona)
            render_compare(folder, lines, lines, persona)


def _user(*parts: str) -> Message:
    return Message(role="user", parts=parts)


def _rules(folder: PromptFolder, depth: Depth) -> Message:
    text = _kept(("rules", folder.digest, depth), lambda: render_file(folder, "system.j2", {"depth": depth}))
    return Message(role="system", parts=(text,))


def _persona_part(folder: PromptFolder, file: str, persona: Persona, depth: Depth) -> str:
    def render() -> str:
        return render_file(folder, file, {"persona": _plain(persona), "depth": depth})

    return _kept((file, folder.digest, persona.digest, depth), render)


def _dossier_part(folder: PromptFolder, lines: DossierLines) -> str:
    def render() -> str:
        shown = [{"number": line.number, "text": _one_line(line)} for line in lines.lines]
        return render_file(folder, "dossier.j2", {
            "lines": shown,
            "marker": lines.marker,
            "words": lines.words,
            "thin": lines.thin,
            "left_out": _ranges(lines.left_out),
        })

    return _kept(("dossier", folder.digest, lines.digest), render)


def _one_line(line: Line) -> str:
    """The text of a line on one line. `panel.dossiers` has put the name of its field before it where one helps."""
    return " ".join(line.text.split())


def _ranges(numbers: tuple[int, ...]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _plain(persona: Persona) -> dict[str, Any]:
    """A persona as a template sees it: texts and lists, no number or name to look up by a method."""
    return {
        **persona.model_dump(mode="json", exclude={"points", "anchors"}),
        "points": [{"id": point, "ask": ask} for point, ask in persona.points.items()],
        "anchors": [{"score": score, "means": persona.anchors[score]} for score in sorted(persona.anchors)],
    }


_texts: dict[tuple[str, ...], str] = {}
_environments: dict[str, ImmutableSandboxedEnvironment] = {}


def _kept(key: tuple[str, ...], render: Callable[[], str]) -> str:
    """The text of `key`, rendered once while it is kept. Two threads at once render twice, to the same text."""
    text = _texts.get(key)
    if text is None:
        text = render()
        if len(_texts) >= _KEPT_TEXTS:
            _texts.clear()
        _texts[key] = text
    return text


def _template(folder: PromptFolder, file: str) -> jinja2.Template:
    environment = _environments.get(folder.digest)
    if environment is None:
        if len(_environments) >= _KEPT_ENVIRONMENTS:
            _environments.clear()
        environment = _environments[folder.digest] = _open_environment(folder)
    try:
        return environment.get_template(file)
    except jinja2.TemplateSyntaxError as error:
        shown = error.filename or f"{folder.name}/{file}"
        raise PromptError(f"prompts {shown} line {error.lineno}: {_in_a_line(error)}") from error
    except jinja2.TemplateNotFound as error:
        hint = _did_you_mean(file, folder.files)
        raise PromptError(f"prompt folder {folder.name!r} has no file {file!r}{hint}: add it") from error


def _open_environment(folder: PromptFolder) -> ImmutableSandboxedEnvironment:
    def source(file: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = folder.files.get(file)
        return None if text is None else (text, f"{folder.name}/{file}", lambda: True)

    return ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(source),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text for a model, never a page
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PromptError(f"{path}: is larger than {MAX_BYTES // 1024} KB: a prompt is a page of text, shorten it")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise PromptError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8") from error


def _check_plain(name: str, value: Any) -> None:
    if type(value) in (str, int, bool):
        return
    if type(value) is list:
        for item in value:
            _check_plain(name, item)
    elif type(value) is dict:
        for key, item in value.items():
            _check_plain(name, key)
            _check_plain(name, item)
    else:
        raise TypeError(f"template variable {name!r} holds a {type(value).__name__}: give plain text, numbers, lists")


def _where(folder: PromptFolder, file: str, error: Exception) -> str:
    """File and line of the template an error comes from: the last frame of the traceback that lies in one."""
    names = {f"{folder.name}/{name}" for name in folder.files}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
    return f"prompts {frames[-1].filename} line {frames[-1].lineno}" if frames else f"prompts {folder.name}/{file}"


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
