"""Every method, ours and the peers', on a bump that only a comparison sees."""

import numpy as np
import pytest

from dqm.model.errors import UnknownNameError
from pipelines.outliers import peers
from pipelines.outliers.events import table_of
from pipelines.outliers.methods import METHODS, Effort, NadeRatio, method_of
from pipelines.outliers.peers import PEERS

pytestmark = pytest.mark.slow  # every method fits densities

RANDOM = np.random.default_rng(8)
BACKGROUND = table_of(RANDOM.normal(size=(600, 2)), "ab")
DATA = table_of(np.concatenate([RANDOM.normal(size=(500, 2)), RANDOM.normal(0.7, 0.1, size=(100, 2))]), "ab")
BUMP, FAR = table_of(RANDOM.normal(0.7, 0.1, size=(60, 2)), "ab"), table_of(np.full((3, 2), 6.0), "ab")
SMALL = Effort(orders=1, hidden=8, epochs=6, members=1, passes=20)


@pytest.mark.parametrize("name", [*METHODS, *PEERS])
def test_what_a_method_sees(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ratio ranks the bump above the background; −log p and a forest rank what is far off above it."""
    monkeypatch.setattr(peers, "COMPONENTS", (1, 2))
    method = method_of(name, SMALL).fit(BACKGROUND, DATA, seed=1)
    usual = np.median(method.score(BACKGROUND))
    assert method.compares == (name.endswith(("-ratio", "-difference")))
    if method.compares:
        assert np.median(method.score(BUMP)) > usual
    else:
        assert (method.score(FAR) > np.quantile(method.score(BACKGROUND), 0.95)).all()
    terms = method.terms(BUMP)
    assert (terms is not None) == name.startswith("nade")
    if terms is not None:
        assert terms.shape == (60, 2)
        assert (terms >= 0).all()


def test_batches_suit_the_number_of_events() -> None:
    """With batches of 512 a thousand events would give two steps a pass, and nothing would be learned."""
    assert [Effort().nade(n).batch for n in (300, 5000, 30_000)] == [64, 138, 512]
    assert Effort().residual(5000).batch == 138


def test_equal_seeds_give_equal_flows() -> None:
    """zuko draws from the global generator; ours is left as it was."""
    import torch

    before = torch.random.get_rng_state()
    one, other = (method_of("nsf-ratio", Effort(epochs=1)).fit(BACKGROUND, DATA, seed=3).score(BUMP) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown method 'nade-ration'; nearest valid names: 'nade-ratio'"):
        method_of("nade-ration", SMALL)
    with pytest.raises(RuntimeError, match="has not learned anything yet; call fit first"):
        NadeRatio().score(BUMP)
