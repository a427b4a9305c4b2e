"""The button that claims a run or gives it back, the same on every page."""

from __future__ import annotations

import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.who import operator, people
from dashboard.reading.view import View
from dqm.model.decisions import RunState
from dqm.model.people import Person
from dqm.services.runs import claim, release
from dqm.services.shown import Shown
from dqm.services.submission import Recorded
from dqm.store.store import Store

SETTLED = (RunState.SIGNED, RunState.NEEDS_REVIEW)
"""Runs that are signed: nobody needs to claim them."""


def claim_button(view: View, run: int, state: RunState, holder: str, shown: str) -> bool:
    """Claim a run that is in this ``state``, or give it back where whoever works here is its ``holder``.

    ``shown`` is what the page showed of the run. Whether something was entered, so that the page is drawn anew.
    """
    if holder == operator(view).name:
        asked = st.button("Give it back", key="release_run", icon=":material/undo:")
        return asked and _enter(view, run, shown, claiming=False)
    told = f"Yours for {view.config.people.claim_hours:g} hours; it ends by itself. Others see it and wait."
    settled = state in SETTLED
    asked = st.button("Claim", key="claim_run", icon=":material/back_hand:", disabled=settled, help=told)
    return asked and _enter(view, run, shown, claiming=True)


def _enter(view: View, run: int, shown: str, *, claiming: bool) -> bool:
    expected, hours = Shown.parse(shown), view.config.people.claim_hours

    def service(store: Store, person: Person, nonce: str) -> Recorded:
        if claiming:
            return claim(store, people(view), person.name, run, nonce=nonce, hours=hours, expected=expected)
        return release(store, people(view), person.name, run, nonce=nonce, expected=expected)

    return act(view, f"{'claim' if claiming else 'release'}:{run}", service, shown=shown)
