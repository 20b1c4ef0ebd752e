"""A loopback launch feed: what it serves is set night by night, and it can be down, slow, endless or redirect.

`with FeedServer() as feed: feed.serve(lines)`; `feed.url` is its address. Requests are counted in `feed.asked`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FeedServer:
    """Serves on a thread of its own until the block ends."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {"Content-Type": "application/x-ndjson"}
        self.body = b""
        self.drip_s = 0.0
        """Seconds between two bytes."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The address of the feed."""
        return f"http://127.0.0.1:{self._server.server_port}/launches.jsonl"

    def serve(self, records: Iterable[dict[str, Any]] | bytes, status: int = 200, **headers: str) -> None:
        """What comes from now on: JSON lines of the records, or these bytes."""
        self.body = records if isinstance(records, bytes) else b"".join(
            json.dumps(record).encode() + b"\n" for record in records)
        self.status = status
        self.headers = {"Content-Type": "application/x-ndjson"} | {
            name.replace("_", "-"): value for name, value in headers.items()}

    def down(self) -> None:
        """Answers 503 from now on."""
        self.serve(b"the feed is being mended", status=503, Content_Type="text/plain")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        feed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed.asked.append(self.path)
                self.send_response(feed.status)
                for name, value in feed.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    if not feed.drip_s:
                        self.wfile.write(feed.body)
                        return
                    for byte in feed.body:
                        self.wfile.write(bytes([byte]))
                        time.sleep(feed.drip_s)
                except OSError:  # the reader has had enough
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def __enter__(self) -> FeedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
