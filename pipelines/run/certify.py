"""``dqm certify``: badness into verdicts with reasons; golden JSON and anti-JSON published in the same commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.verdict_csv import verdict_csv
from dqm.decide.policy import MarginPolicy
from dqm.decide.publish import anti_reasons, masks
from dqm.formats.golden import golden_bytes
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.past import Past
from dqm.model.tables import USABLE
from dqm.model.verdicts import Decision, Provenance, Verdicts, WorkingPoint
from dqm.store.freshness import data_digests
from dqm.store.store import Store
from dqm.store.tables import (
    past_from_arrow,
    quantities_from_arrow,
    scores_from_arrow,
    split_by_run,
    verdicts_from_arrow,
    verdicts_to_arrow,
    with_provenance,
)
from features.words import in_words
from pipelines.run.freshness import stale_runs
from pipelines.run.score import champion, champion_entry, held_runs

STALE = "stale-scores"
"""Status of a lumisection of which the data, or those of an earlier run behind its features, changed after scoring."""

GOLDEN, ANTI = "golden.json", "anti.json"


@dataclass(frozen=True)
class CertifySummary:
    """What one certification decided: lumisections by decision, the golden JSON, the working point, stale runs."""

    runs: int
    decisions: dict[str, int]
    golden: int
    version: int
    path: Path
    working_point: WorkingPoint
    written: tuple[Path, ...] = ()
    stale: tuple[int, ...] = ()

    def text(self) -> str:
        """For people."""
        total = sum(self.decisions.values())
        shares = ", ".join(f"{n} {name} ({n / total:.1%})" for name, n in self.decisions.items() if n)
        return (
            f"certified {total} lumisections of {self.runs} runs: {shares}\n"
            f"golden JSON version {self.version} holds {self.golden} lumisections: {self.path}"
            + "".join(f"\nwrote {each}" for each in self.written)
            + self._note()
        )

    def _note(self) -> str:
        """What became UNKNOWN because data changed, and the way out."""
        if not self.stale:
            return ""
        first, last = self.stale[0], self.stale[-1]
        runs = str(first) if first == last else f"{first}-{last}"
        return (
            f"\nnote: {len(self.stale)} runs are UNKNOWN ({STALE}): their data, or those of earlier runs that they are "
            f"compared with, changed after scoring; score them again with: dqm score --runs {runs}"
        )

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            **vars(self),
            "path": str(self.path),
            "written": list(map(str, self.written)),
            "working_point": vars(self.working_point),
        }


def certify(
    config: Config,
    store: Store,
    runs: frozenset[int] = frozenset(),
    *,
    report: Path | None = None,
    output: Path | None = None,
) -> CertifySummary:
    """Decide the given runs, or all that were scored, and publish, in one commit.

    The golden JSON is made of the verdicts of all runs of the store, those certified before included. Budgets that
    were changed in the configuration choose a new working point from the same past. Raises ``InputError`` where
    nothing was trained or scored; nothing that was published changes then.
    """
    snapshot = store.snapshot
    model, _ = champion(store)
    past = past_of(store)
    point = working_point(config, store)
    for path in filter(None, (output, report.parent if report else None)):
        path.mkdir(parents=True, exist_ok=True)
    stale = stale_runs(config, store)
    chosen = _scored(store, runs, model.provenance["manifest"], stale)
    if not chosen:
        raise InputError("no run to certify: the model has scored none; score some with: dqm score")
    new = [_stale(store, run) if run in stale else _verdicts(store, run, point) for run in chosen]
    code = version("lumicert")
    current = data_digests(store)
    with store.transaction(based_on=snapshot) as change:
        for run, verdicts in zip(chosen, new, strict=True):
            made_from = vars(
                Provenance(current.get(run, ""), model.fingerprint, model.provenance["manifest"], point.digest, code)
            )
            for _, part in split_by_run(verdicts_to_arrow(verdicts)):
                change.put("verdicts", run, with_provenance(part, made_from), made_from)
        everything = joined([*_others(store, chosen), *new])
        golden, _ = masks(everything)
        change.add_working_point(point)
        provenance = {"working_point": point.digest, "model": model.provenance["manifest"], "code": code}
        change.publish(GOLDEN, golden_bytes(golden), provenance)
        change.publish(ANTI, anti_reasons(everything, partial(in_words, measured=False)).to_bytes(), provenance)
    published, certified = store.publication(GOLDEN), joined(new)
    published.read()  # refuses a file that was altered since
    written = [] if output is None else write_output(output, store, everything)
    if report is not None:
        written.append(report)
        from pipelines.run.report import write_report

        write_report(report, config, certified, point, published, past)
    counts = {str(each): int((certified.decision.astype(str) == each).sum()) for each in Decision}
    files, old = tuple(written), tuple(sorted(stale))
    return CertifySummary(len(chosen), counts, len(golden), published.version, published.path, point, files, old)


def working_point(config: Config, store: Store) -> WorkingPoint:
    """The newest working point, or a new one from the same past where the budgets of the configuration differ."""
    point, wanted = store.working_point(), config.working_point
    if point is None:
        raise InputError(f"{store.path} holds no working point; choose one with: dqm train")
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


def _scored(store: Store, asked: frozenset[int], model: str, stale: frozenset[int]) -> list[int]:
    """The runs to decide: those that the champion scored, and those whose scores are stale.

    The verdict of an earlier model stands until its run is scored again: its run may be one that was learned from.
    """
    scored = {each.run: each.provenance for each in store.partitions("scores")}
    asked = held_runs(store, asked)
    for run in sorted(asked - set(scored)):
        raise InputError(f"run {run} was not scored; score it with: dqm score --runs {run}")
    if not scored:
        raise InputError(f"{store.path} holds no scores; make them with: dqm score")
    for run in sorted(asked):
        if scored[run]["model"] != model:
            raise InputError(f"run {run} was scored by an earlier model; score it with: dqm score --runs {run}")
    return sorted(stale | (asked or {run for run, made in scored.items() if made["model"] == model}))


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


def _others(store: Store, chosen: list[int]) -> list[Verdicts]:
    rest = sorted(set(store.runs("verdicts")) - set(chosen))
    return [verdicts_from_arrow(store.read("verdicts", rest))] if rest else []
