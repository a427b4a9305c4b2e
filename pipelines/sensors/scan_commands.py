"""``dqm sensors scan``: which loops were not what they usually are, and why."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.sensors.commands import (
    Described,
    Kind,
    Name,
    Pattern,
    TimeColumn,
    TimeUnit,
    Value,
    Zone,
    app,
    chosen,
    nanoseconds,
    read_files,
    settings_of,
    within,
)  # fmt: skip
from pipelines.terminal import DEFAULT_CONFIG, JsonPath, say, write_json

if TYPE_CHECKING:
    from dqm.formats.sensor_screening import SensorRead
    from dqm.model.config import Config
    from dqm.model.sensors import SensorReadings
    from pipelines.sensors.scan import Night, Scan

__all__ = ["app", "scan"]

Files = Annotated[list[Path] | None, typer.Argument(help="files of readings to judge; none: what the store holds")]
Past = Annotated[list[Path] | None, typer.Option("--past", help="files of earlier readings; may be given again")]
Share = Annotated[float, typer.Option("--past-share", help="without --past: share of the time that is the past")]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="judge from this moment of UTC on"),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="folder for what --csv and --html write")]


@app.command()
def scan(
    files: Files = None,
    past: Past = None,
    past_share: Share = 0.5,
    since: Since = None,
    kind: Kind = "auto",
    time_column: TimeColumn = "",
    time_unit: TimeUnit = "auto",
    zone: Zone = "",
    name: Name = None,
    value: Value = "",
    sensors: Pattern = "*",
    config: Described = None,
    output: Output = None,
    csv: Annotated[bool, typer.Option("--csv", help="write anomalies.csv")] = False,
    page: Annotated[bool, typer.Option("--html", help="write anomalies.html with plots of loops")] = False,
    store: Annotated[bool, typer.Option("--store", help="keep what was found for the page Sensors")] = False,
    json_path: JsonPath = "",
) -> None:
    """Find what loops did that they usually do not: gaps, stuck sensors, changes of unit, hunting, drifts, levels."""
    from dqm.model.errors import InputError
    from dqm.model.sensor_catalog import Quiet
    from pipelines.progress import showing
    from pipelines.sensors.scan import scan as scanned
    from pipelines.sensors.scan_report import csv_of, text, write_page

    if not 0 < past_share < 1:
        raise typer.BadParameter(f"--past-share: {past_share:g} is no share of the time; give one between 0 and 1")
    if (csv or page) and output is None:
        raise InputError("dqm sensors scan: no folder for --csv and --html; name one with -o FOLDER")
    if output is not None and not (csv or page):
        raise InputError(f"dqm sensors scan: nothing to write into {output}; say what with --csv or --html")
    if past and not files:
        raise InputError(
            "dqm sensors scan: --past goes with files to judge; the past of stored readings is told by --since or "
            "--past-share"
        )
    if store or not files:
        config = config or DEFAULT_CONFIG
    settings = settings_of(config)
    if output is not None:
        _make(output)
    form = (kind, time_column, time_unit, zone, name, value)
    with showing("reading") as name_it:
        if files:
            night = _of_files(files, past or [], past_share, since, settings, form, sensors)
        else:
            night = _of_store(config or DEFAULT_CONFIG, past_share, since, sensors)
        quiet = [Quiet.of(each) for each in settings.sensors.quiet]
        found = scanned(night, periods=settings.sensors.gap, quiet=quiet, showing=name_it)
    say(text(found))
    if csv and output is not None:
        (output / "anomalies.csv").write_bytes(csv_of(found))
        say(f"wrote {output / 'anomalies.csv'}")
    if page and output is not None:
        plotted = write_page(found, night.readings, quiet, settings.sensors.gap, output / "anomalies.html")
        say(f"wrote {output / 'anomalies.html'}, {plotted} loops")
    if store:
        _keep(found, config or DEFAULT_CONFIG)
    write_json(json_path, found.document())


def _make(folder: Path) -> None:
    """Make the folder before the work that is to be written into it."""
    from dqm.model.errors import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o {folder}: no such folder can be made ({error.strerror}); name another") from None


def _of_files(
    files: list[Path],
    past: list[Path],
    share: float,
    since: datetime | None,
    settings: Config,
    form: tuple[str, str, str, str, list[str] | None, str],
    sensors: str,
) -> Night:
    """Readings of files, beside those of earlier files or of the first share of their time."""
    from pipelines.sensors.certain import of_change
    from pipelines.sensors.scan import Night

    if not past:
        read = read_files(files, settings, *form)
        _say_findings(read)
        early, late, at = _split(within(read.readings, sensors, None, None), share, since)
    else:
        before = read_files(past, settings, *form)
        read = read_files(files, settings, *form, before=before.readings)
        _say_findings(read)
        fits = set(chosen([*before.readings.sensors, *read.readings.sensors], sensors))
        early, late = (each.readings.take([n for n in each.readings.names if n in fits]) for each in (before, read))
        at = None if since is None else nanoseconds(since)
        if at is not None:
            late = late.between(at, 2**62)
    begin = int(late.time.min()) if len(late.time) else 0
    known = set(late.names)
    changes = [each for each in read.changes if each.sensor.name in known and (each.end is None or each.end > begin)]
    return Night.of(early, late, [of_change(each) for each in changes], at)


def _of_store(config: Path, share: float, since: datetime | None, sensors: str) -> Night:
    """Readings of the store from a moment on, beside what it holds from before."""
    from dqm.model.config import load
    from dqm.store.sensors import read_sensors
    from dqm.store.store import Store
    from pipelines.sensors.scan import Night

    with Store.open(load(config).store_path) as store:
        readings = within(read_sensors(store), sensors, None, None)
    early, late, at = _split(readings, share, since)
    return Night.of(early, late, since=at)


def _split(
    readings: SensorReadings, share: float, since: datetime | None
) -> tuple[SensorReadings, SensorReadings, int | None]:
    """What is before a moment, or in the first share of the time, the rest, and that moment in ns of UTC."""
    if since is not None:
        at = nanoseconds(since)
    elif len(readings.time):
        first, last = int(readings.time.min()), int(readings.time.max())
        at = first + round(share * (last - first))
    else:
        at = 0
    return readings.between(-(2**62), at), readings.between(at, 2**62), at


def _say_findings(read: SensorRead) -> None:
    from pipelines.sensors.inspect import findings_text

    for each in findings_text(read):
        say(each)


def _keep(found: Scan, config: Path) -> None:
    from dqm.model.config import load
    from dqm.store.anomalies import scanned_days, store_anomalies
    from dqm.store.postgresql import Place
    from dqm.store.store import Store

    settings = load(config)
    made = {"features": str(found.features), "scanned_at": str(int(time.time()))}
    place = Place.configured(settings.store)
    with Store.create(settings.store_path, place=place) as store, store.transaction(based_on=store.snapshot) as change:
        span, promise = (found.begin, found.end), found.alarm.promise
        days = store_anomalies(change, found.intervals, span, promise, made, found.notes, scanned_days(store))
    say(f"kept {len(found.intervals)} anomalies of {len(days)} days in {settings.store_path}")
