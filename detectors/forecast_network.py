"""The network of the forecaster: lags in, mean and Cholesky factor of the newest readings out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.networks import Standardise, linear

LEAST_SCALE = 0.01
"""Smallest diagonal entry of L, in spreads: a sensor that repeats itself answers to a change, not to rounding."""


class Forecast(nn.Module):
    """A gated recurrent unit (Cho et al., EMNLP 2014) over the lags, and two heads.

    ``places`` ``(s, lags)``: column, among those that ``standardise`` gives, of every sensor and lag, −1 = none.
    h ← (1 − u) ⊙ n + u ⊙ h with u = σ(U [x, h]), r = σ(R [x, h]), n = tanh(N [x, r ⊙ h]); x are the scaled readings of
    one lag and which of them are present. Layers are ``networks.linear``, so that a row has equal bits in any batch.
    """

    newest: Tensor
    earlier: Tensor
    known: Tensor

    def __init__(self, standardise: Standardise, places: NDArray[np.int64], hidden: int) -> None:
        super().__init__()
        sensors = len(places)
        self.standardise = standardise
        self.register_buffer("newest", torch.from_numpy(places[:, 0].copy()), persistent=False)
        self.register_buffer("earlier", torch.from_numpy(np.maximum(places[:, :0:-1], 0).T.copy()), persistent=False)
        known = (places[:, :0:-1] >= 0).T.astype(np.float32).copy()
        self.register_buffer("known", torch.from_numpy(known), persistent=False)
        self.update, self.reset, self.new = (linear(2 * sensors + hidden, hidden) for _ in range(3))
        self.mean, self.scale = linear(hidden, sensors), linear(hidden, sensors * (sensors + 1) // 2)
        self.register_buffer("below", torch.tril_indices(sensors, sensors), persistent=False)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Residual r ``(n, s)``, 0 where missing, Σ ``(n, s, s)`` of what is present, and presence ``(n, s)``.

        Rows and columns of Σ of a missing sensor are those of the identity, so that it adds nothing to log |Σ| and
        rᵀ Σ⁻¹ r: what remains is the marginal of the others.
        """
        z, there = self.standardise(rows)
        h = z.new_zeros(len(z), self.update.out_features)
        for columns, known in zip(self.earlier, self.known, strict=True):
            x = torch.cat([z.index_select(1, columns) * known, there.index_select(1, columns) * known], 1)
            gates = torch.cat([x, h], 1)
            u, r = torch.sigmoid(self.update(gates)), torch.sigmoid(self.reset(gates))
            h = (1 - u) * torch.tanh(self.new(torch.cat([x, r * h], 1))) + u * h
        present = there.index_select(1, self.newest)
        residual = (z.index_select(1, self.newest) - self.mean(h)) * present
        factor = self._factor(h)
        both = present.unsqueeze(2) * present.unsqueeze(1)
        covariance = factor @ factor.transpose(1, 2) * both + torch.diag_embed(1 - present)
        return residual, covariance, present

    def loss(self, rows: Tensor) -> Tensor:
        """log |Σ| + rᵀ Σ⁻¹ r of every row, ``(n,)``."""
        residual, covariance, _ = self(rows)
        factor = torch.linalg.cholesky(covariance)
        white = torch.linalg.solve_triangular(factor, residual.unsqueeze(2), upper=False).squeeze(2)
        logs = 2 * torch.log(torch.diagonal(factor, dim1=1, dim2=2)).sum(1)
        total: Tensor = logs + (white**2).sum(1)
        return total

    def _factor(self, h: Tensor) -> Tensor:
        """L ``(n, s, s)``: lower triangular, its diagonal positive."""
        sensors = len(self.newest)
        whole = h.new_zeros(len(h), sensors, sensors)
        whole[:, self.below[0], self.below[1]] = self.scale(h)  # type: ignore[index]  # a buffer, not a module
        diagonal = nn.functional.softplus(torch.diagonal(whole, dim1=1, dim2=2)) + LEAST_SCALE
        return torch.tril(whole, -1) + torch.diag_embed(diagonal)


def surprises(network: Forecast, rows: Tensor) -> Tensor:
    """Score rᵀ Σ⁻¹ r / (sensors present), NaN without any, and the share of every sensor: ``(n, 1 + s)``."""
    residual, covariance, present = network(rows)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
    weighted = (inverse * residual.unsqueeze(1)).sum(2)
    count = present.sum(1)
    score = torch.where(count > 0, (weighted * residual).sum(1) / count.clamp(min=1), torch.nan)
    shares = present * weighted**2 / torch.diagonal(inverse, dim1=1, dim2=2)
    return torch.cat([score.unsqueeze(1), shares], 1)
