"""The story of the simulated demonstration: five things that go wrong in its newest runs, and where.

A high voltage trips in a part of a run; a gain drifts over several runs; a monitor element is called otherwise; a
cooling loop hunts and an hour later what it cools fails; and a region answers weakly, about which two people disagree.
Everything else in those runs is as the campaign drew it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dqm.model.sensors import SECOND
from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.cryogenic_faults import HOUR, CryogenicFault
from pipelines.simulate.cryogenic_files import write_cryogenics
from pipelines.simulate.cryogenics import Cryogenics, CryogenicSettings, cell_names
from pipelines.simulate.cryogenics import simulate as simulate_loops
from pipelines.simulate.faults import CATALOG, MONITORING
from pipelines.simulate.fills import Calendar
from pipelines.simulate.placement import Event
from pipelines.simulate.write import Paths, write_campaign

UNLABELLED = 0.1
"""Share of the runs that nobody has labelled: about thirteen of four weeks."""
ELEMENTS = ("charge", "time", "phi", "phi_eta")
"""Monitor elements of every subsystem; the last is a map."""
LOOPS, PAST_DAYS = 5, 2
"""Cooling loops, and days before the day of the incident: enough for a scan to know what is usual."""
DRIFTING = 450
"""Lumisections over which the gain drifts, at least; it takes whole runs, two or more."""
SHORT = 60
"""Lumisections of the run whose element is misnamed, at least where one is so long: people look at each of them."""
LEAST_RUNS = 7
"""Newest runs that a story needs: two or more that drift, one for each other chapter, and one without any."""

TRIP, DRIFT, NAME, COOLING, DISPUTE = "high-voltage trip", "slow drift", "misnamed element", "cryogenics", "dispute"
"""Titles of the chapters."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happens from lumisection ``first`` of ``run`` to ``last`` of run ``until``, and where to ``look``."""

    title: str
    run: int
    first: int
    until: int
    last: int
    look: str

    def text(self) -> str:
        """One line for people."""
        place = f"LS {self.first}-{self.last}" if self.until == self.run else f"to run {self.until}"
        return f"run {self.run} {place}: {self.look}"


@dataclass
class Plot:
    """Chooses runs and lays the faults into them: an ``Arrange`` of ``simulate`` that remembers its ``chapters``."""

    chapters: list[Chapter] = field(default_factory=list)

    def __call__(self, drawn: tuple[Event, ...], calendar: Calendar, labelled: int) -> tuple[Event, ...]:
        """The drawn events but for those that would disturb the story, and those of the story.

        Raises ``ValueError`` where too few runs are unlabelled.
        """
        places = _places(calendar, labelled)
        bounds, told = calendar.run_bounds, []
        for title, runs in places.items():
            event, look = _event(title, int(bounds[runs[0]]), int(bounds[runs[-1] + 1]))
            told.append(event)
            begin, end = ((int(calendar.run[at]), int(calendar.ls[at])) for at in (event.first, event.stop - 1))
            self.chapters.append(Chapter(title, *begin, *end, look))
        taken = np.zeros(len(calendar), dtype=bool)
        for runs in places.values():
            taken[bounds[runs[0]] : bounds[runs[-1] + 1]] = True
        edges = ("fill begin", "fill end")
        kept = [each for each in drawn if each.fault.place in edges or not taken[each.first : each.stop].any()]
        return tuple(sorted([*kept, *told], key=lambda each: (each.first, each.stop, each.fault.name)))


def _places(calendar: Calendar, labelled: int) -> dict[str, list[int]]:
    """Positions of the runs of every chapter: consecutive ones drift, the longest of the others has the cooling."""
    sizes = np.diff(calendar.run_bounds)
    newest = list(range(labelled, len(sizes)))
    if len(newest) < LEAST_RUNS:
        raise ValueError(
            f"{len(newest)} newest runs are too few for a story, which takes {LEAST_RUNS}; simulate more weeks"
        )
    drifting = newest[1:3]
    while sizes[drifting].sum() < DRIFTING and len(newest) - len(drifting) > LEAST_RUNS - 2:
        drifting.append(drifting[-1] + 1)
    rest = sorted((each for each in newest if each not in drifting), key=lambda each: -sizes[each])
    named = min(rest[3:], key=lambda each: (sizes[each] < SHORT, sizes[each]))
    return {DRIFT: drifting, COOLING: rest[:1], TRIP: rest[1:2], DISPUTE: rest[2:3], NAME: [named]}


