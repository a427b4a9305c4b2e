"""One run as it stands: what the machine says, what people said over it, and where the run is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.reading.view import View
from dqm.model.sensors import Sensor
from dqm.model.verdicts import Asked, Verdicts
from dqm.services.effective import (
    changed_runs,
    machine_verdicts,
    partitions_that_stand,
    with_people,
    without_changed,
)
from dqm.services.growing import is_provisional
from dqm.services.outdated import Outdated, outdated
from dqm.services.shown import Shown
from dqm.services.standing import Standing, known_run, standing
from dqm.store.calendar import lumisection_times
from dqm.store.contributions import KIND, Contributions, contributions_from_arrow
from dqm.store.sensors import read_sensors, stored_sensors
from dqm.store.store import Store


@dataclass(frozen=True, eq=False)
class RunRecord:
    """One run: ``found`` where it stands, ``machine`` what the machine says and ``verdicts`` with people over it, both
    None where it was not certified; ``shown`` is what a form sends back. Its verdicts are ``provisional`` while it
    grows, and UNKNOWN where its data ``changed`` since."""

    found: Standing
    machine: Verdicts | None
    verdicts: Verdicts | None
    shown: Shown
    provisional: bool = False
    changed: bool = False

    def now(self, at: datetime) -> Standing:
        """Where it stands at a moment: a claim may have ended since it was read."""
        return standing(self.found.run, self.found.entries, self.found.data, at)


def run_record(view: View, run: int) -> RunRecord:
    """The run; raises ``UnknownNameError`` for one that the store does not hold."""
    return _record(view.path, view.snapshot, view.entry, run)


@st.cache_resource(max_entries=32, show_spinner="Reading the run…")
def _record(path: str, snapshot: int, entry: int, run: int) -> RunRecord:
    with Store.open(Path(path)) as store:
        found = known_run(store, run, datetime.now(UTC))
        held = [each for each in partitions_that_stand(store, [found]) if each.run == run]
        if not held:
            return RunRecord(found, None, None, Shown.of(found, ""))
        changed = changed_runs(held, {run: found})
        machine = without_changed(machine_verdicts(store, held), changed)
        verdicts, shown = with_people(machine, [found]), Shown.of(found, held[0].digest)
        return RunRecord(found, machine, verdicts, shown, is_provisional(held[0]), bool(changed))


def out_of_date(view: View, run: int) -> Outdated | None:
    """Why the verdicts of a run are not what the present configuration or data would give; None where they are."""
    asked = view.asked
    return _outdated(view.path, view.snapshot, asked.digest, asked.labels, asked.sensors).get(run)


@st.cache_resource(max_entries=4, show_spinner=False)
def _outdated(path: str, snapshot: int, digest: str, labels: bool, sensors: bool) -> dict[int, Outdated]:
    with Store.open(Path(path)) as store:
        return outdated(store, Asked(digest, labels, sensors), snapshot)


@st.cache_resource(max_entries=32, show_spinner=False)
def run_contributions(path: str, snapshot: int, run: int) -> Contributions | None:
    """What every group added to each lumisection; None where an earlier version scored the run, which kept none."""
    with Store.open(Path(path)) as store:
        if run not in store.runs(KIND, snapshot):
            return None
        return contributions_from_arrow(store.read(KIND, [run], snapshot=snapshot))


@st.cache_resource(max_entries=4, show_spinner=False)
def sensor_catalog(path: str, snapshot: int) -> dict[str, Sensor]:
    """Every sensor of which readings are stored, by name."""
    with Store.open(Path(path)) as store:
        return {each.name: each for each in stored_sensors(store, snapshot)}


@st.cache_resource(max_entries=64, show_spinner="Reading the sensor…")
def sensor_in_run(path: str, snapshot: int, run: int, name: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Lumisections ``(m,)`` of a run whose time is known, and the mean of a sensor in each, NaN where it read nothing.

    Raises ``StoreError`` where no lumisection has a time.
    """
    with Store.open(Path(path)) as store:
        times = lumisection_times(store, snapshot=snapshot, run=run)
        begin, end = times.grid.begin, times.grid.end
        time, value = read_sensors(store, [name], int(begin[0]), int(end[-1]), snapshot)[name]
    valid = np.isfinite(value)
    time, value = time[valid], value[valid]
    first, after = np.searchsorted(time, begin), np.searchsorted(time, end)
    total = np.concatenate([[0.0], np.cumsum(value)])
    number = after - first
    mean = np.full(len(begin), np.nan)
    np.divide(total[after] - total[first], number, out=mean, where=number > 0)
    return np.asarray(times.index.get_level_values("ls")), mean.astype(np.float32)
