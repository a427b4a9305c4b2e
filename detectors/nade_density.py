"""From raw feature values to log p: scaling, missing values and orders around the conditionals of ``nade_network``.

``NadeDensity`` is one torch module without control flow that hangs on data, so that it exports as it stands;
``NadeRows`` is what leaves Python: raw rows of all columns to the score and log p.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.nade_network import NadeNetwork
from detectors.scaling import Scaling

MOST = 1e6
"""Values are cut at so many spreads: an infinity is far and still a number."""


@dataclass(frozen=True, eq=False)
class Frame:
    """How raw columns become what the networks see: those of role feature and of role condition.

    ``scaling.at`` counts among the columns of the role alone. ``warped``: y = asinh z, in which tails are short, so
    that no single value dominates; log p has the Jacobian −½ log(1 + z²) of it.
    """

    features: Scaling
    conditions: Scaling
    warped: bool

    @classmethod
    def empty(cls) -> Self:
        """Of no column: what a detector knows before it is fitted."""
        return cls(Scaling.empty(), Scaling.empty(), warped=False)


class NadeDensity(nn.Module):
    """log p of rows: the mean over orders of the density in each, EoNADE (arXiv:1310.1757, section 4).

    With one network it serves every order; with as many networks as orders each has its own.
    """

    features_at: Tensor
    features_centre: Tensor
    features_spread: Tensor
    conditions_at: Tensor
    conditions_centre: Tensor
    conditions_spread: Tensor
    orders: Tensor

    def __init__(self, frame: Frame, networks: list[NadeNetwork], orders: NDArray[np.int64]) -> None:
        super().__init__()
        self.frame, self.warped = frame, frame.warped
        for name, scaling in (("features", frame.features), ("conditions", frame.conditions)):
            for part in ("at", "centre", "spread"):
                self.register_buffer(f"{name}_{part}", torch.from_numpy(np.array(getattr(scaling, part))))
        self.register_buffer("orders", torch.from_numpy(np.array(orders)))
        self.networks = nn.ModuleList(networks)
        self.eval()

    def forward(self, values: Tensor, conditions: Tensor) -> Tensor:
        """log p of raw ``values`` ``(n, features)`` given raw ``conditions`` ``(n, conditions)``: ``(n,)``, float32.

        Per unit of the features; NaN = missing: the density is then that of the present ones.
        """
        return self.per_unit(self.in_spreads(values, conditions), ~torch.isnan(values[:, self.features_at]))

    def per_unit(self, in_spreads: Tensor, present: Tensor) -> Tensor:
        """log p per unit of the features from that per spread, ``(n,)``; ``present`` ``(n, k)``."""
        unit = (self.features_spread.log() * present).sum(dim=1)
        return (in_spreads.double() - unit).float()

    def in_spreads(self, values: Tensor, conditions: Tensor) -> Tensor:
        """log p per spread instead of per unit, ``(n,)``: what differs from ``forward`` where values are missing."""
        sums = torch.stack([terms.sum(dim=1) for terms in self.terms(values, conditions)])
        return torch.logsumexp(sums, dim=0) - math.log(len(sums))

    def surprise(self, values: Tensor, conditions: Tensor) -> Tensor:
        """−log p(x_d | those before it), the mean over the orders, per spread: ``(n, k)``, 0 where missing."""
        total = torch.zeros(len(values), len(self.features_at))
        for terms in self.terms(values, conditions):
            total = total - terms
        return total / len(self.orders)

    def terms(self, values: Tensor, conditions: Tensor) -> Iterator[Tensor]:
        """log p(x_d | those before it) of every order, per spread, ``(n, k)``."""
        x, present, jacobian = self.scaled(values)
        context = self.context(conditions)
        for which, order in enumerate(self.orders):
            network = cast("NadeNetwork", self.networks[which if len(self.networks) > 1 else 0])
            yield network.in_order(x, present, context, order) + jacobian

    def scaled(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the networks see of raw values, which are present, and log |dy/dz|: each ``(n, k)``, 0 where missing."""
        z, present = _scaled(values, self.features_at, self.features_centre, self.features_spread)
        if not self.warped:
            return z.float(), present.float(), torch.zeros_like(z).float()
        return asinh(z).float(), present.float(), (-0.5 * torch.log1p(z * z)).float()

    def context(self, conditions: Tensor) -> Tensor:
        """What the networks see of raw conditions, ``(n, 2c)``: asinh z, 0 where missing, and which are present."""
        z, present = _scaled(conditions, self.conditions_at, self.conditions_centre, self.conditions_spread)
        return torch.cat([asinh(z), present], dim=1).float()

    @torch.no_grad()
    def sample(self, n: int, conditions: Tensor, order: int, random: torch.Generator) -> Tensor:
        """Raw values ``(n, k)`` of the k columns of the scaling, drawn in one of the orders, one feature at a time."""
        network = cast("NadeNetwork", self.networks[order if len(self.networks) > 1 else 0])
        running = network.start_of(self.context(conditions)).expand(n, -1)
        drawn = torch.zeros(n, len(self.features_at))
        for feature in self.orders[order].tolist():
            floor = network.log_floor[feature]
            x = network.family.draw(network.parameters_of(running, feature), floor, random)
            drawn[:, feature], running = x, running + network.added_by(x, feature)
        z = torch.sinh(drawn.double()) if self.warped else drawn.double()
        return z * self.features_spread + self.features_centre


