"""Pages of tools into a folder: only what changed is written, what may no longer stand there is taken away.

Touches no file it did not make. Knows nothing of the store: the caller brings the cards one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from panel.editorial.published import is_ours, page_json, page_markdown
from panel.errors import ConfigError
from panel.journal import disk_error, write_file
from panel.schema.dossier import SLUG
from panel.schema.score import PanelOutcome
from panel.schema.scorecard import Scorecard

Format = Literal["markdown", "json"]
Makers = dict[str, Callable[[Scorecard], bytes]]
MAKERS: dict[Format, Makers] = {
    "markdown": {".md": page_markdown, ".json": page_json}, "json": {".json": page_json},
}
AT_ONCE = 250
"""Cards asked for in one go."""
LONGEST_NAME = 200
"""File systems take 255 bytes, and a file being written has a longer name."""


@dataclass(frozen=True)
class Candidate:
    """A tool that has a panel score: how many flags hold it, and what the panel says.

    `trial` is a panel for trying the software, or for triage: the starter, `scripted`, or depth verdict.
    """

    tool_id: str
    holds: int
    outcome: PanelOutcome
    trial: bool = False

    @property
    def unfit(self) -> str | None:
        """Why it has no page, in words; null where it may have one."""
        if self.holds:
            return "held"
        return "no quorum" if self.outcome == "no_quorum" else None


@dataclass(frozen=True)
class Published:
    """What one call did, by tool id. `removed` were published before and may not be now; of what was left out as a
    trial an older page stands.
    """

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    held: tuple[str, ...]
    no_quorum: tuple[str, ...]
    trials: tuple[str, ...]
    removed: tuple[str, ...]
    left_alone: tuple[str, ...]
    """Files that stand where a page should and are not ours, or ids that are no file name."""


def publish(
    tools: Iterable[Candidate], cards: Callable[[Sequence[str]], Iterable[Scorecard]], folder: Path, makers: Makers
) -> Published:
    """Bring `folder` up to date with the tools. Raises ConfigError where it is no folder, StoreError on a full disk."""
    check_folder(folder)
    found: dict[str, list[str]] = {
        name: [] for name in ("written", "unchanged", "held", "no_quorum", "trials", "removed", "left_alone")}
    waiting = iter(tools)
    while batch := list(islice(waiting, AT_ONCE)):
        fit = []
        for tool in batch:
            if not is_name(tool.tool_id):
                found["left_alone"].append(f"{tool.tool_id[:80]} (no name for a file)")
            elif tool.trial:
                found["trials"].append(tool.tool_id)
            elif tool.unfit:
                found["held" if tool.holds else "no_quorum"].append(tool.tool_id)
                if _remove(folder, tool.tool_id):
                    found["removed"].append(tool.tool_id)
            elif strangers := strange_files(folder, tool.tool_id, makers):
                found["left_alone"] += strangers
            else:
                fit.append(tool.tool_id)
        for card in cards(fit):
            changed = _write(folder, card, makers)
            found["written" if changed else "unchanged"].append(card.dossier.id)
    return Published(**{name: tuple(ids) for name, ids in found.items()})


def check_folder(folder: Path) -> None:
    """Raises ConfigError where the folder cannot be one."""
    for one in (folder, *folder.absolute().parents):
        if one.is_dir():
            return
        if one.exists() or one.is_symlink():
            raise ConfigError(f"{one}: is not a folder; publish writes a file a tool into one")


def is_name(tool_id: str) -> bool:
    """Whether an id can be a file's name and nothing else."""
    return len(tool_id) <= LONGEST_NAME and re.fullmatch(SLUG, tool_id) is not None


def strange_files(folder: Path, tool_id: str, makers: Iterable[str]) -> list[str]:
    """What stands where the tool's pages would and was not made by us."""
    paths = [folder / f"{tool_id}{ending}" for ending in makers]
    return [str(path) for path in paths if (path.exists() or path.is_symlink()) and _ours(path) is None]


def _ours(path: Path) -> bytes | None:
    """What is in a page we made; null for any other file."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise disk_error(error, path) from error
    return content if is_ours(content) else None


def _write(folder: Path, card: Scorecard, makers: Makers) -> bool:
    changed = False
    for ending, make in makers.items():
        path = folder / f"{card.dossier.id}{ending}"
        content = make(card)
        if _ours(path) != content:
            write_file(path, content)
            changed = True
    return changed


def _remove(folder: Path, tool_id: str) -> bool:
    """Take away every page of a tool that is ours, in whatever format; whether there was one."""
    removed = False
    for ending in MAKERS["markdown"]:
        path = folder / f"{tool_id}{ending}"
        if _ours(path) is not None:
            try:
                path.unlink()
            except OSError as error:
                raise disk_error(error, path) from error
            removed = True
    return removed
