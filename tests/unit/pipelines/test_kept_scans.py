"""Anomalies of a day from several scans: the same hours are said anew, the others stay."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from dqm.decide.ongoing import LookedAt
from dqm.model.sensors import SECOND, AnomalyInterval
from dqm.store.anomalies import SCANNED, SCHEMA, ScannedDay, scanned_days, store_anomalies
from dqm.store.store import Store
from pipelines.sensors.keeping import Scanned, after_scan

HOUR = 3600 * SECOND
DAY_BEGIN = 20_000 * 24 * HOUR


def anomaly(hour: int, loop: str = "31L2") -> AnomalyInterval:
    begin = DAY_BEGIN + hour * HOUR
    return AnomalyInterval(loop, begin, begin + HOUR, 3.0, "gap", (loop,), "no reading for 1 h")


def scan(store: Store, first: int, last: int, hours: list[int], note: str = "") -> ScannedDay:
    begin, end = DAY_BEGIN + first * HOUR, DAY_BEGIN + last * HOUR
    notes = (note,) if note else ()
    with store.transaction() as change:
        found = [anomaly(each) for each in hours]
        store_anomalies(change, after_scan(scanned_days(store), Scanned(begin, end, "", found, notes)), {})
    return scanned_days(store)[-1]


def test_a_later_scan_says_its_own_hours_anew_and_no_other(tmp_path: Path) -> None:
    """Mutant: the day replaced as a whole, which loses the anomaly of the night."""
    with Store.create(tmp_path / "store") as store:
        scan(store, 0, 12, [2, 10], "one loop could not be judged")
        found = scan(store, 8, 24, [15])
    assert [(each.begin - DAY_BEGIN) // HOUR for each in found.intervals] == [2, 15]
    assert (found.begin, found.end) == (DAY_BEGIN, DAY_BEGIN + 24 * HOUR)
    assert found.notes == ("one loop could not be judged",)


def test_hours_between_two_scans_are_told(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        scan(store, 18, 24, [20])
        found = scan(store, 0, 6, [])
    assert found.notes == ("nobody looked from 2024-10-04T06:00Z to 2024-10-04T18:00Z",)
    assert len(found.intervals) == 1


def test_an_anomaly_of_the_day_before_is_continued_in_its_own_day(tmp_path: Path) -> None:
    going_on = replace(anomaly(20), end=None)
    with Store.create(tmp_path / "store") as store:
        for begin, found in ((DAY_BEGIN, [going_on]), (DAY_BEGIN + 24 * HOUR, [replace(anomaly(24), end=None)])):
            looked = LookedAt({}, {"31L2": begin})
            scanned = Scanned(begin, begin + 24 * HOUR, "", found, looked=looked, readings={20241004: "a"})
            with store.transaction() as change:
                store_anomalies(change, after_scan(scanned_days(store), scanned), {})
        first, second = scanned_days(store)
        assert (first.intervals, second.intervals) == ((going_on,), ())
        assert (first.readings, second.readings) == ("a", "")
        with store.transaction() as change:
            over = Scanned(begin, begin + 24 * HOUR, "", [], looked=LookedAt({}, {"31L2": begin + HOUR}))
            store_anomalies(change, after_scan(scanned_days(store), over), {})
        assert scanned_days(store)[0].intervals == (replace(going_on, end=begin + HOUR),)


def test_a_note_goes_when_all_that_it_speaks_of_was_looked_at_again(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        scan(store, 2, 12, [], "one loop could not be judged")
        assert scan(store, 0, 24, []).notes == ()


def test_days_that_an_older_version_kept_are_read(tmp_path: Path) -> None:
    older = pa.schema([each for each in SCHEMA if each.name not in ("cause", "loops")])
    row = {"loop": "A", "begin": DAY_BEGIN, "end": None, "severity": 1.0, "kind": "gap", "reason": "", "suppressed": ""}
    said = json.dumps({"begin": DAY_BEGIN, "end": DAY_BEGIN + HOUR, "promise": ""}).encode()
    with Store.create(tmp_path / "store") as store:
        with store.transaction() as change:
            table = pa.Table.from_pylist([row | {"drivers": "[]"}], schema=older.with_metadata({SCANNED: said}))
            change.put("anomalies", 20241004, table, {})
        (day,) = scanned_days(store)
    assert day.intervals == (AnomalyInterval("A", DAY_BEGIN, None, 1.0, "gap", (), ""),)
