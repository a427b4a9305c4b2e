"""The good run whose mean pile-up is nearest to that of a run, for who wants to compare like with like."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.comparison.choice import Choice
from dqm.model.errors import UnknownNameError
from dqm.model.labels import Label, Labels
from dqm.model.tables import lumisection_index
from dqm.store.partitions import Partition, read_one
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow

PILE_UP = ("pileup", "brilcalc_pileup")
"""Quantities that hold the mean pile-up of a lumisection, the first that is there."""
LEAST = 5
"""Good lumisections of known pile-up that a run must have to be chosen."""


@dataclass(frozen=True)
class Matched:
    """The ``choice`` that was found, and why in a sentence, which stands beside the reference."""

    choice: Choice
    why: str


def matched(store: Store, run: int, good: Sequence[int], snapshot: int) -> Matched:
    """One of the ``good`` runs; without a known pile-up the last of them, without any the usual nearest."""
    if not good:
        return Matched(Choice("nearest"), "No earlier run is labelled good, so none is matched in pile-up.")
    last = Choice("run", good[-1])
    held = {each.run: each for each in store.partitions("quantities", snapshot) if each.run in {run, *good}}
    here = _of_run(store, held.get(run))
    if here is None or not here[1].size:
        return Matched(last, f"The pile-up of run {run} is not known, so the last good run stands in.")
    mean = float(here[1].mean())
    labels = labels_from_arrow(store.read("labels", sorted(good), snapshot=snapshot))
    found = {each: value for each in good if (value := _good_mean(store, held.get(each), labels)) is not None}
    if not found:
        return Matched(last, "No good run has a known pile-up, so the last good run stands in.")
    best = min(found, key=lambda each: (abs(found[each] - mean), -each))
    why = (
        f"Run {best} is the one of {len(found)} good runs whose mean pile-up is nearest: {found[best]:.1f}, "
        f"here {mean:.1f}."
    )
    return Matched(Choice("run", best), why)


def _good_mean(store: Store, held: Partition | None, labels: Labels) -> float | None:
    """Mean pile-up of the good lumisections of a run; None where too few are known."""
    known = _of_run(store, held)
    if known is None or held is None:
        return None
    ls, value = known
    good = labels.aligned(lumisection_index(np.full(len(ls), held.run), ls)) == Label.GOOD
    return float(value[good].mean()) if good.sum() >= LEAST else None


def _of_run(store: Store, held: Partition | None) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Lumisections and pile-up ``(m,)`` where both are known; None where the run has no such quantity."""
    if held is None:
        return None
    for name in PILE_UP:
        with contextlib.suppress(UnknownNameError):
            table = read_one(store.path, held, ("ls", name))
            value = table[name].to_numpy().astype(np.float64)
            known = np.isfinite(value)
            return table["ls"].to_numpy()[known], value[known]
    return None
