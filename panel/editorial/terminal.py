"""Scorecards on a terminal: one to three tools in a table side by side, then what each reviewer said.

Side by side where the width allows, stacked where it does not; boxes and colours on a terminal only. Everything is
printed as `Text`, never as markup, and cleaned of control characters first. Knows nothing of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel as Box
from rich.table import Table
from rich.text import Text

from panel.editorial import scorecard as read
from panel.editorial.flags import cleared_words, held_words, seat_lines, warnings
from panel.editorial.leaderboard import OUTCOME_STYLES
from panel.editorial.marks import pieces
from panel.editorial.plain import plain, shortened
from panel.editorial.pricing import price_read
from panel.editorial.said import Said, said_by
from panel.editorial.to_check import list_lines
from panel.schema.scorecard import Scorecard
from panel.scoring import strongest_dissent

SIDE_BY_SIDE = 100
"""Columns from which reviewers stand beside each other."""
MOST_TOOLS = 3
LABELS, TOOL = 12, 20
"""Columns a table needs for its labels, and at the least for one tool."""
LINE_SHOWN = 300
"""A cited dossier line is shown to this many characters."""


def words(text: str, style: str = "") -> Text:
    """Untrusted text, cleaned, in one style."""
    return Text(plain(text), style)


def sentence(*parts: tuple[str, str]) -> Text:
    """Several pieces of text in a row, each cleaned, each in its style; spaces at their ends are kept."""
    line = Text()
    for text, style in parts:
        line.append(" " * (text[:1] == " ") + plain(text) + " " * (text[-1:] == " " and len(text) > 1), style)
    return line


def batches(cards: Sequence[Scorecard], width: int) -> Iterable[Sequence[Scorecard]]:
    """The cards in groups that fit beside each other."""
    size = max(1, min(MOST_TOOLS, (width - LABELS) // TOOL))
    return (cards[start:start + size] for start in range(0, len(cards), size))


def print_scorecards(cards: Sequence[Scorecard], console: Console, *, detail: bool = True) -> None:
    """The scorecards; without `detail` only decision, quote, reason and flags of each reviewer."""
    print_preamble(cards, console)
    for group in batches(cards, console.width):
        console.print(summary(group))
        console.print()
        _print_reviewers(group, console, detail)
        for card in group:
            _print_not_in_dossier(card, console, named=len(cards) > 1)
            _print_end(card, console, named=len(cards) > 1)


def print_preamble(cards: Sequence[Scorecard], console: Console) -> None:
    """What every page says before anything else: who wrote it, what holds it, captions of models, suspicious text."""
    console.print(Text(read.DISCLOSURE, "italic"))
    for card in cards:
        held = held_words(card)
        if held:
            console.print(words(held, "bold red"))
    for caption in dict.fromkeys(caption for card in cards for caption in card.captions):
        console.print(words(caption, "bold yellow"))
    for card in cards:
        named = f"{card.dossier.name}: " if len(cards) > 1 else ""
        for warning in warnings(card):
            console.print(words(f"{named}{warning}", "bold yellow"))
    console.print()


def summary(cards: Sequence[Scorecard]) -> Table:
    """The decision table, tools as columns."""
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", style="dim", width=LABELS)
    for card in cards:
        table.add_column(words(read.titled(card), "bold"), overflow="fold", ratio=1)
    for label, cells in _summary_rows(cards):
        table.add_row(Text(label), *cells)
    return table


def _summary_rows(cards: Sequence[Scorecard]) -> Iterable[tuple[str, list[Text]]]:
    scores = [card.score for card in cards]
    outcomes = [read.outcome_words(score) for score in scores]
    bests = [read.best_for(card) for card in cards]
    if any(card.dossier.tagline for card in cards):
        yield "", [words(card.dossier.tagline or "", "italic") for card in cards]
    yield "verdict", [Text(outcome, OUTCOME_STYLES[outcome]) for outcome in outcomes]
    yield "votes", [Text(f"{read.votes_words(score)} {read.seats_words(score)}") for score in scores]
    yield "ship rate", [Text(read.ship_rate_words(score)) for score in scores]
    yield "mean score", [Text(read.mean_words(score)) for score in scores]
    yield "score range", [Text(read.range_words(score)) for score in scores]
    yield "P(ship)", [
        Text(f"probe {read.probe_words(score)}\nrepeats {read.repeats_words(score)}") for score in scores
    ]
    yield "community", [Text(f"{read.NONE} (no votes)") for _ in cards]
    prices = [price_read(card) for card in cards]
    yield "pricing", [words(f"{one.short} ({one.where})" if one.where else one.short) for one in prices]
    yield "category", [words(read.category(card)) for card in cards]
    yield "best for", [words(f"{best[0].rstrip('.')} (says {best[1]})" if best else read.NONE) for best in bests]
    if any(_own_notes(card) for card in cards):
        yield "note", [words("; ".join(_own_notes(card)), "yellow") for card in cards]


def _own_notes(card: Scorecard) -> list[str]:
    return [note for note in read.notes(card) if note not in card.captions]


def _print_reviewers(cards: Sequence[Scorecard], console: Console, detail: bool) -> None:
    beside = console.width >= SIDE_BY_SIDE
    seats = [{(seat.persona_id, seat.model): seat for seat in read.seated(card)} for card in cards]
    named = len(cards) > 1
    if beside and named:
        keys = dict.fromkeys(key for one in seats for key in one)
        order = read.seat_order(who for who, _ in keys)
        for key in sorted(keys, key=lambda key: order.index(key[0])):
            cells = [
                seat_block(card, one[key], console, named=named, detail=detail) if key in one else Text("")
                for card, one in zip(cards, seats, strict=True)
            ]
            console.print(beside_each_other(cells))
        return
    for card, one in zip(cards, seats, strict=True):
        blocks = [seat_block(card, seat, console, named=named, detail=detail) for seat in one.values()]
        step = 2 if beside else 1
        for start in range(0, len(blocks), step):
            console.print(beside_each_other(blocks[start:start + step]))


def beside_each_other(cells: Sequence[RenderableType]) -> RenderableType:
    """The cells in one row of equal columns."""
    if len(cells) == 1:
        return cells[0]
    grid = Table.grid(expand=True, padding=(0, 1))
    for _ in cells:
        grid.add_column(ratio=1, overflow="fold")
    grid.add_row(*cells)
    return grid


def boxed(title: Text, body: RenderableType, console: Console) -> RenderableType:
    """A box on a terminal; elsewhere a title with the body indented below it."""
    if console.is_terminal:
        return Box(body, title=title, title_align="left", border_style="dim", padding=(0, 1))
    return Group(title, Padding(body, (0, 0, 1, 2)))


def verdict_line(seat: read.Seated) -> Text:
    """"SHIP 72/100, confidence 80", with the takes where there are several."""
    verdict = seat.shown.verdict if seat.shown else None
    line = Text(seat.verdict_words.upper(), OUTCOME_STYLES.get(seat.verdict_words, "dim"))
    if verdict:
        line.append(f" {verdict.score}/100, confidence {verdict.confidence}", "bold")
    if seat.takes_words:
        line.append(f"; {seat.takes_words}", "")
    return line


def seat_block(
    card: Scorecard, seat: read.Seated, console: Console, *, named: bool, detail: bool
) -> RenderableType:
    """What one reviewer said of one tool; `named` puts the tool into the title."""
    title = sentence((seat.name, "bold"), (f" on {card.dossier.name}" if named else "", ""))
    body: list[RenderableType] = [verdict_line(seat)]
    if seat.persona and detail:
        body.append(words(seat.persona.motto, "dim italic"))
    if seat.probe_words:
        body.append(words(seat.probe_words, "dim"))
    if seat.fallback_words:
        body.append(words(seat.fallback_words, "yellow"))
    review = seat.shown
    if review and review.unscored:
        body.append(words(f"{read.spoken(review.unscored_kind or 'unscored')}: {review.unscored}"))
    said = said_by(card, seat)
    if said:
        body += _verdict_text(said, detail)
    body += [words(line if holds else f"note: {line}", "bold red" if holds else "dim")
             for line, holds in seat_lines(card, seat)]
    return boxed(title, Group(*body), console)


def marked(said: Said, field: str, text: str) -> Text:
    """One text of a verdict: what holds underlined in red with its flag's number, what is to check underlined."""
    line = Text()
    for piece in pieces(text, said.flags_in(field)):
        if line and not piece.close:
            line.append(" ")
        line.append(piece.text, "bold red underline" if piece.number else "underline" if piece.noted else "")
        if piece.number:
            line.append(f" [flag {piece.number}]", "red")
    return line


