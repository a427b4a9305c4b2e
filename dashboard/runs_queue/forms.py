"""What one does from the queue: open, claim and give back a run, and sign all in which nothing asks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.claiming import claim_button
from dashboard.acting.who import operator, people
from dashboard.acting.written import MANY, Written
from dashboard.links import Links
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.palette import MACHINE, STATES
from dashboard.look.wording import number_of_runs
from dashboard.reading.view import View
from dashboard.runs_queue import lines
from dashboard.runs_queue.tables import batch_table
from dqm.model.people import Person, Role
from dqm.services.batch import MOST_RUNS, SignedRuns, nothing_asks, sign_many
from dqm.services.queue import QueueRow
from dqm.services.shown import Shown
from dqm.store.store import Store

HERE = "queue_run"
"""Entry of the session: the run that the buttons are about."""
LEFT = "batch_left"
"""Entry of the session: why runs of the last batch were not signed."""


def offer_run(view: View, rows: Sequence[QueueRow], at: int, now: datetime, links: Links) -> None:
    """The buttons of one run: the one before, the next, open, claim or give back, sign-off."""
    row = rows[at]
    with st.container(horizontal=True, vertical_alignment="center"):
        back, on = ":material/keyboard_arrow_up:", ":material/keyboard_arrow_down:"
        st.button("", icon=back, key="previous_run", help="Previous run", on_click=_move, args=(rows, at - 1))
        st.button("", icon=on, key="next_run", help="Next run", on_click=_move, args=(rows, at + 1))
        if st.button(f"Open run {row.run}", type="primary", key="open_run"):
            links.run(row.run)
        if claim_button(view, row.run, row.state, row.claimed_by, row.shown):
            st.session_state[HERE] = row.run
            st.rerun()
        if st.button("Sign-off", key="open_sign_off", icon=":material/approval:"):
            links.sign_off(row.run)
        st.markdown(for_markdown(f"{lines.state(row, now)} · {at + 1} of {len(rows)}"))


def _move(rows: Sequence[QueueRow], to: int) -> None:
    st.session_state[HERE] = rows[to % len(rows)].run


@fragment
def offer_batch(view: View, rows: Sequence[QueueRow]) -> None:
    """All runs in which nothing asks, to be signed at once; which were not, and why."""
    if left := st.session_state.get(LEFT):
        st.warning("\n".join(["Not signed:", "", *(f"- {for_markdown(why)}" for why in left)]), icon=":material/block:")
        if st.button("I have read it", key="batch_read"):
            del st.session_state[LEFT]
            st.rerun()
    ready = [each for each in rows if nothing_asks(each)][:MOST_RUNS]
    if not ready:
        return
    told = number_of_runs(len(ready))
    folded = st.expander(f"Sign at once what asks nothing: {told}", key="batch", on_change="rerun")
    if folded.open:
        with folded:
            _show_batch(view, ready, told)


def _show_batch(view: View, ready: Sequence[QueueRow], told: str) -> None:
    """The runs, a comment and the button; made when it is opened, for there may be hundreds."""
    st.dataframe(
        batch_table(ready, weighted=False),
        hide_index=True,
        height=min(38 + 35 * len(ready), 320),
        key="batch_table",
        column_config={
            "run": st.column_config.NumberColumn(format="%d"),
            "strip": st.column_config.ImageColumn("lumisections", width=172),
            "lumisections": st.column_config.NumberColumn("LS"),
            **{
                str(group): st.column_config.ProgressColumn(
                    STATES[group].word, min_value=0, max_value=100, format="%.1f%%", color=STATES[group].colour
                )
                for group in MACHINE
            },
            "weight": st.column_config.NumberColumn(
                f"weight ({view.weight_unit})" if view.weight_unit else "weight", format="%.4g"
            ),
        },
    )
    person = operator(view)
    written = Written(view, MANY, "batch")
    comment = written.comment("Comment")
    may = person.role >= Role.EXPERT
    if not may:
        st.caption(f"Signing needs an expert or a leader; {for_markdown(person.name)} is not one.")
    if st.button(f"Sign {told}", key="batch_sign", type="primary", disabled=not may, icon=":material/done_all:"):
        _sign(view, ready, written, comment)


def _sign(view: View, ready: Sequence[QueueRow], written: Written, comment: str) -> None:
    """Sign them; the comment stays where none was signed."""
    found: list[SignedRuns] = []
    shown = {each.run: Shown.parse(each.shown) for each in ready}

    def service(store: Store, person: Person, nonce: str) -> SignedRuns:
        found.append(sign_many(store, people(view), person.name, shown, comment, asked=view.asked, nonce=nonce))
        return found[0]

    name = hashlib.sha256("\n".join(each.shown for each in ready).encode()).hexdigest()
    if act(view, "batch", service, shown=name):
        if found and found[0].refused:
            st.session_state[LEFT] = list(found[0].refused.values())
        if not found or found[0].entered:
            written.entered()
        st.rerun()
