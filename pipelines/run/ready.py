"""What a worker loads before there is work for it: modules, kernels and the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from detectors.artifacts import load_known
from dqm.model.errors import ArtifactError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.store.schema import CHAMPION
from dqm.store.store import Store
from features.summaries import Summaries
from features.threads import one_thread
from pipelines.run import reduce_part, score_part

NEEDED = (reduce_part, score_part)
"""What the work is in; who loads this module has loaded them."""


def loading(store: Store) -> Callable[[], None]:
    """What gets a worker ready for the model that scores now, in any process that sees the folder of the store."""
    stored = store.pointed(CHAMPION)
    if stored is None:
        return ready
    return partial(ready, (store.path / stored.folder).absolute(), stored.provenance["manifest"])


def ready(folder: Path | None = None, manifest: str = "") -> None:
    """Run the kernels of summaries once, and load the bundle of a ``folder``; who needs it tells what is wrong with it.

    A kernel comes from the disk at its first call, which takes it a tenth of a second or more.
    """
    few = np.arange(8, dtype=np.int32).reshape(2, 4)
    summaries = Summaries()
    with one_thread():
        for run in (1, 2):
            batch = HistogramBatch(
                "E", (Axis(2, 0.0, 2.0),), np.full(2, run), np.array([1, 2]), few, few.sum(axis=1).astype(np.float64)
            )
            summaries.add([batch])
    if folder is not None:
        try:
            load_known(folder, manifest)
        except (ArtifactError, OSError):
            return
