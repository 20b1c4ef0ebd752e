"""OpenAI's files and batches, by litellm's calls: upload, create, find again, look at, download.

Importing this module imports litellm (seconds): load it only where a batch is really sent or looked at. Retries are
ours. Knows nothing of journals or of what the rows say.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import tenacity

from panel.errors import ModelError, ModelRejected, ModelUnavailable
from panel.journal import disk_error
from panel.models.batch_wires import NO_KEY, BatchWire
from panel.models.chat import Answer, told_params
from panel.models.faults import Asked, fault_of, spoiled
from panel.models.litellm import LiteLlm  # noqa: F401  sets litellm up: no network, no talk
from panel.models.prices import cost_of
from panel.schema import Completion, ModelInfo, Record
from panel.settings import Retry

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import httpx
    import litellm
    import openai

ENDPOINT = "/v1/chat/completions"
TRANSFER_S = 600.0
"""How long a file of rows may take to go, or come."""
PAGE = 100
PAGES = 50
"""As far back as a batch is looked for among those of the account, newest first."""
FINISHED = frozenset({"completed", "expired", "cancelled", "failed"})
Result = TypeVar("Result")


class BatchState(Record):
    """A batch as the provider shows it."""

    id: str
    status: str
    file_id: str
    completed: int = 0
    failed: int = 0
    total: int = 0
    expires_at: int | None = None
    """Unix time."""
    files: tuple[str, ...] = ()
    """What it has put out: answers, then errors."""
    problem: str | None = None
    """Why the whole of it failed."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in FINISHED


