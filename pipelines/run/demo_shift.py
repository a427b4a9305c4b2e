"""What people of the simulated shift did before the demonstration opens: entered as any page or command enters it."""

from __future__ import annotations

from datetime import datetime

from dqm.model.config import Config
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import queue
from dqm.services.runs import claim, escalate, sign
from dqm.store.store import Store
from features.asked import asked_of
from pipelines.simulate.story import DISPUTE, DRIFT, Story

SIGNED = 2
"""Runs that are signed, at most: of those in which nothing waits."""


def shift(config: Config, store: Store, told: Story, at: datetime) -> list[str]:
    """Two shifters disagree, one has claimed a run and asks an expert, the expert has signed; a sentence for each."""
    people, asked = ConfiguredPeople(config.people), asked_of(config.features, config.limits)
    drift, dispute = told.chapter(DRIFT), told.chapter(DISPUTE)
    waits = [dispute.run, *range(drift.run, drift.until + 1)]
    clean = [each.run for each in queue(store, at) if each.counts and not each.open and each.run not in waits]
    told_so = [sign(store, people, "expert-1", run, asked=asked, nonce=f"sign-{run}") for run in sorted(clean)[:SIGNED]]
    weak = [(dispute.first, dispute.last)]
    said = store, people, "shifter-1", dispute.run, weak, "GOOD", "harmless"
    told_so.append(decide(*said, "one tower, as weak as it was last week", nonce="dispute-1"))
    said = store, people, "shifter-2", dispute.run, weak, "BAD", "dead-region"
    told_so.append(decide(*said, "the map has a hole that is new", nonce="dispute-2"))
    told_so.append(claim(store, people, "shifter-2", drift.until, nonce="drift-1"))
    question, end = "is this gain still within the calibration?", [(drift.last, drift.last)]
    told_so.append(escalate(store, people, "shifter-2", drift.until, end, question, nonce="drift-2"))
    return [f"{each.entry.actor}: {each.told}" for each in told_so]
