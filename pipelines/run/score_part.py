"""Scoring of one run, wherever it is done: features in from a file; scores, explanations, contributions out.

A batch is one run, so that what a lumisection gets does not hang on what is scored beside it or on how many workers
there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from detectors.artifacts import Bundle, load_known
from dqm.model.errors import ArtifactError
from dqm.model.tables import Column, FeatureTable, lumisection_index, records
from dqm.model.verdicts import WorkingPoint
from dqm.store.contributions import KIND, contributions_to_arrow
from dqm.store.explanations import explanations_to_arrow
from dqm.store.tables import Scores, scores_to_arrow, split_by_run
from pipelines.run.contributions import contributions
from pipelines.run.evidence import Evidence
from pipelines.run.explanations import explained_rows, explanations
from pipelines.run.learn import answers, held
from pipelines.run.reasons import reasons_of, with_detectors, with_excursions

NO_PAST = "no-past-or-no-features"
"""Status of a lumisection of which the data can be used and nothing could be said."""


@dataclass(frozen=True)
class ScoreTask:
    """One run to score: ``part`` with its features, the file that says what their ``columns`` are, ``folder`` of the
    bundle with the ``manifest`` it must have.

    ``accept_below`` of the working point decides what is explained; NaN where there is none yet. ``model`` is the name
    that the store knows it by.
    """

    run: int
    part: str
    columns: str
    folder: str
    manifest: str
    model: str
    point: WorkingPoint | None


@dataclass(frozen=True)
class ScoredPart:
    """What came of one run: ``files`` by kind, lumisections, and how many could not be scored."""

    files: dict[str, str]
    lumisections: int
    unscored: int


def bundle_of(folder: Path, manifest: str) -> Bundle:
    """The bundle of a folder; raises ``ArtifactError`` where it is not the one that was stored."""
    try:
        return load_known(folder, manifest)
    except ArtifactError as error:
        raise ArtifactError(f"{error}; train again with: dqm train") from None


def write_columns(path: Path, table: FeatureTable) -> None:
    """Write what the columns of all parts are, and by what they were made."""
    path.write_text(json.dumps({"columns": records(table.columns), "extractor": table.extractor}), encoding="utf-8")


@lru_cache(maxsize=2)
def _columns(path: Path) -> tuple[tuple[Column, ...], str]:
    """What ``write_columns`` wrote; the folder it lies in is that of one scoring and of no other."""
    about = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Column(**each) for each in about["columns"]), about["extractor"]


def write_part(path: Path, evidence: Evidence, status: NDArray[np.object_]) -> None:
    """Write what is needed to score the lumisections of one run."""
    table = evidence.table
    values = pa.array(np.ascontiguousarray(table.values).reshape(-1))
    columns = {
        "run": pa.array(table.run),
        "ls": pa.array(table.ls),
        "values": pa.FixedSizeListArray.from_arrays(values, len(table.columns)),
        "weight": pa.array(evidence.weight),
        "usable": pa.array(evidence.usable),
        "status": pa.array(status.tolist(), pa.string()),
    }
    feather.write_feather(pa.table(columns), str(path), compression="uncompressed")


def read_part(path: Path, about: Path) -> tuple[Evidence, NDArray[np.object_]]:
    """Evidence of one run, without labels, and the status of its lumisections, as they were written."""
    found = feather.read_table(str(path), memory_map=False)
    columns, extractor = _columns(about)
    run, ls = (found[name].to_numpy() for name in ("run", "ls"))
    flat = found["values"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    values = flat.reshape(len(run), len(columns))
    table = FeatureTable(lumisection_index(run, ls), columns, values, extractor=extractor)
    unknown = np.full(len(run), -1, dtype=np.int8)
    evidence = Evidence(table, unknown, found["weight"].to_numpy(), run, usable=found["usable"].to_numpy())
    return evidence, found["status"].to_numpy().astype(object)


def score_part(task: ScoreTask) -> ScoredPart:
    """Score one run and write what came of it beside its features."""
    bundle = bundle_of(Path(task.folder), task.manifest)
    evidence, status = read_part(Path(task.part), Path(task.columns))
    scores = bundle.scores(evidence.table)
    _, badness = answers(bundle, scores, evidence)
    contribution = bundle.explain(evidence.table, scores)
    kept = held(bundle, evidence, badness)
    subsystem, reasons = reasons_of(evidence.table, contribution)
    subsystem, reasons = with_excursions(subsystem, reasons, evidence.table, bundle, kept & ~evidence.held)
    found = Scores(
        index=evidence.table.index,  # type: ignore[arg-type]  # made as a lumisection index
        badness=badness,
        held=kept,
        status=np.where(evidence.usable & ~np.isfinite(badness), NO_PAST, status).astype(object),
        weight=evidence.weight,
        subsystem=subsystem,
        reasons=with_detectors(reasons, bundle, scores),
        model=task.model,
    )
    rows = explained_rows(evidence.table, badness, kept, task.point)
    explained = explanations(bundle, evidence.table.take(rows), contribution[rows])
    [(_, ordered)] = split_by_run(scores_to_arrow(found))
    overview = contributions_to_arrow(contributions(evidence.table, contribution))
    [(_, overview)] = split_by_run(overview)
    tables = {"scores": ordered, "explanations": explanations_to_arrow(explained), KIND: overview}
    files = {kind: f"{task.part}.{kind}" for kind in tables}
    for kind, table in tables.items():
        feather.write_feather(table, files[kind], compression="uncompressed")
    return ScoredPart(files, len(found), int((~np.isfinite(badness)).sum()))
