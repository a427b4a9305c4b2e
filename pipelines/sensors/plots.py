"""What sensors read, as a page of plots: a panel per quantity and unit, gaps shaded, times of service marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.sensors.figures import axis_time, thinned
from dqm.model.amounts import counted
from dqm.model.errors import InputError
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensor_gaps import gaps
from dqm.model.sensors import Sensor, SensorReadings

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito, told apart by the colour-blind; the next seven are dashed."""
DASHES = ("solid", "dash")
MOST = len(COLOURS) * len(DASHES)
"""Lines in a panel."""
HEIGHT, HEAD, FOOT = 230, 90, 60
DECADES = 300.0
"""A panel whose readings are all positive and so many times apart has a logarithmic axis."""
BANDS = 400
"""Shaded gaps of a panel; of more the longest are shown."""


@dataclass(frozen=True)
class Panel:
    """Sensors that share an axis, and how many more there would be."""

    title: str
    unit: str
    sensors: tuple[Sensor, ...]
    more: int


def panels(sensors: Sequence[Sensor]) -> list[Panel]:
    """One for every quantity and unit; sensors without a unit have a panel of their own kind."""
    members: dict[tuple[str, str], list[Sensor]] = {}
    for each in sensors:
        members.setdefault((each.measures, each.unit), []).append(each)
    found = []
    for measures, unit in sorted(members, key=lambda each: (each[0] == "other", *each)):
        those = members[measures, unit]
        one = len(those) == 1
        title = those[0].name if one else measures if measures != "other" else "readings"
        found.append(Panel(title, unit, tuple(those[:MOST]), max(len(those) - MOST, 0)))
    return found


def figure_of(readings: SensorReadings, quiet: Sequence[Quiet] = (), *, periods: float = 3.0) -> go.Figure:
    """The panels one below the other on one axis of time (UTC).

    Raises ``InputError`` where there is nothing to show.
    """
    shown = panels(readings.sensors)
    if not len(readings.time):
        raise InputError("there is no reading to plot; choose other sensors or another time")
    height = HEAD + FOOT + HEIGHT * len(shown)
    space = 46 / max(height - HEAD - FOOT, 1)
    titles = [_title(each) for each in shown]
    figure = make_subplots(
        rows=len(shown),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=space if len(shown) > 1 else 0,
        subplot_titles=titles,
    )
    for row, panel in enumerate(shown, start=1):
        _draw(figure, row, panel, readings, periods)
        legend = "legend" if row == 1 else f"legend{row}"
        top = 1.0 if len(shown) == 1 else figure.layout[f"yaxis{row if row > 1 else ''}"].domain[1]
        figure.update_layout({legend: {"y": top, "yanchor": "top", "x": 1.01, "font": {"size": 11}}})
        for each in quiet:
            if any(each.speaks_of(sensor) for sensor in panel.sensors):
                _mark(figure, row, each, readings)
    figure.update_xaxes(title="time (UTC)", row=len(shown), col=1)
    return figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"t": HEAD, "b": FOOT, "l": 80, "r": 200},
        title=_heading(readings),
    )


def write(figure: go.Figure, target: Path) -> None:
    """Write a page that needs nothing else, or a picture where the package kaleido is installed.

    Raises ``InputError`` for another kind of file, or where a picture cannot be made.
    """
    if target.suffix.lower() == ".html":
        figure.write_html(target, include_plotlyjs=True)
        return
    if target.suffix.lower() != ".png":
        raise InputError(f"{target}: plots are written as .html or .png; name such a file")
    try:
        figure.write_image(target, width=1400)
    except (ImportError, ValueError, RuntimeError) as error:
        why = str(error).strip().splitlines()[0]
        raise InputError(
            f"{target}: no picture can be made here ({why}); install kaleido and a browser, or write .html"
        ) from None


