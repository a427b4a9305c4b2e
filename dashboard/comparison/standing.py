"""How one histogram, added up over lumisections, stands to a reference: bin by bin, and as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.comparison.reference import Axes, NoReference, Reference, by_lumisection, countable, taken
from dqm.model.histograms import HistogramBatch
from dqm.model.rebinning import rebinned
from features.references import compare, pulls

BAND = (5, 50, 95)
"""Percentiles of good lumisections."""
FEW = 5
"""Counts per bin below which a shape is ragged."""


@dataclass(frozen=True, eq=False)
class Given:
    """Lumisections of one run added up: ``counts`` ``(…)`` with flow on ``axes``, of ``lumisections`` histograms.

    ``first`` to ``last`` were found; ``left_out`` of them hold something that is no count. ``whole_run``: the source
    gives one histogram for the run alone. ``others``: binnings of the element in this run that are not added up.
    """

    element: str
    run: int
    axes: Axes
    counts: NDArray[np.float64]
    lumisections: int
    first: int
    last: int
    left_out: int
    whole_run: bool
    others: int

    @property
    def inside(self) -> NDArray[np.float64]:
        """The counts without flow."""
        return self.counts[(slice(1, -1),) * len(self.axes)]

    @property
    def total(self) -> float:
        """Counts without flow."""
        return float(self.inside.sum())


def given_of(batches: list[HistogramBatch], wanted: tuple[int, int] | None) -> Given | None:
    """The lumisections ``wanted`` (both ends included; None: all) of one element of a run; None where it has none.

    Of several binnings the one with most of these lumisections is taken.
    """
    chosen = [_within(each, wanted) for each in batches]
    batch = max(chosen, key=len, default=None)
    if batch is None or not len(batch):
        return None
    rows = countable(batch)
    return Given(
        batch.element,
        int(batch.run[0]),
        tuple(batch.axes),
        taken(batch, rows).counts.sum(axis=0, dtype=np.float64),
        int(rows.sum()),
        int(batch.ls.min()),
        int(batch.ls.max()),
        int((~rows).sum()),
        bool((batch.ls == 0).all()),
        sum(len(each) > 0 for each in chosen) - 1,
    )


def _within(batch: HistogramBatch, wanted: tuple[int, int] | None) -> HistogramBatch:
    batch = by_lumisection(batch)
    if wanted is None or not (batch.ls > 0).any():
        return batch
    return taken(batch, (batch.ls >= wanted[0]) & (batch.ls <= wanted[1]))


def onto(given: Given, axes: Axes) -> Given:
    """The same on coarser axes in which its own nest."""
    if given.axes == axes:
        return given
    key = np.array([given.run])
    one = HistogramBatch(given.element, given.axes, key, key, given.counts[None], np.full(1, np.nan))
    return Given(
        given.element, given.run, axes, rebinned(one, axes).counts[0].astype(np.float64), given.lumisections,
        given.first, given.last, given.left_out, given.whole_run, given.others,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Standing:
    """A histogram ``given`` beside a ``reference``, both on the axis of the reference; arrays ``(bins + 2,)``, flow
    first and last.

    ``expected`` are shares of the counts inside the axis, and ``pulls`` signed Z (those of flow: flow against all
    that is inside). ``named`` is the candidate that is drawn, or all of them. ``pull`` is the largest after the
    look-elsewhere effect, in bin ``where``; ``ks`` and ``emd`` as in ``features.references``.
    """

    given: Given
    reference: Reference
    named: str
    expected: NDArray[np.float64]
    pulls: NDArray[np.float32]
    pull: float
    where: int
    ks: float
    emd: float

    @property
    def share(self) -> NDArray[np.float64]:
        """Shares of the counts inside the axis, ``(bins + 2,)``."""
        return self.given.counts / self.given.total

    def drawn(self, *, normalised: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is there and what the reference has: shares, or counts of one lumisection, each ``(bins + 2,)``."""
        if normalised:
            return self.share, self.expected
        inside = float(self.reference.shape[1:-1].sum())
        return self.given.counts / self.given.lumisections, self.expected * inside

    def band(self, *, normalised: bool) -> NDArray[np.float64] | None:
        """Percentiles ``BAND`` of good lumisections, ``(3, bins + 2)``, in the unit of ``drawn``."""
        good = self.reference.good.astype(np.float64)
        inside = good[:, 1:-1].sum(axis=1, keepdims=True)
        good = good[inside[:, 0] > 0]
        if not len(good):
            return None
        if normalised:
            good = good / inside[inside[:, 0] > 0]
        return np.asarray(np.percentile(good, BAND, axis=0))

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Share over that of the reference, ``(bins + 2,)``; NaN where the reference holds nothing."""
        return ratio_of(self.share, self.expected)


def ratio_of(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """One over the other ``(bins + 2,)``; NaN where the other holds nothing."""
    return np.asarray(np.divide(mine, theirs, out=np.full(len(mine), np.nan), where=theirs > 0))


def standing_of(given: Given, reference: Reference) -> Standing | NoReference:
    """Compare a histogram of one dimension; what holds no counts is not compared."""
    given = onto(given, reference.axes)
    if not given.total > 0:
        return NoReference("empty", "nothing was counted in these lumisections.")
    axis, inner = reference.axes[0], given.inside[None]
    candidates = reference.candidates
    found = [compare(inner, each[None], axis) for each in candidates]
    if reference.choice.kind == "nearest":
        nearest = int(np.argmin([float(each.pull[0]) for each in found]))
        candidates, whole, named = candidates[nearest : nearest + 1], found[nearest], reference.names[nearest]
    else:
        whole, named = compare(inner, candidates, axis), reference.names[0]
    shape = (candidates / candidates.sum(axis=1, keepdims=True)).mean(axis=0)
    low, high = _flow(reference)
    return Standing(
        given,
        reference,
        named,
        np.concatenate([[low], shape, [high]]),
        np.concatenate([_outside(given, 0, reference), pulls(inner, candidates)[0], _outside(given, -1, reference)]),
        float(whole.pull[0]),
        int(whole.where[0]),
        float(whole.ks[0]),
        float(whole.emd[0]),
    )


def _flow(reference: Reference) -> tuple[float, float]:
    inside = float(reference.shape[1:-1].sum())
    return float(reference.shape[0]) / inside, float(reference.shape[-1]) / inside


def _outside(given: Given, at: int, reference: Reference) -> NDArray[np.float32]:
    """The pull of one flow cell against all that is inside, ``(1,)``; NaN where a source keeps no flow."""
    mine = np.array([given.counts[at], given.total])
    theirs = np.array([reference.shape[at], reference.shape[1:-1].sum()]) * reference.lumisections
    if not np.isfinite([*mine, *theirs]).all() or min(*mine, *theirs) < 0:
        return np.full(1, np.nan, dtype=np.float32)
    return np.asarray(pulls(mine[None], theirs)[0, :1], dtype=np.float32)


def remarks(given: Given, reference: Reference | NoReference | None) -> list[str]:
    """What a reader should know before believing the picture, a sentence each."""
    said = []
    bins = int(np.prod([axis.bins for axis in given.axes]))
    if given.left_out:
        said.append(f"{given.left_out} lumisections hold something that is no count and are left out.")
    if given.others:
        said.append("This run holds it in several binnings; the one with most of these lumisections is shown.")
    if given.whole_run:
        said.append("The source gives one histogram for the whole run; a range of lumisections changes nothing.")
    if 0 < given.total < FEW * bins:
        said.append(f"Only {given.total:,.0f} counts in {bins} bins: nothing but large differences can be seen.")
    if isinstance(reference, Reference):
        if reference.matched:
            said.append(reference.matched)
        if reference.counts < given.total:
            said.append(f"The reference holds fewer counts ({reference.counts:,.0f}) than what is compared with it.")
        if reference.unlike:
            names = ", ".join(map(str, reference.unlike[:5]))
            said.append(f"Left out of the reference, since their bins do not nest: {names}.")
        if reference.axes != given.axes:
            said.append("The bins of the reference are others; both are added up to the coarser ones, no bin is split.")
    return said
