"""Amounts in words: how many of something, and how long something lasted."""

from __future__ import annotations

import math
import re


def counted(number: int, noun: str) -> str:
    """``1 anomaly``, ``2 anomalies``: a number with its noun, which is given in the singular."""
    if number == 1:
        return f"1 {noun}"
    y = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{number} {noun[:-1]}ies" if y else f"{number} {noun}s"


def agreeing(number: int, text: str) -> str:
    """A text whose words agree with a number: ``it [is|are] gone``, each with what stands for one, and for others."""
    return re.sub(r"\[([^|\[\]]*)\|([^|\[\]]*)\]", r"\1" if number == 1 else r"\2", text)


def duration(seconds: float) -> str:
    """A time in the unit in which it is short; – for none."""
    if math.isnan(seconds):
        return "–"
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.3g} s"
