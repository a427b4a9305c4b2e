"""Our single detectors on SKAB, each alone, as they come: no smoothing, no stretches, no drift.

All choices are the same for every file and detector and were made without a label: fitted on the first three quarters
of the training rows, with the threshold at the 99% quantile of the scores of the last quarter.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors import registry
from detectors.scaling import Scaling
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable
from features.charts import chart_table
from features.lags import lagged
from pipelines.benchmarks.detector_sets import feature_table
from pipelines.benchmarks.skab_files import Recording
from pipelines.benchmarks.skab_recipe import Judgement

LAGS = 10
QUANTILE = 0.99
SEED = 1
EVERY = 60.0

Table = Callable[[Recording], FeatureTable]


def rows(each: Recording) -> FeatureTable:
    """Readings as they are."""
    return feature_table(each.rows, each.sensors)


def lags(each: Recording) -> FeatureTable:
    """Windows of ten readings."""
    return lagged(rows(each), LAGS)


def charts(each: Recording) -> FeatureTable:
    """EWMA and CUSUM against the training rows."""
    table = rows(each)
    scaling = Scaling.fit(table, np.arange(len(table)) < len(each.train))
    return chart_table(table, scaling.centre, scaling.spread)


SINGLE: dict[str, tuple[str, Table]] = {
    "t2-q": ("t2-q", rows),
    "control-charts": ("control-charts", charts),
    "window-autoencoder": ("autoencoder", lags),
    "window-convolutional": ("convolutional", lags),
    "forecaster": ("forecaster", lags),
}
NETWORKS = ("window-autoencoder", "window-convolutional", "forecaster")


def judged(name: str, each: Recording) -> Judgement:
    """What a single detector says of the test rows; where it begins and ends to alarm are its changes."""
    kind, make = SINGLE[name]
    table, train = make(each), len(each.train)
    fitted = table.take(slice(0, train * 3 // 4))
    nobody = np.full(len(fitted), Label.UNKNOWN, dtype=np.int8)
    score = registry.make(kind).fit(fitted, nobody, seed=SEED).score(table).astype(np.float64)
    threshold = np.quantile(score[train * 3 // 4 : train], QUANTILE)
    return _alarms(score[train:], score[train:] > threshold)


def everything(each: Recording) -> Judgement:
    """Every row anomalous, and a change every minute, whatever was read: what the measures give for nothing."""
    test = each.seconds[len(each.train) :]
    minute = (test - test[0]) // EVERY
    changes = np.concatenate([[True], np.diff(minute) > 0])
    return Judgement(np.ones(len(test)), np.ones(len(test), dtype=bool), changes)


def _alarms(statistic: NDArray[np.float64], anomalous: NDArray[np.bool_]) -> Judgement:
    before = np.concatenate([[False], anomalous[:-1]])
    return Judgement(statistic, anomalous, anomalous != before)
