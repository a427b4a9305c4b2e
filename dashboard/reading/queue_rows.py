"""The queue as pages show it: every run with what stands in it, and how fast people work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from dashboard.reading.view import View
from dashboard.runs_queue.lines import ordered
from dqm.model.aggregates import RunAggregate
from dqm.services.pace import Pace, pace
from dqm.services.queue import QueueRow, queue
from dqm.store.store import Store


def queue_rows(view: View, now: datetime) -> tuple[QueueRow, ...]:
    """Every run; read again where somebody acted, verdicts changed, or a claim ended since."""
    rows = _rows(view.path, view.snapshot, view.entry, 0)
    ended = latest_end((each.claimed_until for each in rows), now)
    return _rows(view.path, view.snapshot, view.entry, ended) if ended else rows


def waiting_runs(view: View, now: datetime) -> list[int]:
    """The runs in which something still needs a person, in the order of the page Queue."""
    rows = ordered(queue_rows(view, now), people_pace(view.path, view.entry))
    return [each.run for each in rows if each.open]


def latest_end(ends: Iterable[datetime | None], now: datetime) -> int:
    """The second of UTC at which the last claim ended that was shown as held; 0 where none did."""
    return max((int(each.timestamp()) for each in ends if each and each <= now), default=0)


@st.cache_resource(max_entries=4, show_spinner=False)
def people_pace(path: str, entry: int) -> Pace:
    """How long people take for a stretch."""
    with Store.open(Path(path)) as store:
        return pace(store.audit())


@st.cache_resource(max_entries=4, show_spinner="Reading the queue…")
def _rows(path: str, snapshot: int, entry: int, ended: int) -> tuple[QueueRow, ...]:
    with Store.open(Path(path)) as store:
        return tuple(queue(store, datetime.now(UTC), _counted(path)))


@st.cache_resource(max_entries=8, show_spinner=False)
def _counted(path: str) -> dict[str, RunAggregate]:
    """What was counted of verdicts before, by their digest: it never changes, and new ones join it."""
    return {}
