"""Reasons as the text in which a column keeps them: ``[[feature, subsystem, value, contribution], …]``.

JSON has no NaN and no infinity: there they are ``null``, ``"inf"`` and ``"-inf"``.
"""

from __future__ import annotations

import json
import math

from dqm.model.verdicts import Reason


def reasons_to_json(reasons: tuple[Reason, ...]) -> str:
    """The reasons of one verdict, as compact as can be."""
    rows = [[each.feature, each.subsystem, _finite(each.value), _finite(each.contribution)] for each in reasons]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def reasons_from_json(text: str) -> tuple[Reason, ...]:
    """The reasons of one verdict, as they were."""
    return tuple(Reason(feature, subsystem, _number(v), _number(c)) for feature, subsystem, v, c in json.loads(text))


def _finite(value: float) -> float | str | None:
    value = float(value)
    return value if math.isfinite(value) else None if math.isnan(value) else str(value)


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
