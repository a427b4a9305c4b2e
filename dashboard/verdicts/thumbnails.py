"""The lumisections of a run as a small picture for a cell of a table."""

from __future__ import annotations

import itertools
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from dashboard.look.palette import GREY, STATES, URGENCY

WIDTH, HEIGHT = 156, 20
"""Size of the picture in pixels."""


def strip_image(decision: NDArray[np.object_]) -> str:
    """A strip of decisions ``(n,)`` in the order of the lumisections, as an SVG data address; "" without any.

    Where several lumisections share a pixel the most urgent one is drawn, so that a single bad one stays visible.
    """
    if not len(decision):
        return ""
    rank = {str(state): i for i, state in enumerate(URGENCY)}
    order = np.array([rank[str(each)] for each in decision])
    cells = min(WIDTH, len(order))
    pooled = np.minimum.reduceat(order, np.arange(cells) * len(order) // cells)
    parts, at = [], 0
    for value, same in itertools.groupby(pooled.tolist()):
        length = sum(1 for _ in same)
        state = STATES[URGENCY[value]]
        fill = "url(#h)" if state.pattern else state.colour
        left, width = at * WIDTH / cells, length * WIDTH / cells
        parts.append(f'<rect x="{left:.1f}" width="{width:.1f}" height="{HEIGHT}" fill="{fill}"/>')
        at += length
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<defs>{_HATCHING}</defs>{''.join(parts)}</svg>"
    )
    return "data:image/svg+xml;utf8," + quote(svg, safe="")


_HATCHING = (
    '<pattern id="h" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="4" height="4" fill="#E4E6EA"/><rect width="2" height="4" fill="{GREY}"/></pattern>'
)
