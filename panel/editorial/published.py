"""One tool's page as the bytes that are published: Markdown with front matter, and its JSON twin.

The same card gives the same bytes. Knows nothing of folders: see `publishing`.
"""

from __future__ import annotations

import json

from panel.editorial import scorecard as read
from panel.editorial.markdown import scorecard_markdown
from panel.editorial.plain import plain
from panel.editorial.twins import card_json
from panel.schema.scorecard import Scorecard

GENERATOR = "ship-panel"
_MARKS = (f"---\ngenerator: {GENERATOR}\n".encode(), f'{{\n "generator": "{GENERATOR}"'.encode())


def is_ours(content: bytes) -> bool:
    """Whether a file begins as the pages this module makes do."""
    return content.startswith(_MARKS)


def page_markdown(card: Scorecard) -> bytes:
    """The page for Hugo, Astro or Jekyll: they print the title themselves, so the text has no heading of its own."""
    score = card.score
    fields = [
        ("generator", GENERATOR), ("title", _quoted(read.titled(card))), ("tool", _quoted(card.dossier.id)),
        ("outcome", score.outcome), ("ship_rate", _number(score.ship_rate)), ("mean_score", _number(score.mean_score)),
        ("reviewed_at", _quoted(card.reviewed_at)), ("panel", _quoted(score.panel_digest)), ("draft", "false"),
    ]
    front = "\n".join(f"{name}: {value}" for name, value in fields)
    return f"---\n{front}\n---\n\n{scorecard_markdown(card, headed=False)}".encode("utf-8", "replace")


def page_json(card: Scorecard) -> bytes:
    """The twin: what `show --json` prints, after a mark of who made it."""
    return (json.dumps({"generator": GENERATOR, **card_json(card)}, ensure_ascii=False, indent=1) + "\n").encode(
        "utf-8", "replace")


def _quoted(text: str) -> str:
    """A YAML string. Themes print titles without escaping them, so it has no angle brackets."""
    safe = plain(text).replace("<", "‹").replace(">", "›").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(mark if mark.isprintable() else f"\\U{ord(mark):08x}" for mark in safe) + '"'


def _number(value: float | None) -> str:
    return "null" if value is None else f"{round(value, 4):g}"
