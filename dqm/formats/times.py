"""Begins of lumisections: text with an offset or epoch seconds become UTC; a time of unknown zone is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.screening import numbers
from dqm.model.errors import InputError

OFFSET = r"[T ]\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)$"
LATEST = 4_102_444_800
"""2100-01-01: a larger number is no count of seconds but of milli- or nanoseconds."""

Times = NDArray[np.datetime64]


def utc_starts(cells: pd.Series[Any], run: pd.Series[Any], ls: pd.Series[Any], path: Path) -> Times:
    """Begins ``(n,)`` as datetime64[ns] in UTC, NaT where the cell is empty.

    Takes ISO 8601 text that ends in ``Z`` or an offset, timestamps with a zone, and seconds since 1970. Anything else
    raises ``InputError`` naming run and LS, because a begin in an unknown zone would be an hour off in silence.
    """
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        start: Times = cells.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
        return start
    seconds, bad = numbers(cells)
    if not bad.any():
        start, wrong = epoch_starts(seconds), ~np.isnan(seconds) & ~((seconds >= 0) & (seconds < LATEST))
    else:
        text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
        offset = text.where(text.str.contains(OFFSET), None)
        parsed = pd.Series(pd.to_datetime(offset, utc=True, format="ISO8601", errors="coerce")).dt.tz_localize(None)
        parsed = parsed.where(parsed.between(pd.Timestamp(0), pd.Timestamp(LATEST, unit="s")))
        start = parsed.to_numpy(dtype="datetime64[ns]")
        wrong = np.isnat(start) & (text != "").to_numpy()
    if wrong.any():
        i = int(np.argmax(wrong))
        what = f"run {run.iloc[i]}, LS {ls.iloc[i]}: start {str(cells.iloc[i])!r}"
        raise InputError(f"{path}: {what} must be ISO 8601 with Z or an offset, or seconds since 1970")
    return start


def epoch_starts(seconds: NDArray[np.float64]) -> Times:
    """Seconds since 1970 ``(n,)`` as datetime64[ns], exact to the microsecond; NaT where not in [1970, 2100)."""
    good = (seconds >= 0) & (seconds < LATEST)
    micro = np.rint(np.where(good, seconds, 0) * 1e6).astype(np.int64)
    return np.where(good, micro.astype("datetime64[us]").astype("datetime64[ns]"), np.datetime64("NaT"))
