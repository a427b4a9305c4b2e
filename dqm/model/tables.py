"""Tables whose columns say what they are: ``n`` rows by ``d`` described columns.

``QuantityTable`` is what a reader delivers, ``FeatureTable`` what an extractor makes of it and a detector sees.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.errors import FingerprintError, UnknownNameError

Role = Literal["feature", "condition", "weight", "detail", "guard", "limit"]
Kind = Literal["value", "count", "rate", "fraction", "flag", "deviation"]
KEY = ("run", "ls")
BINS = "bins"
"""Source of the columns that are histograms bin by bin: only a detector that asks for them by name sees them."""
USABLE = ""
"""The status of a row that may be scored; any other status is the reason why its lumisection is UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one column holds.

    ``role`` tells what may be done with it. *feature* is judged; *condition* (pile-up, luminosity) only explains;
    *weight* is what is lost with the lumisection; *detail* is shown beside a feature of the same ``source`` to name
    the subsystem behind it; *guard* is 1 where the machine must not decide; *limit* is 1 where a documented limit is
    broken.

    ``kind`` is the arithmetic that suits it: a *count* is Poisson in the weight, a *rate* is already divided by time, a
    *fraction* lies in [0, 1], a *flag* is 0 or 1, a *deviation* can only speak for BAD the more the larger it is, a
    *value* is anything else.
    """

    name: str
    source: str = ""
    subsystem: str = ""
    role: Role = "feature"
    unit: str = ""
    kind: Kind = "value"


def lumisection_index(run: Any, ls: Any) -> pd.MultiIndex:
    """The index of a table of lumisections, from arrays of shape ``(n,)``."""
    return pd.MultiIndex.from_arrays([np.asarray(run, dtype=np.int64), np.asarray(ls, dtype=np.int64)], names=KEY)


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """Rows by described columns.

    ``index`` of length n is any key, ``values`` has shape ``(n, d)``, NaN = missing. Raises ``ValueError`` where the
    shapes disagree or a column name or key occurs twice.
    """

    index: pd.Index
    columns: tuple[Column, ...]
    values: NDArray[Any]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.index), len(self.columns)):
            expected = (len(self.index), len(self.columns))
            raise ValueError(f"values of shape {self.values.shape} where index and columns ask for {expected}")
        names = self.names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"column {twice!r} occurs twice; rename one of them")
        if not self.index.is_unique:
            raise ValueError(f"key {tuple(self.index[self.index.duplicated()][0])} occurs twice")

    def __len__(self) -> int:
        return len(self.index)

    @property
    def names(self) -> list[str]:
        """Column names, in order."""
        return [column.name for column in self.columns]

    @property
    def run(self) -> NDArray[np.int64]:
        """Run of every row, shape ``(n,)``; only where the index is a lumisection index."""
        return np.asarray(self.index.get_level_values("run"), dtype=np.int64)

    @property
    def ls(self) -> NDArray[np.int64]:
        """Lumisection number of every row, shape ``(n,)``; only where the index is a lumisection index."""
        return np.asarray(self.index.get_level_values("ls"), dtype=np.int64)

    def position(self, name: str) -> int:
        """Position of a column; raises ``UnknownNameError`` with the nearest names."""
        try:
            return self.names.index(name)
        except ValueError:
            raise UnknownNameError("column", name, self.names) from None

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.values[:, self.position(name)]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def where(self, **described: str) -> list[int]:
        """Positions of the columns that match every given field, e.g. ``where(role="feature", kind="count")``."""
        found = map(attrgetter("name", *described), self.columns)  # the name, so that there are always several
        wanted = tuple(described.values())
        return [i for i, (_, *has) in enumerate(found) if tuple(has) == wanted]

    def take(self, rows: Any) -> Self:
        """The given rows, by boolean mask ``(n,)`` or positions."""
        return replace(self, index=self.index[rows], values=self.values[rows])

    def require(self, columns: Sequence[Column]) -> None:
        """Refuse other columns than the given ones with ``FingerprintError``, naming the first that differs."""
        for i, (mine, theirs) in enumerate(zip(self.columns, columns, strict=False)):
            if mine != theirs:
                unlike = _unlike(mine, theirs)
                raise FingerprintError(f"column {i} is {mine.name!r} here and {theirs.name!r} expected ({unlike})")
        if len(self.columns) != len(columns):
            longer = self.columns if len(self.columns) > len(columns) else tuple(columns)
            extra = longer[min(len(self.columns), len(columns))].name
            fault = "was not expected" if longer is self.columns else "is missing"
            raise FingerprintError(f"{len(self.columns)} columns here, {len(columns)} expected; {extra!r} {fault}")

    def to_frame(self) -> pd.DataFrame:
        """The table as a DataFrame with the key as its index."""
        return pd.DataFrame(self.values, index=self.index, columns=self.names)


@dataclass(frozen=True, eq=False)
class QuantityTable(ColumnTable):
    """Per-lumisection quantities as read: ``values`` float64 ``(n, d)``.

    ``status`` ``(n,)`` is ``""`` for a usable row, otherwise the reason why it cannot be scored (for example
    ``"conflict"``, ``"invalid:charge"``, ``"missing:oms"``). Such a row is kept, so that its lumisection is shown as
    UNKNOWN and never lost. ``start`` ``(n,)`` is the UTC begin of the lumisection where known, NaT elsewhere.
    """

    status: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    start: NDArray[np.datetime64] = field(default_factory=lambda: np.zeros(0, dtype="datetime64[ns]"))

    def __post_init__(self) -> None:
        n = len(self.index)
        if not len(self.status) and n:
            object.__setattr__(self, "status", np.full(n, USABLE, dtype=object))
        if not len(self.start) and n:
            object.__setattr__(self, "start", np.full(n, np.datetime64("NaT"), dtype="datetime64[ns]"))
        if len(self.status) != n or len(self.start) != n:
            raise ValueError(f"{len(self.status)} states and {len(self.start)} begins for {n} rows")
        super().__post_init__()

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which rows may be scored, shape ``(n,)``."""
        return np.asarray(self.status == USABLE, dtype=bool)

    @property
    def weight(self) -> NDArray[np.float64]:
        """What is lost with each lumisection, shape ``(n,)``: the column of role *weight*, or 1 without one.

        A weight that is negative, infinite or missing counts as zero: such rows carry a status and cost only workload.
        """
        found = self.where(role="weight")
        if not found:
            return np.ones(len(self))
        if len(found) > 1:
            several = [self.columns[i].name for i in found]
            raise ValueError(f"several weights: {several}; name one as [experiment] weight")
        weight = self.values[:, found[0]].astype(float)
        return np.where(np.isfinite(weight) & (weight > 0), weight, 0.0)

    def take(self, rows: Any) -> Self:
        """The given rows, by boolean mask ``(n,)`` or positions."""
        return replace(
            self, index=self.index[rows], values=self.values[rows], status=self.status[rows], start=self.start[rows]
        )


