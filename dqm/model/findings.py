"""What was wrong with the input, where, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "repaired", "quarantined"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in an input.

    ``code`` is short and stable (``duplicate``, ``conflict``, ``invalid:charge``, ``truncated``, ``unknown-column`` …).
    *note*: nothing changed; *repaired*: harmless and mended (an identical duplicate dropped); *quarantined*: the file,
    run or lumisection it names is not used and its lumisections are UNKNOWN.
    """

    code: str
    severity: Severity
    reason: str
    file: str = ""
    run: int | None = None
    ls: int | None = None

    def __str__(self) -> str:
        run = f"run {self.run}" if self.run is not None else ""
        ls = f"LS {self.ls}" if self.ls is not None else ""
        place = ", ".join(filter(None, [self.file, run, ls]))
        return f"{self.severity} [{self.code}] " + (f"{place}: " if place else "") + self.reason
