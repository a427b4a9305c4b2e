"""``dqm runs`` and ``dqm audit`` as text, and lumisections as people type them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import numpy as np

from dqm.decide.publish import ReasonRange, anti_reasons, golden_ranges
from dqm.model.amounts import agreeing, counted
from dqm.model.decisions import OPEN_DECISIONS
from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.model.verdicts import CODES, Decision
from dqm.services.effective import (
    StandingVerdicts,
    decisions_that_stand,
    machine_of,
    machine_verdicts,
    with_people,
)
from dqm.services.growing import provisional_runs
from dqm.services.history import printable, spelled
from dqm.services.history import told as sentence
from dqm.services.queue import QueueRow, queue
from dqm.services.shown import Shown
from dqm.services.standing import known_run
from dqm.store.audit import Entry
from dqm.store.store import Store
from features.words import in_words

EVERY, OPEN = "all", "open"
"""Words for every lumisection of a run, and for those that still need a person."""


def told(store: Store, unit: str, most: int) -> tuple[list[QueueRow], str]:
    """The queue, and the first ``most`` (0: all) certified runs of it as a table with one line per run."""
    found = queue(store, datetime.now(UTC))
    certified = [each for each in found if each.counts]
    shown = certified[:most] if most else certified
    used = [each for each in Decision if any(row.counts.get(each) for row in shown)]
    head = ["run", "state", "open " + (unit or "weight"), *map(str, used), ""]
    lines = [head, *(_cells(row, used) for row in shown)] if shown else []
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))] if lines else []
    text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    if rest := len(certified) - len(shown):
        text.append(f"and {rest} more; dqm runs --most 0 lists all")
    if waiting := len(found) - len(certified):
        text.append(
            agreeing(
                waiting,
                f"{counted(waiting, 'run')} [has|have] no verdicts: labels of [it|theirs] were learned from, or "
                "[it waits|they wait] for dqm certify",
            )
        )
    return found, "\n".join(text) or "no run yet; read some with: dqm ingest"


def told_of(store: Store, run: int) -> tuple[list[ReasonRange], str]:
    """One run in ranges: what needs a person first, what is not golden, what is; raises as the services do."""
    at = datetime.now(UTC)
    found = known_run(store, run, at)
    held = machine_of(store, found).partitions
    machine = machine_verdicts(store, held)
    standing = with_people(machine, [found])
    reasons = anti_reasons(standing, partial(in_words, measured=False))
    ranges = [*reasons.undecided, *reasons.anti, *golden_ranges(standing)]
    grows = "; its verdicts are provisional: it still grew" if run in provisional_runs(store) else ""
    lines = [f"run {run} is {found.state}; its last entry is {found.last}{grows}"]
    lines.append(f"what is shown here, for --expected: {Shown.of(found, held[0].digest)}")
    for each in ranges:
        why = ": ".join(filter(None, (each.subsystem, each.reason)))
        lines.append(f"{each.decision:>12}  LS {spelled([(each.first, each.last)])}  {printable(why)}".rstrip())
    return ranges, "\n".join(lines)


def history(store: Store, run: int | None) -> tuple[list[Entry], str]:
    """The entries of a run or all, one line each, and that the whole chain was verified; raises ``StoreError``."""
    count, entries = store.verify_audit(), store.audit(run)
    lines = [f"{each.id:6d}  {sentence(each)}{_about(each)}" for each in entries]
    before = None
    for i, each in enumerate(entries):
        if before and each.at < before:
            lines[i] += "  [the clock was set back]"
        before = each.at
    return entries, "\n".join([*lines, f"{counted(count, 'entry')} in the store, their chain is unbroken"])


def named_lumisections(store: Store, run: int, words: list[str]) -> list[tuple[int, int]]:
    """Ranges of ``12``, ``10-20``, ``1-5,9``, of ``all`` or of what is ``open``; raises ``InputError`` else."""
    if words in ([EVERY], [OPEN]):
        found = known_run(store, run, datetime.now(UTC))
        machine = machine_of(store, found)
        code = StandingVerdicts.of(machine, decisions_that_stand([found])).code
        wanted = np.isin(code, [CODES[each] for each in OPEN_DECISIONS]) if words == [OPEN] else machine.ls >= 0
        return LumiMask.of_lumisections(machine.run[wanted], machine.ls[wanted]).ranges.get(run, [])
    parts = [part.strip() for word in words for part in word.split(",") if part.strip()]
    return [_range(part) for part in parts]


def _range(part: str) -> tuple[int, int]:
    ends = part.split("-")
    if len(ends) > 2 or not all(each.isascii() and each.isdecimal() and len(each) < 11 for each in ends):
        raise InputError(f"{part!r} is no lumisection and no range; write for example 12, 10-20, {OPEN} or {EVERY}")
    return int(ends[0]), int(ends[-1])


def _cells(row: QueueRow, used: list[Decision]) -> list[str]:
    notes = ["provisional: it still grows"] if row.provisional else []
    if row.claimed_until:
        notes.append(f"{row.claimed_by} until {row.claimed_until:%H:%M} UTC")
    if row.escalations:
        notes.append(f"{row.escalations} for an expert")
    if row.signed_by:
        notes.append(f"signed by {row.signed_by}")
    counts = [str(row.counts.get(each, 0)) for each in used]
    return [str(row.run), str(row.state), f"{row.open_weight:.4g}", *counts, ", ".join(notes)]


def _about(entry: Entry) -> str:
    return "" if entry.run is None else f"  [run {entry.run}]"
