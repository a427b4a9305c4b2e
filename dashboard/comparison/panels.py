"""Maps, quantities and the terms of detectors on the page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.comparison.asked import Span
from dashboard.comparison.lines import show_table
from dashboard.comparison.map_figures import map_figure
from dashboard.comparison.map_standing import LISTED, cell_table, map_standing_of
from dashboard.comparison.quantity import Course, course_figure, course_table
from dashboard.comparison.reference import NoReference, Reference
from dashboard.comparison.standing import Given
from dashboard.comparison.tables import csv_of, file_name
from dashboard.comparison.terms import Terms, sorted_by, terms_figure, terms_of
from dashboard.look.empty_states import show_command
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.plotly_options import PLOT
from dashboard.look.same_table import same_as_table
from dashboard.reading.elements import good_quantity, run_explanations
from dashboard.reading.quantities import run_quantities
from dashboard.reading.stored_elements import PER_WEIGHT, divided
from dashboard.reading.view import View


def show_map(given: Given, found: Reference | NoReference) -> None:
    """A map, its reference, their ratio, and what is dead or hot."""
    standing = map_standing_of(given, found) if isinstance(found, Reference) else found
    if isinstance(standing, NoReference):
        if isinstance(found, Reference):
            st.warning(for_markdown(f"U unknown ({standing.code}): {standing.why}"), icon=":material/help:")
        return
    dead, hot = int(standing.cells.dead.sum()), int(standing.cells.hot.sum())
    outside = f" · {standing.outside:,.0f} counts beyond the axes" if np.isfinite(standing.outside) else ""
    st.markdown(
        f"**{dead:,}** dead and **{hot:,}** hot of {standing.cells.dead.size:,} cells, against "
        f"{for_markdown(standing.named)}{outside}"
    )
    alt = f"{given.element} in run {given.run} beside its reference, with dead and hot cells"
    figure = map_figure(standing)
    st.plotly_chart(figure, key="compare_map", config=PLOT, alt=alt)
    show_table(cell_table(standing, marked=True), given)
    if dead + hot > LISTED:
        st.caption(f"The table lists the {LISTED:,} cells with most counts amiss.")


@fragment
def show_course(view: View, run: int, name: str, span: Span) -> None:
    """A quantity along the run, over the band of good lumisections of earlier runs."""
    table = run_quantities(view.path, view.snapshot, run)
    column = table.columns[table.position(name)]
    follows = column.kind in PER_WEIGHT and column.role == "feature"
    weighted = follows and st.toggle(
        "divide by the weight", key="compare_course_weight", help="Counts follow the beam; their ratio to it does not."
    )
    good, runs = good_quantity(view.path, view.snapshot, run, name, per_weight=weighted)
    unit = f"{column.unit or '1'} per {view.weight_unit or 'weight'}" if weighted else column.unit
    course = Course(name, unit, table.ls, divided(table, name, per_weight=weighted), span.first, span.last, good, runs)
    if course.band is None:
        st.caption(
            f":material/info: {len(good)} good lumisections of earlier runs hold it: too few for a band. "
            "Labels make it; they come with dqm ingest."
        )
    else:
        outside = int((course.beyond & course.inside).sum())
        st.caption(
            f"{outside} of {int(course.inside.sum())} lumisections are outside the band, which {len(good):,} good "
            f"lumisections of {len(runs)} earlier runs make ({runs[0]} to {runs[-1]})."
        )
    figure = course_figure(course, view.unit)
    st.plotly_chart(figure, key="compare_course", config=PLOT, alt=f"{name} in run {run}")
    if below := same_as_table("compare_course_folded"):
        with below:
            rows = course_table(course)
            st.dataframe(rows, hide_index=True, height=320, key="compare_course_table")
            _offer(rows, file_name(run, name, span.first, span.last), "compare_course_csv")


@fragment
def show_terms(view: View, run: int, element: str, span: Span, known: NDArray[np.int64]) -> None:
    """What the detectors said of the features in these lumisections, from what is stored."""
    st.subheader("What the detectors said")
    found = run_explanations(view.path, view.snapshot, run)
    asked = int(((known >= span.first) & (known <= span.last)).sum())
    whole = terms_of(found, (span.first, span.last), asked) if found is not None and len(found) else None
    if whole is None or not whole.explained:
        _say_missing(view, run, stored=found is not None)
        return
    kinds, only = st.columns([4, 2], vertical_alignment="bottom")
    kind = kinds.segmented_control(
        "Term", list(whole.kinds), format_func=whole.kinds.__getitem__, default=next(iter(whole.kinds)), required=True,
        key="compare_term", label_visibility="collapsed",
    )  # fmt: skip
    alone = only.toggle("only this element", key="compare_term_only")
    terms = terms_of(found, (span.first, span.last), asked, element if alone else "") if found is not None else whole
    st.caption(f"Means over the {terms.explained} of {asked} lumisections that are explained in full.")
    if terms.table.empty:
        st.info(for_markdown(f"No feature is of {element} alone; the model sees it through features of several."))
        return
    column = kind or next(iter(whole.kinds))
    st.plotly_chart(terms_figure(terms, column), key="compare_terms", config=PLOT, alt=column)
    _say_absent(whole)
    if below := same_as_table("compare_terms_folded"):
        with below:
            rows = sorted_by(terms, column)
            st.dataframe(rows, hide_index=True, height=320, key="compare_terms_table")
            _offer(rows, file_name(run, "terms", span.first, span.last), "compare_terms_csv")


def _say_missing(view: View, run: int, *, stored: bool) -> None:
    """Why nothing is explained, and how that comes."""
    if stored:
        st.info(
            "None of these lumisections is explained in full: that is kept for those that are not accepted, and for "
            "one in fifty of the others. Choose a range that was asked or rejected."
        )
        return
    st.info("Nothing is explained in full in this run. Score it:", icon=":material/arrow_forward:")
    show_command(view, f"score --runs {run}")


def _say_absent(terms: Terms) -> None:
    """Which terms the model does not offer, and which detectors do."""
    told = " ".join(terms.kinds)
    absent = [
        f"{what} (detector {who})"
        for what, who in (("reconstruction", "autoencoder or pca"), ("surprise", "nade"))
        if what not in told
    ]
    if absent:
        st.caption(
            f":material/info: No {' and no '.join(absent)} is stored: the model that scored this run has none. "
            "Add the detector as \\[\\[fuse\\]\\] to the configuration, then dqm train and dqm score."
        )


def _offer(rows: pd.DataFrame, name: str, key: str) -> None:
    st.download_button(
        "CSV", csv_of(rows), file_name=name, mime="text/csv", icon=":material/download:", on_click="ignore", key=key
    )  # fmt: skip
