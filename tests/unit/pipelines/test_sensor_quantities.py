"""Sensors beside lumisections: of the right window, blind for what comes later, and the valve in the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.robust_z import RobustZ
from dqm.model.config import Config, FeaturesConfig
from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.labels import Label, Labels
from dqm.model.sensors import SECOND, Logging, Sensor, SensorReadings
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.store.sensors import store_sensors
from dqm.store.store import Store
from dqm.store.tables import store_quantities
from pipelines.run.evidence import Evidence
from pipelines.run.learn import learn
from pipelines.run.quantities import all_quantities
from pipelines.run.reasons import reasons_of
from pipelines.run.sensor_quantities import with_sensors
from pipelines.simulate.cryogenic_faults import HOUR, CryogenicFault
from pipelines.simulate.cryogenics import BEGIN, CryogenicSettings, cell_names, simulate

T0 = int(BEGIN.astype(np.int64))
LS = round(233.1 * SECOND)
"""Ten times as long as a real one, so that there are few."""
ROWS, RUNS, FIRST = 24, 12, 2 * HOUR
FAULT = 10
"""The run with the fault."""
LATE = 6
"""Lumisections by which the histogram is late."""
VALVE = f"QRLAB_{cell_names(2)[0]}_CV943.POSST"
COLUMNS = ("*_CV943*:median@10min", "*_CV943*:stuck", "*_EH843*:median@10min")


def lumisections() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run, LS and begin of runs that follow each other, with half an hour between them."""
    run, ls = np.repeat(np.arange(1, RUNS + 1), ROWS), np.tile(np.arange(1, ROWS + 1), RUNS)
    begin = T0 + FIRST + (run - 1) * (ROWS * LS + HOUR // 2) + (ls - 1) * LS
    return run, ls, begin.astype(np.int64)


def fault_begin() -> int:
    run, ls, begin = lumisections()
    return int(begin[(run == FAULT) & (ls == 8)][0])


@pytest.fixture(scope="module")
def readings() -> SensorReadings:
    """Two loops; the valve of the first begins to hunt in the middle of a run."""
    fault = CryogenicFault(cell_names(2)[0], "hunting", 7.0, fault_begin(), fault_begin() + HOUR)
    days = float((lumisections()[2][-1] + 2 * HOUR - T0) / HOUR / 24)
    found = simulate(CryogenicSettings(days=days, loops=2, seed=8), (fault,)).readings
    return found.take([each for each in found.names if "CV943" in each or "EH843" in each])


def quantities() -> QuantityTable:
    """One number of a histogram, which falls some lumisections after the valve began to hunt."""
    run, ls, begin = lumisections()
    hurt = (begin >= fault_begin() + LATE * LS) & (begin < fault_begin() + HOUR)
    noise = np.random.default_rng(2).normal(0, 1, len(run))
    columns = (Column("tracks", subsystem="Tracker"),)
    values = (100 + noise - 30 * hurt)[:, None]
    return QuantityTable(lumisection_index(run, ls), columns, values, start=begin.astype("datetime64[ns]"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, readings: SensorReadings) -> Iterator[Store]:
    with Store.create(tmp_path_factory.mktemp("store") / "s") as opened:
        with opened.transaction() as change:
            store_quantities(change, quantities(), {})
            store_sensors(change, opened, readings, {})
        yield opened


def configured(*columns: str) -> Config:
    return Config(features=FeaturesConfig.model_validate({"sensors": {"columns": columns}}))


def test_without_the_switch_nothing_changes(store: Store) -> None:
    plain = all_quantities(store, Config())
    assert plain.columns == quantities().columns
    assert np.array_equal(plain.values, quantities().values)


def test_the_fingerprint_of_other_features_does_not_know_the_switch(store: Store) -> None:
    """Mutant: the configuration of sensors in the extractor, which would make every older model refuse."""
    plain = all_quantities(store, Config())
    tables = [Evidence.of(plain, None, config).table for config in (Config(), configured("*"))]
    assert tables[0].fingerprint == tables[1].fingerprint


def test_a_lumisection_has_the_window_that_ends_with_it(store: Store, readings: SensorReadings) -> None:
    found = all_quantities(store, configured(*COLUMNS))
    assert found[f"{VALVE}:median@10min"].shape == (RUNS * ROWS,)
    _, _, begin = lumisections()
    time, value = readings[VALVE]
    row = 40
    end = begin[row] + LS
    inside = value[(time >= end - 600 * SECOND) & (time < end)]
    assert found[f"{VALVE}:median@10min"][row] == pytest.approx(np.median(inside), rel=1e-6)
    column = next(each for each in found.columns if each.name == f"{VALVE}:median@10min")
    assert (column.source, column.role, column.kind, column.unit) == (VALVE, "feature", "value", "%")


def test_what_comes_after_a_lumisection_does_not_touch_it(
    store: Store, readings: SensorReadings, tmp_path: Path
) -> None:
    """Mutant: windows around the middle of a lumisection."""
    cut = 100
    end = int(lumisections()[2][cut] + LS)
    later = np.where(readings.time >= end, 1000.0, readings.value)
    with Store.create(tmp_path / "other") as other:
        with other.transaction() as change:
            store_quantities(change, quantities(), {})
            store_sensors(change, other, replace(readings, value=later), {})
        changed = all_quantities(other, configured(*COLUMNS)).values
    plain = all_quantities(store, configured(*COLUMNS)).values
    assert np.array_equal(changed[: cut + 1], plain[: cut + 1], equal_nan=True)
    assert not np.array_equal(changed[cut + 1 :], plain[cut + 1 :], equal_nan=True)


def test_the_reason_is_the_valve_before_the_histogram_sees_anything(store: Store) -> None:
    """Learned on earlier runs without a fault; judged in the first lumisections of it, when tracks still look good."""
    run, _, begin = lumisections()
    early = (run == FAULT) & (begin >= fault_begin() + 2 * LS) & (begin < fault_begin() + LATE * LS)
    before = run < FAULT
    unusual: dict[str, float] = {}
    named: set[str] = set()
    for name, config in (
        ("without", Config()),
        ("with", configured("*_CV943*:noise@10min", "*_CV943*:amplitude@10min")),
    ):
        table = all_quantities(store, config)
        labels = Labels.of(lumisection_index(table.run, table.ls), np.full(len(run), Label.GOOD), "test").take(before)
        evidence = Evidence.of(table, labels, config)
        trained = learn(evidence.take(before), RobustZ, seed=1)
        score, _ = trained.judge(evidence)
        unusual[name] = float(np.mean(np.median(score[early]) > score[before & np.isfinite(score)]))
        if name == "with":
            contribution = trained.model.explain(evidence.table, score)
            _, reasons = reasons_of(evidence.table.take(early), contribution[early])
            named = {reason.feature for each in reasons for reason in each[:1]}
    assert unusual["with"] > 0.99
    assert unusual["without"] < 0.95
    assert named
    assert all(VALVE in each for each in named), named


def test_lumisections_without_a_time_and_sensors_without_a_reading_have_none(store: Store) -> None:
    table = quantities()
    untimed = replace(table, start=np.where(table.run == 3, np.datetime64("NaT"), table.start))
    whole = with_sensors(untimed, store, COLUMNS, None)
    assert np.isfinite(whole.values).all(), "the store knows the times"
    assert whole.usable.all()
    more = QuantityTable(lumisection_index([99], [1]), table.columns, np.ones((1, 1)))
    joined = with_sensors(more, store, COLUMNS, None)
    assert np.isnan(joined.values[0, 1:]).all()
    assert joined.status.tolist() == ["sensors"], "what has no time of its own cannot be looked at"


def one_of(name: str, at: np.ndarray, logging: Logging = "periodic") -> SensorReadings:
    return SensorReadings.of(
        [Sensor(name, "%", "valve", logging=logging)], [(at, np.arange(len(at), dtype=np.float64) % 7 + 40.0)]
    )


def stored(folder: Path, *readings: SensorReadings) -> Store:
    opened = Store.create(folder)
    for each in readings:
        with opened.transaction() as change:
            store_sensors(change, opened, each, {})
    with opened.transaction() as change:
        store_quantities(change, quantities(), {})
    return opened


def test_lumisections_in_which_an_asked_sensor_is_silent_are_unknown(tmp_path: Path) -> None:
    """Mutants: a column that is missing for long is expected no more, or a sensor of another day is passed over."""
    run, _, begin = lumisections()
    all_ = np.arange(T0, int(begin[-1]) + HOUR, 10 * SECOND, dtype=np.int64)
    until = int(begin[run == 5][0])
    with stored(tmp_path / "s", one_of("A", all_), one_of("B", all_[all_ < until]), one_of("C", all_[:9])) as store:
        status = all_quantities(store, configured("[AB]:noise@10min")).status
        assert (status[run < 5] == "").all()
        assert (status[run >= 6] == "sensors").all()
        assert all_quantities(store, configured("A:*@10min")).usable.all(), "its period is NaN, it was read"
        table = all_quantities(store, configured("*:median@10min"))
        assert (table.status == "sensors").all(), "C was never read while there was beam"
        assert np.isnan(table["C:median@10min"]).all()


def test_a_sensor_that_is_logged_on_change_keeps_its_value_from_days_before(tmp_path: Path) -> None:
    begin = lumisections()[2]
    early = np.array([T0 - 72 * HOUR, T0 - 70 * HOUR])
    periodic = one_of("A", np.arange(T0, int(begin[-1]) + HOUR, 10 * SECOND, dtype=np.int64))
    with stored(tmp_path / "s", one_of("V", early, "on-change"), periodic) as store:
        table = all_quantities(store, configured("V:median@10min"))
    assert table.usable.all()
    assert (table["V:median@10min"] == 41.0).all()


def test_columns_of_sensors_without_any_stored_reading_are_refused(tmp_path: Path) -> None:
    with (
        stored(tmp_path / "s") as store,
        pytest.raises(
            StoreError, match=r"no reading of a sensor is stored, and \[features.sensors\] asks for 'A:stuck'"
        ),
    ):
        all_quantities(store, configured("A:stuck"))


def test_a_pattern_that_fits_nothing_and_no_common_time_are_told(
    store: Store, readings: SensorReadings, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown columns of \[features.sensors\] '\*:medain@10min'; "):
        all_quantities(store, configured("*:medain@10min"))
    with Store.create(tmp_path / "other") as other:
        shifted = replace(readings, time=readings.time + 365 * 24 * HOUR)
        with other.transaction() as change:
            store_quantities(change, quantities(), {})
            store_sensors(change, other, shifted, {})
        with pytest.raises(
            StoreError, match=r"no sensor was read while its lumisections were taken, so there is no co"
        ):
            all_quantities(other, configured(*COLUMNS))
    with Store.create(tmp_path / "untimed") as other:
        with other.transaction() as change:
            store_quantities(change, replace(quantities(), start=np.zeros(0, "datetime64[ns]")), {})
            store_sensors(change, other, readings, {})
        with pytest.raises(StoreError, match=r"or take the columns out of \[features.sensors\]"):
            all_quantities(other, configured(*COLUMNS))
