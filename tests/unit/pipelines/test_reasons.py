"""Reasons of a verdict: a limit first, then a guard, then the largest contributions, each with its subsystem."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.boosted import Boosted
from detectors.excursions import Excursions
from detectors.model import Model
from dqm.model.tables import Column, FeatureTable, lumisection_index
from dqm.model.verdicts import Reason
from pipelines.run.reasons import BEYOND, MOST, reasons_of, with_excursions

COLUMNS = (
    Column("counts.near", "counts.z"),
    Column("counts.held", "counts.run", role="guard"),
    Column("limit.lost", "the manual", "faraday", role="limit"),
    Column("course.a.own", "course.own", "ecal"),
    Column("position.gap", "position"),
    Column("hits.z", "counts.z", "pixel", role="detail"),
    Column("segments.z", "counts.z", "muons", role="detail"),
    Column("counts.missing", "counts.missing", role="guard"),
    Column("segments.missing", "counts.missing", "muons", role="detail"),
)


def explained(values: dict[str, float], contribution: dict[str, float]) -> tuple[str, tuple[Reason, ...]]:
    """Subsystem and reasons of one lumisection, beside another one that is not to be mixed up with it."""
    names = [column.name for column in COLUMNS]
    row, said = np.zeros((2, len(COLUMNS))), np.zeros((2, len(COLUMNS)), dtype=np.float32)
    row[1] = 99.0
    for name, value in values.items():
        row[0, names.index(name)] = value
    for name, value in contribution.items():
        said[0, names.index(name)] = value
    subsystem, reasons = reasons_of(FeatureTable(lumisection_index([1, 1], [1, 2]), COLUMNS, row), said)
    return subsystem[0], reasons[0]


def test_limit_then_guard_then_the_largest() -> None:
    """Mutant: ordered by contribution alone."""
    subsystem, found = explained(
        {"limit.lost": 1, "counts.held": 1, "hits.z": -2, "segments.z": 5, "course.a.own": 0.5},
        {"counts.near": 3.0, "course.a.own": 8.0},
    )
    assert found == (
        Reason("limit.lost: the manual", "faraday", 1.0, np.inf),
        Reason("counts.held: segments.z", "muons", 5.0, 0.0),
        Reason("course.a.own", "ecal", 0.5, 8.0),
    )
    assert subsystem == "faraday"


@pytest.mark.parametrize(
    ("hits", "segments", "leader"), [(-7.0, 5.0, "pixel"), (1.0, -5.0, "muons"), (np.nan, 0.1, "muons")]
)
def test_a_feature_over_columns_leads_to_the_one_that_stands_out(hits: float, segments: float, leader: str) -> None:
    subsystem, found = explained({"hits.z": hits, "segments.z": segments}, {"counts.near": 2.0})
    assert subsystem == leader
    assert found[0].value == pytest.approx(hits if leader == "pixel" else segments)
    assert len(found) == 1


def test_a_missing_quantity_is_named() -> None:
    subsystem, found = explained({"counts.missing": 1, "segments.missing": 1}, {})
    assert (subsystem, found[0].feature) == ("muons", "counts.missing: segments.missing")


def test_a_feature_without_details_speaks_for_itself() -> None:
    subsystem, found = explained({"position.gap": 4}, {"position.gap": 1.0})
    assert (subsystem, found) == ("", (Reason("position.gap", "", 4.0, 1.0),))


def test_no_contribution_is_no_reason() -> None:
    assert explained({"hits.z": 4.0}, {}) == ("", ())


def test_at_most_three_and_the_largest_first() -> None:
    said = {"counts.near": 1.0, "course.a.own": 4.0, "position.gap": 2.0, "hits.z": 3.0}
    _, found = explained({}, said)
    assert [each.contribution for each in found] == [4.0, 3.0, 2.0]
    assert len(found) == MOST


def test_limits_and_guards_that_are_kept_or_missing_are_silent() -> None:
    assert explained({"limit.lost": np.nan, "counts.held": 0.0}, {}) == ("", ())


def test_the_excursion_that_holds_a_lumisection_comes_first() -> None:
    """Mutants: every excursion, also of what another guard holds; the column over the quantities, not the quantity."""
    columns = (Column("counts.near", "counts.z", unit="sigma", kind="deviation"), *COLUMNS[1:])
    row = np.zeros((3, len(columns)))
    row[:, [0, 6]] = 8.0, -8.0
    table = FeatureTable(lumisection_index([1, 1, 1], [1, 2, 3]), columns, row)
    given = tuple(tuple(Reason(f"r{k}", "faraday", 1.0, 1.0) for k in range(n)) for n in (MOST, 1, MOST))
    leading = np.array(["faraday"] * 3, dtype=object)
    at = np.array([0], dtype=np.int64)
    model = Model("boosted", Boosted(), excursions=Excursions(at, np.array([2.0]), np.array([0.0]), 1.5, 1.5))
    alone = np.array([True, True, False])
    subsystem, found = with_excursions(leading, given, table, model, alone)
    first = Reason(f"{BEYOND}: segments.z", "muons", 4.0, 0.0)
    assert found == ((first, *given[0][:2]), (first, *given[1]), given[2])
    assert subsystem.tolist() == ["muons", "muons", "faraday"]
    assert with_excursions(leading, given, table, Model("boosted", Boosted()), alone) == (leading, given)
