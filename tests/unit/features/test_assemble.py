"""The feature table: limits, guards, unusable rows, names, and columns in the words of their docstring."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from dqm.model.config import CourseConfig, FeaturesConfig, LimitConfig
from dqm.model.errors import UnknownNameError
from dqm.model.tables import Column, QuantityTable, lumisection_index
from features.assemble import assemble, quantity, to_frame

COLUMNS = (
    Column("hits", "test", "pixel", kind="count"),
    Column("segments", "test", "muons", kind="count"),
    Column("charge", "test", role="weight", unit="nC"),
    Column("lost", "test", "faraday", role="condition"),
    Column("triggers", "test", "trigger", role="condition"),
)


def quantities(runs: int = 6, rows: int = 8, seed: int = 0) -> QuantityTable:
    """Runs that are alike: 1000 hits and 400 segments per unit of charge."""
    rng = np.random.default_rng(seed)
    n = runs * rows
    charge = rng.uniform(1, 2, n)
    hits, segments = rng.poisson(1000 * charge), rng.poisson(400 * charge)
    values = np.stack([hits, segments, charge, np.ones(n), np.full(n, 10.0)], axis=1)
    return QuantityTable(
        lumisection_index(np.repeat(np.arange(1, runs + 1), rows), np.tile(np.arange(1, rows + 1), runs)),
        COLUMNS,
        values,
    )


def changed(table: QuantityTable, name: str, rows: object, value: float) -> QuantityTable:
    table.values[rows, table.position(name)] = value
    return table


def column(table: QuantityTable, name: str, *limits: LimitConfig, **settings: object) -> NDArray[np.float32]:
    found: NDArray[np.float32] = assemble(table, FeaturesConfig(**settings), limits)[name]  # type: ignore[arg-type]
    return found


LIVE = LimitConfig(quantity="lost", per="triggers", least=0.05, most=0.5, because="the manual")


@pytest.mark.parametrize(
    ("lost", "triggers", "broken"),
    [
        *[(1.0, 10.0, 0.0), (0.1, 10.0, 1.0), (9.0, 10.0, 1.0), (0.5, 10.0, 0.0), (5.0, 10.0, 0.0)],
        pytest.param(0.0, 0.0, 1.0, id="nothing of either is a ratio of 0"),
        pytest.param(1.0, 0.0, 1.0, id="something of nothing is a ratio of 0"),
        *[(np.nan, 10.0, np.nan), (1.0, np.nan, np.nan), (-1.0, 10.0, np.nan), (1.0, -10.0, np.nan)],
    ],
)
def test_limit_on_a_ratio(lost: float, triggers: float, broken: float) -> None:
    """Mutant: 0/0 as NaN, which would let a lumisection without any trigger pass."""
    table = changed(changed(quantities(), "lost", 3, lost), "triggers", 3, triggers)
    found = column(table, "limit.lost/triggers", LIVE)
    assert_array_equal(found[3], np.float32(broken))
    assert (np.delete(found, 3) == 0).all()
    unchecked = column(table, "limit.lost/triggers.missing", LIVE)
    assert_array_equal(unchecked, np.isnan(found), "a limit that cannot be checked is held")


@pytest.mark.parametrize(
    ("least", "most", "expected"), [(1.0, None, 0), (1.1, None, 1), (None, 1.0, 0), (None, 0.9, 1)]
)
def test_limit_on_a_quantity_includes_its_end(least: float | None, most: float | None, expected: int) -> None:
    assert (column(quantities(), "limit.lost", LimitConfig(quantity="lost", least=least, most=most)) == expected).all()


def test_columns_of_a_limit_say_where_it_is_written_down() -> None:
    found = assemble(quantities(), FeaturesConfig(), (LIVE,)).columns[0]
    assert found == Column("limit.lost/triggers", "the manual", "faraday", role="limit", kind="flag")


def test_what_is_not_required_may_be_absent() -> None:
    optional = LimitConfig(quantity="dcs", least=1, required=False)
    found = assemble(quantities(), FeaturesConfig(), (optional,))
    assert np.isnan(found["limit.dcs"]).all()
    assert found.columns[0].subsystem == ""
    assert "limit.dcs.missing" not in found, "nothing is held for it"
    assert np.isnan(quantity(quantities(), CourseConfig(quantity="lost", per="dcs", required=False))).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"course": (CourseConfig(quantity="hitz"),)},
        {"course": (CourseConfig(quantity="lost", per="hitz"),)},
    ],
)
def test_unknown_quantity_is_answered_with_the_nearest(settings: dict[str, object]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown column 'hitz'; nearest valid names: 'hits'"):
        assemble(quantities(), FeaturesConfig(**settings))  # type: ignore[arg-type]


def test_unknown_limit_and_condition_are_answered_too() -> None:
    with pytest.raises(UnknownNameError, match="unknown column 'hitz'"):
        assemble(quantities(), FeaturesConfig(), (LimitConfig(quantity="hitz", least=1),))
    rates = QuantityTable(quantities().index, (Column("hits", kind="rate"),), quantities().values[:, :1])
    with pytest.raises(UnknownNameError, match="unknown column 'hitz'"):
        assemble(rates, FeaturesConfig(rates_within="hitz"))


def test_held_until_there_is_a_past_and_at_a_level_never_seen() -> None:
    """Mutant: ``held`` from the lumisection's z, which a short fault would raise."""
    table = quantities()
    changed(table, "hits", slice(40, 48), 1.0)
    table = changed(table, "hits", 27, 1.0)
    held = column(table, "counts.held").reshape(6, 8)
    assert held.all(axis=1).tolist() == [True, True, True, False, False, True]
    assert not held[3:5].any()
    assert np.abs(column(table, "counts.near")[27]) > 20


