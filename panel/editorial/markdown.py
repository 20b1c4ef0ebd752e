"""Scorecards as Markdown: one tool's card, and the report of a run.

Every text of a model or a dossier goes through `plain.escaped`; the only link is the dossier's own http(s) address.
Knows nothing of files: the caller writes what it gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from panel.editorial import scorecard as read
from panel.editorial.flags import cleared_words, held_words, seat_lines, warnings
from panel.editorial.leaderboard import leaderboard_markdown
from panel.editorial.marks import marked_markdown
from panel.editorial.plain import escaped, link, shortened
from panel.editorial.pricing import price_read
from panel.editorial.said import Said, said_by
from panel.editorial.to_check import list_lines
from panel.schema.leaderboard import LeaderboardRow
from panel.schema.run import Run
from panel.schema.scorecard import Scorecard
from panel.scoring import strongest_dissent

LINE_SHOWN = 400
"""A cited dossier line is shown to this many characters."""


def report_markdown(cards: Sequence[Scorecard], rows: Sequence[LeaderboardRow], scored: int, run: Run) -> str:
    """The page of a run (report.md): how it was made, its tools in one table, then a card each if there are cards.

    `rows` are the best of the `scored` tools. Ends in a newline.
    """
    captions = dict.fromkeys([*run.captions, *(caption for card in cards for caption in card.captions)])
    top = [
        f"# Panel report {escaped(run.id)}",
        f"*{read.DISCLOSURE}*",
        *strong(captions),
        "\n".join([
            f"- **Started:** {escaped(run.started_at)}",
            f"- **Program:** ship-panel {escaped(run.program_version)}",
            f"- **Tools:** {scored}" + (f", the first {len(rows)} of them below" if scored > len(rows) else ""),
            *(f"- **Model:** {escaped(name)}, at {escaped(place)}" for name, place in run.models.items()),
        ]),
    ]
    if not rows:
        return "\n\n".join([*top, "No tool was reviewed."]) + "\n"
    table = leaderboard_markdown(rows)
    return "\n\n".join([*top, table.rstrip(), *(scorecard_markdown(card, level=2).rstrip() for card in cards)]) + "\n"


def strong(texts: Iterable[str]) -> list[str]:
    """Each text as a bold paragraph; nothing for one with nothing to see (four asterisks would be a rule)."""
    return [f"**{text}**" for text in map(escaped, texts) if text]


def scorecard_markdown(card: Scorecard, level: int = 1, *, headed: bool = True) -> str:
    """One tool's page; `level` is that of its heading, left out unless `headed`. Ends in a newline."""
    hashes = "#" * level
    blocks = [f"{hashes} {escaped(read.titled(card))}"] if headed else []
    if card.dossier.tagline:
        blocks.append(escaped(card.dossier.tagline))
    blocks.append(f"*{read.DISCLOSURE}*")
    blocks += strong([*filter(None, [held_words(card)]), *card.captions, *warnings(card)])
    blocks.append("\n".join(_summary(card)))
    for seat in read.seated(card):
        blocks += _seat(card, seat, f"{hashes}#")
    blocks += _not_in_dossier(card, hashes)
    blocks.append(f"{hashes}# Strongest dissent")
    blocks.append(dissent_markdown_of(card))
    blocks.append(f"{hashes}# How this was made")
    made = [*read.made_by(card), *(("Editor", words) for words in cleared_words(card))]
    blocks.append("\n".join(f"- **{label}:** {escaped(words)}" for label, words in made))
    return "\n\n".join(blocks) + "\n"


def _not_in_dossier(card: Scorecard, hashes: str) -> list[str]:
    lines = list_lines(card)
    if not lines:
        return []
    return [f"{hashes}# Not in the dossier", "Facts to check are in italics where they stand.",
            "\n".join(f"- **{label.capitalize()}:** {escaped(line)}" for label, line in lines)]


def heading_facts(card: Scorecard) -> list[tuple[str, str]]:
    """Label and Markdown of what heads every page of a tool; the same labels, in the same order, for every tool."""
    score, price, best = card.score, price_read(card), read.best_for(card)
    where = "; ".join(filter(None, (price.where, price.origin)))
    return [
        ("Panel", f"**{read.outcome_words(score)}**, {read.votes_words(score)} {read.seats_words(score)}"),
        ("Ship rate", read.ship_rate_words(score)),
        ("Mean score", read.mean_words(score)),
        ("Score range", read.range_words(score)),
        ("P(ship) by probe", read.probe_words(score)),
        ("P(ship) by repeats", read.repeats_words(score)),
        ("Community", f"{read.NONE} (no votes)"),
        ("Pricing", escaped(f"{price.full} ({where})" if where else price.full)),
        ("Category", escaped(read.category(card))),
        ("Best for", f"{escaped(best[0].rstrip('.'))} (says {escaped(best[1])})" if best else read.NONE),
        ("License", escaped(card.dossier.license or read.NONE)),
        ("Version", escaped(card.dossier.version or read.NONE)),
    ]


