"""Simulated cooling loops: names, physics that holds, faults that do what they say and nothing elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.errors import InputError, UnknownNameError
from dqm.model.sensors import SECOND, TimeGrid
from dqm.model.tables import FeatureTable
from features.sensors.stream import sensor_windows
from pipelines.simulate.cryogenic_faults import HOUR, KINDS, CryogenicFault, placed
from pipelines.simulate.cryogenics import BEGIN, STEP, Cryogenics, CryogenicSettings, beam_heat, cell_names, simulate

START = int(BEGIN.astype(np.int64))
SMALL = CryogenicSettings(days=0.6, loops=4, faults=0)
FROM, UNTIL = START + 4 * HOUR, START + 7 * HOUR
VALVE, HEATER, INLET, MIDDLE, OUTLET, AFTER, HIGH, LOW = range(8)


@pytest.fixture(scope="module")
def healthy() -> Cryogenics:
    return simulate(SMALL)


def suffering(kind: str, strength: float, sensor: int = -1) -> Cryogenics:
    """The same loops, the first of them with one fault from the fourth to the seventh hour, with beam."""
    return simulate(SMALL, (CryogenicFault(cell_names(4)[0], kind, strength, FROM, UNTIL, sensor),))


def values(made: Cryogenics, sensor: int) -> tuple[np.ndarray, np.ndarray]:
    return made.readings[made.readings.names[sensor]]


def inside(made: Cryogenics, sensor: int) -> np.ndarray:
    """Values of a sensor of the first loop in the last two hours of the fault."""
    time, value = values(made, sensor)
    return value[(time >= FROM + HOUR) & (time < UNTIL)]


def test_a_sector_has_the_names_of_the_logging_system(healthy: Cryogenics) -> None:
    assert cell_names(50)[0] == "9R1"
    assert cell_names(50)[-1] == "9L2"
    assert len(set(cell_names(50))) == 50
    assert healthy.readings.names[:2] == ["QRLAB_9R1_CV943.POSST", "LBARB_9R1_EH843.POSST"]
    assert {(each.subsystem, each.period) for each in healthy.readings.sensors} == {("S12", 10.0)}
    assert len(healthy.readings.time) == 4 * 8 * 0.6 * 86_400 / STEP


def test_equal_seeds_give_equal_readings_and_other_seeds_do_not(healthy: Cryogenics) -> None:
    again = simulate(SMALL)
    assert (again.readings.value == healthy.readings.value).all()
    other = simulate(CryogenicSettings(days=0.6, loops=4, faults=0, seed=2))
    assert (other.readings.value != healthy.readings.value).any()


def test_a_healthy_loop_holds_its_setpoint_and_its_valve_follows_the_beam(healthy: Cryogenics) -> None:
    time, outlet = values(healthy, OUTLET)
    beam = beam_heat(healthy.calendar, time)
    quiet = np.abs(np.gradient(beam)) < 1e-4
    assert np.abs(np.median(outlet[quiet]) - 20) < 0.02
    assert np.abs(outlet[quiet] - 20).mean() < 0.3
    assert np.corrcoef(beam[quiet], values(healthy, VALVE)[1][quiet])[0, 1] > 0.9


def test_a_fault_is_in_its_loop_and_in_its_time_alone(healthy: Cryogenics) -> None:
    made = suffering("hunting", 7.0)
    changed = made.readings.value != healthy.readings.value
    owner = np.repeat(np.arange(32), np.diff(made.readings.start))
    assert set(owner[changed]) <= set(range(8))
    assert made.readings.time[changed].min() >= FROM


def test_faults_of_the_plant_do_what_they_say(healthy: Cryogenics) -> None:
    assert inside(suffering("hunting", 7.0), VALVE).std() > 5 * inside(healthy, VALVE).std()
    assert len(np.unique(inside(suffering("stiction", 8.0), VALVE).round())) < 8
    assert inside(suffering("leak", 40.0), VALVE).mean() > inside(healthy, VALVE).mean() + 5
    assert inside(suffering("heater-trip", 3.0), HEATER).max() < 1
    assert inside(healthy, HEATER).min() > 20
    assert inside(suffering("mistuning", 9.0), OUTLET).std() > 1.5 * inside(healthy, OUTLET).std()


@pytest.mark.parametrize("sensor", [MIDDLE, OUTLET])
def test_a_drifting_thermometer_drifts_and_the_controller_believes_it(healthy: Cryogenics, sensor: int) -> None:
    """A drift of the controlled one is not in its reading, which is held at the setpoint, but in the others."""
    made = suffering("drift", 1.0, sensor)
    shown = MIDDLE if sensor == MIDDLE else AFTER
    drifted = np.median(inside(made, shown)) - np.median(inside(healthy, shown))
    assert abs(drifted) > 1
    assert (drifted > 0) == (sensor == MIDDLE)


def test_faults_of_logging_do_what_they_say(healthy: Cryogenics) -> None:
    assert len(np.unique(inside(suffering("stuck", 3.0, HIGH), HIGH))) == 1
    assert len(np.unique(inside(suffering("stuck", 3.0, OUTLET), OUTLET))) == 1
    assert len(inside(suffering("gap", 3.0, LOW), LOW)) == 0
    assert np.median(inside(suffering("unit-change", 1000.0, INLET), INLET)) == pytest.approx(5000, rel=0.1)


def table(made: Cryogenics) -> FeatureTable:
    return sensor_windows(made.readings, TimeGrid.fixed(FROM + HOUR, UNTIL, 300.0))


@pytest.mark.parametrize(
    ("kind", "strength", "sensor", "feature", "factor"),
    [
        ("hunting", 7.0, -1, "QRLAB_9R1_CV943.POSST:amplitude@60min", 10),
        ("stiction", 8.0, -1, "LBARB_9R1_TT845.POSST:amplitude@60min", 20),
        ("mistuning", 9.0, -1, "LBARB_9R1_TT845.POSST:control@60min", 1.2),
        ("drift", 1.0, MIDDLE, "LBARB_9R1_TT843.POSST:slope@60min", 5),
        ("stuck", 3.0, AFTER, "LBARB_9R1_TT847.POSST:stuck", 20),
        ("leak", 40.0, -1, "9R1:heat_residual@60min", 1.2),
        ("heater-trip", 3.0, -1, "LBARB_9R1_EH843.POSST:median@10min", 0.1),
        ("gap", 3.0, HEATER, "LBARB_9R1_EH843.POSST:gap@10min", 100),
        ("unit-change", 100.0, LOW, "QRLAB_9R1_PT991.POSST:residual@10min", 10),
    ],
)
def test_every_kind_of_fault_is_seen_by_a_feature(
    kind: str, strength: float, sensor: int, feature: str, factor: float, healthy: Cryogenics
) -> None:
    """In the middle of what it does the feature is larger (or smaller, below 1) by the factor than without it."""
    usual, found = (np.nanmedian(np.abs(table(made)[feature])) for made in (healthy, suffering(kind, strength, sensor)))
    assert (found > factor * usual) if factor > 1 else (found < factor * usual)


def test_placed_faults_are_of_every_kind_and_apart() -> None:
    made = placed(cell_names(6), 36, (), START, START + 7 * 24 * HOUR, np.random.default_rng(1))
    assert {each.kind for each in made} == set(KINDS)
    for loop in cell_names(6):
        mine = sorted(each.begin for each in made if each.loop == loop)
        ends = sorted(each.end for each in made if each.loop == loop)
        assert all(later - end >= 2 * HOUR for end, later in zip(ends, mine[1:], strict=False))
    assert all(each.begin >= START + 2 * HOUR and each.end <= START + 7 * 24 * HOUR for each in made)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown fault 'stuk'.*stuck"):
        simulate(CryogenicSettings(days=0.5, loops=1, faults=1, kinds=("stuk",)))
    with pytest.raises(InputError, match="500 faults do not fit: no room for number"):
        simulate(CryogenicSettings(days=0.5, loops=1, faults=500))
    with pytest.raises(UnknownNameError, match="unknown loop '7R7'"):
        simulate(SMALL, (CryogenicFault("7R7", "leak", 5.0, FROM, UNTIL),))
    fault = CryogenicFault("9R1", "leak", 5.0, FROM, UNTIL)
    with pytest.raises(InputError, match="faults 'leak' and 'stuck' of loop 9R1 overlap"):
        simulate(SMALL, (fault, CryogenicFault("9R1", "stuck", 1.0, FROM + SECOND, UNTIL, 2)))
