"""Champion and challenger on the same labelled lumisections of the latest runs, none of which either had learned from.

What a model says of a run that it learned from is no evidence, so there its out-of-fold answer of the training is
taken, and a run of neither kind is left out. Thresholds are those that each model's past before these runs gives at the
same budgets: workload at equal policy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.decide.definitions import Outcome, outcome
from dqm.decide.policy import MarginPolicy
from dqm.model.amounts import counted
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.keys import LS_BITS, encode
from dqm.model.labels import Label, Labels
from dqm.model.past import Past
from dqm.model.tables import QuantityTable
from dqm.model.verdicts import WorkingPoint
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from pipelines.run.alignment import aligned, known_to
from pipelines.run.evidence import Evidence
from pipelines.run.learn import answers, held
from pipelines.run.past_file import load_past
from pipelines.run.quantities import all_quantities
from pipelines.run.score_part import bundle_of
from pipelines.run.shapes import Shapes
from pipelines.run.train import all_labels

RUNS, LEAST = 20, 5
"""Latest labelled runs that are compared on, and how few are too few."""


@dataclass(frozen=True)
class Side:
    """One model at its working point: what it would have done with the lumisections of the comparison."""

    model: str
    working_point: WorkingPoint
    outcome: Outcome

    def text(self) -> str:
        """For people."""
        seen = self.outcome
        loss, pollution, workload = (_percent(each) for each in (seen.data_loss, seen.pollution, seen.workload))
        return f"{self.model}: data loss {loss}, pollution {pollution}, workload {workload}"

    def document(self) -> dict[str, Any]:
        """For the audit and for ``--json``; what cannot be said is None."""
        names = ("data_loss", "pollution", "workload", "workload_runs", "lumisections")
        return {"model": self.model, **{name: getattr(self.outcome, name) for name in names}}


@dataclass(frozen=True)
class Comparison:
    """Both sides over ``runs``; ``against`` says what speaks against the challenger, empty where nothing does."""

    runs: tuple[int, ...]
    champion: Side
    challenger: Side
    against: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        lines = [
            f"on {counted(self.challenger.outcome.lumisections, 'labelled lumisection')} of "
            f"{counted(len(self.runs), 'run')} "
            f"({self.runs[0]} to {self.runs[-1]}; each model by answers from before it knew them), thresholds of the "
            "past before them:",
            f"  champion   {self.champion.text()}",
            f"  challenger {self.challenger.text()}",
            *(f"against it: {each}" for each in self.against),
            "it would be refused without --anyway" if self.against else "nothing speaks against it",
        ]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For the audit and for ``--json``."""
        sides = {"champion": self.champion.document(), "challenger": self.challenger.document()}
        return {"runs": list(self.runs), **sides, "against": list(self.against)}


def compare(
    config: Config, store: Store, champion: StoredModel, challenger: StoredModel, runs: int = RUNS
) -> Comparison:
    """Compare two models of the store; raises ``InputError`` where fewer than ``LEAST`` runs can be compared on."""
    quantities, labels = all_quantities(store, config), all_labels(store)
    said = [_Said.of(config, store, each, quantities, labels) for each in (champion, challenger)]
    common, at = _common(said)
    label, weight = _truth(common, quantities, labels)
    known = label >= 0
    newest = np.unique(common[known] >> LS_BITS)[-runs:]
    if len(newest) < LEAST:
        raise InputError(
            f"{len(newest)} labelled runs can be compared on, and {LEAST} are too few to leave out; "
            "wait for labels of later runs, or promote with --anyway and a reason"
        )
    rows = known & np.isin(common >> LS_BITS, newest)
    sides = []
    for each, place in zip(said, at, strict=True):
        point = _point(each, int(newest[0]), config)
        decision = point.decide(each.badness[place[rows]], each.held[place[rows]])
        seen = outcome(decision, label[rows], weight[rows], common[rows] >> LS_BITS)
        sides.append(Side(each.model, point, seen))
    return Comparison(tuple(newest.tolist()), sides[0], sides[1], _against(sides[0], sides[1], config))


