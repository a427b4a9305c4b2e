"""A few simulated faults the whole way: none that is certain passes, and the figures are those of the faults."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dqm.model.sensors import AnomalyInterval
from pipelines.benchmarks.sensor_faults import CERTAIN, FaultRow, SensorFaults, _rows, _seen, _silent, run
from pipelines.simulate.cryogenic_faults import HOUR, CryogenicFault


def test_found_named_and_late_are_counted_by_kind_and_strength() -> None:
    faults = [CryogenicFault("A", "gap", 1.0, 10 * HOUR, 11 * HOUR, 0), CryogenicFault("B", "gap", 1.0, 0, HOUR, 0)]
    anomaly = AnomalyInterval("A", 10 * HOUR + HOUR // 4, None, 3.0, "level", (), "")
    seen = list(_seen(faults, [anomaly]))
    (row,) = _rows(seen)
    assert (row.faults, row.found, row.named, row.minutes, row.carried) == (2, 0.5, 0.0, 15.0, 0)
    assert _silent(seen) == 2  # one was found under another name, one not at all
    (beside,) = _rows(list(_seen(faults, [replace(anomaly, cause="S12")])))
    assert (beside.found, beside.carried) == (0.5, 1)


def test_the_table_says_what_passed_and_the_rate() -> None:
    rows = (FaultRow("gap", 1.0, "h", 2, 0.5, 1.0, 15.0, 2), FaultRow("leak", 5.0, "W", 2, 0.0, np.nan, np.nan, 0))
    result = SensorFaults(rows, 1, 3, 6.0, 1, 4.0, (0.9,), 1.0)
    assert "4 faults; 1 of a gap, a stuck sensor or a change of unit passed without its name" in result.text()
    assert "2 faults were told only as part of a common cause" in result.text()
    assert "1 false alarm in 4.0 quiet loop-weeks in sectors without faults: 0.25 per loop and week" in result.text()
    assert "3 false alarms in 6.0 quiet loop-weeks beside loops with faults: 0.50 per loop" in result.text()
    document = json.loads(json.dumps(result.document(), allow_nan=False))
    assert document["metrics"]["faults"] == 4
    assert document["rows"][1]["minutes"] is None
    assert [each.name for each in result.figure().data] == ["gap (h: 1)", "leak (W: 5)"]


@pytest.mark.slow  # simulates and scans nine days of ten loops
def test_no_certain_fault_passes_in_a_quick_run(tmp_path: Path) -> None:
    result = run(quick=True, plot=tmp_path / "plot.html")
    assert sum(row.faults for row in result.rows) == 27
    assert result.silent == 0
    certain = [row for row in result.rows if row.kind in CERTAIN]
    assert {row.found for row in certain} == {1.0}
    assert {row.named for row in certain} == {1.0}
    assert (tmp_path / "plot.html").stat().st_size > 1_000_000
