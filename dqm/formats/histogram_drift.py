"""What changed in the set of monitor elements from one run to the next: gone, new, renamed, binned otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch

CODE = "schema.drift"
ALIKE = 0.7
"""How alike two names must be, from 0 to 1, to be taken for a renaming."""


def schema_drift(
    batches: Iterable[HistogramBatch], known: Mapping[int, Mapping[str, Iterable[str]]] = MappingProxyType({})
) -> list[Finding]:
    """One note for every run whose elements or binnings are not those of the run before it.

    ``known`` holds elements and binnings of runs that have no batch.

    What is gone is missing in the features and held for a person; what is new has no past yet.
    """
    held = {run: {name: set(binnings) for name, binnings in each.items()} for run, each in known.items()}
    for each in batches:
        for run in np.unique(each.run).tolist():
            held.setdefault(run, {}).setdefault(each.element, set()).add(each.binning)
    runs = sorted(held)
    found = []
    for before, run in pairwise(runs):
        told = _told(held[before], held[run])
        if told:
            found.append(Finding(CODE, "note", f"compared with run {before}: {'; '.join(told)}", run=run))
    return found


def _told(before: Mapping[str, set[str]], now: Mapping[str, set[str]]) -> list[str]:
    gone, new = sorted(before.keys() - now.keys()), sorted(now.keys() - before.keys())
    told = []
    for name in list(gone):
        close = get_close_matches(name, new, n=1, cutoff=ALIKE)
        if close:
            told.append(f"{name} may be called {close[0]} now")
            gone.remove(name)
            new.remove(close[0])
    told += [f"{_few(names)} {what}" for names, what in ((gone, "gone"), (new, "new")) if names]
    other = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    if other:
        told.append(f"{_few(other)} binned otherwise")
    return told


def _few(names: Sequence[str]) -> str:
    many = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + many
