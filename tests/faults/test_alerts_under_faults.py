"""Alerts through a receiver that fails, loses answers and whose relay is killed: all arrive, none is pending."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config
from dqm.model.events import Event
from dqm.store.store import Store
from pipelines.alerts import relay as module
from pipelines.alerts.outside import Outside
from pipelines.alerts.relay import relay

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Flaky(ThreadingHTTPServer):
    """Fails 30% of the requests and hangs up on 10% after it has taken them; ``got`` maps an id to its bodies."""

    daemon_threads = True

    def __init__(self, seed: int) -> None:
        self.got: dict[str, list[bytes]] = {}
        self.draw, self.lock = np.random.default_rng(seed), threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def fate(self) -> float:
        """A number in [0, 1) for one request."""
        with self.lock:
            return float(self.draw.random())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed client."""


class _Handler(BaseHTTPRequestHandler):
    server: Flaky

    def do_POST(self) -> None:
        body, fate = self.rfile.read(int(self.headers["Content-Length"])), self.server.fate()
        if fate >= 0.3:
            with self.server.lock:
                self.server.got.setdefault(self.headers["webhook-id"], []).append(body)
        if fate < 0.9:
            self.send_response(503 if fate < 0.3 else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the library)
        """Say nothing."""


@pytest.fixture
def flaky() -> Iterator[Flaky]:
    """A receiver on this machine, stopped at the end."""
    server = Flaky(seed=4)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def posted(store: Store, n: int) -> set[str]:
    """Post ``n`` anomalies of as many runs; their ids."""
    events = [Event("anomaly.opened", f"run {i}", {"n": i}, i, "A") for i in range(n)]
    with store.transaction() as change:
        change.emit(events)
    return {each.id for each in events}


def settings(server: Flaky, folder: Path) -> AlertsConfig:
    """One web hook, tried again soon and for long."""
    hook = {"kind": "webhook", "url": f"http://127.0.0.1:{server.server_address[1]}/", "secret_env": "HOOK_KEY"}
    given = {"allow": ["127.0.0.1"], "receiver": [hook], "attempts": 50, "first_delay": 0.1, "longest_delay": 0.5}
    return AlertsConfig.model_validate(given)


def check(store: Store, server: Flaky, ids: set[str]) -> None:
    """Everything arrived and was confirmed; what came twice is the same."""
    assert server.got.keys() == ids
    assert store.deliveries.counts() == {"done": len(ids), "pending": 0, "dead": 0, "held": 0, "silenced": 0}
    assert all(json.loads(body)["id"] == id_ for id_, bodies in server.got.items() for body in bodies)
    assert all(len(set(bodies)) == 1 for bodies in server.got.values())


class KilledError(BaseException):
    """What stands for SIGKILL between sending and entering the outcome."""


@pytest.mark.parametrize("n", [60, pytest.param(500, marks=pytest.mark.slow)])  # 500: eight seconds of the processor
def test_all_arrive_through_a_receiver_that_fails_and_a_relay_that_dies(
    flaky: Flaky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    """Mutants: marked done before sent (lost); a fresh id for each attempt (doubled)."""
    now, send, count = [datetime(2026, 11, 25, tzinfo=UTC)], module._send, [0]
    outside = Outside(("127.0.0.1",), environment={"HOOK_KEY": KEY}, clock=lambda: now[0])

    def killed_now_and_then(*args: Any) -> None:
        count[0] += 1
        send(*args)
        if count[0] % 15 == 0:
            raise KilledError

    monkeypatch.setattr(module, "_send", killed_now_and_then)
    monkeypatch.setattr(module, "RESTS_AFTER", 1000)
    with Store.create(tmp_path / "store") as store:
        ids, kills = posted(store, n), 0
        config = Config(alerts=settings(flaky, tmp_path))
        for _ in range(100):
            try:
                if relay(config, store, outside=outside).complete:
                    break
            except KilledError:
                kills += 1
            now[0] += timedelta(seconds=120)
        check(store, flaky, ids)
    assert kills >= n // 40
    assert max(map(len, flaky.got.values())) > 1, "nothing came twice: the faults did not happen"


@pytest.mark.slow  # twenty processes
def test_all_arrive_although_the_relay_is_killed(flaky: Flaky, tmp_path: Path) -> None:
    """SIGKILL as soon as another 25 requests have come in, then the relay is started again."""
    alerts = settings(flaky, tmp_path)
    hook = alerts.receiver[0]
    config = tmp_path / "dqm.toml"
    config.write_text(
        "[store]\npath = 'store'\n[alerts]\nallow = ['127.0.0.1']\nattempts = 50\nfirst_delay = 0.1\n"
        "longest_delay = 0.5\ntotal_timeout = 0.5\n[[alerts.receiver]]\nkind = 'webhook'\n"
        f"url = '{hook.parameters['url']}'\nsecret_env = 'HOOK_KEY'\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pipelines.cli", "alerts", "relay", "--config", str(config), "--wait", "120"]
    with Store.create(tmp_path / "store") as store:
        ids = posted(store, 500)
        for _ in range(12):
            before = sum(map(len, list(flaky.got.values())))
            with subprocess.Popen(command, env=os.environ | {"HOOK_KEY": KEY}, stderr=subprocess.PIPE) as process:
                while process.poll() is None and sum(map(len, list(flaky.got.values()))) < before + 25:
                    threading.Event().wait(0.005)
                process.send_signal(signal.SIGKILL)
        done = subprocess.run(command, env=os.environ | {"HOOK_KEY": KEY}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        check(store, flaky, ids)
