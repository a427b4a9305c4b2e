"""A simulated store of a size that the dashboard is measured on: a million lumisections, made with the store's own
functions.

Nothing was trained: badness, reasons and contributions are drawn. Runs, their decisions and their reasons look alike
enough: one run in three needs people, some lumisections are rejected, a few were not scored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from dqm.decide.policy import MarginPolicy
from dqm.model.config import FeaturesConfig
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.labels import Labels
from dqm.model.past import Past
from dqm.model.people_config import PeopleConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.model.verdicts import Decision, Reason, WorkingPoint
from dqm.services.decide import decide
from dqm.services.outdated import Basis
from dqm.services.people import ConfiguredPeople
from dqm.services.publish import publish
from dqm.services.runs import sign
from dqm.store.change import Change
from dqm.store.contributions import Contributions, contributions_to_arrow
from dqm.store.explanations import Explanations, explanations_to_arrow
from dqm.store.freshness import data_digests
from dqm.store.histograms import store_histograms
from dqm.store.reason_json import reasons_to_json
from dqm.store.store import Store
from dqm.store.tables import MODEL, store_labels, store_past, store_quantities, with_provenance
from features.asked import asked_of

FIRST, LENGTH, COLUMNS, SUBSYSTEMS = 400_000, 500, 500, 10
"""Number of the first certified run, lumisections of a run, feature columns, and subsystems that they belong to."""
FEW = 8
"""Quantities of a run that nobody will look at; the newest ``WIDE`` runs have a column for every feature."""
WIDE, EXPLAINED = 2, 50
"""Newest runs with all quantities and histograms, and with stored explanations."""
ELEMENTS, BINS = 50, 100
SPOKEN = 20
"""People spoke on one run in so many."""
TOGETHER = 100
"""Runs in one transaction, so that memory holds no more of them."""
RECIPE = 3
"""Another number where the store would be another one."""
SEED = 7
ASKED = asked_of(FeaturesConfig())
"""What the configuration asks of features."""
MARKER = "simulated.json"
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
STRETCHES = ((Decision.ASK, 0.2, 0.5), (Decision.REJECT, 0.93, 1.0), (Decision.UNKNOWN, np.nan, np.nan))
CONFIG = """\
[experiment]
name = "simulated, {runs} runs"
weight_unit = "/pb"
lumisection = "LS"
"""


@dataclass(frozen=True)
class Simulated:
    """A simulated store: its configuration file, its newest run and how many certified runs it has."""

    config: Path
    run: int
    runs: int


def simulated(folder: Path, runs: int) -> Simulated:
    """The store of so many certified runs in ``folder``: the one that is there already, or a new one."""
    place = folder / f"simulated-{runs}-{RECIPE}"
    config, made = place / "dqm.toml", Simulated(place / "dqm.toml", FIRST + runs - 1, runs)
    if (place / MARKER).exists():
        Store.open(place / "certification", upgrade=True).close()
        return made
    place.mkdir(parents=True, exist_ok=True)
    config.write_text(CONFIG.format(runs=runs), encoding="utf-8")
    with Store.create(place / "certification") as store:
        fill(store, np.arange(FIRST, FIRST + runs), np.arange(FIRST - max(runs // 5, 20), FIRST))
        act(store, range(FIRST, FIRST + runs, SPOKEN))
    (place / MARKER).write_text(json.dumps({"runs": runs, "recipe": RECIPE}), encoding="utf-8")
    return made


def fill(store: Store, runs: NDArray[np.int64], labelled: NDArray[np.int64]) -> None:
    """Everything that nights leave of the certified ``runs``, and of the ``labelled`` ones before them."""
    past = _past(labelled)
    point = MarginPolicy().choose(past, 0.01, 0.01)
    with store.transaction(at=BEGIN) as change:
        store_labels(change, Labels.of(past.index, past.label, "golden"), {})
        store_past(change, past, {})
        change.add_model("simulated", "models/simulated", "f" * 64, {"manifest": "m" * 64})
        change.point("champion", "simulated")
        change.add_working_point(point)
    for some in np.array_split(runs, max(len(runs) // TOGETHER, 1)):
        with store.transaction(at=BEGIN) as change:
            for run in some.tolist():
                store_quantities(change, _quantities(run, wide=run > runs[-1] - WIDE), {})
                if run > runs[-1] - WIDE:
                    store_histograms(change, _histograms(run), {})
        data, basis = data_digests(store), Basis.of(store, ASKED)
        with store.transaction(at=BEGIN) as change:
            for run in some.tolist():
                _put_verdicts(change, run, data[run], point, basis.notes(run), explained=run > runs[-1] - EXPLAINED)


def act(store: Store, runs: Iterable[int]) -> None:
    """What people did: in each of the ``runs`` all that is open was decided, every second one is signed, and published.

    What was done already is not done again.
    """
    people, done = ConfiguredPeople(PeopleConfig()), {each.nonce for each in store.audit()}
    for run in runs:
        if f"decide {run}" not in done:
            everything = [(1, LENGTH)]
            decide(store, people, "", run, everything, "GOOD", "harmless", nonce=f"decide {run}", at=BEGIN)
        if run % (2 * SPOKEN) == 0 and f"sign {run}" not in done:
            sign(store, people, "", run, asked=ASKED, nonce=f"sign {run}", at=BEGIN)
    if "publish" not in done:
        publish(store, people, "", asked=ASKED, nonce="publish", at=BEGIN)


def _names() -> tuple[str, ...]:
    return tuple(f"counts.near: s{at % SUBSYSTEMS}_element_{at:03d}.mean.z" for at in range(COLUMNS))


def _quantities(run: int, *, wide: bool) -> QuantityTable:
    rng = np.random.default_rng([SEED, run])
    many = COLUMNS if wide else FEW
    columns = [Column("lumi", "oms", "luminosity", "weight", "/pb")]
    columns += [Column(f"element_{at:03d}", "daq", f"s{at % SUBSYSTEMS}", "feature", "", "count") for at in range(many)]
    values = np.column_stack([np.full(LENGTH, _weight(run)), rng.poisson(1000, (LENGTH, many))])
    begin = np.datetime64(BEGIN.replace(tzinfo=None), "ns") + np.timedelta64((run - FIRST) * 4, "h")
    start = np.full(LENGTH, begin) + (np.arange(LENGTH) * 23.31e9).astype("timedelta64[ns]")
    return QuantityTable(_index(run), tuple(columns), values.astype(np.float64), start=start)


def _histograms(run: int) -> Iterator[HistogramBatch]:
    rng = np.random.default_rng([SEED, run, 1])
    shape = 400 * np.exp(-(((np.arange(BINS + 2) - BINS / 2) / 20) ** 2))
    axes = {1: (Axis(BINS, 0.0, 100.0, title="charge"),), 2: (Axis(24, 0, 24), Axis(24, 0, 24))}
    keys = {"run": np.full(LENGTH, run), "ls": np.arange(1, LENGTH + 1)}
    for at in range(ELEMENTS):
        two = at % 10 == 9
        counts = rng.poisson(20, (LENGTH, 26, 26)) if two else rng.poisson(shape, (LENGTH, BINS + 2))
        entries = counts.reshape(LENGTH, -1).sum(axis=1).astype(np.float64)
        name = f"S{at % SUBSYSTEMS}/element_{at:03d}"
        yield HistogramBatch(element=name, **keys, axes=axes[1 + two], counts=counts, entries=entries)


def _put_verdicts(
    change: Change, run: int, data: str, point: WorkingPoint, noted: Mapping[str, str], *, explained: bool
) -> None:
    """Scores, verdicts and explanations of one run, from stretches that need people or were rejected."""
    rng = np.random.default_rng([SEED, run, 2])
    badness = rng.uniform(0, min(point.accept_below, 1) * 0.9, LENGTH).astype(np.float32)
    for _ in range(rng.integers(1, 4) if run % 3 == 0 or explained else 0):
        _, low, high = STRETCHES[rng.choice(3, p=[0.7, 0.2, 0.1])]
        begin = rng.integers(0, LENGTH - 40)
        badness[begin : begin + rng.integers(1, 40)] = rng.uniform(low, high) if low == low else np.nan
    decision = point.decide(badness)
    unknown = decision == Decision.UNKNOWN
    texts = np.array([_reasons(rng) for _ in range(8)], dtype=object)
    run_ls = {"run": np.full(LENGTH, run), "ls": np.arange(1, LENGTH + 1)}
    said = {
        "badness": pa.array(badness, pa.float32()),
        "weight": np.full(LENGTH, _weight(run)),
        "status": pa.array(np.where(unknown, "missing:oms", ""), pa.string()),
        "subsystem": pa.array([f"s{run % SUBSYSTEMS}"] * LENGTH, pa.string()),
        "reasons": pa.array(texts[np.arange(LENGTH) // 64 % 8], pa.string()),
    }
    scores = pa.table({**run_ls, "badness": said["badness"], "held": np.zeros(LENGTH, bool), **said})
    change.put("scores", run, scores.replace_schema_metadata({MODEL: b"simulated"}), {"model": "m" * 64})
    made = {"data": data, "features": "f" * 64, "model": "m" * 64}
    made |= {"working_point": point.digest, "code": version("lumicert"), **noted}
    verdicts = pa.table({**run_ls, "decision": pa.array(decision.astype(str), pa.string()), **said})
    change.put("verdicts", run, with_provenance(verdicts, made), made)
    change.put("contributions", run, contributions_to_arrow(_contributions(run, decision, rng)), {})
    if explained:
        change.put("explanations", run, explanations_to_arrow(_explained(run, decision, rng)), {})


def _contributions(run: int, decision: NDArray[np.object_], rng: np.random.Generator) -> Contributions:
    """One group for every column; what is not accepted stands out in a few of them."""
    level = rng.integers(0, 3, (LENGTH, COLUMNS)) * (rng.random((LENGTH, COLUMNS)) < 0.01)
    rows = np.flatnonzero(decision != Decision.ACCEPT)
    level[rows[:, None], rng.choice(COLUMNS, 5, replace=False)] = rng.integers(20, 80, (len(rows), 5))
    groups = tuple((f"s{at % SUBSYSTEMS}", f"element_{at:03d}") for at in range(COLUMNS))
    return Contributions(_index(run), groups, level.astype(np.uint8))


def _explained(run: int, decision: NDArray[np.object_], rng: np.random.Generator) -> Explanations:
    rows = np.flatnonzero(np.isin(decision.astype(str), ["ASK", "REJECT"]) | (np.arange(LENGTH) % 50 == 0))
    shape = len(rows), COLUMNS
    terms = {
        "input": rng.normal(1000, 32, shape).astype(np.float32),
        "contribution": rng.exponential(0.02, shape).astype(np.float32),
        "reconstruction of autoencoder": rng.normal(1000, 30, shape).astype(np.float32),
        "surprise of nade": rng.exponential(1.0, shape).astype(np.float32),
    }
    return Explanations(_index(run)[rows], _names(), terms, ("",) * COLUMNS)


def _reasons(rng: np.random.Generator) -> str:
    names = _names()
    chosen = rng.choice(COLUMNS, 5, replace=False).tolist()
    return reasons_to_json(
        tuple(Reason(names[at], f"s{at % SUBSYSTEMS}", 7.5 - k, 2.5 / (1 + k)) for k, at in enumerate(chosen))
    )


def _past(runs: NDArray[np.int64]) -> Past:
    rng = np.random.default_rng(SEED)
    n = len(runs) * LENGTH
    label = (rng.random(n) < 0.05).astype(np.int8)
    badness = np.where(label, rng.beta(2, 1.5, n), rng.beta(0.5, 6, n)).astype(np.float32)
    index = lumisection_index(np.repeat(runs, LENGTH), np.tile(np.arange(1, LENGTH + 1), len(runs)))
    weight = np.repeat([_weight(run) for run in runs.tolist()], LENGTH)
    return Past(index, badness, label, weight, np.zeros(n, dtype=bool))


def _index(run: int) -> pd.MultiIndex:
    return lumisection_index(np.full(LENGTH, run), np.arange(1, LENGTH + 1))


def _weight(run: int) -> float:
    """Luminosity of a lumisection of a run, /pb: another one in each of seventeen neighbouring runs."""
    return 0.2 + 0.01 * (run % 17)
