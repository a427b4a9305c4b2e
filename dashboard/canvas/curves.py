"""Lines with bands and points over one axis each, in panels side by side: what a slider may draw anew at once.

It draws the part of Plotly's description of a figure that such a picture needs, so that reports and notebooks draw the
same with Plotly itself. The library of Plotly is 4.7 MB of script that a browser has to read before it draws a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dashboard.canvas.sources import source

NAME = "lumicert_curves"
DIGITS = 6
"""Significant digits of what is sent."""


def show_curves(figure: Mapping[str, Any], key: str, label: str) -> None:
    """Put a picture on the page: ``figure`` has *data* and *layout* as plain dictionaries in Plotly's words.

    Drawn are *scatter* traces of lines, of ``fill: tonexty``, which is a band to the trace before, and of the symbols
    diamond and circle-open; axes with range, domain and title; shapes that are lines; and annotations of one axis or
    of the whole. ``label`` says what the picture shows to who cannot see it.
    """
    css, script = source("curves.css"), source("curves.js")
    draw = st.components.v2.component(NAME, html=HTML, css=css, js=script)
    data = {"data": [_plain(each) for each in figure["data"]], "layout": figure["layout"], "label": label}
    draw(key=key, data=data, height=figure["layout"]["height"])


def _plain(trace: Mapping[str, Any]) -> dict[str, Any]:
    """A trace with lists for arrays; what is drawn by it is all that is sent."""
    names = ("x", "y", "xaxis", "mode", "name", "showlegend", "line", "marker", "fill", "fillcolor", "hoverinfo")
    given = {name: trace[name] for name in names if name in trace}
    return given | {name: [_rounded(each) for each in np.asarray(trace[name]).tolist()] for name in ("x", "y")}


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


HTML = """<div class="curves"><div class="legend"></div><div class="picture"></div><div class="read"></div></div>"""
