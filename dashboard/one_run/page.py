"""One run: the strip of its lumisections, badness, the ranges with their reasons, and the quantities behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.links import Links
from dashboard.look.empty_states import show_command, show_missing
from dashboard.look.inert import for_markdown
from dashboard.look.palette import LABEL_STATES, MACHINE, STATES
from dashboard.look.plotly_options import PLOT
from dashboard.look.wording import percent, reason, weight
from dashboard.reading.quantities import run_labels, run_quantities
from dashboard.reading.verdicts import run_summaries, run_verdicts
from dashboard.reading.view import View
from dashboard.verdicts.figures import MOST_QUANTITIES, Scale, quantity_figure, run_figure
from dashboard.verdicts.run_tables import Range, ranges, summaries
from dashboard.verdicts.verdict_csv import verdict_csv
from dqm.model.errors import UnknownNameError
from dqm.model.tables import QuantityTable
from dqm.model.verdicts import Decision, Verdicts

SCALES: tuple[Scale, ...] = ("logit", "linear")
PER_WEIGHT = frozenset({"count", "rate"})
"""Kinds of quantities that follow the beam, so that their ratio to the weight tells more."""


def show(view: View, links: Links) -> None:
    """The page of the run that the address names, or of the first that needs people."""
    known = sorted({*view.held["verdicts"], *view.held["quantities"]}, reverse=True)
    if not known:
        st.title("Run")
        show_missing(view)
        return
    title, box, button = st.columns([5, 2, 2], vertical_alignment="bottom")
    with box:
        run = _chosen(view, known)
    title.title(f"Run {run}")
    certified = run in view.held["verdicts"]
    if certified:
        verdicts = run_verdicts(view.path, view.snapshot, run)
        with button:
            _offer_csv(verdicts, run)
        _show_shares(verdicts, view)
        _show_strip(verdicts, view, run)
        _show_ranges(ranges(verdicts), view)
    else:
        st.info(f"Run {run} has no verdict. Score and certify it:", icon=":material/arrow_forward:")
        show_command(view, f"score --runs {run}")
        show_command(view, f"certify --runs {run}")
    if run in view.held["quantities"]:
        _show_quantities(view, run, certified=certified)


def _chosen(view: View, known: Sequence[int]) -> int:
    """The run of the selection box, which follows the address and sets it."""
    certified = [run for run in known if run in set(view.held["verdicts"])]
    options = certified + [run for run in known if run not in set(certified)]
    asked = st.query_params.get("run", "")
    first = run_summaries(view.path, view.snapshot)[0].run if certified else options[0]
    wanted = int(asked) if asked.isdecimal() and int(asked) in options else first
    if asked and str(wanted) != asked:
        st.warning(for_markdown(str(UnknownNameError("run", asked, map(str, options)))))
    run = st.selectbox(
        "Run",
        options,
        index=options.index(wanted),
        format_func=lambda each: f"{each}" if each in set(certified) else f"{each} (no verdict)",
    )
    if str(run) != asked:
        st.query_params["run"] = str(run)
    return int(run)


def _offer_csv(verdicts: Verdicts, run: int) -> None:
    st.download_button(
        "Verdicts as CSV",
        verdict_csv(verdicts),
        file_name=f"verdicts-{run}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )


def _show_shares(verdicts: Verdicts, view: View) -> None:
    summary = summaries(verdicts)[0]
    columns = st.columns(len(MACHINE) + 1)
    columns[0].metric(
        "Lumisections",
        f"{summary.lumisections:,}",
        weight(summary.weight, view.weight_unit),
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    for column, group in zip(columns[1:], MACHINE, strict=True):
        column.metric(
            STATES[group].title,
            percent(summary.counts[group] / summary.lumisections, 1),
            f"{summary.counts[group]:,} LS · {weight(summary.weights[group], view.weight_unit)}",
            delta_color="off",
            delta_arrow="off",
            border=True,
        )


@st.fragment
def _show_strip(verdicts: Verdicts, view: View, run: int) -> None:
    ls = np.asarray(verdicts.index.get_level_values("ls"))
    label = None
    if run in view.held["labels"]:
        label = run_labels(view.path, view.snapshot, run).aligned(verdicts.index)
    scale = st.segmented_control("Scale of badness", SCALES, default=SCALES[0], required=True, key="run_scale")
    names = verdicts.decision.astype(str)
    figure = run_figure(ls, names, verdicts.badness, view.point, label=label, scale=scale or SCALES[0], unit=view.unit)
    st.plotly_chart(figure, key="run_strip", config=PLOT, alt=f"Decisions and badness of run {run}")
    if held := _held(verdicts, view):
        st.caption(f"{held:,} lumisections are asked whatever their badness, because a guard holds them back.")
    with st.expander("The same as a table"):
        rows = {
            view.unit: ls,
            "decision": [STATES[each].title for each in names],
            "badness": verdicts.badness,
            "weight": verdicts.weight,
            "status": verdicts.status.astype(str),
        }
        if label is not None:
            rows["label"] = [LABEL_STATES[each].title if each in LABEL_STATES else "" for each in label.tolist()]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=320, key="run_table")


def _held(verdicts: Verdicts, view: View) -> int:
    """How many lumisections are asked although the thresholds would have decided them."""
    if view.point is None:
        return 0
    asked = verdicts.having(frozenset({Decision.ASK}))
    free = view.point.decide(verdicts.badness[asked])
    return int(np.isin(free.astype(str), [str(Decision.ACCEPT), str(Decision.REJECT)]).sum())


def _show_ranges(found: Sequence[Range], view: View) -> None:
    st.subheader("Ranges of equal decision")
    told, listed = st.tabs(["Ranges", "Contributions"])
    unit = f"weight ({view.weight_unit})" if view.weight_unit else "weight"
    with told:
        st.dataframe(
            pd.DataFrame([_range_row(each, unit) for each in found]),
            hide_index=True,
            key="run_ranges",
            height=min(38 + 35 * len(found), 420),
            column_config={
                **{name: st.column_config.NumberColumn(width=50) for name in ("from", "to", "LS")},
                "decision": st.column_config.TextColumn(width=98),
                unit: st.column_config.NumberColumn(format="%.4g", width=95),
                "badness": st.column_config.NumberColumn(format="%.4g", width=78, help="The largest of the range."),
                "subsystem": st.column_config.TextColumn(width=94),
                **{name: st.column_config.TextColumn(width=380) for name in ("main reason", "second reason")},
            },
        )
    with listed:
        rows = [_contribution_row(each, i) for each in found for i in range(len(each.reasons))]
        if rows:
            st.dataframe(
                pd.DataFrame(rows), hide_index=True, key="run_contributions", height=min(38 + 35 * len(rows), 420)
            )
            st.caption(
                "Contributions add up in log-odds of badness: means over the range, and the value at the largest."
            )
        else:
            st.caption("No contributions are stored for this run.")


def _range_row(each: Range, unit: str) -> dict[str, object]:
    reasons = [*filter(None, [each.status]), *map(reason, each.reasons), "", ""]
    return {
        "from": each.first,
        "to": each.last,
        "LS": each.lumisections,
        "decision": STATES[each.decision].title,
        unit: each.weight,
        "badness": each.badness,
        "subsystem": each.subsystem,
        "main reason": reasons[0],
        "second reason": reasons[1],
    }


def _contribution_row(each: Range, place: int) -> dict[str, object]:
    told = each.reasons[place]
    return {
        "from": each.first,
        "to": each.last,
        "decision": STATES[each.decision].title,
        "feature": told.feature,
        "subsystem": told.subsystem,
        "value": told.value,
        "contribution": told.contribution,
    }


@st.fragment
def _show_quantities(view: View, run: int, *, certified: bool) -> None:
    st.subheader("Quantities")
    table = run_quantities(view.path, view.snapshot, run)
    subsystems = sorted({each.subsystem for each in table.columns})
    if not subsystems:
        st.caption("This run has no quantities.")
        return
    decision, leading = None, ""
    if certified:
        verdicts = run_verdicts(view.path, view.snapshot, run)
        leading = summaries(verdicts)[0].subsystem
        named = pd.Series(verdicts.decision.astype(str), index=verdicts.index)
        decision = named.reindex(table.index).fillna("").to_numpy()
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    start = subsystems.index(leading) if leading in subsystems else 0
    subsystem = left.selectbox(
        "Subsystem", subsystems, index=start, format_func=lambda each: each or "(none)", key=f"subsystem_{run}"
    )
    divided = right.toggle(
        "divide counts and rates by the weight", value=False, help="Counts follow the beam; their ratio to it does not."
    )
    drawn = _quantities(table, subsystem or "", view.weight_unit, divided=divided)
    st.plotly_chart(
        quantity_figure(table.ls, drawn, decision, unit=view.unit),
        key="run_quantities",
        config=PLOT,
        alt=f"Quantities of {subsystem} in run {run}",
    )
    if len(drawn) > MOST_QUANTITIES:
        st.caption(f"The first {MOST_QUANTITIES} of {len(drawn)} quantities are drawn.")


def _quantities(table: QuantityTable, subsystem: str, unit: str, *, divided: bool) -> dict[str, NDArray[np.float64]]:
    """Titles with units and the values ``(n,)`` of one subsystem; no ratio where the weight is zero."""
    found = {}
    for i in table.where(subsystem=subsystem):
        column, values = table.columns[i], table.values[:, i].astype(np.float64)
        title = f"{column.name} [{column.unit}]" if column.unit else column.name
        if divided and column.kind in PER_WEIGHT:
            values = np.divide(values, table.weight, out=np.full(len(table), np.nan), where=table.weight > 0)
            title = f"{column.name} per weight [{column.unit or '1'} per {unit or 'weight'}]"
        found[title] = values
    return found
