"""Scoring costs little more than its matrix products, measured in the same process on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from detectors.autoencoder import Autoencoder
from dqm.model.tables import Column, FeatureTable, lumisection_index

N, D = 8192, 500


def cpu_seconds(run: Callable[[], object]) -> float:
    """The least of three."""
    spent = []
    for _ in range(3):
        begin = time.process_time()
        run()
        spent.append(time.process_time() - begin)
    return min(spent)


@pytest.mark.slow
def test_scoring_500_features_costs_at_most_five_times_the_bare_products() -> None:
    values = np.random.default_rng(1).normal(size=(N, D)).astype(np.float32)
    values[::7, ::11] = np.nan
    columns = tuple(Column(f"e{j // 10}:p{j % 10}") for j in range(D))
    table = FeatureTable(lumisection_index(np.ones(N), 1 + np.arange(N)), columns, values)
    detector = Autoencoder(epochs=1).fit(table.take(slice(0, 1024)), np.zeros(1024, dtype=np.int8), seed=1)
    wide, narrow = torch.randn(N, 2 * D), torch.randn(N, detector.hidden)
    there, back = torch.randn(2 * D, detector.hidden), torch.randn(detector.hidden, D)
    bare = cpu_seconds(lambda: (wide @ there, narrow @ back))
    spent = cpu_seconds(lambda: detector.score(table))
    assert spent < 5 * bare, f"{N / spent:,.0f} rows per CPU second, {N / bare:,.0f} of the bare products"
