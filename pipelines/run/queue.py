"""``dqm runs`` and ``dqm audit`` as text, and lumisections as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.model.verdicts import Decision
from dqm.services.effective import machine_of
from dqm.services.history import told as sentence
from dqm.services.queue import QueueRow, queue
from dqm.services.standing import standing_of
from dqm.store.audit import Entry
from dqm.store.store import Store

EVERY = "all"
COUNTS = tuple(Decision)


def told(store: Store, unit: str, most: int) -> tuple[list[QueueRow], str]:
    """The queue, and its first ``most`` rows (0: all) as a table with one line per run."""
    found = queue(store, datetime.now(UTC))
    if not found:
        return found, "no run yet; read some with: dqm ingest"
    shown = found[:most] if most else found
    used = [each for each in COUNTS if any(row.counts.get(each) for row in shown)]
    head = ["run", "state", "open " + (unit or "weight"), *map(str, used), "claimed by, escalations, signed by"]
    lines = [head, *(_cells(row, used) for row in shown)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head) - 1)]
    text = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(line[:-1], widths, strict=True)), line[-1]]).rstrip()
        for line in lines
    ]
    rest = len(found) - len(shown)
    return found, "\n".join(text) + (f"\nand {rest} more; dqm runs --most 0 lists all" if rest else "")


def history(store: Store, run: int | None) -> tuple[list[Entry], str]:
    """The entries of a run or all, one line each, and that the whole chain was verified; raises ``StoreError``."""
    count, entries = store.verify_audit(), store.audit(run)
    lines = [f"{each.id:6d}  {sentence(each)}{_about(each)}" for each in entries]
    before = None
    for i, each in enumerate(entries):
        if before and each.at < before:
            lines[i] += "  [the clock was set back]"
        before = each.at
    return entries, "\n".join([*lines, f"{count} entries in the store, their chain is unbroken"])


def named_lumisections(store: Store, run: int, words: list[str]) -> list[tuple[int, int]]:
    """Ranges of ``12``, ``10-20``, ``1-5,9`` or ``all``; raises ``InputError`` for anything else."""
    if words == [EVERY]:
        machine = machine_of(store, standing_of(store, run, datetime.now(UTC)))
        return LumiMask.of_lumisections(machine.run, machine.ls).ranges.get(run, [])
    parts = [part.strip() for word in words for part in word.split(",") if part.strip()]
    return [_range(part) for part in parts]


def _range(part: str) -> tuple[int, int]:
    ends = part.split("-")
    if len(ends) > 2 or not all(each.isascii() and each.isdecimal() and len(each) < 11 for each in ends):
        raise InputError(f"{part!r} is no lumisection and no range; write for example 12, 10-20 or {EVERY}")
    return int(ends[0]), int(ends[-1])


def _cells(row: QueueRow, used: list[Decision]) -> list[str]:
    notes = []
    if row.claimed_until:
        notes.append(f"{row.claimed_by} until {row.claimed_until:%H:%M} UTC")
    if row.escalations:
        notes.append(f"{row.escalations} for an expert")
    if row.signed_by:
        notes.append(f"signed by {row.signed_by}")
    if not row.counts:
        notes.append("not certified")
    counts = [str(row.counts.get(each, 0)) for each in used]
    return [str(row.run), str(row.state), f"{row.open_weight:.4g}", *counts, ", ".join(notes)]


def _about(entry: Entry) -> str:
    return "" if entry.run is None else f"  [run {entry.run}]"
