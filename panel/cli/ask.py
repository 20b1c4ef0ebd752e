"""`review` and `compare`: the commands that ask a model. Knows nothing of how a run works."""

from __future__ import annotations

import itertools
import math
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panel.cli.reporting import Reporting, checked_metrics, log_format
from panel.errors import ConfigError, DossierError

if TYPE_CHECKING:
    from panel.instrument import Instrument
    from panel.run import RunResult, Terms
    from panel.schema import Dossier, Estimate
    from panel.settings import Settings
    from panel.work import Item

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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Until = Annotated[str | None, typer.Option(help="Begin no tool that would not be done by this time: 06:00, or a date "
                                           "and time.", show_default=False)]
Fallback = Annotated[str | None, typer.Option(help="A model that answers where a seat's own cannot; marked on the "
                                              "review: it is another instrument.", show_default=False)]
UnknownPrice = Annotated[bool, typer.Option("--allow-unknown-price", help="Under a budget, run models without a known "
                                            "price too; their calls are not counted.")]
Metrics = Annotated[Path | None, typer.Option(help="Write the run's numbers to this file for Prometheus (.prom).",
                                              show_default=False)]
Log = Annotated[str, typer.Option(help="How progress is told where there is no terminal: text or json.")]


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
    until: Until = None, fallback: Fallback = None, allow_unknown_price: UnknownPrice = False,
    retry_unscored: Annotated[bool, typer.Option("--retry-unscored", help="Ask again what was declined, unreadable or "
                                                 "quarantined.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would ask and cost; ask nothing.")] = False,
    provider_batch: Annotated[bool, typer.Option("--provider-batch", help="Submit to the provider's batch API, at its "
                                                 "lower price, and exit; `collect` brings the answers home.")] = False,
    metrics: Metrics = None, log: Log = "text", quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    """Have the panel review dossiers.

    Every seat reads each of them and says ship or skip. The same command again resumes, and asks nothing twice.
    """
    from panel.dossiers import read_dossiers
    from panel.editorial.plain import plain

    report = Reporting(quiet=quiet, as_json=as_json, log=log_format(log), metrics=checked_metrics(metrics))
    settings = _settings(model=model, runs=runs, personas=_names(personas), repeats=repeats, probe=probe, depth=depth,
                         max_in_flight=max_in_flight, max_unscored=max_unscored, temperature=temperature, seed=seed,
                         fallback=fallback)
    bad: list[DossierError] = []

    def left_out(error: DossierError) -> None:
        bad.append(error)
        report.say(f"left out: {plain(str(error))}")

    terms = _terms(settings, budget, until=until, allow_unknown_price=allow_unknown_price,
                   retry_unscored=retry_unscored)
    if dry_run:
        from panel.cli.estimating import dry_run as say_what_it_would

        say_what_it_would(dossiers, _columns(columns), _count(dossiers), _instrument(settings), terms, as_json=as_json)
        return
    found = read_dossiers(dossiers, strict=strict, columns=_columns(columns), report=left_out)
    first = next(found, None)
    if first is None:
        raise DossierError("no dossier to review" + (", all were left out" if bad else " in what was given"))
    instrument = _instrument(settings)
    items = itertools.chain([first], found)
    if provider_batch:
        from panel.cli.batch import submit

        submit(items, instrument, terms, report)
        return
    total = _count(dossiers) if not quiet or terms.caps.any else None
    if terms.caps.any:
        from panel.cli.estimating import estimate_run

        terms = _estimated(terms, estimate_run(dossiers, _columns(columns), total, instrument, terms), report)
    _finish(_run(items, instrument, terms, total, report), settings, report)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A dossier file, or the id of a reviewed tool.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    model: Model = None, runs: Runs = None, personas: Personas = None, repeats: Repeats = None, probe: Probe = None,
    budget: Budget = None, fallback: Fallback = None, quiet: Quiet = False, as_json: AsJson = False,
) -> None:
    """Compare two tools, A vs B.

    Reviews what is missing, then asks each persona with both dossiers, in both orders.
    """
    report = Reporting(quiet=quiet, as_json=as_json)
    settings = _settings(model=model, runs=runs, personas=_names(personas), repeats=repeats, probe=probe,
                         fallback=fallback)
    pair = [_one_dossier(text, Path(settings.runs)) for text in (first, second)]
    if pair[0].id == pair[1].id:
        raise ConfigError(f"both are {pair[0].id}: name two different tools")
    instrument = _instrument(settings)
    items: list[Item] = [*pair, (pair[0], pair[1])]
    terms = _terms(settings, budget)
    if terms.caps.any:
        from panel.cli.estimating import estimate_items

        terms = _estimated(terms, estimate_items(items, 3, instrument, terms), report)
    result = _run(items, instrument, terms, 3, report)
    _finish_comparison(result, settings, (pair[0].id, pair[1].id), report)


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


def _run(items: Iterable[Item], instrument: Instrument, terms: Terms, total: int | None,
         report: Reporting) -> RunResult:
    from panel.run import review_dossiers

    with report.watching(total) as on_progress:
        result = review_dossiers(items, instrument, terms, on_progress=on_progress, on_stop=report.stopping)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # nothing is left to stop; the last line says how it ended
    return result


def _terms(settings: Settings, budget: float | None, *, until: str | None = None, allow_unknown_price: bool = False,
           retry_unscored: bool = False) -> Terms:
    """The terms of a run: the caps of panel.toml, --budget before its `run`."""
    from panel.gate import parse_until
    from panel.journal import utc_now
    from panel.run import Terms
    from panel.schema.review import ASKED_AGAIN, UNSCORED_KINDS

    if budget is not None and not math.isfinite(budget):
        raise ConfigError(f"--budget {budget}: must be a number of US dollars")
    caps = settings.budget if budget is None else settings.budget.model_copy(update={"run": budget})
    return Terms(caps=caps, until=None if until is None else parse_until(until, utc_now()),
                 allow_unknown_price=allow_unknown_price,
                 asked_again=UNSCORED_KINDS if retry_unscored else ASKED_AGAIN)


def _estimated(terms: Terms, estimate: Estimate | None, report: Reporting) -> Terms:
    """The terms with what the run is expected to cost, which is said."""
    from panel.cli.estimating import estimate_line

    report.say(estimate_line(estimate))
    return terms.model_copy(update={"estimate": estimate})


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


def _finish(result: RunResult, settings: Settings, report: Reporting) -> None:
    from panel.cli.show import print_run

    end = report.shown(lambda: print_run(result, Path(settings.runs), report.as_json), result)
    report.end(end, _again())


def _finish_comparison(result: RunResult, settings: Settings, pair: tuple[str, str], report: Reporting) -> None:
    from panel.cli.show import print_comparison

    if result.exit_code in (0, 4):
        result = report.shown(lambda: print_comparison(result, Path(settings.runs), pair, report.as_json), result)
    report.end(result, _again())


def _again() -> str:
    import shlex

    words = sys.argv[1:]
    while "--until" in words:  # the hour that has passed would end the next run too
        at = words.index("--until")
        words = words[:at] + words[at + 2:]
    return shlex.join(["ship-panel", *(word for word in words if not word.startswith("--until="))])
