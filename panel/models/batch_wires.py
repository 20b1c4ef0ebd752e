"""A model's name → who batches it, and how to get there. Loads nothing heavy.

Knows nothing of files, rows or journals.
"""

from __future__ import annotations

from pydantic import Field

from panel.errors import ConfigError
from panel.models.wires import parse_model_name
from panel.schema import Record
from panel.settings import Settings, secret

BATCHED = {"openai": "openai", "groq": "openai", "vllm": "hosted_vllm"}
"""Our name of a provider → litellm's name of the batch API it speaks. All of these speak OpenAI's; litellm's others
(azure, bedrock, mistral, vertex_ai, xai) have forms of their own, or no list in which to find a batch again."""
NO_KEY = "none"
"""Sent where a server wants no key: without one litellm would send OpenAI's."""


class BatchWire(Record):
    """Where a model's batches go."""

    name: str
    model: str
    """As the provider knows it."""
    provider: str | None
    """Our name for it, null for a server given by its address."""
    speaks: str
    """litellm's name of its batch API."""
    base_url: str
    key_env: str | None = None
    api_key: str = Field(default=NO_KEY, repr=False)


def batch_wire(name: str, settings: Settings) -> BatchWire:
    """Who batches the model `name`. Raises ConfigError when nobody does, or its key is not set."""
    entry = settings.models.get(name)
    wire = parse_model_name(entry.model if entry else name)
    speaks = "openai" if wire.provider is None else BATCHED.get(wire.provider)
    if wire.wire != "openai_http" or wire.base_url is None or speaks is None:
        raise ConfigError(f"{name} cannot be put in a provider batch: that works for the models of OpenAI and Groq and "
                          "for servers that speak OpenAI's /files and /batches (http://.../v1#NAME); leave "
                          "--provider-batch out, or name such a model")
    key_env = (entry.key_env if entry else None) or wire.key_env
    key = secret(key_env) if key_env else None
    if key is None and wire.needs_key:
        raise ConfigError(f"{wire.model} needs a key: set the environment variable {key_env}")
    return BatchWire(name=name, model=wire.model, provider=wire.provider, speaks=speaks, base_url=wire.base_url,
                     key_env=key_env, api_key=key or NO_KEY)
