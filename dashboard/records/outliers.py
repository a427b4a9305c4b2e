"""Events that stand out: the newest lists that ``dqm outliers`` wrote beside the configuration. Read only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard.links import Links
from dashboard.look.inert import for_markdown
from dashboard.reading.records import LISTS, MOST, OutlierList, outlier_lists, outlier_rows
from dashboard.reading.view import View
from dqm.model.amounts import counted
from dqm.services.history import moment

TERM = "term:"
"""How the columns begin that say what a feature adds to the score."""


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Outliers")
    st.markdown("Events that the known processes do not explain, as the last search listed them. Nothing changes here.")
    folder = view.config_path.parent
    lists = outlier_lists(folder)
    if not lists:
        _show_missing(folder)
        return
    names = {f"{each.method} · {moment(each.written)}": each for each in lists}
    chosen = st.segmented_control("List, the newest first", list(names), default=next(iter(names)), required=True)
    _show_list(names[chosen])


def _show_missing(folder: Path) -> None:
    st.info(
        f"No list of outliers lies in the folder {for_markdown(LISTS)} beside the configuration. "
        f"Search event tables in {for_markdown(str(folder))}:",
        icon=":material/arrow_forward:",
    )
    command = "dqm outliers --background KNOWN.parquet --data SEARCHED.parquet --features NAME,log:NAME"
    st.code(f"{command} --output {LISTS}", language="bash")


def _show_list(chosen: OutlierList) -> None:
    """The events with their features; the terms of the one that is selected."""
    rows = outlier_rows(str(chosen.file), chosen.written.timestamp())
    if rows.empty:
        st.info("The list is empty: no event had every feature.")
        return
    terms = [str(each) for each in rows if str(each).startswith(TERM)]
    st.caption(
        f"{for_markdown(str(chosen.file))} · {counted(len(rows), 'event')}"
        f"{f', the first {MOST} of the list' if len(rows) == MOST else ''}. Scores of densities are in nats; features "
        "stand on the scale on which they were learned. Select an event to see what makes it stand out."
    )
    event = st.dataframe(
        rows.drop(columns=terms), hide_index=True, key="outliers", height=460, on_select="rerun",
        selection_mode="single-row", alt="Events, the highest scores first",
    )  # fmt: skip
    if not terms:
        st.caption("This method does not say which feature makes an event stand out; nade and nade-ratio do.")
        return
    selected = event["selection"]["rows"]
    _show_terms(rows.iloc[selected[0] if selected else 0], terms)


def _show_terms(row: pd.Series, terms: list[str]) -> None:
    st.subheader(f"Event of rank {int(row['rank'])}")
    found = pd.DataFrame({"feature": [each.removeprefix(TERM) for each in terms], "term": row[terms].astype(float)})
    found = found.sort_values("term", ascending=False, ignore_index=True)
    largest = float(max(found["term"].abs().max(), 1e-9))
    st.dataframe(
        found, hide_index=True, key="outlier_terms", height=min(38 + 35 * len(found), 400),
        column_config={
            "term": st.column_config.ProgressColumn(
                "adds (nats)", format="%.3f", min_value=min(0.0, float(found["term"].min())), max_value=largest
            )
        },
        alt="What each feature adds to the score of the event, the largest first",
    )  # fmt: skip
