"""The lumisections of a run as a small picture for a cell of a table."""

from __future__ import annotations

import itertools
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from dashboard.look.palette import STATES
from dqm.model.aggregates import strip_of
from dqm.model.verdicts import CODES, Decision

WIDTH, HEIGHT = 156, 20
"""Size of the picture in pixels."""


def strip_image(decision: NDArray[np.object_], width: int = WIDTH) -> str:
    """A strip of decisions ``(n,)`` in the order of the lumisections, as an SVG data address; "" without any."""
    codes = np.array([CODES[Decision(each)] for each in decision], dtype=np.int8)
    return strip_picture(strip_of(codes, width), width)


def strip_picture(strip: bytes, width: int = WIDTH) -> str:
    """A strip of pixels, one code of a decision each (``QueueRow.strip``), as an SVG data address; "" without any."""
    if not strip:
        return ""
    decisions, cells = list(CODES), len(strip)
    parts, at = [], 0
    for code, same in itertools.groupby(strip):
        length = sum(1 for _ in same)
        state = STATES[decisions[code]]
        fill = f"url(#{state.letter})" if state.pattern else state.colour
        left, wide = at * width / cells, length * width / cells
        parts.append(f'<rect x="{left:.1f}" width="{wide:.1f}" height="{HEIGHT}" fill="{fill}"/>')
        at += length
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}">'
        f"<defs>{_HATCHING}</defs>{''.join(parts)}</svg>"
    )
    return "data:image/svg+xml;utf8," + quote(svg, safe="")


_HATCHING = "".join(
    f'<pattern id="{each.letter}" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="4" height="4" fill="#E4E6EA"/><rect width="2" height="4" fill="{each.colour}"/></pattern>'
    for each in STATES.values()
    if each.pattern
)
"""Hatching in the colour of each state that is not plain, named by its letter."""
