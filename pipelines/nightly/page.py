"""The report of a night: one HTML page that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from dashboard.look.palette import MACHINE, STATES
from dqm.decide.worst_loops import worst_loops
from dqm.model.amounts import agreeing, counted
from dqm.model.config import Config
from dqm.model.decisions import RunState
from dqm.model.findings import Finding
from dqm.model.sensors import moment
from dqm.services.standing import Standing, standings
from dqm.store.anomalies import ScannedDay
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.nightly.stages import FAILED

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd;
vertical-align:top}th{text-align:left;font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}
.bar{display:flex;width:12rem;height:1rem;margin-top:.25rem}.bar i{min-width:2px}
.key i{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}.failed{color:#a40000;font-weight:600}.note{color:#555}
:root{color-scheme:light dark}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181a1b}
th,td{border-color:#444}.failed{color:#ff8a80}.note{color:#aaa}}
"""
MOST_RUNS, MOST_FINDINGS, MOST_LOOPS, MOST_PLACES = 200, 50, 30, 3


def write_page(
    path: Path,
    config: Config,
    store: Store,
    night: Mapping[str, Any],
    findings: Sequence[Finding],
    days: Sequence[ScannedDay] = (),
) -> None:
    """Write the page of a night (``NightSummary.document``), what was found in its input, and ``days`` of sensors."""
    name = escape(config.experiment.name)
    failed = [each["name"] for each in night["stages"] if each["state"] == FAILED]
    verdict = f"<span class='failed'>failed: {escape(', '.join(failed))}</span>" if failed else "everything was done"
    parts = [
        f"<h1>Night {night['night']} of {name}</h1>",
        f"<p>Began {escape(night['began'][:19].replace('T', ' '))} UTC, took {night['seconds']:.1f} s; {verdict}. "
        f"The store is at snapshot {night['snapshot']}.</p>",
        "<h2>Stages</h2>",
        _table(("stage", "state", "seconds", "what it did"), map(_stage, night["stages"])),
        "<h2>Runs</h2>",
        _runs(store, [*night["due"]["new"], *night["due"]["stale"]], night["failed_runs"]),
        *_sensors(days),
        "<h2>Input</h2>",
        _findings(findings),
    ]
    head = f"<meta charset='utf-8'><title>Night {night['night']} of {name}</title><style>{STYLE}</style>"
    page = f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"
    staged = path.with_suffix(".part")
    staged.write_text(page, encoding="utf-8")
    staged.replace(path)


def _stage(stage: Mapping[str, Any]) -> tuple[str, ...]:
    said = escape(stage["said"]).replace("; ", "<br>")
    state = f"<span class='failed'>{stage['state']}</span>" if stage["state"] == FAILED else stage["state"]
    return escape(stage["name"]), state, f"{stage['seconds']:.2f}", said


def _runs(store: Store, runs: Sequence[int], failed: Mapping[str, str]) -> str:
    """Lumisections by decision of the runs that were scored, those that leave most to people first."""
    if not runs:
        return "<p>No run was scored.</p>"
    rows: list[tuple[int, tuple[str, ...]]] = []
    held, stand = set(store.runs("verdicts")), standings(store, datetime.now(UTC))
    for run in runs:
        if str(run) in failed or run not in held:
            why = escape(failed.get(str(run), "not decided yet"))
            rows.append((-1, (str(run), "", *[""] * len(MACHINE), f"<span class='failed'>{why}</span>")))
            continue
        verdicts = verdicts_from_arrow(store.read("verdicts", [run]))
        decision = verdicts.decision.astype(str)
        counts = [int((decision == each).sum()) for each in MACHINE]
        asking = np.isin(decision, ["ASK", "REJECT", "UNKNOWN"])
        leading = Counter(filter(None, verdicts.subsystem[asking].tolist())).most_common(3)
        names = escape(", ".join(f"{name} ({n})" for name, n in leading)) + _signed(stand[run])
        rows.append((counts[1] + counts[3], (str(run), _bar(counts), *map(str, counts), names)))
    rows.sort(key=lambda each: -each[0] if each[0] >= 0 else -np.inf)
    left = len(rows) - MOST_RUNS
    note = (
        f"<p class='note'>{counted(left, 'more run')} {agreeing(left, '[is|are]')} not shown.</p>" if left > 0 else ""
    )
    head = ("run", "", *map(str, MACHINE), "leading subsystems of what is not accepted")
    return _key() + _table(head, (cells for _, cells in rows[:MOST_RUNS])) + note


