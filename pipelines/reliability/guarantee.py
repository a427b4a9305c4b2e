"""One line of the table: what was promised, how often that was tried and how often it did not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 3
"""Failures that are told in full."""


@dataclass(frozen=True)
class Guarantee:
    """``tried`` so often, ``failed`` so often, in ``seconds``; ``note`` says what was done, ``wrong`` what failed."""

    name: str
    tried: int
    failed: int
    seconds: float
    note: str = ""
    wrong: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, answers: Sequence[str], seconds: float, note: str = "") -> Guarantee:
        """From one answer per trial: empty where all was right, else what was not."""
        wrong = tuple(each for each in answers if each)
        return cls(name, len(answers), len(wrong), seconds, note, wrong)

    def text(self) -> str:
        """For people, with the first failures."""
        line = f"{self.name:44} {self.tried:>6} {self.failed:>6} {self.seconds:>8.1f}  {self.note}"
        return "\n".join([line, *(f"    {each}" for each in self.wrong[:SHOWN])])

    def markdown(self) -> str:
        """A row of a table in a page: guarantee, tried, failed, seconds, note."""
        return f"| {self.name} | {self.tried:,} | {self.failed} | {self.seconds:.0f} | {self.note} |"

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"tried": self.tried, "failed": self.failed}
        about = {"seconds": self.seconds, "note": self.note, "wrong": list(self.wrong)}
        return {"set": self.name, "method": "lumicert", "metrics": metrics, **about}
