"""What there is to do: every run with what is at stake in it, what is most worth a minute of work first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from dashboard.acting.who import operator
from dashboard.canvas.row_table import picked_on, show_rows
from dashboard.canvas.tiles import Tile, show_tiles
from dashboard.links import Links
from dashboard.look.empty_states import show_missing
from dashboard.look.in_place import fragment
from dashboard.look.palette import MACHINE, STATES
from dashboard.look.wording import limits, number_of_runs, percent, promise, thresholds, weight
from dashboard.reading.queue_rows import people_pace, queue_rows
from dashboard.reading.view import View
from dashboard.runs_queue import lines
from dashboard.runs_queue.forms import HERE, offer_batch, offer_run
from dashboard.runs_queue.tables import Totals, queue_columns, queue_table, totals
from dqm.model.verdicts import Decision
from dqm.services.pace import Pace
from dqm.services.queue import QueueRow

BY_LS, BY_WEIGHT = "of lumisections", "of weight"
TABLE = "queue_table"
AT_ONCE = 50
"""Rows of one part of the table."""
NEEDS = "Asked, unknown, disputed, or called good before the data changed."
WORKLOAD = "Share of the certified lumisections that needs people, and the estimated minutes of work."
READY = "Runs in which nothing asks and nobody is at work."
SIGNED = "Runs whose verdicts stand as they were signed."
COLOURS = dict(zip((*MACHINE, Decision.DISPUTED), ("blue", "orange", "red", "gray", "violet"), strict=True))
LEGEND = " ".join(f":{colour}-badge[{STATES[group].title}]" for group, colour in COLOURS.items())
"""The colours of Streamlit's badges that are nearest to the palette."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Queue")
    if not view.held["verdicts"]:
        show_missing(view)
        return
    now = datetime.now(UTC)
    pace = people_pace(view.path, view.entry)
    rows = lines.ordered(queue_rows(view, now), pace)
    _show_totals(totals(rows, pace), view.weight_unit)
    _show_work(view, rows, pace, now, links)
    offer_batch(view, rows)
    if view.point is not None:
        with st.expander(f"Working point: {thresholds(view.point)}"):
            st.caption(f"{promise(view.point)} {limits(view.point)}")


def _show_totals(found: Totals, unit: str) -> None:
    open_share = percent(found.waiting / found.lumisections if found.lumisections else None, 1)
    waits = f"{number_of_runs(found.waiting_runs)} · {weight(found.waiting_weight, unit)}"
    certified = f"{number_of_runs(found.runs)} · {weight(found.weight, unit)}"
    tiles = (
        Tile("Needs people", f"{found.waiting:,} LS", waits, NEEDS),
        Tile("Workload", open_share, f"about {found.minutes:,.0f} min", WORKLOAD),
        Tile("Ready to sign", number_of_runs(found.ready), "nothing asks", READY),
        Tile("Signed", number_of_runs(found.signed), f"of {found.runs:,}", SIGNED),
        Tile("Certified", f"{found.lumisections:,} LS", certified, "Everything that has a verdict."),
    )
    show_tiles(tiles, "queue_totals")


@fragment
def _show_work(view: View, rows: Sequence[QueueRow], pace: Pace, now: datetime, links: Links) -> None:
    """Filters, the run that the buttons are about, and the table; a fragment, so that nothing else moves."""
    kept, weighted = _filtered(rows, operator(view).name)
    if not kept:
        st.info("No run is left by this filter. Show all runs, or search for something else.", icon=":material/search:")
        return
    runs = [each.run for each in kept]
    here = st.session_state.get(HERE)
    at = runs.index(here) if here in runs else 0
    offer_run(view, kept, at, now, links)
    part = _part(len(kept), at)
    shown = kept[part * AT_ONCE : (part + 1) * AT_ONCE]
    table = queue_table(shown, runs[at], pace, now, weighted=weighted)
    show_rows(
        queue_columns(table, view.weight_unit),
        [each.run for each in shown],
        TABLE,
        at - part * AT_ONCE,
        "Runs with their state and the shares of what stands in them",
        lambda: _select(runs),
    )
    st.caption(f"{LEGEND} Order: open weight per minute. {pace.text()}, and {lines.OPENING:g} to open a run.")


def _filtered(rows: Sequence[QueueRow], name: str) -> tuple[list[QueueRow], bool]:
    """The rows that the filters of the address leave, and whether shares are of the weight."""
    left, middle, right = st.columns([5, 3, 3], vertical_alignment="bottom")
    waiting = any(each.open for each in rows)
    which = left.segmented_control(
        "Show",
        lines.FILTERS,
        default=lines.NEEDS if waiting else lines.EVERY,
        required=True,
        key="show",
        bind="query-params",
    )
    find = middle.text_input(
        "Search",
        key="find",
        type="search",
        live=True,
        placeholder="run, subsystem, reason or person",
        max_chars=100,
        bind="query-params",
    )
    of = right.segmented_control(
        "Shares", (BY_LS, BY_WEIGHT), default=BY_LS, required=True, key="shares", bind="query-params"
    )
    return lines.chosen(rows, which or lines.EVERY, find or "", name), of == BY_WEIGHT


def _part(number: int, at: int) -> int:
    """Which part of the table is shown: the one with the run that the buttons are about, until another is asked for."""
    parts = -(-number // AT_ONCE)
    if parts == 1:
        return 0
    return int(st.pagination(parts, default=at // AT_ONCE + 1, key=f"queue_part_{at}")) - 1


def _select(runs: Sequence[int]) -> None:
    run = picked_on(TABLE)
    if run in runs:
        st.session_state[HERE] = run
