"""Publish what is decided, see what that changes, and take it along."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.who import operator, people
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.wording import weight
from dashboard.reading.published import (
    csv_bytes,
    keeps_from_publishing,
    published_bytes,
    report_bytes,
    to_publish,
    versions,
)
from dashboard.reading.view import View
from dashboard.sign_off.tables import difference_table, version_table
from dqm.model.errors import StoreError
from dqm.model.people import Role
from dqm.services.difference import Difference
from dqm.services.publish import ANTI, GOLDEN, publish
from features.words import in_words

UNASKED = 300
"""Certified runs up to which the difference is made without being asked for; above it is one click away."""
IN_WORDS = partial(in_words, measured=False)
"""How reasons are put into words in what is published: as the command does."""


@fragment
def show_publishing(view: View) -> None:
    """The difference to the last golden JSON, the button, the versions and the files."""
    found = None
    if len(view.held["verdicts"]) <= UNASKED or st.toggle(
        "Compare with the last golden JSON", key="compare_golden", help="Reads every run; takes some seconds."
    ):
        try:
            found = to_publish(view.path, view.snapshot, view.entry)
        except StoreError as error:
            st.error(for_markdown(str(error)), icon=":material/error:")
    if found is not None:
        _show_difference(found, view.weight_unit)
    may = operator(view).role >= Role.EXPERT
    if not may:
        st.caption("Publishing needs an expert or a leader.")
    keeps = keeps_from_publishing(view)
    if keeps:
        st.markdown(f":material/block: {for_markdown(f'Nothing can be published: {keeps}.')}")
    free = may and not keeps
    if st.button(
        "Publish a new golden JSON", key="publish", type="primary", disabled=not free, icon=":material/publish:"
    ):
        done = act(
            view,
            "publish",
            lambda store, person, nonce: publish(
                store, people(view), person.name, asked=view.asked, words=IN_WORDS, nonce=nonce
            ),
            shown=f"{view.snapshot}:{view.entry}",
        )
        if done:
            st.rerun()
    _show_versions(view)


def _show_difference(found: Difference, unit: str) -> None:
    entering, leaving = (sum(e.lumisections for e in found.moved if e.enters is way) for way in (True, False))
    gained, lost = (sum(e.weight for e in found.moved if e.enters is way) for way in (True, False))
    columns = st.columns(3)
    options = {"delta_color": "off", "delta_arrow": "off", "border": True}
    last = f"version {found.before} now" if found.before else "nothing published yet"
    columns[0].metric("Golden", f"{found.golden:,} LS", last, **options)  # type: ignore[arg-type]
    columns[1].metric("Enter", f"{entering:,} LS", for_markdown(weight(gained, unit)), **options)  # type: ignore[arg-type]
    columns[2].metric("Leave", f"{leaving:,} LS", for_markdown(weight(lost, unit)), **options)  # type: ignore[arg-type]
    if not found.moved:
        st.info("A new golden JSON would be the same as the last one.", icon=":material/check:")
        return
    _table(
        difference_table(found),
        "difference",
        {
            "run": st.column_config.NumberColumn(format="%d", width=80),
            "change": st.column_config.TextColumn(width=90),
            "lumisections": st.column_config.TextColumn(width=360),
            "number": st.column_config.NumberColumn("LS", width=60),
            "weight": st.column_config.NumberColumn(f"weight ({unit})" if unit else "weight", format="%.4g", width=100),
            "now": st.column_config.TextColumn(width=240),
        },
    )


def _show_versions(view: View) -> None:
    found = versions(view.path, view.snapshot, view.entry)
    st.subheader("Published")
    if not found:
        st.info("Nothing was published yet. Publish above, or with: dqm certify", icon=":material/arrow_upward:")
        return
    _table(
        version_table(found),
        "versions",
        {
            "published": st.column_config.TextColumn(width=180),
            "by": st.column_config.TextColumn(width=130),
            "sha256": st.column_config.TextColumn("SHA-256", width=480),
        },
    )
    st.caption("Versions are immutable. A new one comes where anything changed; its digest is that of its bytes.")
    newest = found[0].published.version
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers, key = [each.published.version for each in found], f"golden_version_{newest}"  # a new one is chosen
        version = int(st.selectbox("Version", numbers, key=key, width=110) or newest)
        _file("Golden JSON", GOLDEN, "application/json", partial(published_bytes, view.path, GOLDEN, version))
        _file("Anti-JSON, newest", ANTI, "application/json", partial(published_bytes, view.path, ANTI))
        _file("Verdicts as CSV", "verdicts.csv", "text/csv", partial(csv_bytes, view.path))
        if view.point is not None and view.held["past"]:
            _file("Report", "report.html", "text/html", partial(report_bytes, view.path, view.config))
    st.caption("CSV and report tell what stands now, people's decisions in; golden and anti-JSON what was published.")


def _file(label: str, name: str, mime: str, data: partial[bytes]) -> None:
    """A file to take along, made when it is asked for."""
    st.download_button(
        label, data, file_name=name, mime=mime, key=f"file_{name}", icon=":material/download:", on_click="ignore"
    )


def _table(table: pd.DataFrame, key: str, columns: dict[str, object]) -> None:
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        height=min(38 + 35 * len(table), 320),
        column_config=columns,  # type: ignore[arg-type]  # of several kinds
    )
