"""One submission of one form: sent once, answered in words, whatever comes of it."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import streamlit as st

from dashboard.acting.who import operator
from dashboard.look.empty_states import show_error
from dashboard.look.in_place import FORESEEN
from dashboard.look.inert import for_markdown
from dashboard.reading.view import View
from dqm.model.errors import RepeatedError, StaleError
from dqm.model.people import Person
from dqm.store.store import Store


class Told(Protocol):
    """What a service answers: an entry, or what became of a batch."""

    def text(self) -> str:
        """For people."""


Service = Callable[[Store, Person, str], Told]
"""``(store, who acts, nonce) -> what was entered``: one call of a function of ``dqm.services``."""
TOLD = "told"
"""Entry of the session: what the last action did, shown after the page was drawn anew."""
ONCE = "This was entered already; once is enough."
DOUBLE = 0.7
"""Seconds within which the second click of a double one comes."""


def act(view: View, key: str, service: Service, *, shown: str = "", sent: Sequence[object] = ()) -> bool:
    """Ask a service for one entry; whether it is there now. What is refused is shown in place, and nothing is lost.

    ``key`` names the form within the session, ``shown`` what it showed (``QueueRow.shown``) and ``sent`` what a person
    put into it. The nonce belongs to all three, so that a double click, or a second try after a lost connection, counts
    once: it was entered, and that is said; another text or choice is another submission. Without ``shown`` the nonce is
    a new one after every entry.
    """
    written = hashlib.sha256(repr(tuple(sent)).encode(errors="backslashreplace")).hexdigest()[:16]
    slot = f"nonce:{key}:{shown}:{written}"
    done = f"done:{key}:{written}"
    if shown and time.monotonic() - st.session_state.get(done, -DOUBLE) < DOUBLE:
        st.session_state[TOLD] = ONCE
        return True
    nonce = st.session_state.setdefault(slot, secrets.token_hex(16))
    try:
        with Store.open(Path(view.path)) as store:
            told = service(store, operator(view), nonce).text()
    except RepeatedError:
        told = ONCE
    except StaleError as error:
        show_stale(error)
        return False
    except FORESEEN as error:
        show_error(error)
        return False
    if not shown:
        del st.session_state[slot]
    st.session_state[done], st.session_state[TOLD] = time.monotonic(), told
    return True


def show_told() -> None:
    """What the last action of this session did, once."""
    if told := st.session_state.pop(TOLD, ""):
        st.toast(for_markdown(told), icon=":material/check:")


def show_stale(error: StaleError) -> None:
    """What happened since the form was shown, with the way out; what was typed stays where it is."""
    _show_stale(str(error).partition(" was changed meanwhile")[0], error.meanwhile)


@st.fragment
def _show_stale(subject: str, meanwhile: Sequence[str]) -> None:
    """A fragment of its own, so that looking again draws the whole page anew wherever the form stands."""
    lines = "\n".join(f"- {for_markdown(each)}" for each in meanwhile)
    st.warning(
        f"**{for_markdown(subject)} was changed meanwhile**, so nothing was entered. What you typed is still there.\n\n"
        f"{lines}\n\nLook at what is there now, then decide again.",
        icon=":material/sync_problem:",
    )
    name = hashlib.sha256("\n".join((subject, *meanwhile)).encode()).hexdigest()[:16]
    if st.button("Look again", key=f"again:{name}", icon=":material/refresh:"):
        st.rerun()
