"""The only way to the store: open it for each rerun, read records once per snapshot.

Every cached function is keyed by scalars (path of the store, snapshot, run, budgets), since Streamlit hashes only a
sample of a large table. The records are frozen and shared between sessions: nobody changes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.run_tables import RunSummary, summaries
from dashboard.trade_off_tables import PastCurve, lumisection_seconds
from dqm.decide.policy import MarginPolicy
from dqm.model.config import Config, load
from dqm.model.errors import ConfigError, StoreError
from dqm.model.labels import Labels
from dqm.model.past import Past
from dqm.model.sensors import SensorReadings, TimeGrid
from dqm.model.tables import QuantityTable
from dqm.model.verdicts import Verdicts, WorkingPoint
from dqm.store.anomalies import ScannedDay, scanned_days
from dqm.store.calendar import lumisection_times
from dqm.store.sensors import read_sensors, stored_sensors
from dqm.store.store import Store
from dqm.store.tables import (
    labels_from_arrow,
    past_from_arrow,
    quantities_from_arrow,
    scores_from_arrow,
    verdicts_from_arrow,
)

NEWEST = 50
"""How many of the newest certified runs the trade-off page compares."""


@dataclass(frozen=True)
class View:
    """What one rerun shows: a configuration, its store and the snapshot that was the newest when the rerun began.

    ``held`` tells of each kind which runs the snapshot holds, ascending.
    """

    config: Config
    config_path: Path
    path: str
    snapshot: int
    held: dict[str, list[int]]
    point: WorkingPoint | None

    @property
    def unit(self) -> str:
        """What one lumisection is called here."""
        return self.config.experiment.lumisection

    @property
    def weight_unit(self) -> str:
        """Unit of the weight, or the word where it has none."""
        return self.config.experiment.weight_unit


def view(config_path: str) -> View:
    """Read the configuration and look at the newest snapshot; raises ``ConfigError`` or ``StoreError``."""
    if not config_path:
        raise ConfigError("no configuration was given; start the pages with: dqm dashboard --config dqm.toml")
    config = load(Path(config_path))
    with Store.open(config.store_path) as store:
        snapshot = store.snapshot
        kinds = ("quantities", "labels", "past", "scores", "verdicts", "sensors", "anomalies")
        held = {kind: store.runs(kind, snapshot) for kind in kinds}
        points = [each.working_point for each in store.working_points() if each.snapshot <= snapshot]
    point = points[-1] if points else None
    return View(config, Path(config_path), str(config.store_path.resolve()), snapshot, held, point)


@st.cache_resource(max_entries=4, show_spinner="Reading verdicts…")
def run_summaries(path: str, snapshot: int) -> tuple[RunSummary, ...]:
    """Every certified run, what needs people first."""
    with Store.open(Path(path)) as store:
        return summaries(verdicts_from_arrow(store.read("verdicts", snapshot=snapshot)))


@st.cache_resource(max_entries=32, show_spinner="Reading verdicts…")
def run_verdicts(path: str, snapshot: int, run: int) -> Verdicts:
    """The verdicts of one run, ascending by lumisection."""
    with Store.open(Path(path)) as store:
        return verdicts_from_arrow(store.read("verdicts", [run], snapshot=snapshot))


@st.cache_resource(max_entries=32, show_spinner="Reading quantities…")
def run_quantities(path: str, snapshot: int, run: int) -> QuantityTable:
    """The quantities of one run, ascending by lumisection."""
    with Store.open(Path(path)) as store:
        return quantities_from_arrow(store.read("quantities", [run], snapshot=snapshot))


@st.cache_resource(max_entries=32, show_spinner=False)
def run_labels(path: str, snapshot: int, run: int) -> Labels:
    """What people said of one run."""
    with Store.open(Path(path)) as store:
        return labels_from_arrow(store.read("labels", [run], snapshot=snapshot))


@st.cache_resource(max_entries=4, show_spinner="Reading the labelled past…")
def past(path: str, snapshot: int) -> Past:
    """Out-of-fold evidence of the labelled runs, from which working points are chosen."""
    with Store.open(Path(path)) as store:
        return past_from_arrow(store.read("past", snapshot=snapshot))


@st.cache_resource(max_entries=4, show_spinner="Drawing runs with replacement…")
def past_curve(path: str, snapshot: int) -> PastCurve | None:
    """The operating curve of the labelled past; None where no good lumisection was scored."""
    return PastCurve.of(past(path, snapshot))


@st.cache_resource(max_entries=256, show_spinner=False)
def chosen_point(path: str, snapshot: int, data_loss: float, pollution: float, confidence: float) -> WorkingPoint:
    """What the margin policy chooses at these budgets (fractions of the weight)."""
    return MarginPolicy().choose(past(path, snapshot), data_loss, pollution, confidence)


@st.cache_resource(max_entries=4, show_spinner="Reading the newest runs…")
def newest(path: str, snapshot: int) -> tuple[Verdicts, NDArray[np.bool_]]:
    """Verdicts of the newest certified runs with what a guard holds, ``(n,)``; unscored ones are held by nothing."""
    with Store.open(Path(path)) as store:
        runs = store.runs("verdicts", snapshot)[-NEWEST:]
        verdicts = verdicts_from_arrow(store.read("verdicts", runs, snapshot=snapshot))
        scored = sorted(set(runs) & set(store.runs("scores", snapshot)))
        held = np.zeros(len(verdicts), dtype=bool)
        for run in scored:  # run by run, since two runs may have been scored by different models
            scores = scores_from_arrow(store.read("scores", [run], snapshot=snapshot))
            at = verdicts.index.get_indexer(scores.index)
            held[at[at >= 0]] = scores.held[at >= 0]
    return verdicts, held


@st.cache_resource(max_entries=4, show_spinner=False)
def seconds(path: str, snapshot: int) -> float | None:
    """How long a lumisection of the newest certified runs lasts by their calendar; None where no begin is known."""
    with Store.open(Path(path)) as store:
        known = set(store.runs("quantities", snapshot))
        runs = [run for run in store.runs("verdicts", snapshot)[-NEWEST:] if run in known]
        if not runs:
            return None
        columns = ["run", "ls", "status", "start"]
        return lumisection_seconds(quantities_from_arrow(store.read("quantities", runs, columns, snapshot)))


@st.cache_resource(max_entries=4, show_spinner="Reading anomalies…")
def scanned(path: str, snapshot: int) -> tuple[ScannedDay, ...]:
    """Every day on which sensors were scanned, the latest last."""
    with Store.open(Path(path)) as store:
        return tuple(scanned_days(store, snapshot))


@st.cache_resource(max_entries=8, show_spinner="Reading sensors…")
def loop_readings(path: str, snapshot: int, loop: str, begin: int, end: int) -> SensorReadings:
    """What the sensors of a loop, or a lone sensor, read in ``[begin, end)`` (ns of UTC)."""
    with Store.open(Path(path)) as store:
        names = [each.name for each in stored_sensors(store, snapshot) if (each.loop or each.name) == loop]
        return read_sensors(store, names, begin, end, snapshot) if names else SensorReadings.of([], [])


@st.cache_resource(max_entries=8, show_spinner=False)
def beam(path: str, snapshot: int, begin: int, end: int) -> TimeGrid | None:
    """The windows of the lumisections in ``[begin, end)`` (ns of UTC); None where there is no common time."""
    with Store.open(Path(path)) as store:
        try:
            return lumisection_times(store, begin, end, snapshot=snapshot).grid
        except StoreError:
            return None
