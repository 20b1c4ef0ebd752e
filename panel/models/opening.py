"""A model's name → a Model. Loads the module of the wire it needs and no other.

Knows nothing of what is asked.
"""

from __future__ import annotations

from pathlib import Path

from panel.errors import ConfigError, PluginError
from panel.models import Model
from panel.models.prices import priced
from panel.models.wires import WireName, parse_model_name
from panel.plugins import find_class
from panel.schema import ModelInfo
from panel.settings import ModelEntry, Settings, secret


def open_model(name: str, settings: Settings) -> Model:
    """The model that `name` (an alias of panel.toml, or a name as in DESIGN.md section 4) stands for.

    Raises ConfigError when the name has no known form or its key is not set, PluginError for a plug-in.
    """
    entry = settings.models.get(name)
    wire = parse_model_name(entry.model if entry else name)
    model = _open_wire(name, wire, entry, settings)
    if not isinstance(model.info(), ModelInfo):
        raise PluginError(f"{name}: info() must return a ModelInfo")
    return model


def _open_wire(name: str, wire: WireName, entry: ModelEntry | None, settings: Settings) -> Model:
    if wire.wire == "openai_http":
        return _open_http(name, wire, entry, settings)
    if wire.wire == "litellm":
        from panel.models.litellm import LiteLlm

        key = secret(entry.key_env) if entry and entry.key_env else None
        plain = LiteLlm(name, wire.model, timeout_s=settings.timeout, api_key=key)
        return LiteLlm(name, wire.model, timeout_s=settings.timeout, info=as_told(plain.info(), entry), api_key=key)
    if wire.wire == "llama_cpp":
        from panel.models.llama_cpp import LlamaCpp

        return LlamaCpp(wire.model, timeout_s=settings.timeout)
    if wire.wire == "scripted":
        from panel.models.scripted import Scripted

        return Scripted(wire.model)
    if wire.wire == "recorded":
        from panel.models.recorded import Recorded

        return Recorded(Path(wire.model))
    return _open_plugin(wire.model)


def _open_plugin(reference: str) -> Model:
    try:
        plugin: Model = find_class(reference)()
        plugin.info()
    except (TypeError, AttributeError) as error:
        raise PluginError(f"{reference} is no model ({error}); it needs info(), complete(request) and close(), and to "
                          "be made without arguments") from error
    return plugin


def _open_http(name: str, wire: WireName, entry: ModelEntry | None, settings: Settings) -> Model:
    from panel.models.openai_http import OpenAiHttp

    assert wire.base_url is not None
    info = ModelInfo(name=name, endpoint=wire.base_url, local=wire.local, max_in_flight=wire.max_in_flight)
    info = as_told(priced(info, wire.provider, wire.model), entry)
    key_env = (entry.key_env if entry else None) or wire.key_env
    return OpenAiHttp(name, wire.base_url, wire.model, api_key=_key(wire, entry), key_env=key_env,
                      timeout_s=settings.timeout, info=info)


def as_told(info: ModelInfo, entry: ModelEntry | None) -> ModelInfo:
    """What panel.toml says of a model goes before what a table says."""
    if entry is None:
        return info
    told = {
        "context": entry.context, "rung": entry.rung, "max_in_flight": entry.max_in_flight,
        "price_in": None if entry.price_in is None else entry.price_in / 1e6,
        "price_out": None if entry.price_out is None else entry.price_out / 1e6,
        "price_version": None if entry.price_in is None else "panel.toml",
    }
    if entry.price_in is not None:
        info = info.model_copy(update={"price_cached": None})  # the table's may be above the price told
    return ModelInfo.model_validate({**dict(info), **{key: value for key, value in told.items() if value is not None}})


def _key(wire: WireName, entry: ModelEntry | None) -> str | None:
    variable = (entry.key_env if entry else None) or wire.key_env
    if variable is None:
        return None
    value = secret(variable)
    if value is None and wire.needs_key:
        raise ConfigError(f"{wire.model} needs a key: set the environment variable {variable}")
    return value
