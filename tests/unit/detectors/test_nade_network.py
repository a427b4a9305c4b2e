"""The conditionals of an autoregressive density are what the papers say, and their product is a density."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from detectors import nade_network
from detectors.nade_families import family_of
from detectors.nade_network import NadeNetwork, Shape, random_subsets, rows_at_once
from detectors.nade_training import _drop
from tests.unit.detectors.naive_nade import log_terms


def network(family: str = "gaussian", *, orderless: bool = False, layers: int = 1, width: int = 5, conditions: int = 2):
    """An untrained network in double precision whose conditionals differ strongly."""
    random = torch.Generator().manual_seed(3)
    shape = Shape(width, conditions, hidden=7, layers=layers, components=3, family=family, orderless=orderless)
    made = NadeNetwork(shape, torch.full((width,), 0.01), random).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=random, dtype=torch.float64))
    return made


def rows(n: int, family: str = "gaussian", width: int = 5, conditions: int = 2):
    random = torch.Generator().manual_seed(4)
    x = torch.randn(n, width, generator=random, dtype=torch.float64)
    if family == "bernoulli":
        x = (x > 0).double()
    present = (torch.rand(n, width, generator=random) > 0.3).double()
    return x * present, present, torch.randn(n, conditions, generator=random, dtype=torch.float64)


KINDS = [
    (family, orderless, layers)
    for family in ("gaussian", "laplace", "bernoulli")
    for orderless, layers in ((False, 1), (False, 3), (True, 1), (True, 2))
]


@pytest.mark.parametrize(("family", "orderless", "layers"), KINDS)
@pytest.mark.parametrize("masked_up_to", [0, 64])
def test_equals_a_loop_over_features(family, orderless, layers, masked_up_to, monkeypatch) -> None:
    """Both ways to sum what comes before; blocks of two, the last of the five features alone in its own."""
    monkeypatch.setattr(nade_network, "MASKED_UP_TO", masked_up_to)
    monkeypatch.setattr(nade_network, "BLOCK", 2)
    made, (x, present, conditions) = network(family, orderless=orderless, layers=layers), rows(9, family)
    order = [3, 0, 4, 1, 2]
    with torch.no_grad():
        found = made.in_order(x, present, conditions, torch.tensor(order)).numpy()
    for i in range(9):
        expected = log_terms(made, x[i].tolist(), present[i].tolist(), conditions[i].tolist(), order)
        np.testing.assert_allclose(found[i], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", ["gaussian", "laplace"])
def test_the_jacobian_of_the_conditionals_is_triangular(family) -> None:
    """In the order: ∂ log p(x_d | x_<d) / ∂x_i = 0 exactly for i after d, and not for i = d and before."""
    made, (x, _, conditions) = network(family, layers=2), rows(1, family)
    order = torch.tensor([2, 0, 4, 3, 1])
    given = torch.ones_like(x), conditions, order
    jacobian = torch.autograd.functional.jacobian(lambda value: made.in_order(value, *given)[0], x)[:, 0]
    ordered = jacobian[order][:, order].numpy()
    assert (np.triu(ordered, 1) == 0).all()
    assert (ordered[np.tril_indices(5)] != 0).all()


@pytest.mark.parametrize(("orderless", "layers"), [(False, 1), (False, 2), (True, 2)])
def test_six_bits_sum_to_one(orderless, layers) -> None:
    made = network("bernoulli", orderless=orderless, layers=layers, width=6)
    states = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6)), dtype=torch.float64)
    for order in (torch.arange(6), torch.tensor([5, 1, 3, 0, 2, 4])):
        with torch.no_grad():
            terms = made.in_order(states, torch.ones_like(states), torch.ones(64, 2).double(), order)
        assert terms.sum(dim=1).exp().sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("family", ["gaussian", "laplace"])
def test_two_dimensions_integrate_to_one_and_to_the_marginal(family) -> None:
    """Midpoint rule: ∫∫ p = 1, and ∫ p(x_0, x_1) dx_1 in the order (0, 1) is what a missing x_1 gives."""
    made, width = network(family, width=2, conditions=0), 0.1
    with torch.no_grad():
        made.log_floor.fill_(math.log(0.3))
        made.head_weight.mul_(0.1)
        step = torch.arange(-16, 16, width, dtype=torch.float64) + width / 2
        grid = torch.cartesian_prod(step, step)
        nothing = torch.zeros(len(grid), 0, dtype=torch.float64)
        joint = made.in_order(grid, torch.ones_like(grid), nothing, torch.arange(2)).sum(dim=1).exp()
        marginal_of_grid = joint.view(len(step), len(step)).sum(dim=1) * width
        first = torch.stack([step, torch.zeros_like(step)], dim=1)
        shown = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(len(step), 2)
        marginal = made.in_order(first, shown, nothing[: len(step)], torch.arange(2)).sum(dim=1).exp()
    assert joint.sum().item() * width**2 == pytest.approx(1, abs=5e-3)
    np.testing.assert_allclose(marginal_of_grid, marginal, atol=3e-3 * float(marginal.max()))


def test_missing_features_may_stand_anywhere_in_the_order() -> None:
    """Leaving one out is the same as taking it last: the present ones come first in their own order."""
    made, (x, _, conditions) = network(orderless=True, layers=2), rows(6)
    present = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0], dtype=torch.float64).expand(6, 5)
    x = x * present
    with torch.no_grad():
        skipped = made.in_order(x, present, conditions, torch.tensor([1, 2, 4, 0, 3]))
        last = made.in_order(x, present, conditions, torch.tensor([2, 0, 3, 1, 4]))
    np.testing.assert_allclose(skipped, last, rtol=1e-12)
    assert (skipped[:, [1, 4]] == 0).all()


def test_columns_in_another_order_with_their_weights_give_the_same() -> None:
    made, other = network(layers=2), network(layers=2)
    x, present, conditions = rows(8)
    moved = torch.tensor([4, 2, 0, 1, 3])
    with torch.no_grad():
        for name in ("value_weight", "presence_weight", "rescale", "head_weight", "head_bias", "log_floor"):
            getattr(other, name).copy_(getattr(made, name)[moved])
        found = other.in_order(x[:, moved], present[:, moved], conditions, torch.argsort(moved))
        np.testing.assert_allclose(found, made.in_order(x, present, conditions, torch.arange(5))[:, moved], rtol=1e-10)


def test_hidden_state_of_a_part_is_that_of_an_order_that_begins_with_it() -> None:
    """``given_some`` predicts every feature that is not observed as the next one in an order."""
    made, (x, _, conditions) = network(orderless=True, layers=2), rows(4)
    full = torch.ones_like(x)
    observed = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0], dtype=torch.float64).expand(4, 5)
    with torch.no_grad():
        together = made.given_some(x, full, conditions, observed)
        for feature in (0, 2, 4):
            order = torch.tensor([1, 3, feature, *({0, 2, 4} - {feature})])
            alone = made.in_order(x, full, conditions, order)
            np.testing.assert_allclose(together[:, feature], alone[:, feature], rtol=1e-10)


def test_the_orderless_loss_is_unbiased() -> None:
    """Its mean over random parts is the mean of −log p over all orders, within 5 standard errors."""
    made, (x, _, conditions) = network(orderless=True, width=3), rows(1, width=3)
    full = torch.ones_like(x)
    with torch.no_grad():
        orders = [torch.tensor(each) for each in itertools.permutations(range(3))]
        expected = -np.mean([made.in_order(x, full, conditions, order).sum().item() for order in orders])
        many = [each.expand(20000, -1) for each in (x, full, conditions)]
        observed, weight = random_subsets(many[1], torch.Generator().manual_seed(1))
        loss = -(weight * (made.given_some(*many, observed.double()) * (1 - observed)).sum(dim=1)).numpy()
    assert abs(loss.mean() - expected) < 5 * loss.std() / math.sqrt(20000)


def test_random_parts_leave_at_least_one_present_feature_hidden() -> None:
    _, present, _ = rows(500)
    observed, weight = random_subsets(present, torch.Generator().manual_seed(2))
    hidden = (present - observed).sum(dim=1)
    assert (observed <= present).all()
    assert (hidden[present.sum(dim=1) > 0] >= 1).all()
    np.testing.assert_allclose((weight * hidden)[present.sum(dim=1) > 0], present.sum(dim=1)[present.sum(dim=1) > 0])


@pytest.mark.parametrize("family", ["gaussian", "laplace"])
def test_draws_of_a_mixture_have_its_moments(family) -> None:
    mixture, floor = family_of(family, 2), torch.tensor(math.log(0.1))
    parameters = torch.tensor([0.0, math.log(3.0), -1.0, 2.0, math.log(0.4), math.log(0.9)]).double().expand(40000, -1)
    drawn = mixture.draw(parameters, floor, torch.Generator().manual_seed(5)).numpy()
    variance = 1 if family == "gaussian" else 2
    mean = 0.25 * -1 + 0.75 * 2
    second = 0.25 * (1 + variance * 0.5**2) + 0.75 * (4 + variance * 1.0**2)
    assert drawn.mean() == pytest.approx(mean, abs=5 * drawn.std() / 200)
    assert drawn.var() == pytest.approx(second - mean**2, rel=0.06)


def test_draws_of_a_coin_have_its_probability() -> None:
    drawn = family_of("bernoulli", 1).draw(
        torch.full((40000, 1), 0.8), torch.zeros(()), torch.Generator().manual_seed(1)
    )
    one = 1 / (1 + math.exp(-0.8))
    assert drawn.mean().item() == pytest.approx(one, abs=5 * math.sqrt(one * (1 - one) / 40000))


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="family = 'cauchy' is none of gaussian, laplace, bernoulli"):
        family_of("cauchy", 3)


def test_memory_of_one_part_is_bounded() -> None:
    for width in (3, 300, 3000):
        shape = Shape(width, hidden=64, components=8)
        assert rows_at_once(shape) * width * 64 <= nade_network.FLOATS_AT_ONCE
    assert rows_at_once(Shape(10**6, hidden=64)) == 1


def test_dropout_is_unbiased_draws_from_its_generator_alone_and_ends_with_training() -> None:
    made, hidden = network("gaussian"), torch.ones(400, 50)
    drop = _drop(made.train(), 0.3, torch.Generator().manual_seed(3))
    again = _drop(made, 0.3, torch.Generator().manual_seed(3))
    assert drop is not None
    assert again is not None
    dropped = drop(hidden)
    assert torch.equal(dropped, again(hidden))
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert float(dropped.mean()) == pytest.approx(1, abs=5 * (0.3 / 0.7 / hidden.numel()) ** 0.5)
    assert _drop(made, 0.0, torch.Generator()) is None
    assert _drop(made.eval(), 0.3, torch.Generator()) is None


@pytest.mark.parametrize("orderless", [False, True])
def test_what_is_dropped_tells_nothing(orderless) -> None:
    """With every unit of the last hidden layer dropped, a conditional hangs on no other feature."""
    made, (x, present, conditions) = network("gaussian", orderless=orderless), rows(6)
    other = x.roll(1, dims=0) * present
    other[:, 4] = x[:, 4]
    given, ahead = (torch.ones_like(x), conditions * 0, torch.arange(5)), (torch.ones_like(x), conditions * 0, present)
    for method, arguments in ((made.in_order, given), (made.given_some, ahead)):
        found = [method(values, *arguments, torch.zeros_like)[:, 4] for values in (x, other)]
        assert torch.equal(*found)
        assert not torch.equal(method(x, *arguments)[:, 4], method(other, *arguments)[:, 4])
