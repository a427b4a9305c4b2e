"""brilcalc ``lumi --byls`` CSV: delivered and recorded luminosity, mean pile-up and the begin of every lumisection.

Both generations of the header are read, ``#run:fill,ls,time,…`` and ``Run:Fill,LS,UTCTime,…``, with a beam status or
an HLT path; luminosities in any unit become /pb. Times are UTC by definition. The second number of ``ls`` is 0 where
the experiment recorded nothing. What the tail says (``#Summary``, ``#Sum``, ``#Check JSON``) is compared with the rows.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from dqm.formats.results import ReadResult
from dqm.formats.screening import Parsed, folded, numbers, placed, read_files
from dqm.formats.sources import Source
from dqm.formats.times import Times, epoch_starts
from dqm.model.amounts import counted
from dqm.model.config import BrilcalcInput, Config
from dqm.model.errors import InputError, nearest
from dqm.model.findings import Finding
from dqm.model.tables import Column

SOURCE = "brilcalc"
PER_PB = {"/fb": 1e3, "/pb": 1.0, "/nb": 1e-3, "/ub": 1e-6, "/mb": 1e-9}
"""What one of each unit is in /pb."""

COLUMNS = (
    Column("brilcalc_recorded", SOURCE, "luminosity", role="weight", unit="/pb"),
    Column("brilcalc_delivered", SOURCE, "luminosity", role="condition", unit="/pb"),
    Column("brilcalc_pileup", SOURCE, "luminosity", role="condition"),
)
OLD_NAMES = {"utctime": "time"}
REQUIRED = ("run:fill", "ls", "delivered", "recorded")
KNOWN = (*REQUIRED, "time", "beamstatus", "hltpath", "e(gev)", "avgpu", "source")
TEXT_TIME = "%m/%d/%y %H:%M:%S"


def read_brilcalc(described: BrilcalcInput, config: Config) -> ReadResult:
    """Read brilcalc files; they carry no labels."""
    return read_files(config.files(described.files), parse_brilcalc, SOURCE)


def parse_brilcalc(source: Source) -> Parsed:
    """Rows of one brilcalc file, luminosities in /pb."""
    lines = source.text().splitlines()
    names, scale, first = _header(source, lines)
    data = [line for line in lines[first:] if line.strip() and not line.startswith("#")]
    if not data:
        raise InputError(f"{source.path}: the table has no rows")
    raw = _cells(data, names)
    frame = pd.DataFrame({"run": raw["run:fill"].str.split(":").str[0], "ls": _ls(raw["ls"])})
    frame["brilcalc_recorded"] = numbers(raw["recorded"])[0] * scale["recorded"]
    frame["brilcalc_delivered"] = numbers(raw["delivered"])[0] * scale["delivered"]
    frame["brilcalc_pileup"] = raw.get("avgpu", np.nan)
    # not recorded and yet recorded: the row contradicts itself
    frame.loc[raw["ls"].str.endswith(":0") & (frame["brilcalc_recorded"] != 0), "brilcalc_recorded"] = np.nan
    frame["start"] = _starts(raw["time"]) if "time" in raw else np.datetime64("NaT", "ns")
    _refuse_several_paths(source, raw)
    findings = [source.unknown(name, KNOWN) for name in names if name not in KNOWN]
    findings += [*_untimed(source, raw, frame), *_tail(source, lines[first:], frame["brilcalc_recorded"], scale)]
    return Parsed(source, frame, COLUMNS, tuple(findings), ("brilcalc_delivered",))


def write_brilcalc(path: Path, frame: pd.DataFrame, *, unit: str = "/pb", normtag: str = "none") -> None:
    """Write rows as ``brilcalc lumi --byls`` does, with the summary that a reader compares.

    ``frame`` has ``run``, ``fill``, ``ls``, ``start`` (datetime64, UTC), ``delivered`` and ``recorded`` (/pb),
    ``pileup``. Where nothing was recorded the second number of ``ls`` is 0. Luminosities keep nine significant digits.
    """
    scale = 1 / PER_PB[unit]
    delivered, recorded = frame["delivered"] * scale, frame["recorded"] * scale
    rows = zip(
        *(frame[name].tolist() for name in ("run", "fill", "ls")),
        frame["start"].dt.strftime(TEXT_TIME).tolist(),
        *(each.tolist() for each in (delivered, recorded, frame["pileup"])),
        strict=True,
    )
    head = f"#Data tag : {normtag} , Norm tag: {normtag}\n"
    head += f"#run:fill,ls,time,beamstatus,E(GeV),delivered({unit}),recorded({unit}),avgpu,source\n"
    body = "".join(
        f"{run}:{fill},{ls}:{ls if r else 0},{time},STABLE BEAMS,6800,{d:.9g},{r:.9g},{mu:.1f},SIMULATED\n"
        for run, fill, ls, time, d, r, mu in rows
    )
    tail = f"#Summary:\n#nfill,nrun,nls,ncms,totdelivered({unit}),totrecorded({unit})\n"
    counts = (frame["fill"].nunique(), frame["run"].nunique(), len(frame), int((recorded > 0).sum()))
    tail += f"#{','.join(map(str, counts))},{delivered.sum():.9g},{recorded.sum():.9g}\n"
    path.write_text(head + body + tail, encoding="ascii")


def _header(source: Source, lines: list[str]) -> tuple[list[str], dict[str, float], int]:
    """Column names in lower case, the unit of each luminosity in /pb, and the number of the first line after it."""
    heads = (i for i, line in enumerate(lines) if line.lstrip("#").lower().startswith("run:fill,"))
    at_line = next(heads, None)
    if at_line is None:
        raise InputError(f"{source.path}: not a brilcalc table: no header that begins '#run:fill' or 'Run:Fill'")
    names = [each.strip().lower().replace(" ", "") for each in lines[at_line].lstrip("#").split(",")]
    scale: dict[str, float] = {}
    for at, name in enumerate(names):
        if found := re.fullmatch(r"(delivered|recorded)(?:\((.*)\))?", name):
            names[at], unit = found.groups(default="")
            if unit not in PER_PB:
                raise InputError(f"{source.path}: {names[at]} in unknown unit {unit!r}; {nearest(unit, PER_PB)}")
            scale[names[at]] = PER_PB[unit]
    names = [OLD_NAMES.get(name, name) for name in names]
    source.require(REQUIRED, names)
    return names, scale, at_line + 1


def _cells(data: list[str], names: list[str]) -> pd.DataFrame:
    """Cells as text; a line with too few or too many fields keeps its key and loses its values."""
    width = len(names)
    split = [line.split(",") for line in data]
    whole = [each if len(each) == width else (each[:2] + [""] * width)[:width] for each in split]
    return pd.DataFrame(whole, columns=names, dtype="str")


def _ls(cells: pd.Series[str]) -> pd.Series[str]:
    """The lumisection of ``a:a`` or ``a:0``; anything else stays text, which is no key."""
    pair = cells.str.extract(r"^\s*(\d+):(\d+)\s*$")
    good = pair[0].notna() & ((pair[0] == pair[1]) | (pair[1] == "0"))
    return pair[0].where(good, cells + " (no pair a:a or a:0)")


def _starts(time: pd.Series[str]) -> Times:
    seconds, _ = numbers(time)
    text = pd.to_datetime(time.where(np.isnan(seconds), None), format=TEXT_TIME, errors="coerce")
    return np.where(np.isnan(seconds), text.to_numpy(dtype="datetime64[ns]"), epoch_starts(seconds))


def _refuse_several_paths(source: Source, raw: pd.DataFrame) -> None:
    if "hltpath" not in raw:
        return
    paths = raw.groupby(["run:fill", "ls"], sort=False)["hltpath"].unique()
    several = paths[paths.map(len) > 1]
    if len(several):
        run, ls = (str(each).split(":")[0] for each in several.index[0])
        names = ", ".join(several.iloc[0])
        raise InputError(
            f"{source.path}: run {run}, LS {ls} stands under several HLT paths ({names}); keep one per file"
        )


def _untimed(source: Source, raw: pd.DataFrame, frame: pd.DataFrame) -> list[Finding]:
    if "time" not in raw:
        return []
    rows = frame[frame["start"].isna() & (raw["time"] != "")].assign(file=str(source.path))
    return folded(placed(rows)[0], "time", "note", "the time is not understood and the begin stays unknown")


def _tail(source: Source, lines: list[str], recorded: pd.Series[float], scale: dict[str, float]) -> list[Finding]:
    """Compare the rows with what the file's own tail says of them."""
    tail = "\n".join(line for line in lines if line.startswith("#"))
    findings = []
    stated = re.search(r"^#Sum recorded *: *(\S+)", tail, re.M) or re.search(r"totrecorded.*\n#.*,(\S+)$", tail, re.M)
    total = recorded.sum() / scale["recorded"]
    if stated and not np.isclose(numbers(pd.Series([stated[1]]))[0][0], total, rtol=1e-3):
        reason = f"recorded luminosity sums to {total:.6g} over the rows but to {stated[1]} in the file's own summary"
        findings.append(Finding("summary", "note", reason, str(source.path)))
    for where, pairs in re.findall(r"^#\(run,ls\) (in \S+ but not in \S+): \[(.+)\]$", tail, re.M):
        run, ls = map(int, re.findall(r"\d+", pairs)[:2])
        reason = f"brilcalc found {counted(pairs.count('('), 'lumisection')} {where}; the first is named"
        findings.append(Finding("check-json", "note", reason, str(source.path), run, ls))
    return findings
