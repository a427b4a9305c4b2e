"""The data sets of the density benchmark: folds as their authors published them, or from a stated seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.resolution import recorded_resolution
from dqm.model.errors import InputError, UnknownNameError

Rows = NDArray[np.float32]
FOLDS = 10
SEED = 1
"""Of the folds of white wine and Boston, which nobody published."""

BOSTON_COLUMNS = (0, 2, 4, 5, 6, 7, 10, 11, 12, 13)
"""Without ZN, CHAS, RAD and TAX, which hold few different values: ten columns, as the papers have."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to learn from ``(n, d)``, to choose hyper-parameters on, and to test on, as recorded."""

    learn: Rows
    choose: Rows
    test: Rows

    @cached_property
    def training(self) -> Rows:
        """All rows that are not tested on."""
        return np.concatenate([self.learn, self.choose])

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """Mean of the training rows, ``(d,)``."""
        return np.asarray(self.training.astype(np.float64).mean(axis=0))

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation of the training rows, ``(d,)``: densities are per this, as in the papers."""
        return np.asarray(self.training.astype(np.float64).std(axis=0))

    @cached_property
    def step(self) -> NDArray[np.float64]:
        """Recorded resolution of every column in spreads, ``(d,)``; 0 for a continuous one."""
        return np.array([recorded_resolution(column) for column in self.training.T]) / self.spread

    def z(self, rows: Rows) -> NDArray[np.float64]:
        """Rows in spreads of the training rows."""
        return (rows.astype(np.float64) - self.centre) / self.spread

    def without_copies(self) -> Fold:
        """No row twice: neither a tested one in training, nor one within training or within the test."""
        learn = _distinct(self.learn, set())
        choose = _distinct(self.choose, _keys(learn))
        return Fold(learn, choose, _distinct(self.test, _keys(learn) | _keys(choose)))


@dataclass(frozen=True, eq=False)
class DensitySet:
    """A set and its folds; ``binary`` ones hold 0 and 1 and are not scaled."""

    name: str
    folds: tuple[Fold, ...]
    binary: bool = False


def density_set(name: str, data: Path) -> DensitySet:
    """One set by name; raises ``UnknownNameError`` for another and ``InputError`` where its file is missing."""
    if name not in SETS:
        raise UnknownNameError("density set", name, SETS)
    try:
        return DensitySet(name, tuple(SETS[name](data)), binary=name in ("mushrooms", "dna"))
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename}: not there; set DQM_DATA or give --data, the folder of the public data sets, or leave "
            f"{name!r} out with --sets"
        ) from None


def _red_wine(data: Path) -> Iterator[Fold]:
    """The authors' ten folds: eight parts of training to learn from, the ninth to choose on."""
    import h5py

    path = data / "rnade_uci" / "red_wine.hdf5"
    if not path.exists():
        raise FileNotFoundError(2, "no such file", str(path))
    with h5py.File(path) as file:
        for fold in range(1, FOLDS + 1):
            parts = [file[f"folds/{fold}/training/{part}/data"][:] for part in range(1, 10)]
            yield Fold(np.concatenate(parts[:8]), parts[8], file[f"folds/{fold}/tests/1/data"][:])


def _drawn(rows: NDArray[np.floating]) -> Iterator[Fold]:
    """Ten folds from ``SEED``; of the nine others the last is to choose on."""
    order = np.random.default_rng(SEED).permutation(len(rows))
    parts = np.array_split(rows[order].astype(np.float32), FOLDS)
    for test in range(FOLDS):
        others = parts[test + 1 :] + parts[:test]
        yield Fold(np.concatenate(others[:-1]), others[-1], parts[test])


def _white_wine(data: Path) -> Iterator[Fold]:
    yield from _drawn(_read(data / "rnade_uci" / "winequality-white.csv", ",")[:, :11])


def _boston(data: Path) -> Iterator[Fold]:
    yield from _drawn(_read(data / "rnade_uci" / "boston_housing.data", None)[:, list(BOSTON_COLUMNS)])


def _binary(name: str) -> Callable[[Path], Iterator[Fold]]:
    def read(data: Path) -> Iterator[Fold]:
        with np.load(data / "nade_binary" / f"{name}.npz") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the files were written by Python 2, and NumPy says so
            yield Fold(file["train_data"], file["valid_data"], file["test_data"])

    return read


def _without_copies(read: Callable[[Path], Iterator[Fold]]) -> Callable[[Path], Iterator[Fold]]:
    return lambda data: (fold.without_copies() for fold in read(data))


def _read(path: Path, delimiter: str | None) -> NDArray[np.float64]:
    if not path.exists():
        raise FileNotFoundError(2, "no such file", str(path))
    return np.loadtxt(path, delimiter=delimiter)


def _keys(rows: Rows) -> set[bytes]:
    return {row.tobytes() for row in rows}


def _distinct(rows: Rows, known: set[bytes]) -> Rows:
    kept, seen = [], set(known)
    for i, row in enumerate(rows):
        if row.tobytes() not in seen:
            seen.add(row.tobytes())
            kept.append(i)
    return rows[kept]


SETS: dict[str, Callable[[Path], Iterator[Fold]]] = {
    "red-wine": _red_wine,
    "red-wine-dedup": _without_copies(_red_wine),
    "white-wine": _white_wine,
    "white-wine-dedup": _without_copies(_white_wine),
    "boston": _boston,
    "mushrooms": _binary("mushrooms"),
    "dna": _binary("dna"),
}
