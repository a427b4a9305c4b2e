"""What is usual, and how it is told: by hand, on features of one loop."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.decide.intervals import Stretch
from dqm.model.sensors import SECOND
from pipelines.sensors.alarm import Alarm
from pipelines.sensors.tell import NAMED, Leads, Told, told
from pipelines.sensors.usual import Feature, Judged, Ranges, Usual


def ranges(what: str, centre: float = 1.0, floor: float = 0.0) -> Ranges:
    """One feature whose usual range is 1 to either side of its centre."""
    feature = Feature(f"TT:{what}@10min", 0, what, "A", "TT", "like", "S", "K", 0.0)
    one = np.ones(1)
    return Ranges(Judged((feature,), ()), floor * one, np.empty((2, 0)), centre * one, one, one)


@pytest.mark.parametrize(("what", "less"), [("median", 2.0), ("mad", 0.0)])
def test_what_is_missing_stays_missing_and_less_counts_unless_it_is_never_worse(what: str, less: float) -> None:
    """Mutant: a missing feature of which less is never worse counts as usual."""
    u = ranges(what).beyond(np.array([[np.nan], [-1.0], [4.0]]))
    assert np.array_equal(u[:, 0], [np.nan, less, 3.0], equal_nan=True)


def test_a_feature_without_a_past_says_nothing() -> None:
    assert np.isnan(ranges("mad", centre=float("nan")).beyond(np.array([[5.0]]))).all()


def test_no_width_is_told_below_zero() -> None:
    low, high = ranges("mad", centre=np.log(0.1), floor=0.05).edges(0)
    assert (low, high) == pytest.approx((0.0, 0.1 * np.e - 0.05))


def test_a_steady_level_is_a_drift_though_its_loop_lacks_other_kinds() -> None:
    """Mutant: places of kinds that the loop lacks, which name its first feature too, are taken for that feature."""
    n = 30
    begin = np.arange(n, dtype=np.int64) * 600 * SECOND
    feature = np.zeros((n, len(NAMED)), np.intp)
    beyond, x = np.full(feature.shape, -1, np.float32), np.full(feature.shape, np.nan)
    level = NAMED.index("level")
    x[:, level] = np.linspace(3, 9, n)
    beyond[:, level] = x[:, level]
    usual = Usual(ranges("median"), np.ones(1), {"A": np.zeros(1, np.intp)})
    alarm = Alarm(np.ones(1, np.float32), 1.0, 1.0, 0)
    leads = Leads(beyond[:, level], feature, beyond, x)
    (found,) = told("A", [Stretch(0, None, 1.0)], Told(begin, begin + 600 * SECOND, leads, usual, alarm))
    assert (found.kind, found.drivers) == ("drift", ("TT",))


def test_the_reason_names_what_is_compared_with_the_other_loops() -> None:
    """Mutant: a difference from the other loops that does not say of what."""
    feature = Feature("TT:median@10min beside the other loops", 0, "beside", "A", "TT", "like", "S", "K", 0.0)
    one = np.ones(1)
    known = Ranges(Judged((feature,), ()), 0 * one, np.empty((2, 0)), one, one, one)
    usual = Usual(known, one, {"A": np.array([0])})
    begin = np.arange(3, dtype=np.int64) * 60 * SECOND
    leads = Leads.of(np.full((3, 1), 5.0, np.float32), np.full((3, 1), 6.0), np.array([0]), usual)
    alarm = Alarm.of(begin, np.ones((3, 1), np.float32), 60.0)
    (found,) = told("A", [Stretch(0, None, 3.0)], Told(begin, begin + 60 * SECOND, leads, usual, alarm))
    said = "TT: median less what the other loops let expect, over 10min is 6 K, in the past 0 to 2 K; 5 times as far"
    assert found.reason.startswith(said)
