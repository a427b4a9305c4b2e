"""All conditionals p(x_d | x_<d) of a neural autoregressive density estimator in one fused computation.

Index letters: b rows, d and i features, h hidden units. The first hidden layer of the conditional of feature o_d is

    a_d = c + C·conditions + Σ_{i before d in the order} (x_i·W_i + m_i·M_i),    h_d = f(ρ_d · a_d),

with m_i = 1 where x_i is present and both terms 0 where it is missing, so that any order can be asked for and the
density of the present features is that of their marginal with the missing ones last. Sources: Larochelle and Murray
(AISTATS 2011); RNADE: Uria, Murray and Larochelle, arXiv:1306.0186 (ρ, mixtures); orderless: arXiv:1310.1757; deep,
with presence as an input: arXiv:1605.02226.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from detectors.nade_families import family_of

MASKED_UP_TO = 32
"""Up to this many features one masked matrix product is fastest; above, one for every ``BLOCK`` features and a running
sum over blocks (forward and backward on one core: 0.5 times the time of a running sum over 100 or 500 features)."""

BLOCK = 8
"""Features of one block."""

Drop = Callable[[Tensor], Tensor]
"""Sets some hidden units to 0, in training alone."""

FLOATS_AT_ONCE = 1 << 22
"""Most numbers of one intermediate tensor: 16 MiB, which bounds memory and keeps near the fastest caches."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: ``width`` features, ``conditions``, ``hidden`` units in each of ``layers``, ``components``.

    ``orderless``: one network for every order of the features, so that no weight may know the place in it.
    """

    width: int
    conditions: int = 0
    hidden: int = 64
    layers: int = 1
    components: int = 8
    family: str = "gaussian"
    orderless: bool = False


class NadeNetwork(nn.Module):
    """The conditionals of ``shape.width`` features; those of the future never enter, by construction.

    Arguments of the methods: ``x`` ``(b, D)`` with 0 where missing, ``present`` ``(b, D)`` of 0 and 1, ``conditions``
    ``(b, C)``, ``order`` ``(D,)`` a permutation: the order in which the features are taken. Answers are log-densities
    of single features ``(b, D)`` at the places of the features, 0 where one is missing.
    """

    log_floor: Tensor

    def __init__(self, shape: Shape, floor: Tensor, random: torch.Generator) -> None:
        super().__init__()
        self.shape, self.family = shape, family_of(shape.family, shape.components)
        width, hidden, outputs = shape.width, shape.hidden, self.family.outputs
        self.register_buffer("log_floor", floor.log())
        self.start = nn.Parameter(torch.zeros(hidden))
        self.value_weight = nn.Parameter(_normal(random, 0.3 / max(width, 1) ** 0.5, width, hidden))
        self.presence_weight = nn.Parameter(_normal(random, 0.3 / max(width, 1) ** 0.5, width, hidden))
        self.condition_weight = nn.Parameter(
            _normal(random, 1 / max(shape.conditions, 1) ** 0.5, shape.conditions, hidden)
        )
        if not shape.orderless:
            self.rescale = nn.Parameter(torch.ones(width))
        self.deeper = nn.ModuleList(_linear(hidden, random) for _ in range(shape.layers - 1))
        self.head_weight = nn.Parameter(_normal(random, 0.5 / hidden**0.5, width, hidden, outputs))
        self.head_bias = nn.Parameter(self.family.first_bias(width, floor, random))

    def in_order(
        self, x: Tensor, present: Tensor, conditions: Tensor, order: Tensor, drop: Drop | None = None
    ) -> Tensor:
        """log p(x_d | those before it in the order and present), ``(b, D)``; ``rows_at_once`` says how many rows."""
        ordered, shown = x[:, order], present[:, order]
        before = self._before(ordered, shown, order) + self._start(conditions)
        if not self.shape.orderless:
            before = before * self.rescale[order][:, None, None]
        parameters = torch.baddbmm(self.head_bias[order][:, None], self._through(before, drop), self.head_weight[order])
        terms = self.family.log_density(parameters, ordered.t(), self.log_floor[order][:, None])
        return terms.t()[:, torch.argsort(order)] * present

    def given_some(
        self, x: Tensor, present: Tensor, conditions: Tensor, observed: Tensor, drop: Drop | None = None
    ) -> Tensor:
        """log p(x_d | the observed ones) for every d, from one hidden state, ``(b, D)``; ``observed`` is 0 or 1.

        What an orderless network trains on. Only the terms of features that are not observed mean anything.
        """
        before = self._start(conditions) + (x * observed) @ self.value_weight + observed @ self.presence_weight
        hidden = self._through(before, drop)
        width, outputs = self.shape.width, self.family.outputs
        heads = hidden @ self.head_weight.transpose(0, 1).reshape(self.shape.hidden, width * outputs)
        parameters = heads.view(len(x), width, outputs) + self.head_bias
        return self.family.log_density(parameters, x, self.log_floor) * present

    def parameters_of(self, running: Tensor, feature: int) -> Tensor:
        """Parameters of one feature's conditional, ``(b, outputs)``, from the sum a ``(b, H)``: for sampling."""
        hidden = self._through(running if self.shape.orderless else running * self.rescale[feature])
        return torch.addmm(self.head_bias[feature], hidden, self.head_weight[feature])

    def start_of(self, conditions: Tensor) -> Tensor:
        """The sum a before any feature, ``(b, H)``."""
        return self._start(conditions)

    def added_by(self, x: Tensor, feature: int) -> Tensor:
        """What a present value ``(b,)`` of a feature adds to the sum a, ``(b, H)``."""
        return x[:, None] * self.value_weight[feature] + self.presence_weight[feature]

    def _start(self, conditions: Tensor) -> Tensor:
        return self.start + conditions @ self.condition_weight

    def _before(self, x: Tensor, present: Tensor, order: Tensor) -> Tensor:
        """Σ over the features before each, ``(D, b, H)``, all in the order."""
        values, presences = self.value_weight[order], self.presence_weight[order]
        if self.shape.width <= MASKED_UP_TO:
            earlier = torch.ones(self.shape.width, self.shape.width, dtype=x.dtype, device=x.device).tril(-1)
            masked = torch.cat([earlier[:, :, None] * values, earlier[:, :, None] * presences], dim=1)
            return torch.matmul(torch.cat([x, present], dim=1), masked)
        return _blockwise(x, present, values, presences)

    def _through(self, before: Tensor, drop: Drop | None = None) -> Tensor:
        """The hidden layers from the first one's sum; a sigmoid in the shallow binary network, as the paper has it."""
        shallow = self.shape.family == "bernoulli" and not self.deeper
        hidden = torch.sigmoid(before) if shallow else torch.relu(before)
        for layer in self.deeper:
            hidden = torch.relu(layer(hidden))
        return hidden if drop is None else drop(hidden)


