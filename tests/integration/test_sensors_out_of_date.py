"""Readings of sensors that change after a certification: what they would decide otherwise is never golden by the old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from dqm.model.config import Config, FeaturesConfig, ModelConfig
from dqm.model.labels import Label, Labels
from dqm.model.sensors import SECOND, Sensor, SensorReadings
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.services.publish import keeps_from_publishing
from dqm.store.freshness import past_digests, sensor_digests
from dqm.store.sensors import store_sensors
from dqm.store.store import Store
from dqm.store.tables import store_labels, store_quantities
from features.asked import asked_of
from pipelines.run.certify import certify
from pipelines.run.freshness import stale_runs
from pipelines.run.renewal import outdated_runs
from pipelines.run.score import score
from pipelines.run.train import train

RUNS, ROWS, DAY = 8, 10, 86_400 * SECOND
BEGIN = int(np.datetime64("2026-03-01T06:00", "ns").astype(np.int64))
CONFIG = Config(
    features=FeaturesConfig.model_validate({"sensors": {"columns": ["V:median@10min"]}}),
    model=ModelConfig.model_validate({"kind": "robust-z", "min_good": 5}),
)


def readings(day: int, level: float = 50.0) -> SensorReadings:
    """A valve that is read every minute from an hour before the run of a day to an hour after it."""
    time = BEGIN + day * DAY + np.arange(-60, 160) * 60 * SECOND
    value = level + np.random.default_rng(day).normal(0, 0.1, len(time))
    return SensorReadings.of([Sensor("V", unit="%")], [(time, value)])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A run a day, the newest two without a label, learned from and certified."""
    run, ls = np.repeat(np.arange(1, RUNS + 1), ROWS), np.tile(np.arange(1, ROWS + 1), RUNS)
    index, bad = lumisection_index(run, ls), ls == 5
    values = 100 + np.random.default_rng(2).normal(0, 1, len(run)) - 30 * (bad & (run < RUNS - 1))
    begin = (BEGIN + (run - 1) * DAY + (ls - 1) * 600 * SECOND).astype("datetime64[ns]")
    label = np.where(run >= RUNS - 1, Label.UNKNOWN, np.where(bad, Label.BAD, Label.GOOD)).astype(np.int8)
    with Store.create(tmp_path_factory.mktemp("store") / "s") as opened:
        with opened.transaction() as change:
            store_quantities(change, QuantityTable(index, (Column("tracks"),), values[:, None], start=begin), {})
            store_labels(change, Labels.of(index, label, "test"), {})
        for day in range(RUNS):
            stored(opened, readings(day))
        train(CONFIG, opened)
        score(CONFIG, opened)
        certify(CONFIG, opened)
        yield opened


def stored(store: Store, given: SensorReadings) -> None:
    with store.transaction() as change:
        store_sensors(change, store, given, {})


def keeps(store: Store, config: Config = CONFIG) -> str:
    return keeps_from_publishing(store, asked_of(config.features, config.limits), datetime.now(UTC))


def test_other_readings_are_out_of_date(store: Store) -> None:
    """Mutant: readings are in no digest, so that what was golden by others stays so, whatever certifies or signs.

    Later days change nothing; where sensors are not asked for, no reading does.
    """
    plain = Config(model=CONFIG.model)
    assert not asked_of(plain.features).sensors
    assert keeps(store) == ""
    before = sensor_digests(store)
    stored(store, readings(RUNS))
    assert sensor_digests(store) == before
    assert (keeps(store), stale_runs(CONFIG, store)) == ("", frozenset())
    stored(store, readings(RUNS - 1, level=90.0))
    assert {run for run, digest in sensor_digests(store).items() if digest != before[run]} == {RUNS}
    assert keeps(store) == (
        f"run {RUNS} is judged beside readings of sensors or earlier runs that changed after it was certified; first: "
        "dqm nightly, or dqm score and dqm certify"
    )
    assert outdated_runs(CONFIG, store) == {RUNS}
    assert stale_runs(CONFIG, store) == {RUNS}
    assert certify(CONFIG, store).stale == (RUNS,)
    assert keeps(store) == ""
    score(CONFIG, store)
    assert certify(CONFIG, store).stale == ()
    assert keeps(store) == ""


def test_where_no_sensor_is_asked_for_digests_of_before_hold() -> None:
    data = {1: "a", 2: "b"}
    assert past_digests(data, {}) == past_digests(data, {}, {})
    assert past_digests(data, {}, {2: "s"})[1] == past_digests(data, {})[1]
    assert past_digests(data, {}, {2: "s"})[2] != past_digests(data, {})[2]
