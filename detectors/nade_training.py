"""How a NADE is made: scaling, the smallest scales, and the two losses that it trains on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.nade_density import Frame, NadeDensity
from detectors.nade_network import Drop, NadeNetwork, Shape, random_subsets, rows_at_once
from detectors.resolution import recorded_resolution
from detectors.scaling import Scaling
from detectors.training import History, Loss, TrainingRows, TrainingSettings, Watch, train
from dqm.model.tables import Column, FeatureTable, Role

BATCHES_AT_ONCE = 8
"""A batch of training may hold so many times the rows of one intermediate tensor: it keeps several of them."""


def of_role(table: FeatureTable, role: Role) -> FeatureTable:
    """The columns of one role alone."""
    at = table.where(role=role)
    return replace(table, columns=tuple(table.columns[j] for j in at), values=table.values[:, at])


def fitted_frame(table: FeatureTable, rows: NDArray[np.bool_], scale: str, *, binary: bool, conditional: bool) -> Frame:
    """The scaling of features and conditions over ``rows`` ``(n,)``; coins are not scaled."""
    features = of_role(table, "feature")
    conditions = Scaling.fit(of_role(table, "condition"), rows, role="condition") if conditional else Scaling.empty()
    robust = Scaling.fit(features, rows)
    if binary:
        return Frame(Scaling(robust.at, np.zeros(robust.width), np.ones(robust.width)), conditions, warped=False)
    if scale == "robust":
        return Frame(robust, conditions, warped=True)
    return Frame(_standard(features, rows, robust), conditions, warped=False)


def smallest_scales(
    table: FeatureTable, rows: NDArray[np.bool_], scaling: Scaling, floor: float, *, resolution: bool
) -> NDArray[np.float64]:
    """The narrowest a component may be, in spreads, ``(k,)``: ``floor``, or half the recorded step where more."""
    narrowest = np.full(scaling.width, floor)
    if resolution:
        values = of_role(table, "feature").values[rows][:, scaling.at]
        steps = np.array([recorded_resolution(column) for column in values.T])
        narrowest = np.maximum(narrowest, steps.reshape(-1) / 2 / scaling.spread)
    return narrowest


def train_networks(
    density: NadeDensity,
    features: NDArray[np.float32],
    conditions: NDArray[np.float32],
    settings: TrainingSettings,
    *,
    dropout: float,
    seed: int,
    watch: Watch | None,
) -> tuple[History, ...]:
    """Train every network of the density on raw rows; each draws from a seed of its own."""
    with torch.no_grad():
        x, present, _ = density.scaled(torch.from_numpy(features))
        context = density.context(torch.from_numpy(conditions))
    rows = TrainingRows((x.numpy(), present.numpy(), context.numpy()))
    found = []
    for which, (network, order) in enumerate(zip(density.networks, density.orders, strict=False)):
        own = cast("NadeNetwork", network)
        batch = min(settings.batch, BATCHES_AT_ONCE * rows_at_once(own.shape))
        loss = _loss_of_subsets(own, dropout) if own.shape.orderless else _loss_of_order(own, order, dropout)
        found.append(train(own, loss, rows, replace(settings, batch=batch), seed=seed + which, watch=watch))
    return tuple(found)


def blank_networks(shape: Shape, number: int) -> list[NadeNetwork]:
    """Networks to load weights into."""
    random = torch.Generator().manual_seed(0)
    return [NadeNetwork(shape, torch.ones(shape.width), random).eval() for _ in range(number)]


def positions(columns: tuple[Column, ...], role: Role) -> list[int]:
    """Where the columns of a role stand."""
    return [j for j, column in enumerate(columns) if column.role == role]


def _loss_of_order(network: NadeNetwork, order: Tensor, dropout: float) -> Loss:
    """−log p in one order."""

    def loss(batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        at, drop = order.to(batch[0].device), _drop(network, dropout, random)
        parts = _parts(network, *batch)
        terms = [network.in_order(x, present, context, at, drop) for x, present, context in parts]
        return -torch.cat([each.sum(dim=1) for each in terms])

    return loss


def _loss_of_subsets(network: NadeNetwork, dropout: float) -> Loss:
    """P / (P − d + 1) · Σ over what is not observed of −log p, for a random part of every row."""

    def loss(batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
        observed, weight = random_subsets(batch[1], random)
        drop = _drop(network, dropout, random)
        parts = _parts(network, *batch, observed)
        terms = [
            (network.given_some(x, present, context, shown, drop) * (1 - shown)).sum(dim=1)
            for x, present, context, shown in parts
        ]
        return -weight * torch.cat(terms)

    return loss


def _drop(network: NadeNetwork, share: float, random: torch.Generator) -> Drop | None:
    """Each unit is 0 with probability ``share``, the others grow for it (Srivastava et al., JMLR 15, 2014)."""
    if not share or not network.training:
        return None

    def drop(hidden: Tensor) -> Tensor:
        kept = torch.rand(hidden.shape, generator=random).to(hidden.device) >= share
        return hidden * kept / (1 - share)

    return drop


def _parts(network: NadeNetwork, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Rows in parts that fit the memory."""
    return zip(*(torch.split(each, rows_at_once(network.shape)) for each in tensors), strict=True)


def _standard(table: FeatureTable, rows: NDArray[np.bool_], robust: Scaling) -> Scaling:
    """Mean and standard deviation of the finite values; the robust ones where a column is constant."""
    values = table.values[rows][:, robust.at].astype(np.float64)
    finite = np.where(np.isfinite(values), values, np.nan)
    if not len(finite):
        return robust
    centre, spread = np.nanmean(finite, axis=0), np.nanstd(finite, axis=0)
    constant = spread <= 1e-6 * np.maximum(np.abs(centre), 1)
    return Scaling(robust.at, np.where(constant, robust.centre, centre), np.where(constant, robust.spread, spread))
