"""The convolutional autoencoder: histograms as they are, bins beside bins and elements as channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.elements import Histogram, histograms
from detectors.networks import linear, product
from detectors.reconstruction import Reconstruction
from dqm.model.tables import Column

KERNEL = 5
HALVINGS = 2


@dataclass
class Convolutional(Reconstruction):
    """A convolutional denoising autoencoder over histograms: columns that are bins (``detectors.elements``).

    Histograms of one dimension are the channels of one line, maps those of one image; all are brought to the size of
    the largest, at most ``length`` bins a line and ``side`` by ``side`` cells, by linear interpolation, and back.
    Columns that are no bins are taken, in their order, as one more line, so that any table can be learned. Two
    convolutions of ``channels`` and 2 · ``channels`` halve the size each; the decoder mirrors them.
    ``detectors.reconstruction.Reconstruction`` has the rest: what is learned, the score and its units.
    """

    channels: int = 16
    length: int = 64
    side: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        least = 2**HALVINGS
        if self.channels < 1 or self.length < least or self.side < least:
            raise ValueError(
                f"channels = {self.channels} must be at least 1, length = {self.length} and side = {self.side} at "
                f"least {least}"
            )

    def _network(self, columns: tuple[Column, ...], beside: int) -> nn.Module:
        given = shapes(columns)
        parts = [
            _Frame([each for each in given if len(each.shape) == dimensions], most)
            for dimensions, most in ((1, self.length), (2, self.side))
            if any(len(each.shape) == dimensions for each in given)
        ]
        return _Convolutions(
            parts, len(columns), beside, self.channels, min(self.bottleneck, max(1, len(columns) // 3))
        )


def shapes(columns: Sequence[Column]) -> list[Histogram]:
    """The histograms among the columns and, where some columns are no bins, one more line of these."""
    found = list(histograms(columns))
    alone = sorted(set(range(len(columns))) - {j for each in found for j in each.at})
    return [*found, Histogram("", tuple(alone), (len(alone),))] if alone else found


class _Frame(nn.Module):
    """Histograms of one dimension, or of two, on one grid ``size``: columns ``(n, k)`` to ``(n, m, *size)`` and back.

    Histograms of equal shape go together; along each axis a matrix of linear interpolation leads from their bins to the
    grid, and another one back.
    """

    def __init__(self, given: Sequence[Histogram], most: int) -> None:
        super().__init__()
        self.shapes = list(dict.fromkeys(each.shape for each in given))
        unit = 2**HALVINGS
        largest = np.max(self.shapes, axis=0)
        self.size = tuple(math.ceil(min(int(bins), most) / unit) * unit for bins in largest)
        self.channels = len(given)
        at = [[each.at for each in given if each.shape == shape] for shape in self.shapes]
        self.at = np.concatenate([np.concatenate(each) for each in at]).astype(np.int64)
        self.members = [len(each) for each in at]
        self.register_buffer("take", torch.from_numpy(self.at))
        for i, shape in enumerate(self.shapes):
            for axis, bins in enumerate(shape):
                self.register_buffer(f"there_{i}_{axis}", interpolation(bins, self.size[axis]))
                self.register_buffer(f"back_{i}_{axis}", interpolation(self.size[axis], bins))

    def forward(self, columns: Tensor) -> Tensor:
        """On the grid, ``(n, m, *size)``."""
        chosen, parts, begin = columns.index_select(1, self.get_buffer("take")), [], 0
        for i, (shape, members) in enumerate(zip(self.shapes, self.members, strict=True)):
            end = begin + members * math.prod(shape)
            parts.append(self._led(chosen[:, begin:end].reshape(-1, members, *shape), "there", i))
            begin = end
        return torch.cat(parts, 1)

    def back(self, grid: Tensor) -> Tensor:
        """The columns ``at``, ``(n, len(at))``."""
        parts, begin = [], 0
        for i, (shape, members) in enumerate(zip(self.shapes, self.members, strict=True)):
            led = self._led(grid[:, begin : begin + members], "back", i)
            parts.append(led.reshape(-1, members * math.prod(shape)))
            begin += members
        return torch.cat(parts, 1)

    def _led(self, given: Tensor, way: str, i: int) -> Tensor:
        """Every axis through its matrix."""
        if self.shapes[i] == self.size:
            return given
        if len(self.size) == 1:
            return product(given, self.get_buffer(f"{way}_{i}_0"))
        led = product(given, self.get_buffer(f"{way}_{i}_1")).transpose(-1, -2)
        return product(led, self.get_buffer(f"{way}_{i}_0")).transpose(-1, -2)


class _Convolutions(nn.Module):
    """ẑ = D(tanh(E(z, present), beside), beside): convolutions over every frame, dense layers between them."""

    def __init__(self, frames: Sequence[_Frame], columns: int, beside: int, channels: int, latent: int) -> None:
        super().__init__()
        self.frames = nn.ModuleList(frames)
        self.encoders = nn.ModuleList(_encoder(each, channels) for each in frames)
        self.decoders = nn.ModuleList(_decoder(each, channels) for each in frames)
        self.small = [(2 * channels, *(bins // 2**HALVINGS for bins in each.size)) for each in frames]
        self.widths = [math.prod(each) for each in self.small]
        self.press = linear(sum(self.widths) + beside, latent)
        self.spread = linear(latent + beside, sum(self.widths))
        order = np.argsort(np.concatenate([each.at for each in frames]))
        self.register_buffer("order", torch.from_numpy(order))

    def forward(self, z: Tensor, present: Tensor, beside: Tensor) -> Tensor:
        """What is given back, ``(n, k)``."""
        seen = [
            encoder(torch.cat([frame(z), frame(present)], 1)).flatten(1)
            for frame, encoder in zip(self.frames, self.encoders, strict=True)
        ]
        latent = torch.tanh(self.press(torch.cat([*seen, beside], 1)))
        spread = torch.split(self.spread(torch.cat([latent, beside], 1)), self.widths, 1)
        given = [
            frame.back(decoder(part.reshape(-1, *small)))  # type: ignore[operator]  # a ModuleList forgets its types
            for frame, decoder, part, small in zip(self.frames, self.decoders, spread, self.small, strict=True)
        ]
        return torch.cat(given, 1).index_select(1, self.get_buffer("order"))


def _encoder(frame: _Frame, channels: int) -> nn.Sequential:
    first = _convolution(frame, 2 * frame.channels, channels, 2)
    return nn.Sequential(first, nn.SiLU(), _convolution(frame, channels, 2 * channels, 2), nn.SiLU())


def _decoder(frame: _Frame, channels: int) -> nn.Sequential:
    last = _convolution(frame, channels, frame.channels, 1)
    return nn.Sequential(
        nn.SiLU(),
        *(nn.Upsample(scale_factor=2.0), _convolution(frame, 2 * channels, channels, 1), nn.SiLU()),
        *(nn.Upsample(scale_factor=2.0), last),
    )


def _convolution(frame: _Frame, inputs: int, outputs: int, stride: int) -> nn.Module:
    """A convolution whose weights are not drawn yet."""
    kind = nn.Conv1d if len(frame.size) == 1 else nn.Conv2d
    return kind(inputs, outputs, KERNEL, stride, KERNEL // 2, device="meta").to_empty(device="cpu")


def interpolation(given: int, wanted: int) -> Tensor:
    """Matrix ``(wanted, given)`` of linear interpolation between the centres of equal bins of one interval.

    Where there are fewer wanted bins than given ones, each is the mean of the given ones by how much they overlap, so
    that no bin goes unseen.
    """
    if wanted < given:
        edges, parts = np.linspace(0, 1, given + 1), np.linspace(0, 1, wanted + 1)
        low = np.maximum(edges[:-1, None], parts[None, :-1])
        high = np.minimum(edges[1:, None], parts[None, 1:])
        matrix: NDArray[np.float64] = np.maximum(high - low, 0) * wanted
    else:
        place = np.clip((np.arange(wanted) + 0.5) * given / wanted - 0.5, 0, given - 1)
        matrix = np.maximum(1 - np.abs(np.arange(given)[:, None] - place[None]), 0)
    return torch.tensor(matrix.T.copy(), dtype=torch.float32)
