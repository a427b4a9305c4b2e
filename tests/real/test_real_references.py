"""Wire timing of the CMS muon chambers, 721 runs that experts judged: reference features alone find the bad ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dqm.model.histograms import Axis
from features.references import PastRuns, compare_nearest

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("DQM_DATA" not in os.environ, reason="set DQM_DATA to the folder of the public data sets"),
]
WARM_UP = 20


def test_bad_runs_are_far_from_the_last_certified_ones() -> None:
    """Run by run in time order; references are the certified runs before it. A run without counts is bad as such."""
    folder = Path(os.environ["DQM_DATA"], "cms_csc_dqm")
    held = np.load(folder / "derived_Digis_hWireTBin_p11b.npz")
    order = np.argsort(held["run"])
    shape, total = np.nan_to_num(held["hist"][order].astype(float)), held["norm"][order]
    bad = np.isin(held["run"][order], np.loadtxt(folder / "bad_runs" / "Digis_hWireTBin_p11b.txt", dtype=int))
    counts = np.rint(shape * total[:, None])
    past, axis = list[np.ndarray](), Axis(16, 0, 16)
    ks = np.full(len(counts), np.nan)
    for k, one in enumerate(counts):
        if past:
            ks[k] = compare_nearest(one[None], PastRuns(runs=past[-10:]).references(), axis).ks[0]
        if not bad[k] and one.sum() > 0:
            past.append(one)
    judged = np.arange(len(counts)) >= WARM_UP
    empty = np.isnan(ks)
    assert roc_auc_score(bad[judged], np.where(empty, 1.0, ks)[judged]) >= 0.99
    filled = judged & ~empty
    assert roc_auc_score(bad[filled], ks[filled]) >= 0.98, "also among the runs that hold counts"
