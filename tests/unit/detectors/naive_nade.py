"""One row, one feature, one component at a time: what the fused conditionals must equal."""

from __future__ import annotations

import math

import numpy as np

from detectors.nade_network import NadeNetwork


def log_terms(network: NadeNetwork, x: list[float], present: list[int], conditions: list[float], order: list[int]):
    """log p(x_d | those before it in the order), one row, as arXiv:1306.0186 writes it: a running sum over features."""
    w = {name: each.detach().double().numpy() for name, each in network.state_dict().items()}
    terms = [0.0] * len(x)
    a = w["start"] + np.array(conditions) @ w["condition_weight"]
    for d in order:
        h = a if network.shape.orderless else a * w["rescale"][d]
        h = _activated(network, h)
        for layer in range(network.shape.layers - 1):
            h = np.maximum(w[f"deeper.{layer}.weight"] @ h + w[f"deeper.{layer}.bias"], 0)
        outputs = h @ w["head_weight"][d] + w["head_bias"][d]
        if present[d]:
            terms[d] = _log_density(network, outputs, x[d], math.exp(w["log_floor"][d]))
            a = a + x[d] * w["value_weight"][d] + w["presence_weight"][d]
    return np.array(terms)


def _activated(network: NadeNetwork, a: np.ndarray) -> np.ndarray:
    if network.shape.family == "bernoulli" and network.shape.layers == 1:
        return 1 / (1 + np.exp(-a))
    return np.maximum(a, 0)


def _log_density(network: NadeNetwork, outputs: np.ndarray, x: float, floor: float) -> float:
    if network.shape.family == "bernoulli":
        one = 1 / (1 + math.exp(-outputs[0]))
        return math.log(one if x == 1 else 1 - one)
    number = network.shape.components
    shares = np.exp(outputs[:number]) / np.exp(outputs[:number]).sum()
    density = 0.0
    for k in range(number):
        scale = floor + math.exp(outputs[2 * number + k])
        z = (x - outputs[number + k]) / scale
        kernel = (
            math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            if network.shape.family == "gaussian"
            else math.exp(-abs(z)) / 2
        )
        density += shares[k] * kernel / scale
    return math.log(density)
