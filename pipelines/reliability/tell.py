"""Alerts through a receiver that fails and loses answers, by a relay that is killed; and thousands of flagged LS."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import numpy as np

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config
from dqm.model.events import Event
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Decision, Verdicts
from dqm.store.store import Store
from pipelines.alerts import relay as relaying
from pipelines.alerts.producing import anomaly_events
from pipelines.alerts.receivers import outside_of
from pipelines.alerts.relay import relay
from pipelines.reliability.crossings import Crossings
from pipelines.reliability.forked import beside, fork, wait
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.receiver import Receiver, hook, taken

AT = datetime(2030, 6, 1, tzinfo=UTC)
STEP = timedelta(minutes=2)
"""From one start of the relay to the next: longer than its lease and every wait."""
KILLS, SENDS = 12, 45
"""How often the relay is killed, and after how many sends on an average."""
STARTS = 100
FLAGGED, RUNS, SUBSYSTEMS = 10_000, 10, 5


def posted(store: Store, n: int) -> set[str]:
    """Post ``n`` anomalies of as many runs; their ids."""
    events = [Event("anomaly.opened", f"run {i}", {"n": i}, i, "A") for i in range(n)]
    with store.transaction(at=AT) as change:
        change.emit(events)
    return {each.id for each in events}


def pass_of(config: Config, store: Store, at: datetime) -> bool:
    """One pass of the relay at a moment, however often the receiver fails; whether nothing is left."""
    with patch.object(relaying, "RESTS_AFTER", 1000):
        return relay(config, store, outside=replace(outside_of(config), clock=lambda: at)).complete


def all_told(store: Store, ids: set[str], got: dict[str, list[str]]) -> list[str]:
    """One answer per alert: lost, told in two ways, or still waiting."""
    done = {each.posted.event.id for each in store.deliveries.found(("done",))}
    return [_told(id_, got.get(id_, []), done) for id_ in sorted(ids | got.keys())]


def _told(id_: str, bodies: list[str], done: set[str]) -> str:
    if not bodies:
        return f"{id_} never arrived"
    if len(set(bodies)) > 1:
        return f"{id_} arrived in two ways"
    return "" if id_ in done else f"{id_} is not confirmed"


def failing_receiver(folder: Path, alerts: int, seed: int = 4) -> Guarantee:
    """Alerts through a receiver that fails 30%, loses 10% of its answers, by a relay that is killed with SIGKILL."""
    begun, dice = perf_counter(), np.random.default_rng(seed)
    folder.mkdir()
    server, said = Receiver(folder / "taken.jsonl", seed), folder / "raised"
    config = Config(alerts=AlertsConfig.model_validate(hook(f"{server.url}/alerts")))
    kills = 0
    with beside(server.serve_forever, said), Store.create(folder / "store") as store:
        server.socket.close()
        ids, store_path = posted(store, alerts), store.path
        for start in range(STARTS):
            most = int(dice.integers(1, 2 * SENDS)) if kills < KILLS else 0
            status = wait(fork(_relay(config, store_path, AT + (start + 1) * STEP, most), said))
            kills += status == -signal.SIGKILL
            if status == 0 and not store.deliveries.counts()["pending"]:
                break
        got = taken(server.log, "/alerts")
        found = all_told(store, ids, got)
    again = sum(len(each) - 1 for each in got.values())
    note = f"{kills} kills, {again} came again under their id"
    return Guarantee.of("alerts through a failing receiver", found, perf_counter() - begun, note)


def _relay(config: Config, path: Path, at: datetime, most: int) -> Callable[[], None]:
    """A pass that kills itself at its send number ``most``; 0: never."""

    def work() -> None:
        sends = [0]

        def act(number: int, name: str) -> None:
            sends[0] += name == "sendall"
            if most and sends[0] == most:
                os.kill(os.getpid(), signal.SIGKILL)

        with Crossings(act).installed(), Store.open(path) as store:
            pass_of(config, store, at)

    return work


def grouped() -> Guarantee:
    """Flagged lumisections give one notification for each run and subsystem."""
    begun = perf_counter()
    number = np.arange(FLAGGED)
    subsystem = np.array([f"subsystem {i}" for i in range(SUBSYSTEMS)], dtype=object)[number // RUNS % SUBSYSTEMS]
    flagged = Verdicts(
        index=lumisection_index(number % RUNS + 1, number // RUNS + 1),
        decision=np.full(FLAGGED, Decision.REJECT, dtype=object),
        badness=np.ones(FLAGGED, dtype=np.float32),
        weight=np.ones(FLAGGED),
        status=np.full(FLAGGED, "", dtype=object),
        subsystem=subsystem,
        reasons=((),) * FLAGGED,
    )
    events = anomaly_events(flagged, {})
    wanted = set(zip((number % RUNS + 1).tolist(), subsystem.tolist(), strict=True))
    told = [(each.run, each.subsystem) for each in events]
    failed = abs(len(told) - len(wanted)) + len(set(told) ^ wanted)
    note = f"{len(told)} notifications of {len(wanted)} runs and subsystems"
    return Guarantee("flagged lumisections are grouped", FLAGGED, failed, perf_counter() - begun, note)
