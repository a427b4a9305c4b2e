"""``dqm convert``: files of histograms of any kind into one Parquet file that any program reads, and back into ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dqm.formats.histogram_merge import merge_histograms
from dqm.formats.inspection import parse_any
from dqm.formats.ml4dqm_table import fits_table, write_ml4dqm
from dqm.model.amounts import agreeing, counted
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch
from pipelines.progress import track


@dataclass(frozen=True)
class Conversion:
    """What was converted: histograms written, bytes of the file, and what was found on the way."""

    path: str
    histograms: int
    elements: int
    size: int
    findings: tuple[Finding, ...]

    def text(self) -> str:
        """For people."""
        return (
            f"wrote {self.path}: {counted(self.histograms, 'histogram')} of {counted(self.elements, 'element')}, "
            f"{self.size / 2**20:.1f} MiB, {self.size / max(self.histograms, 1):.0f} bytes each"
        )


def convert(sources: Sequence[Path], target: Path, elements: tuple[str, ...] = ()) -> Conversion:
    """Read files and write an ML4DQM table, ``target`` ``.parquet``, with under- and overflow.

    Profiles, histograms of three dimensions and those with uneven bins have no place in such a table and are left out
    with a finding; labels of bins are not kept. Raises
    ``InputError`` where ``target`` is there already or no file can be read.
    """
    if target.suffix != ".parquet":
        raise InputError(f"{target}: histograms are converted into .parquet")
    if target.exists():
        raise InputError(f"{target}: is there already; remove it or name another file")
    findings: list[Finding] = []
    batches: list[HistogramBatch] = []
    for path in track(sources, "reading"):
        parsed = parse_any(path, elements)
        findings += parsed.findings
        batches += parsed.batches
    kept, conflicts = merge_histograms(batches)
    findings += conflicts
    flat = [each for each in kept if fits_table(each)]
    left = sorted({each.element for each in kept if not fits_table(each)})
    if left:
        reason = (
            f"{counted(len(left), 'element')} {agreeing(len(left), '[is|are]')} left out, such as {left[0]}: "
            "profiles, three dimensions and uneven bins have no place in the table"
        )
        findings.append(Finding("shape", "quarantined", reason))
    if not flat:
        raise InputError(f"{target}: there is no histogram to write; dqm inspect shows what a file holds")
    write_ml4dqm(target, track(sorted(flat, key=lambda batch: batch.element), "writing"))
    count = sum(len(each) for each in flat)
    return Conversion(str(target), count, len({each.element for each in flat}), target.stat().st_size, tuple(findings))
