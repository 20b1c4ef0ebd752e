"""A loopback server that speaks OpenAI's files and batches, and chat completions beside them. For tests and timing.

Rows are answered with `panel.models.scripted`, as `fault_server` answers calls. Which rows expire or fail is
fixed by their custom_id. `python tests/batch_server.py [PORT [EXPIRED]]` serves until killed and prints its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from fault_server import scripted

from panel.models.scripted import Options

LAPSES_S = 24 * 3600


@dataclass
class Job:
    """One batch."""

    id: str
    file_id: str
    metadata: dict[str, str]
    created: float
    rows: list[dict[str, Any]]
    status: str = "validating"
    output_file_id: str | None = None
    error_file_id: str | None = None
    completed: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class BatchServer:
    """`with BatchServer(expired=0.05) as server: server.url`. Runs in a thread with a loop of its own."""

    expired: float = 0.0
    """Share of rows that are not done when the batch ends; it then ends as expired."""
    failed: float = 0.0
    """Share of rows that end with a 500."""
    declined: float = 0.0
    """Share of rows that end with a content policy error."""
    refused: str | None = None
    """A parameter (response_format) with which every row ends in a 400."""
    invalid: bool = False
    """Every batch fails when it is looked at, with no row worked on."""
    delay: float = 0.0
    """Seconds until a batch is finished."""
    lose_created: int = 0
    """How many of the next batches are made and then answered with a 500."""
    hang_uploads: int = 0
    """How many of the next files are taken and never answered for."""
    hang_created: int = 0
    """How many of the next batches are made and never answered for."""
    options: Options = field(default_factory=Options)
    port: int = 0
    uploads: int = 0
    downloads: int = 0
    calls: int = 0
    """Chat completions, asked one by one."""
    paid: Counter[str] = field(default_factory=Counter)
    """custom_id → how often it was answered and billed."""
    jobs: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hanging = threading.Event()
        """Set once somebody is left without an answer."""
        self._files: dict[str, bytes] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> BatchServer:
        self._thread.start()
        assert self._ready.wait(10), "the batch server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=512 * 1024 * 1024)
        app.add_routes([
            web.post("/v1/files", self._upload), web.get("/v1/files/{id}/content", self._content),
            web.post("/v1/batches", self._create), web.get("/v1/batches", self._list),
            web.get("/v1/batches/{id}", self._retrieve), web.post("/v1/batches/{id}/cancel", self._cancel),
            web.post("/v1/chat/completions", self._chat),
        ])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        assert form["purpose"] == "batch"
        self.uploads += 1
        file_id = f"file-{self.uploads}"
        self._files[file_id] = upload.file.read()
        if self.hang_uploads:
            self.hang_uploads -= 1
            await self._hang()
        return web.json_response(self._file(file_id, upload.filename))

    def _file(self, file_id: str, name: str) -> dict[str, Any]:
        return {"id": file_id, "object": "file", "bytes": len(self._files[file_id]), "created_at": int(time.time()),
                "filename": name, "purpose": "batch", "status": "processed"}

    async def _content(self, request: web.Request) -> web.Response:
        self.downloads += 1
        return web.Response(body=self._files[request.match_info["id"]])

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert asked["endpoint"] == "/v1/chat/completions"
        assert asked["completion_window"] == "24h"
        rows = [json.loads(line) for line in self._files[asked["input_file_id"]].splitlines()]
        assert len({row["custom_id"] for row in rows}) == len(rows), "a custom_id twice"
        assert all(row["method"] == "POST" and row["url"] == asked["endpoint"] for row in rows)
        job = Job(f"batch_{len(self.jobs) + 1}", asked["input_file_id"], asked.get("metadata") or {}, time.time(), rows)
        self.jobs[job.id] = job
        if self.lose_created:
            self.lose_created -= 1
            return _fault(500, "the server had an error")
        if self.hang_created:
            self.hang_created -= 1
            await self._hang()
        return web.json_response(self._shown(job))

    async def _hang(self) -> None:
        self.hanging.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), 3600)

    async def _list(self, request: web.Request) -> web.Response:
        newest = list(reversed(self.jobs.values()))
        after = request.query.get("after")
        if after:
            newest = newest[[job.id for job in newest].index(after) + 1:]
        limit = int(request.query.get("limit", "20"))
        page = [self._shown(job) for job in newest[:limit]]
        return web.json_response({"object": "list", "data": page, "has_more": len(newest) > limit,
                                  "first_id": page[0]["id"] if page else None,
                                  "last_id": page[-1]["id"] if page else None})

    async def _retrieve(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return _fault(404, f"No batch found with id '{request.match_info['id']}'.")
        self._work(job)
        return web.json_response(self._shown(job))

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs[request.match_info["id"]]
        job.status = "cancelled"
        return web.json_response(self._shown(job))

    async def _chat(self, request: web.Request) -> web.Response:
        self.calls += 1
        return web.json_response(scripted(self, await request.json()))

    def _shown(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "input_file_id": job.file_id, "status": job.status, "created_at": int(job.created),
            "expires_at": int(job.created + LAPSES_S), "output_file_id": job.output_file_id,
            "error_file_id": job.error_file_id, "metadata": job.metadata,
            "errors": {"object": "list", "data": job.errors} if job.errors else None,
            "request_counts": {"total": len(job.rows), "completed": job.completed, "failed": job.failed},
        }

    def _work(self, job: Job) -> None:
        """Answer the rows of a batch whose time has come."""
        if job.status not in ("validating", "in_progress"):
            return
        job.status = "in_progress"
        if time.time() < job.created + self.delay:
            return
        if self.invalid:
            job.status = "failed"
            job.errors = [{"code": "invalid_json_line", "line": 1, "message": "This line is not parseable as JSON.",
                           "param": None}]
            return
        lines = [self._answered(row) for row in job.rows]
        good = [line for line in lines if line["error"] is None and line["response"]["status_code"] == 200]
        bad = [line for line in lines if line not in good] if len(good) < len(lines) else []
        job.completed, job.failed = len(good), len(bad)
        job.output_file_id = self._kept(f"{job.id}-output", good)
        job.error_file_id = self._kept(f"{job.id}-errors", bad)
        job.status = "expired" if any(line["error"] for line in lines) else "completed"

    def _kept(self, name: str, lines: list[dict[str, Any]]) -> str | None:
        self._files[name] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return name if lines else None

    def expires(self, key: str) -> bool:
        """Whether a row is not done when its batch ends."""
        return _lot(key) < self.expired

    def _answered(self, row: dict[str, Any]) -> dict[str, Any]:
        key = row["custom_id"]
        line: dict[str, Any] = {"id": f"batch_req_{key}", "custom_id": key, "response": None, "error": None}
        lot = _lot(key)
        if self.expires(key):
            line["error"] = {"code": "batch_expired", "message": "This request could not be executed before the "
                                                                 "completion window expired."}
            return line
        lot -= self.expired
        if lot < self.failed:
            return line | {"response": _response(500, _error("the server had an error"))}
        lot -= self.failed
        if lot < self.declined:
            return line | {"response": _response(400, _error("Your request was rejected by our safety system.",
                                                             code="content_policy_violation"))}
        if self.refused and self.refused in row["body"]:
            said = f"Invalid parameter: '{self.refused}' is not supported with this model."
            return line | {"response": _response(400, _error(said, param=self.refused))}
        self.paid[key] += 1
        return line | {"response": _response(200, scripted(self, row["body"]))}


def _lot(key: str) -> float:
    return int(hashlib.sha256(f"lot/{key}".encode()).hexdigest()[:8], 16) / 16**8


def _response(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": "req_1", "body": body}


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def _fault(status: int, message: str) -> web.Response:
    return web.json_response(_error(message), status=status)


if __name__ == "__main__":
    given_port, given_expired = (*sys.argv[1:], "0", "0")[:2]
    with BatchServer(port=int(given_port), expired=float(given_expired)) as running:
        print(running.url, flush=True)
        threading.Event().wait()
