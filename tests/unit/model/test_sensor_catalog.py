"""Names, channels, loops and quiet times of sensors."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from dqm.model.errors import ConfigError
from dqm.model.sensor_catalog import Quiet, SensorCatalog, hushed, loops, read_channels
from dqm.model.sensor_gaps import allowed_silence, cadence, gaps, longest_stuck
from dqm.model.sensor_names import logged_name
from dqm.model.sensor_units import conversion, unit_of
from dqm.model.sensors import SECOND, AnomalyInterval, Sensor
from dqm.model.sensors_config import ChannelConfig, QuietConfig, SensorsConfig


@pytest.mark.parametrize(
    ("name", "loop", "sector", "measures"),
    [
        ("QRLAB_31L2_CV943.POSST", "31L2", "S12", "valve"),
        ("LBARB_31R2_EH843.POSST", "31R2", "S23", "heater"),
        ("LBARB_9L1_TT843.POSST", "9L1", "S81", "temperature"),
        ("QRLAA_29R8_PT961", "29R8", "S81", "pressure"),
        ("X_1R1_QBS943.POSST", "1R1", "S12", "heat-load"),
        ("QRLAA_29R5_ZZ961", "29R5", "S56", "other"),
    ],
)
def test_a_logged_name_tells_loop_sector_and_device(name: str, loop: str, sector: str, measures: str) -> None:
    found = logged_name(name)
    assert found is not None
    assert (found.loop, found.sector, found.measures) == (loop, sector, measures)


@pytest.mark.parametrize(
    "name", ["", "T1", "QRLAB_31X2_CV943.POSST", "QRLAB_31L9_CV943", "qrlab_31L2_CV943", "A_31L2_CV"]
)
def test_other_names_are_outside_the_grammar(name: str) -> None:
    assert logged_name(name) is None


def test_the_last_channel_counts_key_by_key_and_over_what_the_name_tells() -> None:
    channels = (
        ChannelConfig(sensors="LBARB*", unit="mK", period=10.0),
        ChannelConfig(sensors="*_TT843*", period=5.0, logging="on-change", subsystem="arc"),
    )
    found = SensorCatalog("lhc", channels).sensor("LBARB_31L2_TT843.POSST", "°C")
    assert found == Sensor(
        "LBARB_31L2_TT843.POSST", "mK", "temperature", "31L2", "arc", logging="on-change", period=5.0
    )


def test_the_unit_of_the_file_stands_over_the_usual_one_and_below_a_declared_one() -> None:
    assert SensorCatalog().sensor("A_31L2_TT843", "mK").unit == "mK"
    assert SensorCatalog().sensor("A_31L2_TT843").unit == "K"
    assert SensorCatalog("none").sensor("A_31L2_TT843") == Sensor("A_31L2_TT843")


def test_a_catalog_of_another_site_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "site.csv").write_text(
        "sensors,unit,measures,loop,logging,period\nTT1,K,temperature,a,,10\nCV1,%,valve,a,on-change,\n"
    )
    catalog = SensorCatalog.of(
        SensorsConfig(catalog="site.csv", channel=(ChannelConfig(sensors="CV?", loop="b"),)), tmp_path
    )
    assert catalog.sensor("TT1") == Sensor("TT1", "K", "temperature", "a", period=10.0)
    assert catalog.sensor("CV1") == Sensor("CV1", "%", "valve", "b", logging="on-change")
    assert catalog.expected == ["CV1", "TT1"]
    assert catalog.knows("CV9")
    assert not catalog.knows("PT1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sensors,units\na,K\n", "unknown column 'units'; nearest valid names: 'unit'"),
        ("sensors,measures\na,warmth\n", "line 2: measures"),
        ("sensors,period\na,-1\n", "line 2: period"),
    ],
)
def test_a_table_that_says_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "site.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_channels(tmp_path / "site.csv")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.csv: this catalog of sensors cannot be read"):
        read_channels(tmp_path / "none.csv")


def test_loops_hold_their_sensors_by_what_they_measure() -> None:
    names = ["A_31L2_TT2", "A_31L2_TT1", "Q_31L2_CV9", "A_31L2_EH8", "P_31L2_PT9", "A_33L2_TT1", "free"]
    first, second = loops(SensorCatalog().sensor(name) for name in names)
    assert (first.name, first.subsystem, first.valves, first.heaters) == (
        "31L2",
        "S12",
        ("Q_31L2_CV9",),
        ("A_31L2_EH8",),
    )
    assert first.thermometers == ("A_31L2_TT1", "A_31L2_TT2")
    assert first.pressures == ("P_31L2_PT9",)
    assert (second.name, second.thermometers, second.others) == ("33L2", ("A_33L2_TT1",), ())


def interval(begin: int, end: int | None, drivers: tuple[str, ...] = ("a", "b")) -> AnomalyInterval:
    return AnomalyInterval("31L2", begin, end, 5.0, "hunting", drivers, "the valve swings")


SERVICE = Quiet("31L2", 100, 200, "service", "operator", "heater exchanged")


@pytest.mark.parametrize(
    ("begin", "end", "now", "silent"),
    [
        (100, 200, 500, True),
        (150, None, 199, True),
        (150, None, 201, False),
        (99, 150, 500, False),
        (150, 201, 500, False),
    ],
)
def test_only_what_lies_inside_the_service_is_suppressed(begin: int, end: int | None, now: int, silent: bool) -> None:
    """Mutant: an anomaly that merely touches the service is suppressed, and outlasts it in silence."""
    (found,) = hushed([interval(begin, end)], [SERVICE], now=now)
    assert found.suppressed == ("service: heater exchanged (operator)" if silent else "")


def test_a_service_may_name_a_subsystem_or_the_only_driver() -> None:
    sensors = [Sensor("a", loop="31L2", subsystem="S12")]
    whole, one = Quiet("S12", 0, None, "known-issue", "x", "y"), Quiet("a", 0, None, "known-issue", "x", "y")
    assert hushed([interval(1, 2)], [whole], sensors, now=9)[0].suppressed
    assert hushed([interval(1, 2, ("a",))], [one], sensors, now=9)[0].suppressed
    assert not hushed([interval(1, 2, ("a", "b"))], [one], sensors, now=9)[0].suppressed


def test_quiet_times_need_a_zone_and_an_end_after_their_begin() -> None:
    given = {"sensors": "a", "who": "x", "why": "y"}
    at = datetime(2026, 5, 1, tzinfo=UTC)
    quiet = Quiet.of(QuietConfig(begin=at, end=at.replace(hour=1, microsecond=5), **given))
    assert quiet.end is not None
    assert quiet.end - quiet.begin == 3_600 * SECOND + 5_000
    with pytest.raises(ValidationError, match="has no zone; end it with Z"):
        QuietConfig.model_validate(given | {"begin": datetime(2026, 5, 1)})
    with pytest.raises(ValidationError, match="the end must be later"):
        QuietConfig.model_validate(given | {"begin": at, "end": at})


@pytest.mark.parametrize(
    ("given", "wanted", "x", "y"),
    [
        ("°C", "K", 20.0, 293.15),
        ("F", "°C", 32.0, 0.0),
        ("mbar", "hPa", 3.0, 3.0),
        ("bar", "kPa", 1.0, 100.0),
        ("mW", "W", 5.0, 5e-3),
    ],
)
def test_units_become_others(given: str, wanted: str, x: float, y: float) -> None:
    found = conversion(given, wanted)
    assert found is not None
    assert found[0] * x + found[1] == pytest.approx(y, abs=1e-9)


def test_units_of_another_kind_do_not() -> None:
    assert conversion("K", "bar") is None
    assert conversion("furlong", "K") is None
    assert conversion("furlong", "furlong") == (1.0, 0.0)
    assert (unit_of("mW"), unit_of("MW"), unit_of("HPa")) == ("mW", "MW", "hPa")


def test_gaps_of_a_periodic_sensor_are_silences_beyond_its_periods() -> None:
    time = np.array([0, 10, 20, 60, 70, 80]) * SECOND
    begins, ends = gaps(Sensor("a"), time)
    assert (begins.tolist(), ends.tolist()) == ([20 * SECOND], [60 * SECOND])
    assert cadence(time) == 10
    assert np.isnan(cadence(time[:1]))
    begins, ends = gaps(Sensor("a", period=10.0), time, begin=-40 * SECOND, end=200 * SECOND)
    assert (begins // SECOND).tolist() == [-40, 20, 80]


def test_a_sensor_without_a_reading_is_one_gap() -> None:
    begins, ends = gaps(Sensor("a"), np.empty(0, np.int64), begin=5, end=9)
    assert (begins.tolist(), ends.tolist()) == ([5], [9])


def test_around_a_single_reading_of_unknown_period_all_is_silent() -> None:
    """Mutant: a sensor that came once in a night has no gap, because nobody knows when it was due."""
    begins, ends = gaps(Sensor("a"), np.array([7]), begin=5, end=9)
    assert (begins.tolist(), ends.tolist()) == ([5, 7], [7, 9])
    assert len(gaps(Sensor("a"), np.array([7]))[0]) == 0
    assert len(gaps(Sensor("a", logging="on-change"), np.array([7]), begin=5, end=9)[0]) == 0


def test_on_change_is_silent_as_long_as_it_likes_unless_a_period_is_declared() -> None:
    time = np.array([0, 1, 10_000]) * SECOND
    assert allowed_silence(Sensor("a", logging="on-change"), time) == float("inf")
    assert len(gaps(Sensor("a", logging="on-change"), time)[0]) == 0
    assert len(gaps(Sensor("a", logging="on-change", period=3600.0), time)[0]) == 1


def test_the_longest_stretch_of_one_value() -> None:
    value = np.array([1.0, 2, 2, 3, 3, 3, 1])
    assert longest_stuck(np.arange(7) * SECOND, value) == (3, 5, 2)
    assert longest_stuck(np.empty(0, np.int64), np.empty(0)) == (0, 0, 0)
