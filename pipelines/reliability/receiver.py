"""A receiver on this machine that fails as told: it refuses some requests and hangs up on others that it has taken."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

KEY_NAME = "DQM_RELIABILITY_KEY"
KEY = "whsec_" + "bHVtaWNlcnQgcmVsaWFiaWxpdHkgYmVuY2htYXJr"
"""The secret of its signatures, a text of this file in base64: nothing is protected by it."""
FAILS, LOSES = 0.3, 0.1
"""Shares of the requests that are refused, and of those that are taken and not answered."""


class Receiver(ThreadingHTTPServer):
    """Listens on a free port; what it took is in ``log``, one JSON line each: path, id, body. ``seed`` None: sound."""

    daemon_threads = True

    def __init__(self, log: Path, seed: int | None = None) -> None:
        self.log, self.lock, self.maker = log, threading.Lock(), os.getpid()
        self.draw = None if seed is None else np.random.default_rng(seed)
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fate(self) -> float:
        """A number in [0, 1) for one request: refused where it is small, lost where it is large."""
        with self.lock:
            return 0.5 if self.draw is None else float(self.draw.random())

    def service_actions(self) -> None:
        """End with the process that made it, however that ended."""
        if self.maker not in (os.getpid(), os.getppid()):
            os._exit(0)

    def take(self, path: str, id_: str, body: bytes) -> None:
        """Remember one."""
        line = json.dumps({"path": path, "id": id_, "body": body.decode()})
        with self.lock, self.log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed client is no error of ours."""

    @contextmanager
    def in_a_thread(self) -> Iterator[Receiver]:
        """Serve while the block runs."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        body, fate = self.rfile.read(size), self.server.fate()
        if fate >= FAILS and len(body) == size:  # a client that was killed in the middle has said nothing
            self.server.take(self.path, self.headers["webhook-id"], body)
        if fate < 1 - LOSES:
            self.send_response(503 if fate < FAILS else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the library)
        """Say nothing."""


def taken(log: Path, path: str) -> dict[str, list[str]]:
    """What was taken under a path: the bodies of every id."""
    found: dict[str, list[str]] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        if line.endswith("}") and (row := json.loads(line))["path"] == path:
            found.setdefault(row["id"], []).append(row["body"])
    return found


def hook(url: str, types: tuple[str, ...] = ("*",)) -> dict[str, Any]:
    """The configuration of alerts that tell it alone, of events of these types."""
    receiver = {"kind": "webhook", "name": "hook", "url": url, "secret_env": KEY_NAME, "types": types}
    often = {"attempts": 50, "first_delay": 0.1, "longest_delay": 0.5, "total_timeout": 5.0}
    return {"allow": ["127.0.0.1"], "receiver": [receiver]} | often
