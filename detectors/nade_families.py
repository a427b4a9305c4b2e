"""What one conditional of a density estimator is: a mixture of Gaussians or Laplacians, or a coin."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

FAMILIES = ("gaussian", "laplace", "bernoulli")
LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
LARGEST = 30.0
"""Largest logarithm of a scale: beyond 10¹³ spreads nothing is measured, and single precision ends."""


class Family(Protocol):
    """A density of one value whose parameters are ``outputs`` numbers that a network gives."""

    outputs: int

    def log_density(self, parameters: Tensor, x: Tensor, log_floor: Tensor) -> Tensor:
        """log p of ``x`` ``(…)`` under ``parameters`` ``(…, outputs)``; no scale is below exp(``log_floor``)."""

    def draw(self, parameters: Tensor, log_floor: Tensor, random: torch.Generator) -> Tensor:
        """One value for each row of ``parameters`` ``(b, outputs)``."""

    def first_bias(self, width: int, floor: Tensor, random: torch.Generator) -> Tensor:
        """Biases ``(width, outputs)`` to start training from, for data of unit spread."""


class Mixture:
    """Σ_k α_k · K((x − μ_k) / σ_k) / σ_k with α = softmax, σ = floor + exp (``arXiv:1306.0186``, section 3)."""

    def __init__(self, components: int) -> None:
        self.components, self.outputs = components, 3 * components

    def log_density(self, parameters: Tensor, x: Tensor, log_floor: Tensor) -> Tensor:
        """log Σ_k, by logsumexp."""
        shares, means, scales = torch.split(parameters, self.components, dim=-1)
        scale = torch.exp(scales.clamp(max=LARGEST)) + torch.exp(log_floor)[..., None]
        z = (x[..., None] - means) / scale
        return torch.logsumexp(shares - scale.log() + self.log_kernel(z), -1) - torch.logsumexp(shares, -1)

    def draw(self, parameters: Tensor, log_floor: Tensor, random: torch.Generator) -> Tensor:
        """A component by its share, then a value of it."""
        shares, means, scales = torch.split(parameters, self.components, dim=-1)
        chosen = torch.multinomial(torch.softmax(shares, dim=-1), 1, generator=random)
        scale = torch.exp(scales.gather(1, chosen).clamp(max=LARGEST)) + torch.exp(log_floor)
        drawn: Tensor = means.gather(1, chosen) + scale * self.noise(chosen.shape, random).to(means.dtype)
        return drawn[:, 0]

    def first_bias(self, width: int, floor: Tensor, random: torch.Generator) -> Tensor:
        """Equal shares; means spread over ±2 usual spreads; scales the distance between them."""
        means = torch.linspace(-2, 2, self.components) if self.components > 1 else torch.zeros(1)
        scale = math.log(4 / (self.components + 1))
        bias = torch.cat([torch.zeros(self.components), means, torch.full((self.components,), scale)])
        return bias.expand(width, -1).clone()

    def log_kernel(self, z: Tensor) -> Tensor:
        """Log density of the standard component."""
        raise NotImplementedError

    def noise(self, size: torch.Size, random: torch.Generator) -> Tensor:
        """Draws of the standard component."""
        raise NotImplementedError


class Gaussians(Mixture):
    """MoG: K(z) = exp(−z²/2) / √(2π)."""

    def log_kernel(self, z: Tensor) -> Tensor:
        """−z²/2 − log √(2π)."""
        return -0.5 * z * z - LOG_SQRT_2PI

    def noise(self, size: torch.Size, random: torch.Generator) -> Tensor:
        """Standard normal."""
        return torch.randn(size, generator=random)


class Laplacians(Mixture):
    """MoL: K(z) = exp(−|z|) / 2."""

    def log_kernel(self, z: Tensor) -> Tensor:
        """−|z| − log 2."""
        return -z.abs() - math.log(2)

    def noise(self, size: torch.Size, random: torch.Generator) -> Tensor:
        """By inversion: −sign(u)·log(1 − 2|u|), u uniform on ±½."""
        u = torch.rand(size, generator=random, dtype=torch.float64) - 0.5
        return -u.sign() * torch.log1p(-2 * u.abs().clamp(max=0.5 - 1e-12))


class Coin:
    """p(x = 1) = sigmoid of the one parameter; x is 0 or 1."""

    outputs = 1

    def log_density(self, parameters: Tensor, x: Tensor, log_floor: Tensor) -> Tensor:
        """x·log p + (1 − x)·log(1 − p)."""
        logit = parameters[..., 0]
        return x * logit - functional.softplus(logit)

    def draw(self, parameters: Tensor, log_floor: Tensor, random: torch.Generator) -> Tensor:
        """0 or 1."""
        return torch.bernoulli(torch.sigmoid(parameters[:, 0]), generator=random)

    def first_bias(self, width: int, floor: Tensor, random: torch.Generator) -> Tensor:
        """Fair coins."""
        return torch.zeros(width, 1)


def family_of(name: str, components: int) -> Family:
    """The family of a name; raises ``ValueError`` for another."""
    if name == "gaussian":
        return Gaussians(components)
    if name == "laplace":
        return Laplacians(components)
    if name == "bernoulli":
        return Coin()
    raise ValueError(f"family = {name!r} is none of {', '.join(FAMILIES)}")