def test_missing_only_what_was_there_before() -> None:
    table = quantities()
    changed(table, "segments", slice(0, 8), np.nan)
    changed(table, "segments", [8, 30], np.nan)
    found = assemble(table, FeaturesConfig())
    assert np.flatnonzero(found["counts.missing"]).tolist() == [8, 30]
    assert np.flatnonzero(found["segments.missing"]).tolist() == [8, 30]
    assert not found["hits.missing"].any()


def test_unusable_rows_are_nan_and_not_looked_at() -> None:
    """Mutant: only the rows blanked at the end, their values still in the medians of later runs."""
    table, odd = quantities(), quantities()
    rows = np.arange(48) % 2 == 1
    changed(odd, "hits", rows, 1e6)
    changed(odd, "charge", rows, 1e3)
    odd.status[rows] = "conflict"
    table.status[rows] = "conflict"
    settings = FeaturesConfig(course=(CourseConfig(quantity="hits", per="lost"),), position=True)
    found, expected = assemble(odd, settings, (LIVE,)), assemble(table, settings, (LIVE,))
    assert np.isnan(found.values[rows]).all()
    assert not np.isnan(found.values[~rows]).all(axis=1).any()
    assert_array_equal(found.values, expected.values)


def test_order_of_the_rows_is_kept() -> None:
    table = quantities()
    shuffled = np.random.default_rng(2).permutation(len(table))
    settings = FeaturesConfig(position=True)
    found = assemble(table.take(shuffled), settings)
    assert_array_equal(found.values, assemble(table, settings).values[shuffled])
    assert found.index.equals(table.index[shuffled])


def test_group_columns_are_extremes_over_the_columns() -> None:
    found = assemble(quantities(), FeaturesConfig())
    late = found.run > 3
    z = np.stack([found["hits.z"], found["segments.z"]], axis=1)[late]
    for name, values in {
        "near": np.abs(z).max(axis=1),
        "second": np.abs(z).min(axis=1),
        "high": z.max(axis=1),
        "low": -z.min(axis=1),
        "contrast": np.abs(z[:, 0] - z[:, 1]) / 2,
    }.items():
        assert_allclose(found[f"counts.{name}"][late], values, rtol=1e-5, err_msg=name)


def test_counts_without_weight_say_nothing() -> None:
    table = changed(quantities(), "charge", 45, 0.0)
    found = assemble(table, FeaturesConfig())
    for name in ("counts.near", "counts.own", "hits.z", "hits.log_ratio", "hits.poisson"):
        assert np.isnan(found[name][45]), name
        assert np.isfinite(found[name][46]), name


def test_poisson_significance_and_share() -> None:
    """√(2 [N ln(N/μ) − (N − μ)]) with μ from the nearest reference; a share of the sum over the group."""
    table = quantities()
    found = assemble(table, FeaturesConfig())
    mean = (table["hits"] + 0.5) / np.exp(found["hits.log_ratio"].astype(float))
    late = found.run > 3
    n, mu = table["hits"][late], mean[late]
    expected = np.sign(n - mu) * np.sqrt(2 * np.maximum(n * np.log(n / mu) - (n - mu), 0))
    assert_allclose(found["hits.poisson"][late], expected, atol=1e-2)
    assert_allclose(found["hits.share"], table["hits"] / (table["hits"] + table["segments"]), rtol=1e-6)


@pytest.mark.parametrize(("bad", "sign"), [("low", -1.0), ("high", 1.0)])
def test_course_of_known_bad_side_is_large_when_bad(bad: str, sign: float) -> None:
    asked = {"course": (CourseConfig(quantity="hits", bad=bad),)}  # type: ignore[arg-type]
    either = column(quantities(), "course.hits.own", course=(CourseConfig(quantity="hits"),))
    assert_array_equal(column(quantities(), "course.hits.own", **asked), sign * either)
    assert_allclose(column(quantities(), "course.hits.level", **asked), sign * np.log(quantities()["hits"]), rtol=1e-6)


def test_level_is_no_feature_where_the_bad_side_is_not_known() -> None:
    found = assemble(quantities(), FeaturesConfig(course=(CourseConfig(quantity="hits"),)))
    assert "course.hits.level" not in found
    assert "course.hits.past" in found


def test_every_setting_changes_the_fingerprint() -> None:
    """The columns of a shorter past have equal names and another meaning."""
    prints = {
        assemble(quantities(), settings, limits).fingerprint
        for settings in (FeaturesConfig(), FeaturesConfig(past_runs=3))
        for limits in ((), (LIVE,), (LIVE.model_copy(update={"least": 0.01}),))
    }
    assert len(prints) == 6


def test_frame_of_a_role() -> None:
    frame = to_frame(assemble(quantities(), FeaturesConfig(), (LIVE,)), "guard")
    assert frame.columns.tolist() == ["limit.lost/triggers.missing", "counts.held", "counts.missing"]
    assert frame.index.names == ["run", "ls"]


def test_nothing_asked_leaves_the_conditions_as_they_were_given() -> None:
    given = quantities()
    found = assemble(given, FeaturesConfig(levels=(), flags=False))
    assert [(each.name, each.role) for each in found.columns] == [("lost", "condition"), ("triggers", "condition")]
    assert_array_equal(found["triggers"], given["triggers"].astype(np.float32))
