"""What was wrong with the input, where, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "repaired", "quarantined"]


def grouped(findings: Iterable[Finding]) -> list[str]:
    """One line for those of the same severity, code, file and run, with the first reason and how many there are."""
    alike: dict[tuple[str, str, str, int | None], list[Finding]] = {}
    for each in findings:
        alike.setdefault((each.severity, each.code, each.file, each.run), []).append(each)
    return [str(group[0]) + (f" (and {len(group) - 1} more like it)" if group[1:] else "") for group in alike.values()]


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

    @property
    def place(self) -> str:
        """File, run and lumisection, as far as they are known."""
        run = f"run {self.run}" if self.run is not None else ""
        ls = f"LS {self.ls}" if self.ls is not None else ""
        return ", ".join(filter(None, [self.file, run, ls]))

    @property
    def what(self) -> str:
        """The reason without the file that ``place`` names already."""
        return self.reason.removeprefix(f"{self.file}: ") if self.file else self.reason

    def __str__(self) -> str:
        return f"{self.severity} [{self.code}] " + (f"{self.place}: " if self.place else "") + self.what
