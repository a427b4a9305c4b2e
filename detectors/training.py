"""One way to train a network: every torch detector comes through here.

Nothing global is touched: every random number comes from one generator with the seed of the fit, so that two fits that
run side by side in threads give the bits that they give alone. For the same reason networks here use no ``Dropout``
layer, which draws from torch's global generator.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dqm.model.errors import ConfigError

Loss = Callable[[tuple[Tensor, ...], torch.Generator], Tensor]
"""Loss of every row of a batch, ``(b,)``; the generator is for masks and noise."""

Watch = Callable[[int, int, float], None]
"""Called after every epoch with its number from 1, the most there can be, and the loss of the rows held out."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast: at most ``epochs`` passes in batches of ``batch`` rows, Adam with ``rate``.

    The rate falls to zero along a cosine (Loshchilov and Hutter, "SGDR", ICLR 2017). A ``held_out`` share of the rows
    is not learned from; after ``patience`` epochs without a better loss there, training ends, and the best weights
    are kept. With fewer than ``least_held_out`` rows to hold out nothing is, and training runs to its end. Gradients
    are cut at norm ``clip``.
    """

    epochs: int = 100
    batch: int = 256
    rate: float = 1e-3
    patience: int = 15
    held_out: float = 0.1
    least_held_out: int = 20
    weight_decay: float = 0.0
    clip: float = 5.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, bound in {"epochs": 1, "batch": 1, "patience": 1}.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least {bound}")
        if not self.rate > 0 or not 0 <= self.held_out < 1:
            raise ValueError(f"rate = {self.rate} must be above 0 and held_out = {self.held_out} lie in [0, 1)")


@dataclass(frozen=True)
class History:
    """What training did: mean loss of the rows learned from and of those held out, one entry an epoch; the best one."""

    learned: tuple[float, ...] = ()
    held_out: tuple[float, ...] = ()
    best: int = 0


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Arrays ``(n, …)`` that stay together, and the weight of every row ``(n,)``."""

    arrays: tuple[NDArray[Any], ...]
    weight: NDArray[np.floating] = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.arrays[0])


THREADS = int(os.environ.get("OMP_NUM_THREADS", "").partition(",")[0] or 0)
"""Threads of a training, as the environment says (``dqm`` sets 1); 0: as torch has it."""


def train(
    network: nn.Module, loss: Loss, rows: TrainingRows, settings: TrainingSettings, *, seed: int, watch: Watch | None
) -> History:
    """Train ``network`` in place, from the weights that it has; it comes back on the CPU with its best weights.

    ``loss`` may close over the network. Raises ``ConfigError`` for a device that is not there.
    """
    device = checked_device(settings.device)
    if THREADS:
        torch.set_num_threads(THREADS)  # numba's kernels change it, and with it the bits
    random = torch.Generator().manual_seed(seed)
    network.to(device)
    tensors = tuple(torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in rows.arrays)
    weight = torch.ones(len(rows)) if not len(rows.weight) else torch.tensor(rows.weight, dtype=torch.float32)
    weight = (weight / weight.mean()).to(device)
    learned, held = _parted(len(rows), settings, random)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay)
    best, best_loss, waited, kept = 0, math.inf, 0, _weights(network)
    course: list[tuple[float, float]] = []
    for epoch in range(1, settings.epochs + 1):
        _set_rate(optimiser, settings.rate * (1 + math.cos(math.pi * (epoch - 1) / settings.epochs)) / 2)
        total = 0.0
        network.train()
        for part in _shuffled(learned, settings.batch, random):
            at = part.to(device)
            each = (loss(tuple(t[at] for t in tensors), random) * weight[at]).mean()
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(each)
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
            optimiser.step()
            total += each.item() * len(part)
        seen = _mean_loss(network, loss, tensors, weight, held, seed) if len(held) else total / len(learned)
        course.append((total / len(learned), seen))
        if watch is not None:
            watch(epoch, settings.epochs, seen)
        if seen < best_loss:
            best, best_loss, waited, kept = epoch, seen, 0, _weights(network)
        elif (waited := waited + 1) >= settings.patience or not math.isfinite(seen):
            break
    network.load_state_dict(kept)
    network.to("cpu").eval()
    return History(tuple(each[0] for each in course), tuple(each[1] for each in course), best)


def checked_device(name: str) -> torch.device:
    """The device of a name such as ``cpu`` or ``cuda``; raises ``ConfigError`` where this machine has none."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"device {name!r} is none that torch knows; write cpu, cuda or cuda:0") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device {name!r}: this machine, or its torch, has no CUDA; write cpu")
    return device


def held_out_rows(n: int, settings: TrainingSettings, *, seed: int) -> NDArray[np.int64]:
    """Positions among ``n`` rows that ``train`` with the same settings and seed does not learn from; none of few."""
    return np.asarray(_parted(n, settings, torch.Generator().manual_seed(seed))[1].numpy())


def initialise(network: nn.Module, random: torch.Generator) -> None:
    """Weights of every ``Linear`` and convolution from a generator: uniform within ±1/√fan_in, as torch would."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d):
            bound = 1 / math.sqrt(max(module.weight[0].numel(), 1))
            for parameter in (module.weight, module.bias):
                if parameter is not None:
                    nn.init.uniform_(parameter, -bound, bound, generator=random)


def arrays_of(network: nn.Module, prefix: str = "net_") -> dict[str, NDArray[Any]]:
    """Parameters and buffers as arrays, under names that a bundle takes."""
    return {_key(prefix, name): each.detach().numpy().copy() for name, each in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: dict[str, Any], prefix: str = "net_") -> None:
    """Put them back; raises ``KeyError`` or ``ValueError`` where they are not those of this network."""
    given = {}
    for name, own in network.state_dict().items():
        array = np.asarray(arrays[_key(prefix, name)])
        if array.shape != tuple(own.shape):
            raise ValueError(f"array {name!r} has shape {array.shape} where the network has {tuple(own.shape)}")
        given[name] = torch.from_numpy(np.ascontiguousarray(array)).to(own.dtype)
    network.load_state_dict(given)
    network.eval()


def _key(prefix: str, name: str) -> str:
    return prefix + name.replace(".", "_").lower()


def _parted(n: int, settings: TrainingSettings, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Positions to learn from and positions held out."""
    order = torch.randperm(n, generator=random)
    held = int(n * settings.held_out)
    held = held if held >= settings.least_held_out else 0
    return order[held:], order[:held]


def _shuffled(positions: Tensor, batch: int, random: torch.Generator) -> Iterator[Tensor]:
    order = positions[torch.randperm(len(positions), generator=random)]
    yield from torch.split(order, batch)


@torch.no_grad()
def _mean_loss(
    network: nn.Module, loss: Loss, tensors: tuple[Tensor, ...], weight: Tensor, positions: Tensor, seed: int
) -> float:
    """Weighted mean loss of some rows, with the same masks and noise every time."""
    network.eval()
    random = torch.Generator().manual_seed(seed + 1)
    total = 0.0
    for part in torch.split(positions.to(weight.device), 4096):
        total += float((loss(tuple(t[part] for t in tensors), random) * weight[part]).sum())
    return total / float(weight[positions.to(weight.device)].sum())


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in network.state_dict().items()}


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
