"""Histograms of one dimension on the page: the figure with its switches, the table, the file."""

from __future__ import annotations

from typing import get_args

import pandas as pd
import streamlit as st

from dashboard.comparison.figures import Layout, comparison_figure, lone_figure
from dashboard.comparison.reference import NoReference, Reference
from dashboard.comparison.standing import Given, Standing, standing_of
from dashboard.comparison.tables import bin_names, bin_table, csv_of, file_name, lone_table
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.plotly_options import PLOT
from dashboard.look.same_table import same_as_table

FLOOR = 36.9
"""Pull from which chances are too small to be told apart (``features.references.LEAST_P``)."""


@fragment
def show_lines(given: Given, found: Reference | NoReference) -> None:
    """A histogram with its reference, or alone where there is none; a change of layout draws the picture alone."""
    standing = standing_of(given, found) if isinstance(found, Reference) else found
    layouts = get_args(Layout)
    layout = st.segmented_control(
        "Layout", layouts, default=layouts[0], required=True, key="compare_layout", label_visibility="collapsed"
    )
    if isinstance(standing, Standing):
        _show_measures(standing)
        figure, table = comparison_figure(standing, layout or layouts[0]), bin_table(standing)
    else:
        if isinstance(found, Reference):
            st.warning(for_markdown(f"U unknown ({standing.code}): {standing.why}"), icon=":material/help:")
        figure, table = lone_figure(given), lone_table(given)
    alt = f"{given.element} in run {given.run} beside its reference"
    st.plotly_chart(figure, key="compare_lines", config=PLOT, alt=alt)
    show_table(table, given)


@fragment
def show_table(table: pd.DataFrame, given: Given) -> None:
    """The same as a table and as a file."""
    below = same_as_table("compare_folded")
    if below is None:
        return
    with below:
        st.dataframe(table, hide_index=True, height=320, key="compare_table")
        st.download_button(
            "CSV",
            csv_of(table),
            file_name=file_name(given.run, given.element, given.first, given.last),
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="compare_csv",
        )


def _show_measures(standing: Standing) -> None:
    """How large the differences are, and against which of the candidates."""
    names = bin_names(standing.reference.axes[0])
    where = names[standing.where + 1] if standing.where >= 0 else "–"
    at_least = "≥ " if standing.pull > FLOOR else ""
    st.markdown(
        f"Largest pull **{at_least}{standing.pull:.1f} σ** "
        f"(bin {for_markdown(where)}, after the look-elsewhere effect) "
        f"· **{standing.ks:.1%}** lies elsewhere · shifted by **{standing.emd:.2g}** widths · "
        f"drawn: {for_markdown(standing.named)}"
    )
