"""Which reference is asked for, as an address writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from dqm.model.errors import InputError
from dqm.model.reference_config import ReferencesConfig

Kind = Literal["nearest", "matched", "run", "certified", "adaptive"]
KINDS: dict[Kind, str] = {
    "nearest": "nearest of the last 10, 3 and 1 runs",
    "matched": "good run of the nearest pile-up",
    "certified": "last certified runs",
    "adaptive": "moving mean of earlier runs",
    "run": "one earlier run",
}
"""Every kind of ``features.pasts``, and the one that is matched, with what a person calls it."""
OFFERED: dict[Kind, str] = {
    "nearest": "nearest of the last runs",
    "matched": "good run of like pile-up",
    "certified": "last certified runs",
    "adaptive": "moving mean",
    "run": "one earlier run",
}
"""The same in few words, for a list."""
LARGEST = 999
"""Most certified runs, and longest moving mean, that can be asked for."""
NUMBERED = ("run", "certified")


@dataclass(frozen=True)
class Choice:
    """A kind of reference, and its ``number``: the run, or how many certified runs; 0 elsewhere."""

    kind: Kind
    number: int = 0

    @classmethod
    def of(cls, settings: ReferencesConfig) -> Self:
        """What the configuration compares with."""
        return cls(settings.kind, {"run": settings.run, "certified": settings.runs}.get(settings.kind, 0))

    @classmethod
    def read(cls, text: str) -> Self:
        """What ``text`` writes; raises ``InputError`` for anything else.

        >>> Choice.read("certified-5")
        Choice(kind='certified', number=5)
        """
        kind, _, number = text.partition("-")
        whole = number.isascii() and number.isdigit() and len(number) < 16 and int(number) > 0
        if kind in NUMBERED and whole and (kind == "run" or int(number) <= LARGEST):
            return cls(kind, int(number))  # type: ignore[arg-type]  # one of the kinds
        if kind in KINDS and kind not in NUMBERED and not number:
            return cls(kind)
        kinds = "nearest, matched, adaptive, certified-8 (how many), run-123456"
        raise InputError(f"reference {text[:40]!r} is none of {kinds}")

    def text(self) -> str:
        """As ``read`` reads it."""
        return f"{self.kind}-{self.number}" if self.kind in NUMBERED else self.kind

    def title(self) -> str:
        """For people."""
        if self.kind == "run":
            return f"run {self.number}"
        if self.kind == "certified":
            return "the last certified run" if self.number == 1 else f"the last {self.number} certified runs"
        return f"the {KINDS[self.kind]}"

    def settings(self, alpha: float) -> ReferencesConfig:
        """As ``features.pasts`` takes it; ``alpha`` is how much of a moving mean stays.

        One that is matched was made a run before, or the nearest where none can be matched.
        """
        kind = "nearest" if self.kind == "matched" else self.kind
        run = self.number if self.kind == "run" else 0
        return ReferencesConfig(kind=kind, run=run, runs=self.number if self.kind == "certified" else 8, alpha=alpha)
