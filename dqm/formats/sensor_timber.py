"""Timber block CSV: ``VARIABLE: <name>``, a line that says which clock, and the readings of that variable.

Times are local unless the header says UTC. A variable of arrays is no sensor: which element means what is nowhere
written, so it is quarantined; take it apart into variables and export those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dqm.formats.sensor_rows import numbers, read_body, whole_lines
from dqm.formats.sensor_series import ParsedSensors, moments, series_of
from dqm.formats.sources import Source
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.sensors_config import StreamConfig

MARK = b"VARIABLE:"
CLOCK = re.compile(rb"\s*(Timestamp[^\r\n]*)\r?\n", re.IGNORECASE)
WHEN, READ = "time", "value"


def is_timber(source: Source) -> bool:
    """Whether a file begins as such a file does."""
    return source.data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").upper().startswith(MARK)


def parse_timber(source: Source, given: StreamConfig) -> ParsedSensors:
    """Series of every variable; raises ``InputError`` where there is none, or for times of an unknown zone."""
    data, findings = whole_lines(source)
    found = ParsedSensors(source, findings=findings)
    for block in _blocks(data):
        name, _, rest = bytes(block[: 1 << 12]).partition(b"\n")
        called = name[len(MARK) :].decode("utf-8", errors="replace").strip()
        header = CLOCK.match(rest)
        if header is None:
            reason = f"{called}: no line 'Timestamp (UTC_TIME),Value' follows its name; its readings are not used"
            found.findings.append(Finding("header", "quarantined", reason, str(source.path)))
            continue
        _read(found, called, header[1].decode("utf-8", errors="replace"), block[len(name) + 1 + header.end() :], given)
    if not found.series and not found.findings:
        raise InputError(f"{source.path}: no line begins with 'VARIABLE:'; this is no Timber block file")
    return found


def _read(found: ParsedSensors, called: str, header: str, body: memoryview, given: StreamConfig) -> None:
    """Add the series of one block, or say why it has none."""
    rows = read_body(found.source, body, [WHEN, READ], ",", ())
    found.rows += rows.read
    found.lost += rows.lost
    if rows.lost and "ARRAY" in header.upper():
        reason = f"{called}: its readings are arrays; export their elements as variables of their own"
        found.findings.append(Finding("array", "quarantined", reason, str(found.source.path)))
        return
    found.findings += rows.findings
    when = moments(rows.table[WHEN], header.split(",")[0], given, found.source)
    name = given.prefix + given.names.get(called, called)
    found.series.append(series_of(name, "", when, numbers(rows.table[READ])))


def _blocks(data: bytes) -> Iterator[memoryview]:
    """Every block, from its ``VARIABLE:`` on."""
    view, begin = memoryview(data), data.find(MARK)
    while begin >= 0:
        end = data.find(b"\n" + MARK, begin + 1)
        yield view[begin : end + 1] if end >= 0 else view[begin:]
        begin = end + 1 if end >= 0 else -1
