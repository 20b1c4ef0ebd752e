"""What a model's earlier answers took, read from the store: what the next run is expected to cost is made from it.

Short queries over the newest rows only. Knows nothing of prices or of what is to be asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from panel.errors import PanelError
from panel.schema.past import Calls, History, Past, Spread
from panel.store.opening import open_store

NEWEST = 500
"""Finished assignments of a model and kind that are looked at."""
MEASURED = 40
"""Of those, the ones whose messages are looked up, for tokens a byte."""
_KINDS = (("review", "reviews", "depth"), ("brief", "briefs", "'full'"), ("compare", "comparisons", "'full'"))


def read_history(runs: Path, models: Iterable[str]) -> History:
    """What the store under `runs` has of these models; nothing where the store cannot be read (a run will say why)."""
    try:
        with open_store(runs) as store:
            return History({past.key: past for model in models for past in _of_model(store, model)})
    except PanelError:
        return History({})


def _of_model(store: Any, model: str) -> list[Past]:
    rows: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for kind, table, depth in _KINDS:
        found = store.execute(
            f"SELECT {depth}, tokens_in, tokens_cached, tokens_out, calls, messages_digest, run_id FROM {table} "
            "WHERE model = ? AND calls > 0 AND model_answered IS NOT NULL AND tokens_out > 0 "
            f"ORDER BY run_id DESC, key LIMIT {NEWEST}", [model]).fetchall()
        for depth_of, *row in found:
            rows[kind, depth_of].append(tuple(row))
    if not rows:
        return []
    runs = sorted({row[-1] for group in rows.values() for row in group})
    sizes = _message_bytes(store, {row[4] for group in rows.values() for row in group[:MEASURED]})
    calls = _of_runs(store, model, runs)
    return [Past(
        model=model, kind=kind, depth=depth, tokens_out=Spread.of([row[2] for row in group]),
        tokens_a_byte=Spread.of([row[0] / sizes[row[4]] for row in group[:MEASURED] if row[4] in sizes]),
        cached_share=sum(row[1] for row in group) / max(1, sum(row[0] for row in group)),
        calls_each=sum(row[3] for row in group) / len(group), calls=calls,
    ) for (kind, depth), group in rows.items()]


def _message_bytes(store: Any, digests: set[str | None]) -> dict[str, int]:
    """UTF-8 bytes of messages, by their digest."""
    wanted = sorted(digest for digest in digests if digest)
    if not wanted:
        return {}
    marks = ", ".join("?" * len(wanted))
    parts = {digest: [part for message in messages for part in message["parts"]] for digest, messages in store.execute(
        f"SELECT messages_digest, messages FROM prompts WHERE messages_digest IN ({marks})", wanted).fetchall()}
    names = sorted({name for found in parts.values() for name in found})
    marks = ", ".join("?" * len(names))
    sizes = dict(store.execute(
        f"SELECT part_digest, strlen(text) FROM message_parts WHERE part_digest IN ({marks})", names).fetchall())
    return {digest: sum(sizes[name] for name in found) for digest, found in parts.items()
            if found and all(name in sizes for name in found)}


def _of_runs(store: Any, model: str, runs: list[str]) -> Calls:
    """All calls of the model in these runs: those that failed and may have been billed, and the pace."""
    marks = ", ".join("?" * len(runs))
    rows = store.execute(
        "SELECT count(*), count(*) FILTER (result = 'lost' OR http_status >= 500 OR (result = 'unavailable' AND "
        "(http_status = 200 OR contains(error, 'no whole answer')))), avg(reserved_usd), "
        "epoch(max(answered_at::TIMESTAMPTZ) - min(sent_at::TIMESTAMPTZ)) FROM calls "
        f"WHERE model_asked = ? AND run_id IN ({marks}) GROUP BY run_id", [model, *runs]).fetchall()
    sent = sum(row[0] for row in rows)
    return Calls(sent, sum(row[1] for row in rows), sum(row[0] * (row[2] or 0.0) for row in rows) / max(1, sent),
                 max((row[0] / row[3] for row in rows if row[3]), default=None))
