"""Figures of a comparison of histograms: one over the other or side by side, with ratio and pulls below."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.comparison.standing import Given, Standing
from dashboard.comparison.tables import bin_names
from dashboard.look.inert import for_figure
from dashboard.look.palette import BLUE, GREY, ORANGE, VERMILION
from dqm.model.histograms import Axis

Layout = Literal["overlay", "side by side"]
FLOW_WIDTH = 0.03
"""Least width of a flow bin, as a share of the axis."""
HEIGHT = 520
LEFT, RIGHT, TOP, BOTTOM = 75, 20, 40, 55
BAND_COLOUR = "rgba(138,143,152,0.28)"
LEAST_RATIO, LARGEST_RATIO = 1.3, 8.0
"""Ends of the axis of ratios, at least and at most; its other end is one over it."""
RATIO_TICKS = (0.125, 0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0, 8.0)
PULL = 3.0
"""Pulls beyond this are drawn in another colour."""
SLIGHT = 1e-12


def drawn_edges(axis: Axis) -> NDArray[np.float64]:
    """Where bins begin and end on the axis of a figure, ``(bins + 3,)``, flow bins of their own first and last.

    Labelled bins are one wide.
    """
    inner = np.arange(axis.bins + 1) - 0.5 if axis.labels else axis.all_edges
    width = max(float(np.diff(inner).mean()), FLOW_WIDTH * float(inner[-1] - inner[0]))
    return np.concatenate([[inner[0] - width], inner, [inner[-1] + width]])


def comparison_figure(
    standing: Standing, *, layout: Layout = "overlay", logarithmic: bool = False, normalised: bool = True
) -> go.Figure:
    """A histogram with its reference, the band of good lumisections, ratio and pulls; units on every axis."""
    axis, edges = standing.reference.axes[0], drawn_edges(standing.reference.axes[0])
    beside = layout == "side by side"
    figure = _panels(beside)
    mine, theirs = standing.drawn(normalised=normalised)
    band = standing.band(normalised=normalised)
    for column in (1, 2) if beside else (1,):
        if band is not None:
            _add_band(figure, edges, band, column)
    _add_steps(figure, edges, theirs, "reference", GREY, (1, 2 if beside else 1), fill=True)
    _add_steps(figure, edges, mine, _these(standing.given), BLUE, (1, 1))
    ratio, pulls = ((2, 1), (2, 2)) if beside else ((2, 1), (3, 1))
    _add_ratio(figure, edges, _ratio(mine, theirs), ratio)
    _add_pulls(figure, edges, standing.pulls, pulls, bin_names(axis))
    unit = "share of the counts" if normalised else "counts per lumisection"
    _axes(figure, axis, edges, unit, (mine, theirs, band), logarithmic=logarithmic, beside=beside)
    figure.update_xaxes(uirevision="x")
    figure.update_layout(
        height=HEIGHT,
        margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified" if not beside else "closest",
        uirevision="compare",
        bargap=0,
    )
    return figure


def lone_figure(given: Given, *, logarithmic: bool = False, normalised: bool = True) -> go.Figure:
    """A histogram that has no reference."""
    axis, edges = given.axes[0], drawn_edges(given.axes[0])
    values = given.counts / (max(given.total, SLIGHT) if normalised else max(given.lumisections, 1))
    figure = make_subplots(rows=1, cols=1)
    _add_steps(figure, edges, values, _these(given), BLUE, (1, 1))
    unit = "share of the counts" if normalised else "counts per lumisection"
    figure.update_yaxes(title=unit, **_scale([values], logarithmic=logarithmic))
    _ticks(figure, axis, edges, [(1, 1)])
    figure.update_layout(height=380, margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM}, showlegend=True)
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, uirevision="compare")
    return figure


def _panels(beside: bool) -> go.Figure:
    if beside:
        return make_subplots(
            rows=2, cols=2, shared_xaxes="all", row_heights=[0.66, 0.34],
            vertical_spacing=0.06, horizontal_spacing=0.09,
        )  # fmt: skip
    return make_subplots(rows=3, cols=1, shared_xaxes=True, row_heights=[0.6, 0.18, 0.22], vertical_spacing=0.04)


def _these(given: Given) -> str:
    if given.whole_run:
        return f"run {given.run}"
    span = f"LS {given.first}" if given.first == given.last else f"LS {given.first} to {given.last}"
    return f"run {given.run}, {span}"


def _steps(values: NDArray[Any]) -> NDArray[np.float64]:
    """A value a bin as the corners of steps: the last one once more."""
    return np.append(values.astype(np.float64), values[-1])


def _add_steps(
    figure: go.Figure,
    edges: NDArray[np.float64],
    values: NDArray[Any],
    name: str,
    colour: str,
    at: tuple[int, int],
    *,
    fill: bool = False,
) -> None:
    look: dict[str, Any] = {"line": {"color": colour, "width": 2, "shape": "hv", "dash": "dot" if fill else "solid"}}
    figure.add_trace(
        go.Scatter(
            x=edges, y=_steps(values), mode="lines", name=name, hovertemplate="%{y:.4g}", connectgaps=False, **look
        ),
        *at,
    )


def _add_band(figure: go.Figure, edges: NDArray[np.float64], band: NDArray[np.float64], column: int) -> None:
    thin = {"color": BAND_COLOUR, "width": 0.5, "shape": "hv"}
    shown = {"mode": "lines", "legendgroup": "band", "hoverinfo": "skip"}
    low, middle, high = (_steps(each) for each in band)
    figure.add_trace(go.Scatter(x=edges, y=low, line=thin, showlegend=False, **shown), 1, column)
    figure.add_trace(
        go.Scatter(
            x=edges, y=high, line=thin, fill="tonexty", fillcolor=BAND_COLOUR, name="good LS: 5% to 95%",
            showlegend=column == 1, **shown,
        ), 1, column,
    )  # fmt: skip
    median = {"color": GREY, "width": 1, "shape": "hv", "dash": "dash"}
    figure.add_trace(
        go.Scatter(x=edges, y=middle, line=median, name="good LS: 50%", showlegend=column == 1, **shown), 1, column
    )


def _ratio(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(mine, theirs, out=np.full(len(mine), np.nan), where=theirs > 0))


def _add_ratio(figure: go.Figure, edges: NDArray[np.float64], ratio: NDArray[np.float64], at: tuple[int, int]) -> None:
    """On a logarithmic axis, so that half and double are equally far; what lies beyond it is drawn at its end."""
    told = ratio[np.isfinite(ratio) & (ratio > 0)]
    reach = float(np.clip(np.exp(np.abs(np.log(told)).max(initial=0.0)), LEAST_RATIO, LARGEST_RATIO))
    figure.add_trace(
        go.Scatter(
            x=edges, y=_steps(np.clip(ratio, 1 / reach, reach)), customdata=_steps(ratio), mode="lines", name="ratio",
            line={"color": BLUE, "width": 2, "shape": "hv"}, showlegend=False, hovertemplate="%{customdata:.4g}",
        ), *at,
    )  # fmt: skip
    figure.add_hline(y=1, line={"color": GREY, "width": 1}, row=at[0], col=at[1])
    room = 1.08 * np.log10(reach)
    ticks = [each for each in RATIO_TICKS if abs(np.log10(each)) <= room]
    if len(ticks) > 5:
        ticks = [each for each in ticks if each not in (0.8, 1.25)]
    figure.update_yaxes(title="ratio", type="log", range=[-room, room], tickvals=ticks, row=at[0], col=at[1])


def _add_pulls(
    figure: go.Figure, edges: NDArray[np.float64], pulls: NDArray[Any], at: tuple[int, int], names: list[str]
) -> None:
    centre, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    values = pulls.astype(np.float64)
    colour = np.where(values > PULL, VERMILION, np.where(values < -PULL, ORANGE, GREY))
    figure.add_trace(
        go.Bar(
            x=centre, y=values, width=width, marker={"color": colour, "line": {"width": 0}}, showlegend=False,
            name="pull", customdata=[for_figure(each) for each in names],
            hovertemplate="%{y:.2f} σ, bin %{customdata}<extra>pull</extra>",
        ), *at,
    )  # fmt: skip
    reach = max(4.0, float(np.nanmax(np.abs(values), initial=0.0)) * 1.1)
    for limit in (-PULL, PULL):
        figure.add_hline(y=limit, line={"color": GREY, "width": 1, "dash": "dot"}, row=at[0], col=at[1])
    figure.update_yaxes(title="pull (σ)", range=[-reach, reach], row=at[0], col=at[1])


def _axes(
    figure: go.Figure,
    axis: Axis,
    edges: NDArray[np.float64],
    unit: str,
    values: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None],
    *,
    logarithmic: bool,
    beside: bool,
) -> None:
    scale = _scale([each for each in values if each is not None], logarithmic=logarithmic)
    for column in (1, 2) if beside else (1,):
        figure.update_yaxes(
            title=unit if column == 1 else None, uirevision=f"{unit}{logarithmic}", row=1, col=column, **scale
        )
    _ticks(figure, axis, edges, [(2, 1), (2, 2)] if beside else [(3, 1)])


def _scale(values: list[NDArray[np.float64]], *, logarithmic: bool) -> dict[str, Any]:
    """The same range for every panel, from the least that is above zero on a logarithmic one."""
    told = np.concatenate([each.reshape(-1) for each in values])
    told = told[np.isfinite(told)]
    top = float(told.max(initial=SLIGHT)) or SLIGHT
    if not logarithmic:
        return {"type": "linear", "range": [0, 1.06 * top]}
    least = float(told[told > 0].min(initial=top))
    return {"type": "log", "range": [np.log10(least) - 0.2, np.log10(top) + 0.15], "exponentformat": "power"}


def _ticks(figure: go.Figure, axis: Axis, edges: NDArray[np.float64], lowest: list[tuple[int, int]]) -> None:
    figure.update_xaxes(range=[edges[0], edges[-1]])
    for row, column in lowest:
        figure.update_xaxes(title=for_figure(axis.title) or "value (the source names no unit)", row=row, col=column)
    if axis.labels:
        names = [for_figure(each[:24]) for each in axis.labels]
        figure.update_xaxes(tickmode="array", tickvals=np.arange(axis.bins), ticktext=names)
    for at, name in ((edges[0], "underflow"), (edges[-1], "overflow")):
        inner = edges[1] if name == "underflow" else edges[-2]
        figure.add_vrect(
            x0=at, x1=inner, line_width=0, fillcolor="rgba(204,121,167,0.12)", layer="below", row=1, col="all"
        )
        figure.add_annotation(
            x=(at + inner) / 2, y=1, xref="x", yref="y domain", text=name, textangle=-90, showarrow=False,
            font={"size": 10, "color": GREY}, yanchor="top",
        )  # fmt: skip
