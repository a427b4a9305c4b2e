"""What people use today, as detectors over columns of their own, so that they are walked exactly as ours is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import Schema, judged_rows
from detectors.protocol import Detector, Scalar, State
from dqm.model.config import ModelConfig
from dqm.model.guard_config import GuardConfig
from dqm.model.labels import Label
from dqm.model.tables import BINS, Column, FeatureTable, QuantityTable
from features.runs import Grouped, nan_extreme, past_median
from pipelines.benchmarks.sets import BenchmarkSet
from pipelines.run.evidence import Evidence
from pipelines.run.learn import Make, make_detector

PAST_RUNS = 10
EXCURSION = GuardConfig().excursion
"""What ours and its variants are walked with: the guard as a configuration without ``[guard]`` has it."""

FUSED: tuple[Mapping[str, Any], ...] = ({"kind": "nearest"},)
"""What ``lumicert-fused`` adds to the model as ``[[fuse]]`` would; chosen on development data alone."""

SHAPES: tuple[Mapping[str, Any], ...] = (
    {"kind": "convolutional", "columns": ["*:bin*", "*:entries"], "epochs": 6, "channels": 8},
)
"""What ``lumicert-shapes`` adds where there are histograms."""


@dataclass(frozen=True)
class Competitor:
    """A method: its name, the columns it looks at, a maker of its detector and of ``others`` fused with it.

    ``excursion`` is that of the guard of single lumisections, 0 for those without our guards.
    """

    name: str
    table: FeatureTable
    make: Callable[[], Detector]
    others: tuple[Make, ...] = ()
    excursion: float = 0.0


@dataclass
class _Peer:
    """What the peers share: nothing to save, nothing to explain."""

    schema: Schema | None = field(default=None, init=False, repr=False)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """Peers give no reasons."""
        return np.zeros(table.values.shape, dtype=np.float32)

    def state(self) -> State:
        """Peers are not saved."""
        return {}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """Peers are not saved."""
        return cls()


@dataclass
class Largest(_Peer):
    """The largest value of the feature columns: a score that needs no training."""

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Nothing is learned."""
        self.schema = Schema.of(table)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Largest value of every row, ``(n,)``; NaN where all are missing."""
        return np.asarray(nan_extreme(table.values[:, table.where(role="feature")]), dtype=np.float32)


@dataclass
class LastGoodReference(_Peer):
    """χ²/d of the counts against the last run that people labelled good, as with a reference run chosen by hand."""

    _rate: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False, repr=False)

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Take counts per weight, ``(d,)``, of the newest run in which most lumisections are good."""
        self.schema = Schema.of(table)
        run = table.run
        good = (labels == Label.GOOD) & np.isfinite(table.values).all(axis=1) & (table.values[:, -1] > 0)
        runs, count = np.unique(run[good], return_counts=True)
        total = np.array([(run == each).sum() for each in runs])
        chosen = runs[count > 0.5 * total]
        rows = good & (run == chosen[-1]) if len(chosen) else good
        sums = table.values[rows].astype(np.float64).sum(axis=0)
        self._rate = sums[:-1] / sums[-1] if sums[-1] > 0 else np.full(len(sums) - 1, np.nan)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """χ²/d of every row, ``(n,)``, Poisson errors of the expectation; the last column is the weight."""
        values = table.values.astype(np.float64)
        expected = np.maximum(values[:, -1:] * self._rate, 0.5)
        chi2 = ((values[:, :-1] - expected) ** 2 / expected).mean(axis=1)
        return np.where(values[:, -1] > 0, chi2, np.nan).astype(np.float32)


@dataclass
class IsolationForest(_Peer):
    """PyOD's isolation forest on our features, without labels; a missing value is the column's median."""

    trees: int = 100
    _model: object = field(default=None, init=False, repr=False)
    _middle: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32), init=False, repr=False)

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Fit on every row that has a feature."""
        from pyod.models.iforest import IForest

        self.schema = Schema.of(table)
        rows = table.values[judged_rows(table)]
        known = np.isfinite(rows).any(axis=0)
        self._middle = np.zeros(rows.shape[1], dtype=np.float32)
        self._middle[known] = np.nanmedian(rows[:, known], axis=0)
        self._model = IForest(n_estimators=self.trees, random_state=seed, n_jobs=1).fit(self._filled(rows))
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """The forest's anomaly score, ``(n,)``."""
        score = np.full(len(table), np.nan, dtype=np.float32)
        rows = judged_rows(table)
        if rows.any():
            score[rows] = self._model.decision_function(self._filled(table.values[rows]))  # type: ignore[attr-defined]
        return score

    def _filled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(np.isfinite(values), values, self._middle)


