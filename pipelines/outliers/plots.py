"""Densities of scores: what was searched, and the injected signal in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

if TYPE_CHECKING:
    from pipelines.outliers.search import Scored, Search

BINS = 80
DATA, SIGNAL = "#0072B2", "#D55E00"
"""Okabe and Ito; the signal is also dashed."""


def figure_of(search: Search) -> go.Figure:
    """One panel per method: events per bin on a logarithmic axis, the injected signal apart."""
    several = search.scored
    figure = make_subplots(rows=len(several), cols=1, subplot_titles=[each.method for each in several])
    for row, scored in enumerate(several, start=1):
        _panel(figure, row, scored, search.injected)
    figure.update_yaxes(type="log", title="events")
    title = "Log density of the searched events"
    if search.request.idealised:
        title += " (background sample idealised)"
    return figure.update_layout(title=title, height=120 + 330 * len(several), template="plotly_white", bargap=0)


def _panel(figure: go.Figure, row: int, scored: Scored, injected: NDArray[np.bool_]) -> None:
    plain = not scored.method.endswith(("-ratio", "-difference"))
    shown = -scored.score if plain else scored.score
    inside = np.quantile(shown, [0.0005, 0.9995])
    edges = np.linspace(inside[0], max(inside[1], inside[0] + 1e-6), BINS + 1)
    kept = np.clip(shown, edges[0], edges[-1])  # what is further out stands in the outermost bins
    for name, rows, colour, dash in (("data", ~injected, DATA, "solid"), ("injected signal", injected, SIGNAL, "dash")):
        if not rows.any():
            continue
        counts, _ = np.histogram(kept[rows], edges)
        line = {"shape": "hv", "color": colour, "dash": dash}
        trace = go.Scatter(
            x=edges[:-1],
            y=np.where(counts > 0, counts, np.nan),
            mode="lines",
            line=line,
            name=name,
            showlegend=row == 1,
        )
        figure.add_trace(trace, row=row, col=1)
    axis = "log p(background), nats up to a constant" if plain else "log p(data) − log p(background), nats"
    figure.update_xaxes(title=axis, row=row, col=1)
