"""Control charts of a stream: statistics that remember, one column each.

EWMA (Roberts, Technometrics 1 (1959) 239) sees small lasting shifts, CUSUM (Page, Biometrika 41 (1954) 100) says since
when. They are robust: a reading counts for at most ``CUT`` spreads, so that a spike does not look like a shift.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dqm.model.tables import Column, FeatureTable

CUT = 4.0
CHARTS = ("ewma", "rising", "falling")


def chart_table(
    table: FeatureTable,
    centre: NDArray[np.float64],
    spread: NDArray[np.float64],
    *,
    weight: float = 0.1,
    allowance: float = 0.5,
) -> FeatureTable:
    """``<column>:ewma``, ``:rising`` and ``:falling`` of every feature of a table whose rows are in time order.

    ``centre`` and ``spread`` ``(d,)`` of all columns, from a stretch that was good. With z = (x − centre) / spread cut
    at ±4: ewma e_t = e_{t−1} + weight (z_t − e_{t−1}); rising s_t = max(0, s_{t−1} + z_t − allowance), falling the
    same of −z. A missing reading leaves the chart where it was and its row missing. Raises ``ValueError`` for a weight
    or an allowance out of range.
    """
    if not 0 < weight <= 1 or allowance < 0:
        raise ValueError(f"weight = {weight} must lie in (0, 1] and allowance = {allowance} not be negative")
    at = table.where(role="feature")
    z = np.clip((table.values[:, at] - centre[at]) / spread[at], -CUT, CUT).astype(np.float64)
    charts = np.concatenate([_ewma(z, weight), _cusum(z, allowance), _cusum(-z, allowance)], axis=1)
    columns = tuple(
        Column(f"{table.columns[j].name}:{chart}", table.columns[j].source, table.columns[j].subsystem, unit="spread")
        for chart in CHARTS
        for j in at
    )
    extractor = f"{table.extractor}|charts weight={weight} allowance={allowance}"
    return replace(table, columns=columns, values=charts, extractor=extractor)


@njit(cache=True)
def _ewma(z: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    found = np.full(z.shape, np.nan)
    for j in range(z.shape[1]):
        mean = 0.0
        for t in range(z.shape[0]):
            if not np.isnan(z[t, j]):
                mean += weight * (z[t, j] - mean)
                found[t, j] = mean
    return found


@njit(cache=True)
def _cusum(z: NDArray[np.float64], allowance: float) -> NDArray[np.float64]:
    found = np.full(z.shape, np.nan)
    for j in range(z.shape[1]):
        total = 0.0
        for t in range(z.shape[0]):
            if not np.isnan(z[t, j]):
                total = max(0.0, total + z[t, j] - allowance)
                found[t, j] = total
    return found
