"""Beside every chart the same as a table, folded away: it is made when it is opened."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def same_as_table(key: str) -> DeltaGenerator | None:
    """Where the table goes, None while it is folded: a table that nobody sees costs a page as much as its chart.

    To be called in a fragment, which is drawn anew when the table is opened.
    """
    folded = st.expander("The same as a table", key=key, on_change="rerun")
    return folded if folded.open else None
