"""Explanations come back as they were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dqm.model.errors import StoreError
from dqm.model.tables import lumisection_index
from dqm.store.explanations import Explanations, explanations_from_arrow, explanations_to_arrow

GIVEN = Explanations(
    lumisection_index([1, 1, 2], [1, 2, 1]),
    ("a", "b"),
    {"contribution": np.array([[0, 1], [2, 3], [4, np.nan]], dtype=np.float32)},
    ("mm", ""),
)


@pytest.mark.parametrize("rows", [slice(None), slice(0, 0)])
def test_they_come_back(rows: slice) -> None:
    given = Explanations(GIVEN.index[rows], GIVEN.names, {k: v[rows] for k, v in GIVEN.terms.items()}, GIVEN.units)
    found = explanations_from_arrow(explanations_to_arrow(given))
    assert found.index.equals(given.index)
    assert found.names == given.names
    assert found.units == given.units
    assert np.array_equal(found.terms["contribution"], given.terms["contribution"], equal_nan=True)


def test_a_table_of_an_earlier_version_has_no_units() -> None:
    table = explanations_to_arrow(GIVEN)
    metadata = {name: each for name, each in table.schema.metadata.items() if name != b"lumicert.units"}
    assert explanations_from_arrow(table.replace_schema_metadata(metadata)).units == ()


def test_terms_of_another_shape_and_other_tables_are_refused() -> None:
    with pytest.raises(ValueError, match=r"term 'surprise' of shape \(2, 2\) where index and names ask for \(3, 2\)"):
        Explanations(GIVEN.index, GIVEN.names, {"surprise": np.zeros((2, 2), np.float32)})
    with pytest.raises(StoreError, match=r"columns \['run'\] are no explanations; score again"):
        explanations_from_arrow(pa.table({"run": [1]}))
