"""The box in which a run is chosen, the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.links import asked_run
from dashboard.look.inert import for_markdown
from dqm.model.errors import UnknownNameError

OFFERED = 100
"""Runs that the box lists at once: with two thousand a browser takes a quarter of a second longer."""


def choose_run(known: Sequence[int], wanted: int, *, words: Callable[[int], str] = str, key: str | None = None) -> int:
    """The run that was chosen among those that are ``known``; ``wanted`` until then.

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
        st.warning(for_markdown(f"{UnknownNameError('run', str(chosen)[:80], map(str, known))}; this is run {wanted}"))
    return wanted if run is None else run
