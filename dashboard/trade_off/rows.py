"""Tables of the trade-off page, as functions of records."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dashboard.look.palette import STATES
from dashboard.look.wording import percent, thresholds, utc
from dashboard.trade_off.flips import Flips
from dashboard.trade_off.realised import Block
from dashboard.trade_off.tables import PastCurve
from dqm.decide.definitions import Interval
from dqm.model.verdicts import WorkingPoint
from dqm.services.working_points import BY_HAND, Proposal
from dqm.store.stored import StoredWorkingPoint

MOST_FLIPS, MOST_POINTS = 200, 60
"""Rows of changes, and of thresholds of the curve, that are sent to the browser."""


def flip_rows(found: Flips, seconds: float | None) -> pd.DataFrame:
    """The first changes, run by run: states with letter and word, and minutes of data where the calendar tells."""
    shown = found.table.head(MOST_FLIPS)
    minutes = np.nan if seconds is None else shown["lumisections"] * seconds / 60
    return shown.assign(
        before=[STATES[each].title for each in shown["before"]],
        after=[STATES[each].title for each in shown["after"]],
        minutes=minutes,
    )


def saved(found: Flips, seconds: float | None) -> str:
    """The change of the workload in a sentence; in minutes where the calendar tells how long a lumisection is."""
    change = found.asked - found.would_ask
    told = (
        f"People would look at **{found.would_ask:,}** of {found.lumisections:,} lumisections, now **{found.asked:,}**"
    )
    if not change:
        return f"{told}: as many."
    time = "" if seconds is None else f", {abs(change) * seconds / 60:,.1f} minutes of data ({_plain(seconds)} s each)"
    return f"{told}: {abs(change):,} {'fewer' if change > 0 else 'more'}{time}."


def _plain(seconds: float) -> str:
    """Two decimals at most, and none that says nothing."""
    return f"{seconds:.2f}".rstrip("0").rstrip(".")


def curve_rows(curve: PastCurve, point: WorkingPoint) -> pd.DataFrame:
    """The operating curve in percent at some thresholds; the other threshold stays where ``point`` has it."""
    at = np.unique(np.linspace(0, len(curve.thresholds) - 2, MOST_POINTS).astype(int))
    threshold, bands = curve.thresholds[at], curve.bands
    rejecting = np.where(threshold >= point.accept_below, curve.past.workload(point.accept_below, threshold), np.nan)
    accepting = np.where(threshold <= point.reject_above, curve.past.workload(threshold, point.reject_above), np.nan)
    columns = {
        "threshold": threshold,
        "loss": curve.loss[at],
        "loss_lo": bands.data_loss_lo[at],
        "loss_hi": bands.data_loss_hi[at],
        "loss_work": rejecting,
        "pollution": curve.pollution[at],
        "pollution_lo": bands.pollution_lo[at],
        "pollution_hi": bands.pollution_hi[at],
        "pollution_work": accepting,
    }
    return pd.DataFrame({name: v if name == "threshold" else 100 * v for name, v in columns.items()})


def difference_rows(curve: PastCurve, now: WorkingPoint | None, other: WorkingPoint, name: str) -> pd.DataFrame:
    """What another working point has otherwise than the one in force, in words: one row each, a column for both."""
    given = {"in force": now, name: other}
    return pd.DataFrame({title: _described(curve, each) for title, each in given.items() if each is not None})


def _described(curve: PastCurve, point: WorkingPoint) -> pd.Series:
    found, ends = curve.outcome(point)
    return pd.Series(
        {
            "thresholds": thresholds(point),
            "chosen by": chosen_by(point),
            "budget of data loss": percent(point.data_loss_budget, 1),
            "budget of pollution": percent(point.pollution_budget, 1),
            "data loss in the past (90%)": f"{percent(found.data_loss)} ({_ends(ends.data_loss)})",
            "pollution in the past (90%)": f"{percent(found.pollution)} ({_ends(ends.pollution)})",
            "workload in the past (90%)": f"{percent(found.workload, 1)} ({_ends(ends.workload)})",
        }
    )


def chosen_by(point: WorkingPoint) -> str:
    """Who or what chose the thresholds, in words."""
    return "a person, by hand" if point.policy == BY_HAND else "the margin policy, for these budgets"


def realised_rows(blocks: Sequence[Block]) -> pd.DataFrame:
    """Each block in percent, the newest first: realised loss and pollution with their intervals beside the budgets."""
    rows = [
        {
            "runs": f"{each.first}" if each.first == each.last else f"{each.first} to {each.last}",
            "number": each.outcome.runs,
            "labelled": 100 * each.labelled,
            "loss": _percent(each.outcome.data_loss),
            "loss_ends": _ends(each.ends.data_loss),
            "loss_budget": _percent(each.budgets[0] if each.budgets else None),
            "pollution": _percent(each.outcome.pollution),
            "pollution_ends": _ends(each.ends.pollution),
            "pollution_budget": _percent(each.budgets[1] if each.budgets else None),
            "workload": _percent(each.outcome.workload),
        }
        for each in reversed(blocks)
    ]
    return pd.DataFrame(rows)


def history_rows(decided: Sequence[StoredWorkingPoint], given: Sequence[Proposal]) -> pd.DataFrame:
    """Working points in force, the newest first: since when, with which budgets, and by whose approval."""
    approved = {each.working_point.digest: each for each in given if each.approved}
    rows = []
    for at, each in reversed(list(enumerate(decided))):
        point = each.working_point
        until = decided[at + 1].at if at + 1 < len(decided) else None
        rows.append(
            {
                "since": utc(each.at),
                "until": utc(until),
                "thresholds": f"{point.accept_below:.3g}, {point.reject_above:.3g}",
                "approved": _approval(approved.get(point.digest)),
                "loss": _percent(point.data_loss_budget),
                "pollution": _percent(point.pollution_budget),
                "chosen by": chosen_by(point),
            }
        )
    return pd.DataFrame(rows)


def _approval(found: Proposal | None) -> str:
    """Who proposed and who approved, and where that was one person."""
    if found is None or found.approved is None:
        return "nobody: a training or a promotion chose it"
    by, proposed = found.approved, found.entry
    if by.fields["alone"]:
        return f"alone: {by.actor} ({by.role}), who also proposed it"
    return f"{by.actor} ({by.role}), proposed by {proposed.actor} ({proposed.role})"


def _percent(fraction: float | None) -> float:
    return np.nan if fraction is None else 100 * fraction


def _ends(found: Interval | None) -> str:
    return "–" if found is None else f"{100 * found.lo:.2f} to {100 * found.hi:.2f}"
