"""The messages rendered for one assignment. Knows nothing of templates."""

from __future__ import annotations

from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from typing import Literal

from panel.schema.record import Record, digest_of_json

Role = Literal["system", "user", "assistant"]


@lru_cache(maxsize=512)
def inside_json(text: str) -> bytes:
    """What stands between the quotes when a text is written in JSON, as UTF-8 (lone surrogates passed on).

    Rules, personas and the dossiers of the tools under way come again and again: they are written once. Of texts that
    are joined, what stands between the quotes is joined too.
    """
    return encode_basestring(text)[1:-1].encode("utf-8", "surrogatepass")


class Message(Record):
    """One chat message, kept as the parts it was joined from, so that a part shared by many messages is stored once."""

    role: Role
    parts: tuple[str, ...]

    @cached_property
    def content(self) -> str:
        """The text that is sent."""
        return "".join(self.parts)

    @cached_property
    def content_json(self) -> bytes:
        """The text that is sent as it stands between quotes in JSON."""
        return b"".join(map(inside_json, self.parts))


class Prompt(Record):
    """Messages in the order sent. A last message of role `assistant` is a beginning the model must continue."""

    messages: tuple[Message, ...]

    def wire(self) -> list[dict[str, str]]:
        """As an OpenAI chat request carries them."""
        return [{"role": message.role, "content": message.content} for message in self.messages]

    @cached_property
    def wire_json(self) -> bytes:
        """`wire()` as canonical JSON; not UTF-8 where a text holds a lone surrogate."""
        written = [b'{"content":"%b","role":"%b"}' % (message.content_json, message.role.encode())
                   for message in self.messages]
        return b"[%b]" % b",".join(written)

    @cached_property
    def messages_digest(self) -> str:
        """The digest of exactly what is sent (of `wire()`), however it was cut into parts."""
        return digest_of_json(self.wire_json)
