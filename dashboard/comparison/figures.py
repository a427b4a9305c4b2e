"""Figures of a comparison of histograms: one over the other or side by side, with ratio and pulls below."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.comparison.standing import Given, Standing, ratio_of
from dashboard.comparison.switches import Change, add_switches, scale_switch
from dashboard.comparison.tables import bin_names
from dashboard.look.inert import for_figure
from dashboard.look.palette import BLUE, GREY, ORANGE, VERMILION
from dqm.model.histograms import Axis

Layout = Literal["overlay", "side by side"]
FLOW_WIDTH = 0.03
"""Least width of a flow bin, as a share of the axis."""
HEIGHT = 520
MARGIN = {"l": 75, "r": 20, "t": 50, "b": 55}
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
SHARES, COUNTS = "shares", "counts"
SHARES_TITLE, COUNTS_TITLE, RATIO = "share of the counts", "counts per lumisection", "ratio"
BAND_COLOUR = "rgba(138,143,152,0.28)"
LEAST_RATIO, LARGEST_RATIO = 1.3, 8.0
"""Ends of the axis of ratios, at least and at most; its other end is one over it."""
RATIO_TICKS = (1.25, 2.0, 4.0, 8.0)
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


def comparison_figure(standing: Standing, layout: Layout = "overlay") -> go.Figure:
    """A histogram with its reference, the band of good lumisections, ratio and pulls; units on every axis.

    Buttons in it choose shares or counts of one lumisection, and a linear or logarithmic scale.
    """
    chosen = {SHARES: _values(standing, layout, normalised=True), COUNTS: _values(standing, layout, normalised=False)}
    return add_switches(_drawn(standing, layout), [chosen, scale_switch(_main_axes(layout))])


def lone_figure(given: Given) -> go.Figure:
    """A histogram that has no reference, with the same buttons."""
    axis, edges = given.axes[0], drawn_edges(given.axes[0])
    figure = make_subplots(rows=1, cols=1)
    shares, counts = given.counts / max(given.total, SLIGHT), given.counts / max(given.lumisections, 1)
    _add_steps(figure, edges, shares, _these(given), BLUE, (1, 1))
    figure.update_yaxes(title=SHARES_TITLE, autorange=True, rangemode="tozero")
    _ticks(figure, axis, edges, [(1, 1)])
    figure.update_layout(height=380, margin=MARGIN, showlegend=True, legend=LEGEND)
    chosen = {
        word: ({"y": [_steps(values)]}, {"yaxis.title.text": title, "yaxis.autorange": True}, None)
        for word, title, values in ((SHARES, SHARES_TITLE, shares), (COUNTS, COUNTS_TITLE, counts))
    }
    return add_switches(figure, [chosen, scale_switch(["yaxis"])])


def _main_axes(layout: Layout) -> list[str]:
    return ["yaxis", "yaxis2"] if layout == "side by side" else ["yaxis"]


def _values(standing: Standing, layout: Layout, *, normalised: bool) -> Change:
    """What the traces of ``_drawn`` hold, in its order, in one of both units."""
    mine, theirs = standing.drawn(normalised=normalised)
    band, ratio = standing.band(normalised=normalised), ratio_of(mine, theirs)
    low, middle, high = band if band is not None else (mine, mine, mine)
    bands = [low, high, middle] * (0 if band is None else len(_main_axes(layout)))
    drawn = [_steps(each) for each in (*bands, theirs, mine, np.clip(ratio, 1 / _reach(ratio), _reach(ratio)))]
    names = [for_figure(each) for each in bin_names(standing.reference.axes[0])]
    beside = [*(None for _ in drawn[1:]), _steps(ratio), names]
    panel = "yaxis3" if layout == "side by side" else "yaxis2"
    told: dict[str, Any] = {"yaxis.title.text": SHARES_TITLE if normalised else COUNTS_TITLE}
    told |= {f"{axis}.autorange": True for axis in _main_axes(layout)}
    told |= {f"{panel}.{what}": value for what, value in _ratio_axis(ratio).items()}
    return {"y": [*drawn, standing.pulls.astype(np.float64)], "customdata": beside}, told, None


def _drawn(standing: Standing, layout: Layout) -> go.Figure:
    """The panels, in shares."""
    axis, edges = standing.reference.axes[0], drawn_edges(standing.reference.axes[0])
    beside = layout == "side by side"
    figure = _panels(beside)
    mine, theirs = standing.drawn(normalised=True)
    band = standing.band(normalised=True)
    for column in (1, 2) if beside else (1,):
        if band is not None:
            _add_band(figure, edges, band, column)
    _add_steps(figure, edges, theirs, "reference", GREY, (1, 2 if beside else 1), dotted=True)
    _add_steps(figure, edges, mine, _these(standing.given), BLUE, (1, 1))
    _add_ratio(figure, edges, ratio_of(mine, theirs), (2, 1))
    _add_pulls(figure, edges, standing.pulls, (2, 2) if beside else (3, 1), bin_names(axis))
    figure.update_yaxes(title=SHARES_TITLE, row=1, col=1)
    figure.update_yaxes(autorange=True, rangemode="tozero", row=1)
    if beside:
        figure.update_yaxes(matches="y", row=1, col=2)
    _ticks(figure, axis, edges, [(2, 1), (2, 2)] if beside else [(3, 1)])
    hover = "closest" if beside else "x unified"
    return figure.update_layout(height=HEIGHT, margin=MARGIN, legend=LEGEND, hovermode=hover, bargap=0)


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
    """A value a bin at both ends of the bin; a bin beside one without a value is drawn whole."""
    return np.repeat(values.astype(np.float64), 2)


def _ends(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat(edges, 2)[1:-1]


def _add_steps(
    figure: go.Figure,
    edges: NDArray[np.float64],
    values: NDArray[Any],
    name: str,
    colour: str,
    at: tuple[int, int],
    *,
    dotted: bool = False,
) -> None:
    line = {"color": colour, "width": 2, "dash": "dot" if dotted else "solid"}
    figure.add_trace(
        go.Scatter(x=_ends(edges), y=_steps(values), mode="lines", name=name, hovertemplate="%{y:.4g}", line=line),
        *at,
    )


def _add_band(figure: go.Figure, edges: NDArray[np.float64], band: NDArray[np.float64], column: int) -> None:
    thin = {"color": BAND_COLOUR, "width": 0.5}
    shown = {"mode": "lines", "legendgroup": "band", "hoverinfo": "skip"}
    low, middle, high = (_steps(each) for each in band)
    figure.add_trace(go.Scatter(x=_ends(edges), y=low, line=thin, showlegend=False, **shown), 1, column)
    figure.add_trace(
        go.Scatter(
            x=_ends(edges), y=high, line=thin, fill="tonexty", fillcolor=BAND_COLOUR, name="good LS: 5% to 95%",
            showlegend=column == 1, **shown,
        ), 1, column,
    )  # fmt: skip
    median = {"color": GREY, "width": 1, "dash": "dash"}
    figure.add_trace(
        go.Scatter(x=_ends(edges), y=middle, line=median, name="good LS: 50%", showlegend=column == 1, **shown),
        1,
        column,
    )


def _add_ratio(figure: go.Figure, edges: NDArray[np.float64], ratio: NDArray[np.float64], at: tuple[int, int]) -> None:
    """On a logarithmic axis, so that half and double are equally far; what lies beyond it is drawn at its end."""
    reach = _reach(ratio)
    figure.add_trace(
        go.Scatter(
            x=_ends(edges), y=_steps(np.clip(ratio, 1 / reach, reach)), customdata=_steps(ratio), mode="lines",
            name="ratio", line={"color": BLUE, "width": 2}, showlegend=False, hovertemplate="%{customdata:.4g}",
        ), *at,
    )  # fmt: skip
    figure.add_hline(y=1, line={"color": GREY, "width": 1}, row=at[0], col=at[1])
    figure.update_yaxes(title=RATIO, type="log", **_ratio_axis(ratio), row=at[0], col=at[1])


def _reach(ratio: NDArray[np.float64]) -> float:
    """The upper end of the axis of ratios; its lower end is one over it."""
    told = ratio[np.isfinite(ratio) & (ratio > 0)]
    return float(np.clip(np.exp(np.abs(np.log(told)).max(initial=0.0)), LEAST_RATIO, LARGEST_RATIO))


def _ratio_axis(ratio: NDArray[np.float64]) -> dict[str, Any]:
    room = float(1.08 * np.log10(_reach(ratio)))
    far = max(each for each in RATIO_TICKS if np.log10(each) <= room)
    least = f"1/{far:g}" if far >= 2 else f"{1 / far:g}"
    return {"range": [-room, room], "tickvals": [1 / far, 1, far], "ticktext": [least, "1", f"{far:g}"]}


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
