"""Histograms as quantities: names, kinds, subsystems, the past only, and what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqm.model.config import FeaturesConfig
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.tables import QuantityTable, lumisection_index
from dqm.model.verdicts import Reason
from features.assemble import assemble
from features.references import PastRuns, compare_nearest
from features.summaries import Summaries, subsystem_of
from features.words import in_words

AXIS, HEIGHT = Axis(10, 0.0, 5.0, title="charge (ke)"), Axis(4, -1.0, 1.0)


def batch(
    run: int, element: str = "Pixel/charge", axes: tuple[Axis, ...] = (AXIS,), n: int = 6, seed: int = 0
) -> HistogramBatch:
    shape = (n, *(axis.bins + 2 for axis in reversed(axes)))
    counts = np.random.default_rng([run, seed]).poisson(50, shape).astype(np.float32)
    entries = counts.reshape(n, -1).sum(axis=1).astype(float)
    return HistogramBatch(element, axes, np.full(n, run), np.arange(1, n + 1), counts, entries)


def lumisections(runs: int, n: int = 6) -> QuantityTable:
    index = lumisection_index(np.repeat(np.arange(1, runs + 1), n), np.tile(np.arange(1, n + 1), runs))
    return QuantityTable(index, (), np.zeros((len(index), 0)))


def summed(batches: list[list[HistogramBatch]], like: QuantityTable) -> QuantityTable:
    summaries = Summaries((0.5,))
    for each in batches:
        summaries.add(each)
    return summaries.table(like)


def test_columns_say_what_they_are() -> None:
    found = summed([[batch(1)], [batch(2)]], lumisections(2))
    told = {column.name: (column.kind, column.unit, column.subsystem, column.role) for column in found.columns}
    assert told == {
        "Pixel/charge:entries": ("count", "", "Pixel", "feature"),
        "Pixel/charge:p50": ("value", "ke", "Pixel", "feature"),
        "Pixel/charge:mean": ("value", "ke", "Pixel", "feature"),
        "Pixel/charge:std": ("value", "ke", "Pixel", "feature"),
        "Pixel/charge:underflow": ("fraction", "", "Pixel", "feature"),
        "Pixel/charge:overflow": ("fraction", "", "Pixel", "feature"),
        "Pixel/charge:ks": ("deviation", "", "Pixel", "feature"),
        "Pixel/charge:emd": ("deviation", "", "Pixel", "feature"),
        "Pixel/charge:pull": ("deviation", "", "Pixel", "feature"),
    }
    assert subsystem_of("Muons:p50") == subsystem_of("Muons/a/b:p50") == "Muons"


def test_numbers_stand_at_their_lumisections_in_any_order() -> None:
    like = lumisections(2)
    shuffled = like.take(np.random.default_rng(0).permutation(len(like)))
    batches = [[batch(1)], [batch(2).take(np.array([5, 0, 3]))]]
    straight, mixed = summed(batches, like), summed(batches, shuffled)
    for name in straight.names:
        by_key = dict(zip(straight.index, straight[name], strict=True))
        np.testing.assert_array_equal(mixed[name], [by_key[key] for key in mixed.index])
    entries = straight["Pixel/charge:entries"]
    assert np.isnan(entries[[7, 8, 10]]).all()
    np.testing.assert_array_equal(entries[[6, 9, 11]], batch(2).entries[[0, 3, 5]])


def test_whole_runs_and_strange_lumisections_are_left_out() -> None:
    given = batch(1)
    given = replace(given, ls=np.array([0, 1, 2, 3, 4, 99]))
    found = summed([[given]], lumisections(1))
    np.testing.assert_array_equal(found["Pixel/charge:entries"], [*given.entries[1:5], np.nan, np.nan])


def test_a_reference_is_made_of_earlier_runs_only() -> None:
    """Mutant: the run itself among its references."""
    runs = [batch(run) for run in (1, 2, 3)]
    found = summed([[each] for each in runs], lumisections(3))["Pixel/charge:ks"]
    assert np.isnan(found[:6]).all()
    sums = [each.inner.sum(axis=0, dtype=float) for each in runs]
    for k, each in enumerate(runs):
        if k:
            expected = compare_nearest(each.inner, PastRuns(runs=sums[:k]).references(), AXIS).ks
            np.testing.assert_array_equal(found[6 * k : 6 * k + 6].astype(np.float32), expected)


def test_no_summary_sees_a_later_run() -> None:
    """Mutant: references of all runs. The future is replaced with noise and nothing changes."""
    like = lumisections(5)
    runs = [[batch(run), batch(run, "Ecal/map", (AXIS, HEIGHT))] for run in range(1, 6)]
    future = [[batch(run, seed=9), batch(run, "Ecal/map", (AXIS, HEIGHT), seed=9)] for run in range(4, 6)]
    now, then = summed(runs, like), summed([*runs[:3], *future], like)
    assert now.names == then.names
    np.testing.assert_array_equal(now.values[:18], then.values[:18])
    assert (now.values[18:] != then.values[18:]).any()


def test_maps_give_their_projections_and_how_much_is_filled() -> None:
    given = batch(1, "Ecal/map", (AXIS, HEIGHT))
    counts = given.counts.copy()
    counts[2, 1:3, 1:-1] = 0
    found = summed([[replace(given, counts=counts)]], lumisections(1))
    assert found["Ecal/map:filled"][2] == 0.5
    assert found["Ecal/map/y:p50"][2] == pytest.approx(0.5, abs=0.1)
    assert {"Ecal/map/x:mean", "Ecal/map/y:std", "Ecal/map:entries"} <= set(found.names)


def test_what_cannot_be_counted_is_missing() -> None:
    given = batch(1)
    counts = given.counts.copy()
    counts[1, 4], counts[2, 4], counts[3] = np.nan, -1, 0
    found = summed([[replace(given, counts=counts)], [batch(2)]], lumisections(2))
    medians = found["Pixel/charge:p50"]
    assert np.isnan(medians[[1, 2, 3]]).all()
    assert np.isfinite(medians[[0, 4, 5]]).all()
    assert np.isfinite(found["Pixel/charge:ks"][6:]).all(), "what cannot be counted is in no reference"


def test_shapes_are_judged_and_named() -> None:
    rng = np.random.default_rng(5)
    bins = np.arange(10)
    peak = np.exp(-0.5 * ((bins - 5) / 1.5) ** 2)

    def run(number: int, centre_of_last: float = 5.0) -> list[HistogramBatch]:
        made = []
        for element in ("Pixel/charge", "Ecal/time"):
            shapes = np.tile(peak, (6, 1))
            if element == "Ecal/time":
                shapes[5] = np.exp(-0.5 * ((bins - centre_of_last) / 1.5) ** 2)
            counts = np.pad(rng.poisson(2000 * shapes / shapes.sum(axis=1, keepdims=True)), ((0, 0), (1, 1)))
            entries = counts.sum(axis=1).astype(float)
            made.append(HistogramBatch(element, (AXIS,), np.full(6, number), np.arange(1, 7), counts, entries))
        return made

    like = lumisections(12)
    found = summed([run(k, 8.0 if k == 12 else 5.0) for k in range(1, 13)], like)
    features = assemble(found, FeaturesConfig())
    ks = features.values[:, features.names.index("shapes.ks")]
    assert ks[-1] > 0.5 > 0.1 > np.nanmax(ks[:-1])
    place = features.names.index("Ecal/time:ks.shape")
    assert features.columns[place].subsystem == "Ecal"
    assert features.values[-1, place] == ks[-1]
    told = in_words(Reason("shapes.ks: Ecal/time:ks.shape", "Ecal", 0.62, 1.0))
    assert told == "62% of Ecal/time lies elsewhere than in earlier runs"
    assert in_words(Reason("shapes.pull: Ecal/time:pull.shape", "Ecal", 6.2, 1.0), measured=False) == (
        "Ecal/time has another shape"
    )


def test_a_histogram_that_is_gone_is_missing() -> None:
    like = lumisections(6)
    batches = [[batch(run), batch(run, "Ecal/time")] for run in range(1, 7)]
    batches[5][1] = batches[5][1].take(np.arange(3))
    features = assemble(summed(batches, like), FeaturesConfig())
    missing = features.values[:, features.names.index("shapes.missing")]
    assert missing[-6:].tolist() == [0, 0, 0, 1, 1, 1]


def test_a_dead_region_of_a_map_is_seen_and_named() -> None:
    def run(number: int, dead: bool = False) -> HistogramBatch:
        counts = np.random.default_rng(number).poisson(40, (6, HEIGHT.bins + 2, AXIS.bins + 2))
        if dead:
            counts[4, 1:3, 1:6] = 0
        entries = counts.reshape(6, -1).sum(axis=1).astype(float)
        return HistogramBatch("Ecal/map", (AXIS, HEIGHT), np.full(6, number), np.arange(1, 7), counts, entries)

    like = lumisections(5)
    found = summed([[run(k, dead=k == 5)] for k in range(1, 6)], like)
    assert found["Ecal/map:region"][-6:].tolist() == [0, 0, 0, 0, 0.25, 0]
    assert np.isnan(found["Ecal/map:dead"][:6]).all()
    features = assemble(found, FeaturesConfig())
    assert features.values[-2, features.names.index("shapes.region")] == 0.25
    told = in_words(Reason("shapes.region: Ecal/map:region.shape", "Ecal", 0.25, 1.0))
    assert told == "a region of 25% of Ecal/map is dead"