def _event(title: str, first: int, stop: int) -> tuple[Event, str]:
    """What happens in the rows of its runs, and what to look at."""
    faults = {each.name: each for each in (*CATALOG, *MONITORING)}
    n = stop - first
    if title == DRIFT:
        look = "the gain of the ECAL sinks slowly from run to run: Run, score along the run; Compare, ecal/charge"
        return Event(faults["gain_drift"], ("ecal",), first, stop, 0.11), look
    if title == COOLING:
        look = "a valve hunts, and an hour later pixels and strips fail: Sensors first, then Run"
        return Event(faults["cooling_failure"], ("pixel", "strips"), first + n // 4, first + n // 3, 0.4), look
    if title == TRIP:
        look = "high voltage of the strips trips in a part of the run: Run; Compare, strips/phi_eta"
        return Event(faults["voltage_trip"], ("strips",), first + n // 3, first + n // 3 + min(26, n // 3), 0.6), look
    if title == DISPUTE:
        look = "two shifters disagree about a weak region of the HCAL; a leader rules: Sign-off"
        return Event(faults["dead_region"], ("hcal",), first + n // 2, first + n // 2 + min(24, n // 2), 0.06), look
    look = "muons/charge is called muons/charge_v2: the data are good, the name is told in the findings"
    return Event(faults["misnamed_element"], ("muons",), first, stop, 1.0), look


@dataclass(frozen=True, eq=False)
class Story:
    """A campaign with its ``chapters`` in order of time, and the cooling loops of the same days."""

    campaign: Campaign
    chapters: tuple[Chapter, ...]
    loops: Cryogenics

    def chapter(self, title: str) -> Chapter:
        """The chapter of this title."""
        return next(each for each in self.chapters if each.title == title)


def story(weeks: float = 4.0, seed: int = 1) -> Story:
    """Simulate it; equal arguments give equal stories. Raises ``ValueError`` where the weeks hold too few runs."""
    plot = Plot()
    campaign = simulate(SimulationSettings(weeks=weeks, seed=seed, unlabelled_share=UNLABELLED), plot)
    chapters = tuple(sorted(plot.chapters, key=lambda each: (each.run, each.first)))
    cooling = next(each for each in chapters if each.title == COOLING)
    return Story(campaign, chapters, _loops(campaign, cooling))


def _loops(campaign: Campaign, cooling: Chapter) -> Cryogenics:
    """Loops from two days before the incident until some hours after it, on the calendar of the campaign; one hunts.

    It hunts from an hour before the fault of the detector until an hour after its end.
    """
    days = campaign.calendar
    rows = np.flatnonzero(days.run == cooling.run)
    start = days.start.astype(np.int64)
    first, last = (int(start[rows[np.searchsorted(days.ls[rows], ls)]]) for ls in (cooling.first, cooling.last))
    midnight = days.start[rows[0]].astype("datetime64[D]")
    begin = (midnight - np.timedelta64(PAST_DAYS, "D")).astype("datetime64[ns]")
    length = (last + 3 * HOUR - int(begin.astype(np.int64))) / SECOND
    settings = CryogenicSettings(days=length / 86_400, loops=LOOPS, seed=campaign.settings.seed, faults=0, begin=begin)
    fault = CryogenicFault(cell_names(LOOPS)[1], "hunting", 7.0, first - HOUR, last + HOUR)
    return simulate_loops(settings, (fault,), days)


def write_story(told: Story, folder: Path) -> Paths:
    """Write its files, and the configuration that reads them, with people by their roles."""
    paths = write_campaign(told.campaign, folder, ELEMENTS)
    write_cryogenics(told.loops, folder / "cryogenics")
    paths.config.write_text(paths.config.read_text(encoding="utf-8") + MORE, encoding="utf-8")
    return paths


MORE = """
# Cooling loops on the same clock. The readings are of simulated days to come, so that clocks are ahead of ours.
[sensors]
catalog = "cryogenics/simulated_catalog.csv"
ahead = 1e9

[[sensors.stream]]
files = ["cryogenics/simulated_readings.parquet"]

# A shift of roles; nobody in particular. On the pages, and with --as, each of them can be acted as.
[people]
operator = "shifter-1"

[[people.person]]
name = "shifter-1"
role = "shifter"

[[people.person]]
name = "shifter-2"
role = "shifter"

[[people.person]]
name = "expert-1"
role = "expert"

[[people.person]]
name = "leader-1"
role = "leader"
"""
