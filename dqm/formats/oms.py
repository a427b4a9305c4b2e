"""CMS OMS per-lumisection quantities: columnar JSON, or a Parquet or CSV table of the same names."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.results import ReadResult
from dqm.formats.screening import Parsed, numbers, read_files
from dqm.formats.sources import Source
from dqm.formats.times import utc_starts
from dqm.model.config import Config, OmsInput
from dqm.model.errors import InputError
from dqm.model.labels import Label
from dqm.model.tables import Column

SOURCE = "oms"
RECORDED = "recorded_lumi_per_lumisection"
KEY = {"run_number": "run", "lumisection_number": "ls"}
QUANTITIES = {
    RECORDED: Column("recorded", SOURCE, "luminosity", role="weight", unit="/pb"),
    "delivered_lumi_per_lumisection": Column("delivered", SOURCE, "luminosity", role="condition", unit="/pb"),
    "pileup": Column("pileup", SOURCE, "luminosity", role="condition"),
    "prescale_index": Column("prescale_index", SOURCE, "hlt", role="condition"),
    "physics_flag": Column("physics_flag", SOURCE, "physics", kind="flag"),
    "beams_stable": Column("beams_stable", SOURCE, "beams", kind="flag"),
    "cms_active": Column("cms_active", SOURCE, "cms", kind="flag"),
}
UNUSED = ("era", "fill_number", "prescale_name", "golden", "start_time")
"""Known columns that are no quantities: names, the label and the begin of the lumisection."""

PARTITIONS = tuple(
    f"{name}_ready"
    for name in ("bpix", "fpix", "tibtid", "tob", "tecp", "tecm", "ebm", "ebp", "eem", "eep", "esm", "esp", "hf", "ho")
)
KNOWN = (*KEY, *QUANTITIES, *UNUSED, *PARTITIONS)


def read_oms(described: OmsInput, config: Config) -> ReadResult:
    """Read OMS files; labels come from a column ``golden`` where there is one."""
    return read_files(config.files(described.files), parse_oms, "golden")


def parse_oms(source: Source) -> Parsed:
    """Rows of one OMS file."""
    if source.is_parquet or not source.text().lstrip().startswith(("{", "[")):
        given = source.frame()
    else:
        given = _columnar(source)
    source.require((*KEY, RECORDED), given)
    units = {name: each.get("unit", "") for name, each in source.described().items()}
    columns = {name: found for name in map(str, given) if (found := _column(name, units.get(name, "")))}
    unknown = [source.unknown(name, KNOWN) for name in given if name not in columns and name not in KNOWN]
    frame = given[[*KEY, *columns]].rename(columns=KEY | {name: each.name for name, each in columns.items()})
    if "golden" in given:
        frame["label"] = _labels(given["golden"])
    if "start_time" in given:
        frame["start"] = utc_starts(given["start_time"], given["run_number"], given["lumisection_number"], source.path)
    return Parsed(source, frame, tuple(columns.values()), tuple(unknown), _integrals(columns))


def write_oms(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame with OMS column names as ``.json`` (columnar), ``.parquet`` or ``.csv``, by the file's suffix."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False, lineterminator="\n")
    elif path.suffix == ".json":
        content = {str(name): frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame}
        path.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
    else:
        raise ValueError(f"{path}: OMS files end in .json, .parquet or .csv, not in {path.suffix!r}")


def _column(name: str, unit: str) -> Column | None:
    """The record of an OMS column, or None for one that is no known quantity."""
    if name in QUANTITIES:
        column = QUANTITIES[name]
        return Column(column.name, SOURCE, column.subsystem, column.role, unit or column.unit, column.kind)
    if name.endswith("_ready"):
        return Column(name, SOURCE, name.removesuffix("_ready"), kind="flag")
    if name.startswith("rate_"):
        return Column(name, SOURCE, "hlt", unit="Hz", kind="rate")
    return None


def _integrals(columns: Collection[str]) -> tuple[str, ...]:
    return ("delivered",) if "delivered_lumi_per_lumisection" in columns else ()


def _columnar(source: Source) -> pd.DataFrame:
    content = source.json()
    if not isinstance(content, dict) or not all(isinstance(each, list) for each in content.values()):
        raise InputError(
            f"{source.path}: not columnar OMS JSON: expected {{column: [value per lumisection]}}, each once"
        )
    lengths = {name: len(each) for name, each in content.items()}
    if len(set(lengths.values())) > 1:
        usual = pd.Series(lengths).mode()[0]
        odd = next(name for name, length in lengths.items() if length != usual)
        raise InputError(f"{source.path}: column {odd!r} has {lengths[odd]} values where the others have {usual}")
    if not content or not next(iter(lengths.values())):
        raise InputError(f"{source.path}: the table has no rows")
    return pd.DataFrame({name: pd.Series(each) for name, each in content.items()})


def _labels(golden: pd.Series[Any]) -> NDArray[np.float64]:
    value, _ = numbers(golden)
    return np.select([value == 1, value == 0], [float(Label.GOOD), float(Label.BAD)], np.nan)
