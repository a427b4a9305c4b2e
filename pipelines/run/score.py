"""``dqm score``: badness and reasons for lumisections, by the champion among the models."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyarrow import feather

from detectors.artifacts import Bundle
from dqm.model.amounts import counted
from dqm.model.config import Config
from dqm.model.errors import FingerprintError, InputError, UnknownNameError
from dqm.model.tables import FeatureTable
from dqm.model.verdicts import WorkingPoint
from dqm.store.change import Change
from dqm.store.freshness import data_digests, made_beside
from dqm.store.partitions import STAGING
from dqm.store.schema import CHAMPION
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from dqm.store.tables import with_provenance
from features.asked import asked_of
from pipelines.execution.partitions import Outcome, run_partitions
from pipelines.execution.workers import ALONE, Workers
from pipelines.run.alignment import Drift, aligned, known_to
from pipelines.run.evidence import Evidence
from pipelines.run.freshness import values_digest
from pipelines.run.quantities import all_quantities
from pipelines.run.score_part import ScoredPart, ScoreTask, bundle_of, score_part, write_columns, write_part
from pipelines.run.shapes import Shapes

MOST_RUNS = 1_000_000
"""Runs in one range of ``--runs``."""

Also = Callable[[Change], None]
"""What else belongs into the commit of a scoring."""


@dataclass(frozen=True)
class ScoreSummary:
    """What one scoring did; ``failed`` names the runs that could not be scored, and why.

    ``guard`` tells that the model holds single lumisections otherwise than the configuration asks for.
    """

    model: str
    runs: int
    lumisections: int
    unscored: int
    failed: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    drift: Drift = field(default_factory=Drift)
    guard: str = ""

    def text(self) -> str:
        """For people."""
        text = f"scored {counted(self.lumisections, 'lumisection')} of {counted(self.runs, 'run')} with {self.model}"
        if self.unscored and self.unscored < self.lumisections:
            text += f"; {self.unscored} of them could not be scored and are UNKNOWN"
        elif self.unscored:
            text += (
                "; none could be scored and all are UNKNOWN: they lack the quantities of the past, "
                "or there is no past to compare with; dqm doctor and the findings of dqm ingest tell more"
            )
        lines = [text, *(f"run {run} was not scored: {why}" for run, why in self.failed.items())]
        return "\n".join(lines + [f"note: {each}" for each in (self.drift.text(), self.guard) if each])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**vars(self), "failed": dict(self.failed), "drift": vars(self.drift)}


def chosen_runs(text: str) -> frozenset[int]:
    """Runs of ``355100-355200,355210``; raises ``InputError`` for anything else."""
    found: set[int] = set()
    for part in filter(None, (each.strip() for each in text.split(","))):
        ends = [each.strip() for each in part.split("-")]
        valid = len(ends) <= 2 and all(each.isascii() and each.isdecimal() and len(each) < 11 for each in ends)
        if not valid or not 0 <= int(ends[-1]) - int(ends[0]) <= MOST_RUNS:
            raise InputError(
                f"--runs {text!r}: {part!r} is no run and no range of at most {MOST_RUNS} runs; "
                "write e.g. 355100-355200,355210"
            )
        found.update(range(int(ends[0]), int(ends[-1]) + 1))
    return frozenset(found)


def score(
    config: Config,
    store: Store,
    runs: frozenset[int] = frozenset(),
    workers: Workers = ALONE,
    *,
    also: Also = lambda change: None,
) -> ScoreSummary:
    """Score the given runs, or all that the model did not learn from, in one commit, with what is ``also`` to be in it.

    A run that cannot be scored is named in the summary, its earlier scores stay, and the others are scored. Raises
    ``InputError`` without a model, quantities or runs to score, ``ArtifactError`` for a bundle that is not the one that
    was stored, ``FingerprintError`` where the features are not those that the model knows.
    """
    stored, bundle = champion(store)
    chosen = runs_to_score(store, runs, bundle.runs)
    snapshot = store.snapshot  # what is read and the digests it is known by belong together
    quantities, drift = aligned(all_quantities(store, config, snapshot, workers), known_to(stored))
    evidence = Evidence.of(quantities, None, config)
    shapes = Shapes.of(config, store, snapshot)
    described = _known(stored, bundle, shapes.beside(evidence.table.take(slice(0, 0))))
    data = data_digests(store, snapshot)
    asked = asked_of(config.features, config.limits)
    past = made_beside(store, asked, data, snapshot)
    made_from = {"asked": asked.digest, "features": stored.fingerprint, "model": stored.provenance["manifest"]}
    staging = store.path / STAGING
    staging.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=staging, prefix="score-") as folder:
        tasks, values, point, columns = [], {}, store.working_point(), Path(folder, "columns.json")
        write_columns(columns, described)
        for run in chosen:
            rows = evidence.run == run
            part = Path(folder, str(run))
            present = evidence.take(rows)
            values[run] = values_digest(present.table)
            write_part(part, replace(present, table=shapes.beside(present.table)), quantities.status[rows])
            tasks.append(_task(store, stored, run, (part, columns), point))
        outcomes = run_partitions(score_part, tasks, workers, "scoring")
        with store.transaction() as change:
            for each in outcomes:
                if each.answer is None:
                    continue
                run = each.task.run
                made = {"data": data[run], "past": past[run], "values": values[run]} | made_from
                for kind, path in each.answer.files.items():
                    change.put(kind, run, with_provenance(feather.read_table(path), made), made)
            also(change)
    return replace(_summary(stored.model_id, outcomes, drift), guard=other_guard(bundle, config.guard.excursion))


def _known(stored: StoredModel, bundle: Bundle, columns: FeatureTable) -> FeatureTable:
    """The columns, where they are those that the model knows; raises ``FingerprintError`` for any other."""
    try:
        bundle.schema.require(columns)
    except FingerprintError as error:
        raise FingerprintError(
            f"{stored.model_id} knows other features: {error}; train a model that knows these with: dqm train"
        ) from None
    return columns


def other_guard(bundle: Bundle, asked: float) -> str:
    """That a model was trained with another guard of single lumisections than is asked for; empty where it was not."""
    learned = bundle.excursions.asked if bundle.excursions else 0.0
    if learned == asked:
        return ""
    holds = f"with [guard] excursion = {learned:g}" if learned else "without a guard of single lumisections"
    return f"this model was trained {holds}, and the configuration says {asked:g}; train again: dqm train"


def _task(
    store: Store, stored: StoredModel, run: int, files: tuple[Path, Path], point: WorkingPoint | None
) -> ScoreTask:
    part, columns, folder = (str(each.absolute()) for each in (*files, store.path / stored.folder))
    return ScoreTask(run, part, columns, folder, stored.provenance["manifest"], stored.model_id, point)


def _summary(model: str, outcomes: list[Outcome[ScoreTask, ScoredPart]], drift: Drift) -> ScoreSummary:
    done = [each.answer for each in outcomes if each.answer is not None]
    failed = {each.task.run: f"{type(each.error).__name__}: {each.error}" for each in outcomes if each.answer is None}
    lumisections, unscored = (sum(getattr(each, name) for each in done) for name in ("lumisections", "unscored"))
    return ScoreSummary(model, len(done), lumisections, unscored, MappingProxyType(failed), drift)


def champion_entry(store: Store) -> StoredModel:
    """What the store knows of the model that scores: the one that was trained last."""
    stored = store.pointed(CHAMPION)
    if stored is None:
        raise InputError(f"{store.path} holds no model; make one with: dqm train")
    return stored


def champion(store: Store) -> tuple[StoredModel, Bundle]:
    """The model that scores; its bundle must be byte for byte the one that was stored."""
    stored = champion_entry(store)
    return stored, bundle_of(store.path / stored.folder, stored.provenance["manifest"])


def runs_to_score(store: Store, asked: frozenset[int], learned: Iterable[int]) -> list[int]:
    """The asked runs, or every run that the model has not learned from."""
    known = set(learned)
    refuse_learned(store, asked, known)
    chosen = sorted((held_runs(store, asked) if asked else set(store.runs("quantities"))) - known)
    if not chosen:
        raise InputError("no run to score: every run was learned from; ingest new ones or name some with --runs")
    return chosen


def held_runs(store: Store, asked: frozenset[int]) -> frozenset[int]:
    """Those of the asked runs that there are, for a range has gaps; raises ``UnknownNameError`` where none is held."""
    held = store.runs("quantities")
    if asked and asked.isdisjoint(held):
        raise UnknownNameError("run", str(min(asked)), map(str, held))
    return asked.intersection(held)


def refuse_learned(store: Store, asked: frozenset[int], learned: Iterable[int]) -> None:
    """Raise ``InputError`` where the model learned from every asked run: what it says there is no evidence."""
    held = held_runs(store, asked)
    if held and held <= set(learned):
        raise InputError(
            f"run {min(held)} was learned from: what the model says of it is no evidence; "
            "its labels stand in the inputs"
        )
