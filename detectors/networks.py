"""What the networks share: raw rows in, scores and contributions out, so that training, scoring and export are one.

A network here is a module from raw rows ``(n, d)``, NaN = missing, to a score ``(n,)`` and contributions ``(n, d)``;
scaling and missing values are dealt with inside, and what is exported is what scores.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.inputs import Schema
from detectors.scaling import Scaling


class Exportable(Protocol):
    """A detector whose network can leave Python: ``export_module`` maps raw float32 rows to ``export_outputs``.

    One that also has ``scalings``, those of its features and of its conditions, is compared on rows like its own.
    """

    schema: Schema | None
    export_outputs: ClassVar[tuple[str, ...]]

    def export_module(self) -> nn.Module:
        """The module from rows ``(n, d)``, NaN = missing, to a tuple: the score ``(n,)`` first."""


LEAST_OUTPUTS = 16
"""With fewer outputs, matrix products here rounded a row otherwise at another place of its block (MKL, measured: up to
8 outputs of a number of inputs that 4 does not divide)."""


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b of rows ``(…, k)`` and W ``(m, k)``, with equal bits of a row at any place among the others."""
    short = LEAST_OUTPUTS - len(weight)
    if short <= 0:
        return nn.functional.linear(rows, weight, bias)
    wide = nn.functional.pad(weight, (0, 0, 0, short))
    return nn.functional.linear(rows, wide, bias if bias is None else nn.functional.pad(bias, (0, short)))[
        ..., : len(weight)
    ]


class _Linear(nn.Linear):
    def forward(self, rows: Tensor) -> Tensor:
        return product(rows, self.weight, self.bias)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A layer through ``product`` whose weights are not drawn yet: torch would take its global generator."""
    return _Linear(inputs, outputs, device="meta").to_empty(device="cpu")


class Standardise(nn.Module):
    """Raw rows ``(n, d)`` to z = (x − centre) / spread ``(n, k)``, cut at ±``cut``, and presence ``(n, k)``, 1 or 0.

    Where missing, z is 0. An infinity is present and lies at the cut.
    """

    at: Tensor
    centre: Tensor
    per_spread: Tensor

    def __init__(self, scaling: Scaling, columns: int, cut: float) -> None:
        super().__init__()
        self.cut, self.whole = cut, scaling.width == columns
        self.register_buffer("at", torch.from_numpy(scaling.at.copy()))
        self.register_buffer("centre", torch.tensor(scaling.centre, dtype=torch.float32))
        self.register_buffer("per_spread", torch.tensor(1 / scaling.spread, dtype=torch.float32))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Z and presence."""
        chosen = rows if self.whole else rows.index_select(1, self.at)
        z = ((chosen - self.centre) * self.per_spread).clamp(-self.cut, self.cut)
        return torch.nan_to_num(z, 0.0), (chosen == chosen).to(torch.float32)


class ElementWeights(nn.Module):
    """Weights ``(n, k)`` that make a mean over elements of means over the values present of each.

    w_j = present_j / (members of its element that are present · elements with any), so that every row sums to 1 and a
    map of a thousand cells weighs as much as one rate. ``number`` ``(k,)`` is the element of every column.
    """

    order: Tensor
    last: Tensor
    number: Tensor

    def __init__(self, number: NDArray[np.int64]) -> None:
        super().__init__()
        order = np.argsort(number, kind="stable")
        self.sorted = bool((np.diff(number) >= 0).all())
        self.register_buffer("order", torch.from_numpy(order))
        self.register_buffer("last", torch.from_numpy(np.cumsum(np.bincount(number)) - 1))
        self.register_buffer("number", torch.from_numpy(number.copy()))

    def forward(self, present: Tensor) -> Tensor:
        """Weights of values of which ``present`` ``(n, k)``, 1 or 0, says which are there."""
        # Sums of ones are exact, so that a running sum may be cut at the ends of the elements.
        running = torch.cumsum(present if self.sorted else present.index_select(1, self.order), 1)
        ends = running.index_select(1, self.last)
        members = torch.cat([ends[:, :1], ends[:, 1:] - ends[:, :-1]], 1)
        elements = members.clamp(max=1).sum(1, keepdim=True)
        each = 1 / (members.clamp(min=1) * elements.clamp(min=1))
        return each.index_select(1, self.number) * present


class ReconstructionScore(nn.Module):
    """Raw rows ``(n, d)`` to score ``(n,)`` and contributions ``(n, d)`` by how badly a network gives them back.

    With ẑ of ``network(z, present, beside)``, the usual residual ``usual`` ``(k,)`` of every column and the weights w
    of its element: contribution_j = w_j · ((z_j − ẑ_j) / usual_j)²; the score is their sum, NaN where nothing is there.
    ``beside`` ``(n, 2c)`` are the conditions and which of them are present.
    """

    usual: Tensor
    place: Tensor

    def __init__(
        self,
        network: nn.Module,
        scaling: Scaling,
        conditions: Scaling,
        number: NDArray[np.int64],
        columns: int,
        cut: float,
    ) -> None:
        super().__init__()
        self.network = network
        self.standardise = Standardise(scaling, columns, cut)
        self.conditions = Standardise(conditions, columns, cut)
        self.weights = ElementWeights(number)
        place = np.full(columns, scaling.width, dtype=np.int64)
        place[scaling.at] = np.arange(scaling.width)
        self.register_buffer("place", torch.from_numpy(place))
        self.register_buffer("usual", torch.ones(scaling.width))

    def parts(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``z`` and ``present`` ``(n, k)``, and what stands beside them, ``(n, 2c)``."""
        z, present = self.standardise(rows)
        return z, present, torch.cat(self.conditions(rows), 1)

    def reconstruct(self, rows: Tensor) -> Tensor:
        """The rows as the network gives them back, ``(n, k)``, in their own units."""
        given: Tensor = self.network(*self.parts(rows))
        return given / self.standardise.per_spread + self.standardise.centre

    def residual(self, rows: Tensor) -> Tensor:
        """z − ẑ ``(n, k)``, NaN where missing."""
        z, present, beside = self.parts(rows)
        return torch.where(present > 0, z - self.network(z, present, beside), torch.nan)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Score and contributions."""
        z, present, beside = self.parts(rows)
        off = (z - self.network(z, present, beside)) / self.usual
        shares = self.weights(present) * off * off
        score = torch.where(present.sum(1) > 0, shares.sum(1), torch.nan)
        if not self.standardise.whole:
            shares = nn.functional.pad(shares, (0, 1)).index_select(1, self.place)
        return score, shares
