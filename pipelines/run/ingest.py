"""``dqm ingest``: files in, partitions per run out; what cannot be used is quarantined with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dqm.formats.histogram_drift import schema_drift
from dqm.formats.reading import ReadFile, ReadResult, merge, read_input
from dqm.model.amounts import counted
from dqm.model.config import Config, InputConfig
from dqm.model.errors import ConfigError, InputError, UnknownNameError
from dqm.model.findings import Finding
from dqm.model.tables import QuantityTable
from dqm.store.change import Change
from dqm.store.histograms import store_histograms
from dqm.store.store import Store
from dqm.store.tables import store_labels, store_quantities
from pipelines.progress import track
from pipelines.run.arrivals import Arrivals
from pipelines.run.file_by_file import FileByFile, Reader
from pipelines.run.held_files import Held

UNLABELLED = "unlabelled"
"""Code of the note that a run has lumisections of which nobody said anything."""


@dataclass(frozen=True)
class IngestSummary:
    """What one ingestion did: runs, lumisections and histograms in the store, labels, files read, what was found."""

    runs: int
    lumisections: int
    labelled: int
    files: int
    histograms: int
    snapshot: int
    findings: tuple[Finding, ...]

    def text(self) -> str:
        """For people."""
        histograms = f", {counted(self.histograms, 'histogram')}" if self.histograms else ""
        return (
            f"{counted(self.lumisections, 'lumisection')} of {counted(self.runs, 'run')}{histograms}, "
            f"{self.labelled} labelled, from {counted(self.files, 'file')}"
        )

    def said(self, most: int) -> list[str]:
        """What was found, ``most`` lines at most; all runs without a label together in one."""
        silent = {each.run for each in self.findings if each.code == UNLABELLED and each.run is not None}
        others = [str(each) for each in self.findings if each.code != UNLABELLED or each.run is None]
        lines = others[:most] + ([f"… and {counted(len(others) - most, 'more finding')}"] if len(others) > most else [])
        if silent:
            place = (
                f"{len(silent)} runs, from {min(silent)} to {max(silent)}" if len(silent) > 1 else f"run {min(silent)}"
            )
            lines.append(f"note [{UNLABELLED}] {place}: all or some of it has no label; it is scored, not learned from")
        return lines

    @property
    def quarantined(self) -> int:
        """Number of findings that keep data from being used."""
        return sum(each.severity == "quarantined" for each in self.findings)


def _files_of(run: int, files: Sequence[ReadFile]) -> str:
    """The files that speak of a run, each with the begin of its SHA-256."""
    spoke = [each for each in files if each.runs is None or run in each.runs]
    return ",".join(f"{Path(each.path).name}:{each.sha256[:16]}" for each in spoke)


def other_unit(table: QuantityTable | None, named: str) -> list[Finding]:
    """A note where the configuration names another unit of the weight than its column, which pages and reports show."""
    weights = [] if table is None else [table.columns[i] for i in table.where(role="weight")]
    return [
        Finding(
            "weight-unit",
            "note",
            f"the input gives the weight {each.name} in {each.unit}, and [experiment] weight_unit = {named!r} is what "
            "pages and reports write beside the same numbers; nothing is converted, so mend one of them unless both "
            "mean the same",
        )
        for each in weights
        if named and each.unit and each.unit != named
    ]


Also = Callable[[Change, tuple[Finding, ...]], None]
"""What else belongs into the commit of an ingestion, from what was found."""


def ingest(
    config: Config,
    store: Store,
    *,
    also: Also = lambda change, findings: None,
    read: Reader = read_input,
    arrivals: Arrivals | None = None,
    again: bool = True,
) -> IngestSummary:
    """Read every input of the configuration into the store, in one commit, with what is ``also`` to be in it.

    Unless all is to be read ``again``, files of histograms are read only where they, or others that speak of the same
    run, are new, changed or gone (``pipelines.run.file_by_file``); the store holds the same either way.

    A file that cannot be read becomes a quarantine entry and the others are still ingested; raises ``InputError`` only
    where no input gave any quantities, in which case nothing that was published changes. ``arrivals`` is what the
    inputs hold, where that is known already: it is entered, so that a night in which nothing came reads nothing.
    """
    if not config.inputs:
        raise InputError("the configuration names no [[inputs]]; see docs/formats.md for the kinds")
    seen = arrivals or Arrivals.of(config, Arrivals.taken(store))
    reader = FileByFile(config, store, seen, read, Held() if again else Held.of(store))
    results: list[tuple[InputConfig, ReadResult]] = []
    refused: list[Finding] = []
    for each in track(config.inputs, "reading"):
        try:
            results.append((each, reader(each, config)))
        except InputError as error:
            refused.append(Finding("unreadable", "quarantined", str(error)))
            results.append((each, ReadResult(None, None, (), ())))  # what it would have spoken of is not taken for good
    if not any(result.quantities is not None for _, result in results):
        why = "; ".join(each.reason for each in refused) or "they hold labels only"
        raise InputError(f"no input gave any quantities: {why}")
    try:
        merged = merge(results, weight=config.experiment.weight)
    except (ConfigError, InputError, UnknownNameError) as error:
        if not refused:
            raise
        why = "; ".join(each.reason for each in refused)
        raise InputError(f"{error} (an input was refused: {why})") from None
    told = other_unit(merged.quantities, config.experiment.weight_unit)
    findings = (*refused, *told, *merged.findings, *schema_drift(merged.histograms, reader.elements))
    table, labels = merged.quantities, merged.labels
    if table is None:
        raise InputError("no input gave any quantities")
    with store.transaction() as change:
        change.made_from(lambda run: {"files": _files_of(run, merged.files)})
        store_quantities(change, table, {})
        store_histograms(change, merged.histograms, {})
        if labels is not None:
            store_labels(change, labels, {})
        change.add_findings(findings)
        change.take_in({} if refused else seen.document(), findings)  # what was refused may be readable tomorrow
        also(change, findings)
        stored = change.digests("histograms")
    reader.keep(stored, merged)
    labelled = 0 if labels is None else int((labels.values >= 0).sum())
    runs = len(set(table.run.tolist()))
    filled = sum(len(each) for each in merged.histograms) + reader.histograms
    return IngestSummary(runs, len(table), labelled, len(merged.files), filled, store.snapshot, findings)
