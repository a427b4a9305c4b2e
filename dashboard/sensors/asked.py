"""What an address asks of the page Sensors: days, a loop, and a part of their time; the widgets follow it and set it.

``/sensors?days=20260601-20260602&loop=9R1&time=2026-06-01T03:00/2026-06-01T09:00``, each part of which may be left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import streamlit as st

from dashboard.look.inert import for_markdown
from dqm.model.errors import nearest
from dqm.model.sensors import SECOND, AnomalyInterval
from dqm.store.anomalies import ScannedDay
from dqm.store.sensors import day_number

DAYS = 7
"""The latest scanned days that are shown at the beginning."""
MINUTE = 60 * SECOND
STEP = timedelta(minutes=1)
AROUND = 3600 * SECOND
"""Shown before and after an anomaly, at least."""
LOOP, SPAN = "sensors_loop_name", "sensors_span"

Span = tuple[int, int]
"""Begin and end in ns of UTC."""


def choose_days(days: Sequence[ScannedDay]) -> list[ScannedDay]:
    """The scanned days that the slider leaves; an address that names a time and no days asks for those of the time.

    Days that are none, or of which none was scanned, are told.
    """
    names = [f"{each.day}" for each in days]
    usual = names[-min(DAYS, len(names))], names[-1]
    time = asked_time(st.query_params.get("time", ""))
    text = st.query_params.get("days", "")
    of_time = "-".join(f"{day_number(at)}" for at in time) if time else ""
    asked = asked_days(text or of_time, names)
    if text and asked is None:
        shown = usual[0] if usual[0] == usual[1] else f"{usual[0]} to {usual[1]}"
        _tell(f"The address asks for days {text[:80]!r}, of which none was scanned; shown is {shown}", _example(usual))
    if len(days) < 2:
        _into_address("days", "")
        return list(days)
    first, last = st.select_slider("Days (UTC)", names, value=asked or usual, key="sensors_days")
    _into_address("days", "" if (first, last) == usual and not time else f"{first}-{last}")
    return list(days[names.index(first) : names.index(last) + 1])


def tell_time(span: Span) -> None:
    """Say where the address asks for a time that is none, or that lies outside of the days that are shown."""
    text = st.query_params.get("time", "")
    asked = asked_time(text)
    if text and (asked is None or not max(asked[0], span[0]) < min(asked[1], span[1])):
        why = "which is none" if asked is None else "which is outside of these days"
        ends = "/".join(f"{each:%Y-%m-%dT%H:%M}" for each in _minutes(span))
        _tell(f"The address asks for the time {text[:80]!r}, {why}; shown are these days whole", ends)


def choose_loop(loops: Sequence[str]) -> str:
    """The loop of the selection box, of which the first is the worst; one that has no anomaly here is told."""
    asked = st.query_params.get("loop", "")
    if st.session_state.get(LOOP) not in loops:
        st.session_state[LOOP] = asked if asked in loops else loops[0]
        if asked and asked not in loops:
            st.warning(
                for_markdown(f"{asked[:80]}: no anomaly on these days; {nearest(asked[:80], loops)}"),
                icon=":material/help:",
            )
    loop = st.selectbox("Loop", loops, key=LOOP, format_func=for_markdown)
    _into_address("loop", loop)
    return str(loop)


def choose_time(span: Span) -> Span:
    """The part of ``span`` that the slider leaves, to the minute."""
    ends = _minutes(span)
    key = f"{SPAN}:{ends[0]:%Y%m%d%H%M}:{ends[1]:%Y%m%d%H%M}"
    if key not in st.session_state:
        asked = st.session_state.pop(SPAN, None) or asked_time(st.query_params.get("time", ""))
        cut = (max(asked[0], span[0]), min(asked[1], span[1])) if asked else span
        st.session_state[key] = _minutes(cut) if cut[0] < cut[1] else ends
    if SPAN in st.session_state:
        cut = st.session_state.pop(SPAN)
        st.session_state[key] = _minutes((max(cut[0], span[0]), min(cut[1], span[1])))
    chosen = st.slider(
        "Time (UTC)", *ends, step=STEP, key=key, format="MM-DD HH:mm",
        help="What is shown of the readings; select an anomaly above to see it with what was around it.",
    )  # fmt: skip
    first, last = cast("tuple[datetime, datetime]", chosen)  # as many as its key was given
    _into_address("time", "" if (first, last) == ends else f"{first:%Y-%m-%dT%H:%M}/{last:%Y-%m-%dT%H:%M}")
    if first == last:
        last += STEP
    return _nanoseconds(first), _nanoseconds(last)


def show_anomaly(each: AnomalyInterval, now: int) -> None:
    """Let the page show the loop of an anomaly, from some time before its begin to some time after its end."""
    end = now if each.end is None else each.end
    around = max(AROUND, (end - each.begin) // 2)
    st.session_state[LOOP] = each.loop
    st.session_state[SPAN] = each.begin - around, end + around


def asked_days(text: str, names: Sequence[str]) -> tuple[str, str] | None:
    """The first and last scanned day that an address asks for, those nearest inside; None where it asks for none.

    >>> asked_days("20260601-20260603", ["20260602", "20260603", "20260604"])
    ('20260602', '20260603')
    >>> asked_days("20260609", ["20260602"]), asked_days("x", ["20260602"])
    (None, None)
    """
    ends = text.split("-")
    if not 1 <= len(ends) <= 2 or not all(len(each) == 8 and each.isascii() and each.isdigit() for each in ends):
        return None
    inside = [each for each in names if ends[0] <= each <= ends[-1]]
    return (inside[0], inside[-1]) if inside else None


def asked_time(text: str) -> Span | None:
    """The time that an address asks for, in ns of UTC; None where it asks for none.

    >>> asked_time("1970-01-01T00:01/1970-01-01T00:02")
    (60000000000, 120000000000)
    >>> asked_time("1970-01-01T00:02/1970-01-01T00:01"), asked_time("x")
    (None, None)
    """
    try:
        first, last = (datetime.fromisoformat(each) for each in text[:80].split("/"))
        begin, end = _nanoseconds(first), _nanoseconds(last)
    except (ValueError, OverflowError):
        return None
    return (begin, end) if -(2**62) < begin < end < 2**62 else None


def _minutes(span: Span) -> tuple[datetime, datetime]:
    """The whole minutes that cover it."""
    begin, end = span[0] // MINUTE, -(-span[1] // MINUTE)
    first, last = (datetime.fromtimestamp(at * 60, UTC).replace(tzinfo=None) for at in (begin, max(end, begin + 1)))
    return first, last


def _nanoseconds(at: datetime) -> int:
    moment = at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
    return int(np.datetime64(moment, "s").astype(np.int64)) * SECOND


def _example(days: tuple[str, str]) -> str:
    return days[0] if days[0] == days[1] else "-".join(days)


def _tell(wrong: str, example: str) -> None:
    st.warning(for_markdown(f"{wrong}; write for example {example}."), icon=":material/link_off:")


def _into_address(name: str, text: str) -> None:
    if not text:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text
