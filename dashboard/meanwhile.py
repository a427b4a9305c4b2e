"""A page that stays open tells that something newer is there, and changes nothing until it is asked to."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.links import asked_run
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.reading.newer import newer
from dashboard.reading.view import View, view

EVERY = 30.0
"""Seconds after which a page looks again."""


@partial(fragment, every=EVERY)
def tell_newer(seen: View) -> None:
    """A button that draws the page anew, where the run of the address changed since; of any run where it names none."""
    run = asked_run(st.query_params.get("run", ""), {*seen.held["verdicts"], *seen.held["quantities"]})
    found = newer(seen, view(str(seen.config_path)), run)
    if not found.runs:
        return
    happened = "\n".join(f"- {for_markdown(each)}" for each in found.sentences)
    told = f"{happened}\n\nClick to draw the page anew; what you typed stays."
    if st.button(f"{found.text(run)} – show", key="show_newer", icon=":material/sync:", help=told):
        st.rerun()
