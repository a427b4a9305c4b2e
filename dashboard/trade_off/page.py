"""What other budgets would do to the labelled past and to open runs; proposals and approvals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.canvas.curves import show_curves
from dashboard.canvas.tiles import Tile, show_tiles
from dashboard.links import Links
from dashboard.look.empty_states import show_command, show_missing
from dashboard.look.in_place import fragment
from dashboard.look.wording import interval, limits, percent, promise, thresholds
from dashboard.reading.open_runs import signed_runs
from dashboard.reading.past import prepared
from dashboard.reading.view import View
from dashboard.trade_off.choice import choose
from dashboard.trade_off.figures import trade_off_drawing
from dashboard.trade_off.proposing import show_proposals
from dashboard.trade_off.sections import show_curve_table, show_flips, show_realised
from dashboard.trade_off.tables import PastCurve
from dqm.decide.policy import MarginPolicy, Margins
from dqm.model.verdicts import WorkingPoint
from dqm.services.working_points import BY_HAND

TABS = ("What flips", "Curve as a table", "Realised so far", "Propose and approve")
TOLD = 215
"""Height of what is told of the point, in pixels."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Trade-off")
    if not view.held["past"]:
        show_missing(view)
        return
    margins, curve = prepared(view.path, view.snapshot)
    if curve is None:
        st.info("No good lumisection of the past was scored, so there is nothing to trade off. Label runs, then:")
        show_command(view, "train")
        return
    signed = signed_runs(view.path, view.snapshot, view.entry)
    stay = f"{signed} signed run{'s stay as they are' if signed != 1 else ' stays as it is'}" if signed else ""
    st.markdown(
        "Move the budgets and see what they cost: in the labelled past, and in the certified runs that nobody signed. "
        "A working point decides once it is proposed and approved, and only what is certified after that"
        f"{f'; **{stay}**.' if stay else '; what is signed stays as it is (no run is signed yet).'}"
    )
    _show_choice(view, links, margins, curve)


@fragment
def _show_choice(view: View, links: Links, margins: Margins, curve: PastCurve) -> None:
    """The chosen point: in the past, on the curve, and in the tabs.

    Nothing else runs again when a control moves, and no height changes.
    """
    point, name = choose(view, margins)
    if point is None:
        return
    _show_past(curve, point)
    show_curves(
        trade_off_drawing(curve, point, view.point, name),
        "trade_off",
        "Data loss and pollution of the labelled past against workload; the same numbers are in a tab below",
    )
    _show_promise(curve, point, view.point, name)
    tabs = st.tabs(TABS, key="trade_off_tab", on_change="rerun")
    shows: tuple[Callable[[], None], ...] = (
        partial(show_flips, view, links, point),
        partial(show_curve_table, curve, point),
        partial(show_realised, view),
        partial(show_proposals, view, curve, point, name),
    )
    for tab, shown in zip(tabs, shows, strict=True):
        if tab.open:
            with tab:
                shown()


def _show_past(curve: PastCurve, point: WorkingPoint) -> None:
    found, ends = curve.outcome(point)
    tiles = (
        Tile("Data loss in the past", percent(found.data_loss), interval(ends.data_loss)),
        Tile("Pollution in the past", percent(found.pollution), interval(ends.pollution)),
        Tile("Workload, lumisections", percent(found.workload, 1), interval(ends.workload)),
        Tile("Workload, runs", percent(found.workload_runs, 1), interval(ends.workload_runs)),
    )
    show_tiles(tiles, "past_outcome")


def _show_promise(curve: PastCurve, point: WorkingPoint, now: WorkingPoint | None, name: str) -> None:
    """What was chosen, what it can promise, and the point in force, in a box of fixed height."""
    with st.container(border=True, height=TOLD):
        st.markdown(f"**{name.capitalize()}** · {thresholds(point)}")
        if now is not None:
            st.markdown(f"**Working point now** · {thresholds(now)}")
        st.caption(_promised(point))
        if bound := _clamped(point):
            st.caption(bound)
        if curve.least_workload:
            share = percent(curve.least_workload, 1)
            st.caption(f"{share} of these lumisections are asked at any threshold, because a guard holds them back.")
        if now is not None and now.policy not in (repr(MarginPolicy()), BY_HAND):
            st.caption("The working point now was chosen by another policy than the one that this page uses.")


def _promised(point: WorkingPoint) -> str:
    if point.policy == BY_HAND:
        return (
            "Named by hand, for no budget; the curve shows what it would have cost. Even without any loss, these "
            f"{point.runs} runs exclude only a loss above {percent(point.alpha_min, 1)} at "
            f"{100 * point.confidence:.0f}% confidence (α_min)."
        )
    return f"{promise(point)} {limits(point)}"


def _clamped(point: WorkingPoint) -> str:
    """Which threshold is held by the fixed limits of the policy instead of its budget, in words."""
    if point.policy == BY_HAND:
        return ""
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
