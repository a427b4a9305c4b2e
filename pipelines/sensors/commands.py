"""``dqm sensors …``: streams of sensors, from files to the store and to a plot."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.terminal import DEFAULT_CONFIG, QUARANTINE, ConfigPath, JsonPath, say, write_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dqm.formats.sensor_reading import Advance
    from dqm.formats.sensor_screening import Earlier, SensorRead
    from dqm.model.config import Config
    from dqm.model.sensors import Sensor, SensorReadings

app = typer.Typer(help="Streams of sensors: cryogenics, detectors, operations.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="files of readings, all of one form")]
Kind = Annotated[str, typer.Option(help="auto, timber, long or wide")]
TimeColumn = Annotated[str, typer.Option("--time", help="column of the time")]
TimeUnit = Annotated[str, typer.Option(help="auto, text, s, ms, us or ns since 1970")]
Zone = Annotated[str, typer.Option(help="zone of times that carry none, e.g. Europe/Zurich")]
Name = Annotated[list[str] | None, typer.Option(help="long: column that names the sensor; may be given again")]
Value = Annotated[str, typer.Option(help="long: column of the value")]
Described = Annotated[Path | None, typer.Option("--config", "-c", help="configuration that says what the sensors are")]
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="a moment of UTC")]
Pattern = Annotated[str, typer.Option(help="pattern of sensors or loops")]


@dataclass(frozen=True)
class Form:
    """How files are to be read, as the options of a command say it; what is as here was not given."""

    kind: str = "auto"
    time: str = ""
    time_unit: str = "auto"
    zone: str = ""
    name: tuple[str, ...] = ()
    value: str = ""

    def needs(self, files: Sequence[Path] | None, command: str) -> None:
        """Raise ``InputError`` where something was said of files and none is named: it would be ignored."""
        from dqm.model.errors import InputError

        given = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        if given and not files:
            option = f"--{given[0].replace('_', '-')}"
            raise InputError(
                f"dqm sensors {command}: {option} says how files are to be read, and no file is named; name some, or "
                f"leave {option} out to take what the store holds"
            )


@app.command()
def inspect(
    files: Files,
    kind: Kind = "auto",
    time_column: TimeColumn = "",
    time_unit: TimeUnit = "auto",
    zone: Zone = "",
    name: Name = None,
    value: Value = "",
    config: Described = None,
    json_path: JsonPath = "",
) -> None:
    """Show what files of readings hold: sensors, times, cadence, gaps, stuck stretches, and what is wrong."""
    from pipelines.progress import steps
    from pipelines.sensors.inspect import document, findings_text, summaries, text

    settings = settings_of(config)
    form = Form(kind, time_column, time_unit, zone, tuple(name or ()), value)
    with steps("reading") as advance:
        read = read_files(files, settings, form, advance=advance)
    described = summaries(read.readings, settings.sensors.gap)
    say("\n".join(findings_text(read)))
    say(text(read.readings, described))
    write_json(json_path, document(described, read))


@app.command()
def ingest(
    again: Annotated[bool, typer.Option("--again", help="read all files, those too that were read before")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
    json_path: JsonPath = "",
) -> None:
    """Read what is new in the configured streams into the store; what cannot be used is quarantined with a reason."""
    from dqm.model.amounts import counted
    from dqm.model.config import load
    from dqm.store.postgresql import Place
    from dqm.store.store import Store
    from pipelines.progress import steps
    from pipelines.sensors.due import taken_in

    settings = load(config)
    place = Place.configured(settings.store)
    with Store.create(settings.store_path, place=place) as store, steps("reading") as advance:
        done = taken_in(settings, store, time.time_ns(), again=again, advance=advance)
    for finding in done.findings[:20]:
        say(str(finding))
    if len(done.findings) > 20:
        say(f"… and {counted(len(done.findings) - 20, 'more finding')}")
    say(done.text())
    write_json(json_path, {**vars(done), "findings": [str(each) for each in done.findings]})
    if done.quarantined:
        raise typer.Exit(QUARANTINE)


@app.command("list")
def list_sensors(
    config: ConfigPath = DEFAULT_CONFIG,
    sensors: Pattern = "*",
    json_path: JsonPath = "",
) -> None:
    """List the sensors of the store: what they are, their loops, how many readings on which days."""
    from dqm.model.config import load
    from dqm.store.store import Store
    from pipelines.sensors.listing import listed

    settings = load(config)
    with Store.open(settings.store_path) as store:
        found = listed(store, settings.sensors, sensors)
    say(found.text())
    write_json(json_path, found.document())


@app.command()
def plot(
    output: Annotated[Path, typer.Option("--output", "-o", help="page (.html) or picture (.png) to write")],
    files: Annotated[list[Path] | None, typer.Argument(help="files of readings; none: what the store holds")] = None,
    kind: Kind = "auto",
    time_column: TimeColumn = "",
    time_unit: TimeUnit = "auto",
    zone: Zone = "",
    name: Name = None,
    value: Value = "",
    sensors: Pattern = "*",
    begin: Moment = None,
    end: Moment = None,
    config: Described = None,
) -> None:
    """Plot what sensors read: a panel per quantity and unit, gaps shaded, times of service marked."""
    from dqm.model.amounts import counted
    from dqm.model.sensor_catalog import Quiet
    from pipelines.sensors.plots import figure_of, write

    form = Form(kind, time_column, time_unit, zone, tuple(name or ()), value)
    form.needs(files, "plot")
    settings = settings_of(config if files else config or DEFAULT_CONFIG)
    if files:
        read = read_files(files, settings, form)
        shown = within(read.readings, sensors, begin, end)
        for each in read.findings[:20]:
            say(str(each))
    else:
        shown = _stored(config or DEFAULT_CONFIG, sensors, begin, end)
    quiet = [Quiet.of(each) for each in settings.sensors.quiet]
    write(figure_of(shown, quiet, periods=settings.sensors.gap), output)
    say(f"wrote {output}: {counted(len(shown), 'sensor')}, {counted(len(shown.time), 'reading')}")


def settings_of(config: Path | None) -> Config:
    """The configuration that was named, or the defaults."""
    from dqm.model.config import Config, load

    return load(config) if config else Config()


def read_files(
    files: list[Path],
    settings: Config,
    form: Form,
    *,
    before: SensorReadings | None = None,
    advance: Advance = lambda name, done, total: None,
) -> SensorRead:
    """Read files as the options say; ``before`` is what their sensors read earlier, ``advance`` is told of each."""
    from pydantic import ValidationError

    from dqm.formats.sensor_reading import read_sensor_files
    from dqm.formats.sensor_times import zone_named
    from dqm.model.sensors_config import StreamConfig

    try:
        described = StreamConfig.model_validate({**vars(form), "files": ()})
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}") from None
    if form.zone:
        zone_named(form.zone)  # a name that is wrong is told even where no time needs it
    known: dict[str, Any] = {}
    if before is not None:
        known = {"earlier": _earlier(before), "stored": {each.name: each.unit for each in before.sensors}}
    now = time.time_ns()
    return read_sensor_files(
        files, described, now=now, config=settings.sensors, folder=settings.folder, advance=advance, **known
    )


def _earlier(before: SensorReadings) -> Earlier:
    """The last good values of sensors that were read before."""
    import numpy as np

    held = {sensor.name: (sensor.unit, time, value) for sensor, time, value in before.each()}

    def last(name: str, begin: int) -> tuple[str, NDArray[np.float64]]:
        if name not in held:
            return "", np.empty(0)
        unit, time, value = held[name]
        return unit, value[(time < begin) & np.isfinite(value)]

    return last


def _stored(config: Path, pattern: str, begin: datetime | None, end: datetime | None) -> SensorReadings:
    """The stored sensors whose name or loop fits, in the time that was asked for; the rest is not read."""
    from dqm.model.config import load
    from dqm.store.sensors import read_sensors, stored_sensors
    from dqm.store.store import Store

    with Store.open(load(config).store_path) as store:
        return read_sensors(store, chosen(stored_sensors(store), pattern), *_bounds(begin, end))


def within(readings: SensorReadings, pattern: str, begin: datetime | None, end: datetime | None) -> SensorReadings:
    """The sensors whose name or loop fits, in the time that was asked for; raises ``InputError`` where none fits."""
    taken = readings.take(chosen(readings.sensors, pattern))
    first, last = _bounds(begin, end)
    return taken.between(-(2**62) if first is None else first, 2**62 if last is None else last)


def chosen(sensors: Sequence[Sensor], pattern: str) -> list[str]:
    """Names of the sensors whose name or loop fits; raises ``InputError`` where there are some and none fits."""
    from dqm.model.errors import InputError, nearest

    names = [each.name for each in sensors if _fits(pattern, each.name, each.loop)]
    if sensors and not names:
        valid = {name for each in sensors for name in (each.name, each.loop) if name}
        raise InputError(f"--sensors {pattern}: no sensor or loop is called so; {nearest(pattern, valid)}")
    return names


def _fits(pattern: str, *names: str) -> bool:
    return any(fnmatch.fnmatchcase(each, pattern) for each in names if each)


def _bounds(begin: datetime | None, end: datetime | None) -> tuple[int | None, int | None]:
    first, last = (None if each is None else nanoseconds(each) for each in (begin, end))
    return first, last


def nanoseconds(moment: datetime) -> int:
    """A moment of UTC as ns since 1970."""
    import numpy as np

    return int(np.datetime64(moment, "ns").astype(np.int64))
