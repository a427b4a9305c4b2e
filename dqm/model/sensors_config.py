"""Sensor streams: which files, what each channel is, and when somebody works on it. Configuration records."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dqm.model.sensors import Logging, Measured


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StreamConfig(_Record):
    """Files of readings of one form."""

    kind: Literal["auto", "timber", "long", "wide"] = Field(
        "auto",
        description="blocks of Timber; one reading a row; one column a sensor; auto: told from the first lines",
    )
    files: tuple[str, ...] = Field(description="paths or glob patterns, relative to the configuration file")
    time: str = Field("", description="column of the time; empty: the one that is called so, or the first")
    time_unit: Literal["auto", "text", "s", "ms", "us", "ns"] = Field(
        "auto", description="ISO 8601 text, or what a number counts since 1970; auto: told from its size"
    )
    zone: str = Field("", description="zone of times without one, e.g. Europe/Zurich; empty: such are refused")
    name: tuple[str, ...] = Field((), description="long: columns whose texts, joined by '/', name the sensor")
    value: str = Field("", description="long: column of the value; empty: value, or nxcals_value")
    unit: str = Field("", description="long: column of the unit; empty: unit where there is one")
    prefix: str = Field("", description="put before the name of every sensor of these files")
    names: dict[str, str] = Field({}, description='better names for columns, e.g. { "1" = "PT2 head" }')


class ChannelConfig(_Record):
    """What the sensors are whose names fit a pattern; of several that fit the last one counts, key by key."""

    sensors: str = Field(description="pattern of names, e.g. QRL*_CV*")
    unit: str = Field("", description="unit in which its readings are used")
    measures: Measured | Literal[""] = Field("", description="temperature, valve, heater, …; empty: as the name says")
    loop: str = Field("", description="control loop; empty: as the name says")
    subsystem: str = Field("", description="part of the detector, or sector; empty: as the name says")
    logging: Logging = Field("periodic", description="on-change: a value holds until the next reading")
    period: float | None = Field(None, gt=0, description="seconds within which a reading is due; unset: learned")
    lowest: float | None = Field(None, description="value at or below which it is saturated")
    highest: float | None = Field(None, description="value at or above which it is saturated")
    resolution: float | None = Field(None, gt=0, description="smallest change that is a movement; unset: any change")


class QuietConfig(_Record):
    """A time in which a loop or a sensor does not alarm; it is shown all the same."""

    sensors: str = Field(description="pattern of loops, subsystems or sensors, e.g. 31L2")
    begin: datetime = Field(description="a moment with Z or an offset")
    end: datetime | None = Field(None, description="a moment with Z or an offset; unset: until further notice")
    kind: Literal["service", "known-issue"] = Field("service", description="work on it, or known and accepted")
    who: str = Field(min_length=1, description="who says so")
    why: str = Field(min_length=1, description="what is done, or where the issue is written down")

    @field_validator("begin", "end")
    @classmethod
    def _has_a_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"the moment {moment} has no zone; end it with Z or an offset such as +02:00")
        return moment

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> QuietConfig:
        if self.end is not None and self.end <= self.begin:
            raise ValueError(f"it ends at {self.end} and begins at {self.begin}; the end must be later")
        return self


class SensorFeaturesConfig(_Record):
    """Which features of stored sensors join the quantities of a lumisection; none by default."""

    columns: tuple[str, ...] = Field(
        (), description='patterns of columns, e.g. "*_CV*:median@10min", "*:stuck"; empty: sensors are not used'
    )


class SensorsConfig(_Record):
    """Sensor streams."""

    grammar: Literal["lhc", "none"] = Field("lhc", description="what names tell; lhc: names of the LHC logging system")
    catalog: str = Field("", description="CSV of channels, one a row, with the keys of [[sensors.channel]] as columns")
    gap: float = Field(3.0, gt=1, description="periods without a reading after which a periodic sensor has a gap")
    ahead: float = Field(60.0, ge=0, description="seconds by which a clock may be ahead; beyond, readings are refused")
    past: float = Field(7.0, gt=0.15, description="days before a day that a night compares it with")
    late: float = Field(24.0, ge=0, description="hours by which readings may come late; beyond, a night calls it a gap")
    stream: tuple[StreamConfig, ...] = Field((), description="files of readings")
    channel: tuple[ChannelConfig, ...] = Field((), description="what the sensors are")
    quiet: tuple[QuietConfig, ...] = Field((), description="service mode and known issues")
