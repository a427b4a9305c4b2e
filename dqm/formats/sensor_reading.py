"""Sensor streams from files: every form, one result. Kinds are told from the first lines, or named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from dqm.formats.sensor_screening import Earlier, SensorRead, screened
from dqm.formats.sensor_series import ParsedSensors
from dqm.formats.sensor_tables import parse_table
from dqm.formats.sensor_timber import is_timber, parse_timber
from dqm.formats.sources import Source
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.sensor_catalog import SensorCatalog
from dqm.model.sensors import SECOND
from dqm.model.sensors_config import SensorsConfig, StreamConfig

PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""How compressed files begin; as text they would be rows of nonsense."""


Advance = Callable[[str, int, int], None]
"""Is told what is at work, how many steps are done, and of how many."""
StreamFile = tuple[Path, StreamConfig]
"""A file, and how it is to be read."""


def parse_sensors(source: Source, given: StreamConfig) -> ParsedSensors:
    """Series of one file of any form; raises ``InputError`` where it is none of them."""
    packed = next((name for mark, name in PACKED.items() if source.data.startswith(mark)), "")
    if packed:
        raise InputError(f"{source.path}: is compressed ({packed}), not a table; unpack it first")
    if given.kind == "timber" or (given.kind == "auto" and is_timber(source)):
        return parse_timber(source, given)
    return parse_table(source, given)


def read_sensor_files(
    files: Iterable[Path],
    given: StreamConfig,
    *,
    now: int,
    config: SensorsConfig | None = None,
    folder: Path = Path(),
    earlier: Earlier = lambda name, begin: ("", np.empty(0)),
    stored: Mapping[str, str] = MappingProxyType({}),
    advance: Advance = lambda name, done, total: None,
) -> SensorRead:
    """Read files of one form that no input names; ``now`` in ns of UTC, later readings are refused.

    ``config`` tells what the sensors are, its paths relative to ``folder``; ``earlier`` and ``stored`` what is known of
    them from before, as in ``read_streams``. ``advance`` is told of every file.
    Raises ``InputError`` where no file can be read; others are quarantined by a finding.
    """
    sensors = config or SensorsConfig()
    parsed, refused = _parsed([(path, given) for path in files], advance)
    catalog = SensorCatalog.of(sensors, folder)
    until = now + round(sensors.ahead * SECOND)
    read = screened(parsed, catalog, now=until, periods=sensors.gap, earlier=earlier, stored=stored)
    return replace(read, findings=(*refused, *read.findings))


def read_streams(
    config: Config,
    *,
    now: int,
    earlier: Earlier = lambda name, begin: ("", np.empty(0)),
    stored: Mapping[str, str] = MappingProxyType({}),
    files: Sequence[StreamFile] | None = None,
    advance: Advance = lambda name, done, total: None,
) -> SensorRead:
    """Read every ``[[sensors.stream]]`` of a configuration; ``now`` in ns of UTC, later readings are refused.

    ``files`` are those of the streams that are to be read, all where it is None; what is stored is absent from some
    files only, and not told. ``earlier`` and ``stored`` tell what
    the store knows: unit and last good values of a sensor before a moment, and the unit of every sensor by name.
    """
    sensors = config.sensors
    elsewhere = () if files is None else tuple(stored)
    if files is None:
        files = [(path, each) for each in sensors.stream for path in config.files(each.files)]
    parsed, refused = _parsed(files, advance)
    read = screened(
        parsed,
        SensorCatalog.of(sensors, config.folder),
        now=now + round(sensors.ahead * SECOND),
        periods=sensors.gap,
        earlier=earlier,
        stored=stored,
        elsewhere=elsewhere,
    )
    return replace(read, findings=(*refused, *read.findings))


def _parsed(files: Iterable[StreamFile], advance: Advance) -> tuple[list[ParsedSensors], list[Finding]]:
    """Parse each file once; one that cannot be read is quarantined, unless none can: then ``InputError``."""
    parsed, findings, once = [], [], dict(files)
    for done, (path, given) in enumerate(once.items()):
        advance(path.name, done, len(once))
        try:
            parsed.append(parse_sensors(Source.open(path), given))
        except InputError as error:
            findings.append(Finding("unreadable", "quarantined", str(error), str(path)))
            refused = error
    if not parsed:
        if not findings:
            raise InputError("no file of readings was named; name them in [[sensors.stream]]")
        raise refused
    return parsed, findings
