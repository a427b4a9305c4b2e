"""Forms about a whole run: sign it, reopen it, rule where people disagree."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.who import operator, people
from dashboard.acting.written import Written
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.reading.run_record import RunRecord
from dashboard.reading.view import View
from dashboard.sign_off.tables import Voice, may_rule
from dqm.model.people import Role
from dqm.services.decide import decide
from dqm.services.history import moment, spelled
from dqm.services.runs import reopen, sign


@fragment
def sign_form(view: View, seen: RunRecord, kept: Sequence[str]) -> None:
    """Sign the run; ``kept`` says what keeps it from that, and then the button does nothing."""
    run = seen.found.run
    for each in kept:
        st.markdown(f":material/block: {for_markdown(each)}")
    written = Written(view, run, "sign")
    comment = written.comment("Comment", "what whoever reads the history should know (optional)")
    if st.button(f"Sign run {run}", key="sign_run", type="primary", disabled=bool(kept), icon=":material/approval:"):
        done = act(
            view,
            f"sign:{run}",
            lambda store, person, nonce: sign(
                store,
                people(view),
                person.name,
                run,
                asked=view.asked,
                nonce=nonce,
                comment=comment,
                expected=seen.shown,
            ),
            shown=str(seen.shown),
            sent=(comment,),
        )
        if done:
            written.entered()


@fragment
def reopen_form(view: View, seen: RunRecord) -> None:
    """Open a signed run again, with a reason."""
    run = seen.found.run
    written = Written(view, run, "reopen")
    why = written.comment("Why it has to be opened again", "what was wrong, or what changed")
    if operator(view).role < Role.EXPERT:
        st.caption("Reopening needs the role of who signed it, or a higher one.")
    if st.button(f"Reopen run {run}", key="reopen_run", icon=":material/lock_open:"):
        done = act(
            view,
            f"reopen:{run}",
            lambda store, person, nonce: reopen(
                store, people(view), person.name, run, why, nonce=nonce, expected=seen.shown
            ),
            shown=str(seen.shown),
            sent=(why,),
        )
        if done:
            written.entered()


@fragment
def dispute_form(view: View, seen: RunRecord, ranges: Sequence[tuple[int, int]], said: Sequence[Voice]) -> None:
    """Who said what of lumisections in dispute, and the ruling of whoever ends it."""
    run, key = seen.found.run, f"{seen.found.run}_{ranges[0][0]}"
    st.markdown(f"**LS {spelled(ranges)}**")
    for each in said:
        st.markdown(f"- {for_markdown(each.text())}  \n  :small[{moment(each.at)}]")
    person = operator(view)
    if not may_rule(person, said):
        st.caption("It ends when they agree, or when somebody of a higher rank rules: an expert, or a leader.")
        return
    written = Written(view, run, "rule", f"-{ranges[0][0]}")
    verdict, code = written.ruling()
    comment = written.comment("Comment", "why, in your words")
    ready = verdict is not None and code is not None
    told = f"Rule as {for_markdown(person.name)}"
    if st.button(told, key=f"rule_{key}", disabled=not ready, icon=":material/gavel:") and verdict and code:
        done = act(
            view,
            f"rule:{key}",
            lambda store, person, nonce: decide(
                store,
                people(view),
                person.name,
                run,
                ranges,
                verdict,
                code,
                comment,
                nonce=nonce,
                expected=seen.shown,
            ),
            shown=str(seen.shown),
            sent=(verdict, code, comment),
        )
        if done:
            written.entered()
