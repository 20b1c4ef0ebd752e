"""The "A vs B" page on a terminal and as Markdown.

What it says is decided in `comparison`; this module only lays it out. Knows nothing of the store.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from panel.editorial import scorecard as read
from panel.editorial.comparison import (
    ComparisonPage,
    Contrast,
    SeatPick,
    Sentence,
    changes_of_mind,
    holding_flags,
    notes_of,
    overall_words,
    pick_words,
)
from panel.editorial.flags import flag_words, held_words, notes_in_short, warnings
from panel.editorial.markdown import cited_markdown, dissent_markdown_of, heading_facts, strong
from panel.editorial.plain import escaped
from panel.editorial.terminal import (
    SIDE_BY_SIDE,
    beside_each_other,
    cited_text,
    dissent_text,
    indented,
    print_preamble,
    seat_block,
    sentence,
    summary,
    words,
)


def pick_if(name: str, said: Sentence | None) -> str:
    """"Pick Aider if ... (says the builder)."; says so when no persona gave a reason."""
    if said is None:
        return f"Pick {name} if: no persona gave a reason."
    unsure = ", whose own pick changed with the order" if said.unsure else ""
    return f"Pick {name} if {said.condition} (says the {said.said_by.lower()}{unsure})."


def comparison_markdown(page: ComparisonPage) -> str:
    """The page. Ends in a newline."""
    a, b = page.a.dossier, page.b.dossier
    blocks = [
        f"# {escaped(a.name)} vs {escaped(b.name)}",
        escaped(pick_if(a.name, page.pick_a_if)), escaped(pick_if(b.name, page.pick_b_if)),
        f"*{read.DISCLOSURE}*",
        *strong([*held_lines(page), *notes_of(page), *warning_lines(page)]),
        "## Decision", "\n".join(_decision_table(page)),
        "## Reviewers", "\n".join(_reviewer_table(page)),
        "## Picks", f"**Overall:** {escaped(overall_words(page))}",
    ]
    if page.seats:
        blocks.append("\n".join(_pick_item(page, seat) for seat in page.seats))
    blocks += ["## Differences", *[_contrast_markdown(page, one) for one in page.contrasts]]
    if not page.contrasts:
        blocks.append("No persona named one.")
    blocks += ["## Strongest dissent", "\n".join(
        f"- On {escaped(card.dossier.name)}: {dissent_markdown_of(card)}" for card in (page.a, page.b)
    )]
    blocks += ["## What would change the verdict", "\n".join(_change_items(page))]
    blocks.append("## How this was made")
    for card in (page.a, page.b):
        made = "; ".join(f"{label.lower()} {escaped(text)}" for label, text in read.made_by(card))
        blocks.append(f"{escaped(card.dossier.name)}: {made}")
    return "\n\n".join(blocks) + "\n"


def _decision_table(page: ComparisonPage) -> list[str]:
    rows = [f"|  | {escaped(page.a.dossier.name)} | {escaped(page.b.dossier.name)} |", "| --- | --- | --- |"]
    for (label, left), (_, right) in zip(heading_facts(page.a), heading_facts(page.b), strict=True):
        rows.append(f"| {label} | {left} | {right} |")
    return rows


def _reviewer_table(page: ComparisonPage) -> list[str]:
    rows = [f"| Reviewer | {escaped(page.a.dossier.name)} | {escaped(page.b.dossier.name)} |", "| --- | --- | --- |"]
    for name, left, right in paired_seats(page):
        rows.append(f"| {escaped(name)} | {_seat_cell(left)} | {_seat_cell(right)} |")
    return rows


def paired_seats(page: ComparisonPage) -> list[tuple[str, read.Seated | None, read.Seated | None]]:
    """Seats of both cards by persona and model, in page order; null where a panel has no such seat."""
    left = {(seat.persona_id, seat.model): seat for seat in read.seated(page.a)}
    right = {(seat.persona_id, seat.model): seat for seat in read.seated(page.b)}
    order = read.seat_order(who for who, _ in [*left, *right])
    keys = sorted(dict.fromkeys([*left, *right]), key=lambda key: order.index(key[0]))
    return [((left.get(key) or right[key]).name, left.get(key), right.get(key)) for key in keys]


def _seat_cell(seat: read.Seated | None) -> str:
    verdict = seat.shown.verdict if seat and seat.shown else None
    if seat is None:
        return read.NONE
    if verdict is None:
        reason = f": {escaped(seat.shown.unscored)}" if seat.shown and seat.shown.unscored else ""
        return f"{seat.verdict_words}{reason}"
    takes = f"; {seat.takes_words}" if seat.takes_words else ""
    said = verdict.quote or verdict.because.text
    return f"**{verdict.verdict}** {verdict.score}/100{takes}. {escaped(said)}"


def pick_asides(seat: SeatPick) -> tuple[str | None, list[str]]:
    """The quote of a seat with a stable pick (another's would argue for an order), and its flags, what holds first."""
    quote = next((text.quote for _, text in seat.texts() if text.quote), None) if seat.stable else None
    flags = {(flag.kind, flag.reason): flag for one, _ in seat.texts() for flag in one.flags}.values()
    holding = [f"HOLDS: {flag_words(flag)}" for flag in flags if flag.holds]
    return quote, holding + [f"note: {line}" for line in notes_in_short(flag for flag in flags if not flag.holds)]


def held_lines(page: ComparisonPage) -> list[str]:
    """What holds the page back: its own answers, then each tool's panel."""
    own = len(holding_flags(page))
    said = [f"HELD: {read.counted(own, 'flag')} in the answers over both tools, below"] if own else []
    return said + [line for line in map(held_words, (page.a, page.b)) if line]


def warning_lines(page: ComparisonPage) -> list[str]:
    """Suspicious text and models that judge their own maker, with the tool they are of."""
    return [f"{card.dossier.name}: {warning}" for card in (page.a, page.b) for warning in warnings(card)]


def _pick_item(page: ComparisonPage, seat: SeatPick) -> str:
    quote, flags = pick_asides(seat)
    lines = [f"- **{escaped(seat.name)}:** {escaped(pick_words(page, seat))}"]
    if quote:
        lines += ["", f"  > {escaped(quote)}", ""]
    return "\n".join([*lines, *(f"  - {escaped(flag)}" for flag in flags)]).rstrip()


def _contrast_markdown(page: ComparisonPage, one: Contrast) -> str:
    lines = [f"- **{escaped(one.axis)}** ({escaped(', '.join(one.named_by))})"]
    for card, numbers in ((page.a, one.a_lines), (page.b, one.b_lines)):
        lines.append(f"  - {escaped(card.dossier.name)}: {read.line_numbers(numbers) or 'no line named'}")
        lines += cited_markdown(card, numbers)
    return "\n".join(lines)


def _change_items(page: ComparisonPage) -> list[str]:
    items = [
        f"- {escaped(card.dossier.name)}, {escaped(name)}: {escaped(text)}"
        for card in (page.a, page.b) for name, text in changes_of_mind(card)
    ]
    return items or ["No persona said."]


def print_comparison(page: ComparisonPage, console: Console) -> None:
    """The page on a terminal: sentences, decision table, reviewers side by side, picks, differences, dissent."""
    for card, said in ((page.a, page.pick_a_if), (page.b, page.pick_b_if)):
        console.print(words(pick_if(card.dossier.name, said), "bold"))
    console.print()
    print_preamble([page.a, page.b], console)
    if holding_flags(page):
        console.print(words(held_lines(page)[0], "bold red"))
        console.print()
    console.print(summary([page.a, page.b]))
    console.print()
    _print_reviewers(page, console)
    _print_picks(page, console)
    _print_contrasts(page, console)
    for card in (page.a, page.b):
        label = sentence((f"Strongest dissent on {card.dossier.name}: ", "bold"))
        console.print(Text.assemble(label, dissent_text(card)))
    console.print()
    _print_changes(page, console)
    for card in (page.a, page.b):
        made = "; ".join(f"{label.lower()} {text}" for label, text in read.made_by(card))
        console.print(words(f"{card.dossier.name}: {made}", "dim"))


def _print_reviewers(page: ComparisonPage, console: Console) -> None:
    for _, left, right in paired_seats(page):
        cells = [
            seat_block(card, seat, console, named=True, detail=False) if seat else Text("")
            for card, seat in ((page.a, left), (page.b, right))
        ]
        for row in [cells] if console.width >= SIDE_BY_SIDE else [[cell] for cell in cells]:
            console.print(beside_each_other(row))
    console.print()


def _print_picks(page: ComparisonPage, console: Console) -> None:
    console.print(sentence(("Overall pick: ", "bold"), (overall_words(page), "")))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", overflow="fold", max_width=22)
    table.add_column(overflow="fold")
    for seat in page.seats:
        table.add_row(words(seat.name), words(pick_words(page, seat)))
        quote, flags = pick_asides(seat)
        for aside in ([f"“{quote}”"] if quote else []) + flags:
            table.add_row("", words(aside, "bold red" if aside.startswith("HOLDS: ") else "dim"))
    console.print(table)
    console.print()


def _print_contrasts(page: ComparisonPage, console: Console) -> None:
    console.print(Text("Differences", "bold"))
    if not page.contrasts:
        console.print(Text("no persona named one"))
    for one in page.contrasts:
        console.print(sentence((one.axis, ""), (f" ({', '.join(one.named_by)})", "dim")))
        for card, numbers in ((page.a, one.a_lines), (page.b, one.b_lines)):
            said = words(f"{card.dossier.name}: {read.line_numbers(numbers) or 'no line named'}")
            console.print(indented(said))
            for line in cited_text(card, numbers):
                console.print(indented(line, 4))
    console.print()


def _print_changes(page: ComparisonPage, console: Console) -> None:
    console.print(Text("What would change the verdict", "bold"))
    said = [(card, name, text) for card in (page.a, page.b) for name, text in changes_of_mind(card)]
    if not said:
        console.print(Text("no persona said"))
    for card, name, text in said:
        console.print(sentence((f"{card.dossier.name}, {name}: ", "dim"), (text, "")))
    console.print()
