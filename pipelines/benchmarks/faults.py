"""``dqm benchmark faults``: how many of the lumisections that a simulated fault hits are noticed, by its strength.

A campaign is simulated with histograms; its older runs carry labels with noise and teach the model. Each of the newest
runs is quiet but for one fault of one kind and strength, laid over its middle half or, where such a fault hits whole
runs, over all of it. Everything goes the way of a night: files, ingest, train, score, certify.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from dqm.model.config import Config, load
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.progress import track
from pipelines.run.certify import certify
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.run.train import train
from pipelines.simulate.campaign import SimulationSettings, simulate
from pipelines.simulate.faults import CATALOG, MONITORING, Fault
from pipelines.simulate.fills import Calendar
from pipelines.simulate.placement import Event
from pipelines.simulate.write import write_campaign

LEVELS = (0.25, 0.5, 1.0, 2.0)
"""Strengths as multiples of the mean strength of a fault in the simulation."""
LEAST = 12
"""Lumisections of a run that can carry a fault."""
REPEATS, WEEKS, UNLABELLED, ELEMENTS = 3, 10.0, 0.45, 4
QUICK_WEEKS = 4.0
STEPS: tuple[Callable[[Config, Store], object], ...] = (ingest, train, score, certify)


@dataclass(frozen=True)
class DetectionRow:
    """One kind of fault at one strength: how many lumisections it hit, and what became of them, as shares.

    ``named`` is the share of the noticed ones whose verdict names a subsystem that was hit.
    """

    fault: str
    harmless: bool
    strength: float
    lumisections: int
    rejected: float
    asked: float
    accepted: float
    named: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        return vars(self)


@dataclass(frozen=True)
class DetectionResult:
    """All rows, and how the quiet lumisections of the same runs fared."""

    rows: tuple[DetectionRow, ...]
    runs: int
    quiet: int
    quiet_rejected: float
    quiet_asked: float

    def text(self) -> str:
        """For people."""
        lines = [f"{'fault':18} {'strength':>8} {'LS':>6} {'rejected':>9} {'asked':>7} {'accepted':>9} {'named':>7}"]
        for row in self.rows:
            named = "" if np.isnan(row.named) else f"{row.named:.0%}"
            lines.append(
                f"{row.fault + ('*' if row.harmless else ''):18} {row.strength:>8.2f} {row.lumisections:>6} "
                f"{row.rejected:>9.0%} {row.asked:>7.0%} {row.accepted:>9.0%} {named:>7}"
            )
        lines.append(
            f"* harmless: the data are good. {self.runs} runs with one fault each; of their {self.quiet} quiet "
            f"lumisections {self.quiet_rejected:.1%} were rejected, {self.quiet_asked:.1%} asked. All is simulated."
        )
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [row.document() for row in self.rows]
        return {"benchmark": "faults", "rows": rows, **{k: v for k, v in vars(self).items() if k != "rows"}}


@dataclass
class Plan:
    """Which fault each of the newest runs gets: every kind at every strength, ``repeats`` times, as far as runs go."""

    repeats: int
    seed: int

    def __post_init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, drawn: tuple[Event, ...], calendar: Calendar, labelled: int) -> tuple[Event, ...]:
        """Keep what was drawn for the labelled runs and put one fault into each of the others."""
        bounds = calendar.run_bounds
        begin = int(bounds[labelled])
        kinds = [each for each in (*CATALOG, *MONITORING) if each.place in ("anywhere", "whole run", "several runs")]
        wanted = [each for _ in range(self.repeats) for each in _combinations(kinds)]
        runs = [i for i in range(labelled, len(bounds) - 1) if bounds[i + 1] - bounds[i] >= LEAST]
        dice = np.random.default_rng(self.seed)
        for i, (fault, strength) in zip(runs, wanted, strict=False):
            first, stop = int(bounds[i]), int(bounds[i + 1])
            if fault.place == "anywhere":
                first, stop = first + (stop - first) // 4, stop - (stop - first) // 4
            hit = fault.subsystems if fault.together else (fault.subsystems[dice.integers(len(fault.subsystems))],)
            self.events.append(Event(fault, hit, first, stop, strength))
        return (*(each for each in drawn if each.stop <= begin), *self.events)


def _combinations(kinds: Sequence[Fault]) -> Iterator[tuple[Fault, float]]:
    """Kinds by strengths, the kinds fastest; a fault that is there or not has one strength."""
    for level, fault in product(LEVELS, kinds):
        low, high = fault.strength
        if low < high:
            yield fault, float(min(level * (low + high) / 2, 0.95 if fault.yields < 0 or fault.thinned else np.inf))
        elif level == 1.0:
            yield fault, high


def run(*, quick: bool = False, seed: int = 5, weeks: float = 0.0, elements: int = ELEMENTS) -> DetectionResult:
    """Simulate, certify and count; ``quick`` has one run for a fault and fewer to learn from."""
    plan = Plan(1 if quick else REPEATS, seed)
    settings = SimulationSettings(
        weeks=weeks or (QUICK_WEEKS if quick else WEEKS), seed=seed, unlabelled_share=UNLABELLED, monitoring=True
    )
    campaign = simulate(settings, plan)
    with tempfile.TemporaryDirectory() as folder:
        config = load(write_campaign(campaign, Path(folder), elements).config)
        with Store.create(config.store_path) as store:
            for step in track(STEPS, "certifying simulated faults"):
                step(config, store)
            made = verdicts_from_arrow(store.read("verdicts"))
    decision = dict(zip(made.index, zip(made.decision.astype(str), made.subsystem, strict=True), strict=True))
    key = list(zip(campaign.calendar.run.tolist(), campaign.calendar.ls.tolist(), strict=True))
    fate = np.array([decision.get(each, ("", ""))[0] for each in key], dtype=object)
    named = np.array([decision.get(each, ("", ""))[1] for each in key], dtype=object)
    rows = [_row(events, fate, named) for events in _alike(plan.events)]
    quiet = np.isin(campaign.calendar.run, campaign.unlabelled)
    for event in plan.events:
        quiet[event.first : event.stop] = False
    asked = np.isin(fate[quiet], ["ASK", "UNKNOWN"])
    return DetectionResult(
        tuple(rows), len(plan.events), int(quiet.sum()), float((fate[quiet] == "REJECT").mean()), float(asked.mean())
    )


def _alike(events: Sequence[Event]) -> list[list[Event]]:
    """Events of one kind and strength together, by name and strength."""
    found: dict[tuple[str, float], list[Event]] = {}
    for event in events:
        found.setdefault((event.fault.name, event.strength), []).append(event)
    return [found[each] for each in sorted(found)]


def _row(events: list[Event], fate: Any, named: Any) -> DetectionRow:
    fault = events[0].fault
    rows = np.concatenate([np.arange(event.first, event.stop) for event in events])
    hit = np.concatenate([np.isin(named[event.first : event.stop], event.subsystems) for event in events])
    noticed = fate[rows] != "ACCEPT"
    return DetectionRow(
        fault=fault.name,
        harmless=fault.harmless,
        strength=events[0].strength,
        lumisections=len(rows),
        rejected=float((fate[rows] == "REJECT").mean()),
        asked=float(np.isin(fate[rows], ["ASK", "UNKNOWN"]).mean()),
        accepted=float((~noticed).mean()),
        named=float(hit[noticed].mean()) if noticed.any() else float("nan"),
    )
