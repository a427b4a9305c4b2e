"""What a scan found, for people: as text, as a table for a spreadsheet, and as a page with a plot of every loop."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dashboard.look.inert import for_figure, for_spreadsheet
from dashboard.sensors.figures import KIND_COLOURS, axis_time
from dqm.decide.worst_loops import WorstLoop, hours_of, worst_loops
from dqm.model.amounts import counted
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensors import AnomalyInterval, SensorReadings, moment
from pipelines.sensors.plots import figure_of
from pipelines.sensors.scan import Scan

SHOWN, PLOTTED = 10, 12
"""Loops in the text, and loops with a plot on the page."""


def text(found: Scan) -> str:
    """For people: the worst loops with their reasons."""
    span = f"{moment(found.begin)} – {moment(found.end)}"
    alarms = [each for each in found.intervals if each.alarms]
    those = f"{counted(found.sensors, 'sensor')} of {counted(found.loops, 'loop')}"
    lines = [f"{those}, {span}, {counted(found.features, 'feature')}"]
    lines.append(f"{found.alarm.promise[0].upper()}{found.alarm.promise[1:]}.")
    worst = worst_loops(found.intervals, found.end)
    suppressed = sum(bool(each.suppressed) for each in found.intervals)
    carried = len(found.intervals) - len(alarms) - suppressed
    total = f"{counted(len(alarms), 'anomaly')} in {counted(len(worst), 'loop')}, {suppressed} suppressed"
    lines.append(total + (f", {carried} carried by a common cause" if carried else ""))
    width = max((len(each.loop) for each in worst[:SHOWN]), default=0)
    for each in worst[:SHOWN]:
        lines.append(f"{each.loop:{width}}  {each.hours:6.1f} h  {each.kinds}: {each.reason}")
    if len(worst) > SHOWN:
        lines.append(f"… and {counted(len(worst) - SHOWN, 'more loop')}; take --csv, --html or --json for all")
    lines += [f"suppressed {each.loop}: {each.kind}; {each.suppressed}" for each in found.intervals if each.suppressed]
    return "\n".join([*lines, *(f"note: {each}" for each in found.notes)])


def csv_of(found: Scan) -> bytes:
    """Every anomaly, one a row; a text that a spreadsheet would take for a formula is preceded by an apostrophe."""
    rows = [_cells(each, found.end) for each in found.intervals]
    names = ("loop", "begin", "end", "hours", "severity", "kind", "drivers", "reason", "suppressed", "cause")
    return pd.DataFrame(rows, columns=list(names)).to_csv(index=False, lineterminator="\r\n").encode()


def write_page(found: Scan, readings: SensorReadings, quiet: Sequence[Quiet], periods: float, target: Path) -> int:
    """A page that needs nothing else: all anomalies, and plots of the worst loops, whose number is returned."""
    worst = worst_loops(found.intervals, found.end)[:PLOTTED]
    parts = [_HEAD.format(title=html.escape(f"sensors {moment(found.begin)} – {moment(found.end)}"))]
    parts.append(f"<pre>{html.escape(text(found))}</pre>{_table(found)}<script>{get_plotlyjs()}</script>")
    for each in worst:
        figure = _loop_figure(each, found, readings, quiet, periods)
        parts.append(f"<h2>{html.escape(each.loop)}</h2><p>{html.escape(each.reason)}</p>")
        parts.append(figure.to_html(full_html=False, include_plotlyjs=False))
    target.write_text("\n".join([*parts, "</body></html>"]), encoding="utf-8")
    return len(worst)


def _cells(each: AnomalyInterval, now: int) -> tuple[object, ...]:
    words = (each.kind, "; ".join(each.drivers), each.reason, each.suppressed, each.cause)
    end = "" if each.end is None else moment(each.end)
    numbers = (moment(each.begin), end, round(hours_of(each, now), 3), round(each.severity, 3))
    return (for_spreadsheet(each.loop), *numbers, *(for_spreadsheet(word) for word in words))


def _table(found: Scan) -> str:
    """All anomalies as a table of HTML."""
    heads = "".join(
        f"<th>{name}</th>" for name in ("loop", "begin", "end", "severity", "kind", "reason", "suppressed", "cause")
    )
    rows = []
    for each in found.intervals:
        end = "goes on" if each.end is None else moment(each.end)
        words = (each.kind, each.reason, each.suppressed, each.cause)
        cells = (each.loop, moment(each.begin), end, f"{each.severity:.1f}", *words)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"


def _loop_figure(
    loop: WorstLoop, found: Scan, readings: SensorReadings, quiet: Sequence[Quiet], periods: float
) -> go.Figure:
    """The readings of a loop with its anomalies as coloured bands."""
    drivers = {name for each in found.intervals if each.loop == loop.loop and each.loops for name in each.drivers}
    mine = [each.name for each in readings.sensors if (each.loop or each.name) == loop.loop or each.name in drivers]
    shown = readings.take(mine)
    if not len(shown.time):
        return go.Figure().update_layout(title=for_figure(f"{loop.loop}: nothing was read"), height=160)
    fits = [each for each in quiet if each.covers([loop.loop, *mine], each.begin, each.end)]
    figure = figure_of(shown, fits, periods=periods)
    for each in found.intervals:
        if each.loop == loop.loop:
            end = found.end if each.end is None else each.end
            figure.add_vrect(
                x0=axis_time(each.begin), x1=axis_time(end), fillcolor=KIND_COLOURS.get(each.kind, "#009E73"),
                opacity=0.2, line_width=1, row="all", col=1,
            )  # fmt: skip
            figure.add_annotation(
                x=axis_time(each.begin), y=0, xref="x", yref="paper", text=for_figure(each.kind),
                showarrow=False, xanchor="left", yanchor="bottom",
            )  # fmt: skip
    return figure


_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font-family: sans-serif; margin: 2em }} pre {{ white-space: pre-wrap }} table {{ border-collapse: collapse }}
td, th {{ border-bottom: 1px solid #ccc; padding: 0.2em 0.6em; text-align: left; vertical-align: top }}
</style></head><body><h1>{title}</h1>"""
