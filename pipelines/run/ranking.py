"""How well a score ranks bad above good."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score


def ranking(score: NDArray[np.float32], label: NDArray[np.int8]) -> tuple[float | None, float | None]:
    """AUC and average precision over lumisections of known truth; one without a score stands in the middle."""
    known = label >= 0
    bad = label[known] == 1
    if not bad.any() or bad.all():
        return None, None
    given = score[known]
    middle = np.nanmedian(given) if np.isfinite(given).any() else 0.0
    order = np.unique(np.where(np.isnan(given), middle, given), return_inverse=True)[1]
    return float(roc_auc_score(bad, order)), float(average_precision_score(bad, order))
