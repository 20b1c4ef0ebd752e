"""Every hosted provider that litellm knows, by litellm's own road: one request, one answer, no retry.

Importing this module imports litellm (seconds): load it only for a model that needs it. Of litellm we use the wire and
the names of providers; not its retries, cache, callbacks or budgets. Knows nothing of ladders, retries or money caps.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from panel.errors import ConfigError, ModelDeclined, ModelError, ModelUnavailable
from panel.models.chat import (
    UnreadableError,
    marked_messages,
    read_answer,
    sampling_fields,
    structure_fields,
    told_params,
)
from panel.models.faults import Asked, fault_of, parameter_names, spoiled
from panel.models.prices import cost_of, priced
from panel.models.wires import is_loopback
from panel.schema import Completion, ModelInfo, Request
from panel.settings import secrets

# litellm fetches these from the network while it is imported, or at the first call, unless told not to.
for _variable in ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "BLOG_POSTS", "POLICY_TEMPLATES", "AUTOROUTER_PRESETS"):
    os.environ[f"LITELLM_LOCAL_{_variable}"] = "True"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import litellm
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    litellm.ModelResponse()  # builds its types now, with the warnings that gives

# Said from inside litellm and its clients, on standard error, of a server's loose types; nobody can act on it.
warnings.filterwarnings("ignore", message="Pydantic serializer warnings", category=UserWarning)
litellm.suppress_debug_info = True
litellm.telemetry = False
for _logger in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
    logging.getLogger(_logger).setLevel(logging.CRITICAL)

DRAIN_S = 2.0
"""How long closing waits for what litellm does in the background."""
_DECLINED = (litellm.ContextWindowExceededError, litellm.ContentPolicyViolationError)


class LiteLlm:
    """A model by litellm's name for it (`anthropic/claude-...`), or at `api_base`.

    Raises ConfigError when litellm knows no such provider. `timeout_s` caps a whole call on the wall clock.
    """

    _open: ClassVar[set[int]] = set()
    """Who has asked and not closed: litellm's clients are shared, the last one closes them."""

    def __init__(self, name: str, model: str, *, timeout_s: float = 120.0, info: ModelInfo | None = None,
                 api_base: str | None = None, api_key: str | None = None) -> None:
        bare, provider = _provider_of(name, model)
        self.model = model
        self._provider, self._bare = provider, bare
        self._timeout_s = timeout_s
        self._api_base, self._api_key = api_base, api_key
        endpoint = api_base or f"litellm:{provider}"
        plain = ModelInfo(name=name, endpoint=endpoint, local=bool(api_base and is_loopback(api_base)))
        self._info = info or priced(plain, provider, bare)
        self._asked = Asked(name=name, endpoint=api_base or provider, model=bare)
        self._claude = "claude" in model.lower()
        self._supported = frozenset(litellm.get_supported_openai_params(bare, custom_llm_provider=provider) or ())

    def info(self) -> ModelInfo:
        """What is known without asking it."""
        return self._info

    async def complete(self, request: Request) -> Completion:
        """One request, one answer. Raises ModelUnavailable, ModelDeclined or ModelRejected."""
        LiteLlm._open.add(id(self))
        body, dropped = self._body(request)
        started = time.perf_counter()
        failure: ModelError
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await litellm.acompletion(
                    **body, timeout=self._timeout_s, max_retries=0, num_retries=0, drop_params=True,
                    **({"api_base": self._api_base} if self._api_base else {}),
                    **({"api_key": self._api_key} if self._api_key else {}),
                )
            return self._completion(response, body, dropped, time.perf_counter() - started)
        except TimeoutError:
            failure = ModelUnavailable(self._asked.line(f"no whole answer within {self._timeout_s:g} s"))
        except UnreadableError as error:
            failure = spoiled(self._asked, str(error), str(error.fault or ""), 200)
        except Exception as error:  # litellm passes on whatever its parts raise; nothing of ours runs in here
            failure = self._fault(error, body)
        # Raised out here, with neither cause nor context: litellm's errors hold what the server sent, key included.
        raise failure

    async def close(self) -> None:
        """Let litellm finish its background work in this loop; the last model to close closes its clients."""
        LiteLlm._open.discard(id(self))
        if LiteLlm._open:
            return
        try:
            async with asyncio.timeout(DRAIN_S):
                await GLOBAL_LOGGING_WORKER.flush()
        except TimeoutError:
            pass
        await GLOBAL_LOGGING_WORKER.stop()
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()  # a closed client must not be found again

    def _body(self, request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The call's arguments, and what this provider cannot be told and is therefore left out."""
        newer = "max_tokens" not in self._supported and "max_completion_tokens" in self._supported
        limit = "max_completion_tokens" if newer else "max_tokens"
        options = {limit: request.max_tokens, **sampling_fields(request), **structure_fields(request)}
        dropped = tuple(name for name in options if self._supported and name not in self._supported)
        kept = {name: value for name, value in options.items() if name not in dropped}
        messages: list[Any] = marked_messages(request) if self._claude else list(request.prompt.wire())
        if "tools" in kept:
            kept["_skip_mcp_handler"] = True  # else litellm imports `mcp`, which it does not install (1.106)
        return {"model": self.model, "messages": messages, **kept}, dropped

    def _completion(self, response: Any, body: dict[str, Any], dropped: tuple[str, ...], seconds: float) -> Completion:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic warns of litellm's own loose types
            answer = read_answer(response.model_dump())
        info = self._info
        billed = (getattr(response, "_hidden_params", None) or {}).get("response_cost")
        cost = cost_of(info, answer.tokens_in, answer.tokens_cached, answer.tokens_out)
        if cost is not None and not info.local and isinstance(billed, float) and billed > 0:
            cost = billed  # knows what writing to a cache costs, too
        return Completion(
            text=answer.text, finish_reason=answer.finish_reason, reasoning=answer.reasoning,
            tokens_in=answer.tokens_in, tokens_cached=answer.tokens_cached, tokens_out=answer.tokens_out,
            tokens_reasoning=answer.tokens_reasoning, cost_usd=cost, price_version=info.price_version,
            seconds=seconds, model=answer.model, endpoint=info.endpoint, fingerprint=answer.fingerprint,
            http_status=200, logprobs=answer.logprobs, params_sent=told_params(body), params_dropped=dropped,
        )

    def _fault(self, error: Exception, body: dict[str, Any]) -> ModelError:
        """Our error for one of litellm's."""
        own = (self._api_key,) if self._api_key else ()  # litellm finds the others in the environment by itself
        asked = self._asked.model_copy(update={
            "secrets": (*secrets(), *own), "sent": parameter_names(body), "key_env": self._missing_key(error),
        })
        text = _message_of(error)
        if isinstance(error, _DECLINED):
            word = "the prompt is too long" if isinstance(error, _DECLINED[0]) else "declined by content policy"
            return ModelDeclined(asked.line(f"{word} (400)", text), status=400)
        if _is_unconnected(error):
            said = f"no server answers at {self._api_base or self._provider}; is it running, and the network up?"
            return ModelUnavailable(asked.line(said), refused=True)
        status = getattr(error, "status_code", None)
        if not isinstance(status, int):
            return spoiled(asked, f"gave no answer ({type(error).__name__})", text)
        return fault_of(asked, status, text, _headers_of(error))

    def _missing_key(self, error: Exception) -> str | None:
        """The variable to set, for the errors that are about keys."""
        if getattr(error, "status_code", None) not in (401, 403):
            return None
        missing = litellm.validate_environment(self.model).get("missing_keys") or []
        return " and ".join(missing) or f"the key of {self._provider}"


def _provider_of(name: str, model: str) -> tuple[str, str]:
    """litellm's own split of a name into model and provider."""
    try:
        bare, provider, _, _ = litellm.get_llm_provider(model)
    except litellm.BadRequestError:
        given = model.partition("/")[0]
        raise ConfigError(f"model {name!r}: litellm knows no provider {given!r}; write PROVIDER/MODEL as litellm does, "
                          "as in anthropic/claude-sonnet-4-5") from None
    return bare, provider


def _message_of(error: Exception) -> str:
    """What went wrong without litellm's and the client's prefixes."""
    text = str(getattr(error, "message", "") or error)
    while (start := text.partition(": "))[1] and start[0].startswith("litellm."):
        text = start[2]
    return text.partition(" - ")[2] if text.partition(" - ")[0].endswith("Exception") else text


def _is_unconnected(error: BaseException) -> bool:
    """Whether, under all wrappings, no connection came about."""
    seen = 0
    cause: BaseException | None = error
    while cause is not None and seen < 10:
        if isinstance(cause, ConnectionRefusedError | socket.gaierror):
            return True
        if type(cause).__name__ in ("ClientConnectorError", "ClientConnectorDNSError", "ConnectError"):
            return True
        cause, seen = cause.__cause__ or cause.__context__, seen + 1
    return False


def _headers_of(error: Exception) -> Mapping[str, str]:
    for holder in (getattr(error, "response", None), error):
        for name in ("headers", "litellm_response_headers"):
            headers = getattr(holder, name, None)
            if headers:
                return dict(headers)
    return {}
