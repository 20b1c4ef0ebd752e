"""A model's name → which wire carries it, to where, and which key it needs.

Reads the name and nothing else: no environment, no file, no network. Base URLs and key variables are those the
providers document.
"""

from __future__ import annotations

import difflib
import re
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from panel.errors import ConfigError
from panel.schema import Record

WireKind = Literal["openai_http", "litellm", "llama_cpp", "scripted", "recorded", "plugin"]


class Endpoint(Record):
    """A provider, or a kind of server, that speaks OpenAI chat completions."""

    base_url: str
    key_env: str | None = None
    needs_key: bool = True
    local: bool = False
    max_in_flight: int = 64
    prices: str | None = None
    """What litellm's price table calls the provider, where that is not our word for it."""


class WireName(Record):
    """What a model's name stands for.

    `model` is the name as the other side knows it: a model, a path (llama_cpp, recorded), options (scripted), or
    `module:Class` (plugin).
    """

    name: str
    wire: WireKind
    model: str
    provider: str | None = None
    base_url: str | None = None
    key_env: str | None = None
    needs_key: bool = False
    local: bool = False
    max_in_flight: int = 64


def _hosted(base_url: str, key_env: str, prices: str | None = None) -> Endpoint:
    return Endpoint(base_url=base_url, key_env=key_env, prices=prices)


def _here(port: int, max_in_flight: int = 64) -> Endpoint:
    return Endpoint(base_url=f"http://127.0.0.1:{port}/v1", needs_key=False, local=True, max_in_flight=max_in_flight)


