"""Pages that have nothing to show yet say what to do next."""

from __future__ import annotations

import shlex

import streamlit as st

from dashboard.look.inert import for_markdown
from dashboard.reading.view import View

STEPS = (
    ("quantities", "ingest", "The store is empty: no data was read yet."),
    ("past", "train", "The data is read; no model was trained and no working point chosen yet."),
    ("scores", "score", "A model is trained; no run was scored yet."),
    ("verdicts", "certify", "Runs are scored; none has a verdict yet."),
)
"""What a store may lack, in the order in which the commands bring it, with the command and what to say."""


def next_step(view: View) -> tuple[str, str]:
    """The first command whose result a store without verdicts or past lacks, and the sentence that says why."""
    return next((command, why) for lacking, command, why in STEPS if not view.held[lacking])


def show_missing(view: View) -> None:
    """Say what the store lacks, and the command that brings it."""
    command, why = next_step(view)
    st.info(f"{why} Next:", icon=":material/arrow_forward:")
    show_command(view, command)


def show_command(view: View, command: str) -> None:
    """A command to copy, with the configuration of this page."""
    st.code(f"dqm {command} --config {shlex.quote(str(view.config_path))}", language="bash")


def show_error(error: Exception) -> None:
    """An error that we foresaw, as the one readable line that it is."""
    st.error(for_markdown(str(error)), icon=":material/error:")
