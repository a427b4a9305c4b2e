"""What a certification says in words: which runs to score again, and what left the golden JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.model.verdicts import WorkingPoint
from pipelines.run.certify_summary import CertifySummary

POINT = WorkingPoint(0.1, 0.9, 0.01, 0.01, 0.9, "margin", 30, 0.07)


def summary(**more: object) -> CertifySummary:
    return CertifySummary(2, {"ACCEPT": 3}, 3, 2, Path("golden.json-2"), POINT, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stale", "asked"),
    [
        ((5,), "dqm score --runs 5 ("),
        ((5, 9), "dqm score --runs 5,9 ("),
        (tuple(range(5, 26)), "dqm score --runs 5-25 ("),
    ],
)
def test_few_stale_runs_are_named_one_by_one(stale: tuple[int, ...], asked: str) -> None:
    """Mutant: a range from the first to the last, which scores what is not stale between them."""
    assert asked in summary(stale=stale).text()


def test_what_left_is_told_by_run() -> None:
    assert "golden no more" not in summary().text()
    assert "note: 1 lumisection is golden no more: of run 7 (1); dqm explain" in summary(left={7: 1}).text()
    many = summary(left=dict.fromkeys(range(7), 2))
    assert "14 lumisections are golden no more: of runs 0 (2), 1 (2), 2 (2), 3 (2), 4 (2) and 2 more;" in many.text()
    assert many.document()["left"][6] == 2
