"""A map beside its reference, their ratio, and the cells that are dead or hot."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.comparison.map_standing import DEAD, HOT, MapStanding, farthest, pool_begins, pooled
from dashboard.comparison.switches import Change, add_switches
from dashboard.look.inert import for_figure
from dashboard.look.palette import BLUE, ORANGE, VERMILION
from dqm.model.histograms import Axis

HEIGHT = 720
TITLE = 26
"""Pixels above a map that its title takes."""
LINEAR, LOG = "counts", "counts, log₁₀"
RATIOS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)


def map_figure(standing: MapStanding) -> go.Figure:
    """Four panels on the same axes: counts, expected counts, their ratio, and dead and hot cells."""
    x, y = standing.reference.axes
    titles = ["counts", f"expected from {standing.named}", "ratio of both", "dead and hot cells"]
    figure = make_subplots(
        rows=2, cols=2, shared_xaxes="all", shared_yaxes="all", horizontal_spacing=0.14, vertical_spacing=0.09,
        subplot_titles=[for_figure(each) for each in titles],
    )  # fmt: skip
    given, expected = pooled(standing.given.inside), pooled(standing.cells.expected)
    top = float(max(np.nanmax(given), np.nanmax(expected)))
    for column, values in ((1, given), (2, expected)):
        figure.add_trace(_counts(values, x, y, top, bar=column == 2), 1, column)
    figure.add_trace(_ratio(standing, x, y), 2, 1)
    for trace in _marks(standing, x, y):
        figure.add_trace(trace, 2, 2)
    for row, column in ((2, 1), (2, 2)):
        figure.update_xaxes(title=_title(x, "x"), row=row, col=column)
    for row in (1, 2):
        figure.update_yaxes(title=_title(y, "y"), row=row, col=1)
    low, high = _ends(x), _ends(y)
    figure.update_xaxes(range=low)
    figure.update_yaxes(range=high)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 75, "r": 20, "t": 75, "b": 60},
        legend={"orientation": "h", "y": -0.1, "yanchor": "top", "x": 1, "xanchor": "right"},
    )
    return add_switches(figure, [_scales(given, expected, top)], above=TITLE)


def _title(axis: Axis, name: str) -> str:
    return for_figure(axis.title) or f"{name} (the source names no unit)"


def _ends(axis: Axis) -> list[float]:
    return [-0.5, axis.bins - 0.5] if axis.labels else [axis.low, axis.high]


def _edges(axis: Axis) -> NDArray[np.float64]:
    """Edges of the pools that are drawn."""
    edges = np.arange(axis.bins + 1) - 0.5 if axis.labels else axis.all_edges
    return np.append(edges[pool_begins(axis.bins)], edges[-1])


def _counts(values: NDArray[np.float64], x: Axis, y: Axis, top: float, *, bar: bool) -> go.Heatmap:
    return go.Heatmap(
        x=_edges(x), y=_edges(y), z=values, customdata=values, zmin=0.0, zmax=top,
        colorscale="Cividis", showscale=bar, colorbar={"title": LINEAR, "len": 0.44, "y": 0.78, "thickness": 12},
        hovertemplate="x %{x:.4g}, y %{y:.4g}: %{customdata:.4g}<extra></extra>",
    )  # fmt: skip


def _scales(given: NDArray[np.float64], expected: NDArray[np.float64], top: float) -> dict[str, Change]:
    """Counts as they are or as logarithms, of the first two panels."""
    logs = [np.log10(np.where(each > 0, each, np.nan)) for each in (given, expected)]
    told = np.concatenate([each[np.isfinite(each)] for each in logs])
    least = float(told.min(initial=np.log10(top)))
    plain = {"z": [given, expected], "zmin": 0.0, "zmax": top, "colorbar.title.text": LINEAR}
    scaled = {"z": logs, "zmin": least, "zmax": max(float(np.log10(top)), least + 1e-9)}
    return {"linear": (plain, {}, (0, 1)), "log": (scaled | {"colorbar.title.text": LOG}, {}, (0, 1))}


def _ratio(standing: MapStanding, x: Axis, y: Axis) -> go.Heatmap:
    logs = farthest(standing.ratio)
    ticks = {"tickvals": np.log2(RATIOS), "ticktext": ["≤⅛", "¼", "½", "1", "2", "4", "≥8"]}
    return go.Heatmap(
        x=_edges(x), y=_edges(y), z=logs, customdata=2.0**logs, zmin=-3, zmax=3,
        colorscale=[[0, BLUE], [0.5, "#F4F4F4"], [1, VERMILION]],
        colorbar={"title": "ratio", "len": 0.44, "y": 0.22, "x": 0.44, "thickness": 12, **ticks},
        hovertemplate="x %{x:.4g}, y %{y:.4g}: %{customdata:.3g}<extra></extra>",
    )  # fmt: skip


def _marks(standing: MapStanding, x: Axis, y: Axis) -> list[Any]:
    """Dead and hot cells as areas of one colour each, and what the colours mean with how many there are."""
    found: list[Any] = []
    look = ((standing.cells.dead, DEAD, "#000000", "x"), (standing.cells.hot, HOT, ORANGE, "diamond"))
    quiet = np.where(standing.cells.expected > 0, 0.0, np.nan)
    grey = [[0, "#DADDE2"], [1, "#DADDE2"]]
    found.append(_flat(pooled(quiet), x, y, grey, "as expected"))
    for cells, name, colour, symbol in look:
        drawn = pooled(np.where(cells, 1.0, np.nan))
        found.append(_flat(drawn, x, y, [[0, colour], [1, colour]], name))
        marker = {"color": colour, "size": 11, "symbol": symbol, "line": {"color": "#FFFFFF", "width": 1}}
        many = f"{int(cells.sum()):,} cells"
        found.append(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=f"{name}: {many}"))
    return found


def _flat(values: NDArray[np.float64], x: Axis, y: Axis, scale: list[list[Any]], name: str) -> go.Heatmap:
    return go.Heatmap(
        x=_edges(x), y=_edges(y), z=values, colorscale=scale, showscale=False, hoverongaps=False, zmin=0, zmax=1,
        hovertemplate=f"x %{{x:.4g}}, y %{{y:.4g}}<extra>{name}</extra>",
    )  # fmt: skip
