"""The shipped configuration for NAB: one for all files, made on simulated streams before a label was read.

``docs/benchmarks-sensors.md`` says how each choice was made and how often the labels were looked at.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.streaming import Streaming
from features.stream_statistics import from_average, from_season, roughening, shifted, step, unlike

DAY = 86_400.0


@dataclass(frozen=True)
class NabRecipe:
    """All that may be chosen: of the statistics (``features.stream_statistics``), of the score, and its threshold.

    Windows are a share ``window`` of the probationary records, compared with ``before`` times as many as these.
    """

    version: int = 1
    share: float = 0.1
    cycles: int = 4
    window: float = 1 / 12
    before: int = 2
    length: int = 19
    neighbours: int = 10
    pieces: int = 2000
    threshold: float = 6.8
    streaming: Streaming = field(default_factory=Streaming)

    @property
    def digest(self) -> str:
        """SHA-256 over the choices, 64 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def score(self, seconds: NDArray[np.float64], values: NDArray[np.float64], settle: int) -> NDArray[np.float64]:
        """Score ``(n,)`` of a stream; the period of a day is counted in the probationary ``settle`` records."""
        usual = float(np.median(np.diff(seconds[:settle]))) if settle > 1 else 1.0
        period = max(round(DAY / max(usual, 1.0)), 2)
        window = max(int(settle * self.window), 10)
        statistics = (
            from_average(values, self.share),
            step(values),
            from_season(values, period, self.cycles),
            shifted(values, window, self.before * settle),
            roughening(values, window, self.before * settle),
            unlike(values, self.length, self.neighbours, self.pieces),
        )
        return self.streaming.score(np.vstack(statistics), settle)
