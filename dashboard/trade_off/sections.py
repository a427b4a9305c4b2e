"""What a working point does, as tables: flips in open runs, the curve in numbers, what was realised."""

from __future__ import annotations

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.links import Links
from dashboard.look.empty_states import show_missing
from dashboard.reading.open_runs import open_verdicts
from dashboard.reading.quantities import seconds
from dashboard.reading.realised import realised
from dashboard.reading.view import View
from dashboard.trade_off.flips import flips
from dashboard.trade_off.rows import MOST_FLIPS, curve_rows, flip_rows, realised_rows, saved
from dashboard.trade_off.tables import PastCurve
from dqm.model.verdicts import WorkingPoint

NEWEST = {"the 50 newest": 50, "the 500 newest": 500, "all": 0}
"""How many of the open runs are looked at."""
TABLE = 420
"""Height of a table in pixels, however many rows it has, so that nothing below moves."""


def show_flips(view: View, links: Links, point: WorkingPoint) -> None:
    """Which decisions would change in certified runs that are not signed, run by run."""
    if not view.held["verdicts"]:
        show_missing(view)
        return
    which = st.segmented_control(
        "Open runs", list(NEWEST), default=next(iter(NEWEST)), required=True, key="flips_of", bind="query-params"
    )
    given = open_verdicts(view.path, view.snapshot, view.entry, NEWEST[which])
    if not len(given):
        st.info("Every certified run is signed; nothing can flip.", icon=":material/check:")
        return
    found, long = flips(given, point), seconds(view.path, view.snapshot)
    runs = f"{found.runs:,} of {len(given.run):,} open runs change."
    st.markdown(f"{saved(found, long)} {runs}" if found.runs else f"{saved(found, long)} No decision changes.")
    if not found.runs:
        return
    rows = flip_rows(found, long)
    event = st.dataframe(
        rows, hide_index=True, key="flips", height=TABLE, on_select="rerun", selection_mode="single-row",
        column_config=_flip_columns(view.weight_unit), column_order=_flip_order(timed=long is not None),
        alt="Decisions that would change, run by run",
    )  # fmt: skip
    more = len(found.table) - len(rows)
    rest = f" The first {MOST_FLIPS} of {len(found.table):,} changes." if more else ""
    st.caption(f"Select a row to open its run. Neither a person's decision nor an UNKNOWN flips.{rest}")
    if chosen := event["selection"]["rows"]:
        links.run(int(rows["run"].iloc[chosen[0]]))


def show_curve_table(curve: PastCurve, point: WorkingPoint) -> None:
    """The numbers behind the picture."""
    column = st.column_config
    names = {
        "loss": "data loss",
        "loss_lo": "loss, 5%",
        "loss_hi": "loss, 95%",
        "loss_work": "workload, rejecting from it",
        "pollution": "pollution",
        "pollution_lo": "pollution, 5%",
        "pollution_hi": "pollution, 95%",
        "pollution_work": "workload, accepting below it",
    }
    formats = {name: column.NumberColumn(title, format="%.3f%%") for name, title in names.items()}
    st.dataframe(
        curve_rows(curve, point), hide_index=True, key="curve", height=TABLE,
        column_config={"threshold": column.NumberColumn("threshold (badness)", format="%.4f"), **formats},
        alt="Data loss, pollution and workload of the labelled past at some thresholds",
    )  # fmt: skip
    st.caption(
        "Loss if the machine rejects from the threshold on, pollution if it accepts below it; the ends are pointwise "
        "90% intervals over resampled runs. Empty: the pair is none, or nothing is accepted."
    )


def show_realised(view: View) -> None:
    """What budgets were realised where labels came in after the machine had decided."""
    found = realised(view.path, view.snapshot, view.entry)
    if not found:
        st.info(
            "Nothing that was realised can be measured yet: no certified run has labels. Labels come with dqm ingest, "
            "or from what people call good and bad in runs that are signed.",
            icon=":material/hourglass_empty:",
        )
        return
    column = st.column_config
    percents = {
        "labelled": "LS with a label",
        "loss": "data loss",
        "loss_budget": "loss budget",
        "pollution": "pollution",
        "pollution_budget": "pollution budget",
        "workload": "workload",
    }
    st.dataframe(
        realised_rows(found), hide_index=True, key="realised", height=min(38 + 35 * len(found), TABLE),
        column_config={
            "runs": "runs",
            "number": column.NumberColumn("runs in it", format="%d"),
            **{name: column.NumberColumn(title, format="%.2f%%") for name, title in percents.items()},
            "loss_ends": "loss, 90% (%)",
            "pollution_ends": "pollution, 90% (%)",
        },
        alt="Realised data loss and pollution, block by block, the newest first",
    )  # fmt: skip
    st.caption(
        "Runs in their order, in blocks of 20 or more, by what the machine said before anybody labelled them; of "
        "lumisections with a label only. People look mostly at what is asked, so what they label in signed runs tells "
        "little of what was accepted: pollution may be measured on few. Intervals resample runs."
    )


def _flip_order(*, timed: bool) -> list[str]:
    return ["run", "before", "after", "lumisections", *(["minutes"] if timed else []), "weight"]


def _flip_columns(unit: str) -> dict[str, ColumnConfig | str]:
    column = st.column_config
    return {
        "run": column.NumberColumn("run", format="%d", width=90),
        "before": "from",
        "after": "to",
        "lumisections": column.NumberColumn("LS", width=70),
        "minutes": column.NumberColumn("minutes of data", format="%.1f", width=120),
        "weight": column.NumberColumn(f"weight ({unit})" if unit else "weight", format="%.4g"),
    }
