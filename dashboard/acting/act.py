"""One submission of one form: sent once, answered in words, whatever comes of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard.acting.who import operator
from dashboard.look.empty_states import show_error
from dashboard.look.inert import for_markdown
from dashboard.reading.view import View
from dqm.model.errors import InputError, RefusedError, RepeatedError, StaleError, StoreError, UnknownNameError
from dqm.model.people import Person
from dqm.services.submission import Recorded
from dqm.store.store import Store

Service = Callable[[Store, Person, str], Recorded]
"""``(store, who acts, nonce) -> what was entered``: one call of a function of ``dqm.services``."""
TOLD = "told"
"""Entry of the session: what the last action did, shown after the page was drawn anew."""


def act(view: View, key: str, service: Service) -> bool:
    """Ask a service for one entry; whether it was made. What it refuses is shown in place, and nothing is lost.

    ``key`` names the form within the session. Its nonce stays the same until it was entered, so that a double click or
    a second try after a lost connection counts once.
    """
    nonce = st.session_state.setdefault(f"nonce:{key}", secrets.token_hex(16))
    try:
        with Store.open(Path(view.path)) as store:
            done = service(store, operator(view), nonce)
    except RepeatedError:
        st.info("This was entered already; once is enough.", icon=":material/check:")
        del st.session_state[f"nonce:{key}"]
        return False
    except StaleError as error:
        show_stale(error)
        return False
    except (InputError, RefusedError, StoreError, UnknownNameError) as error:
        show_error(error)
        return False
    del st.session_state[f"nonce:{key}"]
    st.session_state[TOLD] = done.text()
    return True


def show_told() -> None:
    """What the last action of this session did, once."""
    if told := st.session_state.pop(TOLD, ""):
        st.toast(for_markdown(told), icon=":material/check:")


def show_stale(error: StaleError) -> None:
    """What happened since the form was shown, with the way out; what was typed stays where it is."""
    st.warning(
        f"{for_markdown(str(error))}\n\nNothing was entered. Look at what is there now, then decide again.",
        icon=":material/sync_problem:",
    )
    st.button("Look again", key=f"again:{hash(str(error))}")
