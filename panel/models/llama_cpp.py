"""A GGUF file run in this process by llama.cpp, behind its own loopback server: one wire with every other endpoint.

The server is started by the first call, listens on 127.0.0.1 only, on a port and with a key nobody else knows, and dies
with the process. Knows nothing of where the file came from (`registry`) or how the wire works (`openai_http`).
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import os
import re
import secrets
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from panel.errors import ConfigError, ModelRejected
from panel.models.openai_http import OpenAiHttp
from panel.models.registry import entries, find_entry, model_path
from panel.schema import Completion, ModelInfo, Request

FIELDS_BELOW = 1.0
"""Billions of parameters under which a model is asked one field at a time: it cannot hold a whole answer together."""
CONTEXT = 8192
"""Tokens to open a file with that no registry knows; room for a long dossier, without gigabytes of cache."""
BYTES_A_PARAMETER = 0.62
"""Of a 4-bit file: to guess the size of a model from the size of its file."""


class LlamaCpp:
    """`local:NAME` or `local:FILE.gguf`. Raises ConfigError when the engine or the file is not here."""

    def __init__(self, name: str, timeout_s: float = 120.0) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise ConfigError(f"local:{name} needs llama.cpp: run pip install 'ship-panel[local]'")
        path = model_path(name)
        if path is None:
            raise ConfigError(_not_here(name))
        self._path = path
        self._timeout_s = timeout_s
        self._info = describe(name, path)
        self._starting = threading.Lock()
        self._server: Any = None
        self._wire: OpenAiHttp | None = None

    def info(self) -> ModelInfo:
        """What the registry, or the size of the file, says."""
        return self._info

    async def complete(self, request: Request) -> Completion:
        """One request, one answer; the first starts the server (about half a second for the starter)."""
        wire = self._wire
        if wire is None:
            wire = await asyncio.to_thread(self._start)
        return await wire.complete(request)

    async def close(self) -> None:
        """Close the connection and stop the server."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()
        self._server = None
        gc.collect()  # the server's threads end when its object goes

    def _start(self) -> OpenAiHttp:
        with self._starting:
            wire = self._wire
            if wire is None:
                key = secrets.token_urlsafe(24)
                self._server = start_server(self._path, self._info.context or CONTEXT, key)
                wire = OpenAiHttp(self._info.name, f"{self._server.listening_address}/v1", self._path.stem,
                                  api_key=key, timeout_s=self._timeout_s, info=self._info)
                self._wire = wire
            return wire


def start_server(path: Path, context: int, key: str) -> Any:
    """An xllamacpp.Server on a free loopback port. Raises ModelRejected when the file is no model it can run.

    One slot: the seats of a tool share its prefix there, and on few cores four slots at once are slower than one.
    """
    # With spinning threads a second busy process slows generation 30-fold. Read once, when OpenMP is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    threads = physical_cores(Path("/proc/cpuinfo"), allowed_cpus())
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_parallel = 1
    params.n_ctx = context
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # With flash attention the probabilities of one prompt differ by up to 0.06 with how much of it was in the cache.
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0  # the slot keeps the prefix; copies of old dossiers would only fill memory
    params.verbosity = 0
    params.model_alias = {path.name}  # or the answers would name the path on this machine
    params.ui = False
    try:
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise ModelRejected(f"{path}: llama.cpp cannot run this file ({' '.join(str(error).split())}); is it a whole "
                            "GGUF model?") from error


def describe(name: str, path: Path) -> ModelInfo:
    """What is known of a local model without opening it."""
    entry = find_entry(name)
    billions = entry.parameters if entry else path.stat().st_size / BYTES_A_PARAMETER / 1e9
    return ModelInfo(
        name=f"local:{name}", endpoint=f"llama.cpp:{path.name}", local=True,
        context=entry.context if entry else CONTEXT,
        parameters=round(billions, 3), max_in_flight=1, logprobs=True, continues=True, vendor="llama.cpp",
        price_in=0.0, price_cached=0.0, price_out=0.0, price_version="local",
        # llama.cpp enforces a schema by grammar, so nothing need be checked.
        rung="fields" if billions < FIELDS_BELOW else "json_schema",
        caption=entry.caption if entry else None,
    )


def allowed_cpus() -> set[int]:
    """The logical processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def physical_cores(cpuinfo: Path, allowed: Collection[int]) -> int:
    """How many physical cores the allowed logical processors make; all of them where nothing tells cores apart."""
    try:
        text = cpuinfo.read_text()
    except OSError:
        return max(1, len(allowed))
    cores = set()
    for block in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(processor|physical id|core id)\s*:\s*(\d+)", block, re.MULTILINE))
        if "processor" in fields and int(fields["processor"]) in allowed:
            core = fields.get("core id", f"processor {fields['processor']}")
            cores.add((fields.get("physical id", "0"), core))
    return len(cores) or max(1, len(allowed))


def _not_here(name: str) -> str:
    if find_entry(name) is not None:
        return f"model {name} is not on this machine yet: run ship-panel models pull {name}"
    known = ", ".join(entry.name for entry in entries())
    return f"local:{name}: there is no such file, and no registered model of that name (there are: {known})"
