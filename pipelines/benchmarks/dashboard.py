"""``dqm benchmark dashboard``: how long the pages take in a real browser, over a simulated million of lumisections.

An empty page, a title alone, is measured in between: what a page adds to it is what the dashboard costs. Loads are
those of a new visitor with nothing in the cache; the first visitor of a new server is not counted and given as
``cold_s``.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import dashboard
from dashboard.app import SHIFT
from pipelines.benchmarks.dashboard_browser import Browsing, Server, Session, Taken, server
from pipelines.benchmarks.dashboard_store import LENGTH, Simulated, simulated
from pipelines.benchmarks.memory import tree_peak_mib

RUNS, QUICK_RUNS = 2000, 50
REPEATS, QUICK_REPEATS = 20, 3
SESSIONS = 10
EMPTY = 'import streamlit as st\nst.set_page_config(page_title="empty", layout="wide")\nst.title("Empty")\n'
CHANGED = ("queue", "run", "compare", "trade-off", "sign-off")
"""Pages to which one goes by the navigation."""
SLIDERS = {"slider-loss": "loss", "slider-pollution": "pollution"}
"""Sets, and a word in the name of the slider."""


@dataclass
class Times:
    """What one set took, one record a repeat; ``cold`` is the first, which is not among them."""

    set: str
    cold: Taken | None = None
    repeats: list[Taken] = field(default_factory=list)
    peak_mib: float | None = None

    def quantile(self, share: float) -> float:
        """Seconds by the clock at a share of the repeats, linear in between."""
        return float(np.quantile([each.seconds for each in self.repeats], share))

    @property
    def processor(self) -> float:
        """Processor seconds of page and server, the median of the repeats."""
        return float(np.median([each.processor for each in self.repeats]))

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"p50_s": self.quantile(0.5), "p95_s": self.quantile(0.95), "cpu_s": self.processor}
        metrics |= {} if self.cold is None else {"cold_s": self.cold.seconds}
        metrics |= {} if self.peak_mib is None else {"peak_mib": self.peak_mib}
        return {"set": self.set, "method": "lumicert", "metrics": metrics, "repeats": len(self.repeats)}

    def text(self, empty: Times) -> str:
        """For people, with what a first load adds to an ``empty`` page."""
        text = f"{self.set:18} p50 {self.quantile(0.5):6.2f} s  p95 {self.quantile(0.95):6.2f} s"
        text += f"  processor {self.processor:6.2f} s"
        if self.set.startswith("first"):
            more = self.quantile(0.95) - empty.quantile(0.95), self.processor - empty.processor
            text += f"  to an empty page {more[0]:+.2f} s, processor {more[1]:+.2f} s"
        text += "" if self.cold is None else f"  cold {self.cold.seconds:.2f} s"
        return text + ("" if self.peak_mib is None else f"  {self.peak_mib:,.0f} MiB at most")


@dataclass(frozen=True)
class DashboardResult:
    """All sets, over so many lumisections; ``load`` is that of the machine, waiting processes, before and after."""

    rows: tuple[Times, ...]
    lumisections: int
    load: tuple[float, float]

    def text(self) -> str:
        """For people."""
        lines = [each.text(self.rows[0]) for each in self.rows]
        load = " and ".join(f"{each:.1f}" for each in self.load)
        return "\n".join([*lines, f"{self.lumisections:,} simulated lumisections; load of the machine {load}"])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [each.document() for each in self.rows]
        return {
            "benchmark": "dashboard",
            "lumisections": self.lumisections,
            "simulated": True,
            "load": self.load,
            "rows": rows,
        }


def run(
    *,
    folder: Path | None = None,
    quick: bool = False,
    repeats: int = 0,
    told: Callable[[str], None] = lambda line: None,
) -> DashboardResult:
    """Make the store in ``folder``, or use the one that is there, and measure every set; ``told`` hears what begins.

    Raises ``InputError`` where there is no browser or a page is not painted.
    """
    runs, many = (QUICK_RUNS, repeats or QUICK_REPEATS) if quick else (RUNS, repeats or REPEATS)
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        browsing = stack.enter_context(Browsing())  # first, since it may be missing
        told(f"a store of {runs * LENGTH:,} simulated lumisections in {place}")
        made = simulated(place, runs)
        rows: list[Times] = []
        for each in itertools.chain(_one_visitor(made, browsing, many, told), _ten(made, browsing, told)):
            rows.append(each)
            told(each.text(rows[0]))
    return DashboardResult(tuple(rows), runs * LENGTH, (before, os.getloadavg()[0]))


def _one_visitor(made: Simulated, browsing: Browsing, repeats: int, told: Callable[[str], None]) -> Iterator[Times]:
    with _pages(made) as pages, _empty() as empty:
        told(f"first loads, {repeats} times")
        first = {"first-queue": (pages, "queue"), "first-run": (pages, f"run?run={made.run}")}
        yield from _loads({"empty-page": (empty, "")} | first, browsing, repeats)
        with browsing.session(pages) as session:
            session.load("")
            told("changes of the page")
            yield from _changes(session, repeats)
        with browsing.session(pages) as session:
            session.load("trade-off")
            told("sliders")
            yield from _moves(session, repeats)


def _loads(addresses: Mapping[str, tuple[Server, str]], browsing: Browsing, repeats: int) -> list[Times]:
    """First loads, one address after the other, so that a busy machine delays all alike."""
    found = {name: Times(name) for name in addresses}
    for at in range(repeats + 1):
        for name, (served, path) in addresses.items():
            with browsing.session(served) as session:
                _enter(found[name], at, session.load(path))
    return list(found.values())


def _changes(session: Session, repeats: int) -> list[Times]:
    """Round and round through the navigation, by one visitor."""
    names = [each for each in CHANGED if each in SHIFT]
    found = {name: Times(f"page-{name}") for name in names}
    session.change(SHIFT[names[1]][0])  # one is on the first already
    for at in range(repeats + 1):
        for name in names:
            _enter(found[name], at, session.change(SHIFT[name][0]))
    return list(found.values())


def _moves(session: Session, repeats: int) -> Iterator[Times]:
    """A slider moves on by one step, each time to where nobody has been."""
    for name, slider in SLIDERS.items():
        times = Times(name)
        for at in range(repeats + 1):
            _enter(times, at, session.move(slider, "ArrowRight"))
        yield times


def _ten(made: Simulated, browsing: Browsing, told: Callable[[str], None]) -> Iterator[Times]:
    """Ten visitors of a new server who change pages together; the memory of the server with all that it started."""
    told(f"{SESSIONS} sessions at once")
    times, peak = Times("ten-sessions"), []
    names = [each for each in CHANGED if each in SHIFT]
    with ExitStack() as stack:
        pages = stack.enter_context(_pages(made))
        watch = threading.Thread(target=lambda: peak.append(tree_peak_mib(pages.process)))
        watch.start()
        sessions = [stack.enter_context(browsing.session(pages)) for _ in range(SESSIONS)]
        for each in sessions:
            each.load("")
        for name in (*names[1:], names[0]):
            for each in sessions:
                each.start_change(SHIFT[name][0])
            for each in sessions:
                times.repeats.append(each.painted())
    watch.join()
    times.peak_mib = peak[0]
    yield times


def _enter(times: Times, at: int, taken: Taken) -> None:
    """The first one is of a server that has seen nothing yet."""
    if at == 0:
        times.cold = taken
    else:
        times.repeats.append(taken)


@contextmanager
def _pages(made: Simulated) -> Iterator[Server]:
    """The dashboard over the simulated store."""
    page = Path(dashboard.__file__).with_name("app.py")
    environment = {dashboard.CONFIG_VARIABLE: str(made.config.resolve())}
    with tempfile.TemporaryDirectory() as folder, server(page, environment, Path(folder, "server.log")) as found:
        yield found


@contextmanager
def _empty() -> Iterator[Server]:
    """A page that has a title and nothing else, served in the same way."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "empty.py")
        page.write_text(EMPTY, encoding="utf-8")
        with server(page, {}, Path(folder, "server.log")) as found:
            yield found
