"""From verdicts and findings to events, grouped so that a night of 10,000 flagged lumisections says a few things.

Who commits verdicts emits the events in the same transaction. Made again of the
same input, events are the same, and what was posted already is not posted again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.events import ANOMALY_EVENTS, Event
from dqm.model.findings import Finding
from dqm.model.keys import LS_LAST, LumiMask
from dqm.model.verdicts import Decision, Verdicts
from dqm.store.store import Store

FLAGGED = frozenset({Decision.ASK, Decision.REJECT, Decision.DISPUTED, Decision.NEEDS_REVIEW})
"""The decisions that make an anomaly of a lumisection: what nothing valid scored is told by its run, not as one."""

DRIFTS = frozenset({"schema.drift", "unknown-column", "layout", "invalid:axis"})
"""Codes of findings that say that the input is not as it was."""

MOST_RANGES, MOST_REASONS, MOST_FILES = 20, 3, 5

_COMPARED = ("severity", "lumisections", "rejected", "ranges")
"""What of an open anomaly must differ for an update: a badness that moved a little is no news."""

Anomalies = Mapping[tuple[int, str], Event]
"""The last event of each anomaly by run and subsystem, ended ones included."""


def last_anomalies(store: Store) -> dict[tuple[int, str], Event]:
    """The last event of every anomaly that was ever told."""
    events = (each.event for each in store.latest_events(ANOMALY_EVENTS))
    return {(event.run, event.subsystem): event for event in events if event.run is not None}


def anomaly_events(verdicts: Verdicts, before: Anomalies, provisional: frozenset[int] = frozenset()) -> list[Event]:
    """What opened, changed or ended in the runs of ``verdicts``, one event at most for each (run, subsystem).

    An anomaly is the set of flagged lumisections of a run with the same leading subsystem. It ends when none is left
    and every lumisection that it had was decided: what became UNKNOWN, or is gone, does not end it. ``previous`` in
    the data is the id of its event before, so that one that opens again is another event. Those of ``provisional``
    runs say so.
    """
    run = verdicts.index.get_level_values(0).to_numpy(dtype=np.int64)
    ls = verdicts.index.get_level_values(1).to_numpy(dtype=np.int64)
    subsystem = verdicts.subsystem.astype(str)
    flagged = np.flatnonzero(verdicts.having(FLAGGED))
    groups = _groups(run[flagged], subsystem[flagged])
    unknown = verdicts.having(frozenset({Decision.UNKNOWN}))
    present, undecided = LumiMask.of_lumisections(run, ls), LumiMask.of_lumisections(run[unknown], ls[unknown])
    found = {key: _anomaly(verdicts, ls, flagged[rows]) for key, rows in groups.items()}
    events = [_opened_or_updated(key, data, before.get(key)) for key, data in found.items()]
    for key, last in before.items():
        if key not in found and key[0] in set(run.tolist()) and last.type != "anomaly.resolved":
            events.append(_resolved(key, last, present, undecided))
    return [_marked(each, provisional) for each in events if each is not None]


def run_events(
    verdicts: Verdicts, ask_share: float, made_from: str, provisional: frozenset[int] = frozenset()
) -> list[Event]:
    """``run.scored`` of every run, and ``run.ask_threshold_exceeded`` where more than ``ask_share`` of it asks.

    UNKNOWN asks too: not scoring saves no work. ``made_from`` is a digest of model and working point: what was scored
    anew is told anew, as is a run that was ``provisional``.
    """
    run = verdicts.index.get_level_values(0).to_numpy(dtype=np.int64)
    decision = verdicts.decision.astype(str)
    names, codes = np.unique(decision, return_inverse=True)
    runs, place = np.unique(run, return_inverse=True)
    counts = np.zeros((len(runs), len(names)), dtype=np.int64)
    np.add.at(counts, (place, codes), 1)
    events: list[Event] = []
    for number, row in zip(runs.tolist(), counts.tolist(), strict=True):
        by_name = dict(zip(names.tolist(), row, strict=True))
        total = sum(row)
        data: dict[str, Any] = {"lumisections": total, "decisions": {k: n for k, n in by_name.items() if n}}
        events.append(Event("run.scored", f"run {number}", data | {"made_from": made_from}, number))
        share = (by_name.get("ASK", 0) + by_name.get("UNKNOWN", 0)) / total
        if share > ask_share:
            said = {"share": round(share, 6), "ask_share": ask_share, "lumisections": total}
            events.append(Event("run.ask_threshold_exceeded", f"run {number}", said, number))
    return [_marked(each, provisional) for each in events]


def finding_events(findings: Iterable[Finding]) -> list[Event]:
    """``data.conflict``, ``schema.drift``, ``data.quarantined``: one for each code and run; other notes are none."""
    groups: dict[tuple[str, str, int | None], list[Finding]] = defaultdict(list)
    for each in findings:
        type_ = _type_of(each)
        if type_:
            groups[type_, each.code, each.run].append(each)
    return [_found(type_, code, run, group) for (type_, code, run), group in groups.items()]


GONE = "the files are gone; what was read of them stays, but a run of which others speak lacks it and is UNKNOWN"


def missing_events(gone: Sequence[str], patterns: Sequence[str], since: str) -> list[Event]:
    """``data.missing`` where input files are gone, or a pattern of the configuration finds none.

    ``since`` is the moment of the last ingestion, so that what comes back and goes again is told again.
    """
    if not gone and not patterns:
        return []
    why = "; ".join(patterns)[:500] or GONE
    data = {"count": len(gone), "files": [*gone[:MOST_FILES]], "reason": why, "since": since}
    return [Event("data.missing", "input", data)]


def compressed(ranges: list[tuple[int, int]], most: int = MOST_RANGES) -> list[list[int]]:
    """At most ``most`` ranges that hold all the given ones (ascending, disjoint): the narrowest gaps are closed."""
    if len(ranges) <= most:
        return [list(each) for each in ranges]
    edges = np.asarray(ranges, dtype=np.int64)
    gaps = edges[1:, 0] - edges[:-1, 1]
    kept = np.sort(np.argsort(-gaps, kind="stable")[: most - 1])
    first, last = np.concatenate([[0], kept + 1]), np.concatenate([kept, [len(edges) - 1]])
    return [[int(a), int(b)] for a, b in zip(edges[first, 0], edges[last, 1], strict=True)]


def _groups(run: NDArray[np.int64], subsystem: NDArray[np.str_]) -> dict[tuple[int, str], NDArray[np.int64]]:
    """Positions of each (run, subsystem), in its order."""
    if not run.size:
        return {}
    names, code = np.unique(subsystem, return_inverse=True)
    order = np.lexsort((code, run))
    begins = np.flatnonzero(np.diff(run[order], prepend=run[order[0]] - 1) | np.diff(code[order], prepend=-1))
    parts = np.split(order, begins[1:])
    return {(int(run[rows[0]]), str(names[code[rows[0]]])): rows for rows in parts}


def _anomaly(verdicts: Verdicts, ls: NDArray[np.int64], rows: NDArray[np.int64]) -> dict[str, Any]:
    """The data of an anomaly, of its flagged lumisections at ``rows``."""
    rejected = int((verdicts.decision[rows].astype(str) == Decision.REJECT).sum())
    ranges = LumiMask.of_lumisections(np.zeros(rows.size, dtype=np.int64), ls[rows]).ranges[0]
    badness = verdicts.badness[rows]
    known = badness[np.isfinite(badness)]
    return {
        "severity": "critical" if rejected else "warning",
        "lumisections": int(rows.size),
        "rejected": rejected,
        "ranges": compressed(ranges),
        "exact": len(ranges) <= MOST_RANGES,
        "worst": round(float(known.max()), 4) if known.size else None,
        "reasons": _top_reasons(verdicts, rows),
    }


def _top_reasons(verdicts: Verdicts, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The features that contributed most, summed over the flagged lumisections."""
    reasons = [reason for row in rows.tolist() for reason in verdicts.reasons[row]]
    if not reasons:
        return []
    features, code = np.unique([each.feature for each in reasons], return_inverse=True)
    total = np.bincount(code, weights=np.nan_to_num([each.contribution for each in reasons]))
    count = np.bincount(code)
    top = np.argsort(-total, kind="stable")[:MOST_REASONS]
    return [{"feature": str(features[i]), "lumisections": int(count[i])} for i in top]


