"""Verdicts of runs, as the machine gave them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dqm.model.verdicts import Verdicts
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow


@st.cache_resource(max_entries=32, show_spinner="Reading verdicts…")
def run_verdicts(path: str, snapshot: int, run: int) -> Verdicts:
    """The verdicts of one run, ascending by lumisection."""
    with Store.open(Path(path)) as store:
        return verdicts_from_arrow(store.read("verdicts", [run], snapshot=snapshot))
