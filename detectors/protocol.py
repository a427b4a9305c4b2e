"""What a detector is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import Schema
from dqm.model.tables import FeatureTable

Scalar = str | int | float | bool
"""What a hyper-parameter may be: it goes through JSON and TOML unchanged."""

State = dict[str, NDArray[Any] | str]
"""What fitting found: arrays of numbers and native text, never objects."""


class Parametrised(Protocol):
    """A dataclass: what is given to it are its hyper-parameters."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Detector(Parametrised, Protocol):
    """A dataclass whose fields are its hyper-parameters.

    ``schema`` is what it was trained on, None before ``fit``. Every method but ``fit`` raises ``NotFittedError`` then,
    and every method that takes a table raises ``FingerprintError``, naming the first differing column, for another one.
    """

    schema: Schema | None

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Learn from ``n`` rows and return itself.

        ``labels`` ``(n,)`` are of ``Label``; UNKNOWN is allowed anywhere and an unsupervised detector may ignore them
        all. ``weight`` ``(n,)`` ≥ 0 in any unit, None = 1. Equal arguments give equal bits. ``previous`` is a fitted
        detector of the same columns to start from; it is left as it was.
        """

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Anomaly of every row, ``(n,)``, any range; NaN where no feature is present: nothing judged the row."""

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """What each column adds to the anomaly of each row, ``(n, d)``, finite and not negative."""

    def state(self) -> State:
        """What ``restore`` needs, besides the hyper-parameters, to give equal bits."""

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again; raises ``KeyError``, ``TypeError`` or ``ValueError`` for a state that is not its own."""


def hyperparameters(detector: Parametrised | type[Parametrised]) -> dict[str, Scalar]:
    """Hyper-parameters of a detector or calibrator, or the defaults of its class, in the order of the fields."""
    return {each.name: getattr(detector, each.name) for each in fields(detector) if each.init}
