"""The benchmark of faults runs the whole way, counts every lumisection that was hit, and says what it is."""

from __future__ import annotations

import json

import pytest

from pipelines.benchmarks.faults import DetectionResult, DetectionRow, run


def test_the_table_and_its_json() -> None:
    row = DetectionRow("dead_region", False, 0.15, 40, 0.5, 0.25, 0.25, 0.9)
    quiet = DetectionRow("low_statistics", True, 0.7, 40, 0.0, 0.0, 1.0, float("nan"))
    found = DetectionResult((row, quiet), 2, 100, 0.01, 0.05)
    text = found.text()
    assert "dead_region            0.15     40       50%     25%       25%     90%" in text
    assert "low_statistics*" in text
    assert "All is simulated" in text
    assert found.document()["rows"][0]["rejected"] == 0.5
    assert found.document()["quiet"] == 100


@pytest.mark.slow
def test_strong_faults_are_noticed() -> None:
    found = run(quick=True, weeks=3.0, elements=3)
    rows = {(row.fault, row.strength): row for row in found.rows}
    assert all(0.999 < row.rejected + row.asked + row.accepted < 1.001 for row in found.rows)
    missing = rows["missing_rate", 1.0]
    assert missing.accepted == 0, "what is not there is never accepted"
    json.dumps(found.document()["rows"][0])
