"""The box of runs: what it lists of many, and what may be typed."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from dashboard.look.run_box import choose_run
st.session_state.found = choose_run(list(range(1, MANY + 1)), WANTED, key="run", words=lambda each: f"run {each}")
"""
ADDRESSED = """
import streamlit as st
from dashboard.look.run_box import choose_run, wanted_run
runs = list(range(1, 10))
st.session_state.found = choose_run(runs, wanted_run(runs, lambda: 5, noun="good run"), noun="good run")
"""


def box(many: int, wanted: int, typed: str = "") -> AppTest:
    app = AppTest.from_string(SCRIPT.replace("MANY", str(many)).replace("WANTED", str(wanted)))
    if typed:
        app.session_state["run"] = typed
    return app.run()


def test_of_many_runs_those_around_the_wanted_are_listed() -> None:
    for wanted, first in ((1, 1), (777, 727), (2000, 1901)):
        app = box(2000, wanted)
        assert app.selectbox[0].options == [f"run {each}" for each in range(first, first + 100)]
        assert app.session_state.found == wanted
    assert len(box(100, 5).selectbox[0].options) == 100
    assert len(box(7, 5).selectbox[0].options) == 7


def test_another_run_is_typed() -> None:
    for typed in ("3", " 3 "):
        app = box(2000, 777, typed)
        assert (app.session_state.found, len(app.warning)) == (3, 0)


def test_the_box_follows_the_address_and_sets_it() -> None:
    """An unknown run is told once, in the same words on every page."""
    for asked, found in (("7", "7"), ("", "5"), ("99", "5"), ("<b>", "5")):
        app = AppTest.from_string(ADDRESSED)
        if asked:
            app.query_params["run"] = asked
        app.run()
        assert (str(app.session_state.found), app.query_params["run"]) == (found, found)
        assert len(app.warning) == (asked not in ("7", ""))
    assert "unknown good run" in app.warning[0].value
    assert app.warning[0].value.endswith("; this is run 5")
    assert "<b>" not in app.warning[0].value


def test_what_is_no_run_is_told_and_chooses_nothing() -> None:
    app = box(2000, 777, "<b>3</b>")
    assert app.session_state.found == 777
    assert "this is run 777" in app.warning[0].value
    assert "<b>" not in app.warning[0].value
