"""The benchmark of a night refuses what no night could be given, before it works for minutes."""

from __future__ import annotations

import pytest

from dqm.model.errors import ConfigError
from pipelines.benchmarks import night


def test_an_unknown_scheduler_is_refused_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: the night itself refuses it, after files were written and a past was learned."""
    monkeypatch.setattr(night, "root_python", lambda: pytest.fail("ROOT was looked for"))
    with pytest.raises(ConfigError, match=r"unknown scheduler 'nonsense'; .*processes.*, or tcp://HOST:PORT"):
        night.run(scheduler="nonsense")
