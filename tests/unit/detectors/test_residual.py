"""What a sample holds beyond a known density."""

import numpy as np
import pandas as pd
import pytest

from detectors.inputs import NotFittedError
from detectors.nade import Nade
from detectors.residual import Residual
from dqm.model.errors import FingerprintError
from dqm.model.tables import Column, FeatureTable

pytestmark = pytest.mark.slow  # every fit takes seconds

RANDOM = np.random.default_rng(4)


def table(values: np.ndarray, names: str = "ab") -> FeatureTable:
    return FeatureTable(pd.RangeIndex(len(values)), tuple(map(Column, names)), values.astype(np.float32))


BACKGROUND = RANDOM.normal(size=(1500, 2))
BUMP = RANDOM.normal([1.0, 1.5], 0.15, size=(150, 2))
DATA = table(np.concatenate([RANDOM.normal(size=(1350, 2)), BUMP]))


@pytest.fixture(scope="module")
def background() -> Nade:
    nade = Nade(orderless=False, orders=2, hidden=8, layers=1, components=2, epochs=10, batch=128, rate=0.02)
    return nade.fit(table(BACKGROUND), np.full(1500, -1, dtype=np.int8), seed=1)


def residual(background: Nade, seed: int = 1, epochs: int = 15) -> Residual:
    return Residual(members=2, hidden=8, epochs=epochs, batch=128, rate=0.02).fit(DATA, background, seed=seed)


@pytest.fixture(scope="module")
def fitted(background: Nade) -> Residual:
    return residual(background)


def test_it_finds_a_bump_inside_the_background(fitted: Residual, background: Nade) -> None:
    """The bump lies where background is common: −log p of the background alone does not see it."""
    there, elsewhere = table(RANDOM.normal([1.0, 1.5], 0.1, size=(200, 2))), table(RANDOM.normal(size=(500, 2)))
    ratio = fitted.log_ratio(there)
    assert np.median(ratio) > np.quantile(fitted.log_ratio(elsewhere), 0.9)
    assert np.median(background.score(there)) < np.quantile(background.score(elsewhere), 0.95)
    assert all(0.03 < each < 0.3 for each in fitted.shares)  # a tenth was put there


def test_p_data_is_a_density(fitted: Residual, background: Nade) -> None:
    """∫ p_background·ratio = 1, on a grid of x = sinh u, as tails are long in x: the ratio is that of two densities."""
    u = np.arange(-7, 7, 0.07)
    grid = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
    points = table(np.sinh(grid))
    p = np.exp(background.log_density(points).astype(np.float64) + fitted.log_ratio(points))
    assert (p * np.cosh(grid).prod(axis=1)).sum() * 0.07**2 == pytest.approx(1.0, abs=0.02)


def test_terms_name_the_features_that_differ(fitted: Residual) -> None:
    terms = fitted.terms(table(BUMP))
    assert terms.shape == BUMP.shape
    assert (terms >= 0).all()
    assert (terms.mean(axis=0) > 0.3).all()


def test_a_row_depends_on_itself_alone_and_on_the_seed(fitted: Residual, background: Nade) -> None:
    np.testing.assert_allclose(fitted.log_ratio(DATA.take(np.arange(7))), fitted.log_ratio(DATA)[:7], atol=1e-5)
    one, other, third = (residual(background, seed=seed, epochs=1).log_ratio(DATA) for seed in (2, 2, 3))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()


def test_missing_features(fitted: Residual) -> None:
    """Without any feature there is no ratio; with one the ratio is that of the marginals."""
    found = fitted.log_ratio(table(np.array([[np.nan, np.nan], [1.0, np.nan], [np.nan, 1.5]])))
    assert list(np.isnan(found)) == [True, False, False]
    assert fitted.log_ratio(table(np.zeros((0, 2)))).shape == (0,)
    assert fitted.terms(table(np.zeros((0, 2)))).shape == (0, 2)


def test_what_is_refused(background: Nade, fitted: Residual) -> None:
    with pytest.raises(NotFittedError, match="this Residual is not fitted"):
        Residual().log_ratio(DATA)
    with pytest.raises(FingerprintError, match="column 1 is 'c' here and 'b' expected"):
        fitted.log_ratio(table(BUMP, "ac"))
    with pytest.raises(FingerprintError, match="column 1 is 'c' here and 'b' expected"):
        Residual().fit(table(BUMP, "ac"), background, seed=1)
    with pytest.raises(ValueError, match=r"share = 1\.0 must lie between 0 and 1"):
        Residual(share=1.0)
    with pytest.raises(ValueError, match="members = 0 must be at least 1"):
        Residual(members=0)
    with pytest.raises(ValueError, match=r"floor = 0\.0 must be above 0"):
        Residual(floor=0.0)
