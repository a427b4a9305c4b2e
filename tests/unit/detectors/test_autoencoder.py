"""The dense autoencoder: gives back what it knows, expects what follows from conditions, and says what it cannot judge."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.autoencoder import Autoencoder
from detectors.inputs import NotFittedError
from detectors.protocol import hyperparameters
from dqm.model.errors import FingerprintError
from dqm.model.labels import Label
from dqm.model.tables import Column, FeatureTable, lumisection_index

pytestmark = pytest.mark.slow  # every fit takes a second or more

RNG = np.random.default_rng(1)
LOADINGS = RNG.normal(size=(2, 12))
PLAIN = tuple(Column(f"rate_{j}") for j in range(12))


def table(values: NDArray[np.floating], columns: tuple[Column, ...] = PLAIN) -> FeatureTable:
    n = len(values)
    return FeatureTable(lumisection_index(np.ones(n), 1 + np.arange(n)), columns, values.astype(np.float32))


def low_rank(n: int, seed: int) -> NDArray[np.float64]:
    """Twelve columns that follow from two numbers, up to noise of 0.1."""
    rng = np.random.default_rng(seed)
    return 5 + rng.normal(size=(n, 2)) @ LOADINGS + 0.1 * rng.normal(size=(n, 12))


def unlabelled(rows: FeatureTable) -> NDArray[np.int8]:
    return np.full(len(rows), Label.UNKNOWN, dtype=np.int8)


def fitted(rows: FeatureTable, **params: str | int | float | bool) -> Autoencoder:
    return Autoencoder(**params).fit(rows, unlabelled(rows), seed=1)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def known() -> Autoencoder:
    return fitted(table(low_rank(800, seed=2)), batch=128)


def test_what_follows_from_two_numbers_is_given_back(known: Autoencoder) -> None:
    fresh = table(low_rank(500, seed=3))
    off = known.reconstruct(fresh) - fresh.values
    assert np.median(np.abs(off)) < 0.2 * np.median(np.abs(fresh.values - 5))
    assert 0.5 < np.median(known.score(fresh)) < 1.5


def test_a_value_against_the_others_is_found_though_it_is_usual_by_itself(known: Autoencoder) -> None:
    values = low_rank(400, seed=4)
    values[:100, 7] = np.random.default_rng(5).permutation(values[:, 7])[:100] + 1
    fresh = table(values)
    score, shares = known.score(fresh), known.explain(fresh)
    assert np.median(score[:100]) > 5 * np.median(score[100:])
    assert (shares[:100].argmax(axis=1) == 7).mean() > 0.7


def test_shares_make_the_score(known: Autoencoder) -> None:
    fresh = table(low_rank(300, seed=6))
    assert np.allclose(known.explain(fresh).sum(axis=1), known.score(fresh), rtol=1e-5)


def test_it_learned_and_kept_the_best_epoch(known: Autoencoder) -> None:
    course = known.history.held_out
    assert course[known.history.best - 1] == min(course) < 0.5 * course[0]


def test_hidden_values_are_told_from_the_others_where_training_hid_some() -> None:
    """Half of the columns are missing; a network that never learned without them is farther off."""
    rows, fresh = table(low_rank(500, seed=2)), low_rank(300, seed=7)
    hidden = fresh.copy()
    hidden[:, :6] = np.nan
    far = {}
    for hide in (0.0, 0.3):
        given = fitted(rows, hide=hide, noise=hide, batch=128, epochs=40).reconstruct(table(hidden))
        far[hide] = np.abs(given[:, :6] - fresh[:, :6]).mean()
    assert far[0.3] < 0.8 * far[0.0]


def with_pileup(n: int, seed: int, columns: int = 6) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Independent columns whose means grow with the pile-up; the pile-up itself."""
    rng = np.random.default_rng(seed)
    pileup = rng.uniform(20, 60, size=n)
    means = np.outer((pileup - 40) / 10, np.linspace(-2, 2, columns))
    return means + 0.3 * rng.normal(size=(n, columns)), pileup


