"""Contributions of features, put together to groups of columns: a subsystem with a quantity or monitor element."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dqm.model.tables import FeatureTable
from dqm.store.contributions import LIMIT, Contributions, levels_of
from features.words import subject
from pipelines.run.reasons import Leaders, with_whole_histograms


def contributions(table: FeatureTable, contribution: NDArray[np.float32]) -> Contributions:
    """The largest contribution of a feature to each group, of ``n`` lumisections.

    ``contribution`` ``(n, d)`` ≥ 0 is evidence for BAD in log-odds. A feature over several columns counts in the group
    of the one that stands out most, as in ``reasons_of``; a broken limit in the group that it limits.
    """
    leaders = Leaders(table)
    contribution = with_whole_histograms(table.columns, contribution)
    judged = [j for j, column in enumerate(table.columns) if column.role in ("feature", "limit")]
    groups, place = _groups(table, leaders, judged)
    level = np.zeros((len(table), len(groups)), dtype=np.uint8)
    rows = np.arange(len(table))
    for j in judged:
        limited = table.columns[j].role == "limit"
        said = np.where(table.values[:, j] == 1, LIMIT, 0) if limited else levels_of(contribution[:, j])
        if said.any():
            at = place[leaders.column(j)]
            level[rows, at] = np.maximum(level[rows, at], said)
    return Contributions(table.index, groups, level)  # type: ignore[arg-type]  # a lumisection index


def _groups(
    table: FeatureTable, leaders: Leaders, judged: list[int]
) -> tuple[tuple[tuple[str, str], ...], NDArray[np.int64]]:
    """The groups that may have contributions, ascending, and the place of every column among them, −1 for none."""
    named = {}
    for j in judged:
        for at in leaders.behind(j):
            column = table.columns[at]
            feature = f"{table.columns[j].name}: {column.name}" if at != j else column.name
            named[at] = (column.subsystem, subject(feature))
    groups = tuple(sorted(set(named.values())))
    position = {group: at for at, group in enumerate(groups)}
    place = np.full(len(table.columns), -1)
    place[list(named)] = [position[group] for group in named.values()]
    return groups, place
