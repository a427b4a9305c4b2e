"""What stands below the timeline, one thing at a time: tables that say the same, and the quantities behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.plotly_options import PLOT
from dashboard.one_run.decision_form import choose
from dashboard.one_run.selection import Keys
from dashboard.one_run.tables import contribution_table, lumisection_table, range_table
from dashboard.one_run.tracks import Facts
from dashboard.reading.quantities import run_quantities
from dashboard.reading.run_record import RunRecord
from dashboard.reading.stored_elements import PER_WEIGHT, divided
from dashboard.reading.view import View
from dashboard.verdicts.figures import MOST_QUANTITIES, quantity_figure
from dashboard.verdicts.run_tables import Range, ranges, summaries
from dqm.model.tables import QuantityTable
from dqm.model.verdicts import Verdicts
from dqm.services.history import spelled, told

TALL = 420


@fragment
def show_details(view: View, keys: Keys, record: RunRecord, facts: Facts) -> None:
    """One of the details, which the person picks; only that one is made, and none before: a table takes the browser as
    long as all else on the page."""
    sections: dict[str, Callable[[], None]] = {
        "Ranges with reasons": lambda: _show_ranges(view, keys, facts),
        "Contributions": lambda: _show_contributions(facts),
        "Lumisections": lambda: _show_lumisections(facts),
        "Quantities": lambda: show_quantities(view, facts.run, facts.standing),
        "What people did": lambda: _show_history(record),
    }
    if picked := st.segmented_control("As tables, and what lies behind", list(sections), key="run_details"):
        sections[picked]()


def _show_ranges(view: View, keys: Keys, facts: Facts) -> None:
    found = ranges(facts.standing)
    unit = f"weight ({view.weight_unit})" if view.weight_unit else "weight"
    event = st.dataframe(
        range_table(found, unit),
        hide_index=True,
        key=keys.of("range_table"),
        height=min(38 + 35 * len(found), TALL),
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            **{name: st.column_config.NumberColumn(width=50) for name in ("from", "to", "LS")},
            "decision": st.column_config.TextColumn(width=105),
            unit: st.column_config.NumberColumn(format="%.4g", width=95),
            "badness": st.column_config.NumberColumn(format="%.4g", width=78, help="The largest of the range."),
            "subsystem": st.column_config.TextColumn(width=94),
            **{name: st.column_config.TextColumn(width=370) for name in ("main reason", "second reason")},
        },
        alt="Ranges of equal decision with their reasons",
    )
    st.caption("Select a row to choose its lumisections.")
    _follow(view, keys, found, list(event["selection"]["rows"]))


def _follow(view: View, keys: Keys, found: tuple[Range, ...], rows: list[int]) -> None:
    """Choose the range of the row that was selected, once."""
    row = rows[0] if rows and rows[0] < len(found) else None
    if row == st.session_state.get(keys.of("row")):
        return
    st.session_state[keys.of("row")] = row
    if row is not None:
        st.session_state[keys.of("asked")] = spelled([(found[row].first, found[row].last)])
        st.rerun()


def adopt_row(view: View, keys: Keys) -> None:
    """Choose what a row of the table asked for, before the form is drawn."""
    if asked := st.session_state.pop(keys.of("asked"), ""):
        choose(view, keys, asked)


def _show_contributions(facts: Facts) -> None:
    table = contribution_table(ranges(facts.machine))
    if not len(table):
        st.caption("No contributions are stored for this run.")
        return
    st.dataframe(table, hide_index=True, key="run_contributions", height=min(38 + 35 * len(table), TALL))
    st.caption("Contributions add up in log-odds of badness: means over the range, and the value at the largest.")


def _show_lumisections(facts: Facts) -> None:
    st.dataframe(lumisection_table(facts), hide_index=True, height=TALL, key="run_table")


def _show_history(record: RunRecord) -> None:
    entries = record.found.entries
    if not entries:
        st.caption("Nobody did anything about this run yet.")
    for each in reversed(entries):
        st.markdown(f"- {for_markdown(told(each))}")


def show_quantities(view: View, run: int, verdicts: Verdicts | None) -> None:
    """The quantities of one subsystem, marked with what stands where the run was certified."""
    if run not in view.held["quantities"]:
        st.caption("The store holds no quantities of this run.")
        return
    table = run_quantities(view.path, view.snapshot, run)
    subsystems = sorted({each.subsystem for each in table.columns})
    if not subsystems:
        st.caption("This run has no quantities.")
        return
    decision, leading = None, ""
    if verdicts is not None:
        leading = summaries(verdicts)[0].subsystem
        named = pd.Series(verdicts.decision.astype(str), index=verdicts.index)
        decision = named.reindex(table.index).fillna("").to_numpy()
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    start = subsystems.index(leading) if leading in subsystems else 0
    subsystem = left.selectbox(
        "Subsystem", subsystems, index=start, format_func=lambda each: each or "(none)", key=f"subsystem_{run}"
    )
    weighted = right.toggle(
        "divide counts and rates by the weight", value=False, help="Counts follow the beam; their ratio to it does not."
    )
    drawn = _quantities(table, subsystem or "", view.weight_unit, per_weight=weighted)
    st.plotly_chart(
        quantity_figure(table.ls, drawn, decision, unit=view.unit),
        key="run_quantities",
        config=PLOT,
        alt=f"Quantities of {subsystem} in run {run}",
    )
    if len(drawn) > MOST_QUANTITIES:
        st.caption(f"The first {MOST_QUANTITIES} of {len(drawn)} quantities are drawn.")
    with st.expander("The same as a table"):
        st.dataframe(pd.DataFrame({view.unit: table.ls, **drawn}), hide_index=True, height=320)


def _quantities(table: QuantityTable, subsystem: str, unit: str, *, per_weight: bool) -> dict[str, NDArray[np.float64]]:
    """Titles with units and the values ``(n,)`` of one subsystem; no ratio where the weight is zero."""
    found = {}
    for i in table.where(subsystem=subsystem):
        column = table.columns[i]
        over = per_weight and column.kind in PER_WEIGHT
        title = f"{column.name} [{column.unit}]" if column.unit else column.name
        if over:
            title = f"{column.name} per weight [{column.unit or '1'} per {unit or 'weight'}]"
        found[title] = divided(table, column.name, per_weight=over)
    return found
