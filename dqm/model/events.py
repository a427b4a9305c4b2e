"""What happened and others want to be told of: one record, from which every alert and notification is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dqm.model.errors import UnknownNameError

EVENT_TYPES = (
    "nightly.finished",
    "nightly.failed",
    "nightly.missed",
    "run.scored",
    "run.ask_threshold_exceeded",
    "anomaly.opened",
    "anomaly.updated",
    "anomaly.resolved",
    "schema.drift",
    "data.late",
    "data.missing",
    "data.conflict",
    "data.quarantined",
    "model.drift",
    "model.promoted",
    "model.refused",
    "golden.published",
    "alerts.test",
)
"""Every type of event, as the ``type`` of a CloudEvent ends."""

ANOMALY_EVENTS = tuple(each for each in EVENT_TYPES if each.startswith("anomaly."))
"""The types that speak of an anomaly, of one (run, subsystem)."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to a ``subject`` such as ``run 355100``, with ``data`` that JSON can hold.

    ``run`` and ``subsystem`` are what alerts are grouped by. Equal events are one event: its ``id`` is a digest of
    everything else, so who tells the same again tells nothing new. What makes two occurrences differ, a digest or the
    day of a night, therefore belongs into ``data``. Raises ``UnknownNameError`` for a type that there is not.
    """

    type: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    run: int | None = None
    subsystem: str = ""

    def __post_init__(self) -> None:
        if self.type not in EVENT_TYPES:
            raise UnknownNameError("event type", self.type, EVENT_TYPES)

    @property
    def id(self) -> str:
        """SHA-256 over all fields, 64 hex digits."""
        parts = (self.type, self.subject, self.run, self.subsystem, dict(self.data))
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()
