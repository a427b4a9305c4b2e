"""The map of a run: what each group of columns added to the badness of each lumisection."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from dashboard.canvas.timeline import Heat
from dashboard.look.palette import VERMILION
from dqm.model.verdicts import Verdicts
from dqm.store.contributions import LIMIT, STEP, Contributions, levels_of
from features.words import subject

DETECTOR = "detector."
"""How the features begin that are what a whole detector said, not a column."""
LEAST_TOP = 20
"""The level of the full colour is one log-odd at least, so that a quiet run looks quiet."""
UNIT = "log-odds"


def heat_of(given: Contributions, silent: tuple[int, int] | None) -> Heat | None:
    """The groups that add anything in the run, by subsystem and name; None where none does."""
    loud = np.flatnonzero(given.level.any(axis=0)).tolist()
    if not loud:
        return None
    loud.sort(key=lambda j: given.groups[j])
    level, names = given.level[:, loud], [given.groups[j] for j in loud]
    counted = level[level < LIMIT]
    return Heat(
        rows=tuple(group_title(*each) for each in names),
        blocks=_blocks([subsystem for subsystem, _ in names]),
        level=level,
        step=STEP,
        unit=UNIT,
        colour=VERMILION,
        top=max(int(counted.max(initial=0)), LEAST_TOP),
        silent=silent,
    )


def group_title(subsystem: str, element: str) -> str:
    """A group in words; many elements begin with the name of their subsystem.

    >>> group_title("strips", "strips/charge"), group_title("muons", "segments")
    ('strips/charge', 'muons · segments')
    """
    if not subsystem or element.casefold().startswith(subsystem.casefold()):
        return element
    return f"{subsystem} · {element}"


def aligned(given: Contributions, verdicts: Verdicts) -> Contributions:
    """The contributions of the lumisections of ``verdicts``, none where a lumisection has no row."""
    at = given.index.get_indexer(verdicts.index)
    level = np.zeros((len(at), len(given.groups)), dtype=np.uint8)
    level[at >= 0] = given.level[at[at >= 0]]
    return Contributions(verdicts.index, given.groups, level)


def from_reasons(verdicts: Verdicts) -> Contributions:
    """The same from the few reasons of each verdict, for runs that were scored before contributions were kept."""
    cells = [
        ((each.subsystem, subject(each.feature)), row, each.contribution)
        for row, reasons in enumerate(verdicts.reasons)
        for each in reasons
        if not each.feature.startswith(DETECTOR) and each.contribution > 0
    ]
    groups = tuple(sorted({group for group, _, _ in cells}))
    place = {group: j for j, group in enumerate(groups)}
    level: NDArray[np.uint8] = np.zeros((len(verdicts), len(groups)), dtype=np.uint8)
    values = levels_of(np.array([value for _, _, value in cells]))
    for (group, row, _), value in zip(cells, values.tolist(), strict=True):
        level[row, place[group]] = max(level[row, place[group]], value)
    return Contributions(verdicts.index, groups, level)


def _blocks(subsystems: list[str]) -> tuple[tuple[str, int, int], ...]:
    found, at = [], 0
    for name, same in itertools.groupby(subsystems):
        size = len(list(same))
        found.append((name or "(none)", at, size))
        at += size
    return tuple(found)
