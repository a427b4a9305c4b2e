"""Forms about a whole run: sign it, reopen it, rule where people disagree."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.who import operator, people
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.palette import STATES
from dashboard.reading.run_record import RunRecord
from dashboard.reading.view import View
from dashboard.sign_off.tables import Voice, may_rule
from dqm.model.decisions import MOST_COMMENT, SAID
from dqm.model.people import Role
from dqm.model.reason_codes import REASON_CODES
from dqm.services.decide import decide
from dqm.services.history import moment, spelled
from dqm.services.runs import reopen, sign


@fragment
def sign_form(view: View, seen: RunRecord, kept: Sequence[str]) -> None:
    """Sign the run; ``kept`` says what keeps it from that, and then the button does nothing."""
    run = seen.found.run
    for each in kept:
        st.markdown(f":material/block: {for_markdown(each)}")
    comment = _comment("Comment", f"sign_comment_{run}", "what whoever reads the history should know (optional)")
    if st.button(f"Sign run {run}", key="sign_run", type="primary", disabled=bool(kept), icon=":material/approval:"):
        done = act(
            view,
            f"sign:{run}",
            lambda store, person, nonce: sign(
                store, people(view), person.name, run, nonce=nonce, comment=comment, expected=seen.shown
            ),
            shown=str(seen.shown),
            sent=(comment,),
        )
        if done:
            _entered(f"sign_comment_{run}")


@fragment
def reopen_form(view: View, seen: RunRecord) -> None:
    """Open a signed run again, with a reason."""
    run = seen.found.run
    why = _comment("Why it has to be opened again", f"reopen_comment_{run}", "what was wrong, or what changed")
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
            _entered(f"reopen_comment_{run}")


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
    verdict = st.segmented_control("Ruling", SAID, format_func=lambda one: STATES[one].title, key=f"rule_verdict_{key}")
    code = st.selectbox(
        "Reason", tuple(REASON_CODES), format_func=REASON_CODES.__getitem__, index=None, key=f"rule_reason_{key}"
    )
    comment = _comment("Comment", f"rule_comment_{key}", "why, in your words")
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
            _entered(f"rule_comment_{key}")


def _comment(label: str, key: str, hint: str) -> str:
    """A text area whose text outlives a change of the page."""
    return (
        st.text_area(label, key=key, placeholder=hint, height=80, max_chars=MOST_COMMENT, persist_state="session") or ""
    )


def _entered(key: str) -> None:
    """Forget the text that was entered, and draw everything anew."""
    st.session_state.pop(key, None)
    st.rerun()
