"""The benchmark of a watch times files as they appear, and does not wait for ever where nothing is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.model.errors import InputError
from pipelines.benchmarks import watch
from pipelines.benchmarks.night import watch_row

pytestmark = pytest.mark.slow  # a past is learned from first


def test_one_file_is_timed() -> None:
    found = watch.measure(1)
    row = watch_row(found).document()
    assert (row["set"], row["method"], row["metrics"]["seconds"]) == ("watch", "lumicert", found.seconds[0])
    assert found.runs > 50
    assert "from a file to its alert" in found.text()


def test_an_alert_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.01)
    with pytest.raises(InputError, match=r"no alert of run \d+ within 0.01 s of its file; the watch says:"):
        watch.measure(1)
