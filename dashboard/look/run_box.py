"""The box in which a run is chosen, the same on every page: it follows the address and sets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.links import asked_run
from dashboard.look.inert import for_markdown
from dqm.model.errors import UnknownNameError

OFFERED = 100
"""Runs that the box lists at once: with two thousand a browser takes a quarter of a second longer."""
ADDRESS = "run"
"""What of the address names the run."""


def wanted_run(
    known: Sequence[int], start: Callable[[], int], told: DeltaGenerator | None = None, *, noun: str = "run"
) -> int:
    """The run that the address names among those that are ``known``; where it names none, what ``start`` answers.

    One that is unknown is ``told``, or said here; ``noun`` is what the known ones are called.
    """
    asked = st.query_params.get(ADDRESS, "")
    found = asked_run(asked, known)
    wanted = start() if found is None else found
    if asked and found is None:
        (told or st.container()).warning(_unknown(noun, asked, known, wanted))
    return wanted


def choose_run(
    known: Sequence[int], wanted: int, *, words: Callable[[int], str] = str, key: str | None = None, noun: str = "run"
) -> int:
    """The run that was chosen among those that are ``known``, ``wanted`` until then; the address names it from now on.

    Of more than ``OFFERED`` runs those around ``wanted`` are listed, and any other may be typed; what is no run is told
    in place and chooses nothing.
    """
    at = known.index(wanted)
    begin = max(0, min(at - OFFERED // 2, len(known) - OFFERED))
    listed = list(known[begin : begin + OFFERED])
    more = len(listed) < len(known)
    chosen = st.selectbox(
        "Run", listed, index=at - begin, format_func=lambda each: words(int(each)), key=key, accept_new_options=more
    )
    run = asked_run(str(chosen).strip(), known)
    if run is None:
        st.warning(_unknown(noun, str(chosen), known, wanted))
        run = wanted
    if st.query_params.get(ADDRESS) != str(run):
        st.query_params[ADDRESS] = str(run)
    return run


def _unknown(noun: str, asked: str, known: Sequence[int], shown: int) -> str:
    return for_markdown(f"{UnknownNameError(noun, asked[:80], map(str, known))}; this is run {shown}")
