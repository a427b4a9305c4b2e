"""What an operator's probes see: alive, ready or why not, and numbers whose series do not grow with the runs."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from dqm.store.nights import FINISHED
from dqm.store.store import Store
from pipelines.nightly.health import HealthServer, metrics, ready


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "store") as made:
        yield made


@contextmanager
def served(path: Path) -> Iterator[str]:
    with HealthServer(("127.0.0.1", 0), path, within=26) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_addresses(store: Store) -> None:
    with served(store.path) as url:
        assert get(f"{url}/healthz") == (200, "ok\n")
        code, text = get(f"{url}/readyz")
        assert (code, json.loads(text)["reasons"]) == (
            503,
            ["no model; make one with: dqm train", "no night finished within 26 hours"],
        )
        code, text = get(f"{url}/metrics?x=1")
        assert code == 200
        assert "lumicert_store_readable 1\n" in text
        assert get(f"{url}/store.sqlite") == (404, "there are /healthz, /readyz, /metrics\n")


def test_ready_when_a_night_finished_and_a_model_scores(store: Store) -> None:
    with store.transaction() as change:
        change.add_model("m", "models/m", "f" * 64, {})
        change.point("champion", "m")
    store.nights.end(store.nights.begin(), FINISHED, {})
    assert ready(store.path, 26)[0] == 200


def test_a_store_that_cannot_be_read_is_not_ready_and_says_so(tmp_path: Path) -> None:
    code, _, text = ready(tmp_path / "nowhere", 26)
    assert code == 503
    assert "there is no store here" in json.loads(text)["reasons"][0]
    assert "lumicert_store_readable 0\n" in metrics(tmp_path / "nowhere")[2]


def series(text: str) -> set[str]:
    return set(re.findall(r"^(lumicert_\S+) ", text, flags=re.MULTILINE))


def test_series_are_bounded_and_count(store: Store) -> None:
    before = series(metrics(store.path)[2])
    with store.transaction() as change:
        for run in range(5):
            rows = {"run": [run] * 2, "ls": [1, 2], "decision": ["ACCEPT", "ASK"]}
            change.put("verdicts", run, pa.table(rows), {})
    text = metrics(store.path)[2]
    assert series(text) == before
    assert 'lumicert_lumisections{decision="ASK"} 5\n' in text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \S+ .+|lumicert_\w+(\{\w+="[^"]*"\})? -?[\d.e+]+', line), line
