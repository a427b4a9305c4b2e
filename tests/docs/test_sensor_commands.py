"""The commands at the top of the pages of sensors run as they are written, one after the other, on simulated data."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app

DOCS = Path(__file__).resolve().parents[2] / "docs"
DONE = (0, 3)
"""Done, and done with input in quarantine: the simulated sensors have faults."""


@pytest.mark.slow  # simulates and scans two days
@pytest.mark.parametrize("page", ["sensor-streams.md", "sensor-scan.md"])
def test_commands_run_as_written(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    block = re.search(r"^```bash\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    for line in block.group(1).splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "dqm"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code in DONE, f"{line}: {done.output} {done.exception!r}"
