"""A small night: twelve labelled runs, three certified ones and a new one, as tables and as a store."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dqm.decide.policy import MarginPolicy
from dqm.model.config import FeaturesConfig
from dqm.model.labels import Labels
from dqm.model.past import Past
from dqm.model.people_config import PeopleConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.services.outdated import Basis
from dqm.services.people import ConfiguredPeople
from dqm.store.change import Change
from dqm.store.freshness import past_digests
from dqm.store.partitions import content_digest
from dqm.store.store import Store
from dqm.store.tables import (
    Scores,
    quantities_to_arrow,
    scores_to_arrow,
    split_by_run,
    store_labels,
    store_past,
    store_quantities,
    verdicts_to_arrow,
    with_provenance,
)
from features.asked import asked_of

PAST, CERTIFIED, NEW = range(100, 112), (112, 113, 114), 115
"""Labelled runs, certified runs, and a run that nobody scored yet."""
LENGTH = 40
INJECTION = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "![x](http://evil.example/x.png) **bold** $x$")
"""A script, a formula and markup: names that a careless file could hold."""
ROLES = {"leader-1": "leader", "expert-1": "expert", "shifter-1": "shifter", "shifter-2": "shifter"}
PEOPLE = '[people]\noperator = "leader-1"\n' + "".join(
    f'[[people.person]]\nname = "{name}"\nrole = "{role}"\n' for name, role in ROLES.items()
)
"""A shift as a configuration lists it; the leader works here."""
ASKED = asked_of(FeaturesConfig())
COLUMNS = (
    Column("lumi", "oms", "luminosity", "weight", "/pb"),
    Column("hits", "daq", "tracker", "feature", "", "count"),
    Column("muon rate", "daq", "muons", "feature", "Hz", "rate"),
)


def quantities(runs: list[int], *, timed: bool = True) -> QuantityTable:
    """Three columns per lumisection; each begins 23.31 s after the one before."""
    n = len(runs) * LENGTH
    values = np.random.default_rng(5).normal(100, 10, size=(n, 3))
    begin = np.datetime64("2030-01-01", "ns")
    gap = (np.tile(np.arange(LENGTH), len(runs)) * 23.31e9).astype("timedelta64[ns]")
    start = begin + gap if timed else np.full(n, np.datetime64("NaT"), dtype="datetime64[ns]")
    return QuantityTable(index_of(runs), COLUMNS, values, start=start)


def index_of(runs: list[int]) -> pd.MultiIndex:
    """Lumisections 1 to LENGTH of every run."""
    return lumisection_index(np.repeat(runs, LENGTH), np.tile(np.arange(1, LENGTH + 1), len(runs)))


def past() -> Past:
    """Twelve labelled runs in which badness tells good from bad, not perfectly."""
    rng = np.random.default_rng(3)
    n = len(PAST) * LENGTH
    label = (rng.random(n) < 0.1).astype(np.int8)
    badness = np.clip(rng.beta(0.3, 9, n) + label * rng.beta(6, 2, n), 0, 1).astype(np.float32)
    return Past(index_of(list(PAST)), badness, label, np.ones(n), np.zeros(n, dtype=bool))


def verdicts(names: tuple[str, ...] = ("counts.near: muon_hits.z",)) -> Verdicts:
    """Run 112 has all four states, run 113 only accepted ones, run 114 a few that are asked."""
    badness = np.full(3 * LENGTH, 0.004, dtype=np.float32)
    badness[5:11], badness[20:25], badness[30:32], badness[85:88] = 0.3, 0.99, np.nan, 0.07
    decision = np.where(badness < 0.02, Decision.ACCEPT, np.where(badness >= 0.9, Decision.REJECT, Decision.ASK))
    decision = np.where(np.isnan(badness), Decision.UNKNOWN, decision).astype(object)
    status = np.where(np.isnan(badness), "missing:oms", "").astype(object)
    reasons = tuple(
        tuple(Reason(name, "muons", 7.5 - k, 2.5 - k) for k, name in enumerate(names)) if bad > 0.02 else ()
        for bad in badness
    )
    subsystem = np.where(badness > 0.02, "muons", "").astype(object)
    weight = np.full(3 * LENGTH, 0.25)
    return Verdicts(index_of(list(CERTIFIED)), decision, badness, weight, status, subsystem, reasons)


def fill(store: Store, found: Verdicts, *, timed: bool = True) -> None:
    """Write everything that a night leaves behind."""
    evidence = past()
    labels = Labels.of(evidence.index, evidence.label, "golden")
    held = np.zeros(len(found), dtype=bool)
    scores = Scores(
        found.index, found.badness, held, found.status, found.weight, found.subsystem, found.reasons, "model"
    )
    given = quantities([*PAST, *CERTIFIED, NEW], timed=timed)
    with store.transaction() as change:
        store_quantities(change, given, {})
        store_labels(change, labels, {})
        store_past(change, evidence, {})
        for run, part in split_by_run(scores_to_arrow(scores)):
            change.put("scores", run, part, {})
        certify(change, given, found)
        change.add_working_point(MarginPolicy().choose(evidence, 0.02, 0.02))


def certify(change: Change, given: QuantityTable, found: Verdicts) -> None:
    """Put verdicts as a certification does: with the digest of the data that they were made of."""
    data = {run: content_digest(part) for run, part in split_by_run(quantities_to_arrow(given))}
    basis = Basis(ASKED.digest, past_digests(data, {}))
    for run, part in split_by_run(verdicts_to_arrow(found)):
        about = {"data": data[run], **basis.notes(run)}
        change.put("verdicts", run, with_provenance(part, about), about)


def people() -> ConfiguredPeople:
    """The same shift."""
    listed = [{"name": name, "role": role} for name, role in ROLES.items()]
    return ConfiguredPeople(PeopleConfig.model_validate({"operator": "leader-1", "person": listed}))
