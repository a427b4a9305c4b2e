"""The conformance suite catches what it is there for: one mutant of robust z for every promise."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pytest

from detectors.checks import CHECKS, NotConformingError, nothing_but_values
from detectors.robust_z import RobustZ
from detectors.scaling import Scaling

COUNTER = itertools.count()


@dataclass
class BatchCentred(RobustZ):
    """Subtracts the median of the batch, as a score against the rows beside it does."""

    def score(self, table):
        score = super().score(table)
        return score - np.median(score) if len(score) else score


@dataclass
class ByPlace(RobustZ):
    """Adds the place of the row in its batch."""

    def score(self, table):
        return super().score(table) + np.arange(len(table), dtype=np.float32)


@dataclass
class ByKey(RobustZ):
    """Looks at the lumisection number."""

    def score(self, table):
        return super().score(table) + table.ls.astype(np.float32)


@dataclass
class Reseeded(RobustZ):
    """Every fit differs a little from the one before."""

    def fit(self, table, labels, **kwargs):
        super().fit(table, labels, **kwargs)
        self._scaling = replace(self._scaling, centre=self._scaling.centre + next(COUNTER))
        return self


@dataclass
class Forgetful(RobustZ):
    """Loses the last digits of its state."""

    def state(self):
        return super().state() | {"centre": self._scaling.centre.astype(np.float16)}


@dataclass
class NotANumber(RobustZ):
    """Gives NaN where any value is missing."""

    def score(self, table):
        score = super().score(table)
        return np.where(np.isnan(table.values).any(axis=1), np.float32(np.nan), score)


@dataclass
class Accepting(RobustZ):
    """Calls a row that nothing judged normal: the mutant that would put dead sensors into a golden JSON."""

    def score(self, table):
        return np.nan_to_num(super().score(table))


@dataclass
class Misattributing(RobustZ):
    """Blames the neighbouring column."""

    def explain(self, table):
        return np.roll(super().explain(table), 1, axis=1)

    def score(self, table):
        return super().explain(table).max(axis=1, initial=0)


@dataclass
class Trusting(RobustZ):
    """Takes any columns."""

    def score(self, table):
        self._trust(table)
        return super().score(table)

    def explain(self, table):
        self._trust(table)
        return super().explain(table)

    def _trust(self, table):
        if self.schema is not None:
            self.schema = replace(self.schema, columns=table.columns, extractor=table.extractor)


@dataclass
class Thief(RobustZ):
    """Changes the detector that it starts from."""

    def fit(self, table, labels, *, previous=None, **kwargs):
        if previous is not None:
            previous._scaling = replace(previous._scaling, centre=previous._scaling.centre + 1)
        return super().fit(table, labels, previous=previous, **kwargs)


@dataclass
class Doubled(RobustZ):
    """Scores in double precision."""

    def score(self, table):
        return super().score(table).astype(np.float64)


@dataclass
class Hopeless(RobustZ):
    """Has nothing to say after a window without good rows."""

    def fit(self, table, labels, **kwargs):
        super().fit(table, labels, **kwargs)
        if not (labels == 0).any():
            self._scaling = Scaling.empty()
        return self


@dataclass
class Unasked(RobustZ):
    """Answers before it has learned anything."""

    def state(self):
        return {} if self.schema is None else super().state()


@dataclass
class Remembering(RobustZ):
    """Learns the labels by heart, by lumisection."""

    def fit(self, table, labels, **kwargs):
        self._known = dict(zip(table.ls, labels, strict=True))
        return super().fit(table, labels, **kwargs)

    def score(self, table):
        return super().score(table) + np.array([100 * self._known.get(each, 0) for each in table.ls], np.float32)


CAUGHT_BY = {
    "batch_independence": BatchCentred,
    "permutation": ByPlace,
    "same_seed_same_bits": Reseeded,
    "restore_bit_equal": Forgetful,
    "poor_columns": NotANumber,
    "nothing_present": Accepting,
    "planted_fault_leads": Misattributing,
    "nothing_but_values": ByKey,
    "wrong_columns_refused": Trusting,
    "warm_start": Thief,
    "shapes": Doubled,
    "one_class_only": Hopeless,
    "unfitted_refused": Unasked,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_check_catches_its_mutant(check) -> None:
    with pytest.raises(NotConformingError):
        check(CAUGHT_BY[check.__name__])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_original_passes(check) -> None:
    check(RobustZ)


def test_labels_learned_by_heart_are_found_out_where_the_values_say_nothing() -> None:
    with pytest.raises(NotConformingError, match="sigma off 1/2 although the values say nothing"):
        nothing_but_values(Remembering)