def test_a_mean_that_follows_the_pileup_is_expected_only_when_conditional() -> None:
    """Rows at a pile-up that training saw rarely: flagged as rare, unless their pile-up explains them."""
    columns = (*(Column(f"rate_{j}") for j in range(6)), Column("pileup", role="condition"))
    values, pileup = with_pileup(1000, seed=1)
    kept = (pileup < 50) | (np.random.default_rng(2).random(1000) < 0.05)
    train = table(np.column_stack([values, pileup])[kept], columns)
    fresh, level = with_pileup(1000, seed=3)
    given = table(np.column_stack([fresh, level]), columns)
    swapped = replace(given, values=given.values.copy())
    swapped.values[:, 6] = 80 - level
    ratio = {}
    for conditional in (True, False):
        detector = fitted(train, conditional=conditional, bottleneck=1, batch=128)
        score = detector.score(given)
        ratio[conditional] = np.median(score[level > 52]) / np.median(score[level < 50])
        wrong = np.median(detector.score(swapped)) / np.median(score)
        assert (wrong > 3) == conditional
        assert not detector.explain(given)[:, 6].any()
    assert ratio[True] < 1.5
    assert ratio[False] > 1.7


def test_a_map_of_a_thousand_cells_hides_no_rate() -> None:
    rng = np.random.default_rng(1)
    cells = tuple(Column(f"Pixel/map:bin{j % 40},{j // 40}") for j in range(1000))
    columns = (*cells, *(Column(f"rate_{j}") for j in range(4)))
    detector = fitted(table(rng.normal(size=(600, 1004)), columns), epochs=5)
    values = rng.normal(size=(100, 1004))
    values[:50, 1001] += 6
    given = table(values, columns)
    score, shares = detector.score(given), detector.explain(given)
    assert score[:50].min() > score[50:].max()
    assert (shares[:50].argmax(axis=1) == 1001).all()
    assert np.median(shares[50:, :1000].sum(axis=1)) == pytest.approx(1 / 5, rel=0.5)


def test_missing_values_count_neither_for_nor_against_a_row(known: Autoencoder) -> None:
    fresh = low_rank(300, seed=8)
    holes = fresh.copy()
    holes[np.random.default_rng(9).random(holes.shape) < 0.2] = np.nan
    full, partly = known.score(table(fresh)), known.score(table(holes))
    assert 0.6 < np.median(partly) / np.median(full) < 2.5
    assert not known.explain(table(holes))[np.isnan(holes)].any()


def test_a_row_that_stands_beside_the_reference_does_not_tell_in_wide_tables() -> None:
    """Bits of a row, alone and among others, where the columns do not fill the registers."""
    rng = np.random.default_rng(1)
    columns = tuple(Column(f"rate_{j}") for j in range(37))
    rows = table(rng.normal(size=(1300, 37)), columns)
    detector = fitted(rows, epochs=2)
    score, shares = detector.score(rows), detector.explain(rows)
    for at in (0, 1, 700, 1023, 1024, 1299):
        alone = rows.take(slice(at, at + 1))
        assert detector.score(alone).tobytes() == score[at : at + 1].tobytes()
        assert detector.explain(alone).tobytes() == shares[at : at + 1].tobytes()


def test_fewer_rows_than_a_batch_are_learned_from_and_judged() -> None:
    few = table(low_rank(7, seed=1))
    assert np.isfinite(fitted(few).score(few)).all()


def test_constant_columns_answer_to_a_change() -> None:
    constant = table(np.full((60, 12), 3.0))
    detector = fitted(constant)
    assert detector.score(constant).max() < 1
    changed = np.full((2, 12), 3.0)
    changed[1, 4] = 3.5
    score = detector.score(table(changed))
    assert score[1] > 100 * max(score[0], 0.1)
    assert detector.explain(table(changed))[1].argmax() == 4


def test_good_rows_are_the_reference_where_there_are_enough_of_them() -> None:
    values = low_rank(600, seed=1)
    values[300:, 2] += 4
    labels = np.where(np.arange(600) < 300, Label.GOOD, Label.BAD).astype(np.int8)
    detector = Autoencoder(epochs=30).fit(table(values), labels, seed=1)
    score = detector.score(table(values))
    assert score[300:].min() > np.median(score[:300])


