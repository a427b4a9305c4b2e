"""What a model knows decides which quantities are looked at: new ones are left out, lost ones are missing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dqm.model.errors import FingerprintError
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.store.stored import StoredModel
from pipelines.run.alignment import QUANTITIES, Drift, aligned, described, known_to

TABLE = QuantityTable(
    lumisection_index([1, 1], [1, 2]),
    (Column("a", kind="count"), Column("charge", kind="count"), Column("w", role="weight")),
    np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
)


def test_the_same_columns_stay_as_they_are() -> None:
    found, drift = aligned(TABLE, TABLE.columns)
    assert found is TABLE
    assert drift.text() == ""


def test_a_renamed_quantity_is_missing_and_its_new_name_is_told() -> None:
    known = (*TABLE.columns[:1], Column("charge_v1", kind="count"), TABLE.columns[2])
    found, drift = aligned(TABLE, known)
    assert found.columns == known
    np.testing.assert_array_equal(found.values, [[1.0, np.nan, 3.0], [4.0, np.nan, 6.0]])
    assert drift == Drift(("charge",), ("charge_v1",))
    assert drift.text().splitlines() == [
        "1 quantities are new to the model and not used: 'charge'",
        "1 quantities that the model knows are not there: 'charge_v1' (nearest valid names: 'charge')",
        "train again when this is the new normal: dqm train",
    ]


def test_the_order_is_that_of_the_training() -> None:
    found, drift = aligned(TABLE, TABLE.columns[::-1])
    np.testing.assert_array_equal(found.values, TABLE.values[:, ::-1])
    assert drift == Drift()


def test_a_quantity_of_another_meaning_is_refused() -> None:
    known = (dataclasses.replace(TABLE.columns[0], kind="rate"), *TABLE.columns[1:])
    with pytest.raises(
        FingerprintError, match=r"column 0 is 'a' here and 'a' expected \(kind: 'count' against 'rate'\)"
    ):
        aligned(TABLE, known)


def test_a_weight_that_is_gone_is_refused() -> None:
    known = (*TABLE.columns[:2], Column("luminosity", role="weight"))
    with pytest.raises(FingerprintError, match="the weight 'luminosity' of the training is not in the data"):
        aligned(TABLE, known)


def test_what_a_model_knows_is_written_down() -> None:
    model = StoredModel("m", "models/m", "f" * 64, {QUANTITIES: described(TABLE)}, 1)
    assert known_to(model) == TABLE.columns
    assert known_to(dataclasses.replace(model, provenance={})) is None
