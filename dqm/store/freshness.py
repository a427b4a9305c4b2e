"""What the store holds of a run now, as one digest: whatever was made or said before can tell whether data changed."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from dqm.model.errors import StoreError
from dqm.model.verdicts import Asked
from dqm.store.calendar import lumisection_times
from dqm.store.sensors import KIND, day_number
from dqm.store.store import Store

NONE: Mapping[int, str] = MappingProxyType({})
"""No digest of any run."""


def data_digests(store: Store, snapshot: int | None = None, run: int | None = None) -> dict[int, str]:
    """Digest of all that a snapshot holds of every run, or one, to make features from: quantities and histograms."""
    held = store.digests("quantities", snapshot, run)
    for each, digest in store.digests("histograms", snapshot, run).items():
        if each in held:
            held[each] = joined_digest(held[each], digest)
    return held


def sensor_digests(store: Store, snapshot: int | None = None) -> dict[int, str]:
    """Digest of all readings of sensors up to the UTC day in which each run ends; nothing of runs of unknown time."""
    days = sorted(store.digests(KIND, snapshot).items())
    try:
        times = lumisection_times(store, snapshot=snapshot)
    except StoreError:
        return {}
    told, before = [""], ""
    for day, digest in days:
        before = joined_digest(before, str(day), digest)
        told.append(before)
    run, place = np.unique(np.asarray(times.index.get_level_values("run")), return_inverse=True)
    last = np.full(len(run), np.iinfo(np.int64).min)
    np.maximum.at(last, place, times.grid.end)
    names = [day for day, _ in days]
    pairs = zip(run.tolist(), last.tolist(), strict=True)
    return {each: told[bisect_right(names, day_number(end))] for each, end in pairs}


def made_beside(store: Store, asked: Asked, data: Mapping[int, str], snapshot: int | None = None) -> dict[int, str]:
    """Digest of what the ``asked`` features of every run look at beside its ``data``: earlier runs, labels, sensors."""
    labels = store.digests("labels", snapshot) if asked.labels else NONE
    return past_digests(data, labels, sensor_digests(store, snapshot) if asked.sensors else NONE)


def past_digests(
    data: Mapping[int, str], labels: Mapping[int, str], sensors: Mapping[int, str] = NONE
) -> dict[int, str]:
    """Digest of data and labels of all runs before each, from those of every run, and of ``sensors`` till its end."""
    found, before = dict[int, str](), ""
    for run in sorted(data):
        found[run] = joined_digest(before, sensors[run]) if run in sensors else before
        before = joined_digest(before, str(run), data[run], labels.get(run, ""))
    return found


def joined_digest(*parts: str) -> str:
    """SHA-256 over several texts, none of which holds a line break."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