def robust_z(quantities: QuantityTable) -> FeatureTable:
    """|z| of every quantity against the median of the past ten run medians, with the past's spread; ``(n, d)``.

    Counts and rates are ln((N + ½)/w); where there are none, the logarithms of luminosities and pile-up.
    """
    members = [i for i in quantities.where(role="feature") if quantities.columns[i].kind in ("count", "rate")]
    counts = [i for i in members if np.isfinite(quantities.values[:, i]).mean() > 0.5]
    weight = quantities.weight
    if counts:
        with np.errstate(divide="ignore"):
            v = np.log((quantities.values[:, counts] + 0.5) / np.where(weight > 0, weight, np.nan)[:, None])
    else:
        levels = [quantities[name].astype(np.float64) for name in ("recorded", "delivered", "pileup")]
        v = np.log(np.maximum(np.stack(levels, axis=1), 1e-5))
    order = np.lexsort((quantities.ls, quantities.run))
    rows = Grouped.of(quantities.run[order])
    middle = rows.medians(v[order])
    spread = past_median(rows.spread(v[order], middle), PAST_RUNS)
    z = np.abs(v[order] - past_median(middle, PAST_RUNS)[rows.code]) / np.maximum(spread, 1e-6)[rows.code]
    found = np.empty(z.shape)
    found[order] = z
    return FeatureTable(quantities.index, _plain(z.shape[1]), found, "robust-z")


def counts_and_weight(quantities: QuantityTable) -> FeatureTable:
    """Counts, and the weight as the last column."""
    counts = quantities.values[:, quantities.where(role="feature", kind="count")]
    values = np.column_stack([counts, quantities.weight])
    return FeatureTable(quantities.index, _plain(values.shape[1]), values, "counts")


def little_recorded(quantities: QuantityTable) -> FeatureTable:
    """Minus the recorded luminosity: the less, the more anomalous."""
    return FeatureTable(quantities.index, _plain(1), -quantities["recorded"][:, None], "recorded")


def judged_features(evidence: Evidence) -> FeatureTable:
    """Only the columns that are judged, without bins of histograms."""
    return without(evidence.table, lambda column: column.role != "feature" or column.source == BINS)


def without(table: FeatureTable, dropped: Callable[[Column], bool]) -> FeatureTable:
    """The table without the columns that ``dropped`` names."""
    kept = [j for j, column in enumerate(table.columns) if not dropped(column)]
    columns = tuple(table.columns[j] for j in kept)
    return FeatureTable(table.index, columns, table.values[:, kept], table.extractor)


def variants_of(each: BenchmarkSet) -> Iterator[Competitor]:
    """Ours with a part taken away or added, to show what that part is worth; all with the guards of ours."""
    return (replace(found, excursion=EXCURSION) for found in _variants(each))


def _variants(each: BenchmarkSet) -> Iterator[Competitor]:
    names = each.evidence.table.names
    if "counts.near" in names:
        simple = without(each.evidence.table, lambda c: c.role == "feature" and c.name != "counts.near")
        yield Competitor("lumicert-z", simple, Largest)
    if "flags.down" in names:
        yield Competitor("lumicert-no-flags", without(each.evidence.table, lambda c: c.source == "flags"), each.make)
    yield Competitor("lumicert-fused", each.evidence.table, each.make, _makers(FUSED))
    if each.evidence.table.where(source=BINS):
        yield Competitor("lumicert-shapes", each.evidence.table, each.make, _makers(SHAPES))


def _makers(fused: tuple[Mapping[str, Any], ...]) -> tuple[Make, ...]:
    return tuple(make_detector(ModelConfig.model_validate(each)) for each in fused)


def peers_of(each: BenchmarkSet) -> Iterator[Competitor]:
    """What people use today, without our limits and guards."""
    yield Competitor("robust-z", robust_z(each.quantities), Largest)
    yield Competitor("pyod-iforest", judged_features(each.evidence), IsolationForest)
    if each.quantities.where(role="feature", kind="count"):
        yield Competitor("last-good-reference", counts_and_weight(each.quantities), LastGoodReference)
    if "recorded" in each.quantities:
        yield Competitor("recorded-luminosity", little_recorded(each.quantities), Largest)


def _plain(d: int) -> tuple[Column, ...]:
    return tuple(Column(f"column_{j}") for j in range(d))
