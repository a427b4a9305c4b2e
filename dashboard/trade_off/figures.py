"""The operating curve of the past: data loss and pollution against workload, with the point that was chosen."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.look.palette import BLUE, GREY, VERMILION
from dashboard.trade_off.tables import PastCurve
from dqm.model.verdicts import WorkingPoint

PERCENT = 100.0
ROOM = 2.5
"""How far above the budget the axis of a panel reaches, in budgets."""


def trade_off_figure(past: PastCurve, chosen: WorkingPoint, current: WorkingPoint | None = None) -> go.Figure:
    """Two panels over the workload: data loss while ``reject_above`` moves, pollution while ``accept_below`` moves.

    The other threshold stays where ``chosen`` has it. Bands are pointwise 90% intervals from resampled runs; the dashed
    line is the budget, the diamond the chosen point and the circle the ``current`` one.
    """
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.1, subplot_titles=("data loss", "pollution"))
    curve, bands = past.curve, past.bands
    thresholds = bands.thresholds.astype(np.float64)
    above = thresholds[thresholds >= chosen.accept_below]
    below = thresholds[thresholds <= chosen.reject_above]
    _add_band(
        figure,
        1,
        VERMILION,
        curve.workload(chosen.accept_below, above),
        curve.loss(above),
        bands.data_loss_lo[thresholds >= chosen.accept_below],
        bands.data_loss_hi[thresholds >= chosen.accept_below],
    )
    _add_band(
        figure,
        2,
        BLUE,
        curve.workload(below, chosen.reject_above),
        curve.pollution(below),
        bands.pollution_lo[thresholds <= chosen.reject_above],
        bands.pollution_hi[thresholds <= chosen.reject_above],
    )
    budgets = (chosen.data_loss_budget, chosen.pollution_budget)
    for column, budget in enumerate(budgets, start=1):
        figure.add_hline(
            y=PERCENT * budget,
            line={"dash": "dash", "width": 1.2, "color": GREY},
            row=1,
            col=column,
            annotation={"text": f"budget {PERCENT * budget:g}%", "font": {"size": 12}},
            annotation_position="top right",
        )
        figure.update_yaxes(range=[-0.08 * ROOM * PERCENT * budget, ROOM * PERCENT * budget], row=1, col=column)
    if current is not None:
        _add_point(figure, past, current, "working point now", "circle-open")
    _add_point(figure, past, chosen, "these budgets", "diamond")
    figure.update_xaxes(title="workload (% of lumisections)", range=_reach(past, chosen, current))
    figure.update_yaxes(title="of the good weight (%)", row=1, col=1)
    figure.update_yaxes(title="of the accepted weight (%)", row=1, col=2)
    figure.update_annotations(yshift=6, selector={"yanchor": "bottom"})
    figure.update_layout(
        height=420,
        margin={"l": 70, "r": 20, "t": 80, "b": 60},
        legend={"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0},
    )
    return figure


def _reach(past: PastCurve, *points: WorkingPoint | None) -> list[float]:
    """Ends of the axis of the workload in percent: from what is asked at any threshold to beyond the points."""
    work = [past.outcome(point)[0].workload or 0.0 for point in points if point is not None]
    span = max(1.8 * (max(work) - past.least_workload), 0.05)
    return [PERCENT * max(0.0, past.least_workload - 0.05 * span), PERCENT * min(1.0, past.least_workload + span)]


def _add_band(
    figure: go.Figure,
    column: int,
    colour: str,
    workload: NDArray[np.float64],
    value: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:
    """A line with its band, both over the workload in percent; what is undefined is left out."""
    kept = np.isfinite(workload) & np.isfinite(value)
    banded = kept & np.isfinite(low) & np.isfinite(high)
    x = PERCENT * workload
    around = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "legendgroup": "band"}
    figure.add_trace(go.Scatter(x=x[banded], y=PERCENT * high[banded], **around), 1, column)
    figure.add_trace(
        go.Scatter(
            **(around | {"showlegend": column == 1}),
            x=x[banded],
            y=PERCENT * low[banded],
            fill="tonexty",
            fillcolor="rgba(138, 143, 152, 0.28)",
            name="90% band over runs",
        ),
        1,
        column,
    )
    hover = "workload %{x:.2f}%<br>%{y:.3f}%<extra></extra>"
    line = {"color": colour, "width": 2}
    figure.add_trace(
        go.Scatter(x=x[kept], y=PERCENT * value[kept], mode="lines", line=line, showlegend=False, hovertemplate=hover),
        1,
        column,
    )


def _add_point(figure: go.Figure, past: PastCurve, point: WorkingPoint, name: str, symbol: str) -> None:
    found, _ = past.outcome(point)
    marker = {"symbol": symbol, "size": 13, "color": "#E69F00" if symbol == "diamond" else GREY, "line": {"width": 2}}
    for column, value in enumerate((found.data_loss, found.pollution), start=1):
        if value is None or found.workload is None:
            continue
        figure.add_trace(
            go.Scatter(
                x=[PERCENT * found.workload],
                y=[PERCENT * value],
                mode="markers",
                marker=marker,
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                hovertemplate=f"{name}<br>workload %{{x:.2f}}%<br>%{{y:.3f}}%<extra></extra>",
            ),
            1,
            column,
        )