def _opened_or_updated(key: tuple[int, str], data: dict[str, Any], last: Event | None) -> Event | None:
    if last is None or last.type == "anomaly.resolved":
        return _event("anomaly.opened", key, data, last)
    if last.data.get("severity") == "critical":
        data = data | {"severity": "critical"}  # the worst that it ever was
    if all(data[name] == last.data.get(name) for name in _COMPARED):
        return None
    return _event("anomaly.updated", key, data, last)


def _resolved(key: tuple[int, str], last: Event, present: LumiMask, undecided: LumiMask) -> Event | None:
    """The end of an anomaly; None where a lumisection of it is gone or UNKNOWN, as far as its ranges are exact."""
    had = LumiMask({key[0]: [(a, b) for a, b in last.data["ranges"]]})
    if had & undecided or (last.data["exact"] and had - present):
        return None
    data = {name: last.data[name] for name in ("severity", "lumisections", "ranges", "exact")}
    return _event("anomaly.resolved", key, data, last)


def _event(type_: str, key: tuple[int, str], data: dict[str, Any], last: Event | None) -> Event:
    run, subsystem = key
    return Event(type_, f"run {run}", data | {"previous": last.id if last else ""}, run, subsystem)


def _marked(event: Event, provisional: frozenset[int]) -> Event:
    """The event, and that its run still grows where it does."""
    return replace(event, data={**event.data, "provisional": True}) if event.run in provisional else event


def _type_of(finding: Finding) -> str:
    if finding.code == "conflict":
        return "data.conflict"
    if finding.code in DRIFTS:
        return "schema.drift"
    return "data.quarantined" if finding.severity == "quarantined" else ""


def _found(type_: str, code: str, run: int | None, group: list[Finding]) -> Event:
    ls = sorted({each.ls for each in group if each.ls is not None and 0 <= each.ls <= LS_LAST})
    ranges = LumiMask.of_lumisections(np.zeros(len(ls), dtype=np.int64), ls).ranges.get(0, [])
    files = sorted({each.file for each in group if each.file})
    data = {
        "code": code,
        "count": len(group),
        "reason": group[0].reason[:500],
        "files": files[:MOST_FILES],
        "ranges": compressed(ranges),
    }
    return Event(type_, "input" if run is None else f"run {run}", data, run)
