"""What six simulated subsystems answer to the luminosity, in good times and in bad ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.model.tables import Column, Kind
from pipelines.simulate.faults import SUBSYSTEMS
from pipelines.simulate.fills import LUMISECTION_SECONDS
from pipelines.simulate.placement import Event

SOURCE = "simulation"
USUAL_LUMINOSITY, USUAL_PILEUP = 0.02, 60.0
"""Full luminosity in pb⁻¹/s and the pile-up there: where a response without a slope stands."""
SAMPLED = 20_000
"""Hits from which a fraction is measured in one lumisection."""
SCATTER = 0.003
"""Relative scatter from one lumisection to the next beyond counting noise: calibrations, bunch patterns."""
PRESCALE_STEPS = (0.014, 0.011, 0.008)
"""Luminosities in pb⁻¹/s below which the shift lowers the prescales by one more step."""
PRESCALE_GAIN = 1.12
"""Factor on the trigger rates at every such step."""
MENU_RATE = 0.8
"""Factor that the new menu puts on the trigger rates: a change of conditions, not a fault."""
MENU_INDEX = 10
"""What the new menu adds to the recorded prescale index."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One simulated quantity of a subsystem.

    Counts expect ``level`` per pb⁻¹ recorded, rates ``level`` Hz per pb⁻¹/s, fractions ``level``; ``slope`` is the
    relative change from no pile-up to the usual one, ``prescaled`` rates follow the trigger menu.
    """

    name: str
    subsystem: str
    kind: Kind
    level: float
    slope: float = 0.0
    prescaled: bool = False

    @property
    def column(self) -> Column:
        """The record of its column."""
        return Column(self.name, SOURCE, self.subsystem, unit="Hz" if self.kind == "rate" else "", kind=self.kind)


QUANTITIES = (
    Quantity("pixel_clusters", "pixel", "count", 2.0e5, 0.06),
    Quantity("pixel_on_track", "pixel", "fraction", 0.92, -0.02),
    Quantity("strips_clusters", "strips", "count", 1.5e5, 0.08),
    Quantity("strips_on_track", "strips", "fraction", 0.95, -0.02),
    Quantity("ecal_hits", "ecal", "count", 8.0e4, 0.04),
    Quantity("ecal_in_time", "ecal", "fraction", 0.97),
    Quantity("hcal_hits", "hcal", "count", 5.0e4, 0.10),
    Quantity("hcal_in_time", "hcal", "fraction", 0.90),
    Quantity("muons_segments", "muons", "count", 6.0e4, 0.03),
    Quantity("muons_rate", "muons", "rate", 2.0e4),
    Quantity("muons_in_time", "muons", "fraction", 0.985),
    Quantity("trigger_muon_rate", "trigger", "rate", 3.0e4, 0.05, prescaled=True),
    Quantity("trigger_jet_rate", "trigger", "rate", 6.0e4, 0.15, prescaled=True),
)
LIVETIME = Column("livetime", SOURCE, "trigger", unit="", kind="fraction")


@dataclass(frozen=True, eq=False)
class Effects:
    """All events together, per lumisection and subsystem ``(n, 6)`` or per lumisection ``(n,)``; see ``Fault``."""

    strength: NDArray[np.float64]
    bad: NDArray[np.bool_]
    yields: NDArray[np.float64]
    offset: NDArray[np.float64]
    quality: NDArray[np.float64]
    jitter: NDArray[np.float64]
    missing: NDArray[np.bool_]
    ready: NDArray[np.bool_]
    live: NDArray[np.float64]
    kept: NDArray[np.float64]
    stable: NDArray[np.bool_]

    @classmethod
    def of(cls, events: Sequence[Event], n: int) -> Effects:
        """Lay ``events`` over ``n`` lumisections; where two meet, factors multiply and the larger strength is told."""
        shape = (n, len(SUBSYSTEMS))
        effects = cls(
            strength=np.zeros(shape),
            bad=np.zeros(shape, dtype=bool),
            yields=np.ones(shape),
            offset=np.zeros(shape),
            quality=np.zeros(shape),
            jitter=np.zeros(shape),
            missing=np.zeros(shape, dtype=bool),
            ready=np.ones(shape, dtype=bool),
            live=np.ones(n),
            kept=np.ones(n),
            stable=np.ones(n, dtype=bool),
        )
        for event in events:
            effects._add(event)
        return effects

    def _add(self, event: Event) -> None:
        fault, rows, course = event.fault, slice(event.first, event.stop), event.course()
        self.live[rows] *= 1 - fault.dead * course
        self.kept[rows] *= 1 - fault.lost * course
        self.stable[rows] &= not fault.unstable
        for k in map(SUBSYSTEMS.index, event.subsystems):
            self.strength[rows, k] = np.maximum(self.strength[rows, k], course)
            self.bad[rows, k] |= event.bad()
            self.yields[rows, k] *= 1 + fault.yields * course
            self.offset[rows, k] += fault.offset * course
            self.quality[rows, k] += fault.quality * course
            self.jitter[rows, k] = np.hypot(self.jitter[rows, k], fault.jitter * course)
            self.missing[rows, k] |= fault.missing
            self.ready[rows, k] &= not fault.bit_off


@dataclass(frozen=True, eq=False)
class Beam:
    """What the machine delivered and what was recorded of it, arrays of shape ``(n,)``.

    ``delivered`` and ``recorded`` in pb⁻¹ per lumisection, ``livetime`` a fraction, ``luminosity`` in pb⁻¹/s,
    ``prescale`` the recorded index, ``prescaling`` the factor that really is on the trigger rates.
    """

    luminosity: NDArray[np.float64]
    pileup: NDArray[np.float64]
    delivered: NDArray[np.float64]
    recorded: NDArray[np.float64]
    livetime: NDArray[np.float64]
    prescale: NDArray[np.int64]
    prescaling: NDArray[np.float64]


def beam(
    rng: np.random.Generator,
    luminosity: NDArray[np.float64],
    pileup: NDArray[np.float64],
    effects: Effects,
    new_menu: NDArray[np.bool_],
) -> Beam:
    """Simulate the luminosity as measured, livetime and prescales; all arrays ``(n,)``.

    ``new_menu`` marks the lumisections after the change of the trigger menu.
    """
    n = len(luminosity)
    step = np.searchsorted(-np.asarray(PRESCALE_STEPS), -luminosity)
    true = luminosity * effects.kept
    dead = 0.01 + 0.02 * (luminosity / USUAL_LUMINOSITY) ** 2
    livetime = np.clip((1 - dead) * (1 + 0.002 * rng.standard_normal(n)), 0, 1) * effects.live
    delivered = true * LUMISECTION_SECONDS * (1 + SCATTER * rng.standard_normal(n))
    return Beam(
        luminosity=true,
        pileup=pileup * effects.kept * (1 + SCATTER * rng.standard_normal(n)),
        delivered=delivered,
        recorded=delivered * livetime,
        livetime=livetime,
        prescale=step + MENU_INDEX * new_menu,
        prescaling=np.power(PRESCALE_GAIN, step, dtype=np.float64) * np.where(new_menu, MENU_RATE, 1.0),
    )


def responses(rng: np.random.Generator, now: Beam, effects: Effects, run_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values of ``QUANTITIES`` and of livetime, shape ``(n, q + 1)``; ``run_of`` is the position of each row's run."""
    drifts = _drifts(rng, int(run_of.max()) + 1 if len(run_of) else 0)
    values = [_response(rng, quantity, now, effects, drifts[run_of, i]) for i, quantity in enumerate(QUANTITIES)]
    return np.stack([*values, now.livetime], axis=1)


