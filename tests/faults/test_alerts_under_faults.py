"""Alerts through a receiver that fails, loses answers and whose relay is killed: all arrive, none is pending."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config
from dqm.store.store import Store
from pipelines.alerts import relay as module
from pipelines.reliability.receiver import KEY, KEY_NAME, Receiver, hook, taken
from pipelines.reliability.tell import all_told, grouped, pass_of, posted


@pytest.fixture
def flaky(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver on this machine, stopped at the end."""
    with Receiver(tmp_path / "taken.jsonl", seed=4).in_a_thread() as server:
        yield server


class KilledError(BaseException):
    """What stands for SIGKILL between sending and entering the outcome; the benchmark of reliability sends real ones."""


@pytest.mark.parametrize("n", [60, pytest.param(500, marks=pytest.mark.slow)])  # 500: eight seconds of the processor
def test_all_arrive_through_a_receiver_that_fails_and_a_relay_that_dies(
    flaky: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    """Mutants: marked done before sent (lost); a fresh id for each attempt (doubled)."""
    now, send, count = datetime(2030, 6, 2, tzinfo=UTC), module._send, [0]

    def killed_now_and_then(*args: Any) -> None:
        count[0] += 1
        send(*args)
        if count[0] % 15 == 0:
            raise KilledError

    monkeypatch.setattr(module, "_send", killed_now_and_then)
    monkeypatch.setenv(KEY_NAME, KEY)
    config = Config(alerts=AlertsConfig.model_validate(hook(f"{flaky.url}/alerts")))
    with Store.create(tmp_path / "store") as store:
        ids, kills = posted(store, n), 0
        for _ in range(100):
            try:
                if pass_of(config, store, now):
                    break
            except KilledError:
                kills += 1
            now += timedelta(minutes=2)
        got = taken(flaky.log, "/alerts")
        assert [each for each in all_told(store, ids, got) if each] == []
        assert store.deliveries.counts() == {"done": n, "pending": 0, "dead": 0, "held": 0, "silenced": 0}
    assert kills >= n // 40
    assert max(map(len, got.values())) > 1, "nothing came twice: the faults did not happen"


def test_what_is_lost_doubled_or_not_confirmed_is_told(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        first, second, third = sorted(posted(store, 3))
        found = all_told(store, {first, second, third}, {first: ["a", "b"], second: ["a"]})
    assert found == [f"{first} arrived in two ways", f"{second} is not confirmed", f"{third} never arrived"]


def test_ten_thousand_flagged_lumisections_are_told_once_for_each_run_and_subsystem() -> None:
    found = grouped()
    assert (found.tried, found.failed) == (10_000, 0)
    assert found.note == "50 notifications of 50 runs and subsystems"
