"""Which lumisections are explained in full, and with what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.model import Model
from dqm.model.tables import FeatureTable
from dqm.model.verdicts import WorkingPoint
from dqm.store.explanations import Explanations

SAMPLE = 50
"""One in so many of the lumisections that nobody will be asked about is explained as well, to compare with."""

TERMS = {"reconstruct": "reconstruction", "surprise": "surprise"}
"""What a detector may offer beside its explanation, as methods ``(table) -> (n, d)``."""


def explained_rows(
    table: FeatureTable, badness: NDArray[np.float32], held: NDArray[np.bool_], point: WorkingPoint | None
) -> NDArray[np.bool_]:
    """What is not accepted at the working point, and one in ``SAMPLE`` of the rest by its key, ``(n,)``."""
    key = table.run.astype(np.uint64) * np.uint64(1_000_003) + table.ls.astype(np.uint64)
    drawn = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)  # multiplicative hashing: spreads runs and numbers
    sample = drawn % np.uint64(SAMPLE) == 0
    scored = np.isfinite(badness)
    if point is None:
        return np.asarray(scored & sample)
    return np.asarray(scored & (sample | ~(badness < point.accept_below) | held))


def explanations(model: Model, table: FeatureTable, contribution: NDArray[np.float32]) -> Explanations:
    """Contributions of the model, and what its detectors offer, of ``n`` lumisections.

    The features themselves are kept where a reconstruction stands beside them.
    """
    features = table.where(role="feature")
    terms = {"contribution": contribution[:, features]}
    if any(hasattr(each.detector, "reconstruct") for each in model.members):
        terms["input"] = table.values[:, features]
    for title, each in zip(model.titles, model.members, strict=True):
        for method, name in TERMS.items():
            offered = getattr(each.detector, method, None)
            if offered is not None:
                terms[f"{name} of {title}"] = each.told(offered, table, np.nan)[:, features]
    names, units = (tuple(getattr(table.columns[j], what) for j in features) for what in ("name", "unit"))
    return Explanations(table.index, names, terms, units)  # type: ignore[arg-type]  # a lumisection index


def of_run(found: Explanations, run: int) -> Explanations:
    """Those of one run."""
    rows = np.asarray(found.index.get_level_values("run")) == run
    return replace(found, index=found.index[rows], terms={name: each[rows] for name, each in found.terms.items()})