def _drifts(rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
    """Slow changes of each quantity's response from run to run, d_r = 0.9·d_{r−1} + N(0, 0.003²), ``(runs, q)``."""
    drifts = 0.003 * rng.standard_normal((runs, len(QUANTITIES)))
    for i in range(1, runs):
        drifts[i] += 0.9 * drifts[i - 1]
    return drifts


def _response(
    rng: np.random.Generator, quantity: Quantity, now: Beam, effects: Effects, drift: NDArray[np.float64]
) -> NDArray[np.float64]:
    k = SUBSYSTEMS.index(quantity.subsystem)
    usual = quantity.level * (1 + quantity.slope * (now.pileup / USUAL_PILEUP - 1))
    if quantity.kind == "fraction":
        share = np.clip(usual + 0.2 * drift + effects.quality[:, k], 0.01, 0.999)
        value = rng.binomial(SAMPLED, share) / SAMPLED
    else:
        scatter = np.exp(drift + np.hypot(SCATTER, effects.jitter[:, k]) * rng.standard_normal(len(drift)))
        exposure = now.luminosity * now.livetime * LUMISECTION_SECONDS
        extra = effects.offset[:, k] * USUAL_LUMINOSITY * LUMISECTION_SECONDS
        expected = usual * (exposure * effects.yields[:, k] + extra) * scatter
        if quantity.prescaled:
            expected = expected * now.prescaling
        value = rng.poisson(expected).astype(float)
        value = value / LUMISECTION_SECONDS if quantity.kind == "rate" else value
    return np.where(effects.missing[:, k], np.nan, value)