class NadeRows(nn.Module):
    """Raw rows ``(n, d)`` of all columns, NaN = missing, to what ``Nade.score`` and ``Nade.log_density`` say.

    ``features`` and ``conditions`` are where the columns of these roles stand among all; ``typical`` ``(k,)`` is what a
    missing feature counts in the score.
    """

    features: Tensor
    conditions: Tensor
    typical: Tensor

    def __init__(
        self, density: NadeDensity, features: list[int], conditions: list[int], typical: NDArray[np.float32]
    ) -> None:
        super().__init__()
        self.inner = density
        self.register_buffer("features", torch.tensor(features, dtype=torch.int64))
        self.register_buffer("conditions", torch.tensor(conditions, dtype=torch.int64))
        self.register_buffer("typical", torch.from_numpy(typical.copy()))
        self.eval()

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Score and log p, each ``(n,)``; NaN for a row without any feature."""
        values, conditions = rows.index_select(1, self.features), rows.index_select(1, self.conditions)
        present = ~torch.isnan(values[:, self.inner.features_at])
        in_spreads = self.inner.in_spreads(values, conditions)
        missing = ((~present).float() * self.typical).sum(dim=1)
        judged = present.float().amax(dim=1) > 0
        score = torch.where(judged, missing - in_spreads, torch.nan)
        return score, torch.where(judged, self.inner.per_unit(in_spreads, present), torch.nan)


def drawn_orders(number: int, width: int, random: torch.Generator) -> NDArray[np.int64]:
    """Orders ``(number, width)``: that of the columns, then random ones, each followed by its reverse.

    In a pair each of two features comes before the other once: what follows from a fault is then told from the fault.
    """
    orders = [torch.arange(width)]
    while len(orders) < number:
        orders.append(orders[-1].flip(0) if len(orders) % 2 else torch.randperm(width, generator=random))
    return torch.stack(orders[:number]).numpy()


def _scaled(values: Tensor, at: Tensor, centre: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """z and presence, float64 ``(n, k)``, 0 where missing."""
    z = (values[:, at].double() - centre) / spread
    present = ~torch.isnan(z)
    return torch.where(present, z.clamp(-MOST, MOST), 0.0), present.double()


def asinh(z: Tensor) -> Tensor:
    """sign z · ln(|z| + √(z² + 1)): onnxruntime has no asinh in double precision."""
    return torch.sign(z) * torch.log(z.abs() + torch.sqrt(z * z + 1))
