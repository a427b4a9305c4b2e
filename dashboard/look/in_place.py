"""Parts of a page that are drawn alone, and say in their own place what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from dashboard.look.empty_states import show_error
from dqm.model.errors import ConfigError, InputError, RefusedError, StoreError, UnknownNameError

FORESEEN = (ConfigError, InputError, RefusedError, StoreError, UnknownNameError)
"""Errors whose text is one readable line."""
P = ParamSpec("P")


def fragment(show: Callable[P, None], *, every: float | None = None) -> Callable[P, None]:
    """``st.fragment`` that shows an error which we foresaw as one line: what is raised in one reaches no page.

    It is drawn again ``every`` so many seconds, where that is given.
    """

    @wraps(show)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except FORESEEN as error:
            show_error(error)

    return st.fragment(shown, run_every=every)
