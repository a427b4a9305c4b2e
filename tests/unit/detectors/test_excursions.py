"""What lies beyond all that good lumisections of past runs showed, column by column."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from detectors.excursions import LEAST, MOST_TIMES, Excursions, compared
from detectors.protocol import State
from dqm.model.tables import Column, FeatureTable, lumisection_index

COLUMNS = (
    Column("counts.near", "counts.z", unit="sigma", kind="deviation"),
    Column("ecal_hits.z", "counts.z", "ecal", "detail", "sigma"),
    Column("course.recorded.own", "course.own", unit="ln", kind="deviation"),
    Column("shapes.ks", "shapes.ks", kind="deviation"),
)
NO_DISTANCE = (
    Column("course.recorded.level", "course.level", unit="ln", kind="deviation"),
    Column("flags.near", "flags", kind="deviation"),
    Column("position.gap", "position"),
    Column("pileup", role="condition"),
    Column("counts.held", "counts.run", role="guard", kind="flag"),
    Column("ecal_hits.share", "counts.share", "ecal", "detail"),
    Column("anything"),
)


def table(values: ArrayLike, run: ArrayLike, columns: tuple[Column, ...] = COLUMNS[1:2]) -> FeatureTable:
    given = np.asarray(values, dtype=np.float32).reshape(-1, len(columns))
    return FeatureTable(lumisection_index(run, np.arange(len(given))), columns, given)


def past(*largest: float) -> FeatureTable:
    """A run for each of the numbers, in which one lumisection goes so far and the others as far the other way / 10."""
    values = np.concatenate([[each, *np.full(LEAST, -each / 10)] for each in largest])
    return table(values, np.repeat(np.arange(len(largest)), LEAST + 1))


def everything(given: FeatureTable) -> NDArray[np.bool_]:
    return np.ones(len(given), dtype=bool)


def beyond(given: FeatureTable, values: ArrayLike, times: float = 1.5) -> list[bool]:
    found = Excursions.of(given, everything(given), times)
    return list(map(bool, found.beyond(table(values, np.full(np.size(values), 99)))))


def test_only_distances_from_the_usual_are_compared() -> None:
    """Mutant: a level, which is far from 0 without being odd; a flag, of which a good past shows only one side."""
    assert compared((*NO_DISTANCE, *COLUMNS)).tolist() == [len(NO_DISTANCE) + j for j in range(len(COLUMNS))]


def test_beyond_is_more_than_so_many_times_on_its_own_side() -> None:
    """Mutant: |x| against the larger of both sides."""
    assert beyond(past(4.0, 4.0), [5.9, 6.1, -0.5, -0.7, 0.0, np.nan]) == [False, True, False, True, False, False]
    assert beyond(past(4.0, 4.0), [6.1], times=2.0) == [False]


def test_the_largest_of_a_single_run_does_not_count() -> None:
    """Mutant: the largest of all. One lumisection at 50 σ that was wrongly called good would open the column for ever."""
    assert beyond(past(4.0, 50.0, 3.0), [6.1, 5.9]) == [True, False]
    assert beyond(past(4.0), [6.1, 5.9]) == [True, False]


def test_what_is_infinite_opens_no_column() -> None:
    """Mutant: an infinite number of two good lumisections is taken for an excursion, and nothing is beyond ever after."""
    assert beyond(past(4.0, 4.0, np.inf, np.inf), [6.1, np.inf, -np.inf]) == [True, True, True]


def test_a_column_that_never_moved_and_one_that_was_hardly_seen() -> None:
    """What was zero always is beyond as soon as it moves; what had fewer good values tells nothing."""
    assert beyond(past(0.0, 0.0), [1e-3, 0.0]) == [True, False]
    few = table([4.0] * (LEAST - 1), [1] * (LEAST - 1))
    found = Excursions.of(few, everything(few), 1.5)
    assert not found.at.size
    assert not found.beyond(few).any()
    assert [each.tolist() for each in found.leading(few)] == [[0] * len(few), [0.0] * len(few)]


def test_an_infinite_value_of_the_past_does_not_open_a_column() -> None:
    """Mutant: the largest float in its place, which two runs showed, so that nothing is ever beyond it."""
    assert beyond(past(4.0, 4.0, np.inf, np.inf), [6.1, 5.9, np.inf, -np.inf]) == [True, False, True, True]


def test_only_good_rows_are_learned_from() -> None:
    given = past(4.0, 4.0, 9.0, 9.0)
    found = Excursions.of(given, given.run < 2, 1.5)
    assert found.above.tolist() == [4.0]
    nothing = Excursions.of(given, np.zeros(len(given), dtype=bool), 1.5)
    assert not nothing.beyond(given).any()


def test_the_leading_column_and_how_far() -> None:
    columns = (NO_DISTANCE[2], *COLUMNS[:2])
    given = table(np.tile([7.0, 3.0, 2.0], (2 * LEAST, 1)), np.repeat([1, 2], LEAST), columns)
    found = Excursions.of(given, everything(given), 1.5)
    at, times = found.leading(table(np.array([[99, 6, 10], [99, 9, 4], [0, 0, -1]]), [3, 3, 3], columns))
    assert at.tolist() == [2, 1, 2]
    assert times.tolist() == [5.0, 3.0, MOST_TIMES]


def test_a_state_comes_back_and_a_foreign_one_is_refused() -> None:
    given = past(4.0, 3.0)
    found = Excursions.of(given, everything(given), 1.5)
    again = Excursions.restore(found.state(), 1)
    assert all(np.array_equal(again.state()[name], each) for name, each in found.state().items())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"above": np.ones(2)}, r"excursions of \(1,\), \(2,\) and \(1,\) columns"),
        ({"times": np.array(0.5), "asked": np.array(0.5)}, r"columns, 0.5 times where 0.5 are asked"),
        ({"times": np.array(1.2)}, r"columns, 1.2 times where 1.5 are asked"),
        ({"times": np.array(np.nan)}, r"columns, nan times"),
        ({"asked": np.array(np.nan)}, r"times where nan are asked"),
        ({"asked": np.array(MOST_TIMES), "times": np.array(MOST_TIMES)}, r"where 1000.0 are asked"),
        ({"times": np.array(np.inf)}, r"columns, inf times"),
        ({"at": np.array([1])}, "excursions at column 1 to 1 of 1"),
        ({"at": np.array([-1])}, "excursions at column -1 to -1 of 1"),
        ({"at": np.array([0.5])}, "positions of columns as float64"),
        ({"below": np.array([-1.0])}, "must be finite and not negative"),
        ({"above": np.array([np.inf])}, "must be finite and not negative"),
    ],
)
def test_a_state_that_is_none_is_refused(changes: State, said: str) -> None:
    """Mutant: a bundle whose bar is infinite, under which everything passes."""
    given = past(4.0, 3.0)
    with pytest.raises(ValueError, match=said):
        Excursions.restore({**Excursions.of(given, everything(given), 1.5).state(), **changes}, 1)
