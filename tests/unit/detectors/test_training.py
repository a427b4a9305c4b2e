"""The one training loop: seeded, early to stop, and alone with its random numbers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from detectors.training import (
    History,
    TrainingRows,
    TrainingSettings,
    arrays_of,
    checked_device,
    held_out_rows,
    initialise,
    load_arrays,
    train,
)
from dqm.model.errors import ConfigError

X = np.random.default_rng(1).normal(size=(400, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], dtype=np.float32))[:, None]
SETTINGS = TrainingSettings(epochs=40, batch=50, rate=0.03, patience=10)


def fitted(
    seed: int = 1, settings: TrainingSettings = SETTINGS, rows: int = 400, watch=None
) -> tuple[nn.Module, History]:
    network = nn.Linear(3, 1)
    initialise(network, torch.Generator().manual_seed(seed))
    given = TrainingRows((X[:rows], Y[:rows]))
    history = train(network, lambda t, _: (network(t[0]) - t[1])[:, 0] ** 2, given, settings, seed=seed, watch=watch)
    return network, history


def test_it_learns_and_keeps_the_best_weights() -> None:
    network, history = fitted()
    assert np.allclose(network.weight.detach().numpy(), [[1.0, -2.0, 0.5]], atol=0.02)
    assert history.held_out[history.best - 1] == min(history.held_out)
    assert not network.training


@pytest.mark.slow  # four trainings
def test_equal_seeds_give_equal_bits_also_side_by_side_in_threads() -> None:
    alone = arrays_of(fitted(seed=3)[0])
    with ThreadPoolExecutor(2) as pool:
        together = [arrays_of(each.result()[0]) for each in [pool.submit(fitted, seed) for seed in (3, 4, 3)]]
    for found in (together[0], together[2]):
        assert all(np.array_equal(found[key], alone[key]) for key in alone)
    assert not np.array_equal(together[1]["net_weight"], alone["net_weight"])


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fitted_ = torch.Generator().manual_seed(1)
    network = nn.Linear(3, 1, device="meta").to_empty(device="cpu")
    initialise(network, fitted_)
    train(network, lambda t, _: network(t[0])[:, 0] ** 2, TrainingRows((X,)), SETTINGS, seed=1, watch=None)
    assert torch.equal(torch.rand(3), expected)


def test_training_ends_when_nothing_gets_better() -> None:
    settings = TrainingSettings(epochs=500, batch=50, rate=0.3, patience=3)
    _, history = fitted(settings=settings)
    assert len(history.held_out) < 500


def test_few_rows_are_all_learned_from() -> None:
    seen: list[tuple[int, int]] = []
    _, history = fitted(rows=10, settings=TrainingSettings(epochs=4), watch=lambda at, most, _: seen.append((at, most)))
    assert history.learned == history.held_out
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="batch = 0 must be at least 1"):
        TrainingSettings(batch=0)
    with pytest.raises(ValueError, match=r"rate = 0 must be above 0 and held_out = 0\.1 lie in \[0, 1\)"):
        TrainingSettings(rate=0)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="'warp' is none that torch knows"):
        checked_device("warp")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="has no CUDA; write cpu"):
            checked_device("cuda")


def test_arrays_of_another_network_are_refused() -> None:
    arrays = arrays_of(nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"array 'weight' has shape \(1, 3\) where the network has \(1, 4\)"):
        load_arrays(nn.Linear(4, 1), arrays)
    with pytest.raises(KeyError, match="net_weight"):
        load_arrays(nn.Linear(3, 1), {})


def test_rows_held_out_can_be_told_from_outside() -> None:
    network, seen = nn.Linear(3, 1), set[float]()

    def loss(given: tuple[torch.Tensor, ...], _: torch.Generator) -> torch.Tensor:
        if network.training:
            seen.update(given[1].tolist())
        return network(given[0])[:, 0] ** 2

    train(network, loss, TrainingRows((X, np.arange(400.0))), TrainingSettings(epochs=1), seed=5, watch=None)
    held = held_out_rows(400, TrainingSettings(epochs=1), seed=5)
    assert len(held) == 40
    assert seen == set(range(400)) - set(held.tolist())
    assert not len(held_out_rows(100, TrainingSettings(), seed=5))
