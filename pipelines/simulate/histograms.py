"""Simulated monitor elements: up to ten histograms for each of the six subsystems, in good times and in bad ones.

Their shapes depend on pile-up, and every fault shows where it would: a dead region is a gap in ``phi``, ``eta`` and the
maps, a hot channel a spike, a shift of the timing moves ``time``, a loss of gain or a wrong calibration ``charge``,
noise widens the residuals, few events thin everything, a misnamed element is ``charge_v2`` for a run, and monitoring
that is not delivered leaves no histograms at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import UnknownNameError
from dqm.model.histograms import Axis, HistogramBatch
from pipelines.simulate.campaign import Campaign
from pipelines.simulate.faults import SUBSYSTEMS
from pipelines.simulate.rates import USUAL_LUMINOSITY, USUAL_PILEUP

ENTRIES = 2000.0
"""Fills of a histogram in a lumisection at full luminosity."""
BINS = 50
CHUNK = 4000
"""Lumisections at a time."""


@dataclass(frozen=True, slots=True)
class Element:
    """One kind of monitor element: a peak at ``centre`` of ``width`` on an axis from 0 to 1, or flat (``width`` 0).

    ``slope`` is how far the centre moves when pile-up doubles. ``occupancy`` shows which channels answer; ``answers``
    names the fault quantity that moves it: *time*, *gain* or *noise*. ``map`` is of two dimensions.
    """

    name: str
    axis: str
    centre: float = 0.5
    width: float = 0.12
    slope: float = 0.0
    occupancy: bool = False
    answers: str = ""
    map: bool = False


CATALOG = (
    Element("charge", "cluster charge (1)", 0.45, 0.12, 0.03, answers="gain"),
    Element("time", "time (1)", 0.5, 0.08, answers="time"),
    Element("phi", "φ (1)", width=0.0, occupancy=True),
    Element("residual", "residual (1)", 0.5, 0.1, answers="noise"),
    Element("eta", "η (1)", width=0.0, occupancy=True),
    Element("phi_eta", "φ (1)", width=0.0, occupancy=True, map=True),
    Element("size", "cluster size (1)", 0.25, 0.1, 0.02, answers="noise"),
    Element("multiplicity", "hits (1)", 0.3, 0.1, 0.15),
    Element("quality", "χ² (1)", 0.2, 0.12, answers="noise"),
    Element("layer_phi", "φ (1)", width=0.0, occupancy=True, map=True),
)


@dataclass(frozen=True, eq=False)
class Hits:
    """How the faults hit one subsystem, each ``(n,)``: share that is ``dead``, ``hot`` fills as a share of the usual,
    shift of the ``time`` and loss of ``gain`` in widths, extra ``noise`` as a share of the width, the share ``thin`` of
    the fills that is not there, whether the first element is ``renamed``, and ``missing``."""

    dead: NDArray[np.float64]
    hot: NDArray[np.float64]
    time: NDArray[np.float64]
    gain: NDArray[np.float64]
    noise: NDArray[np.float64]
    thin: NDArray[np.float64]
    renamed: NDArray[np.bool_]
    missing: NDArray[np.bool_]

    @classmethod
    def of(cls, campaign: Campaign, k: int) -> Hits:
        """From the events that hit subsystem ``k``; a fault of unknown look lowers the number of fills only."""
        n = len(campaign.calendar)
        dead, time, gain, thin = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        renamed = np.zeros(n, dtype=bool)
        for event in campaign.events:
            if SUBSYSTEMS[k] not in event.subsystems:
                continue
            rows, course = slice(event.first, event.stop), event.course()
            if event.fault.name in ("dead_region", "voltage_trip", "ramp_up", "cooling_failure"):
                dead[rows] = np.maximum(dead[rows], course)
            elif event.fault.name == "timing_shift":
                time[rows] += 8 * course
            elif event.fault.name in ("gain_drift", "wrong_calibration"):
                gain[rows] += 8 * course
            thin[rows] = np.maximum(thin[rows], event.fault.thinned * course)
            renamed[rows] |= event.fault.renamed
        effects = campaign.effects
        noise = 3 * effects.jitter[:, k] + np.maximum(-effects.quality[:, k], 0)
        return cls(
            np.clip(dead, 0, 0.95), effects.offset[:, k], time, gain, noise, thin, renamed, effects.missing[:, k]
        )


Wanted = int | Sequence[str]
"""Which elements of every subsystem: so many of the catalog, or those of these names."""


def simulated_histograms(campaign: Campaign, wanted: Wanted) -> Iterator[HistogramBatch]:
    """The ``wanted`` elements of every subsystem, whole counts; equal campaigns give equal histograms.

    An element is the same whatever others are wanted. Raises ``UnknownNameError`` for a name that is not there.
    """
    elements = _elements(wanted)
    seeds = np.random.SeedSequence([campaign.settings.seed, 77]).spawn(len(SUBSYSTEMS))
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_subsystem, campaign, k, elements, seed) for k, seed in enumerate(seeds)]
        for job in jobs:
            yield from job.result()


def _elements(wanted: Wanted) -> list[int]:
    """Positions in the catalog."""
    if isinstance(wanted, int):
        return list(range(len(CATALOG)))[:wanted]
    names = [each.name for each in CATALOG]
    if unknown := [each for each in wanted if each not in names]:
        raise UnknownNameError("simulated element", unknown[0], names)
    return sorted(names.index(each) for each in wanted)


def _subsystem(
    campaign: Campaign, k: int, elements: Sequence[int], seed: np.random.SeedSequence
) -> list[HistogramBatch]:
    hits = Hits.of(campaign, k)
    beam = campaign.beam
    exposure = beam.luminosity * beam.livetime / USUAL_LUMINOSITY
    fills = ENTRIES * exposure * np.clip(campaign.effects.yields[:, k], 0, None) * (1 - hits.thin)
    made = []
    sources = seed.spawn(len(CATALOG))
    for number in elements:
        element, rng = CATALOG[number], np.random.default_rng(sources[number])
        counts = np.concatenate(
            [
                _counts(rng, element, hits, fills, exposure, beam.pileup, slice(first, first + CHUNK))
                for first in range(0, len(fills), CHUNK)
            ]
        )
        renamed = hits.renamed & (number == 0)
        for name, there in ((element.name, ~renamed), (f"{element.name}_v2", renamed)):
            kept = np.flatnonzero(~hits.missing & there)
            if not len(kept):
                continue
            made.append(
                HistogramBatch(
                    f"{SUBSYSTEMS[k]}/{name}",
                    _axes(element),
                    campaign.calendar.run[kept].astype(np.int64),
                    campaign.calendar.ls[kept].astype(np.int64),
                    counts[kept],
                    counts[kept].reshape(len(kept), -1).sum(axis=1).astype(np.float64),
                )
            )
    return made


def _axes(element: Element) -> tuple[Axis, ...]:
    if element.map:
        return Axis(12, 0.0, 1.0, title=element.axis), Axis(10, 0.0, 1.0, title="η (1)")
    return (Axis(BINS, 0.0, 1.0, title=element.axis),)


def _counts(
    rng: np.random.Generator,
    element: Element,
    hits: Hits,
    fills: NDArray[np.float64],
    exposure: NDArray[np.float64],
    pileup: NDArray[np.float64],
    rows: slice,
) -> NDArray[np.int32]:
    """Counts ``(n, cells)`` with flow of some lumisections, in the shape of the element."""
    axes = _axes(element)
    cells = int(np.prod([axis.bins for axis in axes]))
    if element.width:
        expected = _peak(element, hits, pileup, rows) * fills[rows, None]
    else:
        place = np.arange(cells) / cells
        alive = ~((place >= 0.3) & (place < 0.3 + hits.dead[rows, None]))
        whole = fills[rows] / np.maximum(1 - hits.dead[rows], 0.05)  # the gap takes the fills that the yield lost
        expected = alive / cells * whole[:, None]
        expected[:, cells // 7] += hits.hot[rows] * ENTRIES
    inner = rng.poisson(expected).astype(np.int32).reshape(-1, *(axis.bins for axis in reversed(axes)))
    return np.pad(inner, ((0, 0), *((1, 1),) * len(axes)))


def _peak(element: Element, hits: Hits, pileup: NDArray[np.float64], rows: slice) -> NDArray[np.float64]:
    """Shares ``(n, bins)`` of a peak on a small flat ground."""
    moved = {"time": hits.time, "gain": -hits.gain}.get(element.answers)
    centre = element.centre + element.slope * (pileup[rows] / USUAL_PILEUP - 1)
    if moved is not None:
        centre = centre + moved[rows] * element.width
    width = element.width * (1 + hits.noise[rows] * (element.answers == "noise"))
    place = (np.arange(BINS) + 0.5) / BINS
    shape = np.exp(-0.5 * ((place - centre[:, None]) / width[:, None]) ** 2)
    return np.asarray(0.98 * shape / shape.sum(axis=1, keepdims=True) + 0.02 / BINS)
