"""An event as it is told: CloudEvents 1.0, severities and words."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from dqm.model.events import EVENT_TYPES, Event
from pipelines.alerts.notice import Notice, severity_of

AT = datetime(2026, 11, 25, 13, 30, tzinfo=timezone(timedelta(hours=1)))
EVENT = Event("anomaly.opened", "run 7", {"severity": "critical", "lumisections": 3, "worst": None}, 7, "ECAL")


def test_a_cloud_event_has_what_version_1_0_asks_for() -> None:
    assert Notice(EVENT, AT, "https://dqm.test/site").cloud_event() == {
        "specversion": "1.0",
        "id": EVENT.id,
        "source": "https://dqm.test/site",
        "type": "io.lumicert.anomaly.opened",
        "subject": "run 7",
        "time": "2026-11-25T12:30:00.000000Z",
        "datacontenttype": "application/json",
        "severity": "critical",
        "run": 7,
        "subsystem": "ECAL",
        "data": {"severity": "critical", "lumisections": 3, "worst": None},
    }


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_attributes_of_every_event_are_as_the_specification_names_them(type_: str) -> None:
    """CloudEvents 1.0.2, 3.1: names of lower-case letters and digits, values neither empty nor null."""
    told = Notice(Event(type_, "x"), AT, "s").cloud_event()
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in told)
    assert all(value not in ("", None) for name, value in told.items() if name != "data")
    assert {"run", "subsystem"} & told.keys() == set()


def test_bytes_are_always_the_same_and_hold_no_control_character() -> None:
    odd = Event("data.conflict", "run 7\n\x00\u0085", {"reason": "a\nb"}, 7, "E\tB\u2028")
    body = Notice(odd, AT, "s").body()
    assert body == Notice(odd, AT, "s").body()
    told = json.loads(body)
    assert (told["subject"], told["subsystem"], told["data"]["reason"]) == ("run 7", "E B", "a\nb")


def test_severity_is_that_of_the_type_unless_the_data_say_another() -> None:
    assert severity_of(EVENT) == "critical"
    assert severity_of(Event("nightly.failed", "n")) == "critical"
    assert severity_of(Event("nightly.finished", "n")) == "info"
    assert severity_of(Event("data.late", "n", {"severity": "apocalyptic"})) == "warning"


def test_words_for_people() -> None:
    data = {
        "ranges": [[1, 5], [9, 9]],
        "reasons": [{"feature": "rate", "lumisections": 3}],
        "worst": 0.123456789,
        "previous": "",
    }
    notice = Notice(Event("anomaly.updated", "run 7", data, 7, "ECAL"), AT, "site")
    assert notice.title() == "[warning] anomaly.updated: run 7, ECAL"
    assert notice.text().splitlines() == [
        "ranges: 1-5, 9",
        "reasons: rate 3",
        "worst: 0.123457",
        f"id: {notice.id}",
        "time: 2026-11-25T12:30:00.000000Z",
        "source: site",
    ]
    assert len(Notice(Event("data.late", "x" * 9999), AT, "s").title()) == 200
