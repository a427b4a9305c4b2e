"""``dqm sensors inspect`` and ``list``: what each sensor is, when it was read, and how it behaved, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.formats.sensor_screening import SensorRead
from dqm.model.amounts import counted, duration
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensor_gaps import cadence, gaps, longest_stuck
from dqm.model.sensors import SECOND, Sensor, SensorReadings, moment

SHOWN = 60
MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class SensorSummary:
    """One sensor: readings and how many of them are invalid; times in ISO 8601 UTC, empty where there is none;
    ``cadence``, ``longest_gap``, ``gap`` (all gaps together) and ``stuck`` (the longest stretch of one value) in
    seconds; ``least``, ``median`` and ``greatest`` in its unit."""

    name: str
    unit: str
    measures: str
    loop: str
    subsystem: str
    logging: str
    readings: int
    invalid: int
    first: str
    last: str
    cadence: float
    gaps: int
    gap: float
    longest_gap: float
    stuck: float
    least: float
    median: float
    greatest: float


def summaries(readings: SensorReadings, periods: float) -> list[SensorSummary]:
    """One for every sensor; ``periods`` without a reading make a gap."""
    return [_summary(*each, periods) for each in readings.each()]


def text(readings: SensorReadings, described: Sequence[SensorSummary], quiet: Sequence[Quiet] = ()) -> str:
    """For people; at most ``SHOWN`` sensors."""
    if not len(readings.time):
        return f"{counted(len(described), 'sensor')}, no reading"
    span = f"{moment(readings.time.min())} – {moment(readings.time.max())}"
    lines = [f"{counted(len(described), 'sensor')}, {counted(len(readings.time), 'reading')}, {span}"]
    width = max(len(each.name) for each in described[:SHOWN])
    lines.append(
        f"{'sensor':{width}}  {'loop':8} {'unit':>6} {'readings':>9} {'invalid':>8} {'every':>8} {'gaps':>5} "
        f"{'longest':>8} {'stuck':>8} {'least':>10} {'median':>10} {'greatest':>10}"
    )
    lines += [_line(each, width) for each in described[:SHOWN]]
    if len(described) > SHOWN:
        lines.append(f"… and {len(described) - SHOWN} more; take --json for all")
    lines += [f"quiet {each.sensors}: {each.text}, {moment(each.begin)} – {until(each.end)}" for each in quiet]
    return "\n".join(lines)


def findings_text(read: SensorRead) -> list[str]:
    """The first findings, and how many more there are."""
    shown = [str(each) for each in read.findings[:MOST_FINDINGS]]
    more = len(read.findings) - len(shown)
    return [*shown, f"… and {counted(more, 'more finding')}; take --json for all"] if more else shown


def document(described: Sequence[SensorSummary], read: SensorRead | None = None) -> dict[str, Any]:
    """For machines."""
    found: dict[str, Any] = {"sensors": [asdict(each) for each in described]}
    if read is not None:
        found |= {"files": [asdict(each) for each in read.files], "findings": [asdict(each) for each in read.findings]}
    return found


def until(end: int | None) -> str:
    """The end of a time, which may be open."""
    return "until further notice" if end is None else moment(end)


def _summary(sensor: Sensor, time: NDArray[np.int64], value: NDArray[np.float64], periods: float) -> SensorSummary:
    begins, ends = gaps(sensor, time, periods=periods)
    silent = (ends - begins) / SECOND
    since, to, _ = longest_stuck(time, value)
    valid = value[np.isfinite(value)]
    low, middle, high = np.percentile(valid, [0, 50, 100]) if len(valid) else (np.nan, np.nan, np.nan)
    return SensorSummary(
        name=sensor.name,
        unit=sensor.unit,
        measures=sensor.measures,
        loop=sensor.loop,
        subsystem=sensor.subsystem,
        logging=sensor.logging,
        readings=len(time),
        invalid=int(np.isnan(value).sum()),
        first=moment(time[0]) if len(time) else "",
        last=moment(time[-1]) if len(time) else "",
        cadence=cadence(time),
        gaps=len(silent),
        gap=float(silent.sum()),
        longest_gap=float(silent.max(initial=0)),
        stuck=float(time[to] - time[since]) / SECOND if len(time) else 0.0,
        least=float(low),
        median=float(middle),
        greatest=float(high),
    )


def _line(each: SensorSummary, width: int) -> str:
    return (
        f"{each.name:{width}}  {each.loop or '–':8} {each.unit or '–':>6} {each.readings:>9} {each.invalid:>8} "
        f"{duration(each.cadence):>8} {each.gaps:>5} {duration(each.longest_gap):>8} {duration(each.stuck):>8} "
        f"{each.least:>10.5g} {each.median:>10.5g} {each.greatest:>10.5g}"
    )
