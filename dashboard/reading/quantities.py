"""Quantities and labels of runs, and how long their lumisections last."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import streamlit as st

from dashboard.trade_off.tables import lumisection_seconds
from dqm.model.labels import Labels
from dqm.model.tables import QuantityTable
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow, quantities_from_arrow

NEWEST = 50
"""How many of the newest certified runs tell how long a lumisection is."""


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


@st.cache_resource(max_entries=4, show_spinner=False)
def seconds(path: str, snapshot: int) -> float | None:
    """How long a lumisection of the newest certified runs lasts by their calendar; None where no begin is known."""
    with Store.open(Path(path)) as store:
        known = set(store.runs("quantities", snapshot))
        runs = [run for run in store.runs("verdicts", snapshot)[-NEWEST:] if run in known]
        if not runs:
            return None
        table = store.read("quantities", runs, ["run", "ls", "start"], snapshot)
    start = table["start"].cast(pa.timestamp("ns")).to_numpy()
    return lumisection_seconds(table["run"].to_numpy(), table["ls"].to_numpy(), start)
