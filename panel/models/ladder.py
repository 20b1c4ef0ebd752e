"""Which way of asking for a structure an endpoint honours, found out once and kept.

Servers fail open: they answer 200 with free text to a schema they ignore. So a rung is believed only when one small
call shows that it binds. Knows nothing of reviews; what it asks goes through the caller's own road.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

from panel.errors import ModelRejected
from panel.schema import Completion, Message, ModelInfo, Prompt, Request, Rung

Ask = Callable[[Request, str], Awaitable[Completion]]
"""Sends one request; the second argument names the step for the journal ("check-json_schema")."""

RUNGS: tuple[Rung, ...] = ("json_schema", "tool", "json_object", "prompt")
"""Best first; the last one asks nothing of the server."""
SECRET_WORD = "heliotrope-41"
"""What the schema demands and the question does not mention: only a server that enforces it says this."""
CHECK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": [SECRET_WORD]}},
    "required": ["word"],
    "additionalProperties": False,
}
CHECK_TOKENS = 2000
"""Room for a model that reasons first; the answer itself takes about ten."""
_QUESTION = 'Answer with a JSON object that has one key, "word". Its value is the name of any animal you like.'
_STRUCTURE = frozenset({"response_format", "tools", "tool_choice"})


def check_request(rung: Rung) -> Request:
    """The one small call that shows whether `rung` binds."""
    prompt = Prompt(messages=(Message(role="user", parts=(_QUESTION,)),))
    return Request(prompt=prompt, answer_schema=CHECK_SCHEMA, rung=rung, max_tokens=CHECK_TOKENS)


def binds(rung: Rung, text: str) -> bool:
    """Whether the answer to `check_request(rung)` shows the rung at work.

    A schema or a tool must give the word that only the schema names; json_object, any JSON object.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) if rung == "json_object" else found == {"word": SECRET_WORD}


class Ladder:
    """The rung of every endpoint and model, checked once; kept in `checks_file` too, if one is given.

    Tasks that ask for the same rung wait for one check. Not for use from several event loops.
    """

    def __init__(self, checks_file: Path | None = None) -> None:
        self._file = checks_file
        self._rungs: dict[str, Rung] = _read_checks(checks_file)
        self._checking: dict[str, asyncio.Lock] = {}

    def known(self, info: ModelInfo) -> Rung | None:
        """The rung that a check has found, or the one `info` names; None when a check has still to be made."""
        return self._rungs.get(_key(info), info.rung)

    async def rung_for(self, info: ModelInfo, ask: Ask) -> Rung:
        """The best rung that binds; `info.rung` when it says so itself.

        Raises what `ask` raises, but for refusals of the structure itself, which are what a check is for.
        """
        known = self._rungs.get(_key(info)) or info.rung
        if known is not None:
            return known
        async with self._checking.setdefault(_key(info), asyncio.Lock()):
            rung = self._rungs.get(_key(info))
            if rung is None:
                rung = await find_rung(ask)
                self._keep(info, rung)
            return rung

    def demote(self, info: ModelInfo, used: Rung, error: ModelRejected) -> Rung | None:
        """The rung to use instead of `used`, when `error` refuses the structure itself; None when it does not.

        Many calls may fail at once: the rung goes down one step from `used`, not one step for each of them.
        """
        if error.parameter not in _STRUCTURE or used not in RUNGS[:-1]:
            return None
        below = RUNGS[RUNGS.index(used) + 1]
        now = self._rungs.get(_key(info))
        if now in RUNGS and RUNGS.index(now) >= RUNGS.index(below):
            return now
        self._keep(info, below)
        return below

    def _keep(self, info: ModelInfo, rung: Rung) -> None:
        self._rungs[_key(info)] = rung
        if self._file is not None:
            self._rungs = {**_read_checks(self._file), **self._rungs}
            _write_checks(self._file, self._rungs)


async def find_rung(ask: Ask) -> Rung:
    """Try the rungs from the top. Raises what `ask` raises when the structure is not what was refused."""
    for rung in RUNGS[:-1]:
        try:
            completion = await ask(check_request(rung), f"check-{rung}")
        except ModelRejected as error:
            if error.parameter in _STRUCTURE or (error.parameter is None and error.status in (400, 422)):
                continue
            raise
        if binds(rung, completion.text):
            return rung
    return RUNGS[-1]


def _key(info: ModelInfo) -> str:
    return f"{info.endpoint} {info.name}"


def _read_checks(path: Path | None) -> dict[str, Rung]:
    """Kept rungs. A file that is not there or not readable as such means: check again."""
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: rung for key, rung in content.items() if rung in get_args(Rung)}


def _write_checks(path: Path, rungs: dict[str, Rung]) -> None:
    """Swap the file in one move; a reader sees the old one or the new one. A full disk only costs a check more."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(rungs, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
