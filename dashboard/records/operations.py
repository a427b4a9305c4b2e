"""How the nights run: stages with their times, input in quarantine, freshness, checks, disk. Read only."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.links import Links
from dashboard.look.empty_states import show_command
from dashboard.look.inert import for_markdown
from dashboard.look.wording import ago
from dashboard.reading.records import OperationRecords, free_bytes, operation_records, sizes, store_checks
from dashboard.reading.view import View
from dashboard.records.rows import STATES, check_rows, finding_rows, night_rows, size_rows, stage_rows
from dqm.services.history import moment
from dqm.store.nights import FINISHED, Night


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Operations")
    found = operation_records(view.path)
    _show_freshness(view, found)
    _show_nights(view, found)
    _show_quarantine(found)
    _show_checks(view)
    _show_disk(view)


def _show_freshness(view: View, found: OperationRecords) -> None:
    now = datetime.now(UTC)
    night = next((each.ended for each in found.nights if each.state == FINISHED), None)
    told = (
        ("Last finished night", ago(night, now) if night else "none yet", _at(night)),
        ("Input read", ago(found.ingested, now) if found.ingested else "never", _at(found.ingested)),
        ("Runs", f"{len(view.held['quantities']):,}", f"{len(view.held['verdicts']):,} certified"),
        ("Golden JSON", f"version {found.golden}" if found.golden else "none yet", f"snapshot {view.snapshot}"),
        ("In quarantine", f"{len(found.quarantine):,}", "findings"),
    )
    for column, (name, value, below) in zip(st.columns(len(told)), told, strict=True):
        column.metric(name, value, below or "–", delta_color="off", delta_arrow="off", border=True)


def _show_nights(view: View, found: OperationRecords) -> None:
    st.subheader("Nights")
    if not found.nights:
        st.info("No night ran by itself yet. One does everything from the input to the golden JSON:")
        show_command(view, "nightly")
        return
    rows = night_rows(found.nights)
    event = st.dataframe(
        rows, hide_index=True, key="nights", height=min(38 + 35 * len(rows), 285), on_select="rerun",
        selection_mode="single-row", column_config=_formats(), alt="Nights, the newest first",
    )  # fmt: skip
    selected = event["selection"]["rows"]
    _show_stages(found.nights[selected[0] if selected else 0])


def _show_stages(night: Night) -> None:
    st.markdown(f"**Stages of night {night.id}** · {STATES.get(night.state, night.state)}. Select another night above.")
    rows = stage_rows(night)
    if rows.empty:
        st.caption(for_markdown(str(night.summary.get("error", "It has not said anything of its stages."))))
        return
    st.dataframe(
        rows, hide_index=True, key="stages", column_config=_formats(float(rows["seconds"].max())),
        alt="Stages of the night in their order",
    )  # fmt: skip


def _show_quarantine(found: OperationRecords) -> None:
    st.subheader("Input in quarantine")
    if not found.quarantine:
        st.caption("Nothing is in quarantine: all input that was read is used.")
        return
    rows = finding_rows(found.quarantine)
    st.dataframe(
        rows, hide_index=True, key="quarantine", height=min(38 + 35 * len(rows), 320),
        column_config={
            "file": st.column_config.TextColumn("file", width=220),
            "reason": st.column_config.TextColumn("reason", width=600),
        },
        alt="What keeps data away, alike findings together",
    )  # fmt: skip
    st.caption("Their lumisections are UNKNOWN. Mend the input and read it again: dqm ingest, or the next night.")


def _show_checks(view: View) -> None:
    """Reading every file takes a while, so it waits until somebody asks."""
    st.subheader("Checks")
    if st.button("Check every file of the store", key="check", help="As dqm doctor; nothing is changed."):
        st.session_state["checked"] = (view.snapshot, view.entry)
    if st.session_state.get("checked") != (view.snapshot, view.entry):
        st.caption("Compares every file with its digest and follows the chain of entries; dqm doctor does more.")
    else:
        rows = check_rows(store_checks(view.path, view.snapshot, view.entry))
        st.dataframe(
            rows, hide_index=True, key="checks",
            column_config={"seen": st.column_config.TextColumn("seen", width=700)},
            alt="Checks of the store",
        )  # fmt: skip
    st.caption("The store does not record copies of itself; a verified one is made with: dqm backup FOLDER")


def _show_disk(view: View) -> None:
    st.subheader("Disk")
    found = sizes(view.path, view.snapshot)
    free, whole = free_bytes(view.path)
    taken = sum(found.values()) / 1e6
    st.markdown(f"The store takes **{taken:,.1f} MB**; {free / 1e9:,.1f} of {whole / 1e9:,.1f} GB are free.")
    rows = size_rows(found)
    st.dataframe(
        rows, hide_index=True, key="disk", width=480, height=min(38 + 35 * len(rows), 320),
        column_config={"MB": _bar("MB", float(rows["MB"].max()), "%.2f")} if len(rows) else None,
        alt="Megabytes by folder of the store",
    )  # fmt: skip
    st.caption("What need not stay goes with: dqm prune")


def _formats(longest: float = 0.0) -> dict[str, ColumnConfig]:
    column = st.column_config
    seconds = _bar("seconds", longest, "%.2f") if longest else column.NumberColumn("seconds", format="%.1f", width=90)
    return {
        "night": column.NumberColumn("night", format="%d", width=65),
        "began": column.DatetimeColumn("began (UTC)", format="YYYY-MM-DD HH:mm", width=150),
        "seconds": seconds,
        "scored": column.NumberColumn("runs scored", format="%d", width=95),
        "quarantined": column.NumberColumn("quarantined", format="%d", width=100),
        "told": column.NumberColumn("alerts sent", format="%d", width=90),
        "failed": column.TextColumn("what failed", width=380),
        "said": column.TextColumn("what it did", width=760),
    }


def _bar(name: str, largest: float, form: str) -> ColumnConfig:
    return st.column_config.ProgressColumn(name, format=form, min_value=0.0, max_value=max(largest, 1e-9), width=150)


def _at(at: datetime | None) -> str:
    return "" if at is None else moment(at)
