"""What ``dqm benchmark certification`` walks beside the model alone: fused variants, and a simulated set with bins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqm.model.tables import BINS
from pipelines.benchmarks.certification import OURS, SLOW, Request, _rows_of
from pipelines.benchmarks.peers import judged_features, variants_of
from pipelines.benchmarks.sets import BenchmarkSet
from pipelines.benchmarks.simulated_set import NAME, SETTINGS, simulated_set
from pipelines.run.rolling import Budget

pytestmark = pytest.mark.slow  # simulates, ingests and summarises a campaign


@pytest.fixture(scope="module")
def small() -> BenchmarkSet:
    return simulated_set(replace(SETTINGS, weeks=0.8), elements=1)


def test_the_simulated_set_has_every_label_and_bins_that_only_one_variant_sees(small: BenchmarkSet) -> None:
    assert small.name == NAME
    assert (small.evidence.label >= 0).mean() > 0.9
    assert len(small.evidence) == len(small.quantities) == len(small.block)
    assert np.array_equal(small.evidence.table.index, small.quantities.index)
    bins = small.evidence.table.where(source=BINS)
    assert len(bins) == 6 * 26, "25 bins of six elements, and how much each was filled"
    assert not [each for each in judged_features(small.evidence).columns if each.source == BINS]
    variants = {each.name: each for each in variants_of(small)}
    assert {"lumicert-fused", "lumicert-shapes"} <= variants.keys()
    assert all(each.columns == ("*:bin*", "*:entries") for each in variants["lumicert-shapes"].others)
    assert all(not each.columns for each in variants["lumicert-fused"].others)


def test_quick_leaves_the_fused_ones_out(small: BenchmarkSet) -> None:
    kept = replace(small, reported=range(10, 11))
    rows = list(_rows_of(kept, (Budget(0.01, 0.01),), Request(quick=True)))
    assert OURS in {row.method for row in rows}
    assert not {row.method for row in rows} & set(SLOW)