def _blockwise(x: Tensor, present: Tensor, values: Tensor, presences: Tensor) -> Tensor:
    """Σ over the features before each, ``(D, b, H)``: whole blocks by a running sum, the rest of one by a product."""
    width = len(values)
    beyond = -width % BLOCK
    blocks = (width + beyond) // BLOCK
    rows = torch.cat(
        [nn.functional.pad(each, (0, beyond)).view(-1, blocks, BLOCK).transpose(0, 1) for each in (x, present)], dim=2
    )
    weights = torch.cat(
        [nn.functional.pad(each, (0, 0, 0, beyond)).view(blocks, BLOCK, -1) for each in (values, presences)], dim=1
    )
    whole = torch.bmm(rows, weights)
    before = torch.cat([torch.zeros_like(whole[:1]), whole[:-1].cumsum(dim=0)])
    earlier = torch.ones(BLOCK, BLOCK, dtype=x.dtype, device=x.device).tril(-1).repeat(1, 2)
    masked = (weights[:, None] * earlier[:, :, None]).flatten(0, 1)
    block = torch.arange(width, device=x.device) // BLOCK
    return torch.baddbmm(before[block], rows[block], masked[:width])


def rows_at_once(shape: Shape) -> int:
    """Rows of which all conditionals fit in ``FLOATS_AT_ONCE``; a power of two, at least 1."""
    wanted = shape.width * max(shape.hidden, family_of(shape.family, shape.components).outputs)
    return 1 << max(0, (FLOATS_AT_ONCE // max(wanted, 1)).bit_length() - 1)


def random_subsets(present: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random part of the present features of every row, ``(b, D)``, and the weight of the others, ``(b,)``.

    Of P present features d − 1 are observed, d uniform on 1 … P; the weight P / (P − d + 1) makes the loss over the
    others an unbiased estimate of −log p under a random order (arXiv:1310.1757, equation 6).
    """
    number = present.sum(dim=1)
    keys = torch.rand(present.shape, generator=random).to(present.device) + 2 * (1 - present)
    rank = keys.argsort(dim=1).argsort(dim=1)
    observed = torch.floor(torch.rand(len(present), generator=random).to(present.device) * number)
    return (rank < observed[:, None]).to(present.dtype) * present, number / (number - observed).clamp(min=1)


def _normal(random: torch.Generator, sigma: float, *size: int) -> Tensor:
    return torch.randn(*size, generator=random) * sigma


def _linear(hidden: int, random: torch.Generator) -> nn.Linear:
    layer = nn.Linear(hidden, hidden, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        layer.weight.copy_(_normal(random, (2 / hidden) ** 0.5, hidden, hidden))
        layer.bias.zero_()
    return layer
