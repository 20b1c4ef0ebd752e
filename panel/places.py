"""Where the personas, prompts and examples that travel with the program lie. Knows nothing of what is in them."""

from __future__ import annotations

from pathlib import Path


def builtin_folder(name: str) -> Path:
    """The folder of built-in files `name` (personas, prompts, examples).

    In a wheel they lie inside the package; in a checkout (an editable install) at its top.
    """
    package = Path(__file__).parent
    packed = package / "builtin" / name
    return packed if packed.is_dir() else package.parent / name
