"""A simulated campaign of data taking: luminosity, six subsystems, faults, their truth and people's labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.labels import Label, Labels
from dqm.model.tables import QuantityTable, lumisection_index
from pipelines.simulate.faults import CATALOG, MONITORING, SUBSYSTEMS
from pipelines.simulate.fills import TURNAROUND_HOURS, Calendar, calendar, pileup
from pipelines.simulate.placement import Event, placed
from pipelines.simulate.rates import LIVETIME, QUANTITIES, Beam, Effects, beam, responses

BEGIN = np.datetime64("2030-04-01T06:00:00", "ns")
FIRST_FILL, FIRST_RUN = 90_000, 900_000
"""Above every number that the LHC and CMS have used, so that no simulated run is taken for a real one."""
MISLABELLED_LENGTH = 5
"""People who err mislabel one to so many neighbouring lumisections."""


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """What a simulated campaign is like; the defaults give about sixty runs of 12,000 lumisections.

    ``bad_share`` is the share of truly bad lumisections, ``label_noise`` the expected share of wrong ones among the
    labels, ``unlabelled_share`` the share of runs, the newest ones, that nobody has labelled, ``menu_change`` the
    place between 0 and 1 in the run list at which a new trigger menu comes (a change of conditions, not a fault). With
    ``monitoring`` the faults are among the others that only histograms show in full.
    Raises ``ValueError`` where a value lies outside its range.
    """

    weeks: float = 2.0
    seed: int = 1
    fills_per_day: float = 1.2
    fill_hours: float = 4.6
    runs_per_fill: float = 3.6
    bad_share: float = 0.08
    label_noise: float = 0.002
    unlabelled_share: float = 0.2
    menu_change: float = 0.5
    monitoring: bool = False

    def __post_init__(self) -> None:
        ranges = {
            "weeks": (0.1, 100.0),
            "seed": (0, 2**63),
            "fills_per_day": (0.1, 24 / (TURNAROUND_HOURS + 1)),
            "fill_hours": (0.5, 100.0),
            "runs_per_fill": (1.0, 50.0),
            "bad_share": (0.0, 0.5),
            "label_noise": (0.0, 0.2),
            "unlabelled_share": (0.0, 0.9),
            "menu_change": (0.0, 1.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"simulation: {name} = {value} must lie in [{low:g}, {high:g}]")


@dataclass(frozen=True, eq=False)
class Campaign:
    """A simulated campaign of ``n`` lumisections.

    ``quantities`` are the canonical ones of the subsystems, ``beam`` and ``effects`` what made them, ``labels`` those
    of people, errors included, for the older runs, ``unlabelled`` the newest runs, ``events`` the faults in time order,
    ``new_menu`` ``(n,)`` the lumisections after the change of the trigger menu.
    """

    settings: SimulationSettings
    calendar: Calendar
    events: tuple[Event, ...]
    effects: Effects
    beam: Beam
    new_menu: NDArray[np.bool_]
    quantities: QuantityTable
    labels: Labels
    unlabelled: tuple[int, ...]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """The truth per lumisection, shape ``(n,)``: bad where any subsystem is."""
        return np.asarray(self.effects.bad.any(axis=1))

    def truth(self) -> pd.DataFrame:
        """The truth, one row per lumisection: ``run``, ``ls``, ``bad``, ``faults`` (names joined by +, harmless ones
        included), and per subsystem ``bad_<subsystem>`` and ``strength_<subsystem>`` (0 where nothing happened)."""
        names = np.full(len(self.calendar), "", dtype=object)
        for event in self.events:
            rows = slice(event.first, event.stop)
            names[rows] = [f"{each}+{event.fault.name}" if each else event.fault.name for each in names[rows]]
        frame = {"run": self.calendar.run, "ls": self.calendar.ls, "bad": self.bad, "faults": names.astype(str)}
        frame |= {f"bad_{name}": self.effects.bad[:, k] for k, name in enumerate(SUBSYSTEMS)}
        frame |= {f"strength_{name}": self.effects.strength[:, k] for k, name in enumerate(SUBSYSTEMS)}
        return pd.DataFrame(frame)


Arrange = Callable[[tuple[Event, ...], Calendar, int], tuple[Event, ...]]
"""Given the events that were drawn, the calendar and the number of labelled runs: the events that happen."""


def simulate(settings: SimulationSettings, arrange: Arrange | None = None) -> Campaign:
    """Simulate a campaign; equal settings give equal campaigns, bit for bit. ``arrange`` may choose the faults.

    >>> campaign = simulate(SimulationSettings(weeks=0.5, seed=7))
    >>> len(campaign.quantities) == len(campaign.calendar)
    True
    """
    dates, faults, noise, people = (np.random.default_rng(s) for s in np.random.SeedSequence(settings.seed).spawn(4))
    days = calendar(
        dates,
        fills=max(2, round(settings.weeks * 7 * settings.fills_per_day)),
        slot_hours=24 / settings.fills_per_day,
        fill_hours=settings.fill_hours,
        runs_per_fill=settings.runs_per_fill,
        begin=BEGIN,
        first_fill=FIRST_FILL,
        first_run=FIRST_RUN,
    )
    runs = days.runs
    labelled = len(runs) - min(round(settings.unlabelled_share * len(runs)), len(runs) - 1)
    # The golden JSON speaks of the runs from its first to its last, so these two must hold something good.
    catalog = (*CATALOG, *MONITORING) if settings.monitoring else CATALOG
    events = placed(faults, days, bad_share=settings.bad_share, quiet=(0, labelled - 1), catalog=catalog)
    events = arrange(events, days, labelled) if arrange else events
    effects = Effects.of(events, len(days))
    run_of = np.searchsorted(runs, days.run)
    new_menu = np.asarray(run_of >= settings.menu_change * len(runs))
    now = beam(noise, days.luminosity, pileup(days.luminosity), effects, new_menu)
    index = lumisection_index(days.run, days.ls)
    columns = (*(each.column for each in QUANTITIES), LIVETIME)
    quantities = QuantityTable(index, columns, responses(noise, now, effects, run_of), start=days.start)
    said = np.where(
        _mistaken(people, len(days), settings.label_noise), ~effects.bad.any(axis=1), effects.bad.any(axis=1)
    )
    labels = Labels.of(index, np.where(said, Label.BAD, Label.GOOD), "simulation").take(run_of < labelled)
    newest = tuple(int(run) for run in runs[labelled:])
    return Campaign(settings, days, events, effects, now, new_menu, quantities, labels, newest)


def _mistaken(rng: np.random.Generator, n: int, share: float) -> NDArray[np.bool_]:
    """Mislabelled ones of ``n`` lumisections: blocks of 1 to ``MISLABELLED_LENGTH`` that cover ``share`` of all."""
    begins = np.flatnonzero(rng.random(n) < share / ((1 + MISLABELLED_LENGTH) / 2))
    wrong = np.zeros(n, dtype=bool)
    for first, length in zip(begins, rng.integers(1, MISLABELLED_LENGTH + 1, len(begins)), strict=True):
        wrong[first : first + length] = True
    return wrong
