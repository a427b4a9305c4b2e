"""What every detector must do, as a suite that ships with the library.

A plug-in's author runs it over his own detector::

    import pytest
    from detectors.checks import yield_checks

    @pytest.mark.parametrize("check", yield_checks(Mine), ids=lambda check: check.name)
    def test_mine_conforms(check):
        check.run()

The tables are simulated: independent Gaussian columns with missing values, and faults planted where a check needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import NotFittedError, Schema
from detectors.protocol import Detector, State, hyperparameters
from dqm.model.errors import FingerprintError
from dqm.model.labels import Label
from dqm.model.tables import Column, FeatureTable, lumisection_index

Make = Callable[[], Detector]
FEATURES = 6
LS_PER_RUN = 30


class NotConformingError(AssertionError):
    """A detector that breaks the contract: says which promise and by how much."""


@dataclass(frozen=True)
class Check:
    """One promise of the contract: its ``name``, and ``run``, which raises ``NotConformingError`` if broken."""

    name: str
    run: Callable[[], None]


@dataclass(frozen=True)
class Maker:
    """What makes fresh detectors, and one that was fitted once for the checks that only ask it."""

    make: Make

    def __call__(self) -> Detector:
        """A fresh detector."""
        return self.make()

    @cached_property
    def fitted(self) -> Detector:
        """Nobody may fit it again or start from it."""
        return _fitted(self.make)


def yield_checks(make: Make) -> Iterator[Check]:
    """The suite over detectors that ``make`` returns, one ``Check`` for each promise.

    Checks that only ask a detector share one that is fitted once; the others make their own.
    """
    maker = Maker(make)
    for check in CHECKS:
        yield Check(check.__name__, partial(check, maker))


def simulated_table(rows: int, seed: int) -> FeatureTable:
    """Six Gaussian features and one condition, one value in fifty missing; ``extractor`` is "simulated"."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, FEATURES + 1)).astype(np.float32)
    values[rng.random(values.shape) < 0.02] = np.nan
    columns = [Column(f"rate_{j}", source="simulated", subsystem=f"sector_{j}", kind="rate") for j in range(FEATURES)]
    columns.append(Column("pileup", source="simulated", role="condition"))
    index = lumisection_index(1 + np.arange(rows) // LS_PER_RUN, 1 + np.arange(rows) % LS_PER_RUN)
    return FeatureTable(index, tuple(columns), values, extractor="simulated")


def with_fault(table: FeatureTable, column: int, seed: int) -> tuple[FeatureTable, NDArray[np.int8]]:
    """The table with one row in five bad: ``column`` is shifted by 8 standard deviations there, up in all."""
    bad = np.random.default_rng(seed).random(len(table)) < 0.2
    values = table.values.copy()
    values[bad, column] = np.nan_to_num(values[bad, column]) + 8
    return replace(table, values=values), np.where(bad, Label.BAD, Label.GOOD).astype(np.int8)


def batch_independence(make: Make) -> None:
    """The score and the explanation of a row do not depend on the rows beside it: alone, halved or none at all."""
    detector, table = _asked(make), simulated_table(40, seed=11)
    score, shares = detector.score(table), detector.explain(table)
    _demand(detector.score(table.take(slice(0, 0))).shape == (0,), "no rows must give no scores")
    for rows in [slice(i, i + 1) for i in range(len(table))] + [slice(0, 20), slice(20, 40)]:
        _same(detector.score(table.take(rows)), score[rows], f"score of rows {rows.start} to {rows.stop} alone")
        _same(detector.explain(table.take(rows)), shares[rows], f"shares of rows {rows.start} to {rows.stop} alone")


def permutation(make: Make) -> None:
    """Rows in another order have the same scores in that order."""
    detector, table = _asked(make), simulated_table(200, seed=12)
    order = np.random.default_rng(1).permutation(len(table))
    _same(detector.score(table.take(order)), detector.score(table)[order], "scores of permuted rows")


def same_seed_same_bits(make: Make) -> None:
    """Two fits with equal arguments have equal state and equal scores."""
    first, second, table = _asked(make), _fitted(make), simulated_table(200, seed=13)
    _same_state(first.state(), second.state(), "state of a second fit")
    _same(first.score(table), second.score(table), "scores of a second fit")


def restore_bit_equal(make: Make) -> None:
    """A detector restored from hyper-parameters and state scores and explains in equal bits, and so does its copy."""
    detector, table = _asked(make), simulated_table(200, seed=14)
    restored = type(detector).restore(hyperparameters(detector), detector.state())
    _same_state(restored.state(), detector.state(), "state of the restored detector")
    _demand(restored.schema == detector.schema, "the restored detector has another schema")
    _same(restored.score(table), detector.score(table), "scores of the restored detector")
    _same(restored.explain(table), detector.explain(table), "explanation of the restored detector")


def poor_columns(make: Make) -> None:
    """A column of NaN and a constant column neither crash nor yield NaN, in training or after; nor an infinity."""
    table, labels = with_fault(simulated_table(600, seed=15), column=2, seed=2)
    values = table.values.copy()
    values[:, 0], values[:, 1] = np.nan, 3.0
    values[:30, 2], values[30:60, 3] = np.inf, -np.inf
    poor = replace(table, values=values)
    detector = make().fit(poor, labels, seed=1)
    for name, given in (("the same columns", poor), ("columns full again", simulated_table(60, seed=16))):
        score, shares = detector.score(given), detector.explain(given)
        _demand(bool(np.isfinite(score).all()), f"a score is not a number with {name}")
        _demand(bool(np.isfinite(shares).all() and (shares >= 0).all()), f"a share is negative or NaN with {name}")


def nothing_present(make: Make) -> None:
    """A row without any feature has score NaN, so that it becomes UNKNOWN: an accept that nothing judged is a lie."""
    detector, table = _asked(make), simulated_table(10, seed=17)
    values = table.values.copy()
    values[3, :FEATURES] = np.nan
    missing = np.isnan(detector.score(replace(table, values=values)))
    _demand(bool(missing[3]) and missing.sum() == 1, "only the row without features must have score NaN")


def planted_fault_leads(make: Make) -> None:
    """Rows with a planted fault score above the others, and the faulty column leads their explanation in 9 of 10."""
    for column in (1, FEATURES - 1):
        table, labels = with_fault(simulated_table(1200, seed=18), column, seed=3)
        fresh, truth = with_fault(simulated_table(300, seed=19), column, seed=4)
        detector, bad = make().fit(table, labels, seed=1), truth == Label.BAD
        score = detector.score(fresh)
        _demand(_auc(score, bad) > 0.9, f"AUC {_auc(score, bad):.3f} for a fault of 8 sigma in column {column}")
        leads = float((detector.explain(fresh)[bad].argmax(axis=1) == column).mean())
        _demand(leads >= 0.9, f"the faulty column {column} leads the explanation of {leads:.0%} of the bad rows")


def nothing_but_values(make: Make) -> None:
    """Shuffled values, labels that follow the key and the position: AUC ½ within 5 σ on fresh rows labelled alike.

    σ² = (n₊ + n₋ + 1) / (12 n₊ n₋), the variance of the Mann–Whitney statistic; a detector that looks at the index
    or at the place of a row in its batch is found out.
    """
    table, fresh = simulated_table(1200, seed=20), simulated_table(1200, seed=21)
    bad = np.asarray(table.ls > LS_PER_RUN // 2)
    detector = make().fit(table, np.where(bad, Label.BAD, Label.GOOD).astype(np.int8), seed=1)
    positive = int(bad.sum())
    sigma = float(np.sqrt((len(bad) + 1) / (12 * positive * (len(bad) - positive))))
    off = (_auc(detector.score(fresh), bad) - 0.5) / sigma
    _demand(abs(off) < 5, f"AUC is {off:+.1f} sigma off 1/2 although the values say nothing")


def wrong_columns_refused(make: Make) -> None:
    """A renamed, a missing or a swapped column and another extractor are refused by name, also in a warm start."""
    detector, table = _asked(make), simulated_table(30, seed=22)
    c, labels = table.columns, np.zeros(30, dtype=np.int8)
    renamed = replace(table, columns=(*c[:2], replace(c[2], name="rate_x"), *c[3:]))
    missing = replace(table, columns=c[:-1], values=table.values[:, :-1])
    swapped = replace(table, columns=(c[1], c[0], *c[2:]))
    extracted = replace(table, extractor="another")
    for given, named in ((renamed, "rate_x"), (missing, c[-1].name), (swapped, c[0].name), (extracted, "another")):
        for ask in (detector.score, detector.explain, lambda t: make().fit(t, labels, seed=1, previous=detector)):
            try:
                ask(given)
            except FingerprintError as error:
                _demand(named in str(error), f"the refusal does not name {named!r}: {error}")
            else:
                raise NotConformingError(f"a table that differs in {named!r} was not refused")


def warm_start(make: Make) -> None:
    """A fit from a previous detector still finds the fault and leaves the previous one as it was."""
    previous = _fitted(make)
    before = deepcopy(previous.state())
    table, labels = with_fault(simulated_table(600, seed=23), column=2, seed=5)
    detector = make().fit(table, labels, seed=2, previous=previous)
    _same_state(previous.state(), before, "state of the previous detector")
    fresh, truth = with_fault(simulated_table(300, seed=24), column=2, seed=6)
    auc = _auc(detector.score(fresh), truth == Label.BAD)
    _demand(auc > 0.9, f"AUC {auc:.3f} after a warm start")


def shapes(make: Make) -> None:
    """Scores are float32 ``(n,)``, explanations float32 ``(n, d)``, states numbers and text, the schema the table's."""
    detector, table = _asked(make), simulated_table(50, seed=25)
    score, shares = detector.score(table), detector.explain(table)
    _demand(score.dtype == np.float32 and score.shape == (50,), f"scores are {score.dtype} {score.shape}")
    _demand(
        shares.dtype == np.float32 and shares.shape == table.values.shape, f"shares are {shares.dtype} {shares.shape}"
    )
    _demand(detector.schema == Schema.of(table), "schema is not that of the training table")
    for key, value in detector.state().items():
        _demand(isinstance(value, str) or value.dtype.kind in "biuf", f"state {key!r} is neither text nor numbers")


def one_class_only(make: Make) -> None:
    """Windows that are all good, all bad or all unlabelled give scores that are numbers."""
    table = simulated_table(120, seed=26)
    for label in Label:
        score = make().fit(table, np.full(120, label, dtype=np.int8), seed=1).score(table)
        _demand(bool(np.isfinite(score).all()), f"a score is not a number after a window of {label.name} alone")


def unfitted_refused(make: Make) -> None:
    """A detector that has learned nothing says so, and has no schema."""
    detector, table = make(), simulated_table(5, seed=27)
    _demand(detector.schema is None, "schema must be None before fit")
    for ask in (lambda: detector.score(table), lambda: detector.explain(table), detector.state):
        try:
            ask()
        except NotFittedError:
            continue
        raise NotConformingError("an unfitted detector answered; raise NotFittedError")


CHECKS: tuple[Callable[[Make], None], ...] = (
    batch_independence,
    permutation,
    same_seed_same_bits,
    restore_bit_equal,
    poor_columns,
    nothing_present,
    planted_fault_leads,
    nothing_but_values,
    wrong_columns_refused,
    warm_start,
    shapes,
    one_class_only,
    unfitted_refused,
)


def _asked(make: Make) -> Detector:
    """A fitted detector that is only asked."""
    return make.fitted if isinstance(make, Maker) else _fitted(make)


def _fitted(make: Make) -> Detector:
    """A detector of its own, fitted as every other of this function."""
    table, labels = with_fault(simulated_table(600, seed=10), column=2, seed=1)
    return make().fit(table, labels, weight=1.0 + np.arange(600) % 3, seed=1)


def _auc(score: NDArray[np.float32], bad: NDArray[np.bool_]) -> float:
    from sklearn.metrics import roc_auc_score  # only where it is needed: the suite imports without it

    return float(roc_auc_score(bad, score))


def _demand(kept: bool, broken: str) -> None:
    if not kept:
        raise NotConformingError(broken)


def _same(got: NDArray[np.float32], expected: NDArray[np.float32], what: str) -> None:
    _demand(got.tobytes() == expected.tobytes(), f"{what}: bits differ")


def _same_state(got: State, expected: State, what: str) -> None:
    _demand(got.keys() == expected.keys(), f"{what}: keys {sorted(got)} instead of {sorted(expected)}")
    for key, value in got.items():
        other = expected[key]
        texts = isinstance(value, str) or isinstance(other, str)
        equal = value == other if texts else np.array_equal(value, other, equal_nan=True)
        _demand(bool(equal), f"{what}: {key!r} differs")
