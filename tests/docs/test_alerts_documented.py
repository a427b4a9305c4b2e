"""Every event, its severity, every receiver and every key of it is found in ``docs/alerts.md``."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from dqm.model import plugins
from dqm.model.events import EVENT_TYPES, Event
from pipelines.alerts.notice import severity_of
from pipelines.alerts.receivers import GROUP


@pytest.fixture(scope="module")
def rows(repository: Path) -> dict[str, str]:
    """What stands after the first cell of each row of the tables, by that cell."""
    page = (repository / "docs" / "alerts.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", page, flags=re.MULTILINE))


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_every_event_is_documented_with_its_severity(type_: str, rows: dict[str, str]) -> None:
    severity = rows[type_].partition(" |")[0]
    said = "warning" if type_.startswith("anomaly.") else severity
    assert severity_of(Event(type_, "x")) == said


@pytest.mark.parametrize("kind", plugins.names(GROUP))
def test_every_receiver_and_key_is_documented(kind: str, rows: dict[str, str]) -> None:
    keys = [each.name for each in dataclasses.fields(plugins.load(GROUP, kind))]
    assert [each for each in keys if f"`{each}`" not in rows[kind]] == []
