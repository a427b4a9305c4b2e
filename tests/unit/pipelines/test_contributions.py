"""Contributions of features, put together to subsystem × element, like a slow loop over the reasons."""

from __future__ import annotations

import numpy as np

from dqm.model.tables import BINS, Column, FeatureTable, lumisection_index
from dqm.store.contributions import LIMIT, STEP
from features.words import subject
from pipelines.run.contributions import contributions
from pipelines.run.reasons import reasons_of

COLUMNS = (
    Column("counts.near", "counts.z"),
    Column("counts.low", "counts.z"),
    Column("counts.held", "counts.run", role="guard"),
    Column("limit.lost", "the manual", "faraday", role="limit"),
    Column("course.a.own", "course.own", "ecal"),
    Column("position.gap", "position"),
    Column("hits.z", "counts.z", "pixel", role="detail"),
    Column("muons/time:entries.z", "counts.z", "muons", role="detail"),
    Column("muons/phi:bin0", BINS, "muons"),
    Column("muons/phi:bin1", BINS, "muons"),
)
GROUPS = (("", "position"), ("ecal", "a"), ("faraday", "lost"), ("muons", "muons/phi"), ("muons", "muons/time"))


def test_every_feature_counts_in_the_group_that_stands_out() -> None:
    """Mutant: a feature over several columns that counts in the group of the first of them."""
    rng = np.random.default_rng(4)
    n = 50
    values = rng.normal(size=(n, len(COLUMNS)))
    values[:, 3] = np.arange(n) == 7
    said = np.where(rng.random((n, len(COLUMNS))) < 0.3, rng.exponential(1.0, (n, len(COLUMNS))), 0).astype(np.float32)
    said[:, [2, 3, 6, 7]] = 0
    table = FeatureTable(lumisection_index([1] * n, np.arange(n)), COLUMNS, values)
    found = contributions(table, said)
    assert found.groups == (*GROUPS, ("pixel", "hits"))
    assert found.level[7, 2] == LIMIT
    _, reasons = reasons_of(table, said)
    for row, given in enumerate(reasons):
        slow: dict[tuple[str, str], float] = {}
        for each in given:
            if each.contribution > 0:
                key = each.subsystem, subject(each.feature)
                slow[key] = max(slow.get(key, 0.0), each.contribution)
        for key, value in slow.items():
            level = int(found.level[row, found.groups.index(key)])
            assert level == (LIMIT if np.isinf(value) else round(value / STEP)), (row, key)


def test_without_contributions_there_are_groups_and_nothing_in_them() -> None:
    table = FeatureTable(lumisection_index([1], [1]), COLUMNS, np.full((1, len(COLUMNS)), np.nan))
    found = contributions(table, np.zeros((1, len(COLUMNS)), dtype=np.float32))
    assert len(found.groups) == 6
    assert not found.level.any()