def _verdict_text(said: Said, detail: bool) -> list[RenderableType]:
    found: list[RenderableType] = []
    verdict = said.verdict
    if verdict.quote:
        found += [Text(""), Text.assemble("“", marked(said, "quote", verdict.quote), "”"), Text("")]
    because = f"because ({read.spoken(verdict.because.point)})"
    found.append(_labelled(because, marked(said, "because.text", verdict.because.text)))
    if verdict.caveat:
        found.append(_labelled("caveat", marked(said, "caveat", verdict.caveat)))
    if not detail:
        return found
    found += [Text(""), *(indented(_labelled(read.spoken(point), marked(said, f"points.{point}", text)))
                          for point, text in verdict.points.items())]
    found.append(Text(""))
    for index, claim in enumerate(verdict.claims):
        where = read.line_numbers(claim.lines) or "general knowledge, no line"
        text = marked(said, f"claims[{index}].text", claim.text)
        found.append(indented(Text.assemble(("claim: ", "dim"), text, (f" ({where})", "dim"))))
        found += [indented(line, 4) for line in cited_text(said.card, claim.lines)]
    found.append(Text(""))
    rest = [
        ("missing", "missing", "; ".join(verdict.missing)), ("best for", "best_for", verdict.best_for),
        ("would change its mind", "change_my_mind", verdict.change_my_mind),
    ]
    found += [_labelled(label, marked(said, field, text)) for label, field, text in rest if text]
    if verdict.prediction:
        foretold = verdict.prediction
        statement = marked(said, "prediction.statement", foretold.statement)
        found.append(_labelled("prediction", Text.assemble(
            statement, f" (by {foretold.by}, {foretold.probability}%)")))
    return found


