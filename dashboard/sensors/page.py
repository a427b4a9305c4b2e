"""What loops of sensors did that they usually do not: the worst first, when it was, and what they read."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.links import Links
from dashboard.look.empty_states import show_command
from dashboard.look.inert import for_markdown
from dashboard.look.plotly_options import PLOT
from dashboard.reading.sensors import loop_readings, lumisections_in, scanned
from dashboard.reading.view import View
from dashboard.sensors.asked import LOOP, Span, choose_days, choose_loop, choose_time, show_anomaly, tell_time
from dashboard.sensors.figures import loop_figure, timeline
from dqm.decide.worst_loops import WorstLoop, hours_of, worst_loops
from dqm.model.sensors import AnomalyInterval
from dqm.store.anomalies import ScannedDay


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Sensors")
    if not view.held["anomalies"]:
        _show_missing(view)
        return
    days = scanned(view.path, view.snapshot)
    chosen = choose_days(days)
    intervals = [each for day in chosen for each in day.intervals]
    span = min(day.begin for day in chosen), max(day.end for day in chosen)
    tell_time(span)
    _show_totals(intervals, span, chosen)
    st.caption(for_markdown(f"{chosen[-1].promise[:1].upper()}{chosen[-1].promise[1:]}."))
    notes = list(dict.fromkeys(note for day in chosen for note in day.notes))
    for note in notes:
        st.warning(for_markdown(note), icon=":material/help:")
    if not intervals:
        judged = "No loop that could be judged" if notes else "No loop"
        st.success(f"{judged} did anything unusual.", icon=":material/check:")
        return
    beam = lumisections_in(view.path, view.snapshot, *span)
    st.plotly_chart(timeline(intervals, span, beam), key="sensors_timeline", config=PLOT)
    st.caption(
        "Hatched: suppressed by service or a known issue, or carried by the cause that many loops have in common. "
        + ("Yellow: lumisections." if beam is not None else "No common time with the beam.")
    )
    worst = worst_loops(intervals, span[1])
    _show_worst(worst)
    loops = [*(each.loop for each in worst), *(each.loop for each in intervals)]
    loop = choose_loop(list(dict.fromkeys(loops)))
    _show_intervals(intervals, span[1], loop)
    _show_loop(view, loop, intervals, span)


def _show_missing(view: View) -> None:
    if view.held["sensors"]:
        st.info("Readings are stored; nobody scanned them yet. Next:", icon=":material/arrow_forward:")
        show_command(view, "sensors scan --store")
        return
    st.info(
        "No reading of a sensor is stored. Name files in [[sensors.stream]], then:", icon=":material/arrow_forward:"
    )
    show_command(view, "sensors ingest")


def _show_totals(intervals: Sequence[AnomalyInterval], span: tuple[int, int], days: Sequence[ScannedDay]) -> None:
    alarms = [each for each in intervals if each.alarms]
    certain = [each for each in alarms if each.kind in ("gap", "stuck", "unit-change")]
    columns = st.columns(4)
    columns[0].metric("Anomalies", f"{len(alarms)}", border=True)
    columns[1].metric("Loops", f"{len({each.loop for each in alarms})}", border=True)
    columns[2].metric("Gaps, stuck, units", f"{len(certain)}", border=True)
    columns[3].metric("Still going on", f"{sum(each.end is None for each in alarms)}", border=True)


def _show_worst(worst: Sequence[WorstLoop]) -> None:
    """The worst loops; a row that is selected chooses the loop."""
    if not worst:
        return
    st.subheader("Worst loops")
    st.markdown("Select a row to see what the loop read.")
    rows = {
        "loop": [each.loop for each in worst],
        "hours": [each.hours for each in worst],
        "severity": [each.severity for each in worst],
        "kinds": [each.kinds for each in worst],
        "reason": [each.reason for each in worst],
    }

    def choose() -> None:
        for row in _selected_rows("sensors_worst"):
            st.session_state[LOOP] = worst[row].loop

    st.dataframe(
        pd.DataFrame(rows), hide_index=True, on_select=choose, selection_mode="single-row", key="sensors_worst",
        height=min(38 + 35 * len(worst), 400), column_config=_formats(),
        alt="Loops with anomalies, the worst first",
    )  # fmt: skip


def _show_intervals(intervals: Sequence[AnomalyInterval], now: int, loop: str) -> None:
    st.subheader("Anomalies")
    st.markdown("Select a row to see its loop with what was around it; the address names both.")
    only = st.toggle(f"Only {for_markdown(loop)}", key="sensors_only")
    shown = [each for each in intervals if not only or each.loop == loop]
    rows = {
        "loop": [each.loop for each in shown],
        "begin": pd.to_datetime([each.begin for each in shown]),
        "end": pd.to_datetime(pd.Series([each.end for each in shown], dtype="Int64")),
        "hours": [hours_of(each, now) for each in shown],
        "severity": [each.severity for each in shown],
        "kind": [each.kind for each in shown],
        "reason": [each.reason for each in shown],
        "suppressed": [each.suppressed for each in shown],
        "cause": [each.cause for each in shown],
    }

    def choose() -> None:
        for row in _selected_rows("sensors_intervals"):
            show_anomaly(shown[row], now)

    st.dataframe(
        pd.DataFrame(rows), hide_index=True, key="sensors_intervals", column_config=_formats(),
        on_select=choose, selection_mode="single-row",
        height=min(38 + 35 * max(len(shown), 1), 400), alt="Anomalies in order of time",
    )  # fmt: skip


def _show_loop(view: View, loop: str, intervals: Sequence[AnomalyInterval], span: tuple[int, int]) -> None:
    st.subheader(f"Readings of {for_markdown(loop)}")
    part = choose_time(span)
    readings = loop_readings(view.path, view.snapshot, loop, *part)
    if not len(readings.time):
        st.info("The store holds no reading of this loop in this time; take them in with dqm sensors ingest.")
        return
    mine = [each for each in intervals if each.loop == loop and _within(each, part)]
    beam = lumisections_in(view.path, view.snapshot, *part)
    st.plotly_chart(loop_figure(readings, mine, part, beam), key="sensors_loop", config=PLOT)


def _within(each: AnomalyInterval, part: Span) -> bool:
    return each.begin < part[1] and (each.end is None or each.end > part[0])


def _selected_rows(key: str) -> list[int]:
    """The rows that are selected in a table, by its key."""
    rows: list[int] = st.session_state[key]["selection"]["rows"]
    return rows


def _formats() -> dict[str, ColumnConfig]:
    column = st.column_config
    return {
        "begin": column.DatetimeColumn("begin (UTC)", format="YYYY-MM-DD HH:mm", width=150),
        "end": column.DatetimeColumn("end (UTC)", format="YYYY-MM-DD HH:mm", width=150, help="Empty: it goes on."),
        "hours": column.NumberColumn("hours", format="%.1f", width=60),
        "severity": column.NumberColumn("severity", format="%.1f", width=70, help="−log₁₀ of the p-value."),
        "kinds": column.TextColumn("kinds", width=150),
        "reason": column.TextColumn("reason", width=620),
    }
