"""The scale on which badness is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOOR = 1e-4
"""Badness nearer than this to 0 or 1 is drawn at this distance."""


def logit(badness: Any) -> Any:
    """log₁₀(p / (1 − p)) of numbers or an array, which gives both thresholds equal room.

    >>> float(logit(0.5)), round(float(logit(1.0)), 3)
    (0.0, 4.0)
    """
    p = np.clip(badness, FLOOR, 1 - FLOOR)
    return np.log10(p / (1 - p))
