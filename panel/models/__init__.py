"""Ask a model once. What a model is to the rest of the program, and how a name becomes one.

Knows nothing of reviews, retries or journals: see `caller` for the loop around a call.
"""

from __future__ import annotations

from typing import Protocol

from panel.schema import Completion, ModelInfo, Request


class Model(Protocol):
    """The one seam to a language model. At most these three methods; found by name (`panel.plugins`)."""

    def info(self) -> ModelInfo:
        """What is known without asking it. Must not touch the network."""

    async def complete(self, request: Request) -> Completion:
        """One request, one answer; no retry, no reading of the answer.

        Raises ModelUnavailable, ModelDeclined or ModelRejected.
        """

    async def close(self) -> None:
        """Give back sockets and processes. Safe to call twice."""
