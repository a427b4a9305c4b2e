"""Published figures of sensor benchmarks on the public data sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.benchmarks.nab_files import streams, windowed_gaussian
from pipelines.benchmarks.nab_scorer import ScoredFile, nab_score
from pipelines.benchmarks.skab_files import recordings

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("DQM_DATA" not in os.environ, reason="set DQM_DATA to the folder of the public data sets"),
]


def test_scorer_gives_the_published_score_of_the_windowed_gaussian() -> None:
    """39.649523496 in NAB's final_results.json, at the threshold 1 of its thresholds."""
    given = streams(Path(os.environ["DQM_DATA"]))
    found = nab_score([ScoredFile(windowed_gaussian(each.values), each.windows) for each in given], 1.0)
    assert len(given) == 58
    assert found.windows == 116
    assert found.standard == pytest.approx(39.649523496, abs=1e-6)


def test_every_recording_is_read() -> None:
    given = recordings(Path(os.environ["DQM_DATA"]))
    assert len(given) == 34
    assert {each.rows.shape[1] for each in given} == {8}
    assert sum(len(each.rows) for each in given) == 37_401
