"""What a certification did, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dqm.model.amounts import agreeing, counted
from dqm.model.verdicts import WorkingPoint

STALE = "stale-scores"
"""Status of a lumisection whose data, those of an earlier run behind its features, or limits changed after scoring."""

MOST_NAMED = 20
"""Runs that are named one by one in a command."""
BECAME_STALE = (
    f"[is|are] UNKNOWN ({STALE}): [its|their] data, readings of sensors, data of earlier runs that [it is|they are] "
    "compared with, or the features or limits of the configuration changed after scoring; score [it|them] again with: "
)
"""What is said of one such run, and of several."""


@dataclass(frozen=True)
class CertifySummary:
    """What one certification decided: lumisections by decision, the golden JSON, the working point, stale runs.

    ``signed`` runs were left as they are; those of them in ``review`` have data that changed since. Those that are
    ``provisional`` still grow and are not in what was published. ``earlier`` ones were scored by another model.
    ``guard`` tells that the model holds single lumisections otherwise than the configuration asks for. ``left`` counts
    by run the lumisections that the golden JSON before held and this one does not.
    """

    runs: int
    decisions: dict[str, int]
    golden: int
    version: int
    path: Path
    working_point: WorkingPoint
    written: tuple[Path, ...] = ()
    stale: tuple[int, ...] = ()
    signed: tuple[int, ...] = ()
    review: tuple[int, ...] = ()
    provisional: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()
    withdrawn: bool = False
    guard: str = ""
    left: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    def text(self) -> str:
        """For people."""
        total = sum(self.decisions.values())
        none = "all signed" if self.signed and not self.earlier else "none that this model has to decide"
        shares = ", ".join(f"{n} {name} ({n / total:.1%})" for name, n in self.decisions.items() if n) or none
        return (
            f"certified {counted(total, 'lumisection')} of {counted(self.runs, 'run')}: {shares}\n"
            f"golden JSON version {self.version} holds {counted(self.golden, 'lumisection')}: {self.path}"
            + "".join(f"\nwrote {each}" for each in self.written)
            + self._note()
        )

    def _note(self) -> str:
        """What became UNKNOWN because data changed, which runs were signed, and the ways out."""
        text = "\nnote: the model drifts, so automation is WITHDRAWN: see docs/operations.md" if self.withdrawn else ""
        text += f"\nnote: {self.guard}" if self.guard else ""
        if self.left:
            number = sum(self.left.values())
            runs = _listed(tuple(f"{run} ({n})" for run, n in self.left.items()))
            text += (
                f"\nnote: {counted(number, 'lumisection')} {agreeing(number, '[is|are]')} golden no more: "
                f"of {agreeing(len(self.left), '[run|runs]')} {runs}; dqm explain RUN LS tells why"
            )
        if self.stale:
            text += (
                f"\nnote: {counted(len(self.stale), 'run')} {agreeing(len(self.stale), BECAME_STALE)}"
                f"dqm score --runs {_spelled(self.stale)} (where features or limits changed, after dqm train; "
                "a run that it learns from is for people then: dqm decide)"
            )
        if self.earlier:
            text += (
                f"\nnote: decided by the scores of another model, so as before: {_listed(self.earlier)}; "
                "to score them by this one: dqm backfill"
            )
        if self.provisional:
            text += f"\nnote: provisional until the run ends, so not published: {_listed(self.provisional)}"
        if self.signed:
            text += f"\nnote: signed, so not decided again: {_listed(self.signed)}"
        if self.review:
            text += (
                f"\nnote: signed, but their data changed since: {_listed(self.review)}; "
                f"what was signed stands until: dqm reopen {self.review[0]}"
            )
        return text

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            **vars(self),
            "path": str(self.path),
            "left": dict(self.left),
            "written": list(map(str, self.written)),
            "working_point": vars(self.working_point),
        }


def _spelled(runs: tuple[int, ...]) -> str:
    """Runs as ``--runs`` takes them; of many the range that they lie in, for scored again the others stay the same."""
    return ",".join(map(str, runs)) if len(runs) <= MOST_NAMED else f"{runs[0]}-{runs[-1]}"


def _listed(runs: Sequence[object]) -> str:
    more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
    return ", ".join(map(str, runs[:5])) + more
