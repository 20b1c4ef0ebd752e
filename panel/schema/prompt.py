"""The messages rendered for one assignment. Knows nothing of templates."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from panel.schema.record import Record, digest_of

Role = Literal["system", "user", "assistant"]


class Message(Record):
    """One chat message, kept as the parts it was joined from, so that a part shared by many messages is stored once."""

    role: Role
    parts: tuple[str, ...]

    @cached_property
    def content(self) -> str:
        """The text that is sent."""
        return "".join(self.parts)


class Prompt(Record):
    """Messages in the order sent. A last message of role `assistant` is a beginning the model must continue."""

    messages: tuple[Message, ...]

    def wire(self) -> list[dict[str, str]]:
        """As an OpenAI chat request carries them."""
        return [{"role": message.role, "content": message.content} for message in self.messages]

    @cached_property
    def messages_digest(self) -> str:
        """The digest of exactly what is sent, however it was cut into parts."""
        return digest_of(self.wire())
