"""Features see the run they describe to its end and earlier runs, never a later one: the causal test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import features.assemble
import features.course
from dqm.model.config import CourseConfig, FeaturesConfig, LimitConfig
from dqm.model.tables import Column, FeatureTable, QuantityTable, lumisection_index
from features.assemble import assemble
from features.levels import Levels, LevelSettings, levels
from features.runs import Grouped, past_median

COLUMNS = (
    Column("hits", "test", "pixel", kind="count"),
    Column("segments", "test", "muons", kind="count"),
    Column("rate_a", "test", "trigger", kind="rate"),
    Column("rate_b", "test", "trigger", kind="rate"),
    Column("on_track", "test", "pixel", kind="fraction"),
    Column("pedestal", "test", "ecal", kind="value"),
    Column("bit", "test", "dcs", kind="flag"),
    Column("prescale", "test", role="condition"),
    Column("luminosity", "test", role="weight"),
)
SETTINGS = FeaturesConfig(
    rates_within="prescale",
    course=(CourseConfig(quantity="hits", per="luminosity", bad="low"), CourseConfig(quantity="pedestal")),
    position=True,
)
LIMITS = (LimitConfig(quantity="on_track", least=0.5), LimitConfig(quantity="rate_a", per="luminosity", most=1e4))

Extract = Callable[[QuantityTable], FeatureTable]


def extract(table: QuantityTable) -> FeatureTable:
    return assemble(table, SETTINGS, LIMITS)


def noise(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Values of every magnitude, zeros and missing ones."""
    values = np.exp(rng.normal(3, 4, (n, len(COLUMNS))))
    values[:, COLUMNS.index(next(c for c in COLUMNS if c.kind == "flag"))] = rng.integers(0, 2, n)
    values[:, [c.name for c in COLUMNS].index("prescale")] = rng.integers(0, 3, n)
    values[rng.random(values.shape) < 0.05] = 0.0
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


def campaign(seed: int, runs: int = 14) -> QuantityTable:
    """Runs of 1 to 30 rows around levels that move, with missing values, zero weights and unusable rows."""
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 31, runs)
    n = int(count.sum())
    at = np.repeat(np.arange(runs), count)
    weight = rng.uniform(0.5, 1.5, n)
    drift = np.exp(np.cumsum(rng.normal(0, 0.05, (runs, len(COLUMNS))), axis=0))[at]
    values = drift * np.array([1e3, 5e2, 50.0, 80.0, 0.8, -3.0, 1.0, 1.0, 1.0]) * rng.normal(1, 0.01, drift.shape)
    values[:, :4] *= weight[:, None]
    values[:, 6:] = np.stack([rng.random(n) < 0.95, rng.integers(0, 3, n), weight], axis=1)
    values[rng.random(values.shape) < 0.03] = np.nan
    values[rng.random(n) < 0.05, -1] = 0.0
    values[at < 3, 1] = np.nan
    ls = np.concatenate([np.cumsum(rng.choice([1, 1, 1, 4], k)) for k in count])
    index = lumisection_index(np.repeat(1 + np.cumsum(rng.integers(1, 9, runs)), count), ls)
    return QuantityTable(index, COLUMNS, values, status=np.where(rng.random(n) < 0.04, "conflict", "").astype(object))


def futures(table: QuantityTable, past: NDArray[np.bool_], seed: int) -> dict[str, QuantityTable]:
    """The same past with other later runs: noise in their place, none of them, only half of them, all unusable."""
    rng = np.random.default_rng(seed)
    other = np.where(past[:, None], table.values, noise(rng, len(table)))
    later = np.unique(table.run[~past])
    return {
        "noise": replace(table, values=other),
        "dropped": table.take(past),
        "thinned": table.take(past | np.isin(table.run, later[::2])),
        "unusable": replace(table, status=np.where(past, table.status, "late").astype(object)),
    }


def assert_causal(found: Extract, table: QuantityTable, seed: int) -> None:
    """Whatever the later runs are, features of every run up to each of three cuts are bit-equal."""
    runs, before = np.unique(table.run), found(table)
    for last in runs[[1, len(runs) // 2, -2]]:
        past = table.run <= last
        for name, other in futures(table, past, seed).items():
            after = found(other)
            assert after.columns == before.columns, name
            same = _bits(before.values[past]) == _bits(after.values[np.asarray(other.run <= last)])
            seen = [before.names[j] for j in np.flatnonzero(~same.all(axis=0))]
            assert not seen, f"{name} after run {last} is seen by {seen}"


def _bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Bit patterns, with one NaN."""
    return np.where(np.isnan(values), np.float32(np.nan), values).astype(np.float32).view(np.uint32)


@settings(max_examples=3)
@given(st.integers(0, 2**31))
def test_no_feature_sees_a_later_run(seed: int) -> None:
    """Mutants: the five of ``test_a_feature_that_sees_a_later_run_is_caught``."""
    assert_causal(extract, campaign(seed), seed)


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_no_feature_of_many_campaigns_sees_a_later_run(seed: int) -> None:
    assert_causal(extract, campaign(seed), seed)


def test_the_causal_test_looks_at_every_kind_of_feature() -> None:
    found = extract(campaign(1))
    empty = [name for name, column in zip(found.names, found.values.T, strict=True) if np.isnan(column).all()]
    assert not empty


def backwards(by_run: NDArray[np.float64], runs: int) -> NDArray[np.float64]:
    return past_median(by_run[::-1], runs)[::-1]


def one_run_ahead(by_run: NDArray[np.float64], runs: int) -> NDArray[np.float64]:
    return past_median(np.concatenate([by_run[2:], by_run[-2:]]), runs)


def reordered(y: NDArray[np.float64], rows: Grouped, constants: LevelSettings) -> Levels:
    found = levels(y[::-1], Grouped.of(-rows.code[::-1]), constants)
    return Levels(*(getattr(found, name)[::-1] for name in Levels.__dataclass_fields__))


def to_all_runs(value: NDArray[np.float64], rows: Grouped) -> NDArray[np.float64]:
    return value / np.nanmedian(np.abs(value), axis=0)


def ever_there(amount: NDArray[np.float64], rows: Grouped, recent: int) -> NDArray[np.bool_]:
    return np.asarray(~np.isfinite(amount) & np.isfinite(amount).any(axis=0))


@pytest.mark.parametrize(
    ("owner", "name", "mutant"),
    [
        (features.course, "past_median", backwards),
        (features.course, "past_median", one_run_ahead),
        (features.assemble, "levels", reordered),
        (features.assemble, "relative", to_all_runs),
        (features.assemble, "_missing", ever_there),
    ],
    ids=["backwards", "one run ahead", "reordered", "to all runs", "ever there"],
)
def test_a_feature_that_sees_a_later_run_is_caught(
    owner: object, name: str, mutant: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Medians over the runs that follow, over the next run, runs in reverse, a scale or a presence over all runs."""
    monkeypatch.setattr(owner, name, mutant)
    with pytest.raises(AssertionError, match="is seen by"):
        assert_causal(extract, campaign(1), seed=1)
