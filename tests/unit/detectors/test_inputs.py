from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.checks import simulated_table
from detectors.inputs import NotFittedError, Schema, checked_labels, checked_weight, judged_rows
from detectors.robust_z import RobustZ
from dqm.model.errors import FingerprintError


def test_schema_survives_its_text_and_has_the_fingerprint_of_its_table() -> None:
    table = simulated_table(3, seed=1)
    schema = Schema.of(table)
    assert Schema.from_text(schema.to_text()) == schema
    assert schema.fingerprint == table.fingerprint


@pytest.mark.parametrize("text", ["[]", "{}", "nonsense", '{"columns": [{"colour": 1}], "extractor": ""}', None])
def test_other_text_is_no_schema(text: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Schema.from_text(text)


def test_another_extractor_is_refused_by_name() -> None:
    table = simulated_table(3, seed=1)
    with pytest.raises(FingerprintError, match="extractor 'other' here and 'simulated' expected; extract the features"):
        Schema.of(table).require(replace(table, extractor="other"))


def test_conditions_alone_judge_nothing() -> None:
    table = simulated_table(4, seed=1)
    values = np.zeros_like(table.values)
    values[1, :-1] = np.nan
    values[2, -1] = np.nan
    assert judged_rows(replace(table, values=values)).tolist() == [True, False, True, True]


def test_labels_that_do_not_suit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels of shape \(2,\) for 3 rows; give one Label each"):
        checked_labels([0, 1], 3)
    with pytest.raises(ValueError, match=r"label 2 of row 1 is none of -1 \(UNKNOWN\), 0 \(GOOD\), 1 \(BAD\)"):
        checked_labels([0, 2, 1], 3)


def test_weights_that_do_not_suit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights of shape \(1,\) for 2 rows"):
        checked_weight([1.0], 2)
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"weight {wrong} of row 1 is not a finite number"):
            checked_weight([1.0, wrong], 2)
    assert checked_weight(None, 2).tolist() == [1.0, 1.0]


def test_unfitted_says_what_to_do() -> None:
    with pytest.raises(NotFittedError, match=r"this RobustZ is not fitted; call fit first, or RobustZ\.restore"):
        RobustZ().state()
