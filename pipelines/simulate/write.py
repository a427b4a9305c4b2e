"""Write a simulated campaign as the files that the real readers read, with a configuration that names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.formats.brilcalc import write_brilcalc
from dqm.formats.canonical import write_canonical
from dqm.formats.golden import golden_bytes
from dqm.formats.ml4dqm_table import write_ml4dqm
from dqm.formats.oms import write_oms
from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.model.labels import Label, Labels
from dqm.model.tables import lumisection_index
from pipelines.simulate.campaign import Campaign
from pipelines.simulate.faults import SUBSYSTEMS
from pipelines.simulate.histograms import Wanted, simulated_histograms

EXCERPT_ROWS = 200
"""Lumisections in the CSV excerpt: enough to look at, small enough for an editor."""
QUANTITY_INPUT = """\
# Counts, rates and fractions of six simulated subsystems. The Parquet file says itself what its columns mean.
[[inputs]]
kind = "canonical"
files = ["{}"]
"""
HISTOGRAM_INPUT = """\
# Histograms of six simulated subsystems, one row for each; dqm inspect shows what the file holds.
[[inputs]]
kind = "ml4dqm"
files = ["{}"]
"""
ORIGIN = b"simulated data (lumicert simulate), not measured"


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of a written campaign: what the readers read, the two tables of truth and the configuration."""

    folder: Path
    config: Path
    quantities: Path
    excerpt: Path
    oms: Path
    golden: Path
    dcs: Path
    brilcalc: Path
    histograms: Path
    truth: Path
    truth_newest: Path

    @classmethod
    def within(cls, folder: Path) -> Paths:
        """The paths in a folder."""
        return cls(
            folder=folder,
            config=folder / "dqm.toml",
            quantities=folder / "simulated_quantities.parquet",
            excerpt=folder / "simulated_quantities_excerpt.csv",
            oms=folder / "simulated_oms.json",
            golden=folder / "simulated_golden.json",
            dcs=folder / "simulated_dcs_only.json",
            brilcalc=folder / "simulated_brilcalc.csv",
            histograms=folder / "simulated_histograms.parquet",
            truth=folder / "simulated_truth_labelled.parquet",
            truth_newest=folder / "simulated_truth_newest.parquet",
        )


def write_campaign(campaign: Campaign, folder: Path, histograms: Wanted = 0) -> Paths:
    """Write the campaign into ``folder``, which is made where it is missing; equal campaigns give equal bytes.

    With ``histograms`` so many monitor elements of every subsystem, or those of these names, take the place of its
    counts, rates and fractions.
    The truth of the newest runs, which carry no label, stands in a file of its own that no reader is pointed at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = Paths.within(folder)
    if histograms:
        write_ml4dqm(paths.histograms, simulated_histograms(campaign, histograms), {b"origin": ORIGIN})
    else:
        write_canonical(paths.quantities, campaign.quantities)
        write_canonical(paths.excerpt, campaign.quantities.take(slice(0, EXCERPT_ROWS)))
    write_oms(paths.oms, oms_frame(campaign))
    write_brilcalc(paths.brilcalc, _brilcalc_frame(campaign))
    good = campaign.labels.take(campaign.labels.values == Label.GOOD)
    paths.golden.write_bytes(golden_bytes(_mask(good.index)))
    paths.dcs.write_bytes(golden_bytes(_mask(campaign.quantities.index[_switched_on(campaign)])))
    truth = campaign.truth()
    newest = truth["run"].isin(campaign.unlabelled)
    _write_truth(paths.truth, truth[~newest], campaign.settings.seed)
    _write_truth(paths.truth_newest, truth[newest], campaign.settings.seed)
    paths.config.write_text(config_text(campaign, paths, histograms), encoding="utf-8")
    return paths


def oms_frame(campaign: Campaign) -> pd.DataFrame:
    """Flags, luminosity and prescales under the names of OMS, one row per lumisection; a ready bit per subsystem."""
    calendar, beam, effects = campaign.calendar, campaign.beam, campaign.effects
    n = len(calendar)
    menu = np.where(campaign.new_menu, "simulated menu 2", "simulated menu 1")
    return pd.DataFrame(
        {
            "era": np.full(n, "simulation"),
            "fill_number": calendar.fill,
            "run_number": calendar.run,
            "lumisection_number": calendar.ls,
            "delivered_lumi_per_lumisection": beam.delivered,
            "recorded_lumi_per_lumisection": beam.recorded,
            "pileup": beam.pileup,
            "prescale_index": beam.prescale,
            "prescale_name": menu,
            "beams_stable": effects.stable,
            "cms_active": np.ones(n, dtype=bool),
            "physics_flag": effects.stable,
        }
        | {f"{name}_ready": effects.ready[:, k] for k, name in enumerate(SUBSYSTEMS)}
    )


def truth_labels(path: Path) -> Labels:
    """The truth of a file written by ``write_campaign`` as labels of source *simulation*, the faults as comments.

    Raises ``InputError`` where the file is no simulated truth.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: no table of simulated truth: {error}") from None
    if (table.schema.metadata or {}).get(b"origin") != ORIGIN:
        raise InputError(f"{path}: no table of simulated truth; write one with: dqm simulate")
    columns = {name: table.column(name).to_numpy() for name in ("run", "ls", "bad", "faults")}
    value = np.where(columns["bad"], Label.BAD, Label.GOOD)
    return Labels.of(lumisection_index(columns["run"], columns["ls"]), value, "simulation", columns["faults"])


