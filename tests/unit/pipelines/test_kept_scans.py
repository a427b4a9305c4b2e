"""Anomalies of a day from several scans: the same hours are said anew, the others stay."""

from __future__ import annotations

from pathlib import Path

from dqm.model.sensors import SECOND, AnomalyInterval
from dqm.store.anomalies import ScannedDay, scanned_days, store_anomalies
from dqm.store.store import Store

HOUR = 3600 * SECOND
DAY_BEGIN = 20_000 * 24 * HOUR


def anomaly(hour: int, loop: str = "31L2") -> AnomalyInterval:
    begin = DAY_BEGIN + hour * HOUR
    return AnomalyInterval(loop, begin, begin + HOUR, 3.0, "gap", (loop,), "no reading for 1 h")


def scan(store: Store, first: int, last: int, hours: list[int], note: str = "") -> ScannedDay:
    span = DAY_BEGIN + first * HOUR, DAY_BEGIN + last * HOUR
    with store.transaction() as change:
        found = [anomaly(each) for each in hours]
        store_anomalies(change, found, span, "", {}, [note] if note else [], scanned_days(store))
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
