"""What a token costs, from the table that litellm carries, read without importing litellm.

A price that is not there is None, never 0. Knows nothing of budgets; priority and long-context tariffs are not looked
at. Formula of a call's cost: (tokens_in - cached) * in + cached * cached price + tokens_out * out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from panel.models.wires import price_provider
from panel.schema import ModelInfo

TABLE = "model_prices_and_context_window_backup.json"
TEXT_MODES = frozenset({"chat", "completion", "responses"})
SELF_HOSTED = frozenset({"ollama", "ollama_chat", "vllm", "hosted_vllm", "lm_studio", "llamafile", "llama_server",
                         "lemonade"})
"""Providers whose servers people run themselves: nobody bills a token."""


class Price(NamedTuple):
    """US dollars a token; null where the table does not say. `context` in tokens, `version` names the table."""

    usd_in: float | None
    usd_cached: float | None
    usd_out: float | None
    context: int | None
    version: str
    batch_in: float | None = None
    """The same two through the provider's batch API."""
    batch_out: float | None = None


class _Row(NamedTuple):
    seller: str
    usd_in: float | None
    usd_cached: float | None
    usd_out: float | None
    context: int | None
    batch_in: float | None
    batch_out: float | None


class _Table(NamedTuple):
    rows: dict[str, _Row]
    version: str


def price_of(provider: str | None, model: str) -> Price | None:
    """The price of `model` at `provider` (our name for it, or litellm's), or None when the table has none."""
    table = _table()
    wanted = price_provider(provider) if provider else None
    names = [f"{wanted}/{model}", model] if wanted else [model]
    for name in names:
        row = table.rows.get(name)
        if row is not None and (wanted is None or _sold_by(wanted, row.seller) or name.startswith(f"{wanted}/")):
            return Price(*row[1:5], table.version, row.batch_in, row.batch_out)
    return None


def priced(info: ModelInfo, provider: str | None, model: str) -> ModelInfo:
    """`info` with price and context filled in where the table knows them and `info` does not. Local costs nothing."""
    if info.local or provider in SELF_HOSTED:
        return info.model_copy(update={"price_in": 0.0, "price_cached": 0.0, "price_out": 0.0,
                                       "price_version": "local"})
    price = price_of(provider, model) if provider else None  # an unknown server asks what it likes
    if price is None:
        return info
    found: dict[str, Any] = {"context": info.context if info.context is not None else price.context}
    if info.price_in is None and info.price_out is None:
        found |= {"price_in": price.usd_in, "price_cached": price.usd_cached, "price_out": price.usd_out,
                  "price_version": price.version}
    return info.model_copy(update=found)


BATCH_SHARE = 0.5
"""What a provider's batch API asks of the ordinary price, where the table does not say."""


def at_batch_price(info: ModelInfo, provider: str | None, model: str) -> ModelInfo:
    """`info` with the prices of the provider's batch API; what panel.toml says is halved."""
    if not info.price_in and not info.price_out:  # unknown, or nobody bills
        return info
    assert info.price_in is not None
    assert info.price_out is not None
    usd_in, usd_out = BATCH_SHARE * info.price_in, BATCH_SHARE * info.price_out
    price = price_of(provider, model) if provider else None
    if price is not None and info.price_version == price.version:
        usd_in = usd_in if price.batch_in is None else price.batch_in
        usd_out = usd_out if price.batch_out is None else price.batch_out
    cached = None if info.price_cached is None else info.price_cached * (usd_in / info.price_in if info.price_in else 0)
    return info.model_copy(update={"price_in": usd_in, "price_cached": cached, "price_out": usd_out,
                                   "price_version": f"{info.price_version} batch"})


def cost_of(info: ModelInfo, tokens_in: int | None, tokens_cached: int | None, tokens_out: int | None) -> float | None:
    """What a call cost in US dollars; None when a price or a count is not known."""
    if (info.price_in == 0 and info.price_out == 0) or (info.local and info.price_in is None):
        return 0.0
    if info.price_in is None or info.price_out is None or tokens_in is None or tokens_out is None:
        return None
    cached = min(tokens_cached or 0, tokens_in)
    price_cached = info.price_in if info.price_cached is None else info.price_cached
    return (tokens_in - cached) * info.price_in + cached * price_cached + tokens_out * info.price_out


def _sold_by(provider: str, seller: str) -> bool:
    """Whether the table's seller is this provider or a branch of it (bedrock_converse, vertex_ai-language-models)."""
    return seller == provider or seller.startswith((f"{provider}_", f"{provider}-"))


@cache
def _table() -> _Table:
    """The table, cut to what is asked of it. Empty when litellm, or its data file, is not there."""
    path = _table_file()
    if path is None:
        return _Table({}, "none")
    raw = path.read_bytes()
    rows = {name: _row(entry) for name, entry in json.loads(raw).items() if entry.get("mode") in TEXT_MODES}
    return _Table(rows, f"litellm-{hashlib.sha256(raw).hexdigest()[:12]}")


def _table_file() -> Path | None:
    spec = importlib.util.find_spec("litellm")  # finds the folder; the package is not run
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(TABLE)
    return path if path.is_file() else None


def _row(entry: Mapping[str, Any]) -> _Row:
    provider = str(entry.get("litellm_provider") or "")
    usd_in = _number(entry.get("input_cost_per_token"))
    usd_out = _number(entry.get("output_cost_per_token"))
    if usd_in == 0 and usd_out == 0 and provider not in SELF_HOSTED:
        # The table writes 0 for hosted models both when they are free and when nobody looked.
        usd_in = usd_out = None
    cached = _number(entry.get("cache_read_input_token_cost"))
    context = entry.get("max_input_tokens") or entry.get("max_tokens")
    return _Row(provider, usd_in, cached, usd_out, int(context) if isinstance(context, int | float) else None,
                _number(entry.get("input_cost_per_token_batches")), _number(entry.get("output_cost_per_token_batches")))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None
