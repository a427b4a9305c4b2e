"""Everything that the page of a run draws, put together once for what the store holds and people did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.canvas.timeline import Timeline
from dashboard.one_run.tracks import Facts, groups_of, timeline
from dashboard.reading.quantities import run_labels, run_quantities
from dashboard.reading.run_record import run_contributions, run_record, sensor_catalog, sensor_in_run
from dashboard.reading.view import View
from dqm.model.errors import StoreError
from dqm.store.contributions import Contributions

QUANTITY, SENSOR = "quantity", "sensor"


def line_choices(view: View, run: int) -> list[str]:
    """What may be drawn as a line over the lumisections: quantities of the run, then sensors, as ``kind: name``."""
    found = []
    if run in view.held["quantities"]:
        found = [f"{QUANTITY}: {each.name}" for each in run_quantities(view.path, view.snapshot, run).columns]
    if view.held["sensors"]:
        found += [f"{SENSOR}: {name}" for name in sensor_catalog(view.path, view.snapshot)]
    return found


def first_lines(view: View, run: int) -> list[str]:
    """The lines that are drawn before anybody chooses: the weight."""
    if run not in view.held["quantities"]:
        return []
    columns = run_quantities(view.path, view.snapshot, run).columns
    return [f"{QUANTITY}: {each.name}" for each in columns if each.role == "weight"][:1]


def run_facts(view: View, run: int) -> Facts:
    """What is known of a run that was certified, without its lines."""
    return _facts(view, view.path, view.snapshot, view.entry, view.unit, run)


def run_groups(view: View, run: int) -> Contributions:
    """What each group added to every lumisection of the run."""
    return _groups(view, view.path, view.snapshot, view.entry, view.unit, run)


def run_timeline(view: View, run: int, lines: Sequence[str]) -> Timeline:
    """The timeline of a run with these lines."""
    return _timeline(view, view.path, view.snapshot, view.entry, view.unit, run, tuple(lines))


@st.cache_resource(max_entries=16, show_spinner=False)
def _facts(_view: View, path: str, snapshot: int, entry: int, unit: str, run: int) -> Facts:
    record, held = run_record(_view, run), _view.held
    if record.machine is None or record.verdicts is None:
        raise StoreError(f"run {run} has no verdicts; first: dqm score --runs {run}, dqm certify --runs {run}")
    labels = run_labels(path, snapshot, run).aligned(record.machine.index) if run in held["labels"] else None
    quantities = run_quantities(path, snapshot, run) if run in held["quantities"] else None
    contributions = run_contributions(path, snapshot, run)
    return Facts(
        run, unit, record.machine, record.verdicts, _view.point, labels, quantities, contributions
    )  # fmt: skip


@st.cache_resource(max_entries=16, show_spinner=False)
def _groups(_view: View, path: str, snapshot: int, entry: int, unit: str, run: int) -> Contributions:
    return groups_of(_facts(_view, path, snapshot, entry, unit, run))


@st.cache_resource(max_entries=16, show_spinner="Drawing the run…")
def _timeline(
    _view: View, path: str, snapshot: int, entry: int, unit: str, run: int, lines: tuple[str, ...]
) -> Timeline:
    facts = _facts(_view, path, snapshot, entry, unit, run)
    ls = np.asarray(facts.machine.index.get_level_values("ls"))
    values = [_line(path, snapshot, run, facts, ls, each) for each in lines]
    return timeline(Facts(**{**vars(facts), "values": values}))


def _line(
    path: str, snapshot: int, run: int, facts: Facts, ls: NDArray[np.int64], line: str
) -> tuple[str, str, NDArray[np.floating]]:
    """Title, unit and values ``(n,)`` of a line; NaN where nothing was read."""
    kind, _, name = line.partition(": ")
    found = np.full(len(ls), np.nan)
    if kind == QUANTITY and facts.quantities is not None:
        at = facts.quantities.index.get_indexer(facts.machine.index)
        column = facts.quantities.columns[facts.quantities.position(name)]
        found[at >= 0] = facts.quantities[name][at[at >= 0]]
        return name, column.unit, found
    known, means = sensor_in_run(path, snapshot, run, name)
    _, here, there = np.intersect1d(ls, known, return_indices=True)
    found[here] = means[there]
    return name, sensor_catalog(path, snapshot)[name].unit, found