def indented(line: Text, by: int = 2) -> RenderableType:
    """A line moved to the right, its continuation too."""
    return Padding(line, (0, 0, 0, by))


def _labelled(label: str, text: Text) -> Text:
    return Text.assemble(words(f"{label}:", "dim"), " ", text)


def cited_text(card: Scorecard, numbers: Iterable[int]) -> list[Text]:
    """The cited dossier lines, dimmed, shortened."""
    return [
        words(f"[{number}] {'(not shown here)' if text is None else shortened(text, LINE_SHOWN)}", "dim")
        for number, text in read.cited(card, numbers)
    ]


def dissent_text(card: Scorecard) -> Text:
    """The strongest dissent in one sentence, or that there is none."""
    review = strongest_dissent(card.reviews, card.score)
    if review is None or review.verdict is None:
        return words(read.no_dissent_words(card))
    verdict = review.verdict
    name = read.persona_name(card, review.persona_id)
    return sentence(
        (f"{name} says ", ""), (verdict.verdict, OUTCOME_STYLES[verdict.verdict]),
        (f" ({verdict.score}/100, confidence {verdict.confidence}): {verdict.because.text}", ""),
    )


def _print_not_in_dossier(card: Scorecard, console: Console, *, named: bool) -> None:
    lines = list_lines(card)
    if not lines:
        return
    console.print(words(f"{card.dossier.name}, not in the dossier" if named else "Not in the dossier", "bold"))
    for label, line in lines:
        console.print(indented(_labelled(label, words(line))))
    console.print()


def _print_end(card: Scorecard, console: Console, *, named: bool) -> None:
    label = f"{card.dossier.name}, strongest dissent: " if named else "Strongest dissent: "
    console.print(Text.assemble(sentence((label, "bold")), dissent_text(card)))
    made = "; ".join(f"{label.lower()} {text}" for label, text in read.made_by(card))
    console.print(words(made, "dim"))
    for line in cleared_words(card):
        console.print(words(line, "dim"))
    console.print()
