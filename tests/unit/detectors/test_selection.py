"""What a detector sees of a table, and where what it says stands among all columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from detectors.model import Companion
from detectors.robust_z import RobustZ
from detectors.selection import among_all, seen_part, seen_positions
from dqm.model.errors import InputError, UnknownNameError
from dqm.model.tables import BINS, Column, FeatureTable

COLUMNS = (
    Column("counts.near"),
    Column("A/pt:bin0", BINS),
    Column("pileup", role="condition"),
    Column("A/pt:bin1", BINS),
    Column("A/pt:entries", BINS, role="condition"),
)


def table(n: int = 40) -> FeatureTable:
    values = np.random.default_rng(1).normal(size=(n, len(COLUMNS))).astype(np.float32)
    return FeatureTable(pd.RangeIndex(n), COLUMNS, values, "made up")


def test_without_patterns_bins_are_not_seen() -> None:
    assert seen_positions(COLUMNS, ()).tolist() == [0, 2]
    assert seen_part(table(), ()).names == ["counts.near", "pileup"]


def test_patterns_choose_in_the_order_of_the_table() -> None:
    assert seen_part(table(), ["*:entries", "A/*:bin*"]).names == ["A/pt:bin0", "A/pt:bin1", "A/pt:entries"]
    every = table()
    assert seen_part(every, ["*"]) is every, "nothing is copied where all is seen"


def test_a_pattern_without_a_column_and_columns_without_a_feature_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown column 'A/pt:bins\*'; nearest valid names: 'A/pt:bin"):
        seen_positions(COLUMNS, ["A/pt:bins*"])
    with pytest.raises(InputError, match=r"columns = \['pileup'\] are nothing that a detector could judge"):
        seen_positions(COLUMNS, ["pileup"])
    with pytest.raises(InputError, match="without bins of histograms there is nothing that a detector could judge"):
        seen_positions(COLUMNS[1:], ())


def test_what_it_says_stands_at_its_columns() -> None:
    given = table()
    given.values[3, 1] = 50
    detector = RobustZ().fit(seen_part(given, ["A/*"]), np.zeros(40, np.int8), seed=1)
    said = Companion("robust-z", detector, ("A/*",)).explain(given)
    assert said.shape == given.values.shape
    assert said[3].argmax() == 1
    assert (said[:, [0, 2]] == 0).all()
    part = np.ones((2, 2), np.float32)
    assert np.array_equal(among_all(part, np.array([0, 2]), 3, np.nan)[0], [1, np.nan, 1], equal_nan=True)
    assert among_all(part, np.array([0, 1]), 2, np.nan) is part
