"""``dqm certify``: badness into verdicts with reasons; golden JSON and anti-JSON published in the same commit.

What people decided is in what is published; a run that was signed is not decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dashboard.verdicts.verdict_csv import verdict_csv
from dqm.decide.policy import MarginPolicy
from dqm.model.config import Config
from dqm.model.decisions import RunState
from dqm.model.errors import InputError, StoreError
from dqm.model.past import Past
from dqm.model.tables import USABLE
from dqm.model.verdicts import Decision, Provenance, Verdicts, WorkingPoint
from dqm.services.effective import changed_runs, machine_verdicts, partitions_that_stand, without_changed
from dqm.services.growing import MARK, growing, provisional_runs
from dqm.services.outdated import Basis
from dqm.services.publish import ANTI, GOLDEN, Golden, enter_golden
from dqm.services.standing import Standing, standings
from dqm.services.working_points import approval
from dqm.store.change import Change
from dqm.store.freshness import data_digests
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from dqm.store.tables import past_from_arrow, quantities_from_arrow, scores_from_arrow, store_verdicts
from features.asked import asked_of
from features.words import in_words
from pipelines.run.certify_summary import STALE, CertifySummary
from pipelines.run.drift import DriftCheck, drift, withdrawn
from pipelines.run.freshness import stale_runs
from pipelines.run.renewal import SCORES, Renewal
from pipelines.run.score import champion, champion_entry, held_runs, other_guard, refuse_learned

IN_WORDS = partial(in_words, measured=False)
"""How the reasons of an anti-JSON are put into words."""


@dataclass(frozen=True, eq=False)
class Certified:
    """What a certification is about to commit: the ``verdicts`` that stand of all runs, people's decisions in, the runs
    ``decided`` now by ``working_point``, and those of them that are ``provisional``."""

    verdicts: Verdicts
    decided: frozenset[int]
    working_point: WorkingPoint
    provisional: frozenset[int]


Also = Callable[[Change, Certified], None]
"""What else belongs into the commit of a certification."""


def certify(
    config: Config,
    store: Store,
    runs: frozenset[int] = frozenset(),
    *,
    report: Path | None = None,
    output: Path | None = None,
    also: Also = lambda change, certified: None,
    live: bool = False,
    checked: DriftCheck | None = None,
) -> CertifySummary:
    """Decide the given runs, or all that were scored, and publish, in one commit, with what is ``also`` to be in it.

    The golden JSON is made of the verdicts of all runs of the store, those certified before included. While the model
    drifts and ``nightly.on_drift`` is "ask", nothing is accepted and only broken limits are rejected. Budgets that were
    changed in the configuration choose a new working point from the same past. Raises ``InputError`` where nothing was
    trained or scored; nothing that was published changes then. ``live`` makes the verdicts of a newest run that still
    grows provisional; those that are become final where their run has ended. ``checked`` is whether the model drifts,
    where that is known already.
    """
    snapshot = store.snapshot
    model, bundle = champion(store)
    past, kept = past_of(store), working_point(config, store)
    point = _in_force(config, store, kept, past, checked)
    for path in filter(None, (output, report.parent if report else None)):
        path.mkdir(parents=True, exist_ok=True)
    refuse_learned(store, runs, bundle.runs)
    plan = _Plan.of(config, store, runs, live=live)
    golden = _committed(store, snapshot, plan, model, kept, point, also)
    published, effective = store.publication(GOLDEN), golden.effective
    published.read()  # refuses a file that was altered since
    certified = of_runs(effective, plan.chosen)
    written = [] if output is None else write_output(output, store, effective)
    if report is not None:
        written.append(report)
        from dashboard.verdicts.report import write_report

        write_report(report, config, certified if plan.chosen else effective, point, published, past)
    left = tuple(sorted(plan.signed & runs if runs else plan.signed))
    return CertifySummary(
        runs=len(plan.chosen),
        decisions={str(each): int((certified.decision.astype(str) == each).sum()) for each in Decision},
        golden=golden.lumisections,
        left=golden.left.counts,
        version=published.version,
        path=published.path,
        working_point=point,
        written=tuple(written),
        stale=tuple(sorted(plan.stale)),
        signed=left,
        review=tuple(run for run in left if plan.standings[run].state is RunState.NEEDS_REVIEW),
        provisional=tuple(sorted(plan.provisional)),
        earlier=_of_another(store, model.provenance["manifest"], plan.signed | plan.stale | set(bundle.runs)),
        withdrawn=point is not kept,
        guard=other_guard(bundle, config.guard.excursion),
    )


@dataclass(frozen=True)
class _Plan:
    """What is done with which run, by how things stood when it was made.

    ``chosen`` runs are decided, ascending: the ``stale`` ones as UNKNOWN, those that still grow as ``provisional``.
    ``signed`` ones are left. ``renewal`` tells which verdicts of others hold beside earlier runs of now (``basis``).
    """

    standings: Mapping[int, Standing]
    signed: frozenset[int]
    stale: frozenset[int]
    chosen: tuple[int, ...]
    provisional: frozenset[int]
    basis: Basis
    renewal: Renewal

    @classmethod
    def of(cls, config: Config, store: Store, asked: frozenset[int], *, live: bool) -> Self:
        """The plan for the runs that are ``asked`` for, or for all; raises ``InputError`` where there is none."""
        found = standings(store, datetime.now(UTC))
        signed = frozenset(run for run, each in found.items() if each.signed)
        stale = stale_runs(config, store) - signed
        basis = Basis.of(store, asked_of(config.features, config.limits), store.snapshot)
        outdated = frozenset(basis.outdated(store.partitions("verdicts")).keys() & basis.past.keys()) - signed
        model = champion_entry(store).provenance["manifest"]
        wanted = _wanted(store, asked, model, stale, signed, outdated)
        renewal = Renewal.of(store, outdated - set(wanted), model)
        chosen = tuple(sorted({*wanted, *renewal.again, *renewal.unknown}))
        grow = growing(store, config.nightly.run_ends_after, datetime.now(UTC), live=live) & set(chosen)
        return cls(found, signed, stale | renewal.unknown, chosen, grow, basis, renewal)

    def others(self, store: Store) -> list[Verdicts]:
        """The verdicts of the machine for the runs that are not chosen; none where there is no such run."""
        chosen = frozenset(self.chosen)
        kept = [each for each in partitions_that_stand(store, self.standings.values()) if each.run not in chosen]
        changed = changed_runs(kept, self.standings)
        return [without_changed(machine_verdicts(store, kept), changed)] if kept else []


def _in_force(config: Config, store: Store, kept: WorkingPoint, past: Past, checked: DriftCheck | None) -> WorkingPoint:
    """The working point that decides: the one that is ``kept``, or nothing accepted where drift asks and is seen."""
    if config.nightly.on_drift != "ask":
        return kept
    found = checked or drift(config, store, past, champion_entry(store).provenance["manifest"])
    return withdrawn(kept) if found and found.drifts else kept


def _committed(
    store: Store, snapshot: int, plan: _Plan, model: StoredModel, kept: WorkingPoint, point: WorkingPoint, also: Also
) -> Golden:
    """Verdicts, working point, golden JSON and what is ``also`` to be there, in one commit."""
    new = [_stale(store, run) if run in plan.stale else _verdicts(store, run, point) for run in plan.chosen]
    machine = joined([*plan.others(store), *new])
    golden: list[Golden] = []
    made_from = {"working_point": point.digest, "model": model.provenance["manifest"], "code": version("lumicert")}
    current, scored = data_digests(store), store.digests("scores")

    def publish(_: object) -> None:
        # People may decide while all this is made, so what they said is read when nobody else can write.
        golden.append(_published(store, change, machine, plan, made_from))
        also(change, Certified(golden[0].effective, frozenset(plan.chosen), point, plan.provisional))

    with store.transaction(based_on=snapshot) as change:
        for run, verdicts in zip(plan.chosen, new, strict=True):
            made = Provenance(current.get(run, ""), model.fingerprint, **made_from)
            noted = plan.basis.notes(run) | {SCORES: "" if run in plan.stale else scored[run]}
            store_verdicts(change, verdicts, vars(made) | noted | (MARK if run in plan.provisional else {}))
        plan.renewal.note(store, change, plan.basis)
        change.add_working_point(kept)
        change.require(publish)
    return golden[0]


def working_point(config: Config, store: Store) -> WorkingPoint:
    """The newest working point, or a new one from the same past where the budgets of the configuration differ.

    One that a leader approved decides until the next training or approval, whatever the configuration says.
    """
    point, wanted = store.working_point(), config.working_point
    if point is None:
        raise InputError(f"{store.path} holds no working point; choose one with: dqm train")
    if approval(store):
        return point
    asked = (wanted.data_loss, wanted.pollution, wanted.confidence)
    if asked == (point.data_loss_budget, point.pollution_budget, point.confidence):
        return point
    return MarginPolicy().choose(past_of(store), *asked)


def past_of(store: Store) -> Past:
    """What the champion said of the past, out of fold; raises ``InputError`` where there is none.

    A run that was labelled when an earlier model was trained, and is not any more, has no part in it.
    """
    model = champion_entry(store).provenance["manifest"]
    runs = [each.run for each in store.partitions("past") if each.provenance["model"] == model]
    if not runs:
        raise InputError(f"{store.path} holds no past of its model to choose thresholds from; train it again")
    return past_from_arrow(store.read("past", runs))


def write_output(folder: Path, store: Store, verdicts: Verdicts) -> list[Path]:
    """Copies of what was published, and the verdicts as CSV; returns the files."""
    content = {name: store.publication(name).read() for name in (GOLDEN, ANTI)}
    content["verdicts.csv"] = verdict_csv(verdicts)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in content]


def joined(parts: Iterable[Verdicts]) -> Verdicts:
    """Verdicts of several runs as one record."""
    given = list(parts)
    arrays = ("decision", "badness", "weight", "status", "subsystem")
    return Verdicts(
        index=given[0].index.append([each.index for each in given[1:]]),
        **{name: np.concatenate([getattr(each, name) for each in given]) for name in arrays},
        reasons=tuple(reason for each in given for reason in each.reasons),
    )


def _wanted(
    store: Store,
    asked: frozenset[int],
    model: str,
    stale: frozenset[int],
    signed: frozenset[int],
    outdated: frozenset[int],
) -> list[int]:
    """The runs to decide: those that the champion scored, and those whose scores are stale; never a signed one.

    The verdict of an earlier model stands until its run is scored again: its run may be one that was learned from.
    """
    scored = {each.run: each.provenance for each in store.partitions("scores")}
    named = held_runs(store, asked)
    if named and named <= signed:
        raise InputError(f"run {min(named)} is signed and not decided again; first: dqm reopen {min(named)}")
    named -= signed
    for run in sorted(named - set(scored)):
        raise InputError(f"run {run} was not scored; score it with: dqm score --runs {run}")
    if not scored:
        raise InputError(f"{store.path} holds no scores; make them with: dqm score")
    for run in sorted(named):
        if scored[run]["model"] != model:
            raise InputError(f"run {run} was scored by an earlier model; score it with: dqm score --runs {run}")
    wanted = stale | (named or {run for run, made in scored.items() if made["model"] == model})
    if not wanted and not outdated:
        raise InputError(
            "no run to certify: the model has scored none; score what is due with: dqm score, or after a promotion all "
            "with: dqm backfill"
        )
    return sorted(wanted - signed)


def _of_another(store: Store, model: str, apart: frozenset[int]) -> tuple[int, ...]:
    """Runs whose scores another model made, those ``apart`` left out."""
    scored = store.partitions("scores")
    return tuple(each.run for each in scored if each.provenance["model"] != model and each.run not in apart)


def _published(store: Store, change: Change, machine: Verdicts, plan: _Plan, made_from: Mapping[str, str]) -> Golden:
    """Enter the golden JSON of what stands now; raises ``StoreError`` where a run was signed meanwhile."""
    found = standings(store, datetime.now(UTC))
    for run in plan.chosen:
        if run in found and found[run].signed:
            raise StoreError(f"run {run} was signed while it was certified; do it again")
    provisional = (provisional_runs(store) - set(plan.chosen)) | plan.provisional
    return enter_golden(store, change, machine, found, made_from, IN_WORDS, provisional)


def _verdicts(store: Store, run: int, point: WorkingPoint) -> Verdicts:
    """Verdicts of one run by its scores; what could not be scored is UNKNOWN."""
    scores = scores_from_arrow(store.read("scores", [run]))
    decision = point.decide(scores.badness, scores.held)
    decision[scores.status != USABLE] = Decision.UNKNOWN
    badness: NDArray[np.float32] = np.where(scores.status != USABLE, np.float32(np.nan), scores.badness)
    status = np.where(decision == Decision.UNKNOWN, scores.status, USABLE).astype(object)
    return Verdicts(scores.index, decision, badness, scores.weight, status, scores.subsystem, scores.reasons)


def _stale(store: Store, run: int) -> Verdicts:
    """Every lumisection of a run UNKNOWN until it is scored again, those that came since included."""
    quantities = quantities_from_arrow(store.read("quantities", [run]))
    n = len(quantities)
    return Verdicts(
        index=quantities.index,  # type: ignore[arg-type]  # read from the store as a lumisection index
        decision=np.full(n, Decision.UNKNOWN, dtype=object),
        badness=np.full(n, np.nan, dtype=np.float32),
        weight=quantities.weight,
        status=np.where(quantities.usable, STALE, quantities.status).astype(object),
        subsystem=np.full(n, "", dtype=object),
        reasons=((),) * n,
    )


def of_runs(verdicts: Verdicts, runs: Iterable[int]) -> Verdicts:
    """Those of some runs."""
    return verdicts.take(np.isin(np.asarray(verdicts.index.get_level_values("run")), list(runs)))
