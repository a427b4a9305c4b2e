"""Simulated collision events: three known processes, and a resonance that lies off all of them. Nothing is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHARES = (0.6, 0.25, 0.15)
"""Multijet, vector boson and top events among the background."""
FEATURES = ("jet_mass", "scalar_sum", "missing_energy", "tau21", "rapidity_gap")


@dataclass(frozen=True)
class Process:
    """Means and widths of log(jet mass/GeV), log(scalar sum/GeV) and log(missing energy/GeV); tau21 is Beta(a, b)."""

    mass: tuple[float, float]
    total: tuple[float, float]
    missing: tuple[float, float]
    tau21: tuple[float, float]
    gap: float


BACKGROUND = (
    Process(mass=(4.0, 0.5), total=(6.9, 0.3), missing=(3.4, 0.5), tau21=(6.0, 3.0), gap=1.2),
    Process(mass=(4.42, 0.1), total=(6.7, 0.3), missing=(4.2, 0.6), tau21=(3.0, 6.0), gap=0.9),
    Process(mass=(5.15, 0.12), total=(7.0, 0.25), missing=(4.5, 0.5), tau21=(4.0, 4.0), gap=0.7),
)
SIGNAL = Process(mass=(5.65, 0.1), total=(7.3, 0.2), missing=(5.2, 0.5), tau21=(3.0, 6.0), gap=0.5)


def simulate_events(background: int, signal: int, *, seed: int) -> pd.DataFrame:
    """Events in random order: the ``FEATURES``, ``process`` 0 to 2 or 3 for the signal, ``label`` 1 for the signal.

    Masses, sums and missing energy in GeV. Within a process a heavier jet goes with a larger scalar sum.
    """
    random = np.random.default_rng(seed)
    number = [*random.multinomial(background, SHARES), signal]
    drawn = [_drawn(each, n, random) for each, n in zip((*BACKGROUND, SIGNAL), number, strict=True)]
    table = pd.DataFrame(np.concatenate(drawn), columns=list(FEATURES))
    table["process"] = np.repeat(np.arange(len(number)), number)
    table["label"] = (table["process"] == len(BACKGROUND)).astype("int8")
    return table.iloc[random.permutation(len(table))].reset_index(drop=True)


def _drawn(process: Process, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    mass, total, missing = (random.standard_normal(n) for _ in range(3))
    total = 0.6 * mass + 0.8 * total
    logs = [
        mean + width * z
        for (mean, width), z in zip((process.mass, process.total, process.missing), (mass, total, missing), strict=True)
    ]
    gap = np.abs(random.normal(0, process.gap, n))
    return np.column_stack([*np.exp(logs), random.beta(*process.tau21, n), gap])