def _point(said: _Said, run: int, config: Config) -> WorkingPoint:
    """The thresholds that a model's past before a run gives; raises ``InputError`` where that is too short."""
    before, wanted = said.before(run), config.working_point
    told = len(np.unique(before.run[np.isfinite(before.badness)]))
    if told < LEAST:
        raise InputError(
            f"{said.model} was judged on {told} labelled runs before run {run}, too few to choose thresholds "
            "from; wait for labels of later runs, or promote with --anyway and a reason"
        )
    return MarginPolicy().choose(before, wanted.data_loss, wanted.pollution, wanted.confidence)


def _against(champion: Side, challenger: Side, config: Config) -> tuple[str, ...]:
    """Why the challenger should not take over: a budget that it breaks further than the champion, or more work."""
    found = []
    budgets = config.working_point
    for name, budget in (("data_loss", budgets.data_loss), ("pollution", budgets.pollution)):
        old, new = (getattr(each.outcome, name) or 0.0 for each in (champion, challenger))
        if new > max(budget, old):
            words = name.replace("_", " ")
            found.append(f"its {words} of {_percent(new)} breaks the budget of {_percent(budget)}")
    old, new = (each.outcome.workload if each.outcome.workload is not None else 1.0 for each in (champion, challenger))
    if new > old:
        found.append(f"it leaves {_percent(new)} to people, the champion {_percent(old)}")
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Said:
    """What one model said of lumisections that it had not learned from, by ``key`` (``dqm.model.keys.encode``)."""

    model: str
    past: Past
    key: NDArray[np.int64]
    badness: NDArray[np.float32]
    held: NDArray[np.bool_]

    @classmethod
    def of(cls, config: Config, store: Store, model: StoredModel, quantities: QuantityTable, labels: Labels) -> _Said:
        """What the model says of runs that are new to it, and said out of fold of those that it learned from.

        Raises ``ArtifactError`` for a bundle that was altered, ``FingerprintError`` where it knows other features.
        """
        bundle = bundle_of(store.path / model.folder, model.provenance["manifest"])
        evidence = Evidence.of(aligned(quantities, known_to(model))[0], labels, config)
        shapes = Shapes.of(config, store)
        bundle.schema.require(shapes.beside(evidence.table.take(slice(0, 0))))
        past = load_past(store, model)
        inside = np.isin(evidence.run, np.array(bundle.runs, dtype=np.int64))
        unseen = evidence.take(~inside)
        told = past.run >= past.run[np.isfinite(past.badness)].min(initial=2**31)  # from the first fold on
        code = encode(past.run, np.asarray(past.index.get_level_values("ls")))
        parts: list[tuple[NDArray[Any], ...]] = [(code[told], past.badness[told], past.held[told])]
        if len(unseen):
            unseen = replace(unseen, table=shapes.beside(unseen.table))
            _, badness = answers(bundle, bundle.scores(unseen.table), unseen)
            parts.append((encode(unseen.run, unseen.table.ls), badness, held(bundle, unseen, badness)))
        columns: list[NDArray[Any]] = [np.concatenate(each) for each in zip(*parts, strict=True)]
        order = np.argsort(columns[0])
        return cls(model.model_id, past, *(each[order] for each in columns))

    def before(self, run: int) -> Past:
        """The out-of-fold past of runs before one."""
        rows = self.past.run < run
        fields = {name: getattr(self.past, name)[rows] for name in ("badness", "label", "weight", "held")}
        return Past(self.past.index[rows], **fields)


def _truth(
    key: NDArray[np.int64], quantities: QuantityTable, labels: Labels
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Label and weight of lumisections as they are known now, the same for both sides."""
    code = encode(quantities.run, quantities.ls)
    order = np.argsort(code)
    at = order[np.minimum(np.searchsorted(code, key, sorter=order), len(code) - 1)]
    there = code[at] == key
    label = np.where(there, labels.aligned(quantities.index)[at], np.int8(Label.UNKNOWN)).astype(np.int8)
    return label, np.where(there, quantities.weight[at], 0.0)


def _common(said: list[_Said]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Keys of lumisections that both models were to judge, and where these stand in each; what has no badness asks."""
    first, second = said
    key, one, other = np.intersect1d(first.key, second.key, assume_unique=True, return_indices=True)
    return key, [one, other]


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:.2%}"
