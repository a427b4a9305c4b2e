"""What was told to whom, what was given up, what is silenced and what somebody knows of. Read only; no secrets."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.links import Links
from dashboard.look.empty_states import show_command
from dashboard.look.inert import for_markdown
from dashboard.reading.records import AlertRecords, alert_records
from dashboard.reading.view import View
from dashboard.records.rows import anomaly_rows, delivery_rows, event_rows, silence_rows

STATES = {
    "dead": ("✗ given up", "Somebody was not told."),
    "pending": ("… to be sent", "Sent by the next relay."),
    "held": ("‖ held", "Sent when a silence ends."),
    "done": ("✓ done", "A receiver confirmed it."),
    "silenced": ("– silenced", "Not sent, and not to be."),
}
"""States of deliveries, what needs somebody first, with what they mean."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Alerts")
    found = alert_records(view.path)
    for column, (state, (name, meaning)) in zip(st.columns(len(STATES)), STATES.items(), strict=True):
        column.metric(name, f"{found.counts[state]:,}", help=meaning, border=True)
    _show_receivers(view)
    if not found.events:
        st.info("Nothing happened yet that anybody would be told. Nights tell what they find:")
        show_command(view, "nightly")
        return
    _show_dead(view, found)
    _show_open(view, found)
    _show_silences(view, found)
    st.subheader("Deliveries")
    if found.deliveries:
        told = sum(found.counts.values())
        _table("deliveries", delivery_rows(found.deliveries), _of(len(found.deliveries), told, "deliveries"))
    else:
        st.caption("No receiver was told anything yet; what is due is sent by dqm alerts relay.")
    st.subheader("Events")
    _table("events", event_rows(found.events), f"{_of(len(found.events), found.posted, 'events')}, told or not.")


def _of(shown: int, all_of_them: int, what: str) -> str:
    """How many are shown of how many."""
    return f"All {all_of_them:,} {what}" if shown == all_of_them else f"The newest {shown:,} of {all_of_them:,} {what}"


def _show_receivers(view: View) -> None:
    """Who is told: names, kinds and what they ask for. Their parameters may lead to secrets and are not shown."""
    receivers = view.config.alerts.receiver
    if not receivers:
        st.caption("No receiver is configured, so nobody is told; docs/alerts.md says how to add one.")
        return
    told = (f"{for_markdown(r.title)} ({for_markdown(r.kind)}, from {r.severity} on)" for r in receivers)
    st.markdown(f"**Receivers** · {', '.join(told)}")


def _show_dead(view: View, found: AlertRecords) -> None:
    if not found.dead:
        return
    st.subheader("Given up: somebody was not told")
    _table("dead", delivery_rows(found.dead), "Mend what is wrong, then send them again:")
    show_command(view, "alerts redeliver --dead")


def _show_open(view: View, found: AlertRecords) -> None:
    st.subheader("Open anomalies")
    if not found.anomalies:
        st.caption("No anomaly is open.")
        return
    _table("anomalies", anomaly_rows(found), "Who knows of one says so with: dqm alerts ack RUN SUBSYSTEM")


def _show_silences(view: View, found: AlertRecords) -> None:
    st.subheader("Silences")
    if not found.silences:
        st.caption("No silence holds; dqm alerts silence keeps alerts of a run or a subsystem quiet for a while.")
        return
    _table("silences", silence_rows(found.silences), "One ends before its time with: dqm alerts silence --end NUMBER")


def _table(key: str, rows: pd.DataFrame, caption: str) -> None:
    column = st.column_config
    st.dataframe(
        rows, hide_index=True, key=key, height=min(38 + 35 * max(len(rows), 1), 320),
        column_config={
            "number": column.NumberColumn("number", format="%d", width=75),
            "when": column.DatetimeColumn("when (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "since": column.DatetimeColumn("since (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "until": column.DatetimeColumn("until (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "run": column.NumberColumn("run", format="%d", width=80) if key == "anomalies" else "run",
            "subject": column.TextColumn("subject", width=190),
            "error": column.TextColumn("what went wrong last", width=330),
            "says": column.TextColumn("says", width=520),
            "why": column.TextColumn("why", width=330),
        },
        alt=caption,
    )  # fmt: skip
    st.caption(caption)
