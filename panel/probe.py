"""P(ship) out of one token's probabilities. Knows nothing of prompts or models.

The answer is looked at where the verdict really begins, found by character offset: the model may put a brace, a
quote or a space first. Alternatives that begin exactly one of the two words count for that word.
"""

from __future__ import annotations

import math
import re

from panel.schema import Completion, Probe, TokenLogprob

LABELS = ("ship", "skip")
VERDICT_START = re.compile(r'^\s*(?:```(?:json)?\s*)?\{?\s*"?verdict"?\s*:\s*"|^\s*"?')


def label_of(token: str) -> str | None:
    """The label a token begins, or None when it begins neither or both ("s")."""
    text = token.strip().strip('"').casefold()
    fits = [label for label in LABELS if text and (label.startswith(text) or text.startswith(label))]
    return fits[0] if len(fits) == 1 else None


def verdict_token(completion: Completion) -> TokenLogprob | None:
    """The token that covers the first letter of the verdict."""
    found = VERDICT_START.match(completion.text)
    offset = found.end() if found else 0
    position = 0
    for token in completion.logprobs:
        position += len(token.token)
        if position > offset and token.token.strip().strip('"'):
            return token
    return None


def read_probe(completion: Completion) -> Probe | None:
    """P(ship) and the mass found on the two words; None when the endpoint gave no usable probabilities."""
    token = verdict_token(completion)
    if token is None:
        return None
    mass = dict.fromkeys(LABELS, 0.0)
    for text, logprob in dict([*token.top, (token.token, token.logprob)]).items():
        label = label_of(text)
        if label is not None and -1000 < logprob <= 0:
            mass[label] += math.exp(logprob)
    coverage = sum(mass.values())
    if coverage <= 0:
        return None
    return Probe(p_ship=mass["ship"] / coverage, coverage=min(coverage, 1.0))