def _signed(standing: Standing) -> str:
    """What is added to a run whose verdicts of the machine, shown beside it, are not what stands."""
    if standing.signed is None:
        return ""
    changed = f"; its data changed since: dqm reopen {standing.run}" if standing.state is RunState.NEEDS_REVIEW else ""
    return f"<div class='note'>signed: what was signed stands{changed}</div>"


def _bar(counts: Sequence[int]) -> str:
    """Shares of the lumisections of a run by decision; the numbers stand beside it."""
    parts = [(STATES[name], n) for name, n in zip(MACHINE, counts, strict=True) if n]
    cells = "".join(f"<i style='flex:{n};background:{each.colour}' title='{n} {each.word}'></i>" for each, n in parts)
    return f"<div class='bar'>{cells}</div>"


def _key() -> str:
    marks = "".join(f"<i style='background:{STATES[each].colour}'></i>{STATES[each].word}" for each in MACHINE)
    return f"<p class='key note'>Lumisections of every run that was scored:{marks}</p>"


def _sensors(days: Sequence[ScannedDay]) -> list[str]:
    """The worst loops of the days that the night scanned, and what could not be judged."""
    if not days:
        return []
    intervals = [one for day in days for one in day.intervals]
    worst = worst_loops(intervals, max(day.end for day in days))
    rows = [(escape(e.loop), f"{e.hours:.1f}", f"{e.severity:.1f}", escape(e.kinds), escape(e.reason)) for e in worst]
    notes = dict.fromkeys(note for day in days for note in day.notes)
    left = len(rows) - MOST_LOOPS
    more = [f"{counted(left, 'more loop')} {agreeing(left, '[is|are]')} not shown."] if left > 0 else []
    span = f"{moment(min(day.begin for day in days))} – {moment(max(day.end for day in days))}"
    table = _table(("loop", "hours", "severity", "kinds", "reason"), rows[:MOST_LOOPS])
    quiet = "<p>No loop that could be judged did anything unusual.</p>"
    said = [f"<p class='note'>{escape(each)}</p>" for each in (*more, *notes)]
    return ["<h2>Worst loops</h2>", f"<p>{span}</p>", table if rows else quiet, *said]


def _findings(findings: Sequence[Finding]) -> str:
    """What was found in the input, alike ones together."""
    if not findings:
        return "<p>Nothing was found fault with.</p>"
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for each in findings:
        alike.setdefault((each.severity, each.code, each.what), []).append(each)
    rows = [
        (escape(severity), escape(code), str(len(group)), _places(group), escape(what))
        for (severity, code, what), group in sorted(alike.items(), key=lambda each: -len(each[1]))
    ]
    note = f"<p class='note'>{len(rows) - MOST_FINDINGS} more kinds.</p>" if len(rows) > MOST_FINDINGS else ""
    return _table(("severity", "code", "times", "where", "reason"), rows[:MOST_FINDINGS]) + note


def _places(group: Sequence[Finding]) -> str:
    """Where the first of them are: file, run and lumisection."""
    places = list(dict.fromkeys(each.place for each in group))
    left = len(places) - MOST_PLACES
    return "<br>".join(map(escape, places[:MOST_PLACES])) + (f"<br>and {left} more" if left > 0 else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already; those that look like numbers stand to the right."""
    cells = [[_cell(each) for each in row] for row in rows]
    numbers = [each.startswith("<td class") for each in cells[0]] if cells else [False] * len(head)
    top = "".join(
        f"<th class='n'>{each}</th>" if n else f"<th>{each}</th>" for each, n in zip(head, numbers, strict=True)
    )
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<table><tr>{top}</tr>{body}</table>"


def _cell(text: str) -> str:
    number = text.replace(".", "", 1).isdecimal()
    return f"<td class='n'>{text}</td>" if number else f"<td>{text}</td>"
