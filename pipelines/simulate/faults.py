"""The catalog of simulated faults: what each one does, to which subsystem, how strongly, for how long.

The strength s of a fault is a number above zero; what it changes is given per unit of strength, so that the truth
table can say how hard each lumisection was hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SUBSYSTEMS = ("pixel", "strips", "ecal", "hcal", "muons", "trigger")

Place = Literal["anywhere", "whole run", "several runs", "fill begin", "fill end"]
Shape = Literal["flat", "fading", "growing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of simulated fault.

    ``what`` says what happens and how it shows. ``subsystems`` are those it can hit: one of them, or all of them when
    ``together``. ``length`` is the range of its duration in lumisections (where ``place`` is *whole run*, of the runs
    it can hit), ``strength`` the range of s.

    With s it changes: counts and rates by the factor 1 + ``yields``·s; counts and rates by ``offset``·s of what is
    usual at full luminosity, whatever the luminosity; fractions by ``quality``·s; it scatters counts and rates by a
    log-normal of width ``jitter``·s, scales livetime by 1 − ``dead``·s and delivered luminosity by 1 − ``lost``·s.
    Histograms lose a share ``thinned``·s of their fills, and one of them is called otherwise where ``renamed``.
    ``missing`` leaves NaN, ``bit_off`` clears the ready bit, ``unstable`` the stable-beams flag.

    ``shape`` is the course of s: constant, fading to nothing or growing from nothing. A lumisection is bad where s
    reaches ``tolerance``, unless the fault is ``harmless``. ``cards`` is its frequency relative to the others.
    """

    name: str
    what: str
    subsystems: tuple[str, ...]
    length: tuple[int, int]
    strength: tuple[float, float]
    together: bool = False
    place: Place = "anywhere"
    shape: Shape = "flat"
    yields: float = 0.0
    offset: float = 0.0
    quality: float = 0.0
    jitter: float = 0.0
    dead: float = 0.0
    lost: float = 0.0
    thinned: float = 0.0
    renamed: bool = False
    missing: bool = False
    bit_off: bool = False
    unstable: bool = False
    harmless: bool = False
    tolerance: float = 0.0
    cards: int = 1


CATALOG = (
    Fault(
        name="voltage_trip",
        what="High voltage trips: the yield falls by the tripped share and the ready bit goes off.",
        subsystems=("pixel", "strips", "muons"),
        length=(4, 30),
        strength=(0.4, 1.0),
        yields=-1.0,
        quality=-0.3,
        bit_off=True,
        cards=2,
    ),
    Fault(
        name="dead_region",
        what="A region stops answering: the yield falls by its share and no bit tells.",
        subsystems=("pixel", "strips", "ecal", "hcal", "muons"),
        length=(15, 60),
        strength=(0.06, 0.25),
        yields=-1.0,
        quality=-0.1,
    ),
    Fault(
        name="hot_channel",
        what="Channels fire without particles: counts rise by an amount that does not follow the luminosity.",
        subsystems=("pixel", "ecal", "hcal"),
        length=(6, 30),
        strength=(0.15, 0.6),
        offset=1.0,
        quality=-0.2,
        cards=2,
    ),
    Fault(
        name="timing_shift",
        what="Readout is out of time for a whole run: the in-time fraction falls, the yield by a third of that.",
        subsystems=("ecal", "hcal", "muons"),
        length=(20, 160),
        strength=(0.08, 0.3),
        place="whole run",
        yields=-0.3,
        quality=-1.0,
    ),
    Fault(
        name="gain_drift",
        what="The gain sinks slowly over several runs: hits fall below threshold; bad once 7.5% are lost.",
        subsystems=("ecal",),
        length=(450, 750),
        strength=(0.09, 0.11),
        place="several runs",
        shape="growing",
        yields=-1.0,
        tolerance=0.075,
    ),
    Fault(
        name="noisy_readout",
        what="Readout is noisy: counts jump from one lumisection to the next and fewer hits belong to particles.",
        subsystems=("strips", "hcal"),
        length=(8, 35),
        strength=(0.1, 0.3),
        yields=0.3,
        quality=-0.3,
        jitter=1.0,
        cards=2,
    ),
    Fault(
        name="prescale_mistake",
        what="A prescale is too low while the recorded index stays as it was: trigger rates rise.",
        subsystems=("trigger",),
        length=(8, 40),
        strength=(0.4, 1.2),
        yields=1.0,
    ),
    Fault(
        name="daq_deadtime",
        what="Data acquisition is blocked: livetime, recorded luminosity and every count fall together.",
        subsystems=("trigger",),
        length=(4, 20),
        strength=(0.2, 0.6),
        dead=1.0,
        cards=2,
    ),
    Fault(
        name="missing_rate",
        what="The monitoring of a subsystem is not delivered: its quantities are missing.",
        subsystems=SUBSYSTEMS,
        length=(4, 25),
        strength=(1.0, 1.0),
        missing=True,
        cards=2,
    ),
    Fault(
        name="wrong_dcs_bit",
        what="The ready bit is off although the subsystem works: harmless, the data are good.",
        subsystems=("pixel", "strips", "ecal", "hcal", "muons"),
        length=(8, 40),
        strength=(1.0, 1.0),
        bit_off=True,
        harmless=True,
        cards=2,
    ),
    Fault(
        name="ramp_up",
        what="Collisions have begun but voltages still rise: low yields, ready bits off, beams not declared stable.",
        subsystems=("pixel", "strips", "muons"),
        together=True,
        length=(3, 8),
        strength=(0.5, 0.9),
        place="fill begin",
        shape="fading",
        yields=-1.0,
        quality=-0.2,
        bit_off=True,
        unstable=True,
    ),
    Fault(
        name="beam_dump",
        what="The beams are lost and dumped: little luminosity, and showers of lost particles in pixels and muons.",
        subsystems=("pixel", "muons"),
        together=True,
        length=(1, 3),
        strength=(0.4, 0.9),
        place="fill end",
        yields=1.0,
        quality=-0.2,
        lost=1.0,
    ),
)
MONITORING = (
    Fault(
        name="wrong_calibration",
        what="A wrong calibration is loaded: the charge is off by the same factor from a run's begin to its end.",
        subsystems=("pixel", "strips", "ecal", "hcal"),
        length=(20, 160),
        strength=(0.06, 0.2),
        place="whole run",
        yields=-0.4,
        quality=-0.2,
    ),
    Fault(
        name="cooling_failure",
        what="Cooling fails and two subsystems warm up together: noise grows and regions switch themselves off.",
        subsystems=("pixel", "strips"),
        together=True,
        length=(15, 50),
        strength=(0.15, 0.4),
        shape="growing",
        yields=-1.0,
        quality=-0.3,
        jitter=0.3,
        tolerance=0.05,
    ),
    Fault(
        name="misnamed_element",
        what="A monitor element carries another name for a whole run: harmless, the data are good.",
        subsystems=SUBSYSTEMS,
        length=(20, 160),
        strength=(1.0, 1.0),
        place="whole run",
        renamed=True,
        harmless=True,
    ),
    Fault(
        name="low_statistics",
        what="Few events reach the monitoring, so its histograms hold few fills: harmless, the data are good.",
        subsystems=SUBSYSTEMS,
        length=(10, 60),
        strength=(0.5, 0.95),
        thinned=1.0,
        harmless=True,
    ),
)
"""Faults that only histograms show in full; a campaign holds them where ``SimulationSettings.monitoring`` says so."""
