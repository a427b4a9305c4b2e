"""What is decided about lumisections, and on which evidence."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Decision(StrEnum):
    """The state of one lumisection. The machine says the first four, people the rest."""

    ACCEPT = "ACCEPT"
    ASK = "ASK"
    REJECT = "REJECT"
    UNKNOWN = "UNKNOWN"
    GOOD = "GOOD"
    BAD = "BAD"
    EXCLUDED = "EXCLUDED"
    DISPUTED = "DISPUTED"
    NEEDS_REVIEW = "NEEDS_REVIEW"


CODES = {each: code for code, each in enumerate(Decision)}
"""Decisions as small integers, in the order of their definition."""

GOLDEN = frozenset({Decision.ACCEPT, Decision.GOOD})
"""The only decisions that put a lumisection into a golden JSON."""

REJECTED = frozenset({Decision.REJECT, Decision.BAD, Decision.EXCLUDED})
"""The decisions that put a lumisection into an anti-JSON."""


@dataclass(frozen=True)
class WorkingPoint:
    """Two thresholds on badness and what they were chosen for.

    A lumisection is accepted below ``accept_below``, rejected at or above ``reject_above`` and asked about between.
    ``accept_below = 0`` accepts nothing, ``reject_above = 1`` rejects what breaks a documented limit, for no model says
    1, and ``reject_above = inf`` nothing. Budgets are fractions of the weight,
    ``confidence`` the one-sided level of the policy, ``runs`` and ``alpha_min`` what the past could promise at that
    level: with no loss seen in n runs no method can bound the risk below 1 − (1 − confidence)^(1/n).
    """

    accept_below: float
    reject_above: float
    data_loss_budget: float
    pollution_budget: float
    confidence: float
    policy: str
    runs: int
    alpha_min: float

    def __post_init__(self) -> None:
        if not 0 <= self.accept_below <= self.reject_above:
            raise ValueError(f"accept_below = {self.accept_below} must lie in [0, reject_above = {self.reject_above}]")

    @property
    def digest(self) -> str:
        """SHA-256 of the fields, 64 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def decide(self, badness: NDArray[np.floating], held: NDArray[np.bool_] | None = None) -> NDArray[np.object_]:
        """Decide ``n`` lumisections; what is ``held`` ``(n,)`` is asked, a badness that is not a number is UNKNOWN."""
        free = np.ones(badness.shape, dtype=bool) if held is None else ~held
        decision = np.full(badness.shape, Decision.ASK, dtype=object)
        decision[(badness < self.accept_below) & free] = Decision.ACCEPT
        decision[(badness >= self.reject_above) & free] = Decision.REJECT
        decision[~np.isfinite(badness)] = Decision.UNKNOWN
        return decision


@dataclass(frozen=True)
class Reason:
    """One contribution to a verdict: the feature, its subsystem, its value and how much badness (log-odds) it added."""

    feature: str
    subsystem: str
    value: float
    contribution: float


@dataclass(frozen=True)
class Provenance:
    """Digests from data to decision: whoever has the same five gets the same verdict."""

    data: str
    features: str
    model: str
    working_point: str
    code: str


@dataclass(frozen=True)
class Asked:
    """What a configuration asks of features: the ``digest`` of features and limits, and whether they look at the
    ``labels`` of earlier runs and at readings of ``sensors``."""

    digest: str
    labels: bool
    sensors: bool = False


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The verdicts of one run or many, as columns of length ``n``.

    ``badness`` float32 in [0, 1], NaN where nothing valid scored it; ``weight`` in the unit of the experiment;
    ``status`` the reason of an UNKNOWN; ``subsystem`` the leading one; ``reasons`` the top contributions of each.
    """

    index: pd.MultiIndex
    decision: NDArray[np.object_]
    badness: NDArray[np.float32]
    weight: NDArray[np.float64]
    status: NDArray[np.object_]
    subsystem: NDArray[np.object_]
    reasons: tuple[tuple[Reason, ...], ...]

    def __len__(self) -> int:
        return len(self.index)

    def having(self, decisions: frozenset[Decision]) -> NDArray[np.bool_]:
        """Which lumisections carry one of the given decisions, shape ``(n,)``."""
        return np.isin(self.decision.astype(str), [str(each) for each in decisions])

    def take(self, rows: NDArray[np.bool_]) -> Verdicts:
        """The verdicts of the given rows ``(n,)`` alone."""
        columns = ("decision", "badness", "weight", "status", "subsystem")
        return replace(
            self,
            index=self.index[rows],
            **{name: getattr(self, name)[rows] for name in columns},
            reasons=tuple(itertools.compress(self.reasons, rows)),
        )


def of_other_runs(verdicts: Verdicts, runs: frozenset[int]) -> Verdicts:
    """The verdicts without those of the given runs."""
    if not runs:
        return verdicts
    return verdicts.take(~np.isin(np.asarray(verdicts.index.get_level_values("run")), list(runs)))