ENDPOINTS: dict[str, Endpoint] = {
    "openai": _hosted("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "openrouter": _hosted("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "groq": _hosted("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": _hosted("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": _hosted("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "together": _hosted("https://api.together.xyz/v1", "TOGETHER_API_KEY", "together_ai"),
    "fireworks": _hosted("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "fireworks_ai"),
    "xai": _hosted("https://api.x.ai/v1", "XAI_API_KEY"),
    "cerebras": _hosted("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "deepinfra": _hosted("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "sambanova": _hosted("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "moonshot": _hosted("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "nvidia_nim": _hosted("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    # One at a time: these two queue what they cannot run, and the queue would eat the call's time limit.
    "ollama": _here(11434, max_in_flight=1),
    "lm_studio": _here(1234, max_in_flight=1),
    "vllm": _here(8000),
    "llama_server": _here(8080, max_in_flight=1),
}
ALIASES = {
    "together_ai": "together", "fireworks_ai": "fireworks", "hosted_vllm": "vllm", "ollama_chat": "ollama",
    "lmstudio": "lm_studio", "llamafile": "llama_server", "nvidia": "nvidia_nim",
}
URL_KEY_ENV = "SHIP_PANEL_API_KEY"
"""The variable that holds the key of a server given by its URL, if it wants one."""
FORMS = (
    "gpt-5-mini, ollama/NAME, openrouter/NAME, anthropic/NAME, http://127.0.0.1:8000/v1#NAME, litellm/NAME, "
    "local:starter, local:FILE.gguf, scripted, recorded:FILE, or module:Class"
)

_OPENAI_NAME = re.compile(r"(?:gpt-|chatgpt-|o[1-9](?:-|$)|ft:(?:gpt-|o[1-9]))")
_PLUGIN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_PROVIDER = re.compile(r"[a-z][a-z0-9_.-]*")
_MAKERS = {
    "claude": "anthropic", "gemini": "gemini", "mistral": "mistral", "codestral": "mistral", "deepseek": "deepseek",
    "grok": "xai", "command": "cohere", "llama": "ollama", "qwen": "ollama", "gemma": "ollama", "phi": "ollama",
}


def parse_model_name(name: str) -> WireName:
    """What `name` stands for; the forms are those of FORMS.

    Raises ConfigError, naming the forms there are, when it has none of them.
    """
    text = name.strip()
    if not text or any(not sign.isprintable() for sign in text):
        raise ConfigError(f"model {name!r}: not a model's name; give one of: {FORMS}")
    scheme, _, rest = text.partition(":")
    if scheme in ("http", "https") and rest.startswith("//"):
        return _from_url(text)
    if scheme in ("scripted", "recorded", "local"):
        return _from_scheme(text, scheme, rest)
    if _OPENAI_NAME.match(text):
        return _over(text, "openai", text)
    provider, slash, model = text.partition("/")
    if slash:
        return _from_provider(text, provider, model)
    if _PLUGIN.fullmatch(text):
        return WireName(name=text, wire="plugin", model=text)
    raise ConfigError(f"model {text!r}: not a form I know{_meant(text)}; give one of: {FORMS}")


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def price_provider(provider: str) -> str:
    """What litellm's price table calls `provider`."""
    endpoint = ENDPOINTS.get(provider)
    return (endpoint.prices if endpoint else None) or provider


def _over(name: str, provider: str, model: str) -> WireName:
    endpoint = ENDPOINTS[provider]
    return WireName(
        name=name, wire="openai_http", model=model, provider=provider, base_url=endpoint.base_url,
        key_env=endpoint.key_env, needs_key=endpoint.needs_key, local=endpoint.local,
        max_in_flight=endpoint.max_in_flight,
    )


def _from_provider(text: str, provider: str, model: str) -> WireName:
    if not model:
        raise ConfigError(f"model {text!r}: no model after {provider}/; write {provider}/NAME")
    if provider == "litellm":
        maker = model.partition("/")[0] if "/" in model else None
        return WireName(name=text, wire="litellm", model=model, provider=maker)
    known = ALIASES.get(provider, provider)
    if known in ENDPOINTS:
        return _over(text, known, model)
    if not _PROVIDER.fullmatch(provider):
        raise ConfigError(f"model {text!r}: {provider!r} is no provider; for a file write local:{text} or "
                          f"recorded:{text}, else one of: {FORMS}")
    return WireName(name=text, wire="litellm", model=text, provider=provider)


def _from_scheme(text: str, scheme: str, rest: str) -> WireName:
    if scheme == "scripted":
        return WireName(name=text, wire="scripted", model=rest, max_in_flight=256)
    if not rest:
        wanted = "recorded:FILE" if scheme == "recorded" else "local:starter or local:FILE.gguf"
        raise ConfigError(f"model {text!r}: nothing after {scheme}:; write {wanted}")
    if scheme == "recorded":
        return WireName(name=text, wire="recorded", model=rest, max_in_flight=256)
    return WireName(name=text, wire="llama_cpp", model=rest, local=True, max_in_flight=1)


def _from_url(text: str) -> WireName:
    bare, _, fragment = text.partition("#")
    model = unquote(fragment)
    shown = re.sub(r"//[^/]*@", "//", bare).partition("?")[0]
    parts = _split(bare, shown)
    if not model:
        raise ConfigError(f"model {shown!r}: which model of that server? write {shown}#NAME")
    if parts.username or parts.password or parts.query:
        raise ConfigError(f"model {shown!r}: no key or query in the address; put the key in {URL_KEY_ENV}")
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    base_url = f"{parts.scheme}://{parts.netloc}{path}"
    for provider, endpoint in ENDPOINTS.items():
        if not endpoint.local and urlsplit(endpoint.base_url).netloc == parts.netloc and parts.scheme == "https":
            return _over(text, provider, model)
    # A loopback server that offers a hosted model's name is likely a proxy to it, and that is not free.
    local = is_loopback(base_url) and not _OPENAI_NAME.match(model)
    return WireName(name=text, wire="openai_http", model=model, base_url=base_url, key_env=URL_KEY_ENV, local=local)


def _split(url: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"model {shown!r}: not an address: {error}") from error
    if not parts.hostname or port == 0:
        raise ConfigError(f"model {shown!r}: an address needs a host, as in http://127.0.0.1:8000/v1#NAME")
    return parts


def _meant(text: str) -> str:
    for start, provider in _MAKERS.items():
        if text.lower().startswith(start):
            return f" (did you mean {provider}/{text}?)"
    close = difflib.get_close_matches(text.partition(":")[0], ["scripted", "recorded", "local", *ENDPOINTS], n=1)
    return f" (did you mean {close[0]}?)" if close else ""
