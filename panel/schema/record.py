"""The frozen record every noun is made of, and how its digest is taken.

Knows nothing of any particular noun.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

DIGEST_LENGTH = 32
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def digest_of(value: Any) -> str:
    """The first 128 bits of the SHA-256 of canonical JSON, as 32 hex digits. `value` must be JSON-serialisable."""
    return digest_of_json(_canonical(value).encode("utf-8", "surrogatepass"))


def digest_of_json(text: bytes) -> str:
    """`digest_of` what this canonical JSON says."""
    return hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH]


class Record(BaseModel):
    """A frozen value. Two records with the same content have the same digest, whatever the order of their keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @cached_property
    def digest(self) -> str:
        """32 hex digits that stand for the content."""
        return digest_of(self.model_dump(mode="json"))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed. What was computed from the old content (the digest) does not go along."""
        copied = super().model_copy(update=update, deep=deep)
        fields = type(self).__pydantic_fields__  # `model_fields`, without the detour that warns of its use on instances
        for name in [name for name in copied.__dict__ if name not in fields]:
            del copied.__dict__[name]
        return copied
