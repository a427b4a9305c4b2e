"""The data sets of the certification benchmark, read by the real readers, with the shipped configurations.

Protocol: ten blocks of runs in time order, three of warm-up, labels one block late; figures are over blocks 6–10, the
second half. With ``development`` the second half is taken away, before any label is looked at, from every set but the
two that may be developed on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from detectors.protocol import Detector
from dqm.formats.reading import read_input
from dqm.model import templates
from dqm.model.config import Clas12TableInput, Config, OmsInput
from dqm.model.errors import ConfigError, InputError
from dqm.model.labels import Labels
from dqm.model.tables import QuantityTable
from pipelines.run.evidence import Evidence
from pipelines.run.learn import make_detector
from pipelines.run.schedule import Schedule

FREELY_DEVELOPED = ("rga_sp18_outbending", "rgk_fa18_6.5GeV")
"""Groups of which every block is development data."""

CLAS12, CMS = "clas12_qadb/clas12_bins.parquet", "cms_lumisections/cms_ls_oms_2023_2024.parquet"
SCOPE = ("beams_stable", "cms_active")
HALF, LAST_HALF = 5, range(6, 11)


@dataclass(frozen=True)
class BenchmarkSet:
    """One set: ``n`` lumisections ready to walk.

    ``block`` ``(n,)`` counts from 1 over all runs of the set, whatever part of them is here; ``reported`` are the
    blocks that the figures are over; ``parts`` names subsets ``(n,)`` that are also reported apart.
    """

    name: str
    evidence: Evidence
    quantities: QuantityTable
    block: NDArray[np.int64]
    reported: range
    parts: dict[str, NDArray[np.bool_]]
    make: Callable[[], Detector]


def benchmark_sets(data: Path, tables: Sequence[str], *, development: bool) -> Iterator[BenchmarkSet]:
    """The given tables alone, or else both CLAS12 tasks of every run group and the CMS evaluation set in ``data``."""
    if tables:
        for each in tables:
            name, _, file = each.partition("=")
            if not file:
                raise ConfigError(f"--table {each!r}: write NAME=FILE")
            yield from clas12_sets(Path(file), development, name)
        return
    if data == Path() or not data.is_dir():
        raise InputError(f"no folder {str(data)!r} with the public data sets; set DQM_DATA or give --data or --table")
    yield from clas12_sets(data / CLAS12, development)
    yield cms_set(data / CMS, development)


def template(name: str, described: Clas12TableInput | OmsInput) -> Config:
    """The shipped configuration of an experiment, with one input."""
    raw = tomllib.loads(templates.text(name)) | {"inputs": [described.model_dump()]}
    return Config.model_validate(raw)


def clas12_sets(file: Path, development: bool, name: str = "") -> Iterator[BenchmarkSet]:
    """Both tasks of every value of the column ``dataset``, or of the whole table, called ``name``, without one."""
    groups = _groups(file)
    for group in groups:
        for task in ("cut", "expert"):
            described = Clas12TableInput(kind="clas12-table", files=(str(file),), dataset=group, task=task)
            config = template("clas12", described)
            quantities, labels = _read(described, config)
            block = Schedule().block(quantities.run)
            reported = LAST_HALF
            if development and group not in FREELY_DEVELOPED:
                seen = block <= HALF
                quantities, block, reported = quantities.take(seen), block[seen], range(4, HALF + 1)
            evidence = Evidence.of(quantities, labels, config)
            yield BenchmarkSet(
                f"{group or name}:{task}", evidence, quantities, block, reported, {}, make_detector(config.model)
            )


def cms_set(file: Path, development: bool) -> BenchmarkSet:
    """Recorded luminosity > 0 and, where the flags exist, stable beams and CMS active; the rest is context only."""
    described = OmsInput(kind="oms", files=(str(file),))
    config = template("cms", described)
    quantities, labels = _read(described, config)
    scope = quantities.usable & (quantities["recorded"] > 0)
    for flag in SCOPE:
        scope &= ~(quantities[flag] == 0)
    runs = np.unique(quantities.run[scope])
    first = np.array([part[0] for part in np.array_split(runs, Schedule().blocks)])
    block = np.searchsorted(first, quantities.run, side="right")
    reported = LAST_HALF
    if development:
        seen = block <= HALF
        quantities, scope, block, reported = quantities.take(seen), scope[seen], block[seen], range(4, HALF + 1)
    evidence = Evidence.of(quantities, labels, config)
    flagged = np.isfinite(quantities["cms_active"])[scope]
    parts = {"with-flags": flagged, "without-flags": ~flagged}
    kept = evidence.take(scope), quantities.take(scope), block[scope]
    return BenchmarkSet("cms", *kept, reported, parts, make_detector(config.model))


def _read(described: Clas12TableInput | OmsInput, config: Config) -> tuple[QuantityTable, Labels]:
    result = read_input(described, config)
    if result.quantities is None or result.labels is None:
        raise InputError(f"{described.files[0]}: a benchmark needs quantities and labels")
    return result.quantities, result.labels


def _groups(file: Path) -> list[str]:
    """Values of the column ``dataset``; one empty name where there is no such column."""
    if not file.is_file():
        raise InputError(f"{file}: no such table")
    if file.suffix == ".parquet":
        if "dataset" not in pq.read_schema(file).names:
            return [""]
        return sorted(set(pq.read_table(file, columns=["dataset"])["dataset"].to_pylist()))
    head = pd.read_csv(file, usecols=lambda column: column == "dataset")
    return sorted(set(head["dataset"])) if len(head.columns) else [""]
