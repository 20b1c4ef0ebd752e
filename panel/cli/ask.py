"""`review` and `compare`: the commands that ask a model. Knows nothing of how a run works."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panel.errors import ConfigError, DossierError

if TYPE_CHECKING:
    from panel.instrument import Instrument
    from panel.run import RunResult
    from panel.schema import Dossier
    from panel.settings import Settings

DEFAULT_MODEL = "local:starter"

Model = Annotated[str | None, typer.Option("--model", "-m", help="gpt-5-mini, ollama/llama3.2, anthropic/..., "
                  "http://127.0.0.1:8000/v1#name, local:starter, local:file.gguf, recorded:FILE, ... "
                  "[default: panel.toml, else local:starter]", show_default=False)]
Runs = Annotated[str | None, typer.Option("--runs", help="Folder of journals and store. [default: runs]",
                                         show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Personas = Annotated[str | None, typer.Option(help="Who sits, comma separated. [default: the four]",
                                             show_default=False)]
Repeats = Annotated[int | None, typer.Option(help="Takes a seat: P(ship) by repeats needs two or more.",
                                            show_default=False, min=1)]
Probe = Annotated[bool | None, typer.Option("--probe/--no-probe", help="P(ship) from the model's own probabilities. "
                  "[default: only for local models]", show_default=False)]
Budget = Annotated[float | None, typer.Option(help="Most US dollars this run may spend.", min=0,
                                             show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("review")(review)
    app.command("compare")(compare)


def review(
    dossiers: Annotated[list[str], typer.Argument(help="Files (YAML, JSON, JSON lines, CSV, Markdown), folders, or - "
                                                       "for standard input.")],
    model: Model = None, runs: Runs = None, personas: Personas = None, repeats: Repeats = None, probe: Probe = None,
    depth: Annotated[str | None, typer.Option(help="full, or verdict (stops after the decision; cheap).",
                                             show_default=False)] = None,
    budget: Budget = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad record.")] = False,
    columns: Annotated[str | None, typer.Option(help="CSV columns, as field=Column,field=Column.",
                                               show_default=False)] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(show_default=False)] = None,
    max_in_flight: Annotated[int | None, typer.Option(help="Most calls at once.", min=1, show_default=False)] = None,
    max_unscored: Annotated[float | None, typer.Option(help="Share of unscored above which the exit code is 4. "
                                                       "[default: 0.01]", min=0, max=1, show_default=False)] = None,
    quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    """Have the panel review dossiers.

    Every seat reads each of them and says ship or skip. The same command again resumes, and asks nothing twice.
    """
    from panel.dossiers import read_dossiers
    from panel.editorial.plain import plain

    settings = _settings(model=model, runs=runs, personas=_names(personas), repeats=repeats, probe=probe, depth=depth,
                         max_in_flight=max_in_flight, max_unscored=max_unscored, temperature=temperature, seed=seed)
    bad: list[DossierError] = []

    def report(error: DossierError) -> None:
        bad.append(error)
        print(f"ship-panel: left out: {plain(str(error))}", file=sys.stderr)

    found = read_dossiers(dossiers, strict=strict, columns=_columns(columns), report=report)
    first = next(found, None)
    if first is None:
        raise DossierError("no dossier to review" + (", all were left out" if bad else " in what was given"))
    instrument = _instrument(settings)
    total = _count(dossiers) if not quiet and sys.stderr.isatty() else None
    result = _run(_chain(first, found), instrument, budget, total, quiet or as_json)
    _finish(result, settings, as_json)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A dossier file, or the id of a reviewed tool.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    model: Model = None, runs: Runs = None, personas: Personas = None, repeats: Repeats = None, probe: Probe = None,
    budget: Budget = None, quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    """Compare two tools, A vs B.

    Reviews what is missing, then asks each persona with both dossiers, in both orders.
    """
    settings = _settings(model=model, runs=runs, personas=_names(personas), repeats=repeats, probe=probe)
    pair = [_one_dossier(text, Path(settings.runs)) for text in (first, second)]
    if pair[0].id == pair[1].id:
        raise ConfigError(f"both are {pair[0].id}: name two different tools")
    instrument = _instrument(settings)
    result = _run(iter(pair), instrument, budget, 2, quiet or as_json, pairs=True)
    _finish_comparison(result, settings, (pair[0].id, pair[1].id), as_json)


def _settings(*, temperature: float | None = None, seed: int | None = None, **given: Any) -> Settings:
    from panel.settings import read_settings

    settings = read_settings().with_given(**given)
    sampling = {name: value for name, value in (("temperature", temperature), ("seed", seed)) if value is not None}
    return settings.model_copy(update={"sampling": settings.sampling.model_copy(update=sampling)})


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None


def _columns(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not equals or not field.strip() or not column.strip() for field, equals, column in pairs):
        raise ConfigError(f"--columns {text!r}: write field=Column, several separated by commas")
    return {field.strip(): column.strip() for field, _, column in pairs}


def _chain(first: Dossier, rest: Iterable[Dossier]) -> Iterator[Dossier]:
    yield first
    yield from rest


def _instrument(settings: Settings) -> Instrument:
    """The instrument; with no model configured the starter is fetched first, and that is said."""
    from panel.instrument import Instrument

    if settings.model is None and not any(seat.model for seat in settings.seats):
        from panel.cli.setup import fetch_starter

        fetch_starter()
    return Instrument(settings, DEFAULT_MODEL)


def _count(paths: list[str]) -> int | None:
    from panel.dossiers import count_records

    return count_records(paths)


def _run(dossiers: Iterator[Dossier], instrument: Instrument, budget: float | None, total: int | None, quiet: bool,
         pairs: bool = False) -> RunResult:
    from panel.cli.progress import watching
    from panel.run import review_dossiers

    with watching(total, enabled=not quiet) as on_progress:
        return review_dossiers(dossiers, instrument, budget_usd=budget, on_progress=on_progress,
                               on_stop=_say_stopping, pairs=pairs)


def _say_stopping() -> None:
    print("ship-panel: stopping; calls under way are waited for, their answers are paid (again to end now)",
          file=sys.stderr)


def _one_dossier(text: str, runs: Path) -> Dossier:
    from panel.dossiers import read_dossiers

    if text == "-" or Path(text).exists():
        def fail(error: DossierError) -> None:
            raise error

        found = list(read_dossiers([text], strict=True, report=fail))
        if len(found) != 1:
            raise DossierError(f"{text}: holds {len(found)} dossiers; compare needs files of one")
        return found[0]
    from panel.store import find_tool, open_store, scorecard

    if not (runs / "panel.duckdb").exists():
        raise ConfigError(f"{text}: no such file, and nothing is reviewed yet in {runs}")
    with open_store(runs) as store:
        return scorecard(store, find_tool(store, text)).dossier


def _finish(result: RunResult, settings: Settings, as_json: bool) -> None:
    from panel.cli.show import print_run

    print_run(result, Path(settings.runs), as_json)
    _leave(result)


def _finish_comparison(result: RunResult, settings: Settings, pair: tuple[str, str], as_json: bool) -> None:
    from panel.cli.show import print_comparison

    if result.exit_code in (0, 4):
        print_comparison(result, Path(settings.runs), pair, as_json)
    _leave(result)


def _leave(result: RunResult) -> None:
    """Say why the run ended as it did, and end with its exit code."""
    totals = result.totals
    if result.stopped_by:
        print(f"ship-panel: stopped: {result.stopped_by}", file=sys.stderr)
        if result.exit_code not in (2,):
            print(f"ship-panel: {totals.asked} answers are kept; the same command goes on from here:\n  {_again()}",
                  file=sys.stderr)
    elif totals.unscored:
        print(f"ship-panel: {totals.unscored} of {totals.asked} unscored; the first: {result.first_reason}",
              file=sys.stderr)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _again() -> str:
    import shlex

    return shlex.join(["ship-panel", *sys.argv[1:]])
