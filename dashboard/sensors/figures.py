"""Figures of sensors: when which loop had an anomaly, and what the sensors of a loop read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.look.inert import for_figure
from dqm.decide.worst_loops import worst_loops
from dqm.model.sensors import SECOND, AnomalyInterval, SensorReadings, TimeGrid

KIND_COLOURS = {
    "gap": "#8A8F98", "stuck": "#000000", "unit-change": "#CC79A7", "hunting": "#D55E00", "mistuning": "#E69F00",
    "drift": "#0072B2", "level": "#56B4E9", "anomaly": "#009E73",
}  # fmt: skip
"""Okabe and Ito and a grey; the kind stands in the legend and under the pointer as well."""
LOOPS, BANDS, LINES = 40, 200, 12
"""Loops of the timeline, bands of lumisections and lines of a panel, at most."""
POINTS = 4000
"""Points of a line: of more, the least and the greatest of each stretch are drawn, so that no spike is lost."""
BEAM, OUTLINE = "#F0E442", "#8A8F98"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of lines; those of Okabe and Ito that can be seen on white and on black."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Of lines that would have the colour of an earlier one, so that no two of a loop look alike."""
ROW, PANEL = 26, 200


def timeline(intervals: Sequence[AnomalyInterval], span: tuple[int, int], beam: TimeGrid | None = None) -> go.Figure:
    """Anomalies of the worst loops as bars over time (UTC), one colour a kind, hatched where suppressed.

    ``span`` in ns of UTC; ``beam`` are the windows of lumisections, shaded where there are any.
    """
    order = [each.loop for each in worst_loops(intervals, span[1])]
    order += [each.loop for each in intervals if not each.alarms and each.loop not in order]
    order = list(dict.fromkeys(order))[:LOOPS]
    figure = go.Figure()
    for kind, colour in KIND_COLOURS.items():
        mine = [each for each in intervals if each.kind == kind and each.loop in order]
        if mine:
            figure.add_trace(_bars(mine, kind, colour, span[1]))
    for begin, end in bands(beam, span):
        figure.add_vrect(
            x0=axis_time(begin), x1=axis_time(end), fillcolor=BEAM, opacity=0.25, line_width=0, layer="below"
        )
    return figure.update_layout(
        height=120 + ROW * max(len(order), 2),
        barmode="overlay",
        margin={"l": 90, "r": 20, "t": 20, "b": 50},
        xaxis={"type": "date", "title": "time (UTC)", "range": [axis_time(span[0]), axis_time(span[1])]},
        yaxis={
            "categoryorder": "array",
            "categoryarray": [for_figure(each) for each in reversed(order)],
            "type": "category",
        },
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )


def loop_figure(
    readings: SensorReadings, intervals: Sequence[AnomalyInterval], span: tuple[int, int], beam: TimeGrid | None = None
) -> go.Figure:
    """What the sensors of a loop read in ``span``: a panel for every quantity and unit, its anomalies as bands."""
    panels: dict[tuple[str, str], list[int]] = {}
    for i, sensor in enumerate(readings.sensors):
        panels.setdefault((sensor.measures, sensor.unit), []).append(i)
    titles = [for_figure(_title(*key, len(panels[key]))) for key in sorted(panels)]
    count = max(len(panels), 1)
    figure = make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=0.18 / count, subplot_titles=titles)
    drawn = 0
    for row, key in enumerate(sorted(panels), start=1):
        for i in panels[key][:LINES]:
            rows = slice(readings.start[i], readings.start[i + 1])
            line = _line(readings.sensors[i].name, readings.time[rows], readings.value[rows], drawn)
            figure.add_trace(line.update(legend=_legend(row)), row=row, col=1)
            drawn += 1
        top = figure.get_subplot(row, 1).yaxis.domain[1]
        figure.update_layout({_legend(row): {"y": top, "yanchor": "top", "x": 1.01, "xanchor": "left"}})
        figure.update_yaxes(title=for_figure(key[1]), row=row, col=1)
    for each in intervals:
        end = span[1] if each.end is None else each.end
        figure.add_vrect(
            x0=axis_time(each.begin), x1=axis_time(end), fillcolor=KIND_COLOURS.get(each.kind, "#009E73"), opacity=0.25,
            line={"color": OUTLINE, "width": 1}, row="all", col=1, layer="below",
        )  # fmt: skip
        figure.add_annotation(
            x=axis_time(max(each.begin, span[0])), y=1, xref="x", yref="y domain", text=for_figure(each.kind),
            showarrow=False, xanchor="left", yanchor="top",
        )  # fmt: skip
    for begin, end in bands(beam, span):
        figure.add_vrect(
            x0=axis_time(begin),
            x1=axis_time(end),
            fillcolor=BEAM,
            opacity=0.15,
            line_width=0,
            row="all",
            col=1,
            layer="below",
        )
    figure.update_xaxes(range=[axis_time(span[0]), axis_time(span[1])])
    figure.update_xaxes(title="time (UTC)", row=count, col=1)
    margin = {"l": 70, "r": 20, "t": 40, "b": 50}
    return figure.update_layout(showlegend=True, height=110 + PANEL * count, margin=margin)


