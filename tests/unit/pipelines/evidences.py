"""Small made-up evidence: one feature that knows, two that do not, a guard and a limit."""

from __future__ import annotations

import numpy as np

from dqm.model.tables import Column, FeatureTable, lumisection_index
from pipelines.run.evidence import Evidence

COLUMNS = (
    Column("knows"),
    Column("noise_a"),
    Column("noise_b"),
    Column("held", role="guard", kind="flag"),
    Column("limit.lost", role="limit", kind="flag"),
)


def evidence(runs: int = 40, rows: int = 20, seed: int = 0) -> Evidence:
    """Runs of equal length with 8% bad, 2% held, 2% beyond the limit (labelled bad) and 5% not labelled."""
    rng = np.random.default_rng(seed)
    n = runs * rows
    bad = rng.random(n) < 0.08
    beyond, held = rng.random((2, n)) < 0.02
    values = np.stack([8 * bad + rng.normal(0, 2, n), *rng.normal(size=(2, n)), held, beyond], axis=1)
    label = np.where(rng.random(n) < 0.05, -1, bad | beyond).astype(np.int8)
    run = np.repeat(100 + 7 * np.arange(runs), rows)
    index = lumisection_index(run, np.tile(np.arange(1, rows + 1), runs))
    return Evidence(FeatureTable(index, COLUMNS, values), label, rng.uniform(0.5, 2, n), run)
