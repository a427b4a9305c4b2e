"""What other budgets would do: to the labelled past, and to the runs that are certified now. Nothing is written."""

from __future__ import annotations

import streamlit as st

from dashboard.links import Links
from dashboard.look.empty_states import show_command, show_missing
from dashboard.look.palette import STATES
from dashboard.look.plotly_options import PLOT
from dashboard.look.wording import interval, limits, percent, promise, thresholds
from dashboard.reading.past import chosen_point, past_curve
from dashboard.reading.quantities import seconds
from dashboard.reading.verdicts import newest
from dashboard.reading.view import View
from dashboard.trade_off.figures import trade_off_figure
from dashboard.trade_off.tables import Flips, PastCurve, flips
from dqm.decide.policy import MarginPolicy
from dqm.model.verdicts import WorkingPoint

LEAST, MOST, STEP = 0.1, 5.0, 0.1
"""Range of the budgets in percent."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Trade-off")
    if not view.held["past"]:
        show_missing(view)
        return
    curve = past_curve(view.path, view.snapshot)
    if curve is None:
        st.info("No good lumisection of the past was scored, so there is nothing to trade off. Label runs, then:")
        show_command(view, "train")
        return
    st.markdown(
        "Move the budgets and see what they cost: in the labelled past, and in the runs that are certified now. "
        "This page changes nothing."
    )
    _show_choice(view, curve)


@st.fragment
def _show_choice(view: View, curve: PastCurve) -> None:
    """Everything that follows the sliders; nothing else runs again when one moves."""
    now = view.point
    start = view.config.working_point
    left, right = st.columns(2, gap="large")
    loss = left.slider(
        "Data loss budget (% of the good weight rejected automatically)",
        LEAST,
        MOST,
        _percent(now.data_loss_budget if now else start.data_loss),
        STEP,
        format="%.1f%%",
        key="data_loss_budget",
    )
    pollution = right.slider(
        "Pollution budget (% of the accepted weight that is bad)",
        LEAST,
        MOST,
        _percent(now.pollution_budget if now else start.pollution),
        STEP,
        format="%.1f%%",
        key="pollution_budget",
    )
    confidence = now.confidence if now else start.confidence
    point = chosen_point(view.path, view.snapshot, loss / 100, pollution / 100, confidence)
    _show_past(curve, point)
    st.plotly_chart(
        trade_off_figure(curve, point, now),
        key="trade_off",
        config=PLOT,
        alt="Data loss and pollution of the labelled past against workload",
    )
    if curve.least_workload:
        share = percent(curve.least_workload, 1)
        st.caption(f"{share} of these lumisections are asked at any threshold, because a guard holds them back.")
    _show_promise(point, now)
    _show_flips(view, point)


def _percent(fraction: float) -> float:
    """A budget on the grid of the slider."""
    return min(max(round(100 * fraction / STEP) * STEP, LEAST), MOST)


def _show_past(curve: PastCurve, point: WorkingPoint) -> None:
    found, ends = curve.outcome(point)
    columns = st.columns(4)
    told = (
        ("Data loss in the past", percent(found.data_loss), interval(ends.data_loss)),
        ("Pollution in the past", percent(found.pollution), interval(ends.pollution)),
        ("Workload, lumisections", percent(found.workload, 1), interval(ends.workload)),
        ("Workload, runs", percent(found.workload_runs, 1), interval(ends.workload_runs)),
    )
    for column, (name, value, around) in zip(columns, told, strict=True):
        column.metric(name, value, around, delta_color="off", delta_arrow="off", border=True)


def _show_promise(point: WorkingPoint, now: WorkingPoint | None) -> None:
    with st.container(border=True):
        st.markdown(f"**These budgets** · {thresholds(point)}")
        st.caption(f"{promise(point)} {limits(point)}")
        if bound := _clamped(point):
            st.caption(bound)
        if now is not None:
            st.markdown(f"**Working point now** · {thresholds(now)}")
        if now is not None and now.policy != repr(MarginPolicy()):
            st.caption("The working point now was chosen by another policy than the one that this page uses.")


def _clamped(point: WorkingPoint) -> str:
    """Which threshold is held by the fixed limits of the policy instead of its budget, in words."""
    policy = MarginPolicy()
    accept = min(policy.clamp, policy.factor * point.pollution_budget)
    reject = 1 - min(policy.clamp, policy.factor * point.data_loss_budget)
    held = [
        text
        for bound, text in (
            (point.accept_below == accept, f"never to accept above badness {accept:.3g}"),
            (point.reject_above == reject, f"never to reject below {reject:.3g}"),
        )
        if bound
    ]
    return (
        f"At these budgets a fixed limit of the policy binds: {' and '.join(held)}, whatever the past says."
        if held
        else ""
    )


def _show_flips(view: View, point: WorkingPoint) -> None:
    st.subheader("What flips in the newest certified runs")
    if not view.held["verdicts"]:
        show_missing(view)
        return
    verdicts, held = newest(view.path, view.snapshot)
    found = flips(verdicts, held, point)
    st.markdown(_saved(found, seconds(view.path, view.snapshot)))
    if not len(found.table):
        st.caption("No decision changes at these budgets.")
        return
    shown = found.table.assign(
        before=[STATES[each].title for each in found.table["before"]],
        after=[STATES[each].title for each in found.table["after"]],
    )
    unit = view.weight_unit
    st.dataframe(
        shown,
        hide_index=True,
        key="flips",
        height=min(38 + 35 * len(shown), 420),
        column_config={
            "run": st.column_config.NumberColumn("run", format="%d"),
            "before": "from",
            "after": "to",
            "lumisections": "LS",
            "weight": st.column_config.NumberColumn(f"weight ({unit})" if unit else "weight", format="%.4g"),
        },
    )


def _saved(found: Flips, seconds: float | None) -> str:
    """The change of the workload in a sentence; in minutes where the calendar tells how long a lumisection is."""
    change = found.asked - found.would_ask
    told = (
        f"People would look at **{found.would_ask:,}** of {found.lumisections:,} lumisections, now **{found.asked:,}**"
    )
    if not change:
        return f"{told}: as many."
    time = "" if seconds is None else f", {abs(change) * seconds / 60:,.1f} minutes of data ({seconds:.2f} s each)"
    return f"{told}: {abs(change):,} {'fewer' if change > 0 else 'more'}{time}."
