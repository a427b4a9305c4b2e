"""Verdicts of runs, and those of the newest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.verdicts.run_tables import RunSummary, summaries
from dqm.model.verdicts import Verdicts
from dqm.store.store import Store
from dqm.store.tables import scores_from_arrow, verdicts_from_arrow

NEWEST = 50
"""How many of the newest certified runs the trade-off page compares."""


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
