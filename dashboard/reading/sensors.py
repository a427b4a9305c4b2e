"""Scanned days and readings of sensors, with the lumisections of the time."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dqm.model.errors import StoreError
from dqm.model.sensors import SensorReadings, TimeGrid
from dqm.store.anomalies import ScannedDay, scanned_days
from dqm.store.calendar import lumisection_times
from dqm.store.sensors import read_sensors, stored_sensors
from dqm.store.store import Store


@st.cache_resource(max_entries=4, show_spinner="Reading anomalies…")
def scanned(path: str, snapshot: int) -> tuple[ScannedDay, ...]:
    """Every day on which sensors were scanned, the latest last."""
    with Store.open(Path(path)) as store:
        return tuple(scanned_days(store, snapshot))


@st.cache_resource(max_entries=8, show_spinner="Reading sensors…")
def loop_readings(path: str, snapshot: int, loop: str, begin: int, end: int) -> SensorReadings:
    """What the sensors of a loop, of all loops of a sector, or a lone sensor, read in ``[begin, end)`` (ns of UTC)."""
    with Store.open(Path(path)) as store:
        known = stored_sensors(store, snapshot)
        names = [each.name for each in known if (each.loop or each.name) == loop]
        names = names or [
            each.name for each in known if each.subsystem == loop
        ]  # a cause that its loops have in common
        return read_sensors(store, names, begin, end, snapshot) if names else SensorReadings.of([], [])


@st.cache_resource(max_entries=8, show_spinner=False)
def lumisections_in(path: str, snapshot: int, begin: int, end: int) -> TimeGrid | None:
    """The windows of the lumisections in ``[begin, end)`` (ns of UTC); None where there is no common time."""
    with Store.open(Path(path)) as store:
        try:
            return lumisection_times(store, begin, end, snapshot=snapshot).grid
        except StoreError:
            return None
