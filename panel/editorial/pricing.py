"""What a tool costs, as read from the dossier's own fields or by the brief, and where it was read.

Never fills a gap: no number anywhere is "unknown". Knows nothing of how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from panel.editorial.scorecard import line_numbers
from panel.schema.dossier import Price
from panel.schema.review import BriefPrice
from panel.schema.scorecard import Scorecard

UNKNOWN = "unknown"


@dataclass(frozen=True)
class PriceRead:
    """`short` fits a table cell; `full` names every plan; `where` says where it was read, empty when unknown.

    `origin` is where the dossier has it from and of what date, if it says.
    """

    short: str
    full: str
    where: str
    source: Literal["dossier", "brief", "unknown"]
    lines: tuple[int, ...] = ()
    origin: str = ""


def price_read(card: Scorecard) -> PriceRead:
    """The dossier's plans if it has any, else the brief's reading, else unknown."""
    if card.dossier.pricing:
        return _from_dossier(card)
    brief = card.brief.brief if card.brief else None
    if brief is None:
        return PriceRead(UNKNOWN, UNKNOWN, "", "unknown")
    lines = tuple(sorted(set(brief.price.lines)))
    words = _brief_words(brief.price, brief.entry)
    if words is None:
        return PriceRead(UNKNOWN, UNKNOWN, "", "unknown")
    where = f"brief, {line_numbers(lines) or 'no line named'}"
    return PriceRead(words, words, where, "brief", lines, f"as of {brief.price.as_of}" if brief.price.as_of else "")


def _brief_words(price: BriefPrice, entry: str) -> str | None:
    if price.amount is None:
        return {"unknown": None, "free": "free"}.get(entry, f"{entry}, amount unknown")
    words = money(price.amount, price.currency, price.unit)
    if entry in ("paid", "unknown") or words == entry:
        return words
    return f"{entry}, {words}"


def money(amount: float | None, currency: str | None, unit: str | None) -> str:
    """"20 USD per month", "free", or that no number is given."""
    if amount is None:
        return "no amount given"
    if amount == 0:
        return "free"
    number = f"{amount:,.0f}" if amount.is_integer() else f"{amount:,.10g}" if amount < 1 else f"{amount:,.2f}"
    return " ".join(part for part in (number, currency, unit) if part)


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:  # an address nobody could open
        return None


def _plan_words(plan: Price) -> str:
    words = money(plan.amount, plan.currency, plan.unit)
    return f"{plan.plan}: {words}" if plan.plan and plan.plan.casefold() != words else words


def _from_dossier(card: Scorecard) -> PriceRead:
    plans = card.dossier.pricing
    lines = tuple(line.number for line in card.lines.lines if line.field == "pricing")
    where = f"dossier {line_numbers(lines)}" if lines else "dossier, its pricing field"
    hosts = [host for host in dict.fromkeys(_host(plan.source_url) for plan in plans) if host]
    dates = [date for date in dict.fromkeys(plan.as_of for plan in plans) if date]
    origin = "; ".join(
        f"{label} {', '.join(found)}" for label, found in (("source", hosts), ("as of", dates)) if found
    )
    full = "; ".join(map(_plan_words, plans))
    return PriceRead(_plans_short(plans), full, where, "dossier", lines, origin)


def _plans_short(plans: tuple[Price, ...]) -> str:
    """Free, the first paid plan in the dossier's order, and how many more: never "from", units may differ."""
    paid = [plan for plan in plans if plan.amount]
    free = any(plan.amount == 0 for plan in plans)
    if not paid:
        return "free" if all(plan.amount == 0 for plan in plans) else "free plan" if free else "no amount given"
    words = _plan_words(paid[0])
    others = sum(plan.amount != 0 for plan in plans) - 1
    more = f", +{others} more" if others > 0 else ""
    return f"{'free plan; ' if free else ''}{words}{more}"
