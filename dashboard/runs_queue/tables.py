"""The queue as tables: what is shown of every row, and the totals above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from dashboard.canvas.row_table import Column
from dashboard.look.palette import MACHINE, STATES
from dashboard.runs_queue import lines
from dashboard.verdicts.thumbnails import strip_picture
from dqm.model.verdicts import Decision
from dqm.services.batch import nothing_asks
from dqm.services.pace import Pace
from dqm.services.queue import QueueRow

HERE = "▶"
"""Marks the run that the buttons are about."""
DECIDED = (Decision.ACCEPT, Decision.REJECT)
"""What is in a run in which nothing asks."""


@dataclass(frozen=True)
class Totals:
    """Of the whole queue: runs and weight that need people with the estimated minutes, runs that can be signed, are
    signed or are claimed by somebody, and all certified ``runs`` with their lumisections and weight."""

    runs: int
    lumisections: int
    weight: float
    waiting_runs: int
    waiting: int
    waiting_weight: float
    minutes: float
    ready: int
    signed: int
    claimed: int


def totals(rows: Sequence[QueueRow], pace: Pace) -> Totals:
    """The sums over the queue."""
    certified = [each for each in rows if each.counts]
    waiting = [each for each in certified if each.open]
    return Totals(
        runs=len(certified),
        lumisections=sum(each.lumisections for each in certified),
        weight=sum(each.weight for each in certified),
        waiting_runs=len(waiting),
        waiting=sum(each.open for each in waiting),
        waiting_weight=sum(each.open_weight for each in waiting),
        minutes=sum(lines.minutes(each, pace) for each in waiting),
        ready=sum(1 for each in certified if nothing_asks(each)),
        signed=sum(1 for each in certified if each.signed_by),
        claimed=sum(1 for each in rows if each.claimed_by),
    )


def queue_table(rows: Sequence[QueueRow], here: int, pace: Pace, now: datetime, *, weighted: bool) -> pd.DataFrame:
    """One line for each run; ``here`` is the one that the buttons are about."""
    return pd.DataFrame(
        {
            "here": [HERE if each.run == here else "" for each in rows],
            "run": [each.run for each in rows],
            "state": [lines.STATES[each.state] for each in rows],
            "strip": [each.strip for each in rows],
            "stake": [lines.at_stake(each, pace) for each in rows],
            "minutes": [lines.minutes(each, pace) for each in rows],
            "waiting": [each.open for each in rows],
            "subsystem": [each.subsystem for each in rows],
            "reason": [lines.main_reason(each) for each in rows],
            "who": [lines.who(each, now) for each in rows],
            **{str(group): [lines.share(each, group, weighted=weighted) for each in rows] for group in MACHINE},
            "weight": [each.weight for each in rows],
            "fresh": [lines.freshness(each, now) for each in rows],
        }
    )


def queue_columns(table: pd.DataFrame, unit: str) -> list[Column]:
    """How ``queue_table`` is headed and drawn, in its order."""
    weight = unit or "weight"
    stake, waits = "Weight that needs people, per estimated minute of work.", "Lumisections that need people."
    named = {
        "here": Column("", "text", 30, (), pinned=True),
        "run": Column("run", "number", 72, (), "{:.0f}", pinned=True),
        "state": Column("state", "text", 102, ()),
        "strip": Column("lumisections", "strip", 140, ()),
        "stake": Column(f"{weight}/min", "number", 82, (), "{:.3g}", help=stake),
        "minutes": Column("min", "number", 56, (), "{:.0f}", help="Estimated minutes of work."),
        "waiting": Column("LS open", "number", 80, (), "{:.0f}", help=waits),
        **{
            str(group): Column(STATES[group].word, "share", 84, (), "{:.0f}%", colour=STATES[group].colour)
            for group in MACHINE
        },
        "weight": Column(weight, "number", 72, (), "{:.4g}", help="Weight of the run."),
        "subsystem": Column("subsystem", "text", 96, (), help="The leading one of what needs people."),
        "reason": Column("main reason", "text", 262, ()),
        "who": Column("who", "text", 172, (), help="Who has claimed it until when, or signed it."),
        "fresh": Column("freshness", "text", 150, ()),
    }
    return [replace(named[str(name)], values=values.tolist()) for name, values in table.items()]


def batch_table(rows: Sequence[QueueRow], *, weighted: bool) -> pd.DataFrame:
    """The runs that a batch would sign."""
    return pd.DataFrame(
        {
            "run": [each.run for each in rows],
            "strip": [strip_picture(each.strip) for each in rows],
            "lumisections": [each.lumisections for each in rows],
            **{str(group): [lines.share(each, group, weighted=weighted) for each in rows] for group in DECIDED},
            "weight": [each.weight for each in rows],
        }
    )
