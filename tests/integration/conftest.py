"""The command line as people call it, without the second that a new process takes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main

Dqm = Callable[..., tuple[int, str]]


@pytest.fixture
def dqm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Dqm:
    """Run ``dqm`` with arguments; the exit code, and what it wrote to both streams."""

    def call(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dqm", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        written = capsys.readouterr()
        return int(left.value.code or 0), written.err + written.out

    return call