def _title(what: str, unit: str, lines: int) -> str:
    more = f", the first {LINES} of {lines} sensors" if lines > LINES else ""
    return f"{what} ({unit or 'no unit'}{more})"


def _legend(row: int) -> str:
    """A panel has a legend of its own, beside its lines."""
    return "legend" if row == 1 else f"legend{row}"


def thinned(
    time: NDArray[np.int64], value: NDArray[np.float64], points: int = POINTS
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most about ``points`` of n readings: first, least and greatest of each of equal stretches, in order.

    A stretch that holds an invalid reading keeps one, so that the line breaks there.
    """
    n = len(time)
    if n <= points:
        return time, value
    edges = np.linspace(0, n, points // 3 + 1).astype(np.int64)
    kept = []
    for begin, end in itertools.pairwise(edges.tolist()):
        part = value[begin:end]
        valid = np.isfinite(part)
        if valid.any():
            kept += [begin, begin + int(np.argmin(np.where(valid, part, np.inf)))]
            kept.append(begin + int(np.argmax(np.where(valid, part, -np.inf))))
        if not valid.all():
            kept.append(begin + int(np.argmin(valid)))
    rows = np.unique(np.append(kept, n - 1))
    return time[rows], value[rows]


def bands(beam: TimeGrid | None, span: tuple[int, int]) -> list[tuple[int, int]]:
    """Lumisections that follow each other as one band, within ``span``; the longest where they are many."""
    if beam is None or not len(beam):
        return []
    first = np.concatenate([[0], np.flatnonzero(beam.begin[1:] - beam.end[:-1] > SECOND) + 1])
    last = np.concatenate([first[1:], [len(beam)]]) - 1
    found = [
        (max(int(beam.begin[a]), span[0]), min(int(beam.end[b]), span[1])) for a, b in zip(first, last, strict=True)
    ]
    return sorted((each for each in found if each[0] < each[1]), key=lambda each: each[0] - each[1])[:BANDS]


def _bars(those: Sequence[AnomalyInterval], kind: str, colour: str, now: int) -> go.Bar:
    ends = [now if each.end is None else each.end for each in those]
    return go.Bar(
        base=[axis_time(each.begin) for each in those],
        x=[(end - each.begin) / 1e6 for each, end in zip(those, ends, strict=True)],  # milliseconds
        y=[for_figure(each.loop) for each in those],
        orientation="h",
        name=kind,
        marker={
            "color": colour,
            "line": {"color": OUTLINE, "width": 1},  # black on a dark page
            "pattern": {"shape": ["" if each.alarms else "/" for each in those]},
        },
        customdata=[
            [
                for_figure(each.reason),
                for_figure(each.suppressed or (each.cause and f"carried by {each.cause}") or "alarms"),
            ]
            for each in those
        ],
        hovertemplate="%{y} · " + kind + "<br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )


def _line(name: str, time: NDArray[np.int64], value: NDArray[np.float64], which: int) -> go.Scatter:
    time, value = thinned(time, value)
    again, colour = divmod(which, len(COLOURS))
    style: dict[str, Any] = {"color": COLOURS[colour], "width": 1.4, "dash": DASHES[again % len(DASHES)]}
    return go.Scatter(
        x=time.astype("datetime64[ns]"), y=value, mode="lines", connectgaps=False,
        name=for_figure(name), line=style,
    )  # fmt: skip


def axis_time(moment: int) -> str:
    """A moment in ns of UTC as axes take it: Plotly keeps milliseconds, and warns of a ``Timestamp`` with more."""
    return str(np.datetime64(moment, "ns").astype("datetime64[ms]"))
