"""The labelled past, prepared for whatever working point is asked about."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.trade_off.tables import PastCurve
from dqm.decide.policy import MarginPolicy, Margins
from dqm.store.store import Store
from dqm.store.tables import past_from_arrow


@st.cache_resource(max_entries=2, show_spinner="Reading the labelled past and drawing runs with replacement…")
def prepared(path: str, snapshot: int) -> tuple[Margins, PastCurve | None]:
    """What the margin policy would choose at any budgets, and the operating curve; None without a good lumisection."""
    with Store.open(Path(path)) as store:
        past = past_from_arrow(store.read("past", snapshot=snapshot))
    return MarginPolicy().over(past), PastCurve.of(past)
