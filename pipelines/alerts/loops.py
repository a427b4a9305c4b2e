"""From anomalies of loops to events: one that opens, one update, one end at most for each loop and scan.

Who commits scanned days emits the events in the same transaction. What is suppressed, or carried by a common cause, is
no event of its loop: the pseudo-loop of the cause speaks for all. Made again of the same days, nothing is told again.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from dqm.decide.worst_loops import hours_of
from dqm.model.events import ANOMALY_EVENTS, Event
from dqm.model.sensors import AnomalyInterval, moment
from dqm.store.anomalies import ScannedDay
from dqm.store.store import Store

RESOLVED = "anomaly.resolved"
MOST = 3
"""Drivers that are named."""
_COMPARED = ("kinds", "anomalies", "loops")
"""What of an open anomaly must differ for an update."""


def last_of_loops(store: Store) -> dict[str, Event]:
    """The last event of every loop that was ever told of."""
    return {each.event.subsystem: each.event for each in store.latest_events(ANOMALY_EVENTS, runs=False)}


def loop_events(days: Sequence[ScannedDay], changed: Container[int], before: Mapping[str, Event]) -> list[Event]:
    """What opened, changed or ended: ``days`` are all scanned ones as they are now, ``changed`` those that were not so.

    ``before`` are the last events. A loop that did not alarm opens where it has an anomaly in a changed day that was
    not told, or one that goes on; an open one ends when none of it goes on.
    """
    now = max((each.end for each in days), default=0)
    loops: dict[str, list[tuple[bool, AnomalyInterval]]] = {}
    for day in days:
        for one in day.intervals:
            if one.alarms:
                loops.setdefault(one.loop, []).append((day.day in changed, one))
    events: list[Event] = []
    for loop, mine in sorted(loops.items()):
        events += _told(loop, mine, before.get(loop), now)
    for loop, last in sorted(before.items()):
        if loop not in loops and last.type != RESOLVED:  # what was said of it holds no more
            events.append(_event(RESOLVED, loop, {k: v for k, v in last.data.items() if k != "previous"}, last))
    return events


def _told(loop: str, known: Sequence[tuple[bool, AnomalyInterval]], last: Event | None, now: int) -> list[Event]:
    """The events of one loop; its anomalies come with whether they began in a day that changed."""
    mine = [each for _, each in known]
    newest = last.data["newest"] if last else ""
    going_on = last is not None and last.type != RESOLVED
    fresh = [each for changed, each in known if changed and moment(each.begin) > newest]
    lasting = [each for each in mine if each.end is None]
    if not going_on and not fresh and not lasting:
        return []
    since = last.data["begin"] if going_on and last else moment(min(each.begin for each in (*fresh, *lasting)))
    data = _data(since, [each for each in mine if moment(each.begin) >= since] or mine, last, now)
    events: list[Event] = []
    if not going_on:
        events.append(_event("anomaly.opened", loop, data, last))
    elif last and lasting and any(data[name] != last.data[name] for name in _COMPARED):
        events.append(_event("anomaly.updated", loop, data, last))
    if not lasting:
        end = {"end": moment(max(each.end or 0 for each in mine))}
        events.append(_event(RESOLVED, loop, data | end, events[-1] if events else last))
    return events


def _data(since: str, mine: Sequence[AnomalyInterval], last: Event | None, now: int) -> dict[str, Any]:
    worst = max(mine, key=lambda each: each.severity * hours_of(each, now))
    newest = max([moment(max(each.begin for each in mine)), *([last.data["newest"]] if last else [])])
    return {
        "severity": "warning",
        "begin": since,
        "newest": newest,
        "anomalies": len(mine),
        "kinds": ", ".join(dict.fromkeys(each.kind for each in mine)),
        "loops": max(each.loops for each in mine),
        "drivers": list(worst.drivers[:MOST]),
        "reason": worst.reason[:500],
    }


def _event(type_: str, loop: str, data: Mapping[str, Any], last: Event | None) -> Event:
    return Event(type_, f"loop {loop}", {**data, "previous": last.id if last else ""}, None, loop)
