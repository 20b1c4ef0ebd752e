"""Prices as people write them -> Price records. What is not clearly a price is kept as the plan's text.

Knows no exchange rates and converts nothing. A bare $ is read as US dollars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from panel.schema import Price

_SYMBOLS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "₹": "INR", "A$": "AUD", "C$": "CAD", "CHF": "CHF"}
_CURRENCY = r"US\$|A\$|C\$|[$€£₹]|USD|EUR|GBP|INR|AUD|CAD|CHF|JPY|CNY|dollars?|euros?"
_NAMES = {"dollar": "USD", "dollars": "USD", "euro": "EUR", "euros": "EUR"}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_PRICE = re.compile(
    rf"(?:(?P<plan>[^:$€£₹\d][^:$€£₹]{{0,60}}?)\s*[:=–—-]\s*|(?P<tier>(?!from|start|up to)[^\W\d][\w+&.]*"
    rf"(?: [\w+&.]+){{0,2}})\s+(?=[$€£₹]))?(?P<start>(?:starting at|starts at|from)\s+)?"
    rf"(?P<before>{_CURRENCY})?\s*(?P<number>{_NUMBER})\s*(?P<after>{_CURRENCY})?"
    r"\s*(?P<unit>(?:/|per\s|an?\s|each\b|one[- ]time|once\b|monthly\b|yearly\b|annually\b)[^;\n]{0,60})?",
    re.IGNORECASE,
)
_FREE = re.compile(r"(?:(?P<plan>[^:]{1,60})\s*:\s*)?(?:free|free of charge|no charge|gratis)", re.IGNORECASE)
_SHORT = {"mo": "month", "m": "month", "yr": "year", "y": "year", "hr": "hour", "h": "hour", "annum": "year"}
_PARTS = re.compile(r"\s*(?:;|\n|\s\|\s|\s·\s)\s*")

_KEYS = {
    "plan": "plan", "name": "plan", "tier": "plan", "title": "plan", "amount": "amount", "price": "amount",
    "cost": "amount", "currency": "currency", "unit": "unit", "per": "unit", "period": "unit", "interval": "unit",
    "as_of": "as_of", "source_url": "source_url", "source": "source_url", "url": "source_url",
}  # fmt: skip


def read_prices(text: str) -> list[Price]:
    """All prices of a text, parted by semicolons or line ends."""
    return [_read_one(part) for part in _PARTS.split(text.strip()) if part]


def _read_one(text: str) -> Price:
    free = _FREE.fullmatch(text)
    if free:
        return Price(plan=free["plan"] or "free", amount=0.0)
    match = _PRICE.fullmatch(text) if len(text) <= 200 else None
    if match is None or not (match["before"] or match["after"]):
        return Price(plan=text)
    currency = (match["before"] or match["after"]).lower()
    plan = match["plan"] or match["tier"]
    if match["start"]:
        plan = f"{plan} (starting price)" if plan else "starting price"
    return Price(plan=plan, amount=float(match["number"].replace(",", "")), unit=_unit(match["unit"]),
                 currency=_NAMES.get(currency) or _SYMBOLS.get(currency.upper()) or currency.upper())  # fmt: skip


def _unit(text: str | None) -> str | None:
    """`/mo` -> `per month`."""
    if not text or not text.strip():
        return None
    words = re.sub(r"\s*/\s*|^an?\s+", " per ", text.strip(), flags=re.IGNORECASE).split()
    return " ".join(_SHORT.get(word.lower(), word) for word in words)


def read_price(texts: Mapping[str, str | None]) -> Price | str | None:
    """The price of a mapping; a text saying why its amount is none; null when it is empty.

    A key that is not known is kept in words behind the plan's name.
    """
    known: dict[str, str] = {}
    rest: list[str] = []
    for key, text in texts.items():
        field = _KEYS.get(key.strip().casefold().replace("-", "_").replace(" ", "_"))
        if not text:
            continue
        if field is None or field in known:
            rest.append(f"{key}: {text}")
        else:
            known[field] = text
    if not known and not rest:
        return None
    plan = known.get("plan")
    if rest:
        noted = "; ".join(rest)
        plan = f"{plan} ({noted})" if plan else noted
    amount, currency, unit = None, known.get("currency"), known.get("unit")
    if "amount" in known:
        read = _amount(known["amount"])
        if read is None:
            return f"{known['amount'][:60]!r} is not an amount; write a number, or leave it out and name the plan"
        amount, currency, unit = read.amount, currency or read.currency, unit or read.unit
    return Price(plan=plan, amount=amount, currency=currency, unit=unit, as_of=known.get("as_of"),
                 source_url=known.get("source_url"))  # fmt: skip


def _amount(text: str) -> Price | None:
    try:
        number = float(text.strip().replace("_", "x"))
    except ValueError:
        read = _read_one(text.strip())
        return read if read.amount is not None else None
    return Price(amount=number) if math.isfinite(number) and number >= 0 else None


def price_text(price: Price) -> str:
    """A price in words: `Device: 199 USD one-time (as of 2024-01)`."""
    said = ""
    if price.amount is not None:
        said = " ".join(filter(None, (_digits(price.amount), price.currency, price.unit)))
    elif price.currency or price.unit:
        said = " ".join(filter(None, ("no amount given", price.currency, price.unit)))
    if price.amount == 0 and not price.currency and not price.unit:
        said = "" if (price.plan or "").casefold() == "free" else "free"
    text = ": ".join(filter(None, (price.plan, said)))
    return f"{text} (as of {price.as_of})" if price.as_of else text


def _digits(amount: float) -> str:
    return f"{amount:.0f}" if amount == int(amount) else f"{amount:.10f}".rstrip("0")
