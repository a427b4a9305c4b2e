"""What is certain never passes; what is usual is learned from the past alone; alarms keep what the past promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqm.decide.worst_loops import worst_loops
from dqm.model.errors import InputError
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensors import SECOND, AnomalyInterval, Sensor, SensorReadings
from pipelines.sensors.alarm import MERGE, Alarm
from pipelines.sensors.certain import Certain, checked, still_seconds
from pipelines.sensors.scan import Night, Scan, scan
from pipelines.sensors.scan_report import csv_of, text
from pipelines.sensors.usual import Feature, Judged, Ranges
from pipelines.simulate.cryogenic_faults import HOUR, CryogenicFault
from pipelines.simulate.cryogenics import BEGIN, CryogenicSettings, cell_names, simulate

T0 = int(BEGIN.astype(np.int64))
PERIOD = 10


def sensor(name: str = "TT") -> Sensor:
    return Sensor(name, "K", "temperature", "A", "S", period=float(PERIOD))


def hours(begin: float, end: float) -> np.ndarray:
    return np.asarray(T0 + np.arange(round(begin * 3600), round(end * 3600), PERIOD, dtype=np.int64) * SECOND)


def noise(time: np.ndarray, seed: int = 1, level: float = 20.0) -> np.ndarray:
    return np.asarray(np.round(level + np.random.default_rng(seed).normal(0, 0.05, len(time)), 3))


def certain(value: np.ndarray, keep: np.ndarray | None = None) -> list[Certain]:
    """What is certain of five hours after five quiet ones of one sensor."""
    one = sensor()
    before, now = hours(0, 5), hours(5, 10)
    kept = np.ones(len(now), bool) if keep is None else keep
    past = SensorReadings.of([one], [(before, noise(before))])
    night = SensorReadings.of([one], [(now[kept], value[kept])])
    return list(checked(past, night, (int(now[0]), int(now[-1]) + 1)).found)


QUIET = noise(hours(5, 10), seed=2)
AT = hours(5, 10)


def during(begin: float, end: float) -> np.ndarray:
    inside = hours(begin, end)
    return np.asarray((inside[0] <= AT) & (inside[-1] >= AT))


def test_nothing_is_certain_of_a_quiet_sensor() -> None:
    assert certain(QUIET) == []


def test_a_gap_is_told_with_its_length_and_what_was_due() -> None:
    (found,) = certain(QUIET, keep=~during(6, 7))
    assert (found.kind, found.sensor, found.loop) == ("gap", "TT", "A")
    assert found.begin == hours(6, 7)[0] - PERIOD * SECOND
    assert found.end == hours(7, 8)[0]
    assert found.reason == "TT: no reading for 60.2 min; one every 10 s is due"


def test_a_sensor_that_falls_silent_is_a_gap_that_goes_on() -> None:
    (found,) = certain(QUIET, keep=hours(8, 9)[0] > AT)
    assert (found.kind, found.end) == ("gap", None)


def test_a_sensor_without_any_reading_is_a_gap_all_night() -> None:
    (found,) = certain(QUIET, keep=np.zeros(len(AT), bool))
    assert (found.kind, found.begin, found.end) == ("gap", int(AT[0]), None)


def test_invalid_readings_are_a_gap() -> None:
    (found,) = certain(np.where(during(6, 7), np.nan, QUIET))
    assert "no valid reading (360 invalid ones)" in found.reason


def test_a_stuck_sensor_is_told_from_its_last_movement_on() -> None:
    (found,) = certain(np.where(during(6, 7), 20.123, QUIET))
    assert found.kind == "stuck"
    assert found.begin == hours(6, 7)[0]
    assert found.end == hours(7, 8)[0]
    assert "stands at 20.123 K for 59.8 min; in the past at most for" in found.reason


def test_a_gap_in_the_past_does_not_count_as_standing_still() -> None:
    """Mutant: the same value before and after a long gap of the past explains a sensor that is stuck for hours."""
    one, before, now = sensor(), hours(0, 20), hours(20, 30)
    kept = (before < hours(4, 5)[0]) | (before >= hours(9, 10)[0])
    value = noise(before)
    value[np.flatnonzero(kept & (before >= hours(9, 10)[0]))[0]] = value[before < hours(4, 5)[0]][-1]
    stuck = np.where(now < hours(24, 25)[0], 20.123, noise(now, seed=2))
    past = SensorReadings.of([one], [(before[kept], value[kept])])
    night = SensorReadings.of([one], [(now, stuck)])
    (found,) = checked(past, night, (int(now[0]), int(now[-1]) + 1)).found
    assert (found.kind, found.end) == ("stuck", hours(24, 25)[0])


def test_a_sensor_that_stood_still_all_of_the_past_cannot_be_told_and_is_noted() -> None:
    one, before, now = sensor(), hours(0, 5), hours(5, 10)
    past, night = (SensorReadings.of([one], [(time, np.full(len(time), 4.0))]) for time in (before, now))
    clear = checked(past, night, (int(now[0]), int(now[-1]) + 1))
    assert clear.found == ()
    assert clear.notes == ("TT: stood still in the past already; whether it is stuck cannot be told",)


def test_an_on_change_sensor_may_hold_as_long_as_it_did_and_not_much_longer() -> None:
    one = replace(sensor("CV"), logging="on-change", period=None)
    before = hours(0, 20)[::90]  # every 15 minutes
    now = hours(20, 30)[::90][:4]
    past = SensorReadings.of([one], [(before, np.arange(len(before), dtype=float))])
    night = SensorReadings.of([one], [(now, np.arange(4.0) + 500)])
    kinds = [
        [each.kind for each in checked(past, night, (int(now[0]), int(T0 + end * HOUR))).found] for end in (21.2, 29.0)
    ]
    assert kinds == [[], ["stuck"]]


def test_a_change_of_unit_is_told_once_and_its_readings_are_left_out() -> None:
    found = certain(np.where(during(6, 7), 1000 * QUIET, QUIET))
    assert [each.kind for each in found] == ["unit-change"]
    assert "its level is 1000 times higher, as if its unit had changed" in found[0].reason
    assert found[0].end == hours(7, 8)[0]


def test_a_gap_before_a_change_of_unit_is_told_too() -> None:
    """Mutant: every gap that touches a change of unit is left out."""
    unit, gap = certain(np.where(during(8, 9), 1000 * QUIET, QUIET), keep=~during(6, 8))
    assert (unit.kind, unit.begin, unit.end) == ("unit-change", hours(8, 9)[0], hours(9, 10)[0])
    assert (gap.kind, gap.begin, gap.end) == ("gap", hours(6, 7)[0] - PERIOD * SECOND, hours(8, 9)[0])


def test_a_gap_before_a_change_of_unit_that_was_found_on_reading_is_told_too() -> None:
    one, before, now = sensor(), hours(0, 5), hours(5, 10)
    past = SensorReadings.of([one], [(before, noise(before))])
    kept = ~during(6, 8)
    night = SensorReadings.of([one], [(now[kept], np.where(during(8, 9), np.nan, QUIET)[kept])])
    known = Certain("TT", "A", "unit-change", int(hours(8, 9)[0]), int(hours(9, 10)[0]), "")
    (gap,) = checked(past, night, (int(now[0]), int(now[-1]) + 1), known=[known]).found
    assert (gap.begin, gap.end) == (hours(6, 7)[0] - PERIOD * SECOND, hours(8, 9)[0])


def test_still_seconds_count_from_the_last_change() -> None:
    time = np.arange(5) * PERIOD * SECOND
    assert still_seconds(time, np.array([1.0, 1.0, 2.0, 2.0, 2.0])).tolist() == [0, 10, 0, 10, 20]


def test_the_alarm_opens_where_the_past_had_one_anomaly_a_loop_and_week() -> None:
    """One loop, two weeks, three peaks: the third is within the two that may be, were it not for the highest two."""
    seconds, n = 600.0, 2 * 7 * 144 + 1
    begin = np.arange(n, dtype=np.int64) * round(seconds * SECOND)
    scores = np.random.default_rng(1).uniform(0, 1, (n, 1)).astype(np.float32)
    scores[[100, 900, 1500], 0] = 5.0, 4.0, 3.0
    alarm = Alarm.of(begin, scores, seconds)
    assert alarm.weeks == pytest.approx(2, rel=1e-3)
    assert (alarm.opens, alarm.opened) == (4.0, 2)
    assert alarm.severity([5.0, np.nan])[0] == pytest.approx(np.log10((n + 1) / 2))
    assert np.isnan(alarm.severity([np.nan])[0])
    assert "had 2 anomalies at this threshold: 1 per loop and week, at most 2.7" in alarm.promise


def test_a_short_past_says_that_it_can_promise_little() -> None:
    begin = np.arange(100, dtype=np.int64) * round(MERGE * SECOND)
    scores = np.linspace(0, 1, 100, dtype=np.float32)[:, None]
    alarm = Alarm.of(begin, scores, MERGE)
    assert alarm.opens > 1
    assert alarm.opened == 0
    assert "too short to show one per loop and week, so only what exceeds all of it opens" in alarm.promise


def test_a_past_that_cannot_judge_itself_promises_nothing() -> None:
    alarm = Alarm.of(np.arange(3, dtype=np.int64), np.full((3, 1), np.nan, np.float32), MERGE)
    assert alarm.promise == "the past could not be judged by itself, so that only what is certain is told"


LOOPS, DAYS = 5, 1.5
CELLS = cell_names(LOOPS)
SPLIT = T0 + round(24 * HOUR)


@pytest.fixture(scope="module")
def night() -> tuple[Night, tuple[CryogenicFault, ...]]:
    """A quiet day and half a day with a fault in four loops of five."""
    faults = (
        CryogenicFault(CELLS[0], "drift", 1.0, SPLIT + 2 * HOUR, SPLIT + 9 * HOUR, 3),
        CryogenicFault(CELLS[1], "heater-trip", 3.0, SPLIT + 2 * HOUR, SPLIT + 5 * HOUR),
        CryogenicFault(CELLS[2], "gap", 1.0, SPLIT + 3 * HOUR, SPLIT + 4 * HOUR, 6),
        CryogenicFault(CELLS[3], "unit-change", 1000.0, SPLIT + 3 * HOUR, SPLIT + 4 * HOUR, 2),
    )
    readings = simulate(CryogenicSettings(days=DAYS, loops=LOOPS, seed=3), faults).readings
    return Night.of(readings.between(T0, SPLIT), readings.between(SPLIT, 2**62)), faults


@pytest.fixture(scope="module")
def found(night: tuple[Night, tuple[CryogenicFault, ...]]) -> Scan:
    return scan(night[0])


def test_every_fault_is_found_and_named(night: tuple[Night, tuple[CryogenicFault, ...]], found: Scan) -> None:
    names = {
        fault.kind: {
            each.kind
            for each in found.intervals
            if each.loop == fault.loop and each.begin < fault.end and (each.end is None or each.end > fault.begin)
        }
        for fault in night[1]
    }
    assert "drift" in names["drift"]
    assert names["heater-trip"]
    assert "gap" in names["gap"]
    assert "unit-change" in names["unit-change"]


def test_the_reason_names_sensor_value_and_what_is_usual(found: Scan) -> None:
    (drift,) = [each for each in found.intervals if each.loop == CELLS[0] and each.kind == "drift"][:1]
    assert drift.drivers[0] == f"LBARB_{CELLS[0]}_TT843.POSST"
    assert f"LBARB_{CELLS[0]}_TT843.POSST: " in drift.reason
    assert " K, in the past " in drift.reason or " K/h, in the past " in drift.reason


def test_text_and_table_show_the_worst(found: Scan) -> None:
    said = text(found)
    assert f"{found.sensors} sensors of {LOOPS} loops" in said
    assert worst_loops(found.intervals, found.end)[0].reason in said
    assert csv_of(found).startswith(b"loop,begin,end,hours,severity,kind,drivers,reason,suppressed,cause\r\n")


def test_a_formula_in_a_name_is_only_text(found: Scan) -> None:
    evil = AnomalyInterval("=cmd()", found.begin, None, 1.0, "gap", ("@x",), "+1", "-2")
    row = csv_of(replace(found, intervals=(evil,))).splitlines()[1].decode()
    assert row.startswith("'=cmd(),")
    assert row.endswith(",gap,'@x,'+1,'-2,")


def test_what_is_in_service_is_shown_and_does_not_alarm(night: tuple[Night, tuple[CryogenicFault, ...]]) -> None:
    only = [each.name for each in night[0].readings.sensors if each.loop == CELLS[2]]
    small = replace(night[0], past=night[0].past.take(only), readings=night[0].readings.take(only))
    quiet = Quiet(CELLS[2], SPLIT, None, "service", "me", "work")
    done = scan(small, quiet=[quiet])
    assert {each.suppressed for each in done.intervals} == {"service: work (me)"}
    assert worst_loops(done.intervals, done.end) == []
    assert f"suppressed {CELLS[2]}: gap; service: work (me)" in text(done)


def test_a_night_needs_readings_a_past_time_and_sensors_in_common() -> None:
    def of(name: str, begin: float, end: float) -> SensorReadings:
        time = hours(begin, end)
        return SensorReadings.of([sensor(name)], [(time, noise(time))])

    empty = SensorReadings.of([], [])
    with pytest.raises(InputError, match="there is no reading to scan; name files that hold some"):
        Night.of(of("TT", 0, 5), empty)
    with pytest.raises(InputError, match=r"there is no past to compare with; name earlier files with --past"):
        Night.of(empty, of("TT", 0, 5))
    with pytest.raises(InputError, match=r"the past ends at 2026-06-01T03:59:50Z, after the readings begin \(2026"):
        Night.of(of("TT", 0, 4), of("TT", 3, 5))
    with pytest.raises(InputError, match=r"the past of 1 h is too short: it takes 3\.5 h to know what is usual"):
        Night.of(of("TT", 0, 1), of("TT", 3, 5))
    with pytest.raises(InputError, match=r"the past has none of the sensors that are to be scanned \('PT' …"):
        Night.of(of("TT", 0, 4), of("PT", 5, 9))


def test_sensors_that_only_one_side_has_are_noted() -> None:
    a, b = hours(0, 4), hours(4, 8)
    past = SensorReadings.of([sensor("TT"), sensor("OLD")], [(a, noise(a)), (a, noise(a))])
    now = SensorReadings.of([sensor("TT"), sensor("NEW")], [(b, noise(b)), (b, noise(b))])
    night = Night.of(past, now)
    assert night.notes == (
        "1 sensor without a past, such as NEW: only what is certain is told",
        "1 sensor of the past not read at all, such as OLD",
    )
    found = scan(night)
    assert [(each.kind, each.drivers) for each in found.intervals if each.kind == "gap"] == [("gap", ("OLD",))]


def test_a_loop_that_cannot_be_judged_is_noted() -> None:
    """Mutant: a loop without a score is passed over in silence."""
    a, b = hours(0, 6), hours(6, 8)
    pair = sensor("TT"), replace(sensor("PT"), loop="B")
    past = SensorReadings.of(pair, [(a, noise(a)), (a[-30:], noise(a[-30:]))])
    found = scan(Night.of(past, SensorReadings.of(pair, [(b, noise(b)), (b, noise(b))])))
    assert found.notes == ("1 loop could not be judged, such as B; only what is certain is told there",)


def test_a_past_of_which_one_half_is_missing_opens_nothing() -> None:
    """Mutant: severities of no past, which are all alike, open an anomaly that lasts all night."""
    a, b = hours(0, 6), hours(6, 8)
    past = SensorReadings.of([sensor()], [(a, np.where(a < hours(3.2, 4)[0], np.nan, noise(a)))])
    found = scan(Night.of(past, SensorReadings.of([sensor()], [(b, noise(b, seed=2))])))
    assert found.intervals == ()
    assert found.notes == ("1 loop could not be judged, such as A; only what is certain is told there",)


def test_what_is_certain_in_the_past_teaches_nothing() -> None:
    """Mutant: the past as it was logged, whose other unit would make every level usual."""
    a, b = hours(0, 12), hours(12, 18)
    steady, odd = noise(a), noise(b, seed=2)
    odd[(b >= hours(14, 15)[0]) & (b < hours(16, 17)[0])] += 1.0
    changed = np.where((a >= hours(4, 5)[0]) & (a < hours(5, 6)[0]), 100 * steady, steady)
    night = SensorReadings.of([sensor("TT")], [(b, odd)])
    pasts = [SensorReadings.of([sensor("TT")], [(a, each)]) for each in (steady, changed)]
    found = [[each.kind for each in scan(Night.of(past, night)).intervals] for past in pasts]
    assert found[0] == found[1]
    assert "level" in found[1]


@pytest.mark.parametrize(("pause", "noted"), [(2, 1), (0, 0)])
def test_windows_that_reach_into_a_pause_before_the_night_are_not_judged(pause: int, noted: int) -> None:
    """Mutant: windows of a few readings, whose slopes open a drift in every loop where the files leave a pause."""
    a, b = hours(0, 12), hours(12 + pause, 16 + pause)
    past = SensorReadings.of([sensor("TT")], [(a, noise(a))])
    found = scan(Night.of(past, SensorReadings.of([sensor("TT")], [(b, noise(b, seed=2))])))
    assert [each for each in found.intervals if each.begin < b[0] + HOUR] == []
    told = (
        "1 sensor without a valid reading just before 2026-06-01T14:00:00Z, such as TT, last at 2026-06-01T11:59:50Z; "
    )
    assert list(found.notes) == [told + "until 2026-06-01T15:02:02Z only what is certain is told there"] * noted


def test_a_silence_at_the_begin_of_the_night_is_a_gap() -> None:
    """Mutant: a night that begins with its first reading, however long everything was silent before."""
    a, b = hours(0, 4), hours(6, 8)
    past, night = (SensorReadings.of([sensor("TT")], [(each, noise(each))]) for each in (a, b))
    since = int(T0 + 5 * HOUR)
    (gap,) = [each for each in scan(Night.of(past, night, since=since)).intervals if each.kind == "gap"]
    assert (gap.begin, gap.end) == (since, int(b[0]))
    assert Night.of(past, night, since=T0 + HOUR).begin == Night.of(past, night).begin == b[0]


@pytest.mark.parametrize(("x", "width"), [(0.1 + 1e-17, 0.0), (0.09, 0.0), (0.3, 0.2)])
def test_a_width_in_words_is_never_negative_nor_the_rest_of_a_rounding(x: float, width: float) -> None:
    feature = Feature("TT:noise@10min", 0, "noise", "A", "TT", "S/TT:noise@10min", "S", "K", 0.0)
    one = np.zeros(1)
    ranges = Ranges(Judged((feature,), ()), np.array([0.1]), np.zeros((2, 0)), one, one, one)
    assert ranges.shown(0, float(np.log(x))) == pytest.approx(width, abs=0 if width == 0 else 1e-12)
