"""``dqm benchmark io``: how fast histograms are read, stored and reduced, beside uproot and ROOT's own loop.

Every measurement is a process of its own, so that peak memory is its own and nothing is warm that should not be. The
files are written by real ROOT where an interpreter has it, and kept outside the repository.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from dqm.model.errors import ConfigError
from pipelines.benchmarks import io_files
from pipelines.progress import track

FULL, QUICK = (2000, 500), (200, 500)
"""Lumisections and monitor elements of the DQMIO files."""
REPEATS = 5
ROOT_PYTHON = "DQM_ROOT_PYTHON"
"""Environment variable that names an interpreter with ROOT; default: this one, where it has ROOT."""
METHODS = {
    "dqmio": ("lumicert", "lumicert-one-thread", "uproot", "root-cpp"),
    "legacy": ("lumicert", "uproot", "root-cpp"),
    "store": ("lumicert",),
    "night": ("lumicert", "lumicert-reference", "lumicert-8-references"),
}


@dataclass(frozen=True)
class IoRow:
    """One method on one set: histograms per second (median of several), peak memory of its process, seconds."""

    set: str
    method: str
    histograms_per_s: float
    peak_mib: float
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"histograms_per_s": self.histograms_per_s, "peak_mib": self.peak_mib}
        return {"set": self.set, "method": self.method, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class IoResult:
    """All rows and what was left out."""

    rows: tuple[IoRow, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """For people, with the ratio of ours to every peer on the same set."""
        ours = {row.set: row.histograms_per_s for row in self.rows if row.method == "lumicert"}
        lines = [f"{'set':12} {'method':22} {'histograms/s':>14} {'lumicert is':>12} {'peak MiB':>9} {'s':>8}"]
        for row in self.rows:
            ratio = f"{ours[row.set] / row.histograms_per_s:.2f}×" if row.set in ours else ""
            lines.append(
                f"{row.set:12} {row.method:22} {row.histograms_per_s:>14,.0f} {ratio:>12} {row.peak_mib:>9.0f} "
                f"{row.seconds:>8.3f}"
            )
        return "\n".join([*lines, *(f"note: {each}" for each in self.notes)])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"benchmark": "io", "versions": versions(), "rows": [row.document() for row in self.rows]}


def versions() -> dict[str, str]:
    """Of the packages that take part and are there."""
    found = {}
    for name in ("lumicert", "numpy", "numba", "pyarrow", "deflate", "cramjam", "uproot", "boost-histogram", "polars"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def run(*, quick: bool = False, file: Path | None = None, cache: Path | None = None) -> IoResult:
    """Measure on files that ROOT writes into ``cache``, or on one DQMIO ``file`` of the user's own."""
    notes: list[str] = []
    if file is not None:
        sets = {f"dqmio:{file.name}": file}
    else:
        sets, notes = _files(QUICK if quick else FULL, cache or _cache())
    rows = []
    for name, path, method in track(list(_jobs(sets, notes)), "measuring"):
        found = measured(name, method, path, REPEATS)
        seconds = median(found["seconds"])
        rows.append(IoRow(name, method, found["histograms"] / seconds, found["peak_mib"], seconds))
    return IoResult(tuple(rows), tuple(notes))


def _jobs(sets: dict[str, Path], notes: list[str]) -> Iterator[tuple[str, Path, str]]:
    has_root, has_uproot = root_python() is not None, importlib.util.find_spec("uproot") is not None
    if not has_uproot:
        notes.append("uproot is not installed here; it is left out")
    for name, path in sets.items():
        for method in METHODS[name.partition("-")[0].partition(":")[0]]:
            if (method == "uproot" and not has_uproot) or (method == "root-cpp" and not has_root):
                continue
            yield name, path, method


def root_python() -> str | None:
    """An interpreter that has ROOT."""
    named = os.environ.get(ROOT_PYTHON, "")
    if named:
        return named
    return sys.executable if importlib.util.find_spec("ROOT") else None


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lumicert"


def _files(size: tuple[int, int], cache: Path) -> tuple[dict[str, Path], list[str]]:
    """The large files, written once; without ROOT the small fixtures of a checkout, and a note."""
    interpreter = root_python()
    if interpreter is None:
        fixtures = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "dqmio"
        if not fixtures.is_dir():
            raise ConfigError(
                f"no interpreter has ROOT, which writes the large files: pip install lumicert[root], name one in "
                f"{ROOT_PYTHON}, or give a DQMIO file with --file"
            )
        note = "ROOT is not installed: small fixtures are read instead of large files; rates say little"
        return {f"dqmio-{each}": fixtures / f"plain_{each}.root" for each in io_files.COMPRESSIONS}, [note]
    folder = cache / f"io-{size[0]}x{size[1]}"
    if not (folder / "legacy.root").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            command = [interpreter, "-W", "ignore", io_files.__file__, "write", staging, *map(str, size)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ConfigError(f"{interpreter}: ROOT could not write the files: {done.stderr.strip()[-300:]}")
            for each in sorted(Path(staging).iterdir(), reverse=True):
                each.replace(folder / each.name)
    sets = {each.stem: each for each in sorted(folder.glob("*.root"))}
    zlib = folder / "dqmio-zlib.root"
    return sets | {"store-write": zlib, "store-read": zlib, "store-one": zlib, "night": zlib}, []


def measured(name: str, method: str, path: Path, repeats: int) -> dict[str, Any]:
    """Seconds of every repetition, histograms of each, and peak memory of the process."""
    kind, _, what = name.partition(":")[0].partition("-")
    if method == "root-cpp":
        command = [str(root_python()), "-W", "ignore", io_files.__file__, "read", kind, str(path), str(repeats)]
        from pipelines.benchmarks.io_methods import count

        extra = {"histograms": count(kind, path)}
    else:
        command = [sys.executable, "-m", "pipelines.benchmarks.io_methods", kind, method, str(path), str(repeats), what]
        extra = {}
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"{method} failed on {path.name}: {done.stderr.strip()[-300:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), **extra}
