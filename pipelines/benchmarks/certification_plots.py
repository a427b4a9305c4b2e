"""Plots of the certification benchmark: realised against aimed, and what is left to people."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pipelines.benchmarks.certification import Result, Row

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito, told apart by the colour-blind; every method has its own marker too."""
MARKERS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")


def write_plots(result: Result, folder: Path) -> None:
    """One HTML file per set in ``folder``: loss, pollution and workload against the budget, with 90% intervals."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(row.set for row in result.rows):
        rows = [row for row in result.rows if row.set == name]
        target = folder / f"certification-{name.replace(':', '-')}.html"
        plot(name, rows).write_html(target, include_plotlyjs=True)


def plot(name: str, rows: list[Row]) -> go.Figure:
    """Three panels over the budget, one line per method, in per cent."""
    panels = ("data_loss", "pollution", "workload")
    titles = ("realised data loss", "realised pollution", "left to people")
    figure = make_subplots(rows=1, cols=3, subplot_titles=titles, horizontal_spacing=0.08)
    for which, method in enumerate(dict.fromkeys(row.method for row in rows)):
        these = [row for row in rows if row.method == method]
        for column, panel in enumerate(panels, start=1):
            figure.add_trace(_line(method, these, panel, which, first=column == 1), row=1, col=column)
    budgets = sorted({100 * row.budget.data_loss for row in rows})
    for column in (1, 2):
        aim = go.Scatter(x=budgets, y=budgets, mode="lines", line={"dash": "dot", "color": "#888"}, name="aim")
        figure.add_trace(aim.update(showlegend=column == 1), row=1, col=column)
    figure.update_xaxes(title="budget, % of the weight", type="log", tickvals=budgets)
    figure.update_yaxes(title="% of the weight", rangemode="tozero")
    figure.update_yaxes(title="% of the lumisections", row=1, col=3)
    return figure.update_layout(
        title=name, template="plotly_white", height=460, legend={"orientation": "h", "y": -0.25}
    )


def _line(method: str, rows: list[Row], panel: str, which: int, *, first: bool) -> go.Scatter:
    value = [100 * v if (v := getattr(row.outcome, panel)) is not None else None for row in rows]
    intervals = [getattr(row.intervals, panel) for row in rows]
    above = [0.0 if i is None or v is None else max(100 * i.hi - v, 0) for i, v in zip(intervals, value, strict=True)]
    below = [0.0 if i is None or v is None else max(v - 100 * i.lo, 0) for i, v in zip(intervals, value, strict=True)]
    style = {"color": COLOURS[which % len(COLOURS)]}
    return go.Scatter(
        x=[100 * row.budget.data_loss for row in rows],
        y=value,
        error_y={"type": "data", "array": above, "arrayminus": below, "thickness": 1},
        name=method,
        legendgroup=method,
        showlegend=first,
        mode="lines+markers",
        line=style,
        marker={"symbol": MARKERS[which % len(MARKERS)], "size": 8, **style},
    )
