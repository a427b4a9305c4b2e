"""Proposals of working points: make one, approve one, and what decided so far."""

from __future__ import annotations

import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.who import operator, people
from dashboard.look.inert import for_markdown
from dashboard.look.wording import thresholds
from dashboard.reading.view import View
from dashboard.reading.working_points import PointHistory, point_history
from dashboard.trade_off.rows import difference_rows, history_rows
from dashboard.trade_off.tables import PastCurve
from dqm.model.people import Role
from dqm.model.verdicts import WorkingPoint
from dqm.services.history import moment, printable
from dqm.services.working_points import Proposal, approve, propose

ALONE = (
    "One person is configured here, so whoever proposes may also approve. The entry is then marked: "
    "approved by who proposed it."
)
SENT = "proposals_sent"
"""Entry of the session: how many proposals were sent; the comment of the next one is a fresh field."""


def show_proposals(view: View, curve: PastCurve, point: WorkingPoint, name: str) -> None:
    """Everything that people do about working points."""
    found = point_history(view.path, view.snapshot, view.entry)
    if people(view).alone:
        st.caption(ALONE)
    _show_form(view, curve, point, name)
    st.subheader("Waiting for approval")
    if not found.waiting:
        st.caption("No proposal waits. Propose one above; a leader approves it here.")
    for each in reversed(found.waiting):
        _show_waiting(view, curve, each)
    _show_history(view, found)


def _show_form(view: View, curve: PastCurve, point: WorkingPoint, name: str) -> None:
    """Propose what the controls say; a comment is needed, and stays where it is until it was entered."""
    st.subheader(f"Propose {name}")
    st.table(difference_rows(curve, view.point, point, name))
    sent = st.session_state.get(SENT, 0)
    key = f"proposal_comment:{sent}:{operator(view).name}"  # what one wrote is not proposed by the next
    why = st.text_area("Why (needed; it stands in the audit for good)", key=key, height=80)
    same = view.point == point
    if same:
        st.caption("This is the working point in force; there is nothing to propose.")
    if st.button("Propose", type="primary", disabled=same, key="propose"):
        _propose(view, point, why)
    if operator(view).role < Role.EXPERT:
        st.caption(f"To propose needs an expert or a leader; you act as {operator(view).role.word}.")


def _propose(view: View, point: WorkingPoint, why: str) -> None:
    sent = st.session_state.get(SENT, 0)
    if act(
        view,
        "propose",
        lambda store, person, nonce: propose(store, people(view), person.name, point, why, nonce=nonce),
    ):
        st.session_state[SENT] = sent + 1
        st.rerun()


def _show_waiting(view: View, curve: PastCurve, given: Proposal) -> None:
    """One proposal with what it would change, and the way to approve it."""
    entry = given.entry
    with st.container(border=True):
        who = f"{for_markdown(entry.actor)} ({entry.role}), {moment(entry.at)}"
        st.markdown(f"**Proposal {entry.id}** · {thresholds(given.working_point)} · by {who}")
        st.markdown(for_markdown(printable(entry.fields["comment"])))
        st.table(difference_rows(curve, view.point, given.working_point, f"proposal {entry.id}"))
        comment = st.text_input("Comment (may be empty)", key=f"approval_comment:{entry.id}:{operator(view).name}")
        own = entry.actor == operator(view).name
        label = f"Approve proposal {entry.id}" + (", my own" if own and people(view).alone else "")
        if st.button(label, key=f"approve:{entry.id}"):
            _approve(view, entry.id, comment)
        if own and not people(view).alone:
            st.caption("You proposed this one; another leader has to approve it.")


def _approve(view: View, number: int, comment: str) -> None:
    if act(
        view,
        f"approve:{number}",
        lambda store, person, nonce: approve(store, people(view), person.name, number, comment=comment, nonce=nonce),
    ):
        st.rerun()


def _show_history(view: View, found: PointHistory) -> None:
    """What decided since when, and the way back: an earlier working point is proposed again."""
    st.subheader("What decided so far")
    if not found.decided:
        st.caption("No working point decided yet; a training chooses the first one.")
        return
    rows = history_rows(found.decided, found.proposals)
    column = st.column_config
    st.dataframe(
        rows, hide_index=True, key="point_history", placeholder="now", height=min(38 + 35 * len(rows), 250),
        column_config={
            "since": column.DatetimeColumn("since (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "until": column.DatetimeColumn("until (UTC)", format="YYYY-MM-DD HH:mm", width=150),
            "thresholds": column.TextColumn("accept below, reject from", width=180, help="Badness."),
            "loss": column.NumberColumn("loss budget", format="%.1f%%", width=105),
            "pollution": column.NumberColumn("pollution budget", format="%.1f%%", width=135),
            "chosen by": column.TextColumn("chosen by", width=250),
            "approved": column.TextColumn("approved by", width=330),
        },
        alt="Working points in force, the newest first",
    )  # fmt: skip
    earlier = {each.working_point.digest: each for each in found.decided if each.working_point != view.point}
    if not earlier:
        st.caption("There is no earlier working point to go back to.")
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    digest = left.selectbox(
        "Go back to", list(reversed(earlier)), key="go_back",
        format_func=lambda each: f"{moment(earlier[each].at)} · {thresholds(earlier[each].working_point)}",
    )  # fmt: skip
    if right.button("Propose it again", key="propose_again"):
        at = earlier[digest].at
        _propose(view, earlier[digest].working_point, f"back to the working point of {moment(at)}")
