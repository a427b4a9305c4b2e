"""The files of a simulated campaign, read back through the real readers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from dqm.formats.brilcalc import read_brilcalc
from dqm.formats.canonical import read_canonical
from dqm.formats.golden import read_golden, read_mask
from dqm.formats.oms import read_oms
from dqm.formats.reading import ReadResult, merge
from dqm.model.config import CanonicalInput, Config, InputConfig, load
from dqm.model.errors import InputError
from dqm.model.labels import Label
from dqm.model.tables import Column
from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.faults import SUBSYSTEMS
from pipelines.simulate.write import EXCERPT_ROWS, Paths, truth_labels, write_campaign

READERS = {"canonical": read_canonical, "oms": read_oms, "golden": read_golden, "brilcalc": read_brilcalc}


@pytest.fixture(scope="module")
def merged(written: Paths) -> ReadResult:
    """What the written configuration reads, merged."""
    config = load(written.config)
    return merge([(each, _read(each, config)) for each in config.inputs], weight=config.experiment.weight)


def test_every_lumisection_is_usable_and_nothing_is_quarantined(merged: ReadResult, campaign: Campaign):
    table = merged.quantities
    assert table is not None
    assert table.index.equals(campaign.quantities.index)
    assert table.usable.all()
    assert [str(each) for each in merged.findings if each.severity != "note"] == []


def test_quantities_come_back_as_they_were_simulated(merged: ReadResult, campaign: Campaign):
    table = merged.quantities
    assert table is not None
    for column in campaign.quantities.columns:
        assert table.columns[table.position(column.name)] == column
        assert np.array_equal(table[column.name], campaign.quantities[column.name], equal_nan=True)
    assert np.array_equal(table.start, campaign.calendar.start)


def test_the_weight_is_recorded_luminosity(merged: ReadResult, campaign: Campaign):
    table = merged.quantities
    assert table is not None
    assert [table.columns[i].name for i in table.where(role="weight")] == ["recorded"]
    assert table.weight == pytest.approx(campaign.beam.recorded)
    assert table["brilcalc_recorded"] == pytest.approx(campaign.beam.recorded, rel=1e-8)


def test_every_subsystem_has_quantities_and_a_ready_bit(merged: ReadResult, campaign: Campaign):
    table = merged.quantities
    assert table is not None
    for k, name in enumerate(SUBSYSTEMS):
        assert len(table.where(subsystem=name, role="feature")) >= 3
        assert table.columns[table.position(f"{name}_ready")] == Column(
            f"{name}_ready", "oms", subsystem=name, kind="flag"
        )
        assert np.array_equal(table[f"{name}_ready"] == 1, campaign.effects.ready[:, k])


def test_labels_are_those_of_people_and_the_newest_runs_have_none(merged: ReadResult, campaign: Campaign):
    labels = merged.labels
    assert labels is not None
    expected = np.full(len(campaign.calendar), Label.UNKNOWN)
    expected[: len(campaign.labels)] = campaign.labels.values
    assert np.array_equal(labels.aligned(campaign.quantities.index), expected)


def test_the_dcs_mask_is_stable_beams_and_all_bits_on(written: Paths, campaign: Campaign):
    inside = read_mask(written.dcs).contains(campaign.calendar.run, campaign.calendar.ls)
    assert np.array_equal(inside, campaign.effects.stable & campaign.effects.ready.all(axis=1))


def test_the_excerpt_holds_the_first_rows(written: Paths, campaign: Campaign):
    described = CanonicalInput(kind="canonical", files=(written.excerpt.name,))
    found = read_canonical(described, Config(folder=written.folder)).quantities
    assert found is not None
    assert np.array_equal(found.values, campaign.quantities.values[:EXCERPT_ROWS], equal_nan=True)


def test_the_truth_of_the_newest_runs_stands_apart(written: Paths, campaign: Campaign):
    old, newest = truth_labels(written.truth), truth_labels(written.truth_newest)
    assert set(newest.run.tolist()) == set(campaign.unlabelled)
    assert not set(old.run.tolist()) & set(campaign.unlabelled)
    assert np.array_equal(np.concatenate([old.values, newest.values]) == Label.BAD, campaign.bad)
    assert set(old.source.tolist()) == {"simulation"}
    assert not any(written.truth_newest.name in text for text in _texts(written))


def test_every_text_and_every_truth_says_that_it_is_simulated(written: Paths):
    assert all("simulat" in text.lower() for text in _texts(written))
    assert b"simulated" in pq.read_schema(written.truth).metadata[b"origin"]
    names = [path.name for path in written.folder.iterdir()]
    assert all(name.startswith("simulated_") for name in names if name != "dqm.toml")
    assert len(names) == 9


def test_a_file_that_is_no_truth_is_refused(written: Paths, tmp_path: Path):
    with pytest.raises(InputError, match="no table of simulated truth; write one with: dqm simulate"):
        truth_labels(written.quantities)
    with pytest.raises(InputError, match="no table of simulated truth: "):
        truth_labels(written.golden)
    with pytest.raises(InputError, match=r"absent\.parquet: no table of simulated truth"):
        truth_labels(tmp_path / "absent.parquet")


def test_equal_seeds_write_equal_bytes_and_others_differ(tmp_path: Path):
    first, second, third = (
        _digests(write_campaign(simulate(SimulationSettings(weeks=0.5, seed=seed)), tmp_path / name))
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == second
    assert all(first[name] != third[name] for name in first)


@pytest.mark.timeout(5)
def test_simulating_and_writing_the_demonstration_is_quick(tmp_path: Path):
    """The limit of five seconds is the marker's."""
    assert write_campaign(simulate(SimulationSettings(seed=4)), tmp_path).config.is_file()


def _read(described: InputConfig, config: Config) -> ReadResult:
    return READERS[described.kind](described, config)  # type: ignore[operator]


def _texts(written: Paths) -> list[str]:
    """The configuration and the texts in which a format leaves room for a word about the origin."""
    oms = pd.read_json(written.oms)
    return [written.config.read_text(), written.brilcalc.read_text(), ",".join(oms["era"].unique())]


def _digests(paths: Paths) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in paths.folder.iterdir()}
