"""A reference made of earlier runs, with the band that good lumisections keep.

The references themselves are those of ``features.pasts``; classes of a condition such as pile-up are not made here, but
one good run of like pile-up may be chosen. Beside them
stand the flow of the runs behind them, and histograms of single good lumisections, whose percentiles make the band.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dashboard.comparison.choice import Choice
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.labels import Label
from dqm.model.rebinning import rebinned
from features.pasts import Past, serving
from features.references import PastRuns

Axes = tuple[Axis, ...]
DRAWN = 200
"""Good lumisections of one run that the band looks at, evenly spread over the run."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """One earlier run: its histograms ``batch`` of ``n`` lumisections, and their ``label`` ``(n,)``.

    ``asked``: whether it belongs to the reference, ``band``: whether its good lumisections belong to the band.
    """

    run: int
    batch: HistogramBatch
    label: NDArray[np.int8]
    asked: bool
    band: bool


@dataclass(frozen=True, eq=False)
class Reference:
    """What histograms of one element are compared with, on ``axes``.

    ``candidates`` ``(r, …)`` are the references without flow, ``names`` what they are; p-values are averaged over
    them, or with ``nearest`` the nearest counts. ``shape`` ``(…)`` with flow: mean counts of a lumisection of the
    ``runs`` behind it, NaN in flow cells that the source does not keep. ``good`` ``(m, …)`` with flow: good
    lumisections of ``good_runs``. ``unlike``: runs whose bins do not fit. ``matched`` says why this run, where one was
    matched.
    """

    choice: Choice
    axes: Axes
    candidates: NDArray[np.float64]
    names: tuple[str, ...]
    shape: NDArray[np.float64]
    runs: tuple[int, ...]
    lumisections: int
    good: NDArray[np.float32]
    good_runs: tuple[int, ...]
    unlike: tuple[int, ...]
    matched: str = ""

    @property
    def counts(self) -> float:
        """Counts of the largest candidate, without flow."""
        return float(self.candidates.reshape(len(self.candidates), -1).sum(axis=1).max(initial=0.0))


@dataclass(frozen=True)
class NoReference:
    """Why there is nothing to compare with: ``code`` in one word, ``why`` in a sentence."""

    code: str
    why: str


def countable(batch: HistogramBatch) -> NDArray[np.bool_]:
    """Which histograms hold counts, none of them negative or not finite, ``(n,)``; flow cells do not matter."""
    inner = batch.inner.reshape(len(batch), -1)
    with np.errstate(invalid="ignore"):
        total = inner.sum(axis=1, dtype=np.float64)
        return np.asarray(np.isfinite(total) & (inner.min(axis=1, initial=0) >= 0))


def taken(batch: HistogramBatch, rows: NDArray[np.bool_]) -> HistogramBatch:
    """Some rows; a batch of which all are wanted is not copied."""
    return batch if rows.all() else batch.take(rows)


def by_lumisection(batch: HistogramBatch) -> HistogramBatch:
    """The rows of single lumisections; that of the whole run only where there is no other."""
    single = batch.ls > 0
    return batch.take(single) if single.any() and not single.all() else batch


@dataclass
class Making:
    """A reference in the making: ``add`` earlier runs in ascending order, then ``made``.

    ``alpha`` is how much of a moving mean stays when a run is added.
    """

    choice: Choice
    alpha: float
    _past: Past = field(init=False)
    _served: list[_Sum] = field(default_factory=list)
    _good: list[HistogramBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._past = Past(self.choice.settings(self.alpha))

    def add(self, each: Earlier) -> None:
        """Take the histograms of one run in one binning in."""
        rows = countable(each.batch)
        batch, label = taken(each.batch, rows), each.label[rows]
        serves = serving(self._past.settings, each.run, label) & each.asked
        if serves.any():
            kept = taken(batch, serves)
            self._past.add(kept.axes, kept.inner.sum(axis=0, dtype=np.float64))
            self._served.append(_Sum.of(each.run, kept))
        if each.band and (label == Label.GOOD).any():
            self._good.append(_spread(batch.take(label == Label.GOOD)))

    def made(self, axes: Axes) -> Reference | NoReference:
        """The reference for histograms on ``axes``, or why there is none."""
        return _made(self.choice, axes, self._past, self._served, self._good)


def reference_of(choice: Choice, axes: Axes, earlier: Iterable[Earlier], alpha: float) -> Reference | NoReference:
    """The reference that ``earlier`` runs make for histograms on ``axes``."""
    making = Making(choice, alpha)
    for each in earlier:
        making.add(each)
    return making.made(axes)


def _made(
    choice: Choice, axes: Axes, past: Past, served: Sequence[_Sum], good: Sequence[HistogramBatch]
) -> Reference | NoReference:
    if not past.runs:
        return NoReference("no reference", _nothing(choice))
    common = past.common(axes)
    if common is None:
        return NoReference("binning", _unlike(axes, past.runs[-1][0], served[-1].run))
    fitting = [(each, onto) for each in served if (onto := _onto(each.batch, common)) is not None]
    lumisections = sum(each.lumisections for each, _ in fitting)
    shape = np.sum([onto.counts[0] for _, onto in fitting], axis=0, dtype=np.float64) / max(lumisections, 1)
    candidates = past.references(common)
    bands = [onto for each in good if (onto := _onto(each, common)) is not None]
    lines = [each.counts.astype(np.float32) for each in bands]
    return Reference(
        choice,
        common,
        candidates,
        _names(choice, len(candidates), tuple(each.run for each, _ in fitting)),
        np.asarray(shape, dtype=np.float64),
        tuple(each.run for each, _ in fitting),
        lumisections,
        np.concatenate(lines) if lines else np.zeros((0, *shape.shape), dtype=np.float32),
        tuple(int(each.run[0]) for each in bands),
        tuple(each.run for each in served if each.run not in {one.run for one, _ in fitting}),
    )


@dataclass(frozen=True, eq=False)
class _Sum:
    """The lumisections of one run that serve, added up into one."""

    run: int
    batch: HistogramBatch
    lumisections: int

    @classmethod
    def of(cls, run: int, batch: HistogramBatch) -> _Sum:
        counts = batch.counts.sum(axis=0, keepdims=True, dtype=np.float64)
        one = HistogramBatch(batch.element, batch.axes, batch.run[:1], batch.ls[:1], counts, batch.entries[:1])
        return cls(run, one, len(batch))


def _onto(batch: HistogramBatch, axes: Axes) -> HistogramBatch | None:
    try:
        return rebinned(batch, axes)
    except ValueError:
        return None


def _spread(batch: HistogramBatch) -> HistogramBatch:
    """At most ``DRAWN`` rows, evenly spread."""
    rows = np.unique(np.linspace(0, len(batch) - 1, min(len(batch), DRAWN)).astype(np.int64))
    bare = HistogramBatch(batch.element, batch.axes, batch.run, batch.ls, batch.counts, batch.entries)
    return bare.take(rows)


def _names(choice: Choice, many: int, runs: tuple[int, ...]) -> tuple[str, ...]:
    if choice.kind != "nearest":
        return (choice.title(),) * many
    lengths = [min(each, len(runs)) for each in PastRuns().lengths]
    return tuple(f"the median of the last {each} runs" if each > 1 else "the last run" for each in lengths)


def _nothing(choice: Choice) -> str:
    why = {
        "run": f"run {choice.number} holds no counts of it",
        "certified": "no earlier run that holds it has a lumisection labelled good",
    }
    return why.get(choice.kind, "no earlier run that was looked at holds counts of it")


def _unlike(mine: Axes, theirs: Axes, run: int) -> str:
    told = [" × ".join(_axis(each) for each in axes) for axes in (mine, theirs)]
    return (
        f"its bins are {told[0]} here and {told[1]} in run {run}; the edges do not nest, and no bin is split. "
        "Choose a reference of the same binning."
    )


def _axis(axis: Axis) -> str:
    return f"{axis.bins} from {axis.low:g} to {axis.high:g}" + (" (labelled)" if axis.labels else "")