def test_a_column_never_seen_full_and_an_infinity() -> None:
    values = low_rank(400, seed=1)
    values[:, 5] = np.nan
    values[:10, 6] = np.inf
    detector = fitted(table(values), epochs=10)
    fresh = low_rank(20, seed=2)
    fresh[0, 6], fresh[1, 6] = np.inf, -np.inf
    score, shares = detector.score(table(fresh)), detector.explain(table(fresh))
    assert np.isfinite(score).all()
    assert score[:2].min() > score[2:].max()
    assert not shares[:, 5].any()
    assert np.isnan(detector.reconstruct(table(fresh))[:, 5]).all()


def test_where_nothing_is_known_nothing_is_judged() -> None:
    nothing = table(np.full((30, 12), np.nan))
    detector = fitted(nothing)
    full = table(low_rank(5, seed=1))
    assert np.isnan(detector.score(full)).all()
    assert not detector.explain(full).any()
    assert np.isnan(detector.reconstruct(full)).all()
    restored = Autoencoder.restore(hyperparameters(detector), detector.state())
    assert np.isnan(restored.score(full)).all()
    with pytest.raises(ValueError, match="all feature columns were missing in training: there is no network to export"):
        detector.export_module()
    with pytest.raises(NotFittedError, match="this Autoencoder is not fitted; call fit first"):
        Autoencoder().export_module()


def test_unseen_columns_are_refused(known: Autoencoder) -> None:
    other = (*PLAIN[:11], Column("rate_new"))
    with pytest.raises(FingerprintError, match="column 11 is 'rate_new' here and 'rate_11' expected"):
        known.reconstruct(table(low_rank(5, seed=1), other))


def test_a_warm_start_goes_on_from_the_weights_and_another_shape_starts_afresh(known: Autoencoder) -> None:
    rows = table(low_rank(400, seed=11))
    warm = Autoencoder(epochs=1).fit(rows, unlabelled(rows), seed=1, previous=known)
    cold = Autoencoder(epochs=1).fit(rows, unlabelled(rows), seed=1)
    assert warm.history.held_out[0] < 0.5 * cold.history.held_out[0]
    wider = Autoencoder(epochs=1, hidden=32).fit(rows, unlabelled(rows), seed=1, previous=known)
    assert np.isfinite(wider.score(rows)).all()


def test_a_warm_start_with_other_columns_known_is_a_cold_one(known: Autoencoder) -> None:
    """Mutant: shapes compared alone, which hands the weights of one column to another."""
    rows = table(low_rank(300, seed=11))
    without = [rows.values.copy() for _ in range(2)]
    without[0][:, 0] = without[1][:, 1] = np.nan
    first, second = (replace(rows, values=each) for each in without)
    before = Autoencoder(epochs=1).fit(first, unlabelled(rows), seed=1)
    warm = Autoencoder(epochs=1).fit(second, unlabelled(rows), seed=2, previous=before)
    cold = Autoencoder(epochs=1).fit(second, unlabelled(rows), seed=2)
    assert warm.score(second).tobytes() == cold.score(second).tobytes()


def test_training_can_be_watched() -> None:
    seen: list[tuple[int, int]] = []
    detector = Autoencoder(epochs=3)
    detector.watch = lambda epoch, most, _: seen.append((epoch, most))
    rows = table(low_rank(50, seed=1))
    detector.fit(rows, unlabelled(rows), seed=1)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_hyper_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="bottleneck = 0 must be at least 1"):
        Autoencoder(bottleneck=0)
    with pytest.raises(ValueError, match=r"noise = 0\.3 must not be negative, hide = 1\.0 lie in \[0, 1\)"):
        Autoencoder(hide=1.0)
    with pytest.raises(ValueError, match="hidden = 0 and depth = 1 must be at least 1"):
        Autoencoder(hidden=0)
    with pytest.raises(ValueError, match="epochs = 0 must be at least 1"):
        Autoencoder(epochs=0)


def test_a_state_of_other_columns_is_refused(known: Autoencoder) -> None:
    state = known.state()
    with pytest.raises(ValueError, match=r"usual residuals of shape \(3,\) do not suit 12 columns"):
        Autoencoder.restore({}, {**state, "usual": np.ones(3)})
    with pytest.raises(ValueError, match=r"has shape \(64, 24\) where the network has \(32, 24\)"):
        Autoencoder.restore({"hidden": 32}, state)
