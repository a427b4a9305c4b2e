"""An event as it is told: how urgent it is, as CloudEvents 1.0 JSON, and in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dqm.model.alerts_config import SEVERITIES, Severity
from dqm.model.events import Event

PREFIX = "io.lumicert."
MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_URGENT: dict[str, Severity] = {
    "nightly.failed": "critical",
    "nightly.missed": "critical",
    "run.ask_threshold_exceeded": "warning",
    "anomaly.opened": "warning",
    "anomaly.updated": "warning",
    "anomaly.resolved": "warning",
    "schema.drift": "warning",
    "data.late": "warning",
    "data.missing": "warning",
    "data.conflict": "warning",
    "data.quarantined": "warning",
    "model.drift": "warning",
    "model.refused": "critical",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def severity_of(event: Event) -> Severity:
    """How urgent an event is: as its data say, or as its type does.

    An anomaly keeps the worst that it ever was, its end included, so that who was told of it is told of its end.
    """
    said = event.data.get("severity")
    return said if said in SEVERITIES else _URGENT.get(event.type, "info")


@dataclass(frozen=True)
class Notice:
    """One event as a receiver gets it: ``id`` is the event's own for ever, ``at`` when it was posted, in UTC."""

    event: Event
    at: datetime
    source: str

    @property
    def id(self) -> str:
        """64 hex digits, the same at every attempt."""
        return self.event.id

    @property
    def severity(self) -> Severity:
        """How urgent it is."""
        return severity_of(self.event)

    def cloud_event(self) -> dict[str, Any]:
        """The event by CloudEvents 1.0 (JSON, structured mode); run, subsystem and severity are extensions."""
        event = self.event
        attributes = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": PREFIX + event.type,
            "subject": one_line(event.subject),
            "time": rfc3339(self.at),
            "datacontenttype": "application/json",
            "severity": self.severity,
            "run": event.run,
            "subsystem": one_line(event.subsystem),
        }
        return {key: each for key, each in attributes.items() if each not in (None, "")} | {"data": dict(event.data)}

    def body(self) -> bytes:
        """The CloudEvent as bytes, always the same."""
        return json.dumps(self.cloud_event(), separators=(",", ":"), allow_nan=False).encode()

    def title(self) -> str:
        """One line for people."""
        where = self.event.subject + (f", {self.event.subsystem}" if self.event.subsystem else "")
        return one_line(f"[{self.severity}] {self.event.type}: {where}")[:200]

    def text(self) -> str:
        """What is known, one line for each part of the data."""
        lines = [f"{key}: {_shown(each)}" for key, each in self.event.data.items() if each not in (None, "", [])]
        return "\n".join([*lines, f"id: {self.id}", f"time: {rfc3339(self.at)}", f"source: {self.source}"])


def rfc3339(at: datetime) -> str:
    """A moment in UTC, as in 2026-11-25T23:01:32.000000Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def one_line(text: str) -> str:
    """Text without control characters: it may go into a header, a label or an attribute."""
    return _CONTROL.sub(" ", text).strip()


def _shown(value: Any) -> str:
    """A part of the data in words: ranges as 1-5, 9; a record as its values."""
    if isinstance(value, list) and value and all(isinstance(each, list) and len(each) == 2 for each in value):
        return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in value)
    if isinstance(value, list):
        return "; ".join(_shown(each) for each in value)
    if isinstance(value, Mapping):
        return " ".join(_shown(each) for each in value.values() if each not in (None, ""))
    return one_line(f"{value:.6g}" if isinstance(value, float) else str(value))[:500]
