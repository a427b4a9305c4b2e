"""``dqm serve-health``: whether the process lives, whether the store can be worked with, and numbers for Prometheus.

``/healthz`` answers while the process lives. ``/readyz`` answers 200 where the store can be read, a champion is there
and a night finished in time, else 503 with the reasons. ``/metrics`` is the Prometheus text format; its label values
come from closed lists, so the number of series does not grow with the runs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from dqm import __version__
from dqm.model.errors import InputError, StoreError
from dqm.model.verdicts import Decision
from dqm.store.deliveries import STATES
from dqm.store.nights import FAILED, FINISHED, INTERRUPTED, RUNNING
from dqm.store.store import Store
from pipelines.nightly.status import Status, status

TEXT, JSON = "text/plain; version=0.0.4; charset=utf-8", "application/json"

Answer = tuple[int, str, str]
"""Status, type of the content, content."""


def ready(path: Path, within: float) -> Answer:
    """Whether the store can be worked with; 503 with every reason why not."""
    try:
        with Store.open(path) as store:
            found = status(store, within or None)
    except StoreError as error:
        return 503, JSON, json.dumps({"ready": False, "reasons": [str(error)]})
    reasons = [] if found.champion else ["no model; make one with: dqm train"]
    if found.overdue:
        reasons.append(f"no night finished within {within:g} hours")
    return (503 if reasons else 200), JSON, json.dumps({"ready": not reasons, "reasons": reasons})


def metrics(path: Path) -> Answer:
    """The numbers of the store; where it cannot be read that is one of them."""
    try:
        with Store.open(path) as store:
            text = "".join(_series(status(store), _decisions(store)))
    except StoreError:
        return 200, TEXT, _family("lumicert_store_readable", "gauge", "Whether the store can be read.", {"": 0})
    return 200, TEXT, text


def _decisions(store: Store) -> Counter[str]:
    """Lumisections by what was decided of them."""
    if not store.runs("verdicts"):
        return Counter()
    column = store.read("verdicts", columns=["decision"])["decision"]
    return Counter({each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()})


def _series(found: Status, decisions: Mapping[str, int]) -> Iterable[str]:
    yield _family("lumicert_store_readable", "gauge", "Whether the store can be read.", {"": 1})
    yield _family("lumicert_info", "gauge", "The version that answers.", {f'version="{__version__}"': 1})
    yield _family("lumicert_runs", "gauge", "Runs in the store.", {"": found.runs})
    yield _family("lumicert_scored_runs", "gauge", "Runs with scores.", {"": found.scored})
    yield _family("lumicert_snapshot", "counter", "Snapshots committed.", {"": found.snapshot})
    yield _family("lumicert_golden_version", "gauge", "Version of the published golden JSON.", {"": found.golden})
    yield _family("lumicert_quarantined_findings", "gauge", "Findings that keep data away.", {"": found.quarantined})
    yield _family(
        "lumicert_champion", "gauge", "Whether there is a model that scores.", {"": int(bool(found.champion))}
    )
    ended = found.last_finished.timestamp() if found.last_finished else 0
    what = "When a night finished last, seconds since 1970; 0: never."
    yield _family("lumicert_last_night_finished_seconds", "gauge", what, {"": ended})
    states = (RUNNING, FINISHED, FAILED, INTERRUPTED)
    by_state = {f'state="{each}"': found.nights.get(each, 0) for each in states}
    yield _family("lumicert_nights", "gauge", "Nights by how they ended.", by_state)
    waiting = {f'state="{each}"': found.deliveries.get(each, 0) for each in STATES}
    yield _family("lumicert_deliveries", "gauge", "Deliveries of alerts by state.", waiting)
    counts = {f'decision="{each}"': decisions.get(each, 0) for each in Decision}
    yield _family("lumicert_lumisections", "gauge", "Lumisections by the decision of the machine.", counts)


def _family(name: str, kind: str, what: str, values: Mapping[str, float]) -> str:
    rows = [f"{name}{'{' + labels + '}' if labels else ''} {value:.17g}" for labels, value in values.items()]
    return "\n".join([f"# HELP {name} {what}", f"# TYPE {name} {kind}", *rows]) + "\n"


class HealthServer(ThreadingHTTPServer):
    """Answers three addresses about one store; ``within`` hours a night must have finished, 0: whenever.

    Raises ``InputError`` where nothing can listen at the address.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], path: Path, within: float = 0.0) -> None:
        self.answers: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: (200, TEXT, "ok\n"),
            "/readyz": lambda: ready(path, within),
            "/metrics": lambda: metrics(path),
        }
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            why = f"cannot listen here: {error.strerror}; name another with --port or --host, or stop what listens"
            raise InputError(f"{address[0]}:{address[1]}: {why}") from error


class _Handler(BaseHTTPRequestHandler):
    server: HealthServer
    server_version = "lumicert"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:  # the name that the standard library calls
        """Answer one question; another address is told which there are."""
        answer = self.server.answers.get(self.path.partition("?")[0])
        try:
            code, kind, text = answer() if answer else (404, TEXT, f"there are {', '.join(self.server.answers)}\n")
        except Exception as error:  # noqa: BLE001  # an operator is to be told, with no inside of ours
            code, kind, text = 500, TEXT, f"{type(error).__name__}; see the log of dqm serve-health\n"
            self.log_error("%s: %s", type(error).__name__, error)
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing of what went well: probes ask every few seconds."""