def config_text(campaign: Campaign, paths: Paths, histograms: Wanted = 0) -> str:
    """The commented configuration that reads the files of this campaign."""
    settings = campaign.settings
    return f"""\
# lumicert configuration for simulated data: {settings.weeks:g} weeks, seed {settings.seed}.
# Every key: docs/configuration.md. Nothing here was measured.
# The newest {len(campaign.unlabelled)} runs carry no label: they are what is certified.

[experiment]
name = "simulation"
lumisection = "lumisection"
weight = "recorded"               # recorded luminosity, from the OMS input: what is lost with a lumisection
weight_unit = "/pb"

[store]
path = "certification"

{HISTOGRAM_INPUT.format(paths.histograms.name) if histograms else QUANTITY_INPUT.format(paths.quantities.name)}

# Luminosity, pile-up, prescales and ready bits. A lumisection that this file lacks is UNKNOWN.
[[inputs]]
kind = "oms"
files = ["{paths.oms.name}"]
required = true

# What people said: good inside, bad outside, in every run from the first one listed to the last.
[[inputs]]
kind = "golden"
files = ["{paths.golden.name}"]
coverage = "span"
# With the next line only lumisections with all ready bits on are labelled; a model then never learns what a bit means.
# dcs = ["{paths.dcs.name}"]

# The luminosity once more, as brilcalc prints it; beside the weight above its columns are conditions.
[[inputs]]
kind = "brilcalc"
files = ["{paths.brilcalc.name}"]
required = false

[features]
rates_within = "prescale_index"   # a rate is compared only with earlier ones under the same prescales

[working_point]
data_loss = 0.01                  # largest share of good luminosity rejected automatically
pollution = 0.01                  # largest bad share of the luminosity accepted automatically
confidence = 0.9
"""


def _brilcalc_frame(campaign: Campaign) -> pd.DataFrame:
    calendar, beam = campaign.calendar, campaign.beam
    return pd.DataFrame(
        {
            "run": calendar.run,
            "fill": calendar.fill,
            "ls": calendar.ls,
            "start": calendar.start,
            "delivered": beam.delivered,
            "recorded": beam.recorded,
            "pileup": beam.pileup,
        }
    )


def _switched_on(campaign: Campaign) -> NDArray[np.bool_]:
    """Stable beams and every ready bit on, shape ``(n,)``: the rule of a DCS-only JSON."""
    return np.asarray(campaign.effects.stable & campaign.effects.ready.all(axis=1))


def _mask(index: pd.Index) -> LumiMask:
    return LumiMask.of_lumisections(index.get_level_values("run"), index.get_level_values("ls"))


def _write_truth(path: Path, truth: pd.DataFrame, seed: int) -> None:
    table = pa.Table.from_pandas(truth, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({b"origin": ORIGIN, b"seed": str(seed).encode()}), path)
