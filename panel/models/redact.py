"""Keys out of text that other people wrote (error bodies, exceptions) before it is shown, logged or stored.

Two nets: the literal values of the keys this program was given, however they were quoted on the way, and the shapes
of well-known keys. Knows nothing of where keys come from.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

KEPT = 300
"""Characters kept of what a server said."""
SHORTEST = 6
"""A shorter value is no secret, and removing it everywhere would make the text unreadable."""
HIDDEN = "[key removed]"

_SHAPES = re.compile(
    r"""(?ix)
    (?:["']?\bauthorization["']?\s*[:=]\s*["']?)?\b(?:bearer|basic)\s+(?!\[key)[^\s"',;<>)\]]+
    | \b(?:sk|pk|rk|gsk|xai|pplx|hf|nvapi|csk|fw|tgp|r8|ghp|gho|ghs|glpat)[-_][a-z0-9_\-*.]{6,}
    | \bAIza[a-z0-9_\-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}
    | (?<=[?&;])(?:api[_-]?key|key|token|access_token|sig|signature)=[^&\s"'<>]+
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)
    | ["']?\b(?:x-api-key|api-key|authorization|x-goog-api-key)["']?\s*[:=]\s*["']?(?!(?:bearer\s+)?\[key)[^\s"',;]{6,}
    """
)


def redact(text: str, secrets: Iterable[str | None] = ()) -> str:
    """`text` without the values of `secrets` and without anything shaped like a key. Other text is not touched."""
    for secret in sorted({value for value in secrets if value}, key=len, reverse=True):
        for form in _forms(secret):
            if form in text:
                text = text.replace(form, HIDDEN)
    return _SHAPES.sub(HIDDEN, text)


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether one of the values is in the text, in any form that `redact` knows."""
    return any(form in text for secret in secrets for form in _forms(secret))


def plain_line(text: str, secrets: Iterable[str | None] = (), limit: int = KEPT) -> str:
    """`text` redacted, on one line, without control characters, cut at `limit` characters.

    Redacted before it is cut: a key across the cut would show its first half.
    """
    printable = "".join(sign if sign.isprintable() else " " for sign in redact(text, secrets))
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@lru_cache(maxsize=64)
def _forms(secret: str) -> tuple[str, ...]:
    """A key as it is, and as JSON, URLs and basic authentication write it."""
    if len(secret) < SHORTEST:
        return ()
    encoded = base64.b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
    forms = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret), quote_plus(secret), encoded}
    return tuple(sorted(forms, key=len, reverse=True))
