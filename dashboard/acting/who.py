"""Who works at this screen.

Anything that satisfies ``dqm.model.people.People`` can say who may act. Without a login it is the configuration: the
operator, or, where people are listed, whoever of them is chosen at the top of the page. This trusts who sits at the
machine, as the commands do with ``--as``; the server therefore listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import streamlit as st

from dashboard.look.inert import for_markdown
from dashboard.reading.view import View
from dqm.model.people import People, Person
from dqm.services.people import ConfiguredPeople

ACTING = "acting_as"
"""Entry of the session: the name of whoever acts."""


def people(view: View) -> People:
    """Who may act here."""
    return ConfiguredPeople(view.config.people)


def operator(view: View) -> Person:
    """Who acts in this session; raises ``RefusedError`` where nobody is chosen and the operator is not listed."""
    return people(view).person(st.session_state.get(ACTING) or "")


def choose_operator(view: View) -> None:
    """Show who acts, and a choice where more than one person is listed.

    An operator who is not listed is nobody: raises ``RefusedError`` until somebody is chosen.
    """
    listed = ConfiguredPeople(view.config.people).listed
    names = [each.name for each in listed]
    if len(names) == 1:
        st.caption(f"{operator(view).role.word}: {for_markdown(names[0])}")
        return
    start = view.config.people.operator
    st.selectbox(
        "Acting as",
        names,
        index=names.index(start) if start in names else None,
        placeholder="who acts?",
        format_func=lambda name: f"as {name} ({next(each.role.word for each in listed if each.name == name)})",
        key=ACTING,
        label_visibility="collapsed",
        persist_state="session",
        on_change=_leave_chosen,
    )
    operator(view)


def _leave_chosen() -> None:
    """What the one before chose is not taken for what the next one did: the draft of each says that."""
    st.query_params.pop("ls", None)
