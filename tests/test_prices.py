"""Names to wires, and prices read from litellm's table without litellm."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.errors import ConfigError
from panel.models.prices import cost_of, price_of, priced
from panel.models.wires import ENDPOINTS, is_loopback, parse_model_name
from panel.schema import ModelInfo


def test_known_prices_are_dollars_a_token() -> None:
    price = price_of("openai", "gpt-4o-mini")
    assert price is not None
    assert price[:4] == (1.5e-07, 7.5e-08, 6e-07, 128000)
    assert price.version.startswith("litellm-")
    assert price_of("mistral", "mistral-small-latest") is not None  # its row is named mistral/...
    assert price_of("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo") is not None  # litellm says together_ai
    assert price_of("anthropic", "claude-sonnet-4-5") is not None


def test_an_unknown_price_is_none_and_never_zero() -> None:
    for provider, model in [("openai", "gpt-none"), ("groq", "gpt-4o-mini"), ("openai", "text-embedding-3-small"),
                            ("nobody", "x"), ("openai", "sample_spec")]:
        assert price_of(provider, model) is None
    # The table has 0 for some hosted models; that is not knowledge.
    hosted = price_of("gemini", "gemini-exp-1206")
    assert hosted is not None
    assert (hosted.usd_in, hosted.usd_out) == (None, None)


def test_reading_prices_imports_no_litellm() -> None:
    script = ("import sys; from panel.models.prices import price_of; assert price_of('openai', 'gpt-4o-mini'); "
              "assert 'litellm' not in sys.modules")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_cost_of_a_call_counts_cached_tokens_once() -> None:
    info = ModelInfo(name="m", endpoint="e", price_in=1.0, price_cached=0.1, price_out=10.0)
    assert cost_of(info, 100, 40, 5) == pytest.approx(60 + 4 + 50)
    assert cost_of(info, 100, None, 5) == pytest.approx(150)
    assert cost_of(info, 100, 400, 5) == pytest.approx(10 + 50)  # never more cached than sent
    assert cost_of(info.model_copy(update={"price_cached": None}), 100, 40, 5) == pytest.approx(150)
    assert cost_of(info, None, None, 5) is None
    assert cost_of(info, 5, None, None) is None
    assert cost_of(ModelInfo(name="m", endpoint="e"), 100, 0, 5) is None


def test_local_is_free_and_a_stranger_is_unknown() -> None:
    local = priced(ModelInfo(name="m", endpoint="e", local=True), None, "gpt-4o-mini")
    assert (local.price_in, local.price_out) == (0.0, 0.0)
    assert cost_of(local, None, None, None) == 0.0
    assert cost_of(ModelInfo(name="m", endpoint="e", local=True), 5, 0, 5) == 0.0
    stranger = priced(ModelInfo(name="m", endpoint="e"), None, "gpt-4o-mini")
    assert stranger.price_in is None
    told = priced(ModelInfo(name="m", endpoint="e", price_in=5.0, price_out=6.0, context=9), "openai", "gpt-4o-mini")
    assert (told.price_in, told.price_out, told.context) == (5.0, 6.0, 9)


@pytest.mark.parametrize(("name", "wire", "provider", "model"), [
    ("gpt-5-mini", "openai_http", "openai", "gpt-5-mini"),
    ("o4-mini", "openai_http", "openai", "o4-mini"),
    ("ft:gpt-4o-mini:org::id", "openai_http", "openai", "ft:gpt-4o-mini:org::id"),
    ("openai/gpt-5-mini", "openai_http", "openai", "gpt-5-mini"),
    ("ollama/llama3.2:3b", "openai_http", "ollama", "llama3.2:3b"),
    ("openrouter/meta-llama/llama-3-8b", "openai_http", "openrouter", "meta-llama/llama-3-8b"),
    ("together_ai/x/y", "openai_http", "together", "x/y"),
    ("anthropic/claude-sonnet-4-5", "litellm", "anthropic", "anthropic/claude-sonnet-4-5"),
    ("litellm/openai/gpt-5-mini", "litellm", "openai", "openai/gpt-5-mini"),
    ("litellm/gpt-5-mini", "litellm", None, "gpt-5-mini"),
    ("local:starter", "llama_cpp", None, "starter"),
    ("local:models/x.gguf", "llama_cpp", None, "models/x.gguf"),
    ("scripted", "scripted", None, ""),
    ("scripted:always=ship", "scripted", None, "always=ship"),
    ("recorded:examples/recorded.jsonl", "recorded", None, "examples/recorded.jsonl"),
    ("my.module:Class", "plugin", None, "my.module:Class"),
])
def test_a_name_leads_to_its_wire(name: str, wire: str, provider: str | None, model: str) -> None:
    found = parse_model_name(name)
    assert (found.name, found.wire, found.provider, found.model) == (name, wire, provider, model)


@pytest.mark.parametrize(("name", "base_url", "local"), [
    ("http://127.0.0.1:8000/v1#name", "http://127.0.0.1:8000/v1", True),
    ("http://localhost:8000#name", "http://localhost:8000/v1", True),
    ("http://[::1]:8000/#name", "http://[::1]:8000/v1", True),
    ("http://127.0.0.1:8000/v1/chat/completions#name", "http://127.0.0.1:8000/v1", True),
    ("http://10.0.0.7:8000/v1/#a/b", "http://10.0.0.7:8000/v1", False),
    ("http://127.0.0.1:4000/v1#gpt-5-mini", "http://127.0.0.1:4000/v1", False),  # a proxy to it, and not free
])
def test_an_address_leads_to_its_server(name: str, base_url: str, local: bool) -> None:
    found = parse_model_name(name)
    assert (found.wire, found.base_url, found.local, found.needs_key) == ("openai_http", base_url, local, False)
    assert found.key_env == "SHIP_PANEL_API_KEY"


def test_a_known_providers_address_is_that_provider() -> None:
    found = parse_model_name("https://api.openai.com/v1#gpt-5-mini")
    assert (found.provider, found.key_env, found.needs_key) == ("openai", "OPENAI_API_KEY", True)
    assert parse_model_name("http://api.openai.com/v1#x").key_env == "SHIP_PANEL_API_KEY"  # no key over plain http


@pytest.mark.parametrize(("name", "words"), [
    ("", "not a model's name"),
    ("claude-sonnet-4-5", "did you mean anthropic/claude-sonnet-4-5"),
    ("llama3:8b", "did you mean ollama/llama3:8b"),
    ("scriptd", "did you mean scripted"),
    ("nonsense", "give one of: gpt-5-mini"),
    ("ollama/", "write ollama/NAME"),
    ("local:", "local:starter"),
    ("recorded:", "recorded:FILE"),
    ("./models/x.gguf", "local:./models/x.gguf"),
    ("http://127.0.0.1:8000/v1", "#NAME"),
    ("http://me:hunter2hunter2@host/v1#x", "put the key in SHIP_PANEL_API_KEY"),
    ("http://host:99999/v1#x", "not an address"),
    ("http:///v1#x", "needs a host"),
])
def test_a_name_of_no_known_form_is_said_with_a_remedy(name: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_model_name(name)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_model_or_a_config_error(text: str) -> None:
    try:
        found = parse_model_name(text).name
    except ConfigError as error:
        found = str(error)
    assert "\n" not in found
    assert found == text.strip() or found.startswith("model ")


def test_hosted_endpoints_want_a_key_over_tls_and_local_ones_neither() -> None:
    for endpoint in ENDPOINTS.values():
        assert endpoint.local == is_loopback(endpoint.base_url) == (not endpoint.needs_key)
        assert endpoint.base_url.startswith("http://127.0.0.1:" if endpoint.local else "https://")
        assert (endpoint.key_env is None) == endpoint.local
