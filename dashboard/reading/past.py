"""The labelled past, and what working points would do there."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.trade_off.tables import PastCurve
from dqm.decide.policy import MarginPolicy
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint
from dqm.store.store import Store
from dqm.store.tables import past_from_arrow


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
