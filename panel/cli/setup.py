"""`init`, `personas`, `prompts`, `models`, `doctor`: getting a desk ready and looking at it. Knows nothing of runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panel.cli.ask import AsJson, Model, Runs
from panel.cli.look import runs_folder, store_folder
from panel.cli.panel_toml import PANEL_TOML
from panel.editorial.plain import plain
from panel.errors import ConfigError, DossierError

if TYPE_CHECKING:
    from panel.prompts import PromptFolder
    from panel.schema import Dossier, DossierLines
    from panel.settings import Settings

personas_app = typer.Typer(help="List, show and check the reviewers.", no_args_is_help=True)
prompts_app = typer.Typer(help="Show the exact messages a persona is sent.", no_args_is_help=True)
models_app = typer.Typer(help="List and pull local models; check any model.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("init")(init)
    app.command("doctor")(doctor)
    app.add_typer(personas_app, name="personas")
    app.add_typer(prompts_app, name="prompts")
    app.add_typer(models_app, name="models")


def fetch_starter() -> None:
    """Pull the starter model if it is not there, and say so."""
    from panel.models.registry import is_pulled

    if is_pulled("starter"):
        return
    print("ship-panel: no model is configured: fetching the starter (98 MB, once), a small model for trying the "
          "software", file=sys.stderr)
    pull_model("starter")


def pull_model(name: str) -> Path:
    """Pull a registered model with a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from panel.models.registry import pull

    console = Console(stderr=True)
    with Progress(TextColumn(f"pulling {name}"), BarColumn(bar_width=30), DownloadColumn(), TimeRemainingColumn(),
                  console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        return pull(name, progress=lambda done, total: progress.update(task, completed=done, total=total))


def init(
    folder: Annotated[Path, typer.Argument(help="Where to put the files.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a panel.toml and personas to edit."""
    from panel.places import builtin_folder

    files = {folder / "panel.toml": PANEL_TOML}
    for source in sorted(builtin_folder("personas").glob("*.yaml")):
        files[folder / "personas" / source.name] = source.read_text(encoding="utf-8")
    for path, text in files.items():
        if path.exists() and not force:
            print(f"kept {path}, which is there already")
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
        print(f"wrote {path}")
    print("next: edit panel.toml, then ship-panel review DOSSIER.yaml")


@personas_app.command("list")
def list_personas(as_json: AsJson = False) -> None:
    """Every persona there is, and whether it sits by default."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from panel.cli.show import print_json
    from panel.personas import DEFAULT_SEATS, load_personas

    personas = load_personas()
    if as_json:
        print_json([{**persona.model_dump(mode="json"), "digest": persona.digest} for persona in personas.values()])
        return
    table = Table(Column("id", no_wrap=True), "name", "motto", "points", Column("sits", no_wrap=True), "digest")
    for persona in personas.values():
        table.add_row(persona.id, Text(persona.name), Text(persona.motto), ", ".join(persona.points),
                      "yes" if persona.id in DEFAULT_SEATS else "if named", persona.digest[:8])
    Console().print(table)


@personas_app.command("show")
def show_persona(persona: Annotated[str, typer.Argument(help="Its id.")], as_json: AsJson = False) -> None:
    """One persona, as it is used."""
    from panel.cli.show import print_json
    from panel.personas import choose, load_personas

    found = choose(load_personas(), [persona])[0]
    if as_json:
        print_json({**found.model_dump(mode="json"), "digest": found.digest})
        return
    print(f"{found.name} ({found.id}, {found.digest[:8]}): {found.motto}\n\n{found.lens.strip()}\n")
    for title, rows in (("excited by", found.excited_by), ("tired of", found.tired_of),
                        ("never says", found.never_says)):
        print(f"{title}: {'; '.join(rows)}")
    print("\npoints:")
    for name, text in found.points.items():
        print(f"  {name}: {' '.join(text.split())}")
    print(f"\ndecision rule: {' '.join(found.decision_rule.split())}\n\nscore:")
    for score, text in sorted(found.anchors.items()):
        print(f"  {score}: {' '.join(text.split())}")


@personas_app.command("check")
def check_personas(runs: Runs = None, as_json: AsJson = False) -> None:
    """Read every persona file, and report a persona that always says the same."""
    from panel.cli.show import print_json
    from panel.personas import load_personas

    personas = load_personas()
    folder = runs_folder(runs)
    votes: dict[str, tuple[int, int]] = {}
    if (folder / "panel.duckdb").exists():
        from panel.store import run_sql

        _, rows = run_sql(folder, "SELECT persona_id, count(*) FILTER (WHERE verdict = 'ship'), count(*) "
                                  "FROM reviews WHERE verdict IS NOT NULL GROUP BY persona_id")
        votes = {str(name): (int(ships), int(scored)) for name, ships, scored in rows}
    report = [{"persona": name, "ships": votes.get(name, (0, 0))[0], "scored": votes.get(name, (0, 0))[1],
               "note": _same_note(*votes.get(name, (0, 0)))} for name in personas]
    if as_json:
        print_json(report)
        return
    for row in report:
        print(f"{row['persona']}: file ok; {row['ships']} of {row['scored']} ship{row['note']}")


SAME_AFTER = 10
"""Scored reviews from which "always the same" says something."""


def _same_note(ships: int, scored: int) -> str:
    if scored == 0:
        return " (no reviews yet)"
    if scored < SAME_AFTER:
        return f" (too few to judge; {SAME_AFTER} are needed)"
    if ships in (0, scored):
        return f": ALWAYS SAYS {'SHIP' if ships else 'SKIP'}; look at its decision rule and anchors"
    return ""


@prompts_app.command("render")
def render(
    tool: Annotated[str, typer.Argument(help="A dossier file, or the id of a reviewed tool.")],
    persona: Annotated[str, typer.Option(help="Whose prompt.")] = "builder",
    kind: Annotated[str, typer.Option(help="review, brief or probe")] = "review",
    depth: Annotated[str, typer.Option(help="full or verdict")] = "full",
    model: Model = None, runs: Runs = None, as_json: AsJson = False,
) -> None:
    """The exact messages, as they would be sent."""
    from panel.cli.show import print_json
    from panel.errors import PromptError
    from panel.personas import choose, load_personas
    from panel.prompts import render_brief, render_probe, render_review
    from panel.settings import read_settings

    settings = read_settings().with_given(model=model, runs=runs, depth=depth, personas=(persona,), seats=())
    seated = choose(load_personas(), [persona])[0]
    dossier = _dossier(tool, runs)
    lines, folder = _as_shown(dossier, settings)
    if folder.name == "small" and kind != "probe":
        raise PromptError("this model is asked one field at a time and has no such messages; give --kind probe, or "
                          "--model of a larger one")
    if kind == "brief":
        prompt = render_brief(folder, lines)
    elif kind == "probe":
        prompt = render_probe(folder, lines, seated, settings.depth)
    elif kind == "review":
        prompt = render_review(folder, lines, seated, settings.depth)
    else:
        raise ConfigError(f"--kind {kind!r}: must be review, brief or probe")
    if as_json:
        print_json({"messages_digest": prompt.messages_digest, "messages": prompt.wire()})
        return
    for message in prompt.messages:
        print(f"--- {message.role}\n{message.content}")


def _as_shown(dossier: Dossier, settings: Settings) -> tuple[DossierLines, PromptFolder]:
    """The lines and the prompt folder a model gets; no key is needed, for nothing is sent.

    Without a model: as one that can hold a whole answer gets them.
    """
    from panel.dossiers import cut_lines
    from panel.instrument import MOST_DOSSIER_TOKENS, Instrument
    from panel.models.wires import parse_model_name
    from panel.prompts import load_prompts

    name = settings.model
    entry = settings.models.get(name) if name else None
    if name and parse_model_name(entry.model if entry else name).wire == "llama_cpp":
        instrument = Instrument(settings, name)
        return instrument.lines(dossier, name), instrument.folders[name]
    root = Path(settings.prompts_folder) if settings.prompts_folder else None
    return cut_lines(dossier, MOST_DOSSIER_TOKENS), load_prompts(settings.prompts or "review", root)


def _dossier(tool: str, runs: str | None) -> Dossier:
    from panel.dossiers import read_dossiers
    from panel.store import find_tool, open_store, scorecard

    if Path(tool).exists() or tool == "-":
        def fail(error: DossierError) -> None:
            raise error

        found = next(iter(read_dossiers([tool], strict=True, report=fail)), None)
        if found is None:
            raise DossierError(f"{tool}: holds no dossier")
        return found
    with open_store(store_folder(runs)) as store:
        return scorecard(store, find_tool(store, tool)).dossier


@models_app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """The registry of local models, and which are here."""
    from rich.console import Console
    from rich.table import Table

    from panel.cli.show import print_json
    from panel.models.registry import entries, is_pulled

    found = entries()
    if as_json:
        print_json([{**entry.model_dump(mode="json"), "pulled": is_pulled(entry.name)} for entry in found])
        return
    table = Table("name", "parameters", "download", "context", "licence", "here")
    for entry in found:
        size = f"{entry.size / 1e6:,.0f} MB" if entry.size else "unknown"
        table.add_row(entry.name, f"{entry.parameters:g}B", size, f"{entry.context:,}", entry.licence,
                      "yes" if is_pulled(entry.name) else "")
    Console().print(table)
    print("pull one: ship-panel models pull NAME; use it: --model local:NAME")


@models_app.command("pull")
def pull(name: Annotated[str, typer.Argument(help="A name of `models list`.")]) -> None:
    """Fetch a local model into the user's cache, checked by SHA-256. Safe to interrupt and to run twice."""
    print(pull_model(name))


@models_app.command("check")
def check(model: Annotated[str, typer.Argument(help="A model's name.")], as_json: AsJson = False) -> None:
    """Ask a model one small thing: is it there, does it keep to a schema, does it give probabilities and a price."""
    from panel.engines.local import submit
    from panel.models.check import check_model, report_json
    from panel.models.opening import open_model
    from panel.settings import read_settings

    opened = open_model(model, read_settings())
    report = submit(check_model(opened)).result()
    submit(opened.close()).result()
    if as_json:
        print(report_json(report))
    else:
        for line in report.lines():
            print(plain(line))
    if not report.usable:
        raise typer.Exit(2 if report.reachable else 6)


def doctor(runs: Runs = None, as_json: AsJson = False) -> None:
    """Say what is here and what is missing."""
    from panel.cli.show import print_json
    from panel.doctor import examine

    findings = examine(runs_folder(runs))
    if as_json:
        print_json([finding.model_dump(mode="json") for finding in findings])
    else:
        for finding in findings:
            print(f"{'ok ' if finding.ok else 'NO '} {finding.what}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(2)
