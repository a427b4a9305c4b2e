"""Which keys there are, and the component that listens to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dashboard.look.on_primary import STYLE

GO, RUNS, RUN, DECIDE, HELP = "Go to", "Runs", "This run", "Decide", "Help"
PAUSE = 600
"""Milliseconds without typing after which the text of an area is sent to the server, so that a draft survives."""


@dataclass(frozen=True)
class Shortcut:
    """``keys`` as they are pressed one after the other, separated by spaces, and the ``deed`` in words, under a
    ``heading`` of the overlay.

    ``targets`` are keys of widgets, the first that is there is pressed, or focused where it is a field: ``name*`` is
    one whose key begins so, ``#1`` the second button in it. ``page`` is the name of the page to which it leads instead,
    ``first`` where that is the one where one begins.
    """

    keys: str
    deed: str
    heading: str
    targets: tuple[str, ...] = ()
    page: str = ""
    first: bool = False


SHORTCUTS = (
    Shortcut("g q", "Queue", GO, page="queue", first=True),
    Shortcut("g r", "Run", GO, page="run"),
    Shortcut("g c", "Compare", GO, page="compare"),
    Shortcut("g t", "Trade-off", GO, page="trade-off"),
    Shortcut("g s", "Sign-off", GO, page="sign-off"),
    Shortcut("j", "next run", RUNS, ("next_run", "run_next")),
    Shortcut("k", "previous run", RUNS, ("previous_run", "run_previous")),
    Shortcut("Enter", "open the run", RUNS, ("open_run",)),
    Shortcut("/", "search", RUNS, ("find",)),
    Shortcut("c", "claim, or give back", RUN, ("claim_run", "release_run")),
    Shortcut("m", "compare", RUN, ("run_compare",)),
    Shortcut("s", "go and sign", RUN, ("open_sign_off", "run_sign_off")),
    Shortcut("o", "choose what is open", DECIDE, ("open-*",)),
    Shortcut("l", "write lumisections", DECIDE, ("ranges-*",)),
    Shortcut("d g", "good", DECIDE, ("verdict-*#0", "rule_verdict*#0")),
    Shortcut("d b", "bad", DECIDE, ("verdict-*#1", "rule_verdict*#1")),
    Shortcut("d x", "excluded", DECIDE, ("verdict-*#2", "rule_verdict*#2")),
    Shortcut("d Enter", "enter the decision", DECIDE, ("enter-*",)),
    Shortcut("?", "show or hide this list", HELP),
    Shortcut("Esc", "leave a field, close this list", HELP),
)
"""Every shortcut. The two of HELP are in the component itself; a page joins in by giving its widgets these keys."""


def listen() -> None:
    """Mount the component; every page does so once."""
    shortcuts = [asdict(each) for each in SHORTCUTS]
    _component()(key="keyboard", data={"shortcuts": shortcuts, "pause": PAUSE, "style": STYLE})


@cache
def _sources() -> tuple[str, str, str]:
    folder = Path(__file__).parent
    return tuple((folder / f"keyboard.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))  # type: ignore[return-value]  # three of them


def _component() -> ComponentRenderer:
    html, css, js = _sources()
    return st.components.v2.component("lumicert_keyboard", html=html, css=css, js=js)