def _summary(card: Scorecard) -> list[str]:
    items = heading_facts(card)
    if card.dossier.url:
        items.append(("Link", link(card.dossier.url)))
    items += [("Note", escaped(note)) for note in read.notes(card) if note not in card.captions]
    return [f"- **{label}:** {words}" for label, words in items]


def _seat(card: Scorecard, seat: read.Seated, hashes: str) -> list[str]:
    review = seat.shown
    verdict = review.verdict if review else None
    heading = f"{hashes} {escaped(seat.name)}: {seat.verdict_words}"
    if verdict:
        heading += f", {verdict.score}/100, confidence {verdict.confidence}"
    blocks = [heading]
    if seat.persona:
        blocks.append(f"*{escaped(seat.persona.motto)}*")
    asides = [words for words in (seat.takes_words, seat.probe_words, seat.fallback_words) if words]
    if asides:
        blocks.append(escaped(". ".join(words[0].upper() + words[1:] for words in asides) + "."))
    if review and review.unscored:
        blocks.append(f"Unscored: {read.unscored_words(review)}.")
    said = said_by(card, seat)
    if said:
        if said.verdict.quote:
            blocks.append(f"> {_marked(said, 'quote', said.verdict.quote)}")
        blocks.append("\n".join(_reasons(said)))
    flags = [f"- {_flag_line(line, holds)}" for line, holds in seat_lines(card, seat)]
    return [*blocks, "Flags:", "\n".join(flags)] if flags else blocks


def _flag_line(line: str, holds: bool) -> str:
    mark, _, rest = line.partition(": ")
    return f"**{escaped(mark)}:** {escaped(rest)}" if holds else escaped(line)


def _marked(said: Said, field: str, text: str) -> str:
    return marked_markdown(text, said.flags_in(field))


def _reasons(said: Said) -> list[str]:
    verdict = said.verdict
    because = verdict.because
    lines = [f"- **Because** ({escaped(read.spoken(because.point))}): {_marked(said, 'because.text', because.text)}"]
    lines.append("- **Points:**")
    lines += [f"  - {escaped(read.spoken(point))}: {_marked(said, f'points.{point}', text)}"
              for point, text in verdict.points.items()]
    lines.append("- **Claims:**")
    for index, claim in enumerate(verdict.claims):
        where = read.line_numbers(claim.lines) or "general knowledge, no line"
        lines.append(f"  - {_marked(said, f'claims[{index}].text', claim.text)} ({where})")
        lines += cited_markdown(said.card, claim.lines)
    rest = [
        ("Missing", "missing", "; ".join(verdict.missing)), ("Best for", "best_for", verdict.best_for),
        ("Would change its mind", "change_my_mind", verdict.change_my_mind), ("Caveat", "caveat", verdict.caveat),
    ]
    lines += [f"- **{label}:** {_marked(said, field, text)}" for label, field, text in rest if text]
    if verdict.prediction:
        foretold = verdict.prediction
        statement = _marked(said, "prediction.statement", foretold.statement)
        lines.append(f"- **Prediction:** {statement} (by {foretold.by}, {foretold.probability}%)")
    return lines


def cited_markdown(card: Scorecard, numbers: Sequence[int]) -> list[str]:
    """The cited lines, each as an item of a list two levels deep."""
    return [
        f"    - \\[{number}\\] {'(not shown here)' if text is None else escaped(shortened(text, LINE_SHOWN))}"
        for number, text in read.cited(card, numbers)
    ]


def dissent_markdown_of(card: Scorecard) -> str:
    """Who dissents most strongly, with score and the one thing that decided; or that nobody does."""
    review = strongest_dissent(card.reviews, card.score)
    if review is None or review.verdict is None:
        said = read.no_dissent_words(card)
        return escaped(f"{said[0].upper()}{said[1:]}.")
    verdict = review.verdict
    return (
        f"**{escaped(read.persona_name(card, review.persona_id))}** says **{verdict.verdict}** ({verdict.score}/100, "
        f"confidence {verdict.confidence}): {escaped(verdict.because.text)}"
    )
