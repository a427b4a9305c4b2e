"""``dqm certify``: badness into verdicts with reasons; golden JSON and anti-JSON published in the same commit.

What people decided is in what is published; a run that was signed is not decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

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
from dqm.store.tables import (
    past_from_arrow,
    quantities_from_arrow,
    scores_from_arrow,
    store_verdicts,
)
from features.asked import asked_of
from features.words import in_words
from pipelines.run.certify_summary import STALE, CertifySummary
from pipelines.run.drift import DriftCheck, drift, withdrawn
from pipelines.run.freshness import stale_runs
from pipelines.run.renewal import SCORES, Renewal
from pipelines.run.score import champion, champion_entry, held_runs, other_guard, refuse_learned

IN_WORDS = partial(in_words, measured=False)
"""How the reasons of an anti-JSON are put into words."""

Also = Callable[[Change, Verdicts, frozenset[int], WorkingPoint, frozenset[int]], None]
"""What else belongs into the commit of a certification, from what stands of all runs, those that were decided now, the
working point of it, and the provisional ones."""


def certify(
    config: Config,
    store: Store,
    runs: frozenset[int] = frozenset(),
    *,
    report: Path | None = None,
    output: Path | None = None,
    also: Also = lambda change, verdicts, decided, point, provisional: None,
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
    past = past_of(store)
    kept = working_point(config, store)
    asked = config.nightly.on_drift == "ask"
    drifts = (checked or drift(config, store, past, model.provenance["manifest"])) if asked else None
    point = withdrawn(kept) if drifts and drifts.drifts else kept
    for path in filter(None, (output, report.parent if report else None)):
        path.mkdir(parents=True, exist_ok=True)
    found = standings(store, datetime.now(UTC))
    signed = frozenset(run for run, each in found.items() if each.signed)
    stale = stale_runs(config, store) - signed
    refuse_learned(store, runs, bundle.runs)
    basis = Basis.of(store, asked_of(config.features, config.limits), snapshot)
    outdated = frozenset(basis.outdated(store.partitions("verdicts")).keys() & basis.past.keys()) - signed
    wanted = _scored(store, runs, model.provenance["manifest"], stale, signed, outdated)
    renewal = Renewal.of(store, outdated - set(wanted), model.provenance["manifest"])
    stale |= renewal.unknown
    chosen = sorted({*wanted, *renewal.again, *renewal.unknown})
    marked = growing(store, config.nightly.run_ends_after, datetime.now(UTC), live=live) & set(chosen)
    new = [_stale(store, run) if run in stale else _verdicts(store, run, point) for run in chosen]
    others = [each for each in partitions_that_stand(store, found.values()) if each.run not in chosen]
    kept_ones = [without_changed(machine_verdicts(store, others), changed_runs(others, found))] if others else []
    machine = joined([*kept_ones, *new])
    golden: list[Golden] = []
    made_from = {"working_point": point.digest, "model": model.provenance["manifest"], "code": version("lumicert")}
    current, scored = data_digests(store), store.digests("scores")
    with store.transaction(based_on=snapshot) as change:
        for run, verdicts in zip(chosen, new, strict=True):
            made = Provenance(
                current.get(run, ""), model.fingerprint, made_from["model"], point.digest, made_from["code"]
            )
            noted = basis.notes(run) | {SCORES: "" if run in stale else scored[run]}
            store_verdicts(change, verdicts, vars(made) | noted | (MARK if run in marked else {}))
        renewal.note(store, change, basis)
        change.add_working_point(kept)
        # People may decide while all this is made, so what they said is read when nobody else can write.
        change.require(lambda _: golden.append(_published(store, change, machine, chosen, made_from, marked)))
        change.require(lambda _: also(change, golden[0].effective, frozenset(chosen), point, marked))
    published, effective = store.publication(GOLDEN), golden[0].effective
    published.read()  # refuses a file that was altered since
    certified = of_runs(effective, chosen)
    written = [] if output is None else write_output(output, store, effective)
    if report is not None:
        written.append(report)
        from dashboard.verdicts.report import write_report

        write_report(report, config, certified if chosen else effective, point, published, past)
    counts = {str(each): int((certified.decision.astype(str) == each).sum()) for each in Decision}
    left = tuple(sorted(signed & runs if runs else signed))
    return CertifySummary(
        runs=len(chosen),
        decisions=counts,
        golden=golden[0].lumisections,
        version=published.version,
        path=published.path,
        working_point=point,
        written=tuple(written),
        stale=tuple(sorted(stale)),
        signed=left,
        review=tuple(run for run in left if found[run].state is RunState.NEEDS_REVIEW),
        provisional=tuple(sorted(marked)),
        earlier=_of_another(store, model.provenance["manifest"], signed | stale | set(bundle.runs)),
        withdrawn=point is not kept,
        guard=other_guard(bundle, config.guard.excursion),
    )


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


def _scored(
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


def _published(
    store: Store,
    change: Change,
    machine: Verdicts,
    chosen: list[int],
    made_from: dict[str, str],
    marked: frozenset[int],
) -> Golden:
    """Enter the golden JSON of what stands now; raises ``StoreError`` where a run was signed meanwhile."""
    found: dict[int, Standing] = standings(store, datetime.now(UTC))
    for run in chosen:
        if run in found and found[run].signed:
            raise StoreError(f"run {run} was signed while it was certified; do it again")
    provisional = (provisional_runs(store) - set(chosen)) | marked
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
