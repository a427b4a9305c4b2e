"""Figures of one run: its strip of decisions, badness with both thresholds, and the quantities of a subsystem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.look.inert import for_figure
from dashboard.look.palette import GREY, LABEL_STATES, STATES, State
from dashboard.verdicts.logit import FLOOR, logit
from dqm.model.verdicts import WorkingPoint

Scale = Literal["logit", "linear"]
TICKS = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 0.9999)
MOST_QUANTITIES = 8
"""Quantities of a subsystem that are drawn below each other."""
ROW, AXIS = 44, 60
"""Height of one strip, and of the axis below, in pixels."""
LEFT, RIGHT = 80, 110
"""Margins in pixels, the same in both figures, so that a lumisection stands at the same place in both."""
MANY = 300
"""Lumisections from which markers are drawn smaller."""


def run_figure(
    ls: NDArray[np.int64],
    decision: NDArray[np.object_],
    badness: NDArray[np.floating],
    point: WorkingPoint | None,
    *,
    label: NDArray[np.int8] | None = None,
    scale: Scale = "logit",
    unit: str = "lumisection",
) -> go.Figure:
    """Strip of decisions, strip of labels where there are any, and badness, over ``n`` lumisections; arrays ``(n,)``.

    Every state has a colour and a letter or a hatching; the axis of the lumisections is shared.
    """
    strips: list[tuple[str, NDArray[Any], Mapping[Any, State]]] = [("decision", decision, STATES)]
    if label is not None and (label >= 0).any():
        strips.append(("label", label, LABEL_STATES))
    heights = [ROW * len(strips), 300]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=heights)
    for name, values, states in strips:
        _add_strip(figure, name, ls, values, states)
    _add_badness(figure, ls, decision, badness, scale)
    _add_thresholds(figure, point, scale)
    figure.update_yaxes(row=1, col=1, autorange="reversed", showgrid=False, fixedrange=True, ticks="")
    figure.update_xaxes(row=2, col=1, title=for_figure(unit), showgrid=True)
    figure.update_xaxes(range=[ls.min() - 1, ls.max() + 1] if len(ls) else None)
    figure.update_yaxes(automargin=False)
    figure.update_layout(
        height=sum(heights) + AXIS + 50,
        barmode="overlay",
        margin={"l": LEFT, "r": RIGHT, "t": 40, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
        hovermode="closest",
    )
    return figure


def quantity_figure(
    ls: NDArray[np.int64],
    quantities: Mapping[str, NDArray[np.floating]],
    decision: NDArray[np.object_] | None = None,
    *,
    unit: str = "lumisection",
) -> go.Figure:
    """One panel per quantity, ``title with unit → values (n,)``, the first eight; what is not accepted is marked.

    ``decision`` ``(n,)`` may be left out for a run without verdicts.
    """
    drawn = list(quantities.items())[:MOST_QUANTITIES]
    small = 3 if len(ls) > MANY else 5
    titles = [for_figure(name) for name, _ in drawn]
    figure = make_subplots(
        rows=max(len(drawn), 1),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.22 / max(len(drawn), 1),
        subplot_titles=titles,
    )
    for row, (_, values) in enumerate(drawn, start=1):
        line = {"color": GREY, "width": 1.2}
        figure.add_trace(
            go.Scatter(x=ls, y=values, mode="lines", line=line, showlegend=False, hoverinfo="skip"), row, 1
        )
        for name, state, rows in _states(decision, STATES) if decision is not None else ():
            plain = name == "ACCEPT"
            marker = {"color": state.colour, "size": 2 if plain else small + 1, "symbol": _SYMBOLS.get(name, "circle")}
            hover = f"%{{x}}: %{{y:.5g}}<extra>{state.word}</extra>"
            figure.add_trace(
                go.Scatter(
                    x=ls[rows],
                    y=values[rows],
                    mode="markers",
                    marker=marker,
                    name=state.title,
                    legendgroup=name,
                    showlegend=row == 1,
                    hovertemplate=hover,
                ),
                row,
                1,
            )
        if np.isin(values[np.isfinite(values)], (0, 1)).all():
            figure.update_yaxes(range=[-0.2, 1.2], tickvals=[0, 1], row=row, col=1)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    figure.update_xaxes(range=[ls.min() - 1, ls.max() + 1] if len(ls) else None)
    figure.update_yaxes(automargin=False)
    figure.update_xaxes(title=for_figure(unit), row=max(len(drawn), 1), col=1)
    figure.update_layout(
        height=150 * max(len(drawn), 1) + AXIS + 40,
        margin={"l": LEFT, "r": RIGHT, "t": 60, "b": 50},
        legend={"orientation": "h", "y": 1 + 0.25 / max(len(drawn), 1), "yanchor": "bottom", "x": 0},
    )
    return figure


_SYMBOLS = {"ACCEPT": "circle", "ASK": "diamond", "REJECT": "x", "UNKNOWN": "square-open"}


def _add_strip(
    figure: go.Figure, name: str, ls: NDArray[np.int64], values: NDArray[Any], states: Mapping[Any, State]
) -> None:
    """One bar per range of equal state: a few hundred shapes where a run has thousands of lumisections."""
    for key, state, rows in _states(values, states):
        at = np.flatnonzero(rows)
        begins = np.flatnonzero(np.diff(ls[at], prepend=ls[at[0]] - 2) != 1)
        first, last = at[begins], at[np.append(begins[1:], len(at)) - 1]
        length = ls[last] - ls[first] + 1
        wide = length >= max(1.0, 0.012 * (ls.max() - ls.min() + 1))
        figure.add_trace(
            go.Bar(
                x=length,
                base=ls[first] - 0.5,
                y=[name] * len(first),
                orientation="h",
                width=0.85,
                marker={
                    "color": state.colour,
                    "line": {"width": 0},
                    "pattern": {
                        "shape": state.pattern,
                        "fillmode": "overlay",
                        "fgcolor": "#FFFFFF",
                        "size": 8,
                        "solidity": 0.3,
                    },
                },
                text=np.where(wide, state.letter, ""),
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": state.ink, "size": 13},
                customdata=np.stack([ls[first], ls[last]], axis=1),
                hovertemplate=f"%{{customdata[0]}} to %{{customdata[1]}}: {state.word}<extra>{name}</extra>",
                name=state.title,
                legendgroup=f"{name}{key}",
            ),
            1,
            1,
        )


def _add_badness(
    figure: go.Figure, ls: NDArray[np.int64], decision: NDArray[np.object_], badness: NDArray[np.floating], scale: Scale
) -> None:
    small = 3 if len(ls) > MANY else 5
    for name, state, rows in _states(decision, STATES):
        rows = rows & np.isfinite(badness)
        if not rows.any():
            continue
        marker = {
            "color": state.colour,
            "size": small if name == "ACCEPT" else small + 2,
            "symbol": _SYMBOLS.get(name, "circle"),
        }
        figure.add_trace(
            go.Scatter(
                x=ls[rows],
                y=_scaled(badness[rows], scale),
                customdata=badness[rows],
                mode="markers",
                marker=marker,
                showlegend=False,
                hovertemplate=f"%{{x}}: badness %{{customdata:.4g}}<extra>{state.word}</extra>",
                name=state.title,
            ),
            2,
            1,
        )
    ends = _scaled(np.array([0.0, 1.0]), scale)
    room = 0.04 * (ends[1] - ends[0])
    ticks = np.array(TICKS if scale == "logit" else np.linspace(0, 1, 6))
    text = [f"≤{t:g}" if t == FLOOR else f"≥{t:g}" if t == 1 - FLOOR else f"{t:g}" for t in ticks]
    figure.update_yaxes(
        row=2,
        col=1,
        title="badness",
        range=[ends[0] - room, ends[1] + room],
        tickvals=_scaled(ticks, scale),
        ticktext=text,
    )


def _add_thresholds(figure: go.Figure, point: WorkingPoint | None, scale: Scale) -> None:
    if point is None:
        return
    lines = (
        (point.accept_below, "ACCEPT", f"accept<br>below {point.accept_below:.3g}"),
        (point.reject_above, "REJECT", f"reject<br>from {point.reject_above:.3g}"),
    )
    for value, name, text in lines:
        if 0 < value <= 1:
            y = float(_scaled(np.array([value]), scale)[0])
            line = {"color": STATES[name].colour, "width": 1.5, "dash": "dash"}
            figure.add_hline(y=y, line=line, row=2, col=1)
            figure.add_annotation(
                x=1.005, xref="x2 domain", y=y, yref="y2", text=text, showarrow=False, xanchor="left", align="left"
            )


def _scaled(badness: NDArray[np.floating], scale: Scale) -> NDArray[np.float64]:
    """Badness on the axis."""
    values = badness.astype(np.float64)
    return values if scale == "linear" else np.asarray(logit(values))


def _states(values: NDArray[Any], states: Mapping[Any, State]) -> Sequence[tuple[str, State, NDArray[np.bool_]]]:
    """The states that occur, in the order of the palette, with the rows ``(n,)`` of each."""
    found = ((name, state, np.asarray(values == name, dtype=bool)) for name, state in states.items())
    return [each for each in found if each[2].any()]
