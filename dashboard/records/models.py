"""The models of the store: which scores, on which runs each was trained, who promoted it and why. Read only."""

from __future__ import annotations

import streamlit as st

from dashboard.links import Links
from dashboard.look.empty_states import show_command, show_missing
from dashboard.look.inert import for_markdown
from dashboard.look.wording import interval, percent
from dashboard.reading.past import prepared
from dashboard.reading.records import TrainedModel, promotions, trained_models
from dashboard.reading.view import View
from dashboard.records.rows import alias_rows, model_rows, promotion_rows
from dqm.store.schema import CHALLENGER, CHAMPION


def show(view: View, links: Links) -> None:
    """The page."""
    st.title("Models")
    found = trained_models(view.path, view.snapshot)
    if not found:
        if view.held["quantities"]:
            st.info("No model was trained yet. Next:", icon=":material/arrow_forward:")
            show_command(view, "train")
        else:
            show_missing(view)
        return
    _show_named(found)
    _show_champion(view)
    for each in found:
        if each.fault:
            st.error(for_markdown(f"{each.stored.model_id}: {each.fault}"), icon=":material/error:")
    _show_models(found)
    _show_promotions(view)
    st.subheader("Which model had which name since when")
    column = st.column_config
    st.dataframe(
        alias_rows(found), hide_index=True, key="aliases",
        column_config={"since": column.DatetimeColumn("since (UTC)", format="YYYY-MM-DD HH:mm")},
        alt="Moments at which a name moved to a model, the newest first",
    )  # fmt: skip


def _show_named(found: tuple[TrainedModel, ...]) -> None:
    """Champion and challenger in a line each."""
    named = {alias: each.stored.model_id for each in found for alias in each.stored.aliases}
    champion = for_markdown(named.get(CHAMPION, "none"))
    challenger = for_markdown(named.get(CHALLENGER, ""))
    st.markdown(f"**Champion**, the model that scores: {champion}")
    waits = challenger and challenger != champion
    st.markdown(f"**Challenger**: {challenger}" if waits else "**Challenger**: none (dqm train \\-\\-challenger)")


def _show_champion(view: View) -> None:
    """What the champion said of the past when that was still the future, at the working point in force."""
    if not view.held["past"] or view.point is None:
        return
    curve = prepared(view.path, view.snapshot)[1]
    if curve is None:
        return
    found, ends = curve.outcome(view.point)
    told = (
        ("Data loss in its past", percent(found.data_loss), interval(ends.data_loss)),
        ("Pollution in its past", percent(found.pollution), interval(ends.pollution)),
        ("Workload, lumisections", percent(found.workload, 1), interval(ends.workload)),
        ("Runs of evidence", f"{found.runs}", f"{found.lumisections:,} lumisections"),
    )
    for column, (name, value, around) in zip(st.columns(4), told, strict=True):
        column.metric(name, value, around, delta_color="off", delta_arrow="off", border=True)
    st.caption(
        "The champion at the working point in force, on labelled runs that it had not learned from yet. More figures "
        "of every training are in MLflow where [tracking] names one."
    )


def _show_models(found: tuple[TrainedModel, ...]) -> None:
    column = st.column_config
    rows = model_rows(found)
    order = [str(name) for name in rows if name not in ("mlflow", "fault") or rows[name].any()]
    st.subheader("All models")
    st.dataframe(
        rows, hide_index=True, key="models", height=min(38 + 35 * len(rows), 320), column_order=order,
        column_config={
            "model": column.TextColumn("model", width=230),
            "called": column.TextColumn("called now", width=150),
            "trained": column.DatetimeColumn("trained (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "detectors": column.TextColumn("detectors", width=200),
            "runs": column.NumberColumn("runs", format="%d", width=60, help="Runs that it learned from."),
            "which": column.TextColumn("from run to run", width=160),
            "mlflow": column.TextColumn("in MLflow", width=260),
            "fault": column.TextColumn("fault", width=260),
        },
        alt="Trained models, the newest first",
    )  # fmt: skip


def _show_promotions(view: View) -> None:
    st.subheader("Promotions")
    entries = promotions(view.path, view.snapshot, view.entry)
    if not entries:
        st.caption("No model was promoted yet: the newest training scores. A challenger takes over with:")
        show_command(view, "promote --why REASON")
        return
    column = st.column_config
    st.dataframe(
        promotion_rows(entries), hide_index=True, key="promotions",
        column_config={
            "when": column.DatetimeColumn("when (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "model": column.TextColumn("scores since", width=200),
            "before": column.TextColumn("scored before", width=200),
            "why": column.TextColumn("why", width=260),
            "on": column.TextColumn("compared on", width=120),
            "new model": column.TextColumn("new model there", width=320),
            "old model": column.TextColumn("old model there", width=320),
        },
        alt="Promotions of models, the newest first",
    )  # fmt: skip
