"""`module:Name` to a class. Knows nothing of what the class is for."""

from __future__ import annotations

import importlib
from typing import Any

from panel.errors import PluginError


def find_class(reference: str) -> Any:
    """The object that `module:Name` names.

    Raises PluginError when the module cannot be imported or has no such name.
    """
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise PluginError(f"{reference!r} is not of the form module:Name")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PluginError(f"cannot import module {module_name!r} of plug-in {reference!r}: {error}") from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise PluginError(f"module {module_name!r} has no {name!r} (plug-in {reference!r})") from error
