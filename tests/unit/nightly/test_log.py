"""The log for machines: whole lines, in their order, without what nobody said."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dqm.model.errors import InputError
from dqm.model.findings import Finding
from pipelines.nightly.log import SILENT, Log, logging_to
from pipelines.nightly.stages import Stages


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_text(encoding="utf-8").splitlines()]


def test_a_stage_is_a_line_with_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "nights.jsonl"
    with logging_to(str(path)) as log:
        stages = Stages(ended=log.of(night=7).stage)
        with stages.stage("ingest") as saying:
            saying.said = 'read "a.csv"\nand more'
        with stages.stage("score"):
            raise InputError("no model")
    first, second = lines(path)
    assert list(first)[:3] == ["time", "level", "event"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(first["time"])).total_seconds()) < 600
    assert (first["level"], first["night"], first["stage"]) == ("info", 7, "ingest")
    assert (first["state"], first["said"]) == ("done", 'read "a.csv"\nand more')
    assert first["seconds"] >= 0
    assert (second["level"], second["state"], second["said"]) == ("error", "failed", "no model")


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "nights.jsonl"
    for night in (1, 2):
        with logging_to(str(path)) as log:
            log.of(night=night).write("night.began")
    assert [each["night"] for each in lines(path)] == [1, 2]


def test_findings_of_a_kind_are_one_line() -> None:
    stream = io.StringIO()
    held = [Finding("conflict", "quarantined", f"LS {ls}", "a.csv", 5, ls) for ls in range(1000)]
    Log(stream).findings(
        [*held, Finding("unknown-column", "note", "not used"), Finding("unreadable", "quarantined", "x")]
    )
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["code"], first["count"], first["said"], first["run"]) == ("conflict", 1000, "LS 0", 5)
    assert (second["code"], "run" in second) == ("unreadable", False)


def test_a_full_disk_stops_nothing() -> None:
    class Full(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(28, "No space left on device")

    Log(Full()).write("night.began")
    SILENT.write("night.began")


def test_a_log_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"cannot be written: .*; name another file, or - for standard error"),
        logging_to(str(tmp_path / "none" / "nights.jsonl")),
    ):
        pass
