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
ADDRESS = "as"
"""What of the address names whoever acts, so that it survives a reload; the operator needs none."""


def people(view: View) -> People:
    """Who may act here."""
    return ConfiguredPeople(view.config.people)


def operator(view: View) -> Person:
    """Who acts in this session; raises ``RefusedError`` where nobody is chosen and the operator is not listed."""
    return people(view).person(st.session_state.get(ACTING) or "")


def choose_operator(view: View) -> None:
    """Show who acts, and a choice where more than one person is listed.

    An operator who is not listed is nobody: raises ``RefusedError`` until somebody is chosen. A session that begins
    takes who is chosen from the address, where that names one who is listed.
    """
    listed = ConfiguredPeople(view.config.people).listed
    names = [each.name for each in listed]
    if len(names) == 1:
        st.caption(f"{operator(view).role.word}: {for_markdown(names[0])}")
        return
    start = view.config.people.operator
    asked = st.query_params.get(ADDRESS, "")
    first = next((each for each in (asked, start) if each in names), None)
    st.session_state.setdefault(ACTING, first)
    chosen = st.selectbox(
        "Acting as",
        names,
        index=0 if start in names else None,  # a box that begins with somebody cannot be emptied
        placeholder="who acts?",
        format_func=lambda name: f"as {name} ({next(each.role.word for each in listed if each.name == name)})",
        key=ACTING,
        label_visibility="collapsed",
        persist_state="session",
        on_change=_leave_chosen,
    )
    if asked and asked not in names:
        told = f"The address names {asked[:80]!r}, who is not listed here; nobody acts under that name."
        st.caption(f":material/link_off: {for_markdown(told)}")
    _to_address(chosen if chosen != start else None)
    operator(view)


def _to_address(name: str | None) -> None:
    """Let the address name who acts, so that a reload finds the same person; nobody where it needs no name."""
    if name is None:
        st.query_params.pop(ADDRESS, None)
    elif st.query_params.get(ADDRESS) != name:
        st.query_params[ADDRESS] = name


def _leave_chosen() -> None:
    """What the one before chose is not taken for what the next one did: the draft of each says that."""
    st.query_params.pop("ls", None)
