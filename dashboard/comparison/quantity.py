"""A quantity without a histogram: its course along the run against the band of good lumisections of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.comparison.standing import BAND
from dashboard.comparison.switches import add_switches, scale_switch
from dashboard.look.inert import for_figure
from dashboard.look.palette import BLUE, GREY, VERMILION

FEWEST = 20
"""Good lumisections below which there is no band."""


@dataclass(frozen=True, eq=False)
class Course:
    """``values`` ``(n,)`` of a quantity in the ``unit`` at ``ls`` ``(n,)``, and the ``good`` ones ``(m,)`` of earlier
    ``runs``; ``first`` to ``last`` are looked at."""

    name: str
    unit: str
    ls: NDArray[np.int64]
    values: NDArray[np.float64]
    first: int
    last: int
    good: NDArray[np.float64]
    runs: tuple[int, ...]

    @property
    def band(self) -> NDArray[np.float64] | None:
        """Percentiles ``BAND`` of the good ones ``(3,)``; None where there are too few."""
        return np.percentile(self.good, BAND) if len(self.good) >= FEWEST else None

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The lumisections that are looked at, ``(n,)``."""
        return np.asarray((self.ls >= self.first) & (self.ls <= self.last))

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """Which of all lumisections lie outside the band, ``(n,)``; none without one."""
        band = self.band
        if band is None:
            return np.zeros(len(self.ls), dtype=bool)
        return np.asarray((self.values < band[0]) | (self.values > band[2]))


def course_table(course: Course) -> pd.DataFrame:
    """One row a lumisection that is looked at; which percentile of the good ones its value is."""
    values, ordered = course.values[course.inside], np.sort(course.good)
    share = np.searchsorted(ordered, values, side="right") / max(len(ordered), 1) * 100
    told = np.isfinite(values) & (len(ordered) > 0)
    unit = f"value ({course.unit})" if course.unit else "value"
    return pd.DataFrame(
        {
            "LS": course.ls[course.inside],
            unit: values,
            "percentile of good LS": np.where(told, share, np.nan),
            "outside 5% to 95%": course.beyond[course.inside],
        }
    )


def course_figure(course: Course, unit: str = "lumisection") -> go.Figure:
    """The values of the run, those looked at with markers, over the band."""
    inside = course.inside
    figure = go.Figure()
    if (band := course.band) is not None:
        figure.add_hrect(y0=band[0], y1=band[2], fillcolor=GREY, opacity=0.22, line_width=0, layer="below")
        figure.add_hline(y=band[1], line={"color": GREY, "width": 1, "dash": "dash"})
        figure.add_trace(
            go.Scatter(
                x=[None], y=[None], mode="markers", name="good LS of earlier runs: 5% to 95%",
                marker={"symbol": "square", "size": 13, "color": "rgba(138,143,152,0.4)"},
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=course.ls, y=course.values, mode="lines", line={"color": GREY, "width": 1}, name="the whole run",
            hoverinfo="skip",
        )
    )  # fmt: skip
    looks = (
        (inside & ~course.beyond, BLUE, "circle", "looked at"),
        (inside & course.beyond, VERMILION, "x", "outside"),
    )
    for rows, colour, symbol, name in looks:
        if rows.any():
            figure.add_trace(
                go.Scatter(
                    x=course.ls[rows], y=course.values[rows], mode="markers", name=name,
                    marker={"color": colour, "symbol": symbol, "size": 6 if inside.sum() < 300 else 3},
                    hovertemplate=f"{unit} %{{x}}: %{{y:.5g}}<extra>{name}</extra>",
                )
            )  # fmt: skip
    title = f"{course.name} ({course.unit})" if course.unit else course.name
    figure.update_yaxes(title=for_figure(title))
    figure.update_xaxes(title=for_figure(unit))
    figure.update_layout(
        height=420,
        margin={"l": 75, "r": 20, "t": 50, "b": 55},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return add_switches(figure, [scale_switch(["yaxis"])])
