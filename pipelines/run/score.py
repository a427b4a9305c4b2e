"""``dqm score``: badness and reasons for lumisections, by the champion among the models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detectors.artifacts import Bundle, fingerprint, load
from dqm.model.config import Config
from dqm.model.errors import ArtifactError, InputError, UnknownNameError
from dqm.store.explanations import explanations_to_arrow
from dqm.store.schema import CHAMPION
from dqm.store.store import Store, StoredModel
from dqm.store.tables import Scores, scores_to_arrow, split_by_run, with_provenance
from pipelines.run.evidence import Evidence
from pipelines.run.explanations import explained_rows, explanations, of_run
from pipelines.run.freshness import data_digests, label_digests, past_digests, values_digest
from pipelines.run.learn import answers
from pipelines.run.quantities import all_quantities
from pipelines.run.reasons import reasons_of, with_detectors

MOST_RUNS = 1_000_000
"""Runs in one range of ``--runs``."""


@dataclass(frozen=True)
class ScoreSummary:
    """What one scoring did."""

    model: str
    runs: int
    lumisections: int
    unscored: int

    def text(self) -> str:
        """For people."""
        text = f"scored {self.lumisections} lumisections of {self.runs} runs with {self.model}"
        if not self.unscored:
            return text
        if self.unscored < self.lumisections:
            return f"{text}; {self.unscored} of them could not be scored and are UNKNOWN"
        return (
            f"{text}; none could be scored and all are UNKNOWN: they lack the quantities of the past, "
            "or there is no past to compare with; dqm doctor and the findings of dqm ingest tell more"
        )


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


def score(config: Config, store: Store, runs: frozenset[int] = frozenset()) -> ScoreSummary:
    """Score the given runs, or all that the model did not learn from, in one commit.

    Raises ``InputError`` without a model, quantities or runs to score, ``ArtifactError`` for a bundle that is not the
    one that was stored, ``FingerprintError`` where the features are not those that the model knows.
    """
    stored, bundle = champion(store)
    chosen = runs_to_score(store, runs, bundle.runs)
    snapshot = store.snapshot  # what is read and the digests it is known by belong together
    quantities = all_quantities(store, config, snapshot)
    evidence = Evidence.of(quantities, None, config)
    bundle.schema.require(evidence.table)
    rows = np.isin(evidence.run, chosen)
    present, described = evidence.take(rows), quantities.take(rows)
    scores = bundle.scores(present.table)
    _, badness = answers(bundle, scores, present)
    contribution = bundle.explain(present.table, scores)
    subsystem, reasons = reasons_of(present.table, contribution)
    reasons = with_detectors(reasons, bundle, scores)
    status = np.where(described.usable & ~np.isfinite(badness), "no-past-or-no-features", described.status)
    found = Scores(
        index=described.index,  # type: ignore[arg-type]  # read from the store as a lumisection index
        badness=badness,
        held=present.held,
        status=status.astype(object),
        weight=described.weight,
        subsystem=subsystem,
        reasons=reasons,
        model=stored.model_id,
    )
    chosen_rows = explained_rows(present.table, badness, present.held, store.working_point())
    explained = explanations(bundle, present.table.take(chosen_rows), contribution[chosen_rows])
    data = data_digests(store, snapshot)
    labels = label_digests(config, store, snapshot)
    past, model = past_digests(data, labels), stored.provenance["manifest"]
    with store.transaction() as change:
        for run, part in split_by_run(scores_to_arrow(found)):
            values = values_digest(present.table.take(present.run == run))
            made_from = {"data": data[run], "past": past[run], "values": values}
            made_from |= {"features": stored.fingerprint, "model": model}
            change.put("scores", run, with_provenance(part, made_from), made_from)
            why = explanations_to_arrow(of_run(explained, run))
            change.put("explanations", run, with_provenance(why, made_from), made_from)
    return ScoreSummary(stored.model_id, len(chosen), len(found), int((~np.isfinite(badness)).sum()))


def champion_entry(store: Store) -> StoredModel:
    """What the store knows of the model that scores: the one that was trained last."""
    stored = store.pointed(CHAMPION)
    if stored is None:
        raise InputError(f"{store.path} holds no model; make one with: dqm train")
    return stored


def champion(store: Store) -> tuple[StoredModel, Bundle]:
    """The model that scores; its bundle must be byte for byte the one that was stored."""
    stored = champion_entry(store)
    folder = store.path / stored.folder
    bundle = load(folder)
    if fingerprint(bundle) != stored.provenance["manifest"]:
        raise ArtifactError(f"{folder}: not the bundle that was trained; train again with: dqm train")
    return stored, bundle


def runs_to_score(store: Store, asked: frozenset[int], learned: Iterable[int]) -> list[int]:
    """The asked runs, or every run that the model has not learned from."""
    chosen = sorted(held_runs(store, asked) if asked else set(store.runs("quantities")).difference(learned))
    if not chosen:
        raise InputError("no run to score: every run was learned from; ingest new ones or name some with --runs")
    return chosen


def held_runs(store: Store, asked: frozenset[int]) -> frozenset[int]:
    """Those of the asked runs that there are, for a range has gaps; raises ``UnknownNameError`` where none is held."""
    held = store.runs("quantities")
    if asked and asked.isdisjoint(held):
        raise UnknownNameError("run", str(min(asked)), map(str, held))
    return asked.intersection(held)
