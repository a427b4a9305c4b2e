"""Histograms of the small night: lines, maps, other binnings, a renamed element and a hostile name."""

from __future__ import annotations

import numpy as np

from dqm.model.histograms import Axis, HistogramBatch
from dqm.store.explanations import Explanations, explanations_to_arrow
from dqm.store.histograms import store_histograms
from dqm.store.store import Store

from .small_night import CERTIFIED, INJECTION, LENGTH, NEW, PAST, index_of

LINE, MAP, EMPTY, RENAMED, FINER, UNLIKE = (
    "ecal/charge",
    "ecal/cells",
    "ecal/none",
    "ecal/new",
    "ecal/fine",
    "ecal/bins",
)
RUNS = (*PAST, *CERTIFIED, NEW)
FAULT = 112
"""The run in which the line is shifted and a corner of the map is dead."""
AXIS = Axis(20, 0.0, 10.0, title="charge (ke)")
SIDE = (Axis(12, 0.0, 6.0, title="x (cm)"), Axis(8, -4.0, 4.0, title="y (cm)"))


def line(run: int, name: str = LINE, axis: Axis = AXIS, mean: float = 4.0) -> HistogramBatch:
    """A bell over a floor, 400 counts a lumisection, with three of underflow and one of overflow."""
    rng, edges = np.random.default_rng(run), axis.all_edges
    centre = (edges[:-1] + edges[1:]) / 2
    shape = np.exp(-((centre - mean) ** 2) / 2) + 0.02
    counts = np.zeros((LENGTH, axis.bins + 2), dtype=np.int32)
    counts[:, 1:-1] = rng.multinomial(400, shape / shape.sum(), size=LENGTH)
    counts[:, 0], counts[:, -1] = 3, 1
    return batch(name, (axis,), run, counts)


def plane(run: int) -> HistogramBatch:
    """An even map, 40 counts a cell in the whole run; a corner of 3 × 2 cells is dead in the faulty one."""
    counts = np.zeros((LENGTH, 10, 14), dtype=np.int32)
    counts[:, 1:-1, 1:-1] = np.random.default_rng(run).poisson(1.0, size=(LENGTH, 8, 12))
    if run == FAULT:
        counts[:, 1:3, 1:4] = 0
    return batch(MAP, SIDE, run, counts)


def batch(name: str, axes: tuple[Axis, ...], run: int, counts: np.ndarray) -> HistogramBatch:
    """Counts ``(LENGTH, …)`` of one element of a run."""
    entries = counts.reshape(LENGTH, -1).sum(axis=1).astype(np.float64)
    return HistogramBatch(name, axes, np.full(LENGTH, run), np.arange(1, LENGTH + 1), counts, entries)


def elements(run: int) -> list[HistogramBatch]:
    """What one run holds."""
    newer = run >= FAULT
    return [
        line(run, mean=6.0 if run == FAULT else 4.0),
        line(run, INJECTION[0]),
        plane(run),
        batch(EMPTY, (AXIS,), run, np.zeros((LENGTH, 22), dtype=np.int32)),
        line(run, RENAMED if newer else "ecal/old"),
        line(run, FINER, Axis(40, 0.0, 10.0) if newer else AXIS),
        line(run, UNLIKE, Axis(7, 0.0, 10.0) if newer else AXIS),
    ]


def fill_elements(store: Store, *, explained: bool = True) -> None:
    """Put the histograms into the store, and explanations of the lumisections 6 to 11 of run 112."""
    with store.transaction() as change:
        store_histograms(change, [each for run in RUNS for each in elements(run)], {})
        if explained:
            change.put("explanations", FAULT, explanations_to_arrow(explanations()), {})


def explanations() -> Explanations:
    """Two bins of the line and a feature of the hits: contribution, input, reconstruction and surprise."""
    n = 6
    index = index_of([FAULT])[5:11]
    terms = {
        "contribution": np.tile(np.array([2.0, 0.5, 1.0], dtype=np.float32), (n, 1)),
        "input": np.tile(np.array([0.3, 0.2, 4.0], dtype=np.float32), (n, 1)),
        "reconstruction of autoencoder": np.tile(np.array([0.1, 0.2, 3.0], dtype=np.float32), (n, 1)),
        "surprise of nade": np.tile(np.array([0.1, 7.0, np.nan], dtype=np.float32), (n, 1)),
    }
    return Explanations(index, (f"{LINE}:bin0", f"{LINE}:bin1", "counts.near: hits.z"), terms, ("", "", "σ"))
