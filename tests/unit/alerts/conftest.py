"""A store that is quickly made, a clock that is told the time, and receivers on this machine that misbehave as asked."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config
from dqm.model.events import Event
from dqm.store.store import Store
from pipelines.alerts.outside import Outside

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The key of the published test vector of Standard Webhooks."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, made once."""
    path = tmp_path_factory.mktemp("store") / "certification"
    Store.create(path).close()
    return path


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty store of one's own."""
    path = tmp_path / "certification"
    shutil.copytree(template, path)
    with Store.open(path) as opened:
        yield opened


class Clock:
    """The time, which passes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def outside(clock: Clock, tmp_path: Path) -> Outside:
    """The way out to this machine alone."""
    environment = {"HOOK_KEY": SECRET, "TOKEN": "bearer-xyzzy", "MAIL_PASSWORD": "swordfish-9"}
    return Outside(("127.0.0.1",), 2.0, 5.0, tmp_path, environment, clock)


@pytest.fixture
def post(store: Store, clock: Clock) -> Callable[..., None]:
    """Post events as a change of the store does."""

    def posted(*events: Event) -> None:
        with store.transaction(at=clock()) as change:
            change.emit(events)

    return posted


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """A configuration with receivers: ``configured({"kind": "log"}, attempts=3)``."""

    def made(*receivers: dict[str, Any], **alerts: Any) -> Config:
        given = AlertsConfig.model_validate({"allow": ("127.0.0.1",), "receiver": receivers, **alerts})
        return Config(alerts=given, folder=tmp_path)

    return made


@dataclass
class Request:
    """What a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Desk:
    """A receiver on 127.0.0.1: ``answer(n)`` tells status and headers for the n-th request, None to hang up."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[int], tuple[int, dict[str, str], bytes] | None] = lambda n: (204, {}, b"")
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def ids(self) -> list[str]:
        """The webhook-id of every request."""
        return [each.headers["webhook-id"] for each in self.requests]


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = {key.lower(): value for key, value in self.headers.items()}
            desk.requests.append(Request(self.path, names, body))
            said = desk.answer(len(desk.requests))
            if said is None:
                self.close_connection = True
                return
            status, headers, content = said
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            """Nobody asks; who follows a redirect does."""
            desk.requests.append(Request(self.path, {}, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the library)
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A receiver that says 204; stopped at the end."""
    made = Desk()
    server = _Server(("127.0.0.1", 0), _handler(made))
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Encrypted:
    """A server on this machine that says 200 by TLS, and the file of its certificate, which nobody has signed."""

    port: int
    certificate: Path


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate for 127.0.0.1 made for the test, as a server needs it and as a file."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=desk"
    outputs = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run([*command.split(), *outputs], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with: install it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.fixture
def encrypted(certified: tuple[ssl.SSLContext, Path]) -> Iterator[Encrypted]:
    """That server."""
    context, certificate = certified
    desk = Desk(answer=lambda n: (200, {}, b"fine"))
    server = _Server(("127.0.0.1", 0), _handler(desk))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield Encrypted(server.server_address[1], certificate)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hook(desk: Desk) -> dict[str, Any]:
    """The configuration of a web hook at that desk."""
    return {"kind": "webhook", "url": f"{desk.url}/hook?token=hidden-in-query", "secret_env": "HOOK_KEY"}
