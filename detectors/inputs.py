"""What a detector is given: the columns it was trained on, checked labels and weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.model.errors import FingerprintError
from dqm.model.labels import Label
from dqm.model.tables import Column, FeatureTable, fingerprint, records


class NotFittedError(RuntimeError):
    """A detector or calibrator that is asked before it has learned anything."""

    def __init__(self, who: object) -> None:
        name = type(who).__name__
        super().__init__(f"this {name} is not fitted; call fit first, or {name}.restore with a state")


@dataclass(frozen=True)
class Schema:
    """The columns, and the parameters of the extractor that made them, which a detector was trained on."""

    columns: tuple[Column, ...]
    extractor: str = ""

    @classmethod
    def of(cls, table: FeatureTable) -> Self:
        """The schema of a table."""
        return cls(table.columns, table.extractor)

    @property
    def fingerprint(self) -> str:
        """Digest of columns and extractor, equal to that of every table of this schema."""
        return fingerprint(self.columns, self.extractor)

    def require(self, table: FeatureTable) -> None:
        """Refuse another table with ``FingerprintError``, naming the first differing column or the extractor."""
        table.require(self.columns)
        if table.extractor != self.extractor:
            raise FingerprintError(
                f"the columns were made by extractor {table.extractor!r} here and {self.extractor!r} expected; "
                "extract the features again with the parameters of the model, or train a new model"
            )

    def to_text(self) -> str:
        """Canonical JSON; ``from_text`` reads it."""
        content = {"columns": records(self.columns), "extractor": self.extractor}
        return json.dumps(content, sort_keys=True, indent=1)

    @classmethod
    def from_text(cls, text: object) -> Self:
        """The schema again; raises ``KeyError``, ``TypeError`` or ``ValueError`` for other text."""
        if not isinstance(text, str):
            raise TypeError(f"a schema is text, not {type(text).__name__}")
        content = json.loads(text)
        return cls(tuple(Column(**each) for each in content["columns"]), str(content["extractor"]))


class Fitted(Protocol):
    """What may have learned columns, or not yet."""

    schema: Schema | None


def judged_rows(table: FeatureTable) -> NDArray[np.bool_]:
    """Which rows hold at least one feature that is not missing, ``(n,)``; conditions alone judge nothing."""
    present = ~np.isnan(table.values[:, table.where(role="feature")])
    return np.asarray(present.any(axis=1))


def require(detector: Fitted, table: FeatureTable) -> None:
    """Raise ``NotFittedError`` before ``fit``, and ``FingerprintError`` for other columns than those of the fit."""
    if detector.schema is None:
        raise NotFittedError(detector)
    detector.schema.require(table)


def reference_rows(labels: ArrayLike, weight: ArrayLike | None, n: int, min_good: int) -> NDArray[np.bool_]:
    """What is usual, ``(n,)``: rows labelled GOOD where there are at least ``min_good``, else all; of weight 0 none."""
    rows = checked_weight(weight, n) > 0
    good = rows & (checked_labels(labels, n) == Label.GOOD)
    return good if good.sum() >= min_good else rows


def checked_labels(labels: ArrayLike, n: int) -> NDArray[np.int8]:
    """Labels as int8 ``(n,)``; raises ``ValueError`` for another shape or a value that is no ``Label``."""
    given = np.asarray(labels)
    if given.shape != (n,):
        raise ValueError(f"labels of shape {given.shape} for {n} rows; give one Label each, UNKNOWN where nobody knows")
    valid = np.isin(given, [int(each) for each in Label])
    if not valid.all():
        at = int(np.flatnonzero(~valid)[0])
        raise ValueError(f"label {given[at]} of row {at} is none of -1 (UNKNOWN), 0 (GOOD), 1 (BAD)")
    return given.astype(np.int8)


def checked_weight(weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Weights as float64 ``(n,)``, ones for None; raises ``ValueError`` for one that is negative or not finite."""
    if weight is None:
        return np.ones(n)
    given = np.asarray(weight, dtype=np.float64)
    if given.shape != (n,):
        raise ValueError(f"weights of shape {given.shape} for {n} rows; give one each")
    valid = np.isfinite(given) & (given >= 0)
    if not valid.all():
        at = int(np.flatnonzero(~valid)[0])
        raise ValueError(f"weight {given[at]} of row {at} is not a finite number ≥ 0; use 0 to leave a row out")
    return given
