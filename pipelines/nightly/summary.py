"""What a night did, for people, for machines and for the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dqm.model.amounts import counted
from dqm.model.findings import Finding
from pipelines.nightly.due import Due
from pipelines.nightly.stages import Stage

SHOWN = 10
"""Findings that are printed; the report has all."""


@dataclass(frozen=True)
class NightSummary:
    """What a night did: its number, its stages, the runs it scored and those it could not, and its report.

    ``dead`` letters are alerts that were given up, in this night or before, and that nobody has dealt with yet.
    """

    night: int
    began: datetime
    seconds: float
    stages: tuple[Stage, ...]
    due: Due
    scored: int
    failed_runs: dict[int, str]
    decisions: dict[str, int]
    quarantined: int
    delivered: int
    snapshot: int
    report: Path | None = None
    findings: tuple[Finding, ...] = ()
    dead: int = 0

    @property
    def in_quarantine(self) -> tuple[str, ...]:
        """What was found that keeps data away, in words."""
        return tuple(str(each) for each in self.findings if each.severity == "quarantined")

    @property
    def failed(self) -> bool:
        """Whether a stage failed or a run could not be scored."""
        return bool(self.failed_runs) or any(each.failed for each in self.stages)

    def text(self) -> str:
        """For people."""
        lines = [f"night {self.night}: {'NOT all was done' if self.failed else 'done'} in {self.seconds:.1f} s"]
        lines += [each.text() for each in self.stages]
        lines += [f"run {run} was not scored: {why}" for run, why in self.failed_runs.items()]
        lines += [f"in quarantine: {each}" for each in self.in_quarantine[:SHOWN]]
        lines += [f"… and {self.quarantined - SHOWN} more"] if self.quarantined > SHOWN else []
        lines += (
            [f"{counted(self.dead, 'dead letter')}: somebody was not told; see dqm alerts dead"] if self.dead else []
        )
        return "\n".join(lines + ([f"report: {self.report}"] if self.report else []))

    def document(self) -> dict[str, Any]:
        """For ``--json`` and the record of the night."""
        return {
            "night": self.night,
            "began": self.began.isoformat(),
            "seconds": self.seconds,
            "stages": [each.document() for each in self.stages],
            "due": {name: list(getattr(self.due, name)) for name in ("new", "stale", "late")},
            "scored": self.scored,
            "failed_runs": {str(run): why for run, why in self.failed_runs.items()},
            "decisions": self.decisions,
            "quarantined": self.quarantined,
            "delivered": self.delivered,
            "snapshot": self.snapshot,
            "dead": self.dead,
            "report": str(self.report or ""),
        }
