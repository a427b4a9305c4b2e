"""Times of readings: zones, clock changes, units of time."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqm.formats.sensor_times import UNKNOWN, clock, settled, to_utc, zone_named
from dqm.model.errors import InputError, UnknownNameError

ZURICH = zone_named("Europe/Zurich")


def moments(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ns]").astype(np.int64)


def text(*cells: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


def test_summer_and_winter() -> None:
    found = to_utc(moments("2026-07-01T12:00", "2026-12-01T12:00"), ZURICH)
    assert found.time.tolist() == moments("2026-07-01T10:00", "2026-12-01T11:00").tolist()
    assert not found.later.any()


def test_the_hour_that_comes_twice_and_the_one_that_never_was() -> None:
    local = moments(
        "2026-10-25T01:59:59",
        "2026-10-25T02:30",
        "2026-10-25T03:00",
        "2026-03-29T01:59:59",
        "2026-03-29T02:30",
        "2026-03-29T03:00",
    )
    found = to_utc(local, ZURICH)
    assert found.later.tolist() == [0, 3600 * 10**9, 0, 0, 0, 0]
    assert found.missing.tolist() == [False, False, False, False, True, False]
    expected = moments(
        "2026-10-24T23:59:59", "2026-10-25T00:30", "2026-10-25T02:00", "2026-03-29T00:59:59", "NaT", "2026-03-29T01:00"
    )
    assert found.time.tolist() == expected.tolist()


@given(st.integers(0, 2 * 365 * 86_400))
def test_every_moment_comes_back_from_its_local_time(second: int) -> None:
    """Unless clocks show it twice: then it is the first pass or ``later`` after it."""
    moment = int(moments("2026-01-01T00:00")[0]) + second * 10**9
    shown = (
        np.datetime64(moment // 10**9, "s")
        .item()
        .replace(tzinfo=zone_named("UTC"))
        .astimezone(ZURICH)
        .replace(tzinfo=None)
    )
    found = to_utc(moments(shown.isoformat()), ZURICH)
    assert moment in (found.time[0], found.time[0] + found.later[0])
    assert not found.missing[0]


def test_one_step_back_settles_the_hour_that_comes_twice() -> None:
    local = moments(*(f"2026-10-25T{hour}:{minute}" for hour in ("01", "02", "02", "03") for minute in ("00", "30")))
    time, done = settled(to_utc(local, ZURICH))
    assert done == 4
    assert (np.diff(time) == 1800 * 10**9).all()


@pytest.mark.parametrize(
    "local",
    [
        ["2026-10-25T02:10", "2026-10-25T02:30"],
        ["2026-10-25T02:30", "2026-10-25T02:10", "2026-10-25T02:40", "2026-10-25T02:20"],
        ["2026-10-25T05:00", "2026-10-25T02:30", "2026-10-25T02:10"],
    ],
    ids=["no step", "two steps", "a file out of order"],
)
def test_what_the_order_does_not_settle_stays_unknown(local: list[str]) -> None:
    """Mutant: the first pass is taken where nothing tells which one it was."""
    time, done = settled(to_utc(moments(*local), ZURICH))
    assert done == 0
    twice = ["T02:" in each for each in local]
    assert (time[twice] == UNKNOWN).all()


@pytest.mark.parametrize(
    ("number", "unit"),
    [(1_777_636_800, "s"), (1_777_636_800_000, "ms"), (1_777_636_800_000_000, "us"), (1_777_636_800 * 10**9, "ns")],
)
@pytest.mark.parametrize("declared", [True, False])
def test_numbers_count_what_they_say_or_what_their_size_tells(number: int, unit: str, declared: bool) -> None:
    cells = pa.chunked_array([[number, number + 1]])
    found = clock(cells, unit if declared else "auto", "x")
    assert found.time[0] == 1_777_636_800 * 10**9
    assert not found.local


def test_nanoseconds_are_exact() -> None:
    number = 1_777_636_800 * 10**9 + 123_456_789
    assert clock(pa.chunked_array([[number]]), "ns", "x").time[0] == number


def test_fractions_are_exact_to_the_microsecond() -> None:
    assert clock(pa.chunked_array([[1_777_636_800.123456]]), "s", "x").time[0] == 1_777_636_800_123_456_000


def test_numbers_that_are_no_time_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"x: numbers such as 4.55 are no count of s, ms, us or ns since 1970; name the"
    ):
        clock(pa.chunked_array([[4.5, 4.6]]), "auto", "x")


def test_text_with_an_offset_is_utc_and_without_one_is_local() -> None:
    zoned = clock(text("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00.5Z", "soon", None), "auto", "x")
    assert not zoned.local
    assert zoned.time.tolist() == [*moments("2026-05-01T10:00", "2026-05-01T10:00:00.5").tolist(), UNKNOWN, UNKNOWN]
    bare = clock(text("2026-05-01 12:00:00", "soon"), "auto", "x")
    assert bare.local
    assert bare.time.tolist() == [*moments("2026-05-01T12:00").tolist(), UNKNOWN]


def test_text_of_both_kinds_is_refused() -> None:
    with pytest.raises(InputError, match="the time '2026-05-01 12:00' has no offset and others have one"):
        clock(text("2026-05-01T10:00Z", "2026-05-01 12:00"), "auto", "x")


def test_times_outside_1970_to_2100_are_none() -> None:
    cells = text("1850-01-01", "2150-01-01", "0001-01-01", "soon", "2026-01-01")
    found = clock(cells, "auto", "x").time.tolist()
    assert found == [UNKNOWN] * 4 + moments("2026-01-01").tolist()


@pytest.mark.parametrize("zoned", [True, False])
def test_timestamps_know_whether_they_have_a_zone(zoned: bool) -> None:
    kind = pa.timestamp("us", "Europe/Zurich" if zoned else None)
    cells = pa.chunked_array([pa.array([1_777_636_800_000_000, None], kind)])
    found = clock(cells, "auto", "x")
    assert found.local is not zoned
    assert found.time.tolist() == [1_777_636_800 * 10**9, UNKNOWN]


def test_a_day_is_a_local_midnight() -> None:
    found = clock(pa.chunked_array([pa.array([date(2026, 5, 1)])]), "auto", "x")
    assert found.local
    assert found.time.tolist() == moments("2026-05-01").tolist()


def test_an_unknown_zone_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=re.escape("unknown time zone 'Europe/Zürich'; nearest valid names: 'Europe/Zurich'")
    ):
        zone_named("Europe/Zürich")