def _draw(figure: go.Figure, row: int, panel: Panel, readings: SensorReadings, periods: float) -> None:
    silent: list[tuple[int, int]] = []
    least, greatest = np.inf, -np.inf
    edges = int(readings.time.min()), int(readings.time.max())
    for i, sensor in enumerate(panel.sensors):
        time, value = readings[sensor.name]
        begins, ends = gaps(sensor, time, begin=edges[0], end=edges[1], periods=periods)
        silent += zip(begins.tolist(), ends.tolist(), strict=True)
        valid = value[np.isfinite(value)]
        least, greatest = min(least, valid.min(initial=np.inf)), max(greatest, valid.max(initial=-np.inf))
        figure.add_trace(_line(sensor, time, value, begins, i, row), row=row, col=1)
    for begin, end in _united(silent):
        band = {"x0": axis_time(begin), "x1": axis_time(end), "fillcolor": "#888888", "opacity": 0.25, "line_width": 0}
        figure.add_vrect(**band, layer="below", row=row, col=1)
    scale = "log" if 0 < least < greatest / DECADES else "linear"
    figure.update_yaxes(title=panel.unit or "no unit", type=scale, row=row, col=1)


def _line(
    sensor: Sensor,
    time: NDArray[np.int64],
    value: NDArray[np.float64],
    begins: NDArray[np.int64],
    which: int,
    row: int,
) -> go.Scattergl:
    """One sensor; the line breaks at invalid readings and where a gap begins."""
    invalid = int(np.isnan(value).sum())
    time, value = thinned(time, value)
    breaks = begins[np.isin(begins, time)] + 1
    order = np.argsort(np.concatenate([time, breaks]), kind="stable")
    time = np.concatenate([time, breaks])[order]
    value = np.concatenate([value, np.full(len(breaks), np.nan)])[order]
    style = {"color": COLOURS[which % len(COLOURS)], "dash": DASHES[which // len(COLOURS) % len(DASHES)], "width": 1.5}
    shape = {"shape": "hv"} if sensor.logging == "on-change" else {}
    return go.Scatter(
        x=time.astype("datetime64[ns]"),
        y=value,
        mode="lines" if len(time) > 1 else "markers",
        line=style | shape,
        connectgaps=False,
        showlegend=True,
        name=sensor.name + (f" ({invalid} invalid)" if invalid else ""),
        legend="legend" if row == 1 else f"legend{row}",
        hovertemplate=f"%{{y:.6g}} {sensor.unit}<extra>{sensor.name}</extra>",
    )


def _united(silent: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping gaps of several sensors as one; the longest where they are many."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(silent):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return sorted(joined, key=lambda each: each[0] - each[1])[:BANDS]


def _mark(figure: go.Figure, row: int, quiet: Quiet, readings: SensorReadings) -> None:
    """A time of service in a panel, with its reason at the top."""
    last = int(readings.time.max())
    begin, end = max(quiet.begin, int(readings.time.min())), last if quiet.end is None else min(quiet.end, last)
    if begin < end:
        band = {"x0": axis_time(begin), "x1": axis_time(end), "fillcolor": "#E69F00", "opacity": 0.18, "line_width": 0}
        text = {"annotation_text": f"{quiet.sensors}: {quiet.text}", "annotation_position": "top left"}
        figure.add_vrect(**band, **text, annotation_font_size=11, layer="below", row=row, col=1)


def _title(panel: Panel) -> str:
    name = f"{panel.title} ({panel.unit})" if panel.unit else f"{panel.title} (no unit)"
    return name + (f", and {panel.more} more sensors" if panel.more else "")


def _heading(readings: SensorReadings) -> str:
    span = f"{axis_time(int(readings.time.min()))[:16]} – {axis_time(int(readings.time.max()))[:16]} UTC"
    legend = "grey: no reading where one was due · orange: service or known issue"
    return f"{counted(len(readings), 'sensor')}, {span}<br><sup>{legend}</sup>"
