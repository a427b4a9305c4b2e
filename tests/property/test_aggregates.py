"""What is counted once of a run equals what is counted lumisection by lumisection, through the database and back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqm.model.aggregates import RunAggregate
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.store.aggregates import aggregate_of
from dqm.store.store import Store
from dqm.store.tables import store_verdicts, verdicts_to_arrow
from tests import naive

WORDS = st.sampled_from(["", "tracker", "ecal"])
CONTRIBUTIONS = st.sampled_from([0.0, 0.25, 1.5, 2.0, float("inf")])
REASONS = st.lists(st.builds(Reason, WORDS, WORDS, st.sampled_from([1.0, -2.0]), CONTRIBUTIONS), max_size=3)


class Recipe(NamedTuple):
    """Verdicts of run 7 in any order: stretches of one decision, with gaps, and lumisections without weight."""

    stretches: list[tuple[Decision, int]]
    seed: int
    kinds: list[tuple[str, str, list[Reason]]]

    def made(self) -> Verdicts:
        decision = np.array([word for word, many in self.stretches for _ in range(many)], dtype=object)
        n = len(decision)
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(n)
        ls = np.cumsum(rng.choice([1, 1, 1, 1, 1, 1, 1, 5], n))[order]
        chosen = [self.kinds[at] for at in rng.integers(0, len(self.kinds), n)]
        return Verdicts(
            index=lumisection_index(np.full(n, 7), ls),
            decision=decision[order],
            badness=np.full(n, 0.5, np.float32),
            weight=rng.integers(0, 4, n) / 2,
            status=np.array([status for _, status, _ in chosen], dtype=object),
            subsystem=np.array([subsystem for subsystem, _, _ in chosen], dtype=object),
            reasons=tuple(tuple(reasons) for _, _, reasons in chosen),
        )


STRETCHES = st.lists(st.tuples(st.sampled_from(Decision), st.integers(1, 80)), max_size=5)
RECIPES = st.builds(
    Recipe,
    STRETCHES,
    st.integers(0, 2**16),
    st.lists(st.tuples(WORDS, WORDS, REASONS), min_size=1, max_size=4),
)


@given(recipe=RECIPES)
@settings(max_examples=40)
def test_counting_equals_going_through_one_by_one(recipe: Recipe) -> None:
    """Mutants: a range that goes on over a gap, weight before openness, the first lumisection of a pixel, a mean as a
    sum."""
    verdicts = recipe.made()
    same(aggregate_of(verdicts_to_arrow(verdicts)), verdicts)


@given(recipe=RECIPES.filter(lambda recipe: recipe.stretches))
@settings(max_examples=10)
def test_what_was_counted_comes_back_from_the_database(
    recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> None:
    verdicts = recipe.made()
    with Store.create(Path(tmp_path_factory.mktemp("store"))) as store:
        with store.transaction() as change:
            store_verdicts(change, verdicts, {})
        (partition,) = store.partitions("verdicts")
        stored = store.aggregates.stored()[partition.digest]
        assert stored == store.aggregates.counted(partition)
    same(stored, verdicts)


def same(found: RunAggregate, verdicts: Verdicts) -> None:
    """Whether it is what the oracle says."""
    expected = naive.aggregate(
        [
            (int(ls), str(decision), float(weight), subsystem, status, [tuple(vars(each).values()) for each in reasons])
            for (_, ls), decision, weight, subsystem, status, reasons in zip(
                verdicts.index,
                verdicts.decision,
                verdicts.weight,
                verdicts.subsystem,
                verdicts.status,
                verdicts.reasons,
                strict=True,
            )
        ]
    )
    words = list(Decision)
    reason = found.reason
    assert expected == {
        "counts": {str(each): number for each, number in found.counts.items()},
        "weights": {str(each): number for each, number in found.weights.items()},
        "subsystem": found.subsystem,
        "status": found.status,
        "reason": None if reason is None else (reason.feature, reason.subsystem, reason.contribution),
        "strip": [str(words[code]) for code in found.strip],
    }
    assert found.lumisections == len(verdicts)
    assert found.weight == verdicts.weight.sum()
