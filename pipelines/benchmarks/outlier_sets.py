"""The sets of ``dqm benchmark outliers``: what may be learned from, and what is scored, kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.errors import ConfigError, InputError
from dqm.model.tables import FeatureTable
from pipelines.outliers.events import Feature, columns_of, read_events, table_of
from pipelines.simulate.events import FEATURES, simulate_events

SEED = 11
LHCO, LHCO_COLUMNS = "lhco_rd", ("mjj", "mj1", "dmj", "tau21_1", "tau21_2")
QUICK_SIGNAL = 10_000
MASS_OFFSET, EDGE = 0.02, 0.005
"""TeV added to jet masses before the logarithm, and how near to 0 and 1 a tau21 may come: both have zeros."""
SCALED = ("log:jet_mass", "log:scalar_sum", "log:missing_energy", "logit:tau21", "rapidity_gap")


@dataclass(frozen=True, eq=False)
class Fold:
    """Background sample and data, of disjoint events."""

    background: FeatureTable
    data: FeatureTable


@dataclass(frozen=True, eq=False)
class OutlierSet:
    """Folds to learn from; test events, none of them in any fold: ``background`` for ε_B, ``signal`` for ε_S."""

    name: str
    folds: tuple[Fold, ...]
    background: FeatureTable
    signal: FeatureTable


def outlier_sets(data: Path, tables: Sequence[str], *, quick: bool) -> Iterator[OutlierSet]:
    """The given tables alone, or else LHC Olympics in ``data`` and the simulated mixture."""
    for each in tables:
        name, _, file = each.partition("=")
        if not file:
            raise ConfigError(f"--table {each!r}: write NAME=FILE")
        yield table_set(name, Path(file), quick=quick)
    if tables:
        return
    if data == Path() or not (data / LHCO).is_dir():
        raise InputError(f"no folder {LHCO!r} in {str(data)!r}; set DQM_DATA or give --data or --table")
    yield lhco_set(data / LHCO, quick=quick)
    yield simulated_set(quick=quick)


def lhco_set(folder: Path, *, quick: bool) -> OutlierSet:
    """LHC Olympics R&D in the signal region; ε_S from the test signal and the extra signal together."""
    train, test, extra = (_array(folder / f"innerdata_{part}.npy") for part in ("train", "test", "extrasig"))
    signal = np.concatenate([test[test[:, -1] == 1], extra])[: QUICK_SIGNAL if quick else None]
    return _split(
        "lhco", lhco_features(train), train[:, -1], lhco_features(test[test[:, -1] == 0]), lhco_features(signal), quick
    )


def lhco_features(events: NDArray[np.float64]) -> FeatureTable:
    """m_jj/TeV, log of the lighter jet mass and of the mass difference, logit of both tau21."""
    masses = np.log(np.clip(events[:, 1:3], 0, None) + MASS_OFFSET)
    tau21 = np.clip(events[:, 3:5], EDGE, 1 - EDGE)
    return table_of(np.column_stack([events[:, 0], masses, np.log(tau21 / (1 - tau21))]), LHCO_COLUMNS)


def simulated_set(*, quick: bool) -> OutlierSet:
    """Three simulated processes, 0.5% of a resonance off all of them; the other half is the test."""
    size = 10_000 if quick else 40_000
    train = simulate_events(size - size // 200, size // 200, seed=SEED)
    test = simulate_events(size, size // 4, seed=SEED + 1)
    signal = test["label"] == 1
    return _split(
        "simulated", _scaled(train), train["label"].to_numpy(), _scaled(test[~signal]), _scaled(test[signal]), quick
    )


def table_set(name: str, file: Path, *, quick: bool) -> OutlierSet:
    """A table of numbers with a column ``label``, 1 = signal: one random half to learn from, the other to test."""
    columns = columns_of(file)
    if "label" not in columns:
        raise InputError(f"{file}: no column 'label' (0 background, 1 signal), without which nothing can be measured")
    events = read_events([file], [Feature(each) for each in columns])
    events = events.take(np.flatnonzero(events.complete))
    label = events.table["label"]
    if set(np.unique(label)) != {0, 1}:
        raise InputError(f"{file}: column 'label' must hold 0 and 1, both of them, in the rows without gaps")
    names = [each for each in columns if each != "label"]
    values = events.table.values[:, [columns.index(each) for each in names]]
    learn, test = np.array_split(np.random.default_rng(SEED).permutation(len(values)), 2)
    unseen = [table_of(values[test[label[test] == each]], names) for each in (0, 1)]
    return _split(name, table_of(values[learn], names), label[learn], unseen[0], unseen[1], quick)


def _split(
    name: str,
    train: FeatureTable,
    label: NDArray[np.floating],
    background: FeatureTable,
    signal: FeatureTable,
    quick: bool,
) -> OutlierSet:
    """Two halves: each is the data once, while the background events of the other are the IDEALISED background.

    Labels pick the background sample and nothing else. ``quick`` takes the first fold only.
    """
    halves = np.array_split(np.random.default_rng(SEED).permutation(len(train)), 2)
    folds = [
        Fold(background=train.take(other[label[other] == 0]), data=train.take(half))
        for half, other in (halves, halves[::-1])
    ]
    for fold in folds:
        if len(fold.background) < 200:
            raise InputError(f"set {name}: {len(fold.background)} background events to learn from, and 200 are needed")
    return OutlierSet(name, tuple(folds[: 1 if quick else 2]), background, signal)


def _array(file: Path) -> NDArray[np.float64]:
    """One file of the R&D set, ``(n, 6)``, without pickled objects."""
    if not file.is_file():
        raise InputError(f"{file}: no such file of the LHC Olympics R&D set")
    found = np.load(file, allow_pickle=False)
    if found.ndim != 2 or found.shape[1] != len(LHCO_COLUMNS) + 1:
        raise InputError(f"{file}: shape {found.shape} where {(*LHCO_COLUMNS, 'label')} ask for six columns")
    return np.asarray(found, dtype=np.float64)


def _scaled(events: pd.DataFrame) -> FeatureTable:
    columns = [Feature.parse(each) for each in SCALED]
    return table_of(
        np.column_stack([each.of(events[each.column].to_numpy(dtype=np.float64)) for each in columns]), FEATURES
    )
