"""Buttons inside a figure: they redraw it where it is, so that a zoom stays and nothing is asked of the server.

A figure that the server sends anew is set up from the start, with its axes as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard.look.palette import GREY

WIDTH = 0.19
"""Room of a pair of buttons, as a share of the figure."""

Change = tuple[Mapping[str, Any], Mapping[str, Any], Sequence[int] | None]
"""What a button changes: of traces, of the layout, and which traces; None: all."""


def add_switches(figure: go.Figure, switches: Sequence[Mapping[str, Change]], above: int = 2) -> go.Figure:
    """Pairs of buttons above the right end of a figure, each with what it changes by its word.

    ``above`` are the pixels between them and the axes, where a title may stand.
    """
    menus = [_menu(buttons, 1 - WIDTH * (len(switches) - 1 - at), above) for at, buttons in enumerate(switches)]
    return figure.update_layout(updatemenus=menus)


def scale_switch(axes: Sequence[str]) -> dict[str, Change]:
    """Linear or logarithmic, of axes such as ``yaxis2``; their ends follow the values."""
    return {word: ({}, _typed(axes, word), None) for word in ("linear", "log")}


def _typed(axes: Sequence[str], kind: str) -> dict[str, Any]:
    return {f"{axis}.type": kind for axis in axes} | {f"{axis}.autorange": True for axis in axes}


def _menu(buttons: Mapping[str, Change], right: float, above: int) -> dict[str, Any]:
    """No button looks pressed: Plotly has one colour for that, which a dark page cannot bear; the axis tells."""
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "x": right,
        "xanchor": "right",
        "y": 1.015,
        "yanchor": "bottom",
        "pad": {"t": 0, "b": above, "l": 0, "r": 0},
        "bgcolor": "rgba(138,143,152,0.12)",
        "bordercolor": "rgba(138,143,152,0.45)",
        "font": {"color": GREY, "size": 12},
        "buttons": [_button(word, change) for word, change in buttons.items()],
    }


def _button(word: str, change: Change) -> dict[str, Any]:
    traces, layout, which = change
    if not traces:
        return {"label": word, "method": "relayout", "args": [dict(layout)]}
    arguments: list[Any] = [dict(traces), dict(layout)]
    return {"label": word, "method": "update", "args": arguments if which is None else [*arguments, list(which)]}
