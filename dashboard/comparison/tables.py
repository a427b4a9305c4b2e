"""What the charts of a comparison show, as tables and as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.comparison.standing import BAND, Given, Standing
from dashboard.look.inert import for_spreadsheet
from dqm.model.histograms import Axis

UNDERFLOW, OVERFLOW = "underflow", "overflow"


def bin_names(axis: Axis) -> list[str]:
    """A name for every bin, flow first and last: its label, or its number from 0."""
    inner = list(axis.labels) or [f"{i}" for i in range(axis.bins)]
    return [UNDERFLOW, *inner, OVERFLOW]


def edges_with_flow(axis: Axis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends of the bins, each ``(bins + 2,)``; the flow reaches to infinity."""
    edges = axis.all_edges
    return np.concatenate([[-np.inf], edges]), np.concatenate([edges, [np.inf]])


def bin_table(standing: Standing) -> pd.DataFrame:
    """One row a bin, flow first and last."""
    axis = standing.reference.axes[0]
    low, high = edges_with_flow(axis)
    rows = {
        "bin": bin_names(axis),
        "from": low,
        "to": high,
        "counts": standing.given.counts,
        "counts per LS": standing.drawn(normalised=False)[0],
        "reference per LS": standing.drawn(normalised=False)[1],
        "share": standing.share,
        "reference share": standing.expected,
        "ratio": standing.ratio,
        "pull": standing.pulls.astype(np.float64),
    }
    band = standing.band(normalised=True)
    if band is not None:
        rows |= {f"good {q}%": values for q, values in zip(BAND, band, strict=True)}
    return pd.DataFrame(rows)


def lone_table(given: Given) -> pd.DataFrame:
    """One row a bin of a histogram without a reference."""
    axis = given.axes[0]
    low, high = edges_with_flow(axis)
    share = given.counts / given.total if given.total > 0 else np.full(len(given.counts), np.nan)
    return pd.DataFrame({"bin": bin_names(axis), "from": low, "to": high, "counts": given.counts, "share": share})


def csv_of(table: pd.DataFrame) -> bytes:
    """A table as CSV, UTF-8; text that a spreadsheet would take for a formula is preceded by an apostrophe."""
    inert = table.copy()
    for name in inert.columns:
        if not pd.api.types.is_numeric_dtype(inert[name]):
            inert[name] = [for_spreadsheet(each) for each in inert[name]]
    inert.columns = pd.Index([for_spreadsheet(each) for each in inert.columns])
    # RFC 4180; with a bare \n the csv module leaves a \r inside a text unquoted, and what follows would begin a row
    return inert.to_csv(index=False, lineterminator="\r\n").encode()


def file_name(run: int, element: str, first: int, last: int) -> str:
    """Name of a CSV file: letters, digits and hyphens of the element alone.

    >>> file_name(112, "ecal/charge", 3, 9)
    'compare-112-ls3-9-ecal-charge.csv'
    """
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in element)
    return f"compare-{run}-ls{first}-{last}-{plain[:80].strip('-')}.csv"
