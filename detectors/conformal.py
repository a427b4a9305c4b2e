"""Conformal p-values: how unusual a score is among those of good lumisections that the detector did not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Conformal:
    """p(s) = (1 + #{held-out good scores ≥ s}) / (m + 1), with the ``m`` held-out scores ``good``, sorted.

    For a good lumisection that is exchangeable with the held-out ones P(p ≤ t) ≤ t (Vovk, Gammerman and Shafer,
    "Algorithmic learning in a random world", 2005; Bates et al., "Testing for outliers with conformal p-values", Annals
    of Statistics 51 (2023) 149). Lumisections of one run are not exchangeable with those of another, so p is as good as
    the held-out runs are many; no p is below 1 / (m + 1).
    """

    good: NDArray[np.float32]

    @classmethod
    def of(cls, good: ArrayLike) -> Self:
        """From scores of good lumisections, held out of training ``(m,)``; those that are no number are left out."""
        given = np.asarray(good, dtype=np.float32)
        return cls(np.sort(given[~np.isnan(given)]))

    def p(self, score: ArrayLike) -> NDArray[np.float64]:
        """p-value of every score ``(n,)``; NaN for a score that is no number."""
        s = np.asarray(score, dtype=np.float32)
        at_least = len(self.good) - np.searchsorted(self.good, s, side="left")
        return np.where(np.isnan(s), np.nan, (1 + at_least) / (len(self.good) + 1))
