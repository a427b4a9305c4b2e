"""Alertmanager of Prometheus, ``/api/v2/alerts``: an anomaly fires until it is resolved, anything else for a while."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipelines.alerts.notice import Notice, one_line, rfc3339
from pipelines.alerts.outside import Outside


@dataclass(frozen=True)
class Alertmanager:
    """``url`` up to and without ``/api/v2``; an alert that nothing resolves ends after ``hours``.

    ``token_env`` names the variable that holds a bearer token, where one is asked for.
    """

    url: str
    hours: float = 72.0
    token_env: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.hours <= 24 * 365:
            raise ValueError(f"hours = {self.hours:g} must lie in (0, 8760]")

    def check(self, outside: Outside) -> None:
        """Raise ``ConfigError`` for an address that is not permitted."""
        outside.target(self.url)

    def send(self, notice: Notice, outside: Outside) -> None:
        """Send one alert; of an anomaly also the end of what fired under another severity."""
        headers = {"Content-Type": "application/json"}
        if self.token_env:
            headers["Authorization"] = f"Bearer {outside.secret(self.token_env)}"
        outside.post(self.url.rstrip("/") + "/api/v2/alerts", json.dumps(self.alerts(notice)).encode(), headers)

    def alerts(self, notice: Notice) -> list[dict[str, Any]]:
        """What is posted. Labels are the identity of an alert, so begin and end of an anomaly have equal ones."""
        if not notice.event.type.startswith("anomaly."):
            return [self._alert(notice, notice.event.type, notice.severity, ends=False)]
        resolved = notice.event.type == "anomaly.resolved"
        return [
            self._alert(notice, "anomaly", each, ends=resolved or each != notice.severity)
            for each in ("warning", "critical")
        ]

    def _alert(self, notice: Notice, name: str, severity: str, *, ends: bool) -> dict[str, Any]:
        event = notice.event
        labels = {"alertname": f"lumicert.{name}", "severity": severity, "subsystem": one_line(event.subsystem)}
        labels["run"] = "" if event.run is None else str(event.run)
        return {
            "labels": {key: each for key, each in labels.items() if each},
            "annotations": {"summary": notice.title(), "description": notice.text(), "id": notice.id},
            "startsAt": rfc3339(notice.at),
            "endsAt": rfc3339(notice.at if ends else notice.at + timedelta(hours=self.hours)),
        }
