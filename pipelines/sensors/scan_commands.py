"""``dqm sensors scan``: which loops were not what they usually are, and why."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.sensors.commands import (
    Described,
    Form,
    Kind,
    Name,
    Pattern,
    TimeColumn,
    TimeUnit,
    Value,
    Zone,
    app,
    nanoseconds,
    settings_of,
)  # fmt: skip
from pipelines.terminal import DEFAULT_CONFIG, QUARANTINE, JsonPath, say, write_json

if TYPE_CHECKING:
    from dqm.formats.sensor_screening import SensorRead
    from pipelines.sensors.scan import Scan

__all__ = ["app", "scan"]

Files = Annotated[list[Path] | None, typer.Argument(help="files of readings to judge; none: what the store holds")]
Past = Annotated[list[Path] | None, typer.Option("--past", help="files of earlier readings; may be given again")]
Share = Annotated[
    float | None, typer.Option("--past-share", help="without --past: share of the time that is the past; 0.5")
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="judge from this moment of UTC on"),
]
Until = Annotated[
    str, typer.Option(help="judge to this moment of UTC, or now: silence before it counts; empty: to the last reading")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="folder for what --csv and --html write")]


@app.command()
def scan(
    files: Files = None,
    past: Past = None,
    past_share: Share = None,
    since: Since = None,
    until: Until = "",
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
    from dqm.model.amounts import counted
    from dqm.model.errors import InputError
    from dqm.model.sensor_catalog import Quiet
    from dqm.store.store import Store
    from pipelines.progress import steps
    from pipelines.sensors.nights import Asked, of_files, of_store
    from pipelines.sensors.scan import scan as scanned
    from pipelines.sensors.scan_report import csv_of, text, write_page

    _refuse_idle(files, past, past_share, since)
    if (csv or page) and output is None:
        raise InputError("dqm sensors scan: no folder for --csv and --html; name one with -o FOLDER")
    if output is not None and not (csv or page):
        raise InputError(f"dqm sensors scan: nothing to write into {output}; say what with --csv or --html")
    form = Form(kind, time_column, time_unit, zone, tuple(name or ()), value)
    form.needs(files, "scan")
    at = None if since is None else nanoseconds(since)
    asked = Asked(sensors, 0.5 if past_share is None else past_share, at, _until(until), form)
    if store or not files:
        config = config or DEFAULT_CONFIG
    settings = settings_of(config)
    if output is not None:
        _make(output)
    read = None
    with steps("sensors") as advance:
        if files:
            night, read = of_files(files, past or [], replace(asked, advance=advance), settings)
            _say_findings(read)
        else:
            with Store.open(settings.store_path) as opened:
                night = of_store(opened, asked)
        quiet = [Quiet.of(each) for each in settings.sensors.quiet]
        found = scanned(night, periods=settings.sensors.gap, quiet=quiet, advance=advance)
    say(text(found))
    if csv and output is not None:
        (output / "anomalies.csv").write_bytes(csv_of(found))
        say(f"wrote {output / 'anomalies.csv'}")
    if page and output is not None:
        plotted = write_page(found, night.readings, quiet, settings.sensors.gap, output / "anomalies.html")
        say(f"wrote {output / 'anomalies.html'}, {counted(plotted, 'loop')}")
    if store:
        _keep(found, config or DEFAULT_CONFIG, read, night.readings.names)
    write_json(json_path, found.document())
    if read is not None and any(each.severity == "quarantined" for each in read.findings):
        raise typer.Exit(QUARANTINE)


def _refuse_idle(
    files: list[Path] | None, past: list[Path] | None, share: float | None, since: datetime | None
) -> None:
    """Refuse options that contradict each other or would be ignored."""
    from dqm.model.errors import InputError

    if share is not None and not 0 < share < 1:
        raise typer.BadParameter(f"--past-share: {share:g} is no share of the time; give one between 0 and 1")
    if past and not files:
        raise InputError(
            "dqm sensors scan: --past goes with files to judge; the past of stored readings is told by --since or "
            "--past-share"
        )
    if share is not None and (past or since is not None):
        other = "--past" if past else "--since"
        raise InputError(f"dqm sensors scan: {other} says what the past is, so --past-share says nothing; take one")


def _until(text: str) -> int | None:
    """The moment to which a scan goes, in ns of UTC; None: to the last reading."""
    if not text:
        return None
    if text == "now":
        return time.time_ns()
    try:
        at = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * ("T" in text))
    except ValueError:
        raise typer.BadParameter(f"--until: {text!r} is no moment; give 2026-06-02T06:00:00, or now") from None
    if at.replace(tzinfo=UTC) > datetime.now(UTC):
        raise typer.BadParameter(f"--until: {text} is still to come; give a moment that has passed, or now")
    return nanoseconds(at.replace(tzinfo=None))


def _make(folder: Path) -> None:
    """Make the folder before the work that is to be written into it."""
    from dqm.model.errors import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o {folder}: no such folder can be made ({error.strerror}); name another") from None


def _say_findings(read: SensorRead) -> None:
    from pipelines.sensors.inspect import findings_text

    for each in findings_text(read):
        say(each)


def _keep(found: Scan, config: Path, read: SensorRead | None, names: list[str]) -> None:
    """Keep anomalies, and readings that came from files beside what was found in these, in one commit."""
    from dqm.model.amounts import counted
    from dqm.model.config import load
    from dqm.store.anomalies import scanned_days, store_anomalies
    from dqm.store.postgresql import Place
    from dqm.store.sensors import store_sensors
    from dqm.store.store import Store
    from pipelines.sensors.keeping import after_scan, scanned_of

    settings = load(config)
    made = {"features": str(found.features), "scanned_at": str(int(time.time()))}
    place = Place.configured(settings.store)
    with Store.create(settings.store_path, place=place) as store, store.transaction(based_on=store.snapshot) as change:
        days = store_anomalies(change, after_scan(scanned_days(store), scanned_of(found)), made)
        if read is not None:
            mine = read.readings.take([each for each in names if each in set(read.readings.names)])
            files = ",".join(each.sha256[:16] for each in read.files)
            store_sensors(change, store, mine, {"files": files}, read.changes)
            change.add_findings(read.findings)
            say(f"kept {counted(len(mine.time), 'reading')} of {counted(len(mine), 'sensor')}")
    say(f"kept {counted(len(found.intervals), 'anomaly')} of {counted(len(days), 'day')} in {settings.store_path}")
