"""Simulated monitor elements: equal seeds give equal ones, faults show where they would, the files say it is simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dqm.formats.ml4dqm import read_ml4dqm
from dqm.model.config import Ml4dqmInput, load
from dqm.model.histograms import HistogramBatch
from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.faults import SUBSYSTEMS
from pipelines.simulate.histograms import CATALOG, Hits, simulated_histograms
from pipelines.simulate.write import Paths, write_campaign

pytestmark = pytest.mark.slow  # sixty elements of a whole campaign


@pytest.fixture(scope="module")
def small() -> Campaign:
    return simulate(SimulationSettings(weeks=1.0, seed=3, bad_share=0.2))


@pytest.fixture(scope="module")
def batches(small: Campaign) -> dict[str, HistogramBatch]:
    return {each.element: each for each in simulated_histograms(small, len(CATALOG))}


def rows(batch: HistogramBatch, campaign: Campaign, wanted: np.ndarray) -> np.ndarray:
    """Rows of a batch that belong to the wanted lumisections of the campaign."""
    keys = set(zip(campaign.calendar.run[wanted].tolist(), campaign.calendar.ls[wanted].tolist(), strict=True))
    return np.array([key in keys for key in zip(batch.run.tolist(), batch.ls.tolist(), strict=True)])


def test_sixty_elements_in_six_subsystems(batches: dict[str, HistogramBatch]) -> None:
    assert len(batches) == 60
    assert {each.partition("/")[0] for each in batches} == set(SUBSYSTEMS)
    assert sum(len(each.axes) == 2 for each in batches.values()) == 12


def test_equal_seeds_give_equal_histograms(small: Campaign, batches: dict[str, HistogramBatch]) -> None:
    for each in simulated_histograms(small, 2):
        np.testing.assert_array_equal(each.counts, batches[each.element].counts)
    other = simulate(SimulationSettings(weeks=1.0, seed=4))
    first = next(iter(simulated_histograms(other, 1)))
    assert (
        first.counts.shape != batches[first.element].counts.shape
        or (first.counts != batches[first.element].counts).any()
    )


def test_faults_show_where_they_would(small: Campaign, batches: dict[str, HistogramBatch]) -> None:
    """Every subsystem that lost a region has a gap in phi, every one out of time a moved peak, and nothing else has."""
    seen = set()
    for k, name in enumerate(SUBSYSTEMS):
        hits, phi, time = Hits.of(small, k), batches[f"{name}/phi"], batches[f"{name}/time"]
        quiet = (hits.dead == 0) & (hits.hot == 0)
        exposed = phi.counts.sum(axis=1) > 500
        gap = phi.inner[:, 15:18].sum(axis=1) / np.maximum(phi.counts.sum(axis=1), 1)
        dead = rows(phi, small, (hits.dead > 0.1) & ~hits.missing)
        if dead.any():
            seen.add("dead")
            assert (gap[dead] == 0).all()
        assert (gap[rows(phi, small, quiet) & exposed] > 0.02).all()
        hot = rows(phi, small, hits.hot > 0.1)
        if hot.any():
            seen.add("hot")
            assert (phi.inner[hot].argmax(axis=1) == 50 // 7).all()
        mean = time.inner @ (np.arange(50) + 0.5) / 50 / np.maximum(time.inner.sum(axis=1), 1)
        late = rows(time, small, hits.time > 0.6)
        if late.any():
            seen.add("time")
            assert (mean[late] > 0.53).all()
        assert np.abs(mean[rows(time, small, (hits.time == 0)) & exposed] - 0.5).max() < 0.03
    assert {"dead", "hot"} <= seen


def test_what_is_not_delivered_has_no_histogram(small: Campaign, batches: dict[str, HistogramBatch]) -> None:
    missing = [Hits.of(small, k).missing for k in range(len(SUBSYSTEMS))]
    assert any(each.any() for each in missing)
    for name, each in zip(SUBSYSTEMS, missing, strict=True):
        assert len(batches[f"{name}/charge"]) == (~each).sum()
        assert not rows(batches[f"{name}/charge"], small, each).any()


def test_shapes_depend_on_pile_up(small: Campaign, batches: dict[str, HistogramBatch]) -> None:
    given = batches["pixel/multiplicity"]
    pileup = dict(
        zip(zip(small.calendar.run.tolist(), small.calendar.ls.tolist(), strict=True), small.beam.pileup, strict=True)
    )
    mu = np.array([pileup[key] for key in zip(given.run.tolist(), given.ls.tolist(), strict=True)])
    full = given.counts.sum(axis=1) > 300
    mean = given.inner @ np.arange(50) / np.maximum(given.inner.sum(axis=1), 1)
    assert np.corrcoef(mu[full], mean[full])[0, 1] > 0.8


def test_written_and_read_back(small: Campaign, batches: dict[str, HistogramBatch], tmp_path: Path) -> None:
    paths = write_campaign(small, tmp_path, histograms=2)
    assert not paths.quantities.exists()
    assert b"simulated" in pq.read_schema(paths.histograms).metadata[b"origin"]
    config = load(paths.config)
    assert [each.kind for each in config.inputs] == ["ml4dqm", "oms", "golden", "brilcalc"]
    found = read_ml4dqm(Ml4dqmInput(kind="ml4dqm", files=(paths.histograms.name,)), config)
    assert found.findings == ()
    assert len(found.histograms) == 12
    for each in found.histograms:
        np.testing.assert_array_equal(each.counts, batches[each.element].counts)
    assert Paths.within(tmp_path) == paths
