"""Contributions of groups come back as they were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dqm.model.errors import StoreError
from dqm.model.tables import lumisection_index
from dqm.store.contributions import (
    Contributions,
    contributions_from_arrow,
    contributions_to_arrow,
    levels_of,
)

GIVEN = Contributions(
    lumisection_index([1, 1, 2], [1, 2, 1]),
    (("ecal", "hits"), ("muons", "<b>: [1]")),
    np.array([[0, 1], [254, 255], [7, 0]], dtype=np.uint8),
)


@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)])
def test_they_come_back(rows: slice) -> None:
    given = Contributions(GIVEN.index[rows], GIVEN.groups, GIVEN.level[rows])
    found = contributions_from_arrow(contributions_to_arrow(given))
    assert found.index.equals(given.index)
    assert found.groups == given.groups
    assert np.array_equal(found.level, given.level)


def test_levels_keep_the_order_and_never_overflow() -> None:
    """Mutant: a cast without a clip, with which 12.85 log-odds would be a level of 1."""
    given = np.array([0.0, 0.024, 0.026, 1.0, 12.69, 12.85, 1e30, np.inf, np.nan, -3.0], dtype=np.float32)
    assert levels_of(given).tolist() == [0, 0, 1, 20, 254, 254, 254, 255, 0, 0]


def test_levels_of_another_shape_and_other_tables_are_refused() -> None:
    with pytest.raises(ValueError, match=r"levels of shape \(2, 2\) where index and groups ask for \(3, 2\)"):
        Contributions(GIVEN.index, GIVEN.groups, np.zeros((2, 2), np.uint8))
    with pytest.raises(StoreError, match=r"columns \['run'\] are no contributions; score again"):
        contributions_from_arrow(pa.table({"run": [1]}))
