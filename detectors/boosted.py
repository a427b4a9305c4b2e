"""Boosted trees (LightGBM) on what people have labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

from detectors.inputs import NotFittedError, Schema, checked_labels, checked_weight, judged_rows, require
from detectors.protocol import Scalar, State
from detectors.trees import booster_from_text
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable


@dataclass
class Boosted:
    """Gradient-boosted trees: the score is the probability of BAD as the model sees it, p = 1 / (1 + exp(−Σ trees)).

    Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017. A missing value goes down
    the side of each split that suited training better. Rows labelled UNKNOWN or of weight 0 are left out; weights are
    divided by their mean, so that ``l2`` means the same in every unit. Without ``conditions`` only columns of role
    *feature* are used. In a column of kind *deviation* the score never falls as the value grows (Sill, "Monotonic
    networks", NeurIPS 1997, for trees as LightGBM's ``monotone_constraints``). ``members`` models that differ in seed
    and in the ``bagging`` share of rows are averaged, so that a threshold does not hang on a draw.

    With ``previous`` only ``refresh_trees`` more trees are grown, on the log-odds that the previous model leaves; with
    ``forget`` > 0 its leaf values are first moved that far, of the way from 0 to 1, towards the new window.

    A window that holds one class, or no label at all, teaches nothing about the difference: ``one_class`` is then True
    and the model is the previous one unchanged, or without it the constant (bad + 1) / (rows + 2), Laplace's rule of
    succession; so it is for a table without feature columns. Fewer than 2 · ``min_leaf`` rows of two classes cannot be
    split and give the weighted share of bad. Equal bits are promised for equal ``threads``.
    """

    trees: int = 80
    leaves: int = 8
    learning_rate: float = 0.08
    min_leaf: int = 20
    feature_fraction: float = 0.7
    bagging: float = 0.7
    l2: float = 5.0
    members: int = 3
    extra_trees: bool = False
    refresh_trees: int = 10
    forget: float = 0.0
    conditions: bool = False
    threads: int = 1
    probability: ClassVar[bool] = True
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    prior: float = field(default=0.5, init=False, repr=False, compare=False)
    one_class: bool = field(default=False, init=False, repr=False, compare=False)
    _boosters: tuple[lightgbm.Booster, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        least = {"trees": 1, "leaves": 2, "min_leaf": 1, "refresh_trees": 1, "members": 1, "threads": 1, "l2": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least {bound}")
        for name in ("feature_fraction", "bagging"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)} must lie in (0, 1]")
        if not 0 <= self.forget <= 1 or not self.learning_rate > 0:
            raise ValueError(
                f"forget = {self.forget} must lie in [0, 1] and learning_rate = {self.learning_rate} above 0"
            )

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Grow trees on the labelled rows; raises ``ValueError`` for labels or weights that do not suit the table."""
        labels, weight = checked_labels(labels, len(table)), checked_weight(weight, len(table))
        start = () if previous is None else previous._for(table, self)
        rows = (labels != Label.UNKNOWN) & (weight > 0)
        bad = labels[rows] == Label.BAD
        self.schema = Schema.of(table)
        self.prior = float((bad.sum() + 1) / (bad.size + 2))
        self.one_class = not bad.any() or bool(bad.all()) or not self._used
        self._boosters = start
        if not self.one_class:
            X, w = self._matrix(table)[rows], weight[rows] / weight[rows].mean()
            begun = start or (None,) * self.members
            # Fresh members share their bins, a fifth of the work on many rows; a start would put its own score in.
            shared = None if start else lightgbm.Dataset(X, bad, weight=w, free_raw_data=False)
            self._boosters = tuple(self._grown(X, bad, w, seed + k, each, shared) for k, each in enumerate(begun))
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Probability of BAD, ``(n,)``; NaN for a row without any feature."""
        require(self, table)
        probability = self._predicted(table)
        if probability is None:
            probability = np.full(len(table), self.prior)
        return np.where(judged_rows(table), probability, np.nan).astype(np.float32)

    def contributions(self, table: FeatureTable) -> NDArray[np.float32]:
        """Signed share of each column in the log-odds of BAD, ``(n, d)``: exact Shapley values of the trees.

        Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
        Intelligence 2 (2020) 56. A row's sum and the mean over training make a member's log-odds;
        the mean over the members is returned, and unused columns have 0.
        """
        require(self, table)
        shares = np.zeros((len(table), len(table.columns)), dtype=np.float32)
        found = self._predicted(table, pred_contrib=True)
        if found is not None:
            shares[:, self._used] = found[:, :-1]
        return shares

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """Evidence for BAD of each column, ``(n, d)``: the contributions that are positive, in log-odds."""
        return np.maximum(self.contributions(table), np.float32(0))

    def state(self) -> State:
        """``model_1`` … LightGBM's native texts, none for a constant; ``schema``; ``prior``; ``one_class``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {
            **{f"model_{k}": each.model_to_string() for k, each in enumerate(self._boosters, start=1)},
            "schema": self.schema.to_text(),
            "prior": np.array(self.prior),
            "one_class": np.array(self.one_class),
        }

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema = Schema.from_text(state["schema"])
        detector.prior, detector.one_class = float(state["prior"]), bool(state["one_class"])
        texts = [state[f"model_{k}"] for k in range(1, len([key for key in state if key.startswith("model_")]) + 1)]
        if len(texts) not in (0, detector.members):
            raise ValueError(f"{len(texts)} models for members = {detector.members}")
        detector._boosters = tuple(booster_from_text(text, len(detector._used)) for text in texts)
        return detector

    @property
    def _used(self) -> list[int]:
        """Positions of the columns that the trees see."""
        roles = ("feature", "condition") if self.conditions else ("feature",)
        return [] if self.schema is None else [i for i, c in enumerate(self.schema.columns) if c.role in roles]

    @property
    def _monotone(self) -> list[int]:
        """1 for every used column in which badness may only grow, else 0."""
        return [] if self.schema is None else [int(self.schema.columns[i].kind == "deviation") for i in self._used]

    def _for(self, table: FeatureTable, other: Boosted) -> tuple[lightgbm.Booster, ...]:
        """The trees that ``other`` starts from; raises where they look at other columns or are another number."""
        require(self, table)
        for name in ("conditions", "members"):
            if getattr(self, name) != getattr(other, name):
                had, wanted = getattr(self, name), getattr(other, name)
                raise ValueError(f"{name} = {had} in the previous model, {wanted} here; fit afresh")
        return self._boosters

    def _predicted(self, table: FeatureTable, *, pred_contrib: bool = False) -> NDArray[np.float64] | None:
        """Mean over the members; None where there are no trees, or no rows, which LightGBM refuses."""
        if not self._boosters or not len(table):
            return None
        X = self._matrix(table)
        found = [each.predict(X, pred_contrib=pred_contrib, num_threads=self.threads) for each in self._boosters]
        return np.asarray(np.mean(found, axis=0))

    def _matrix(self, table: FeatureTable) -> NDArray[np.float32]:
        return np.ascontiguousarray(table.values[:, self._used])

    def _grown(
        self,
        X: NDArray[np.float32],
        bad: NDArray[np.bool_],
        weight: NDArray[np.float64],
        seed: int,
        start: lightgbm.Booster | None,
        shared: lightgbm.Dataset | None,
    ) -> lightgbm.Booster:
        if start is not None and self.forget > 0:
            start = start.refit(X, bad, decay_rate=1 - self.forget, weight=weight)
        params = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.min_leaf,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging,
            "bagging_freq": int(self.bagging < 1),
            "extra_trees": self.extra_trees,
            "monotone_constraints": self._monotone,
            "lambda_l2": self.l2,
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,  # the other layout is chosen by a stop-watch and rounds otherwise
            "num_threads": self.threads,
            "verbosity": -1,
        }
        rounds = self.trees if start is None else self.refresh_trees
        data = shared or lightgbm.Dataset(X, bad, weight=weight)
        grown = lightgbm.train(params, data, rounds, init_model=start)
        # Through the text, so that what was trained and what is restored are one thing.
        return booster_from_text(grown.model_to_string(), X.shape[1])
