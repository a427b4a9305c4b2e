"""DQMIO files as an input of the configuration."""

from __future__ import annotations

from pathlib import Path

from dqm.formats.dqmio import HISTOGRAMS, open_dqmio
from dqm.formats.histogram_rows import ParsedHistograms, read_histogram_files
from dqm.formats.legacy_dqm import digest_of
from dqm.formats.results import ReadResult
from dqm.model.config import Config, DqmioInput
from dqm.model.patterns import asked_for


def read_dqmio(described: DqmioInput, config: Config) -> ReadResult:
    """Read the histograms of DQMIO files; their integers, numbers and texts are not used."""
    return read_histogram_files(config.files(described.files), lambda path: parse_dqmio(path, described.elements))


def parse_dqmio(path: Path, elements: tuple[str, ...] = ()) -> ParsedHistograms:
    """The histograms of one file whose elements are asked for; only their baskets are decompressed."""
    with open_dqmio(path) as file:
        wanted = [name for name in file.elements() if asked_for(name, elements)]
        batches = tuple(file.read(wanted)) if wanted else ()
        entries = sum(len(file.index[tree].code) for tree in HISTOGRAMS if tree in file.index)
        kept = sum(len(each) for each in batches)
        return ParsedHistograms(str(path), digest_of(path), batches, tuple(file.findings), entries, kept)
