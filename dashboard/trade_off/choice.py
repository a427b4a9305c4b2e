"""The controls by which a working point is chosen: budgets, or both thresholds by hand."""

from __future__ import annotations

import streamlit as st

from dashboard.look.empty_states import show_error
from dashboard.reading.view import View
from dqm.decide.policy import Margins
from dqm.model.errors import InputError
from dqm.model.verdicts import WorkingPoint
from dqm.services.working_points import by_hand

LEAST, MOST, STEP = 0.1, 5.0, 0.1
"""Range of the budgets in percent."""
BUDGETS, THRESHOLDS = "budgets", "thresholds"
NAMES = {BUDGETS: "these budgets", THRESHOLDS: "these thresholds"}
"""What the chosen point is called."""
HEIGHT = 96
"""Of the controls in pixels, the same for both kinds."""


def choose(view: View, margins: Margins) -> tuple[WorkingPoint | None, str]:
    """The working point that the controls name, and what to call it; None where the thresholds are no pair.

    The address keeps what was chosen.
    """
    by = st.segmented_control(
        "Choose by", (BUDGETS, THRESHOLDS), default=BUDGETS, required=True, key="choose_by", bind="query-params"
    )
    with st.container(height=HEIGHT, border=False):
        return (_by_budgets(view, margins) if by == BUDGETS else _by_thresholds(view, margins)), NAMES[by]


def _by_budgets(view: View, margins: Margins) -> WorkingPoint:
    loss, pollution = _budgets_now(view)
    left, right = st.columns(2, gap="large")
    loss = left.slider(
        "Data loss budget (% of the good weight rejected automatically)",
        LEAST, MOST, loss, STEP, format="%.1f%%", key="data_loss_budget", bind="query-params",
        persist_state="session",
    )  # fmt: skip
    pollution = right.slider(
        "Pollution budget (% of the accepted weight that is bad)",
        LEAST, MOST, pollution, STEP, format="%.1f%%", key="pollution_budget", bind="query-params",
        persist_state="session",
    )  # fmt: skip
    return margins.choose(loss / 100, pollution / 100, _confidence(view))


def _by_thresholds(view: View, margins: Margins) -> WorkingPoint | None:
    """Both thresholds as numbers; budgets are carried along, for the curve shows them, and bind nothing."""
    loss, pollution = _budgets_now(view)
    chosen = margins.choose(loss / 100, pollution / 100, _confidence(view))
    start = view.point or chosen
    left, right = st.columns(2, gap="large")
    accept = left.number_input(
        "Accept below (badness)",
        0.0, 1.0, min(start.accept_below, 1.0), 0.005, format="%.4f", key="accept_below", bind="query-params",
        persist_state="session",
    )  # fmt: skip
    reject = right.number_input(
        "Reject from (badness; 1: only what breaks a limit)",
        0.0, 1.0, min(start.reject_above, 1.0), 0.005, format="%.4f", key="reject_above", bind="query-params",
        persist_state="session",
    )  # fmt: skip
    try:
        return by_hand(chosen, accept, reject)
    except InputError as error:
        show_error(error)
        return None


def _budgets_now(view: View) -> tuple[float, float]:
    """Budgets in percent from which the sliders start: those in force, else those of the configuration."""
    now, start = view.point, view.config.working_point
    return (
        _percent(now.data_loss_budget if now else start.data_loss),
        _percent(now.pollution_budget if now else start.pollution),
    )


def _confidence(view: View) -> float:
    return view.point.confidence if view.point else view.config.working_point.confidence


def _percent(fraction: float) -> float:
    """A budget on the grid of the slider."""
    return round(min(max(round(100 * fraction / STEP) * STEP, LEAST), MOST), 1)
