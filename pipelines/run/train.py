"""``dqm train``: learn from everything that people have labelled, and choose the working point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detectors.artifacts import Bundle, fingerprint, load, save
from detectors.excursions import MOST_TIMES, Excursions
from detectors.model import Model
from detectors.protocol import Detector
from dqm.decide.policy import MarginPolicy
from dqm.model.amounts import agreeing, counted
from dqm.model.config import Config
from dqm.model.errors import ArtifactError, FingerprintError, InputError
from dqm.model.labels import Labels
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint
from dqm.services.labels import overlaid, person_labels
from dqm.store.schema import CHALLENGER, CHAMPION
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow, store_past
from pipelines.run.alignment import QUANTITIES, described
from pipelines.run.evidence import Evidence
from pipelines.run.learn import TOLERABLE, learn, make_detector, make_others
from pipelines.run.past_file import PAST, save_past
from pipelines.run.quantities import all_quantities
from pipelines.run.shapes import Shapes
from pipelines.tracking.address import tracking_uri

LEAST_RUNS = 3
"""Labelled runs below which thresholds rest on one run that was judged by earlier ones, or on none."""

FEW_RUNS = 20
"""Runs of evidence below which a person is warned."""


@dataclass(frozen=True)
class TrainSummary:
    """What one training made: the model, the runs it learned from and the working point."""

    model: str
    runs: int
    lumisections: int
    bad: int
    warm: bool
    working_point: WorkingPoint
    alias: str = CHAMPION
    tracked: str = ""
    untracked: str = ""
    same: bool = False
    guard: str = ""

    def text(self) -> str:
        """For people."""
        point = self.working_point
        start = "continued" if self.warm else "fitted"
        lines = [
            f"{start} {self.model} on {counted(self.lumisections, 'labelled lumisection')} of "
            f"{counted(self.runs, 'run')}, {self.bad} bad",
            f"accept below {point.accept_below:.4g}, reject from {point.reject_above:.4g}, chosen for "
            f"{point.data_loss_budget:.2%} data loss and {point.pollution_budget:.2%} pollution "
            f"on {counted(point.runs, 'past run')}",
        ]
        if point.runs:
            lines.append(
                f"this is a policy, not a guarantee: {counted(point.runs, 'run')} without any loss would exclude, at "
                f"{point.confidence:.0%} confidence, no risk below {point.alpha_min:.1%}"
            )
        if self.same:
            lines.append(
                f"it is the {CHAMPION} itself: nothing that it learns from has changed, so there is no {CHALLENGER}; "
                "label more runs or change [model] first"
            )
        elif self.alias != CHAMPION:
            lines.append(f"it is the {self.alias}: the {CHAMPION} goes on scoring")
        if self.tracked:
            lines.append(f"recorded in MLflow as {self.tracked}")
        return "\n".join(lines + [f"note: {each}" for each in self.notes()])

    def notes(self) -> list[str]:
        """What keeps this model from being useful."""
        point, found = self.working_point, []
        if not self.bad:
            found.append("no labelled lumisection is bad: the model cannot know what bad looks like")
        if self.runs < LEAST_RUNS:
            found.append(
                f"only {counted(self.runs, 'labelled run')}: thresholds are chosen on runs that models of earlier ones "
                f"judged, of which there are {point.runs}; label at least {LEAST_RUNS} runs, better {FEW_RUNS}"
            )
        elif point.runs < FEW_RUNS:
            found.append(
                f"only {counted(point.runs, 'run')} could be judged by runs before "
                f"{agreeing(point.runs, '[it|them]')}; under {FEW_RUNS} expect most to be asked"
            )
        if point.accept_below == 0:
            found.append(
                "nothing will be accepted automatically: no threshold held the pollution budget on the past, "
                "or nothing in it was bad"
            )
        if np.isinf(point.reject_above):
            found.append(
                "nothing will be rejected automatically, not even what breaks a documented limit: people called more "
                "of that good than the data loss budget allows; check [[limits]], or the labels"
            )
        elif point.reject_above == 1:
            found.append(
                "nothing but what breaks a documented limit will be rejected automatically: "
                "no other threshold held the data loss budget on the past"
            )
        if self.guard:
            found.append(self.guard)
        if self.untracked:
            found.append(f"the model is trained and stored, but MLflow did not take its record: {self.untracked}")
        return found

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**vars(self), "working_point": vars(self.working_point)}


def train(config: Config, store: Store, *, warm: bool = False, challenger: bool = False) -> TrainSummary:
    """Fit on every labelled run of the store, in one commit: model, working point and out-of-fold evidence.

    ``warm`` continues the newest model, where it knows the same features. A ``challenger`` is stored and recorded and
    nothing else changes: the champion goes on scoring with its own working point and past. Raises ``InputError``
    without labels.
    """
    address = tracking_uri(config.tracking.uri, config.folder) if config.tracking.uri else ""
    evidence, columns = labelled_evidence(config, store)
    previous = _previous(config, store, evidence) if warm else None
    trained = learn(
        evidence,
        make_detector(config.model),
        seed=config.model.seed,
        previous=previous,
        others=make_others(config),
        excursion=config.guard.excursion,
    )
    runs = np.unique(evidence.run)
    bundle = Bundle.of(trained.model, tuple(runs.tolist()))
    digest = fingerprint(bundle)
    name = f"{'-'.join(each.kind for each in bundle.members)}-{digest[:12]}"
    save(bundle, store.path / "models" / name)
    past = save_past(store.path / "models" / name, trained.past)
    wanted = config.working_point
    point = MarginPolicy().choose(trained.past, wanted.data_loss, wanted.pollution, wanted.confidence)
    alias, scoring = CHALLENGER if challenger else CHAMPION, store.pointed(CHAMPION)
    same = challenger and scoring is not None and scoring.model_id == name
    with store.transaction() as change:
        if name not in {each.model_id for each in store.models()}:
            record = {"manifest": digest, QUANTITIES: columns, PAST: past}
            change.add_model(name, f"models/{name}", evidence.table.fingerprint, record)
        if not same:
            change.point(alias, name)
        if not challenger:
            change.add_working_point(point)
            store_past(change, trained.past, {"model": digest, "features": evidence.table.fingerprint})
    tracked, untracked = "", ""
    if address:  # after the commit: what stands in MLflow stands in the store
        folder, experiment = store.path / "models" / name, config.experiment.name
        tracked, untracked = _tracked(address, experiment, name, folder, alias, bundle, trained.past, point)
    if tracked:
        with store.transaction() as change:
            change.tell_of_model(name, "mlflow", tracked)
    bad = int((evidence.label == 1).sum())
    known = int((evidence.label >= 0).sum())
    warmed, guard = previous is not None, guard_note(trained.model.excursions)
    return TrainSummary(name, len(runs), known, bad, warmed, point, alias, tracked, untracked, same, guard)


def guard_note(found: Excursions | None) -> str:
    """That the guard of single lumisections asks later than is wanted, and why; empty where it does not."""
    if found is None or found.times == found.asked:
        return ""
    where = f"from {found.times:.3g} times the largest past excursion on" if found.times < MOST_TIMES else "of nothing"
    return (
        f"the guard of single lumisections asks {where} instead of {found.asked:g}: at that, it would have asked about "
        f"more than {TOLERABLE:.0%} of the good lumisections in most parts of the past; "
        f"more runs let it stand nearer, and so do fewer than these {counted(len(found.at), 'column')}"
    )


def labelled_evidence(config: Config, store: Store) -> tuple[Evidence, str]:
    """Evidence of every run in which at least one lumisection is labelled, and the quantities that it was made of.

    Earlier runs are looked at for features. What people decided in signed runs is a label, and stands over one that an
    input gave.
    """
    if not store.runs("quantities"):
        raise InputError(f"{store.path} holds no quantities; read some with: dqm ingest")
    quantities = all_quantities(store, config)
    evidence = Evidence.of(quantities, all_labels(store), config)
    labelled = np.unique(evidence.run[evidence.label >= 0])
    if not len(labelled):
        raise InputError(f"{store.path}: no lumisection is labelled; add an input that gives labels and ingest again")
    chosen = evidence.take(np.isin(evidence.run, labelled))
    return replace(chosen, table=Shapes.of(config, store).beside(chosen.table)), described(quantities)


def all_labels(store: Store) -> Labels:
    """What the inputs, and above them people in signed runs, call good and bad."""
    given = labels_from_arrow(store.read("labels")) if store.runs("labels") else None
    decided = person_labels(store)
    return overlaid(given, decided) if given else decided


def _tracked(
    uri: str, experiment: str, name: str, folder: Path, alias: str, bundle: Bundle, past: Past, point: WorkingPoint
) -> tuple[str, str]:
    """What MLflow calls the model, or why it has no record of it; a training is not lost because MLflow is away."""
    from pipelines.tracking.mlflow_log import log
    from pipelines.tracking.records import training_record

    try:
        found = log(training_record(name, folder, alias, bundle, past, point), uri, experiment)
    except Exception as error:  # noqa: BLE001  # whatever goes wrong in a tracker, here or on a server
        return "", f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"{found.registered} version {found.version}, run {found.run}", ""


def _previous(config: Config, store: Store, evidence: Evidence) -> Model | None:
    """The newest model, if it can be continued; a warm start is an economy, so any obstacle means a fresh fit."""
    known = [each for each in store.models() if each.fingerprint == evidence.table.fingerprint]
    if not known:
        return None
    try:
        bundle = load(store.path / known[-1].folder)
        evidence.table.require(bundle.schema.columns)
    except (ArtifactError, FingerprintError):
        return None
    wanted = [_continued(make(), make.columns) for make in (make_detector(config.model), *make_others(config))]
    return bundle if wanted == [_continued(each.detector, each.columns) for each in bundle.members] else None


def _continued(detector: Detector, columns: tuple[str, ...]) -> tuple[object, ...]:
    """What must be equal in two detectors where one continues the other."""
    return type(detector), getattr(detector, "members", None), columns
