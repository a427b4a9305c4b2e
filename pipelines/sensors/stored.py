"""A scan of stored readings, and the scan kept in the store."""

from __future__ import annotations

import time

from dqm.model.config import Config
from dqm.model.sensor_catalog import Quiet
from dqm.store.anomalies import scanned_days, store_anomalies
from dqm.store.sensors import read_sensors
from dqm.store.store import Store
from pipelines.sensors.scan import Night, Scan, scan


def scan_stored(config: Config, store: Store, since: int) -> Scan:
    """Judge what the store holds from ``since`` (ns of UTC) on by what it holds from before, and keep what is found."""
    readings = read_sensors(store)
    night = Night.of(readings.between(-(2**62), since), readings.between(since, 2**62), since=since)
    quiet = [Quiet.of(each) for each in config.sensors.quiet]
    found = scan(night, periods=config.sensors.gap, quiet=quiet)
    keep(found, store)
    return found


def keep(found: Scan, store: Store) -> list[int]:
    """Store the anomalies by UTC day, in one commit; the days are returned."""
    made = {"features": str(found.features), "scanned_at": str(int(time.time()))}
    span, promise = (found.begin, found.end), found.alarm.promise
    with store.transaction(based_on=store.snapshot) as change:
        return store_anomalies(change, found.intervals, span, promise, made, found.notes, scanned_days(store))
