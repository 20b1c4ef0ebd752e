"""Predictions and their score on a terminal or in a pipe. Everything foretold or stated is cleaned of control
characters and printed as text, whole: nothing is cut. Knows nothing of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from rich.console import Console
from rich.table import Table
from rich.text import Text

from panel.editorial.narrow import fitted, width_of_output
from panel.editorial.plain import plain
from panel.editorial.scorecard import counted, spoken
from panel.ledger import FEW, Drafts, days_over
from panel.schema import Resolution
from panel.schema.ledger import CalibrationBin, LedgerEntry, LedgerReport, LedgerScore, NullRange

NO_PREDICTIONS = ("no predictions yet: full reviews make them, the futurist and the competitor analyst always; "
                  "start with: ship-panel review DOSSIER.yaml")
TABLE_WIDTH = 120
"""Columns from which a list is a table; below it each prediction has lines of its own."""
OUTCOME_STYLES = {"yes": "bold green", "no": "bold red", "void": "yellow", "open": "dim"}
DASH = "-"


def print_entries(forecasts: Sequence[Drafts], console: Console) -> None:
    """The predictions in the order given, redrafts as one."""
    if console.width >= TABLE_WIDTH and console.is_terminal:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("id", "by", "%", "persona", "tool", "outcome"):
            table.add_column(name, overflow="fold", justify="right" if name == "%" else "left")
        table.add_column("statement", overflow="fold", ratio=1)
        for one in forecasts:
            entry = one.entry
            table.add_row(entry.id, _text(entry.by), str(entry.probability), _text(spoken(entry.persona_id)),
                          _text(entry.tool_id), _outcome(entry), Text(" ".join(_said(one))))
        console.print(table)
    else:
        for one in forecasts:
            _print_entry(one, _outcome(one.entry), console)
    still_open = sum(one.entry.outcome is None for one in forecasts)
    how = "; resolve one with: ship-panel ledger resolve ID yes|no|void --source URL" if still_open else ""
    _print(Text(f"{counted(len(forecasts), 'prediction')}, {still_open} open{how}", "dim"), console)


def print_due(forecasts: Sequence[Drafts], today: date, console: Console) -> None:
    """The predictions in the order given, each with how long its month is over, and the line to type for the first."""
    for one in forecasts:
        _print_entry(one, Text(over_words(one.entry.by, today), "bold"), console)
    entries = [one.entry for one in forecasts]
    example = next((entry for entry in entries if days_over(entry.by, today) > 0), entries[0])
    _print(Text(f"{counted(len(entries), 'prediction')}. To resolve one: ship-panel ledger resolve "
                f"{example.id} yes|no --source URL  (or void --note WHY)"), console)


def left_out_words(number: int) -> str:
    """What to say of the predictions of made-up forecasters."""
    return f"left out: {counted(number, 'prediction')} by scripted and the starter (--all-models, or --model NAME)"


def redraft_words(number: int) -> str:
    """What to say of predictions that were drafted more than once."""
    return (f"{counted(number, 'redraft')} not counted: of predictions equal in tool, persona, statement and month "
            "the latest counts, if it was made before it came out")


def over_words(by: str, today: date) -> str:
    """How long a month is over, or how long it still lasts."""
    days = days_over(by, today)
    if days <= 0:
        return "due today" if days == 0 else f"due in {counted(-days, 'day')}"
    return f"over for {counted(days, 'day')}"


def nothing_due(following: str | None) -> str:
    """What to say where nothing is due; `following` is the month of the next open prediction."""
    if following is None:
        return "nothing is due: no prediction is open"
    return f"nothing is due; the next open prediction is of {plain(following)} (--within N: those of N months ahead)"


def resolved_lines(resolved: Iterable[tuple[LedgerEntry, Resolution, int, bool]]) -> Iterator[str]:
    """What was taken down, of how many drafts, and what stood before. Last: whether it was so already."""
    for entry, resolution, drafts, already in resolved:
        if already:
            more = f"; now of {counted(drafts, 'other draft')} too" if drafts else ""
            yield f"{entry.id}: already so since {plain(entry.resolved_at or '')[:10]} ({entry.outcome}){more}"
            continue
        yield (f"{entry.id}: {resolution.outcome}, {entry.probability}% by {plain(entry.by)}, "
               f"{plain(spoken(entry.persona_id))} on {plain(entry.tool_id)}: {plain(entry.statement)}"
               + (f" ({drafts} drafts)" if drafts > 1 else ""))
        if entry.outcome is not None:
            stood = ", ".join(plain(text) for text in (entry.source, entry.note, entry.resolved_by) if text)
            yield (f"  before it stood as {entry.outcome}, since {plain(entry.resolved_at or '')[:10]}"
                   f"{f' ({stood})' if stood else ''}; that is kept, and this stands now")


def print_report(report: LedgerReport, console: Console) -> None:
    """The score of all, the calibration table, and the scores of personas, models and seats where there are several."""
    for line in score_lines(report.all):
        _print(Text(line), console)
    if report.all.bins:
        console.print()
        _print_table(CALIBRATION_HEADS, [_bin_cells(one) for one in report.all.bins], console)
    for name, scores in (("persona", report.by_persona), ("model", report.by_model), ("seat", report.by_seat)):
        repeated = name == "seat" and len(scores) in (len(report.by_persona), len(report.by_model))
        if len(scores) > 1 and not repeated and report.all.resolved:
            console.print()
            shown = [score for score in scores if score.resolved]
            _print_table((name, *SCORE_HEADS), [(_whose(score), *_cells(score)) for score in shown], console)
            if len(shown) < len(scores):
                _print(Text(f"not shown: {counted(len(scores) - len(shown), name)} with none resolved", "dim"), console)
            _print(Text(f"* fewer than {FEW} resolved: says little. ! outside the calibrated range.", "dim"), console)


def score_lines(score: LedgerScore) -> Iterator[str]:
    """The figures of a score in sentences."""
    yield f"{score.resolved} of {counted(score.predictions, 'prediction')} resolved yes or no, {score.came_true} yes"
    vague = f" ({score.vague_open} of them vague)" if score.vague_open else ""
    yield f"left out: {score.open} open{vague}, {score.void} void"
    if score.brier is None or score.reliability is None:
        yield (f"nothing to score: {score.undefined['brier']}; `ship-panel ledger due` lists what can be resolved")
        return
    if score.few:
        yield f"warning: fewer than {FEW} are resolved; these figures say little"
    yield (f"Brier score {score.brier:.4f} (0 is best, 0.25 is always saying 50%)"
           f"{_range(score.brier, score.brier_range)}")
    yield (f"  = reliability {score.reliability:.4f} - resolution {score.resolution:.4f} + uncertainty "
           f"{score.uncertainty:.4f}")
    yield f"reliability {score.reliability:.4f} (0 is best){_range(score.reliability, score.reliability_range)}"
    skill = (f"not defined: {score.undefined['skill']}" if score.skill is None else
             f"{score.skill:+.3f} (above 0 is better than always saying {score.base_rate:.0%})")
    yield f"skill against the base rate {skill}"
    yield ("calibrated: what 95% of perfectly calibrated forecasters with these probabilities would get, were outcomes "
           "independent")


def _range(figure: float, range_: NullRange | None) -> str:
    if range_ is None:
        return ""
    place = "inside" if range_.inside else "BELOW it" if figure < range_.low else "ABOVE it"
    return f"; calibrated: {range_.low:.4f} to {range_.high:.4f}, {place}"


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """A table where it fits the width, else each row as a line that names its figures: nothing is cut."""
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    if console.width < sum(widths) + len(widths):
        for row in rows:
            figures = "; ".join(f"{head} {cell}" for head, cell in zip(heads[1:], row[1:], strict=True))
            _print(Text(f"{row[0]}: {figures}"), console)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


CALIBRATION_HEADS = ("stated", "n", "mean", "yes", "rate", "95% of it", "calibrated")
SCORE_HEADS = ("n", "yes", "Brier", "calibrated", "reliab.", "calibrated", "skill")


def _bin_cells(one: CalibrationBin) -> tuple[str, ...]:
    return (f"{one.low}-{one.high}%", str(one.resolved), f"{one.mean_stated:.1%}", str(one.came_true),
            f"{one.observed:.0%}", f"{one.observed_low:.0%} to {one.observed_high:.0%}",
            f"{one.expected_low:.0%} to {one.expected_high:.0%}")


def _whose(score: LedgerScore) -> str:
    persona = plain(spoken(score.persona_id or ""))
    if score.persona_digest is not None:
        persona += f" {score.persona_digest[:8]}"
    return " on ".join(part for part in (persona, plain(score.model or "")) if part)


def _cells(score: LedgerScore) -> tuple[str, ...]:
    few = "*" if score.few else ""
    if score.brier is None or score.reliability is None:
        return (f"{score.resolved}{few}", str(score.came_true), *[DASH] * 5)
    return (f"{score.resolved}{few}", str(score.came_true), f"{score.brier:.3f}", _short(score.brier_range),
            f"{score.reliability:.3f}", _short(score.reliability_range),
            DASH if score.skill is None else f"{score.skill:+.2f}")


def _short(range_: NullRange | None) -> str:
    return DASH if range_ is None else f"{range_.low:.3f}-{range_.high:.3f}{'' if range_.inside else '!'}"


def _print_entry(one: Drafts, mark: Text, console: Console) -> None:
    entry = one.entry
    head = Text.assemble((entry.id, "bold"), f"  {plain(entry.by)}  {entry.probability}%  "
                         f"{plain(spoken(entry.persona_id))} on {plain(entry.tool_id)}  ", mark)
    _print(head, console)
    for line in _said(one):
        _print(Text(f"  {line}"), console)


def _print(text: Text, console: Console) -> None:
    """A line, or as many as it needs where the width is known; whole in a pipe."""
    line = fitted(text.plain, width_of_output())
    console.print(text if line == text.plain else Text(line, text.style), soft_wrap=True)


def _said(one: Drafts) -> Iterator[str]:
    entry = one.entry
    yield plain(entry.statement)
    if len(one.keys) > 1:
        yield f"[{len(one.keys)} drafts; this is the latest that counts]"
    if entry.vague is not None:
        yield f"[vague: {plain(entry.vague)}]"
    seen = ", ".join(plain(text) for text in (entry.source, entry.note) if text)
    if seen:
        yield f"[{seen}]"


def _outcome(entry: LedgerEntry) -> Text:
    outcome = entry.outcome or "open"
    return Text(outcome, OUTCOME_STYLES[outcome])


def _text(text: str) -> Text:
    return Text(plain(text))
