"""The operating curve of the past: data loss and pollution against workload, with the point that was chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.look.palette import BLUE, GREY, ORANGE, VERMILION
from dashboard.trade_off.tables import PastCurve
from dqm.decide.definitions import Outcome
from dqm.model.verdicts import WorkingPoint

PERCENT = 100.0
ROOM = 2.5
"""How far above the budget the axis of a panel reaches, in budgets."""
HEIGHT = 420
"""Of the figure in pixels."""
PANELS = (("x", "y", (0.0, 0.43)), ("x2", "y2", (0.57, 1.0)))
"""The two axes of each panel, and where it lies across the figure."""
Trace = dict[str, Any]


def trade_off_figure(
    past: PastCurve, chosen: WorkingPoint, current: WorkingPoint | None = None, name: str = "these budgets"
) -> go.Figure:
    """``trade_off_drawing`` as a figure of Plotly."""
    return go.Figure(trade_off_drawing(past, chosen, current, name))


def trade_off_drawing(
    past: PastCurve, chosen: WorkingPoint, current: WorkingPoint | None = None, name: str = "these budgets"
) -> dict[str, Any]:
    """Two panels over the workload: data loss while ``reject_above`` moves, pollution while ``accept_below`` moves.

    The other threshold stays where ``chosen`` has it. Bands are pointwise 90% intervals from resampled runs; the dashed
    line is the budget, the diamond the chosen point, called ``name``, and the circle the ``current`` one. Plain
    dictionaries in Plotly's words: *data* and *layout*.
    """
    outcomes = [past.outcome(each)[0] for each in (chosen, current) if each is not None]
    traces = [*_curve_of_loss(past, chosen), *_curve_of_pollution(past, chosen)]
    if current is not None:
        traces += _point(outcomes[1], "working point now", "circle-open", GREY)
    traces += _point(outcomes[0], name, "diamond", ORANGE)
    budgets = (chosen.data_loss_budget, chosen.pollution_budget)
    layout: dict[str, Any] = {
        "height": HEIGHT,
        "margin": {"l": 70, "r": 60, "t": 80, "b": 60},
        "legend": {"orientation": "h", "y": 1.12, "yanchor": "bottom", "x": 0},
        "uirevision": "trade-off",
        "shapes": [_line(panel, budget) for panel, budget in zip(PANELS, budgets, strict=True)],
        "annotations": [
            *(_heading(panel, text) for panel, text in zip(PANELS, ("data loss", "pollution"), strict=True)),
            *(_named(panel, budget) for panel, budget in zip(PANELS, budgets, strict=True)),
        ],
    }
    reach = _reach(past, outcomes)
    for (x, y, domain), budget, of in zip(PANELS, budgets, ("good", "accepted"), strict=True):
        span = ROOM * PERCENT * budget
        layout[x.replace("x", "xaxis")] = {
            "title": {"text": "workload (% of lumisections)"},
            "range": reach,
            "domain": domain,
            "anchor": y,
        }
        layout[y.replace("y", "yaxis")] = {
            "title": {"text": f"of the {of} weight (%)"},
            "range": [-0.08 * span, span],
            "anchor": x,
        }
    return {"data": traces, "layout": layout}


def _curve_of_loss(past: PastCurve, chosen: WorkingPoint) -> list[Trace]:
    above = past.thresholds >= chosen.accept_below
    work = past.past.workload(chosen.accept_below, past.thresholds[above])
    ends = past.bands.data_loss_lo[above], past.bands.data_loss_hi[above]
    return _band(0, VERMILION, work, past.loss[above], *ends)


def _curve_of_pollution(past: PastCurve, chosen: WorkingPoint) -> list[Trace]:
    below = past.thresholds <= chosen.reject_above
    work = past.past.workload(past.thresholds[below], chosen.reject_above)
    ends = past.bands.pollution_lo[below], past.bands.pollution_hi[below]
    return _band(1, BLUE, work, past.pollution[below], *ends)


def _reach(past: PastCurve, outcomes: list[Outcome]) -> list[float]:
    """Ends of the axis of the workload in percent: from what is asked at any threshold to beyond the points."""
    work = [each.workload or 0.0 for each in outcomes]
    span = max(1.8 * (max(work) - past.least_workload), 0.05)
    return [PERCENT * max(0.0, past.least_workload - 0.05 * span), PERCENT * min(1.0, past.least_workload + span)]


def _band(
    panel: int,
    colour: str,
    workload: NDArray[np.float64],
    value: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> list[Trace]:
    """A line with its band, both over the workload in percent; what is undefined is left out."""
    kept = np.isfinite(workload) & np.isfinite(value)
    banded = kept & np.isfinite(low) & np.isfinite(high)
    x = PERCENT * workload
    around = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "legendgroup": "band"}
    fill = {"fill": "tonexty", "fillcolor": "rgba(138, 143, 152, 0.28)", "name": "90% band over runs"}
    line = {"mode": "lines", "line": {"color": colour, "width": 2}, "showlegend": False}
    hover = {"hovertemplate": "workload %{x:.2f}%<br>%{y:.3f}%<extra></extra>"}
    return [
        _trace(panel, x[banded], PERCENT * high[banded], **around, showlegend=False),
        _trace(panel, x[banded], PERCENT * low[banded], **around, **fill, showlegend=panel == 0),
        _trace(panel, x[kept], PERCENT * value[kept], **line, **hover),
    ]


def _point(found: Outcome, name: str, symbol: str, colour: str) -> list[Trace]:
    """Where a working point stands in both panels; where a ratio is undefined it stands nowhere."""
    marker = {"symbol": symbol, "size": 13, "color": colour, "line": {"width": 2}}
    told = {"mode": "markers", "marker": marker, "name": name, "legendgroup": name}
    hover = {"hovertemplate": f"{name}<br>workload %{{x:.2f}}%<br>%{{y:.3f}}%<extra></extra>"}
    return [
        _trace(
            panel,
            np.array([PERCENT * found.workload]),
            np.array([PERCENT * value]),
            **told,
            **hover,
            showlegend=panel == 0,
        )
        for panel, value in enumerate((found.data_loss, found.pollution))
        if value is not None and found.workload is not None
    ]


def _trace(panel: int, x: NDArray[np.float64], y: NDArray[np.float64], **rest: Any) -> Trace:
    across, up, _ = PANELS[panel]
    return {"type": "scatter", "x": x, "y": y, "xaxis": across, "yaxis": up, **rest}


def _line(panel: tuple[str, str, tuple[float, float]], budget: float) -> dict[str, Any]:
    x, y, _ = panel
    ends = {"x0": 0, "x1": 1, "xref": f"{x} domain", "y0": PERCENT * budget, "y1": PERCENT * budget, "yref": y}
    return {"type": "line", **ends, "line": {"dash": "dash", "width": 1.2, "color": GREY}}


def _heading(panel: tuple[str, str, tuple[float, float]], text: str) -> dict[str, Any]:
    middle = sum(panel[2]) / 2
    place = {"x": middle, "xref": "paper", "xanchor": "center", "y": 1, "yref": "paper", "yanchor": "bottom"}
    return {"text": text, "showarrow": False, "font": {"size": 16}, "yshift": 6, **place}


def _named(panel: tuple[str, str, tuple[float, float]], budget: float) -> dict[str, Any]:
    """What the dashed line is, beside the panel: inside it would lie over the curve wherever that comes near."""
    x, y, _ = panel
    place = {"x": 1, "xref": f"{x} domain", "xanchor": "left", "y": PERCENT * budget, "yref": y, "yanchor": "middle"}
    told = f"budget<br>{PERCENT * budget:g}%"
    return {"text": told, "showarrow": False, "font": {"size": 12}, "align": "left", "xshift": 4, **place}
