"""The dense autoencoder: every column meets every other in the first layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from detectors.networks import linear
from detectors.reconstruction import Reconstruction
from dqm.model.tables import Column


@dataclass
class Autoencoder(Reconstruction):
    """A dense denoising autoencoder over the feature columns: encoder and decoder of ``depth`` layers of ``hidden``.

    ``detectors.reconstruction.Reconstruction`` has the rest: what is learned, the score and its units.
    """

    hidden: int = 64
    depth: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden < 1 or self.depth < 1:
            raise ValueError(f"hidden = {self.hidden} and depth = {self.depth} must be at least 1")

    def _network(self, columns: tuple[Column, ...], beside: int) -> nn.Module:
        k = len(columns)
        return Dense(k, beside, self.hidden, self.depth, min(self.bottleneck, max(1, k // 3)))


class Dense(nn.Module):
    """ẑ = D(tanh(E(z, present, beside)), beside), with layers W x + b and SiLU between them."""

    def __init__(self, columns: int, beside: int, hidden: int, depth: int, latent: int) -> None:
        super().__init__()
        self.encoder = _layers(2 * columns + beside, hidden, depth, latent)
        self.decoder = _layers(latent + beside, hidden, depth, columns)

    def forward(self, z: Tensor, present: Tensor, beside: Tensor) -> Tensor:
        """What is given back, ``(n, k)``."""
        latent = torch.tanh(self.encoder(torch.cat([z, present, beside], 1)))
        given: Tensor = self.decoder(torch.cat([latent, beside], 1))
        return given


def _layers(inputs: int, hidden: int, depth: int, outputs: int) -> nn.Sequential:
    found: list[nn.Module] = []
    for _ in range(depth):
        found += [linear(inputs, hidden), nn.SiLU()]
        inputs = hidden
    return nn.Sequential(*found, linear(inputs, outputs))
