"""Sign a run off, and publish what is decided of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from dashboard.acting.who import operator
from dashboard.links import Links
from dashboard.look.empty_states import show_command, show_missing
from dashboard.look.inert import for_markdown
from dashboard.look.run_box import choose_run, wanted_run
from dashboard.look.wording import percent, weight
from dashboard.reading.queue_rows import people_pace, queue_rows
from dashboard.reading.records import chain
from dashboard.reading.run_record import RunRecord, out_of_date, run_record
from dashboard.reading.view import View
from dashboard.runs_queue import lines
from dashboard.sign_off.forms import dispute_form, reopen_form, sign_form
from dashboard.sign_off.publishing import show_publishing
from dashboard.sign_off.tables import (
    blocker_table,
    blockers,
    coverage,
    disputed,
    disputes,
    golden_share,
    history_table,
    obstacles,
    standing_words,
)
from dashboard.verdicts.run_tables import Range, ranges
from dashboard.verdicts.thumbnails import strip_image
from dqm.model.verdicts import Verdicts
from dqm.services.queue import QueueRow

RUN, PUBLISH = "a run", "publish and export"
STRIP = 1280
"""Pixels of the strip of lumisections."""
NOUN = "certified run"
"""What is signed; others have no verdicts."""
BUTTONS = 8
"""Blockers that have a button of their own; the others have a row of the table."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Sign-off")
    if not view.held["verdicts"]:
        show_missing(view)
        return
    part = st.segmented_control(
        "Part",
        (RUN, PUBLISH),
        default=RUN,
        required=True,
        key="part",
        bind="query-params",
        label_visibility="collapsed",
    )
    if part == PUBLISH:
        show_publishing(view)
        return
    now = datetime.now(UTC)
    rows = [each for each in lines.ordered(queue_rows(view, now), people_pace(view.path, view.entry)) if each.counts]
    seen = run_record(view, _chosen(rows, now))
    seen = replace(seen, found=seen.now(now))
    if seen.verdicts is None:
        st.info(f"Run {seen.found.run} has no verdicts yet. Next:", icon=":material/arrow_forward:")
        show_command(view, f"certify --runs {seen.found.run}")
        return
    _show_run(view, seen, seen.verdicts, links)
    _show_history(view, seen)


def _chosen(rows: Sequence[QueueRow], now: datetime) -> int:
    """The run that the address names, or the first of the queue; the box follows the address and sets it."""
    runs = [each.run for each in rows]
    words = {each.run: f"{each.run} · {lines.state(each, now)} · {each.open} LS open" for each in rows}
    at = runs.index(wanted_run(runs, lambda: runs[0], noun=NOUN))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, step in (("previous_run", -1), ("next_run", 1)):
            icon = f":material/keyboard_arrow_{'up' if step < 0 else 'down'}:"
            if st.button("", icon=icon, key=name, help=f"{name.partition('_')[0].title()} run"):
                at = (at + step) % len(runs)
        # A box keeps the words that it showed of what is chosen: one whose run moved on is another box.
        key = f"sign_off_run_{words[runs[at]]}"
        return choose_run(runs, runs[at], words=words.__getitem__, key=key, noun=NOUN)


def _show_run(view: View, seen: RunRecord, verdicts: Verdicts, links: Links) -> None:
    run, found = seen.found.run, ranges(verdicts)
    open_ranges = blockers(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{for_markdown(standing_words(seen.found))}**")
        if st.button(f"Open run {run}", key="open_run"):
            links.run(run)
    st.image(strip_image(verdicts.decision, STRIP), width="stretch")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _show_coverage(verdicts, view.weight_unit)
    with right:
        if seen.found.signed:
            st.subheader("Signed")
            reopen_form(view, seen)
            return
        _show_blockers(open_ranges, run, view.weight_unit, links)
        if places := disputed(verdicts):
            st.subheader("In dispute")
            for where, said in disputes(seen.found.entries, places):
                dispute_form(view, seen, where, said)
        st.subheader("Sign")
        kept = [f"{sum(each.lumisections for each in open_ranges)} LS still need a person."] if open_ranges else []
        more = obstacles(
            seen.found,
            operator(view),
            provisional=seen.provisional,
            changed=seen.changed,
            outdated=out_of_date(view, run),
        )
        sign_form(view, seen, [*kept, *more])


def _show_coverage(verdicts: Verdicts, unit: str) -> None:
    st.subheader("Coverage")
    golden = percent(golden_share(verdicts), 1)
    whole = for_markdown(weight(float(verdicts.weight.sum()), unit))
    st.markdown(f"**{golden}** of the weight of {whole} in {len(verdicts):,} LS is golden.")
    st.dataframe(
        coverage(verdicts),
        hide_index=True,
        key="coverage",
        column_config={
            "lumisections": st.column_config.NumberColumn("LS", width=60),
            "weight": st.column_config.NumberColumn(f"weight ({unit})" if unit else "weight", format="%.4g", width=90),
            "share": st.column_config.NumberColumn("of weight", format="%.1f%%", width=80),
            "golden": st.column_config.TextColumn(width=70),
        },
    )


def _show_blockers(found: Sequence[Range], run: int, unit: str, links: Links) -> None:
    st.subheader("What keeps it from being signed" if found else "Nothing is open")
    if not found:
        return
    with st.container(horizontal=True):
        for each in found[:BUTTONS]:
            span = f"{each.first}–{each.last}" if each.last > each.first else f"{each.first}"
            if st.button(f"LS {span}", key=f"blocker_{each.first}", help="Open it on the page of the run"):
                links.run(run, each.first, each.last)
    event = st.dataframe(
        blocker_table(found),
        hide_index=True,
        key="blockers",
        on_select="rerun",
        selection_mode="single-cell",
        height=min(38 + 35 * len(found), 300),
        column_config={
            "lumisections": st.column_config.TextColumn("LS", width=80),
            "number": st.column_config.NumberColumn(width=62),
            "decision": st.column_config.TextColumn(width=110),
            "weight": st.column_config.NumberColumn(
                unit or "weight", format="%.3g", width=64, help="Weight of the range."
            ),
            "subsystem": st.column_config.TextColumn(width=90),
            "reason": st.column_config.TextColumn(width=300),
        },
    )
    if cells := event["selection"]["cells"]:
        each = found[cells[0][0]]
        links.run(run, each.first, each.last)


def _show_history(view: View, seen: RunRecord) -> None:
    st.subheader("History")
    if seen.found.entries:
        table = history_table(seen.found.entries)
        st.dataframe(
            table,
            hide_index=True,
            key="history",
            height=min(38 + 35 * len(table), 320),
            column_config={
                "entry": st.column_config.NumberColumn(width=60),
                "what": st.column_config.TextColumn(width=1000),
                "hash": st.column_config.TextColumn(width=120),
            },
        )
    else:
        st.caption("Nobody did anything with this run yet.")
    count, broken = chain(view.path, view.entry)
    if broken:
        st.error(for_markdown(broken), icon=":material/link_off:")
    else:
        st.caption(
            f":material/link: {count:,} entries in the store; their chain of hashes was verified and is unbroken."
        )
