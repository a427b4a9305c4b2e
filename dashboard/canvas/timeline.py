"""Tracks over one axis of lumisections: strips of states, a heat map, lines; a person chooses ranges on it.

What a run looks like is sent once, as numbers in their smallest types, deflated; the scripts beside this module paint
it. A run of 3,000 lumisections and 500 groups is 1.5 MB in memory and far less on the way: most contributions are zero.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.canvas.sources import source
from dashboard.look.palette import State

NAME = "lumicert_timeline"
NOTHING = 255
"""The code of a lumisection at which a strip has nothing to say."""
LONGEST = 100_000
"""Lumisections from the first of a run to the last that are drawn; no run of a collider has so many."""
HINT = (
    "Drag to choose lumisections, with Shift to add a range; arrows move, Shift+arrows extend, Esc clears. "
    "Ctrl+wheel, or + and −, zoom; drag the axis to move."
)
Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Strip:
    """One state per lumisection: ``code`` uint8 ``(n,)`` into ``states``, of which the first is the most urgent.

    ``note`` ``(n,)`` points into ``notes``, which are shown in words under the pointer.
    """

    title: str
    code: NDArray[np.uint8]
    states: tuple[State, ...]
    notes: tuple[str, ...] = ()
    note: NDArray[np.integer[Any]] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Heat:
    """A map of lumisections × ``rows``: ``level`` uint8 ``(n, g)``, each step worth ``step`` in ``unit``.

    255 is a broken limit; ``top`` is the level of the full colour. ``blocks`` (name, first row, rows) head neighbouring
    rows. ``silent`` is the place of a strip and the code in it where the map has nothing to say, None where it always
    has.
    """

    rows: tuple[str, ...]
    blocks: tuple[tuple[str, int, int], ...]
    level: NDArray[np.uint8]
    step: float
    unit: str
    colour: str
    top: int
    silent: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """One line: ``values`` float32 ``(n,)``, NaN where there is none; ``colour`` "" is that of the text."""

    title: str
    values: NDArray[np.float32]
    colour: str = ""
    dash: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Line:
    """Lines over one axis of values with ``unit``.

    ``range`` and ``ticks`` (place, text) are in what is drawn, which is log₁₀(p / (1 − p)) where ``scale`` is *logit*;
    without them the values say. ``marks`` (place, text, colour) are thresholds.
    """

    title: str
    unit: str
    series: tuple[Series, ...]
    scale: str = "linear"
    range: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()
    marks: tuple[tuple[float, str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Timeline:
    """Everything over the lumisections ``ls`` ``(n,)``, ascending; ``name`` is of the run: another one begins anew."""

    name: str
    unit: str
    label: str
    ls: NDArray[np.int64]
    strips: tuple[Strip, ...]
    heat: Heat | None
    lines: tuple[Line, ...]

    @cached_property
    def picture(self) -> bytes:
        """The numbers as the script reads them, deflated: four bytes with the size of the description, little-endian,
        the description as JSON, and the arrays at the offsets that it names."""
        text, arrays = _described(self)
        return zlib.compress(struct.pack("<I", len(text)) + text + arrays, 6)


def show_timeline(given: Timeline, key: str, selected: Ranges, stamp: int, chosen: Callable[[], None]) -> None:
    """Put the canvas on the page; ``chosen`` is called when a person chose, ``chosen_on`` then says what.

    The canvas adopts ``selected`` when ``stamp`` changes; in between it tells what is selected.
    """
    script = source("timeline_painting.js", "timeline.js")
    draw = st.components.v2.component(NAME, html=HTML, css=CSS, js=script)
    draw(key=key, data=packed(given, selected, stamp), on_selected_change=chosen)


def chosen_on(key: str) -> str:
    """What was chosen on the canvas, as ``3-9, 12``; "" where nothing is."""
    state = st.session_state.get(key)
    return str((state or {}).get("selected") or "")


def packed(given: Timeline, selected: Ranges = (), stamp: int = 0) -> bytes:
    """What is sent: four bytes with the size of what may change, little-endian; that, as JSON; and the picture.

    ``picture`` in it is the digest by which the script knows a picture that it has.
    """
    digest = hashlib.sha256(given.picture).hexdigest()
    head = {"picture": digest, "selected": [list(each) for each in selected], "stamp": stamp}
    text = json.dumps(head, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text + given.picture


def _described(given: Timeline) -> tuple[bytes, bytes]:
    """The description of a timeline, and its arrays one after the other."""
    body = _Body()
    n = int(np.searchsorted(given.ls, given.ls[0] + LONGEST)) if len(given.ls) else 0
    described = {
        "name": given.name,
        "unit": given.unit,
        "label": given.label,
        "hint": HINT,
        "count": n,
        "ls": body.put(given.ls[:n], np.int32),
        "lines": [_line(each, body, n) for each in given.lines],
        "heat": _heat(given.heat, body, n),
        "strips": [_strip(each, body, n) for each in given.strips],
    }
    return json.dumps(described, separators=(",", ":"), allow_nan=False).encode(), bytes(body.data)


class _Body:
    """Arrays one after the other; wide types come first, so that each lies at a multiple of its size."""

    def __init__(self) -> None:
        self.data = bytearray()

    def put(self, values: NDArray[Any], kind: type[np.generic]) -> int:
        at = len(self.data)
        self.data += np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<")).tobytes()
        return at


def _strip(given: Strip, body: _Body, n: int) -> dict[str, Any]:
    states = [{name: getattr(each, name) for name in State.__slots__} for each in given.states]
    noted = {"notes": given.notes, "note": given.note[:n].tolist()} if given.notes else {}
    return {"title": given.title, "at": body.put(given.code[:n], np.uint8), "states": states, **noted}


def _heat(given: Heat | None, body: _Body, n: int) -> dict[str, Any] | None:
    if given is None:
        return None
    names = ("rows", "blocks", "step", "unit", "colour", "top")
    silent = given.silent or ()
    return {name: getattr(given, name) for name in names} | {
        "at": body.put(given.level[:n], np.uint8),
        "silent": silent,
    }


def _line(given: Line, body: _Body, n: int) -> dict[str, Any]:
    names = ("title", "unit", "scale", "range", "ticks", "marks")
    series = [
        {"title": each.title, "colour": each.colour, "dash": each.dash, "at": body.put(each.values[:n], np.float32)}
        for each in given.series
    ]
    return {name: getattr(given, name) for name in names} | {"series": series}


HTML = """
<div class="timeline">
  <div class="bar">
    <button type="button" data-act="in" aria-label="Zoom in" title="Zoom in (+)">+</button>
    <button type="button" data-act="out" aria-label="Zoom out" title="Zoom out (-)">−</button>
    <button type="button" data-act="all" title="The whole run (0)">Whole run</button>
    <button type="button" data-act="none" title="Choose nothing (Esc)">Clear</button>
  </div>
  <canvas tabindex="0" role="application" aria-label="Timeline of the run"></canvas>
  <div class="read" aria-live="polite"></div>
</div>
"""
CSS = """
.timeline { position: relative; min-height: 320px; font-family: var(--st-font); color: var(--st-text-color); }
.bar { display: flex; gap: 6px; justify-content: flex-end; margin: 0 96px 6px 0; }
.bar button { font: 12px var(--st-font); color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: 4px; padding: 2px 9px; min-width: 28px; cursor: pointer; }
.bar button:hover, .bar button:focus-visible { border-color: var(--st-primary-color); outline: none; }
canvas { display: block; touch-action: pan-y; cursor: crosshair; max-width: 100%; }
canvas:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; border-radius: 2px; }
.read { font-size: 12.5px; line-height: 1.5; min-height: 3em; max-height: 3em; overflow: hidden;
  opacity: 0.9; padding-top: 2px; }
"""
