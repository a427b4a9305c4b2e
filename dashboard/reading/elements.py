"""Monitor elements of a run, what they are compared with, and what detectors said of their features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.comparison.choice import Choice
from dashboard.comparison.reference import Axes, NoReference, Reference
from dashboard.reading.stored_elements import elements, good_values, read_pulls, read_reference
from dqm.model.histograms import HistogramBatch
from dqm.store.explanations import Explanations, explanations_from_arrow
from dqm.store.histograms import read_histograms
from dqm.store.store import Store


@st.cache_resource(max_entries=8, show_spinner=False)
def runs_with(path: str, snapshot: int, kind: str) -> tuple[int, ...]:
    """The runs of which a snapshot holds a kind, ascending."""
    with Store.open(Path(path)) as store:
        return tuple(store.runs(kind, snapshot))


@st.cache_resource(max_entries=16, show_spinner=False)
def run_elements(path: str, snapshot: int, run: int) -> dict[str, Axes]:
    """The monitor elements of a run with their axes; none where it has no histograms."""
    with Store.open(Path(path)) as store:
        return elements(store, run, snapshot)


@st.cache_resource(max_entries=8, show_spinner="Reading histograms…")
def run_batches(path: str, snapshot: int, run: int, element: str) -> list[HistogramBatch]:
    """One element of a run, a batch for each of its binnings."""
    with Store.open(Path(path)) as store:
        return list(read_histograms(store, [element], [run], snapshot))


@st.cache_resource(max_entries=32, show_spinner="Reading earlier runs…")
def reference(
    path: str, snapshot: int, run: int, element: str, binning: str, choice: str, alpha: float
) -> Reference | NoReference:
    """What an element of a run in one binning is compared with, of earlier runs alone; ``choice`` as in an address."""
    axes = next(each.axes for each in run_batches(path, snapshot, run, element) if each.binning == binning)
    with Store.open(Path(path)) as store:
        return read_reference(store, run, element, axes, Choice.read(choice), alpha=alpha, snapshot=snapshot)


@st.cache_resource(max_entries=8, show_spinner="Comparing every histogram of the run…")
def all_pulls(path: str, snapshot: int, run: int, first: int, last: int, choice: str, alpha: float) -> dict[str, float]:
    """The largest pull of every element in lumisections ``first`` to ``last``; those that can be compared."""
    with Store.open(Path(path)) as store:
        return read_pulls(store, run, (first, last), Choice.read(choice), alpha=alpha, snapshot=snapshot)


@st.cache_resource(max_entries=16, show_spinner="Reading earlier runs…")
def good_quantity(
    path: str, snapshot: int, run: int, quantity: str, *, per_weight: bool
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Values of a quantity in good lumisections of earlier runs, and these runs."""
    with Store.open(Path(path)) as store:
        return good_values(store, run, quantity, snapshot, per_weight=per_weight)


@st.cache_resource(max_entries=4, show_spinner=False)
def run_explanations(path: str, snapshot: int, run: int) -> Explanations | None:
    """What is kept of the reasons of a run in full; None where nothing is."""
    with Store.open(Path(path)) as store:
        if run not in store.runs("explanations", snapshot):
            return None
        return explanations_from_arrow(store.read("explanations", [run], snapshot=snapshot))
