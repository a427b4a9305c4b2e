"""Which lumisections are chosen: as text, on the canvas and in the address, which all follow each other.

The text is what counts: the canvas writes it, the form sends it, the draft keeps it. What a person writes goes to the
canvas with a new *stamp*; what the canvas says itself is not sent back to it, so that nothing jumps under the hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.links import asked_range
from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.services.history import spelled

Ranges = tuple[tuple[int, int], ...]
MOST_IN_ADDRESS = 20
"""Ranges that an address holds."""


@dataclass(frozen=True)
class Keys:
    """Names of the entries of the session of one person's form on one run."""

    person: str
    run: int

    def of(self, what: str) -> str:
        """The name of one entry."""
        return f"{what}:{self.run}:{self.person}"


def ranges_of(text: str) -> Ranges:
    """The ranges of ``3-9, 12``, merged and ascending; raises ``InputError`` for anything else.

    >>> ranges_of("12, 3-9 10")
    ((3, 10), (12, 12))
    """
    found = []
    for part in text.replace(",", " ").replace("–", "-").split():
        ends = asked_range(part)
        if ends is None:
            raise InputError(f"{part[:80]!r} is no lumisection and no range; write for example 12 or 10-20, 25")
        found.append(ends)
    return tuple(LumiMask({0: found}).ranges.get(0, ()))


def readable(text: str) -> Ranges:
    """The same, nothing where the text cannot be read."""
    try:
        return ranges_of(text)
    except InputError:
        return ()


def rows_in(ls: NDArray[np.int64], ranges: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Which of the lumisections ``(n,)`` lie in the ranges."""
    found = np.zeros(len(ls), dtype=bool)
    for first, last in ranges:
        found |= (ls >= first) & (ls <= last)
    return found


def to_canvas(keys: Keys, text: str) -> None:
    """Let the canvas show what was written."""
    stamp, _ = st.session_state.get(keys.of("canvas"), (0, ()))
    st.session_state[keys.of("canvas")] = stamp + 1, readable(text)


def on_canvas(keys: Keys) -> tuple[int, Ranges]:
    """Stamp and ranges that the canvas was told last."""
    stamp, ranges = st.session_state.get(keys.of("canvas"), (0, ()))
    return int(stamp), ranges


def to_address(text: str) -> None:
    """Let the address name what is chosen."""
    ranges = readable(text)
    if not ranges or len(ranges) > MOST_IN_ADDRESS:
        st.query_params.pop("ls", None)
        return
    named = spelled(ranges).replace(" ", "")
    if st.query_params.get("ls") != named:
        st.query_params["ls"] = named
