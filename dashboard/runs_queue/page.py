"""Every certified run with what was decided, what needs people first."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.links import Links
from dashboard.look.empty_states import show_missing
from dashboard.look.palette import MACHINE, STATES
from dashboard.look.wording import limits, percent, promise, thresholds, weight
from dashboard.reading.verdicts import run_summaries
from dashboard.reading.view import View
from dashboard.verdicts.run_tables import RunSummary, Totals, totals
from dashboard.verdicts.thumbnails import strip_image
from dqm.model.verdicts import Decision, WorkingPoint

NEEDS, EVERY = "needs people", "all"
BY_LS, BY_WEIGHT = "share of lumisections", "share of weight"
NO_REASON = "–"
LEGEND = (
    f":blue-badge[{STATES[Decision.ACCEPT].title}] :orange-badge[{STATES[Decision.ASK].title}] "
    f":red-badge[{STATES[Decision.REJECT].title}] :gray-badge[{STATES[Decision.UNKNOWN].title}, hatched]"
)
"""The colours of Streamlit's badges that are nearest to the palette."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Certified runs")
    if not view.held["verdicts"]:
        show_missing(view)
        return
    runs = run_summaries(view.path, view.snapshot)
    _show_totals(totals(runs), view.weight_unit)
    if view.point is not None:
        _show_working_point(view.point)
    kept, weighted = _filtered(runs)
    if not kept:
        st.success("No run needs people. All decisions were made by the machine.", icon=":material/check:")
        return
    chosen = _table(kept, weighted=weighted, unit=view.weight_unit)
    if chosen is not None:
        links.run(chosen)
    if kept[0].waiting and st.button(f"Open run {kept[0].run}, the first that needs people", type="primary"):
        links.run(kept[0].run)


def _show_totals(found: Totals, unit: str) -> None:
    accepted = found.counts[Decision.ACCEPT]
    work = found.waiting / found.lumisections
    columns = st.columns(5)
    columns[0].metric(
        "Certified",
        f"{found.lumisections:,} LS",
        f"{found.runs} runs",
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    columns[1].metric(
        "Accepted",
        percent(accepted / found.lumisections, 1),
        f"{weight(found.weights[Decision.ACCEPT], unit)}",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="Share of the lumisections that the machine accepted; below it their weight.",
    )
    columns[2].metric(
        "Rejected",
        percent(found.counts[Decision.REJECT] / found.lumisections, 1),
        f"{weight(found.weights[Decision.REJECT], unit)}",
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    columns[3].metric(
        "Workload",
        f"{percent(work, 1)}",
        f"{found.waiting:,} LS in {found.waiting_runs} runs",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="Share of the lumisections that are asked or unknown. A run counts when any of its lumisections waits.",
    )
    columns[4].metric(
        "Unknown",
        f"{found.counts[Decision.UNKNOWN]:,} LS",
        "never golden",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="Lumisections that nothing valid scored: an input was missing, damaged or in conflict.",
    )


def _show_working_point(point: WorkingPoint) -> None:
    with st.container(border=True):
        st.markdown(f"**Working point** · {thresholds(point)}")
        st.caption(f"{promise(point)} {limits(point)}")


def _filtered(runs: Sequence[RunSummary]) -> tuple[list[RunSummary], bool]:
    """The runs that the filter leaves, and whether shares are of the weight."""
    waiting = [each for each in runs if each.waiting]
    left, right = st.columns(2, vertical_alignment="bottom")
    which = left.segmented_control(
        "Runs", (NEEDS, EVERY), default=NEEDS if waiting else EVERY, required=True, key="runs_filter"
    )
    of = right.segmented_control("Shares", (BY_LS, BY_WEIGHT), default=BY_LS, required=True, key="runs_share")
    return (waiting if which == NEEDS else list(runs)), of == BY_WEIGHT


def _table(runs: Sequence[RunSummary], *, weighted: bool, unit: str) -> int | None:
    """Show the runs; the run whose row was selected, if any."""
    rows: dict[str, object] = {
        "run": [each.run for each in runs],
        "strip": [strip_image(each.decision) for each in runs],
        **{group: [each.share(group, weighted=weighted) for each in runs] for group in MACHINE},
        "waiting": [each.waiting for each in runs],
        "lumisections": [each.lumisections for each in runs],
        "weight": [each.weight for each in runs],
        "subsystem": [each.subsystem or NO_REASON for each in runs],
        "reason": [each.reason or NO_REASON for each in runs],
    }
    st.markdown(f"{LEGEND} Select a row to open its run.")
    event = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="runs_table",
        height=min(38 + 35 * len(runs), 620),
        column_config=_columns(unit),
        alt="Certified runs with the shares of their decisions",
    )
    selected = event["selection"]["rows"]
    return runs[selected[0]].run if selected else None


def _columns(unit: str) -> dict[str, ColumnConfig]:
    column = st.column_config
    shares: dict[str, ColumnConfig] = {
        group: column.ProgressColumn(
            STATES[group].word, min_value=0, max_value=100, format="%.1f%%", color=STATES[group].colour, width=98
        )
        for group in MACHINE
    }
    return {
        "run": column.NumberColumn("run", format="%d", pinned=True, width=70),
        "strip": column.ImageColumn("lumisections", width=172),
        **shares,
        "waiting": column.NumberColumn("LS waiting", width=86, help="Lumisections that need people: asked or unknown."),
        "lumisections": column.NumberColumn("LS", width=52),
        "weight": column.NumberColumn(f"weight ({unit})" if unit else "weight", format="%.4g", width=92),
        "subsystem": column.TextColumn("subsystem", width=95, help="The leading one of what waits or was rejected."),
        "reason": column.TextColumn("main reason", width=260),
    }