class BatchApi:
    """The batches of one model's provider. Methods raise ModelUnavailable when patience ends, or ModelRejected."""

    def __init__(self, wire: BatchWire, retry: Retry, timeout_s: float) -> None:
        self.model = wire.model
        self._retry = retry
        self._timeout_s = timeout_s
        self._asked = Asked(name=wire.name, endpoint=wire.base_url, model=wire.model, key_env=wire.key_env,
                            secrets=() if wire.api_key == NO_KEY else (wire.api_key,))
        self._where: dict[str, Any] = {"custom_llm_provider": wire.speaks, "api_base": wire.base_url,
                                       "api_key": wire.api_key, "max_retries": 0}

    async def upload(self, path: Path) -> str:
        """The id of the file at the provider. A file that nobody uses costs nothing, so this is tried again freely."""
        async def send() -> Any:
            with path.open("rb") as file:
                return await litellm.acreate_file(file=file, purpose="batch", timeout=TRANSFER_S, **self._where)

        return str((await self._again(send)).id)

    async def create(self, file_id: str, tag: dict[str, str]) -> BatchState:
        """A batch over an uploaded file. After a fault it is looked for by its tag before it is asked for again."""
        async def make() -> BatchState:
            made = await self._call(lambda: litellm.acreate_batch(
                completion_window="24h", endpoint=ENDPOINT, input_file_id=file_id, metadata=tag,
                timeout=self._timeout_s, **self._where))
            return _state(made)

        async def make_or_find() -> BatchState:
            try:
                return await make()
            except ModelUnavailable as fault:
                try:
                    found = await self.find(tag)
                except ModelRejected:  # who cannot list does not say that nothing was made
                    found = None
                if found is None:
                    raise fault from None
                return found

        return await self._patiently(make_or_find)

    async def find(self, tag: dict[str, str]) -> BatchState | None:
        """The batch that carries this tag; None when the account has none such among its newest."""
        after: str | None = None
        for _ in range(PAGES):
            page = await self._again(lambda after=after: litellm.alist_batches(  # type: ignore[misc]
                after=after or openai.NOT_GIVEN, limit=PAGE, timeout=self._timeout_s, **self._where))
            for batch in page.data:
                if all((batch.metadata or {}).get(name) == value for name, value in tag.items()):
                    return _state(batch)
            if not page.data or not page.has_more:
                return None
            after = page.data[-1].id
        return None

    async def look(self, batch_id: str) -> BatchState:
        """How far a batch is."""
        # Left to itself litellm downloads the answers of a finished batch, to log what they cost.
        unlogged = {"batch_ignore_default_logging": True}
        return _state(await self._again(lambda: litellm.aretrieve_batch(
            batch_id=batch_id, litellm_metadata=unlogged, timeout=self._timeout_s, **self._where)))

    async def download(self, file_id: str, path: Path) -> None:
        """Write what a batch put out to `path`, piece by piece. Raises StoreError too."""
        async def fetch() -> None:
            content = await litellm.afile_content(file_id=file_id, stream=True, timeout=TRANSFER_S, **self._where)
            try:
                with path.open("wb") as file:
                    async for piece in content.stream_iterator:
                        file.write(piece)
            except OSError as error:
                raise disk_error(error, path) from error

        await self._again(fetch)

    async def _again(self, call: Callable[[], Awaitable[Result]]) -> Result:
        async def once() -> Result:
            return await self._call(call)

        return await self._patiently(once)

    async def _patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """The call, tried again as long as `[retry]` says."""
        wait = tenacity.wait_random_exponential(multiplier=self._retry.wait, max=self._retry.longest_wait)

        def wait_as_told(state: tenacity.RetryCallState) -> float:
            told = getattr(state.outcome.exception() if state.outcome else None, "retry_after", None)
            return wait(state) if told is None else float(told)

        return await tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(ModelUnavailable), wait=wait_as_told, reraise=True,
            stop=tenacity.stop_after_delay(self._retry.patience))(call)

    async def _call(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """One try; what litellm and its client raise becomes one of our errors."""
        failure: ModelError
        try:
            return await call()
        except (openai.APIStatusError, openai.APIConnectionError, httpx.HTTPError) as error:
            failure = self._fault(error)
        # Raised out here, without the cause: it holds what the server sent, and that may hold the key.
        raise failure

    def _fault(self, error: Exception) -> ModelError:
        if isinstance(error, openai.APIStatusError):
            headers = dict(error.response.headers)
            return fault_of(self._asked, error.status_code, json.dumps({"error": error.body}, default=str), headers)
        if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
            said = f"no whole answer from {self._asked.endpoint} in time"
            return ModelUnavailable(self._asked.line(said))
        if isinstance(error, openai.APIConnectionError | httpx.ConnectError):
            said = f"no server answers at {self._asked.endpoint}; is it running, and the network up?"
            return ModelUnavailable(self._asked.line(said), refused=True)
        return spoiled(self._asked, "broke off the connection", str(error))

    def row_fault(self, status: int, body: Any, sent: tuple[str, ...]) -> ModelError:
        """The error that a row's status and body stand for, a failed call's own."""
        return fault_of(self._asked.model_copy(update={"sent": sent}), status, json.dumps(body))

    def row_spoiled(self, problem: str, detail: str = "") -> ModelError:
        """The error of a row that holds no answer."""
        return spoiled(self._asked, problem, detail)

    def failed(self, problem: str) -> ModelError:
        """The error of rows whose batch was refused as a whole."""
        return ModelRejected(self._asked.line("the batch was refused", problem))


def _state(batch: Any) -> BatchState:
    counts, errors = batch.request_counts, getattr(batch.errors, "data", None) or ()
    return BatchState(
        id=batch.id, status=batch.status, file_id=batch.input_file_id, expires_at=batch.expires_at,
        completed=counts.completed if counts else 0, failed=counts.failed if counts else 0,
        total=counts.total if counts else 0,
        files=tuple(file for file in (batch.output_file_id, batch.error_file_id) if file),
        problem=next((str(error.message) for error in errors if error.message), None),
    )


def completion_of(info: ModelInfo, answer: Answer, body: dict[str, Any]) -> Completion:
    """The completion of a row that was answered to `body`, at the batch prices of `info`."""
    return Completion(
        text=answer.text, finish_reason=answer.finish_reason, reasoning=answer.reasoning,
        tokens_in=answer.tokens_in, tokens_cached=answer.tokens_cached, tokens_out=answer.tokens_out,
        tokens_reasoning=answer.tokens_reasoning, model=answer.model, endpoint=info.endpoint,
        cost_usd=cost_of(info, answer.tokens_in, answer.tokens_cached, answer.tokens_out),
        price_version=info.price_version, fingerprint=answer.fingerprint, http_status=200,
        logprobs=answer.logprobs, params_sent=told_params(body),
    )
