"""Read an input of the configuration, and merge what several inputs say into one table and one set of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from dqm.formats.histogram_merge import merge_histograms
from dqm.formats.results import ReadFile, ReadResult, joined
from dqm.formats.screening import folded
from dqm.model import plugins
from dqm.model.config import Config, InputConfig, PluginInput
from dqm.model.errors import ConfigError, InputError, UnknownNameError
from dqm.model.findings import Finding
from dqm.model.labels import Labels, merged
from dqm.model.tables import USABLE, QuantityTable, lumisection_index

__all__ = ["ReadFile", "ReadResult", "merge", "read_input"]


def read_input(described: InputConfig, config: Config) -> ReadResult:
    """Read one input with the reader registered in ``dqm.readers`` under its kind, or under its name for a plug-in.

    Of several files those that cannot be read are quarantined by a finding; ``InputError`` when none can be read. A
    caller that goes on without an input gives ``merge`` an empty result in its place, so that nothing it would have
    spoken of is taken for good.
    """
    name = described.reader if isinstance(described, PluginInput) else described.kind
    result: ReadResult = plugins.load("dqm.readers", name)(described, config)
    return result


def merge(results: Sequence[tuple[InputConfig, ReadResult]], weight: str = "") -> ReadResult:
    """Join what the inputs say on ``(run, ls)``.

    A lumisection that a required input lacks gets the status ``missing:<kind>``; labels are merged by the precedence of
    their sources. ``weight`` names the column that is lost with a lumisection; other weights become conditions.
    Histograms that two inputs give differently are left out.

    Raises ``InputError`` where two inputs have a column of the same name, ``UnknownNameError`` for an unknown weight,
    ``ConfigError`` for several weights and no name.
    """
    given = [(described, each.quantities) for described, each in results if each.quantities is not None]
    _refuse_equal_names(given)
    table, findings = _joined(results, given), [each for _, result in results for each in result.findings]
    if table is not None:
        table, found = _weighted(table, weight)
        findings += found
    labels = [each.labels for _, each in results if each.labels is not None]
    if table is not None:
        index = lumisection_index(table.run, table.ls)
        labels += [each.certification.labels(index) for _, each in results if each.certification is not None]
    files = tuple(file for _, each in results for file in each.files)
    histograms, conflicts = merge_histograms(batch for _, each in results for batch in each.histograms)
    return ReadResult(table, _merged(labels), (*findings, *conflicts), files, histograms=tuple(histograms))


def _refuse_equal_names(given: Sequence[tuple[InputConfig, QuantityTable]]) -> None:
    owner: dict[str, str] = {}
    for i, (described, table) in enumerate(given, start=1):
        where = f"input {i} ({described.kind})"
        for name in table.names:
            if name in owner:
                raise InputError(
                    f"column {name!r} comes from {owner[name]} and from {where}; rename or drop one of them"
                )
            owner[name] = where


def _joined(
    results: Sequence[tuple[InputConfig, ReadResult]], given: Sequence[tuple[InputConfig, QuantityTable]]
) -> QuantityTable | None:
    """The outer join; a required input that gave nothing at all is missing everywhere."""
    if not given:
        return None
    table = joined(
        [each for _, each in given], [f"missing:{each.kind}" if each.required else USABLE for each, _ in given]
    )
    for described, result in results:
        silent = result.quantities is None and result.labels is None and result.certification is None
        if described.required and silent:
            table = replace(table, status=np.where(table.usable, f"missing:{described.kind}", table.status))
    return table


def _weighted(table: QuantityTable, weight: str) -> tuple[QuantityTable, list[Finding]]:
    """Leave one weight, and mark the lumisections whose weight is missing, negative or infinite."""
    weights = [table.columns[i].name for i in table.where(role="weight")]
    if not weight and len(weights) > 1:
        raise ConfigError(f"several weights: {', '.join(weights)}; name one as [experiment] weight")
    if weight and weight not in table:
        raise UnknownNameError("weight", weight, table.names)
    name = weight or next(iter(weights), "")
    if not name:
        return table, []
    columns = tuple(
        replace(c, role="weight") if c.name == name else replace(c, role="condition") if c.role == "weight" else c
        for c in table.columns
    )
    value = table[name]
    bad = table.usable & ~(np.isfinite(value) & (value >= 0))
    rows = pd.DataFrame({"file": "", "run": table.run[bad], "ls": table.ls[bad]})
    findings = folded(rows, f"invalid:{name}", "quarantined", f"the weight {name} is missing, negative or infinite")
    return replace(table, columns=columns, status=np.where(bad, f"invalid:{name}", table.status)), findings


def _merged(labels: Sequence[Labels]) -> Labels | None:
    spoken = [each for each in labels if len(each)]
    return merged(spoken) if spoken else None
