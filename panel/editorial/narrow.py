"""How wide lines may be, and lines broken to fit: between words, never inside one, and nothing is cut.

Knows nothing of what the lines say.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap


def width_of_output() -> int | None:
    """Columns of the terminal, or of COLUMNS where it is set; null for a pipe, whose lines stay whole."""
    if not os.environ.get("COLUMNS", "").isdigit() and not sys.stdout.isatty():
        return None
    return max(20, shutil.get_terminal_size().columns)


def fitted(line: str, width: int | None) -> str:
    """The line over as many lines as it needs; those after the first stand two columns further in than it does."""
    if width is None or len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line.strip(), width, initial_indent=indent, subsequent_indent=indent + "  ",
                         break_long_words=False, break_on_hyphens=False)