@dataclass(frozen=True, eq=False)
class FeatureTable(ColumnTable):
    """What a detector sees: ``values`` float32 ``(n, d)``, NaN = missing.

    ``extractor`` names the parameters that made the columns; it is part of the fingerprint.
    """

    extractor: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.ascontiguousarray(self.values, dtype=np.float32))
        super().__post_init__()

    @property
    def fingerprint(self) -> str:
        """Digest of columns and extractor parameters: two tables with the same one may meet the same model."""
        return fingerprint(self.columns, self.extractor)


def fingerprint(columns: Iterable[Column], extractor: str) -> str:
    """SHA-256 over the column records and the extractor parameters, 64 hex digits."""
    text = json.dumps([records(columns), extractor], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def records(columns: Iterable[Column]) -> list[dict[str, str]]:
    """The columns as JSON can hold them; ``dataclasses.asdict`` would take most of the time of a wide table."""
    return [{name: getattr(each, name) for name in Column.__slots__} for each in columns]


def _unlike(a: Column, b: Column) -> str:
    return ", ".join(f"{k}: {v!r} against {asdict(b)[k]!r}" for k, v in asdict(a).items() if v != asdict(b)[k])


def concatenate(tables: Sequence[ColumnTable]) -> Any:
    """Stack tables of equal columns by rows; raises ``FingerprintError`` where they differ."""
    first = tables[0]
    for other in tables[1:]:
        other.require(first.columns)
    index = first.index.append([each.index for each in tables[1:]])
    stacked: dict[str, Any] = {"index": index, "values": np.concatenate([each.values for each in tables])}
    if isinstance(first, QuantityTable):
        for name in ("status", "start"):
            stacked[name] = np.concatenate([getattr(each, name) for each in tables])
    return replace(first, **stacked)
