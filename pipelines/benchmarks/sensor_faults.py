"""Faults in simulated cooling loops, and which of them ``dqm sensors scan`` finds at one false alarm per loop and week.

Campaigns of ``CryogenicSettings``: a past without faults, then a time with faults of every kind and strength in it,
scanned as the command does. Nothing of the scan was chosen by these numbers but its past.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dqm.model.amounts import agreeing, counted
from dqm.model.sensors import SECOND, AnomalyInterval
from pipelines.progress import track
from pipelines.sensors.scan import Night, Scan, scan
from pipelines.simulate.cryogenic_faults import HOUR, KINDS, CryogenicFault, placed
from pipelines.simulate.cryogenics import BEGIN, CryogenicSettings, cell_names, simulate

LOOPS, PAST_DAYS, DAYS, CAMPAIGNS, FAULTS = 25, 4.0, 8.0, 7, 286
QUICK = 10, 1.5, 3.0, 1, 27
"""The same for a quick run."""
UNHURT = 2
"""Campaigns without any fault, for the rate of false alarms; a quick run has one."""
CALLED = {
    "stiction": ("hunting", "mistuning"), "hunting": ("hunting", "mistuning"), "mistuning": ("mistuning", "hunting"),
    "drift": ("drift",), "stuck": ("stuck",), "leak": ("level", "drift"), "heater-trip": ("level", "drift"),
    "gap": ("gap",), "unit-change": ("unit-change",),
}  # fmt: skip
"""What each fault may be called."""
CERTAIN = ("gap", "stuck", "unit-change")
AFTER = HOUR
"""How long after its end what a fault did may still be seen."""


@dataclass(frozen=True)
class FaultRow:
    """Faults of a kind and strength: how many, the share that was found and that was named rightly among the found,
    the median minutes from the begin of the fault to that of the anomaly (NaN where none was found), and how many were
    ``carried``: told only as part of a cause that loops were taken to have in common."""

    kind: str
    strength: float
    unit: str
    faults: int
    found: float
    named: float
    minutes: float
    carried: int

    def document(self) -> dict[str, Any]:
        """For machines; what is not known is null."""
        return {key: None if value != value else value for key, value in vars(self).items()}


@dataclass(frozen=True)
class SensorFaults:
    """All rows; ``silent`` gaps, stuck sensors and changes of unit without an anomaly of their name.

    ``false`` alarms in as many loop-``weeks`` without a fault, and the same of sectors without any fault
    (``unhurt_false``, ``unhurt_weeks``): where many loops are hurt at once, what the others should be like is hard to
    say. ``promised`` are the rates that the pasts of the campaigns had; ``seconds`` it took.
    """

    rows: tuple[FaultRow, ...]
    silent: int
    false: int
    weeks: float
    unhurt_false: int
    unhurt_weeks: float
    promised: tuple[float, ...]
    seconds: float

    @property
    def carried(self) -> int:
        """Faults that were told only as part of a common cause."""
        return sum(row.carried for row in self.rows)

    def text(self) -> str:
        """For people."""
        lines = [f"{'fault':12} {'strength':>9} {'faults':>7} {'found':>6} {'named':>6} {'after':>8} {'carried':>8}"]
        for row in self.rows:
            named = "–" if np.isnan(row.named) else f"{row.named:.0%}"
            after = "–" if np.isnan(row.minutes) else f"{row.minutes:.0f} min"
            strength = f"{row.strength:g} {row.unit}"
            lines.append(
                f"{row.kind:12} {strength:>9} {row.faults:>7} {row.found:>6.0%} {named:>6} {after:>8} {row.carried:>8}"
            )
        faults = sum(row.faults for row in self.rows)
        passed = f"{self.silent} of a gap, a stuck sensor or a change of unit passed without its name"
        lines.append(f"{counted(faults, 'fault')}; {passed}")
        were = agreeing(self.carried, "[was|were]")
        lines.append(f"{counted(self.carried, 'fault')} {were} told only as part of a common cause")
        lines.append(_rate_text("in sectors without faults", self.unhurt_false, self.unhurt_weeks))
        lines.append(_rate_text("beside loops with faults", self.false, self.weeks))
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For machines."""
        rate = self.false / self.weeks if self.weeks else None
        faults = sum(row.faults for row in self.rows)
        metrics: dict[str, float | None] = {
            "faults": faults,
            "silent": self.silent,
            "carried": self.carried,
            "false_alarms": self.false,
            "loop_weeks": self.weeks,
        }
        metrics |= {"false_alarms_per_loop_week": rate, "seconds": round(self.seconds, 1)}
        metrics |= {"unhurt_false_alarms": self.unhurt_false, "unhurt_loop_weeks": self.unhurt_weeks}
        return {"set": "faults", "metrics": metrics, "rows": [row.document() for row in self.rows]}

    def figure(self) -> go.Figure:
        """Share of found faults by strength, a line for every kind."""
        figure = go.Figure()
        for i, kind in enumerate(dict.fromkeys(row.kind for row in self.rows)):
            mine = [row for row in self.rows if row.kind == kind]
            figure.add_scatter(
                x=list(range(1, len(mine) + 1)),
                y=[100 * row.found for row in mine],
                name=f"{kind} ({mine[0].unit}: {', '.join(f'{row.strength:g}' for row in mine)})",
                mode="lines+markers",
                line={"color": COLOURS[i % len(COLOURS)], "dash": ("solid", "dash")[i // len(COLOURS)]},
                marker={"symbol": i},
            )
        return figure.update_layout(
            template="plotly_white",
            xaxis={"title": "strength: 1 the least", "dtick": 1},
            yaxis={"title": "found (% of the injected faults)", "range": [-3, 103]},
            title="Simulated faults found, by kind and strength",
        )


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


@dataclass(frozen=True)
class _Seen:
    """One fault and the anomalies of its loop that overlap it."""

    fault: CryogenicFault
    anomalies: tuple[AnomalyInterval, ...]


def run(*, quick: bool = False, seed: int = 11, plot: Path | None = None) -> SensorFaults:
    """Simulate, scan and count; ``plot`` is a page to write. Quick: a few faults, for a try."""
    loops, past, days, campaigns, faults = QUICK if quick else (LOOPS, PAST_DAYS, DAYS, CAMPAIGNS, FAULTS)
    started = time.monotonic()
    seen: list[_Seen] = []
    false, weeks, promised = 0, 0.0, []
    for k in track(range(campaigns), "campaigns"):
        scanned, injected = _campaign(loops, past, days, faults, seed + k)
        seen += _seen(injected, scanned.intervals)
        quiet, those = _quiet(injected, scanned, loops)
        false, weeks = false + those, weeks + quiet
        promised.append(scanned.alarm.rate[0])
    without = range(seed + 100, seed + 100 + (1 if quick else UNHURT))
    unhurt = [_quiet((), _campaign(loops, past, days, 0, each)[0], loops) for each in without]
    unhurt_weeks, unhurt_false = (sum(each) for each in zip(*unhurt, strict=True))
    seconds = time.monotonic() - started
    alarms = (false, weeks, int(unhurt_false), unhurt_weeks)
    result = SensorFaults(tuple(_rows(seen)), _silent(seen), *alarms, tuple(promised), seconds)
    if plot is not None:
        result.figure().write_html(plot, include_plotlyjs=True)
    return result


def _rate_text(where: str, false: int, weeks: float) -> str:
    rate = false / weeks if weeks else float("nan")
    return f"{counted(false, 'false alarm')} in {weeks:.1f} quiet loop-weeks {where}: {rate:.2f} per loop and week"


def _campaign(loops: int, past: float, days: float, count: int, seed: int) -> tuple[Scan, tuple[CryogenicFault, ...]]:
    """One campaign, scanned, and the faults that are in it."""
    begin = int(BEGIN.astype(np.int64))
    split, end = (begin + round(each * 86_400) * SECOND for each in (past, past + days))
    settings = CryogenicSettings(days=past + days, loops=loops, seed=seed, faults=0)
    faults = placed(cell_names(loops), count, (), split, end, np.random.default_rng([seed, 4]))
    readings = simulate(settings, faults).readings
    return scan(Night.of(readings.between(begin, split), readings.between(split, end))), faults


def _seen(faults: Sequence[CryogenicFault], intervals: Sequence[AnomalyInterval]) -> Iterator[_Seen]:
    for fault in faults:
        mine = [each for each in intervals if each.loop == fault.loop and _overlaps(each, fault, AFTER // 6)]
        yield _Seen(fault, tuple(mine))


def _overlaps(each: AnomalyInterval, fault: CryogenicFault, after: int) -> bool:
    return each.begin < fault.end + after and (each.end is None or each.end > fault.begin)


def _quiet(faults: Sequence[CryogenicFault], scanned: Scan, loops: int) -> tuple[float, int]:
    """Loop-weeks without a fault or what follows it, and the anomalies that began in them."""
    busy = sum(min(each.end + AFTER, scanned.end) - each.begin for each in faults)
    week = 7 * 24 * HOUR
    false = [
        each
        for each in scanned.intervals
        if not each.cause and not any(each.loop == fault.loop and _overlaps(each, fault, AFTER) for fault in faults)
    ]
    return (loops * (scanned.end - scanned.begin) - busy) / week, len(false)


def _silent(seen: Sequence[_Seen]) -> int:
    """Faults that are certain and for which no anomaly has the right name."""
    certain = [each for each in seen if each.fault.kind in CERTAIN]
    return sum(not any(one.kind == each.fault.kind for one in each.anomalies) for each in certain)


def _carried(seen: Sequence[_Seen]) -> int:
    """Faults of which every anomaly has a common cause, and which are no incident of their loop therefore."""
    return sum(bool(each.anomalies) and all(one.cause for one in each.anomalies) for each in seen)


def _rows(seen: Sequence[_Seen]) -> Iterator[FaultRow]:
    for kind, what in KINDS.items():
        for strength in what.strengths:
            mine = [each for each in seen if (each.fault.kind, each.fault.strength) == (kind, strength)]
            if not mine:
                continue
            found = [each for each in mine if each.anomalies]
            named = [any(one.kind in CALLED[kind] for one in each.anomalies) for each in found]
            first = [max(0, min(one.begin for one in each.anomalies) - each.fault.begin) for each in found]
            minutes = float(np.median(first)) / SECOND / 60 if found else float("nan")
            right = float(np.mean(named)) if found else float("nan")
            share = len(found) / len(mine)
            yield FaultRow(kind, strength, what.unit, len(mine), share, right, minutes, _carried(found))
