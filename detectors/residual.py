"""What a sample holds beyond a known density: log p_data − log p_background with few parameters of its own.

Two densities fitted apart each have errors of a few per cent, and their difference is mostly that where the signal is
one event in a hundred. Here p_background is frozen and enters p_data itself,

    p_data(x) = (1 − w)·p_background(x) + w·p_signal(x),

so that only w and p_signal, a small NADE, are learned, by likelihood on the data: arXiv:2312.11629 does so with flows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.inputs import NotFittedError, require
from detectors.nade import Nade
from detectors.nade_density import NadeDensity, drawn_orders
from detectors.nade_network import NadeNetwork, Shape
from detectors.nade_training import of_role
from detectors.training import History, TrainingRows, TrainingSettings, Watch, train
from dqm.model.tables import FeatureTable

AT_ONCE = 8192


@dataclass
class Residual:
    """log p_data(x) − log p_background(x), p_data the mean over ``members`` mixtures, each of its own order and seed.

    A p_signal is a NADE of ``layers`` hidden layers of ``hidden`` units and ``components`` Gaussians, in the scaling
    of the background, none narrower than ``floor`` spreads. ``share``: w before training. The other fields are
    ``TrainingSettings``.
    """

    members: int = 4
    layers: int = 1
    hidden: int = 32
    components: int = 4
    floor: float = 0.1
    share: float = 0.05
    epochs: int = 25
    batch: int = 512
    rate: float = 5e-3
    weight_decay: float = 0.05
    patience: int = 8
    held_out: float = 0.1
    background: Nade | None = field(default=None, init=False, repr=False, compare=False)
    history: tuple[History, ...] = field(default=(), init=False, repr=False, compare=False)
    """The course of training of every member."""
    watch: Watch | None = field(default=None, init=False, repr=False, compare=False)
    """Called after every epoch of every member, for a progress bar."""
    _members: tuple[Member, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share = {self.share} must lie between 0 and 1, both excluded")
        for name in ("members", "layers", "hidden", "components"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least 1")
        if not self.floor > 0:
            raise ValueError(f"floor = {self.floor} must be above 0: without it a repeated value has any likelihood")

    def fit(self, data: FeatureTable, background: Nade, *, seed: int) -> Self:
        """Learn what ``data`` holds beyond the fitted ``background``, which must not have seen these rows.

        Raises ``FingerprintError`` for other columns than those of the background.
        """
        require(background, data)
        known = background.density()
        values, conditions = _raw(data)
        with torch.no_grad():
            expected = torch.cat([known.in_spreads(*part) for part in _parts_of(values, conditions)])
            x, present, jacobian = known.scaled(values)
            parts = (x, present, known.context(conditions), expected - jacobian.sum(dim=1))
        rows = TrainingRows(tuple(each.numpy() for each in parts))
        random = torch.Generator().manual_seed(seed)
        orders = drawn_orders(self.members, len(known.features_at), random)
        settings = TrainingSettings(
            **{
                name: getattr(self, name)
                for name in ("epochs", "batch", "rate", "weight_decay", "patience", "held_out")
            }
        )
        members = [self._blank(known, order, random) for order in orders]
        self.history = tuple(
            train(member, member.loss, rows, settings, seed=seed + which, watch=self.watch)
            for which, member in enumerate(members)
        )
        self.background, self._members = background, tuple(members)
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """w of every member: the share of the data that the background does not hold."""
        return tuple(float(torch.sigmoid(each.logit.detach())) for each in self._members)

    def log_ratio(self, table: FeatureTable) -> NDArray[np.float32]:
        """log p_data − log p_background, ``(n,)`` nats; NaN for a row without any feature."""
        known, signal = self._fitted(table)
        found = []
        with torch.no_grad():
            for part in _parts_of(*_raw(table)):
                expected = known.in_spreads(*part)
                terms = signal.terms(*part)
                odds = [one.against(term.sum(dim=1) - expected) for one, term in zip(self._members, terms, strict=True)]
                found.append(torch.logsumexp(torch.stack(odds), dim=0) - math.log(len(odds)))
        ratio = torch.cat(found).numpy() if found else np.zeros(0, dtype=np.float32)
        return np.where(np.isnan(_features(table)).all(axis=1), np.float32(np.nan), ratio)

    def terms(self, table: FeatureTable) -> NDArray[np.float32]:
        """log p_signal(x_d | x_<d) − log p_background(x_d | x_<d), means over the orders, ``(n, d)``; ≥ 0, else 0.

        Which features make an event look like what the background does not hold.
        """
        known, signal = self._fitted(table)
        with torch.no_grad():
            parts = [known.surprise(*part) - signal.surprise(*part) for part in _parts_of(*_raw(table))]
        whole = np.zeros(table.values.shape, dtype=np.float32)
        places = np.array(table.where(role="feature"), dtype=np.int64)[known.features_at.numpy()]
        whole[:, places] = torch.cat(parts).clamp(min=0).numpy() if parts else 0
        return whole

    def _fitted(self, table: FeatureTable) -> tuple[NadeDensity, NadeDensity]:
        if self.background is None:
            raise NotFittedError(self)
        require(self.background, table)
        known = self.background.density()
        orders = np.stack([each.order.numpy() for each in self._members])
        return known, NadeDensity(known.frame, [each.network for each in self._members], orders)

    def _blank(self, known: NadeDensity, order: NDArray[np.int64], random: torch.Generator) -> Member:
        width = len(known.features_at)
        conditions = 2 * len(known.conditions_at)
        shape = Shape(width, conditions, self.hidden, self.layers, self.components, "gaussian", orderless=False)
        network = NadeNetwork(shape, torch.full((width,), self.floor), random)
        return Member(network, torch.from_numpy(order), self.share)


class Member(nn.Module):
    """One p_signal in one order, and the logit of its share w."""

    order: Tensor

    def __init__(self, network: NadeNetwork, order: Tensor, share: float) -> None:
        super().__init__()
        self.network, self.logit = network, nn.Parameter(torch.tensor(math.log(share / (1 - share))))
        self.register_buffer("order", order)

    def against(self, log_ratio: Tensor) -> Tensor:
        """log[(1 − w) + w·p_signal/p_background] from log p_signal − log p_background, ``(b,)``."""
        return torch.logaddexp(
            nn.functional.logsigmoid(-self.logit).expand_as(log_ratio), nn.functional.logsigmoid(self.logit) + log_ratio
        )

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        """−log p_data + log p_background of every row, ``(b,)``."""
        x, present, context, expected = batch
        signal = self.network.in_order(x, present, context, self.order).sum(dim=1)
        return -self.against(signal - expected)


def _raw(table: FeatureTable) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(_features(table)), torch.from_numpy(of_role(table, "condition").values)


def _features(table: FeatureTable) -> NDArray[np.float32]:
    return of_role(table, "feature").values


def _parts_of(values: Tensor, conditions: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(values, AT_ONCE), torch.split(conditions, AT_ONCE), strict=True)
